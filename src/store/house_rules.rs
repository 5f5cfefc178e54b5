//! The organization's own rules of contact: calling hours, how often a number is rung, holidays.

use super::{OrgTx, audit::Receipt, worklist};
use crate::{
    domain::{
        answering::VoicemailRule,
        contact_hours::ContactHours,
        ids::StaffId,
        office_hours::{AfterHours, Office},
    },
    error::Error,
};
use chrono::{DateTime, NaiveDate, Utc};

/// Hours and caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallingRules {
    /// Calling hours, in the patient's zone.
    pub hours: ContactHours,
    /// Rings of one number on one local day, 1 to 50.
    pub most_rings_day: i32,
    /// Rings of one number in seven local days; no fewer than on one.
    pub most_rings_week: i32,
    /// What a voicemail is told, where a patient has no rule of their own.
    pub voicemail: VoicemailRule,
    /// What happens to whoever rings outside the hours, on the organization's clock.
    pub after_hours: AfterHours,
}

/// One day on which nobody is contacted by plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// The day, on the patient's calendar.
    pub day: NaiveDate,
    /// What it is called.
    pub name: String,
}

/// Reads hours and caps.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn calling_rules(tx: &mut OrgTx) -> Result<CallingRules, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select calling_from, calling_until, most_rings_day, most_rings_week, voicemail, after_hours
           from organization
          where org_id = $1",
        org.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(CallingRules {
        hours: ContactHours { from: row.calling_from, until: row.calling_until },
        most_rings_day: row.most_rings_day,
        most_rings_week: row.most_rings_week,
        voicemail: VoicemailRule::from_word(&row.voicemail)
            .ok_or_else(|| Error::Fault("the stored rule on voicemails cannot be read".to_owned()))?,
        after_hours: AfterHours::from_word(&row.after_hours)
            .ok_or_else(|| Error::Fault("the stored rule after hours cannot be read".to_owned()))?,
    })
}

/// Writes hours and caps. Whatever is held back or due is asked anew when its time comes.
///
/// # Errors
/// When the database is away or refuses the numbers.
pub async fn set_calling_rules(tx: &mut OrgTx, _: &Receipt, rules: &CallingRules) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update organization
            set calling_from = $2, calling_until = $3, most_rings_day = $4, most_rings_week = $5, voicemail = $6,
                after_hours = $7
          where org_id = $1",
        org.0,
        rules.hours.from,
        rules.hours.until,
        rules.most_rings_day,
        rules.most_rings_week,
        rules.voicemail.word(),
        rules.after_hours.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What the automatic voice tells people to dial in an emergency.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn emergency_number(tx: &mut OrgTx) -> Result<String, Error> {
    let org = tx.org();
    sqlx::query_scalar!("select emergency_number from organization where org_id = $1", org.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)
}

/// Writes it: three to five digits.
///
/// # Errors
/// When the database is away or refuses the number.
pub async fn set_emergency_number(tx: &mut OrgTx, _: &Receipt, number: &str) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update organization set emergency_number = $2 where org_id = $1", org.0, number)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The office as whoever rings at an instant finds it.
///
/// # Errors
/// When the database is away.
pub async fn office(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<Office, Error> {
    let CallingRules { hours, after_hours, .. } = calling_rules(tx).await?;
    let zone = worklist::zone(tx).await?;
    let today = now.with_timezone(&zone).date_naive();
    let holidays = holidays(tx, today).await?.into_iter().map(|holiday| holiday.day).collect();
    Ok(Office { hours, holidays, zone, after_hours })
}

/// Holidays from a day on, soonest first.
///
/// # Errors
/// When the database is away.
pub async fn holidays(tx: &mut OrgTx, from: NaiveDate) -> Result<Vec<Holiday>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select day, name
           from holiday
          where org_id = $1
            and day >= $2
          order by day",
        org.0,
        from
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| Holiday { day: row.day, name: row.name }).collect())
}

/// Adds a holiday; one that is there already gets the new name.
///
/// # Errors
/// When the database is away.
pub async fn add_holiday(
    tx: &mut OrgTx,
    _: &Receipt,
    holiday: &Holiday,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    remove(tx, holiday.day).await?;
    let org = tx.org();
    sqlx::query!(
        "insert into holiday (org_id, day, name, added_by, added_at)
         values ($1, $2, $3, $4, $5)",
        org.0,
        holiday.day,
        holiday.name,
        by.map(|by| by.0),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Removes a holiday; one that is not there is gone already.
///
/// # Errors
/// When the database is away.
pub async fn remove_holiday(tx: &mut OrgTx, _: &Receipt, day: NaiveDate) -> Result<(), Error> {
    remove(tx, day).await
}

async fn remove(tx: &mut OrgTx, day: NaiveDate) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("delete from holiday where org_id = $1 and day = $2", org.0, day).execute(tx.connection()).await?;
    Ok(())
}
