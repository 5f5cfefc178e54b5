//! When nurses work, what they speak, where they are licensed.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::{ExceptionId, ShiftId, StaffId},
        people::Language,
        roster::{Difference, Exception, Hours, Roster, Shift},
    },
    error::Error,
};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use std::collections::BTreeMap;

/// A shift as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptShift {
    /// Its id.
    pub id: ShiftId,
    /// Whose.
    pub staff: StaffId,
    /// The shift.
    pub shift: Shift,
}

/// A day that differs, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptException {
    /// Its id.
    pub id: ExceptionId,
    /// Whose.
    pub staff: StaffId,
    /// The day.
    pub exception: Exception,
}

/// Every shift, by weekday and hour.
///
/// # Errors
/// When the database is away.
pub async fn shifts(tx: &mut OrgTx) -> Result<Vec<KeptShift>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, staff_id, weekday, from_local, until_local, starts_on, ends_on
           from shift
          where org_id = $1
          order by staff_id, weekday, from_local",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    let kept = rows.into_iter().map(|row| KeptShift {
        id: ShiftId(row.id),
        staff: StaffId(row.staff_id),
        shift: Shift {
            weekday: u32::try_from(row.weekday).unwrap_or(0),
            hours: Hours { from: row.from_local, until: row.until_local },
            starts_on: row.starts_on,
            ends_on: row.ends_on,
        },
    });
    Ok(kept.collect())
}

/// Days that differ, from a day on.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn exceptions(tx: &mut OrgTx, since: NaiveDate) -> Result<Vec<KeptException>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, staff_id, day, kind, from_local, until_local
           from shift_exception
          where org_id = $1
            and day >= $2
          order by day, staff_id",
        org.0,
        since
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let difference = Difference::from_word(&row.kind)
                .ok_or_else(|| Error::Fault("a stored day of a roster cannot be read".to_owned()))?;
            let hours = Hours { from: row.from_local, until: row.until_local };
            let exception = Exception { day: row.day, difference, hours };
            Ok(KeptException { id: ExceptionId(row.id), staff: StaffId(row.staff_id), exception })
        })
        .collect()
}

/// Everybody's roster, with the days that differ around an instant and later.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn all(tx: &mut OrgTx, at: DateTime<Utc>) -> Result<BTreeMap<StaffId, Roster>, Error> {
    let mut rosters: BTreeMap<StaffId, Roster> = BTreeMap::new();
    for kept in shifts(tx).await? {
        rosters.entry(kept.staff).or_default().shifts.push(kept.shift);
    }
    for kept in exceptions(tx, (at - Duration::days(2)).date_naive()).await? {
        rosters.entry(kept.staff).or_default().exceptions.push(kept.exception);
    }
    Ok(rosters)
}

/// Writes a shift.
///
/// # Errors
/// When the staff member is not of this organization.
pub async fn add_shift(tx: &mut OrgTx, _: &Receipt, kept: &KeptShift) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into shift (org_id, id, staff_id, weekday, from_local, until_local, starts_on, ends_on)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        kept.id.0,
        kept.staff.0,
        i32::try_from(kept.shift.weekday).unwrap_or(0),
        kept.shift.hours.from,
        kept.shift.hours.until,
        kept.shift.starts_on,
        kept.shift.ends_on
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Removes a shift; whose it was.
///
/// # Errors
/// `NotFound` when there is no such shift.
pub async fn remove_shift(tx: &mut OrgTx, id: ShiftId) -> Result<StaffId, Error> {
    let org = tx.org();
    let whose = sqlx::query_scalar!("delete from shift where org_id = $1 and id = $2 returning staff_id", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(StaffId(whose))
}

/// Writes a day that differs; the last word on a day counts.
///
/// # Errors
/// When the staff member is not of this organization.
pub async fn add_exception(tx: &mut OrgTx, _: &Receipt, kept: &KeptException) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into shift_exception (org_id, id, staff_id, day, kind, from_local, until_local)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (org_id, staff_id, day, kind) do update
            set from_local = excluded.from_local, until_local = excluded.until_local",
        org.0,
        kept.id.0,
        kept.staff.0,
        kept.exception.day,
        kept.exception.difference.word(),
        kept.exception.hours.from,
        kept.exception.hours.until
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes back what differs about a day; whose it was.
///
/// # Errors
/// `NotFound` when there is nothing of that id.
pub async fn remove_exception(tx: &mut OrgTx, id: ExceptionId) -> Result<StaffId, Error> {
    let org = tx.org();
    let whose = sqlx::query_scalar!(
        "delete from shift_exception where org_id = $1 and id = $2 returning staff_id",
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(StaffId(whose))
}

/// What a nurse brings along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Languages they speak; none is "not known".
    pub languages: Vec<Language>,
    /// Where they are licensed (ISO 3166-2); none is "not known".
    pub regions: Vec<String>,
}

/// Everybody's languages and licences, as far as they are written down.
///
/// # Errors
/// When the database is away or a stored language cannot be read.
pub async fn abilities(tx: &mut OrgTx) -> Result<BTreeMap<StaffId, Abilities>, Error> {
    let org = tx.org();
    let mut found: BTreeMap<StaffId, Abilities> = BTreeMap::new();
    let spoken =
        sqlx::query!("select staff_id, language from staff_language where org_id = $1 order by language", org.0)
            .fetch_all(tx.connection())
            .await?;
    for row in spoken {
        let language = Language::from_tag(&row.language)
            .ok_or_else(|| Error::Fault("a stored language cannot be read".to_owned()))?;
        found.entry(StaffId(row.staff_id)).or_default().languages.push(language);
    }
    let licences = sqlx::query!("select staff_id, region from staff_licence where org_id = $1 order by region", org.0)
        .fetch_all(tx.connection())
        .await?;
    for row in licences {
        found.entry(StaffId(row.staff_id)).or_default().regions.push(row.region);
    }
    Ok(found)
}

/// Writes what a nurse brings along, in place of what was written before.
///
/// # Errors
/// When the staff member is not of this organization.
pub async fn set_abilities(tx: &mut OrgTx, _: &Receipt, staff: StaffId, new: &Abilities) -> Result<(), Error> {
    let org = tx.org();
    let languages: Vec<String> = new.languages.iter().map(|language| language.tag().to_owned()).collect();
    sqlx::query!("delete from staff_language where org_id = $1 and staff_id = $2", org.0, staff.0)
        .execute(tx.connection())
        .await?;
    sqlx::query!("delete from staff_licence where org_id = $1 and staff_id = $2", org.0, staff.0)
        .execute(tx.connection())
        .await?;
    sqlx::query!(
        "insert into staff_language (org_id, staff_id, language)
         select $1, $2, unnest($3::text[])",
        org.0,
        staff.0,
        &languages
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!(
        "insert into staff_licence (org_id, staff_id, region)
         select $1, $2, unnest($3::text[])",
        org.0,
        staff.0,
        &new.regions
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
