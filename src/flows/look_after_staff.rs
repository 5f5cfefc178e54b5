//! An admin looks after logins: teams, rights, closing a login. What ends somebody's reach closes their open sockets.

pub use crate::store::{rights::Member, teams::Team};

use crate::{
    app::App,
    domain::{
        approval::Right,
        audit::{Deed, DeedKind},
        ids::{StaffId, TeamId},
        line::ReachedBy,
        people::{Actor, Role, Who},
    },
    error::Error,
    store::{OrgTx, audit::record, browser_lines, rights, teams},
};
use chrono::{DateTime, Utc};

/// Everybody who works here, and every team.
#[derive(Clone, Debug)]
pub struct House {
    /// Logins by name, open ones first.
    pub members: Vec<Member>,
    /// Teams, the first one first.
    pub teams: Vec<Team>,
}

/// Reads them. Names of staff are no patient's, so this is not a deed.
///
/// # Errors
/// `Forbidden` unless an admin.
pub async fn list(app: &App, actor: &Actor) -> Result<House, Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let house = House { members: rights::members(&mut tx, None).await?, teams: teams::all(&mut tx).await? };
    tx.commit().await?;
    Ok(house)
}

/// One change of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// They serve in a team from now on.
    Join(TeamId),
    /// Their time in a team ends.
    Leave(TeamId),
    /// They become a clinical lead.
    Grant(Right),
    /// They are no longer one.
    Revoke(Right),
    /// A nurse is reached this way from the next ring on.
    Reach(ReachedBy),
    /// Their login is closed and every session ends.
    Deactivate,
}

/// Makes the change.
///
/// # Errors
/// `Forbidden` unless an admin or the operator; `NotFound` for nobody here; `Conflict` when it does not fit the role, or
/// would close the admin's own login.
pub async fn change(app: &App, actor: &Actor, staff: StaffId, change: Change) -> Result<(), Error> {
    permit(actor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let member = rights::members(&mut tx, Some(staff)).await?.into_iter().next().ok_or(Error::NotFound)?;
    make(&mut tx, actor, &member, change, now).await?;
    tx.commit().await?;
    Ok(())
}

async fn make(tx: &mut OrgTx, actor: &Actor, member: &Member, change: Change, now: DateTime<Utc>) -> Result<(), Error> {
    let by = actor.staff_id();
    let of = |kind| Deed::of(kind).subject(member.id.0);
    match change {
        Change::Join(team) => {
            if !member.role.serves_patients() {
                return Err(conflict("Admins and auditors serve in no care team."));
            }
            let known = teams::all(tx).await?;
            known.iter().find(|one| one.id == team).ok_or(Error::NotFound)?;
            let receipt = record(tx, actor, &of(DeedKind::JoinedTeam).with("team", team), now).await?;
            teams::join(tx, &receipt, team, member.id, by, now).await
        }
        Change::Leave(team) => {
            let receipt = record(tx, actor, &of(DeedKind::LeftTeam).with("team", team), now).await?;
            teams::leave(tx, &receipt, Some(team), member.id, by, now).await.map(drop)
        }
        Change::Grant(right) => {
            if !matches!(member.role, Role::Nurse | Role::Physician) || !member.is_active {
                return Err(conflict("Only a nurse or a physician can be a clinical lead."));
            }
            let receipt = record(tx, actor, &of(DeedKind::GrantedRight).with("right", right.word()), now).await?;
            rights::grant(tx, &receipt, right, member.id, by, now).await
        }
        Change::Revoke(right) => {
            let receipt = record(tx, actor, &of(DeedKind::RevokedRight).with("right", right.word()), now).await?;
            rights::revoke(tx, &receipt, right, member.id, by, now).await
        }
        Change::Reach(way) => {
            if member.role != Role::Nurse || !member.is_active {
                return Err(conflict("Only a nurse has a line in the browser."));
            }
            let receipt = record(tx, actor, &of(DeedKind::ChoseLine).with("by", way.word()), now).await?;
            browser_lines::choose(tx, &receipt, member.id, way).await
        }
        Change::Deactivate => {
            if Some(member.id) == by {
                return Err(conflict("Nobody closes their own login; another admin does."));
            }
            let receipt = record(tx, actor, &of(DeedKind::DeactivatedStaff), now).await?;
            teams::leave(tx, &receipt, None, member.id, by, now).await?;
            rights::revoke(tx, &receipt, Right::ClinicalLead, member.id, by, now).await?;
            rights::close_login(tx, &receipt, member.id, now).await
        }
    }
}

/// Makes a new care team.
///
/// # Errors
/// `Forbidden` unless an admin or the operator; `Invalid` for a name that is empty or too long; `Conflict` when it is taken.
pub async fn add_team(app: &App, actor: &Actor, name: &str) -> Result<TeamId, Error> {
    permit(actor)?;
    let name = name.trim();
    if !(1..=80).contains(&name.chars().count()) {
        return Err(Error::Invalid("name: write 1 to 80 characters, such as North".to_owned()));
    }
    let now = app.clock.now();
    let team = Team { id: TeamId::at(now), name: name.to_owned() };
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::AddedTeam).subject(team.id.0), now).await?;
    teams::add(&mut tx, &receipt, &team, actor.staff_id(), now).await?;
    tx.commit().await?;
    Ok(team.id)
}

fn conflict(text: &str) -> Error {
    Error::Conflict(text.to_owned())
}

const fn permit(actor: &Actor) -> Result<(), Error> {
    match actor.who {
        Who::Operator | Who::Staff { role: Role::Admin, .. } => Ok(()),
        Who::Staff { role: Role::Nurse | Role::Coordinator | Role::Physician | Role::Auditor, .. }
        | Who::Careline
        | Who::Carrier
        | Who::Visitor => Err(Error::Forbidden),
    }
}
