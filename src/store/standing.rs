//! What decides whether a patient may be contacted: status, consent and opt-out of the number, windows, holidays, rings so
//! far. No chart is opened for it.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        contact_hours::{ContactHours, HouseRules, Permission, Standing, Window},
        ids::PatientId,
        people::{Language, PatientStatus, PhoneNumber},
    },
    error::Error,
};
use chrono::{DateTime, Duration, Utc, Weekday};
use chrono_tz::Tz;

/// Days before and after the asked instant that the rules look at: rings of a week and a day for the zones, holidays as
/// far ahead as an opening is looked for.
const DAYS_BEFORE: i64 = 8;
const DAYS_AFTER: i64 = 33;

/// Keeps a patient's row for this transaction, so that whatever is read about them next is the last word: a change of
/// status, consent or opt-out comes wholly before a dial or waits for it. Whoever locks calls too takes the patient first.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn hold(tx: &mut OrgTx, patient: PatientId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query_scalar!("select id from patient where org_id = $1 and id = $2 for no key update", org.0, patient.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(())
}

/// Reads a patient's standing as the rules of an instant need it, and keeps the row.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn standing(tx: &mut OrgTx, patient: PatientId, at: DateTime<Utc>) -> Result<Standing, Error> {
    // The row is locked by a statement of its own: what the next one sees is what was true once nobody else held it.
    hold(tx, patient).await?;
    let org = tx.org();
    let row = sqlx::query!(
        r#"select p.status, p.time_zone, o.calling_from, o.calling_until, o.most_rings_day, o.most_rings_week,
                  newest_consent(p.org_id, p.id, p.phone, 'voice') as voice_given,
                  newest_consent(p.org_id, p.id, p.phone, 'sms') as text_given,
                  newest_leave(p.org_id, p.id, 'automated_calls') as automated_given,
                  newest_text_leave(p.org_id, p.id, 'clinical_texts') as clinical_given,
                  coalesce(newest_opt_out(p.org_id, p.phone, 'voice'), false) as "voice_stopped!",
                  coalesce(newest_opt_out(p.org_id, p.phone, 'sms'), false) as "text_stopped!",
                  array(select h.day
                          from holiday h
                         where h.org_id = p.org_id
                           and h.day between $3::date and $4::date) as "holidays!",
                  array(select a.posted_at
                          from attempt a
                         where a.org_id = p.org_id
                           and a.party = 'patient'
                           and a.to_e164 = p.phone
                           and a.posted_at >= $5
                           and a.state in ('dialing', 'bound', 'unknown', 'needs_person')) as "rings!: Vec<DateTime<Utc>>"
             from patient p
             join organization o on o.org_id = p.org_id
            where p.org_id = $1
              and p.id = $2"#,
        org.0,
        patient.0,
        (at - Duration::days(2)).date_naive(),
        (at + Duration::days(DAYS_AFTER)).date_naive(),
        at - Duration::days(DAYS_BEFORE)
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Standing {
        status: PatientStatus::from_word(&row.status).ok_or_else(|| unreadable("status"))?,
        voice: permission(row.voice_given, row.voice_stopped),
        text: permission(row.text_given, row.text_stopped),
        automated: permission(row.automated_given, row.voice_stopped),
        clinical_texts: permission(row.clinical_given, row.text_stopped),
        time_zone: row.time_zone.parse().map_err(|_| unreadable("time zone"))?,
        windows: windows(tx, patient).await?,
        rings: row.rings,
        house: HouseRules {
            hours: ContactHours { from: row.calling_from, until: row.calling_until },
            holidays: row.holidays.into_iter().collect(),
            most_rings_day: most(row.most_rings_day),
            most_rings_week: most(row.most_rings_week),
        },
    })
}

const fn permission(given: Option<bool>, stopped: bool) -> Permission {
    match (stopped, given) {
        (true, _) => Permission::OptedOut,
        (false, Some(true)) => Permission::Given,
        (false, Some(false)) => Permission::Withdrawn,
        (false, None) => Permission::NeverAsked,
    }
}

fn most(stored: i32) -> usize {
    usize::try_from(stored).unwrap_or(0)
}

/// A patient's own windows, Monday first; none is the organization's hours on every day.
///
/// # Errors
/// When the database is away.
pub async fn windows(tx: &mut OrgTx, patient: PatientId) -> Result<Vec<Window>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select weekday, from_time, until_time
           from contact_window
          where org_id = $1
            and patient_id = $2
          order by weekday, from_time",
        org.0,
        patient.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let day = u8::try_from(row.weekday - 1).ok().and_then(|day| Weekday::try_from(day).ok());
            Ok(Window {
                day: day.ok_or_else(|| unreadable("weekday"))?,
                hours: ContactHours { from: row.from_time, until: row.until_time },
            })
        })
        .collect()
}

/// Writes a patient's zone and windows in place of those before.
///
/// # Errors
/// When the database is away or refuses.
pub async fn set_windows(tx: &mut OrgTx, receipt: &ChartReceipt, zone: Tz, windows: &[Window]) -> Result<(), Error> {
    let org = tx.org();
    let patient = receipt.patient();
    sqlx::query!("update patient set time_zone = $3 where org_id = $1 and id = $2", org.0, patient.0, zone.name())
        .execute(tx.connection())
        .await?;
    sqlx::query!("delete from contact_window where org_id = $1 and patient_id = $2", org.0, patient.0)
        .execute(tx.connection())
        .await?;
    for window in windows {
        sqlx::query!(
            "insert into contact_window (org_id, patient_id, weekday, from_time, until_time)
             values ($1, $2, $3, $4, $5)",
            org.0,
            patient.0,
            i32::try_from(window.day.number_from_monday()).unwrap_or(1),
            window.hours.from,
            window.hours.until
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

/// The number that is rung; reading it is part of the chart, hence the receipt.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn number(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<PhoneNumber, Error> {
    let org = tx.org();
    let patient = receipt.patient();
    let phone = sqlx::query_scalar!("select phone from patient where org_id = $1 and id = $2", org.0, patient.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    PhoneNumber::from_e164(&phone).map_err(|_| unreadable("telephone number"))
}

/// The language of a patient's call script.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn language(tx: &mut OrgTx, patient: PatientId) -> Result<Language, Error> {
    let org = tx.org();
    let tag = sqlx::query_scalar!("select language from patient where org_id = $1 and id = $2", org.0, patient.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Language::from_tag(&tag).ok_or_else(|| unreadable("language"))
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored patient's {what} cannot be read"))
}
