//! While one nurse is away another has their calls: the cover, and the calls that change hands with it.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::ids::{CallId, CoverId, PatientId, StaffId},
    error::Error,
};
use chrono::{DateTime, Utc};

/// One cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Its id.
    pub id: CoverId,
    /// Who is away.
    pub away: StaffId,
    /// Who has their calls.
    pub by: StaffId,
    /// From when.
    pub from_at: DateTime<Utc>,
    /// Until when.
    pub until_at: DateTime<Utc>,
}

/// A cover that is not over, with the calls that still wait under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCover {
    /// The cover.
    pub cover: Cover,
    /// Calls that wait and changed hands.
    pub calls: i64,
}

/// Writes a cover.
///
/// # Errors
/// When one of the two is not of this organization.
pub async fn add(
    tx: &mut OrgTx,
    _: &Receipt,
    cover: &Cover,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into cover (org_id, id, away_id, by_id, from_at, until_at, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        cover.id.0,
        cover.away.0,
        cover.by.0,
        cover.from_at,
        cover.until_at,
        by.map(|by| by.0),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Ends a cover that is not over, and says what it was.
///
/// # Errors
/// `NotFound` when there is none of that id, or it is over.
pub async fn end(tx: &mut OrgTx, id: CoverId, by: Option<StaffId>, now: DateTime<Utc>) -> Result<Cover, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "update cover
            set ended_at = $3, ended_by = $4
          where org_id = $1
            and id = $2
            and ended_at is null
            and until_at > $3
        returning away_id, by_id, from_at, until_at",
        org.0,
        id.0,
        now,
        by.map(|by| by.0)
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let (away, by) = (StaffId(row.away_id), StaffId(row.by_id));
    Ok(Cover { id, away, by, from_at: row.from_at, until_at: row.until_at })
}

/// Covers that are not over, first ones first.
///
/// # Errors
/// When the database is away.
pub async fn open(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<Vec<KeptCover>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select v.id, v.away_id, v.by_id, v.from_at, v.until_at,
                  (select count(*)
                     from call c
                    where c.org_id = v.org_id
                      and c.nurse_id = v.by_id
                      and c.covers_for = v.away_id
                      and c.state = 'scheduled'
                      and c.due_at >= v.from_at
                      and c.due_at < v.until_at) as "calls!"
             from cover v
            where v.org_id = $1
              and v.ended_at is null
              and v.until_at > $2
            order by v.from_at, v.id"#,
        org.0,
        now
    )
    .fetch_all(tx.connection())
    .await?;
    let kept = rows.into_iter().map(|row| KeptCover {
        cover: Cover {
            id: CoverId(row.id),
            away: StaffId(row.away_id),
            by: StaffId(row.by_id),
            from_at: row.from_at,
            until_at: row.until_at,
        },
        calls: row.calls,
    });
    Ok(kept.collect())
}

/// Whether a stretch of time is taken: by another cover of the same person, or because who covers is away then themself.
///
/// # Errors
/// When the database is away.
pub async fn overlaps(tx: &mut OrgTx, cover: &Cover) -> Result<bool, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!(
        r#"select exists (select 1
                            from cover
                           where org_id = $1
                             and away_id in ($2, $3)
                             and ended_at is null
                             and from_at < $5
                             and until_at > $4) as "found!""#,
        org.0,
        cover.away.0,
        cover.by.0,
        cover.from_at,
        cover.until_at
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(found)
}

/// Who has somebody's calls at an instant.
///
/// # Errors
/// When the database is away.
pub async fn of(tx: &mut OrgTx, away: StaffId, at: DateTime<Utc>) -> Result<Option<StaffId>, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!(
        "select by_id
           from cover
          where org_id = $1
            and away_id = $2
            and ended_at is null
            and from_at <= $3
            and until_at > $3
          limit 1",
        org.0,
        away.0,
        at
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(found.map(StaffId))
}

/// Who is away at an instant, each with who has their calls.
///
/// # Errors
/// When the database is away.
pub async fn at(tx: &mut OrgTx, at: DateTime<Utc>) -> Result<Vec<(StaffId, StaffId)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select away_id, by_id
           from cover
          where org_id = $1
            and ended_at is null
            and from_at <= $2
            and until_at > $2",
        org.0,
        at
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (StaffId(row.away_id), StaffId(row.by_id))).collect())
}

/// A call that changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The call.
    pub call: CallId,
    /// Whose.
    pub patient: PatientId,
}

/// Gives the waiting calls of whoever is away to whoever covers, as far as they serve the patient's care team: nobody else
/// could open the chart.
///
/// # Errors
/// When the database is away.
pub async fn give(tx: &mut OrgTx, cover: &Cover) -> Result<Vec<Moved>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "update call c
            set nurse_id = $3, covers_for = $2
           from patient p, team_member m
          where c.org_id = $1
            and c.nurse_id = $2
            and c.state = 'scheduled'
            and c.due_at >= $4
            and c.due_at < $5
            and p.org_id = c.org_id
            and p.id = c.patient_id
            and m.org_id = p.org_id
            and m.team_id = p.team_id
            and m.staff_id = $3
            and m.ended_at is null
        returning c.id, c.patient_id",
        org.0,
        cover.away.0,
        cover.by.0,
        cover.from_at,
        cover.until_at
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| Moved { call: CallId(row.id), patient: PatientId(row.patient_id) }).collect())
}

/// Gives back what still waits.
///
/// # Errors
/// When the database is away.
pub async fn give_back(tx: &mut OrgTx, cover: &Cover) -> Result<Vec<Moved>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "update call
            set nurse_id = $2, covers_for = null
          where org_id = $1
            and nurse_id = $3
            and covers_for = $2
            and state = 'scheduled'
            and due_at >= $4
            and due_at < $5
        returning id, patient_id",
        org.0,
        cover.away.0,
        cover.by.0,
        cover.from_at,
        cover.until_at
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| Moved { call: CallId(row.id), patient: PatientId(row.patient_id) }).collect())
}

/// Calls of whoever is away that nobody has: those whose patient is of a team that who covers does not serve.
///
/// # Errors
/// When the database is away.
pub async fn left_behind(tx: &mut OrgTx, cover: &Cover) -> Result<i64, Error> {
    let org = tx.org();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
             from call
            where org_id = $1
              and nurse_id = $2
              and state = 'scheduled'
              and due_at >= $3
              and due_at < $4"#,
        org.0,
        cover.away.0,
        cover.from_at,
        cover.until_at
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(count)
}

/// Whether a staff member serves a patient's care team.
///
/// # Errors
/// When the database is away.
pub async fn serves(tx: &mut OrgTx, staff: StaffId, patient: PatientId) -> Result<bool, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!(
        r#"select exists (select 1
                            from team_member m
                            join patient p on p.org_id = m.org_id and p.team_id = m.team_id
                           where m.org_id = $1
                             and m.staff_id = $2
                             and m.ended_at is null
                             and p.id = $3) as "found!""#,
        org.0,
        staff.0,
        patient.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(found)
}
