//! Who somebody is here, whom a provider vouches for, and what their groups make of them.

use crate::{
    domain::{
        audit::{Deed, DeedKind},
        ids::StaffId,
        password::StoredPassword,
        people::{Actor, Role},
        private::Private,
        sign_on::{GroupRole, Person, role_of, team_of},
    },
    error::Error,
    store::{
        OrgTx, audit,
        identity_links::{self as links, Known, LoginState},
        sessions,
        sign_on::{self, SignOn},
        staff, teams,
    },
};
use chrono::{DateTime, Utc};

/// Somebody who may come in.
pub(super) struct Admitted {
    pub(super) staff: StaffId,
    pub(super) role: Role,
}

/// Lets them in, or says why not. Their role follows their groups at every sign-in; whoever has none left is closed, and
/// every session and token of theirs with them.
pub(super) async fn admit(
    tx: &mut OrgTx,
    person: &Person,
    trusted: &SignOn,
    now: DateTime<Utc>,
) -> Result<Result<Admitted, &'static str>, Error> {
    let meanings = sign_on::groups(tx).await?;
    if let Some(known) = links::linked(tx, &trusted.issuer, &person.subject).await? {
        if trusted.break_glass == Some(known.staff) {
            return Ok(Err("break_glass"));
        }
        return admit_known(tx, person, &meanings, known, now).await;
    }
    let Some(email) = &person.email else { return Ok(Err("address_not_verified")) };
    match links::by_address(tx, &trusted.issuer, email.reveal()).await? {
        Some((known, _)) if trusted.break_glass == Some(known.staff) => Ok(Err("break_glass")),
        // Addresses are given to new people; the provider's own id of a person is not.
        Some((_, true)) => Ok(Err("address_of_another")),
        Some((known, false)) => {
            let Some(role) = role_of(&person.groups, &meanings, Some(known.role)) else { return Ok(Err("no_group")) };
            if known.login != LoginState::Open {
                return Ok(Err("closed"));
            }
            link(tx, trusted, person, known.staff, now).await?;
            follow(tx, &known, role, now).await?;
            Ok(Ok(Admitted { staff: known.staff, role }))
        }
        None => match role_of(&person.groups, &meanings, None) {
            Some(role) => add(tx, person, trusted, email, role, &meanings, now).await.map(Ok),
            None => Ok(Err("no_group")),
        },
    }
}

async fn admit_known(
    tx: &mut OrgTx,
    person: &Person,
    meanings: &[GroupRole],
    known: Known,
    now: DateTime<Utc>,
) -> Result<Result<Admitted, &'static str>, Error> {
    if known.login == LoginState::Closed {
        return Ok(Err("closed"));
    }
    match role_of(&person.groups, meanings, Some(known.role)) {
        Some(role) => {
            follow(tx, &known, role, now).await?;
            Ok(Ok(Admitted { staff: known.staff, role }))
        }
        None => {
            if known.login == LoginState::Open {
                let deed = Deed::of(DeedKind::FollowedGroups).subject(known.staff.0).with("from", known.role.word());
                let receipt = audit::record(tx, &Actor::careline(tx.org()), &deed.with("to", "none"), now).await?;
                links::close(tx, &receipt, known.staff, now).await?;
                sessions::end_all(tx, &receipt, known.staff, None, now).await?;
            }
            Ok(Err("no_group"))
        }
    }
}

/// Makes somebody what their groups say. A role that changes ends the sessions of the old one.
async fn follow(tx: &mut OrgTx, known: &Known, role: Role, now: DateTime<Utc>) -> Result<(), Error> {
    if known.role == role && known.login == LoginState::Open {
        return Ok(());
    }
    let actor = Actor::careline(tx.org());
    let from = if known.login == LoginState::Open { known.role.word() } else { "none" };
    let deed = Deed::of(DeedKind::FollowedGroups).subject(known.staff.0).with("from", from).with("to", role.word());
    let receipt = audit::record(tx, &actor, &deed, now).await?;
    links::follow(tx, &receipt, known.staff, role).await?;
    sessions::end_all(tx, &receipt, known.staff, None, now).await?;
    if !role.serves_patients() {
        teams::leave(tx, &receipt, None, known.staff, None, now).await?;
    }
    Ok(())
}

async fn link(
    tx: &mut OrgTx,
    trusted: &SignOn,
    person: &Person,
    staff: StaffId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = Deed::of(DeedKind::LinkedIdentity).subject(staff.0);
    let receipt = audit::record(tx, &Actor::careline(tx.org()), &deed, now).await?;
    links::link(tx, &receipt, &trusted.issuer, &person.subject, staff, now).await
}

/// Adds somebody nobody here has seen before: without a password, in the care team their group names, or in the only one.
async fn add(
    tx: &mut OrgTx,
    person: &Person,
    trusted: &SignOn,
    email: &Private<String>,
    role: Role,
    meanings: &[GroupRole],
    now: DateTime<Utc>,
) -> Result<Admitted, Error> {
    let actor = Actor::careline(tx.org());
    let new = staff::NewStaff {
        id: StaffId::at(now),
        email: email.reveal().to_lowercase(),
        full_name: person.full_name.reveal().chars().filter(|letter| !letter.is_control()).take(200).collect(),
        role,
        password: StoredPassword::nobodys(),
        phone: None,
        on_duty: false,
    };
    let deed = Deed::of(DeedKind::AddedStaff).subject(new.id.0).with("role", role.word()).with("by", "single_sign_on");
    let receipt = audit::record(tx, &actor, &deed, now).await?;
    staff::add(tx, &receipt, &new, now).await?;
    if role.serves_patients() {
        let named = team_of(&person.groups, meanings, role);
        let teams = teams::all(tx).await?;
        let only = teams.len() == 1;
        if let Some(team) = teams.into_iter().find(|team| named.map_or(only, |named| team.name == named)) {
            let deed = Deed::of(DeedKind::JoinedTeam).subject(new.id.0).with("team", team.id);
            let receipt = audit::record(tx, &actor, &deed, now).await?;
            teams::join(tx, &receipt, team.id, new.id, None, now).await?;
        }
    }
    link(tx, trusted, person, new.id, now).await?;
    Ok(Admitted { staff: new.id, role })
}
