//! Care teams, who serves in them, and whose patients an actor reaches. The policies of the database decide; what is asked
//! here adds the time an urgent access has left.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::{BreakGlassId, MembershipId, PatientId, StaffId, TeamId},
        people::{Actor, Who},
        reach::{Reach, UrgentAccess},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// The team an organization is founded with.
pub const FIRST_TEAM: &str = "Care team";

/// One care team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
}

/// How an actor reaches a patient at an instant.
///
/// # Errors
/// `NotFound` when they do not, or there is no such patient in this organization: the two look the same.
pub async fn reach(tx: &mut OrgTx, actor: &Actor, patient: PatientId, now: DateTime<Utc>) -> Result<Reach, Error> {
    let staff = match actor.who {
        Who::Staff { id, .. } => id,
        Who::Careline | Who::Carrier | Who::Operator => return Ok(Reach::Everyone),
        Who::Visitor => return Err(Error::NotFound),
    };
    let org = tx.org();
    let row = sqlx::query!(
        r#"select exists (select
                            from team_member m
                           where m.org_id = p.org_id
                             and m.team_id = p.team_id
                             and m.staff_id = $3
                             and m.ended_at is null) as "serves!",
                  b.id as "urgent?", b.ends_at as "ends_at?"
             from patient p
             left join break_glass b on b.org_id = p.org_id
                                    and b.patient_id = p.id
                                    and b.staff_id = $3
                                    and b.ended_at is null
                                    and b.ends_at > $4
            where p.org_id = $1
              and p.id = $2"#,
        org.0,
        patient.0,
        staff.0,
        now
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    match (row.serves, row.urgent, row.ends_at) {
        (true, _, _) => Ok(Reach::Team),
        (false, Some(id), Some(ends_at)) => Ok(Reach::Urgent(UrgentAccess { id: BreakGlassId(id), ends_at })),
        (false, _, _) => Err(Error::NotFound),
    }
}

/// Writes a new team.
///
/// # Errors
/// `Conflict` when the organization has a team of this name.
pub async fn add(
    tx: &mut OrgTx,
    _: &Receipt,
    team: &Team,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into care_team (org_id, id, name, created_at, created_by)
         values ($1, $2, $3, $4, $5)
         on conflict (org_id, name) do nothing",
        org.0,
        team.id.0,
        team.name,
        now,
        by.map(|by| by.0)
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Conflict("a care team of this name exists already; choose another name".to_owned()))
}

/// Every team, the first one first.
///
/// # Errors
/// When the database is away.
pub async fn all(tx: &mut OrgTx) -> Result<Vec<Team>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, name
           from care_team
          where org_id = $1
          order by created_at, id",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| Team { id: TeamId(row.id), name: row.name }).collect())
}

/// The teams a staff member serves, the longest served first.
///
/// # Errors
/// When the database is away.
pub async fn served_by(tx: &mut OrgTx, staff: StaffId) -> Result<Vec<Team>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select t.id, t.name
           from team_member m
           join care_team t on t.org_id = m.org_id and t.id = m.team_id
          where m.org_id = $1
            and m.staff_id = $2
            and m.ended_at is null
          order by m.since, t.created_at, t.id",
        org.0,
        staff.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| Team { id: TeamId(row.id), name: row.name }).collect())
}

/// Lets a staff member serve in a team from now on. Somebody who does already stays as they are.
///
/// # Errors
/// When the staff member or the team is not of this organization.
pub async fn join(
    tx: &mut OrgTx,
    _: &Receipt,
    team: TeamId,
    staff: StaffId,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into team_member (org_id, id, team_id, staff_id, since, added_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, staff_id, team_id) where ended_at is null do nothing",
        org.0,
        MembershipId::at(now).0,
        team.0,
        staff.0,
        now,
        by.map(|by| by.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Ends a staff member's time in a team, or in every team.
///
/// # Errors
/// When the database is away.
pub async fn leave(
    tx: &mut OrgTx,
    _: &Receipt,
    team: Option<TeamId>,
    staff: StaffId,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let org = tx.org();
    let ended = sqlx::query!(
        "update team_member
            set ended_at = $4, ended_by = $5
          where org_id = $1
            and staff_id = $2
            and ($3::uuid is null or team_id = $3)
            and ended_at is null",
        org.0,
        staff.0,
        team.map(|team| team.0),
        now,
        by.map(|by| by.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(ended.rows_affected())
}

/// The team of a patient the actor reaches; `None` for one who has none.
///
/// # Errors
/// `NotFound` when they do not reach them.
pub async fn of_patient(tx: &mut OrgTx, patient: PatientId) -> Result<Option<Team>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select t.id as "id?", t.name as "name?"
             from patient p
             left join care_team t on t.org_id = p.org_id and t.id = p.team_id
            where p.org_id = $1
              and p.id = $2"#,
        org.0,
        patient.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(row.id.zip(row.name).map(|(id, name)| Team { id: TeamId(id), name }))
}

/// Hands a patient to another team. The database refuses it to whoever does not serve that team.
///
/// # Errors
/// When the database is away or refuses.
pub async fn hand_over(tx: &mut OrgTx, _: &Receipt, patient: PatientId, to: TeamId) -> Result<(), Error> {
    let org = tx.org();
    let moved = sqlx::query!(
        "update patient
            set team_id = $3
          where org_id = $1
            and id = $2",
        org.0,
        patient.0,
        to.0
    )
    .execute(tx.connection())
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound) }
}
