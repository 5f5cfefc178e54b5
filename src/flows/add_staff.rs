//! Adds a staff member: the first by the operator at the machine, later ones by an admin.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::StaffId,
        people::{Actor, PhoneNumber, Role, Who},
        private::Private,
    },
    error::Error,
    store::{
        audit, organizations, staff,
        teams::{self, Team},
    },
};

/// A staff member as a person types them.
pub struct NewStaff {
    /// E-mail address: the name they sign in with.
    pub email: String,
    /// Full name.
    pub full_name: String,
    /// What they may do.
    pub role: Role,
    /// Their first password.
    pub password: Private<String>,
    /// Where they take calls; empty is nowhere.
    pub phone: String,
    /// Whether calls may be put through to them now.
    pub duty: Duty,
    /// The care team they serve, by name; empty is the first one. Admins and auditors serve in none.
    pub team: String,
}

/// Whether calls may be put through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Yes.
    On,
    /// No.
    Off,
}

/// Adds them.
///
/// # Errors
/// `Forbidden` for anybody but an admin and the operator; `Invalid` naming every faulty field; `Conflict` when the
/// e-mail address is taken.
pub async fn add(app: &App, actor: &Actor, new: NewStaff) -> Result<StaffId, Error> {
    match actor.who {
        Who::Operator | Who::Staff { role: Role::Admin, .. } => {}
        Who::Staff { .. } | Who::Careline | Who::Carrier | Who::Visitor => return Err(Error::Forbidden),
    }
    if new.role == Role::Admin && actor.role().is_some() {
        let text = "role: it takes two admins to make a third; add them in another role and ask for approval";
        return Err(Error::Invalid(text.to_owned()));
    }
    let now = app.clock.now();
    let (country, (name, code), teams) = {
        let mut tx = app.db.begin(actor).await?;
        (organizations::country(&mut tx).await?, organizations::names(&mut tx).await?, teams::all(&mut tx).await?)
    };
    let phone = faultless(&new, &country)?;
    let team = team_of(teams, new.role, &new.team)?;
    let place = app.passwords.queue()?;
    let about = [new.full_name.as_str(), new.email.as_str(), name.as_str(), code.as_str()];
    let password = app.passwords.store(&place, actor.org, &new.password, &about).await?;
    let row = staff::NewStaff {
        id: StaffId::at(now),
        email: new.email.trim().to_lowercase(),
        full_name: new.full_name.trim().to_owned(),
        role: new.role,
        password,
        phone,
        on_duty: new.duty == Duty::On,
    };
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::AddedStaff).subject(row.id.0).with("role", row.role.word());
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    staff::add(&mut tx, &receipt, &row, now).await?;
    if let Some(team) = team {
        let deed = Deed::of(DeedKind::JoinedTeam).subject(row.id.0).with("team", team.id);
        let receipt = audit::record(&mut tx, actor, &deed, now).await?;
        teams::join(&mut tx, &receipt, team.id, row.id, actor.staff_id(), now).await?;
    }
    tx.commit().await?;
    Ok(row.id)
}

/// The team they will serve, or why there is none.
fn team_of(teams: Vec<Team>, role: Role, asked: &str) -> Result<Option<Team>, Error> {
    let asked = asked.trim();
    match (role.serves_patients(), asked) {
        (false, "") => Ok(None),
        (false, _) => {
            Err(Error::Invalid(format!("team: {role} serves in no care team; leave it out", role = role.word())))
        }
        (true, _) => {
            let names = teams.iter().map(|team| team.name.clone()).collect::<Vec<_>>().join(", ");
            let found = teams.into_iter().find(|team| asked.is_empty() || team.name == asked);
            found.map(Some).ok_or_else(|| Error::Invalid(format!("team: there is no {asked}; there are: {names}")))
        }
    }
}

/// Names every faulty field at once.
fn faultless(new: &NewStaff, country: &str) -> Result<Option<PhoneNumber>, Error> {
    let mut faults = Vec::new();
    let email = new.email.trim();
    let parts = email.split_once('@').filter(|(name, host)| !name.is_empty() && host.contains('.'));
    if parts.is_none() || email.contains(char::is_whitespace) || email.len() > 254 {
        faults.push("e-mail: write an address such as name@example.org".to_owned());
    }
    if new.full_name.trim().is_empty() || new.full_name.chars().count() > 200 {
        faults.push("full name: write 1 to 200 characters".to_owned());
    }
    let typed = new.phone.trim();
    let phone = (!typed.is_empty()).then(|| PhoneNumber::parse(typed, country)).transpose();
    match phone {
        Ok(phone) if faults.is_empty() => return Ok(phone),
        Ok(_) => {}
        Err(fault) => faults.push(format!("telephone: {fault}")),
    }
    Err(Error::Invalid(faults.join("; ")))
}
