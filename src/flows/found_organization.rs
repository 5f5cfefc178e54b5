//! Founds an organization: the operator's first deed on a new installation.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{OrgId, TeamId},
        people::{Actor, PhoneNumber, Who},
    },
    error::Error,
    store::{
        audit, organizations,
        teams::{self, Team},
    },
};
use chrono_tz::Tz;

/// An organization as a person types it.
pub struct NewOrganization {
    /// The code staff type when they sign in: small letters, digits and hyphens.
    pub code: String,
    /// Its name, spoken to callers once identity is proven.
    pub name: String,
    /// ISO 3166 alpha-2 code, such as `US`.
    pub country: String,
    /// IANA zone, such as `America/Chicago`.
    pub time_zone: String,
    /// The number calls come from.
    pub caller_number: String,
}

/// Founds it, with a first care team; returns the actor for what the operator does in it next.
///
/// # Errors
/// `Invalid` naming every faulty field; `Conflict` when the code is taken.
pub async fn found(app: &App, new: NewOrganization) -> Result<Actor, Error> {
    let now = app.clock.now();
    let row = faultless(new)?;
    let actor = Actor { org: OrgId::at(now), who: Who::Operator };
    let mut tx = app.db.begin(&actor).await?;
    let team = Team { id: TeamId::at(now), name: teams::FIRST_TEAM.to_owned() };
    let deed = Deed::of(DeedKind::FoundedOrganization).subject(actor.org.0).with("team", team.id);
    let receipt = audit::record(&mut tx, &actor, &deed, now).await?;
    organizations::found(&mut tx, &receipt, &row, now).await?;
    teams::add(&mut tx, &receipt, &team, None, now).await?;
    tx.commit().await?;
    Ok(actor)
}

/// The operator's actor in the organization of a code.
///
/// # Errors
/// `Invalid` naming the codes there are.
pub async fn operator_in(app: &App, code: &str) -> Result<Actor, Error> {
    let organizations = app.db.organizations().await?;
    if let Some((org, _)) = organizations.iter().find(|(_, known)| known == code) {
        return Ok(Actor { org: *org, who: Who::Operator });
    }
    let known: Vec<&str> = organizations.iter().map(|(_, code)| code.as_str()).collect();
    Err(Error::Invalid(if known.is_empty() {
        "there is no organization yet; found one with `careline organization add`".to_owned()
    } else {
        format!("no organization has the code {code}; there are: {}", known.join(", "))
    }))
}

/// The operator's actor in every organization, with its code.
///
/// # Errors
/// When the database is away.
pub async fn operator_everywhere(app: &App) -> Result<Vec<(Actor, String)>, Error> {
    let organizations = app.db.organizations().await?;
    Ok(organizations.into_iter().map(|(org, code)| (Actor { org, who: Who::Operator }, code)).collect())
}

/// Names every faulty field at once.
fn faultless(new: NewOrganization) -> Result<organizations::NewOrganization, Error> {
    let mut faults = Vec::new();
    let spelled = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(2..=40).contains(&new.code.len()) || !new.code.bytes().all(spelled) {
        faults.push("code: write 2 to 40 small letters, digits and hyphens".to_owned());
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 200 {
        faults.push("name: write 1 to 200 characters".to_owned());
    }
    let time_zone: Result<Tz, _> = new.time_zone.parse();
    if time_zone.is_err() {
        faults.push("time zone: write an IANA name such as America/Chicago".to_owned());
    }
    let caller_number = PhoneNumber::parse(&new.caller_number, &new.country);
    if let Err(fault) = &caller_number {
        faults.push(format!("caller number: {fault}"));
    }
    match (time_zone, caller_number) {
        (Ok(time_zone), Ok(caller_number)) if faults.is_empty() => Ok(organizations::NewOrganization {
            code: new.code,
            name: new.name.trim().to_owned(),
            country: new.country,
            time_zone,
            caller_number,
        }),
        _ => Err(Error::Invalid(faults.join("; "))),
    }
}
