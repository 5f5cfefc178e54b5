//! May we ring? Asked when a call falls due and again at the instant of dialling, in the patient's own time zone.

use super::people::PatientStatus;
use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The hours in which a patient may be rung, local time; `from` before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactHours {
    /// The first minute.
    pub from: NaiveTime,
    /// The first minute after.
    pub until: NaiveTime,
}

/// What the rules need to know about a patient.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Where the patient stands.
    pub status: PatientStatus,
    /// Whether a consent in force allows planned calls to the number.
    pub consents_to_calls: bool,
    /// Their zone.
    pub time_zone: Tz,
}

/// Why a call is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldBack {
    /// Died, admitted, withdrawn or transferred: called off.
    NotActive(PatientStatus),
    /// No consent to be called is in force: called off.
    NoConsent,
    /// Outside the hours; may ring at this instant.
    OutsideHours(DateTime<Utc>),
}

impl HoldBack {
    /// The code stored as the outcome.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotActive(PatientStatus::Deceased) => "patient_deceased",
            Self::NotActive(PatientStatus::Admitted) => "patient_admitted",
            Self::NotActive(PatientStatus::Withdrawn | PatientStatus::Transferred | PatientStatus::Active) => {
                "patient_not_followed"
            }
            Self::NoConsent => "no_consent_to_calls",
            Self::OutsideHours(_) => "outside_calling_hours",
        }
    }
}

/// Whether the telephone may ring now.
///
/// # Errors
/// The rule that holds it back.
pub fn may_ring(now: DateTime<Utc>, standing: &Standing, hours: ContactHours) -> Result<(), HoldBack> {
    if standing.status != PatientStatus::Active {
        return Err(HoldBack::NotActive(standing.status));
    }
    if !standing.consents_to_calls {
        return Err(HoldBack::NoConsent);
    }
    let local = now.with_timezone(&standing.time_zone);
    if local.time() >= hours.from && local.time() < hours.until {
        return Ok(());
    }
    let today = local.date_naive();
    let day = if local.time() < hours.from { today } else { today + Duration::days(1) };
    Err(HoldBack::OutsideHours(opens(day, hours.from, standing.time_zone).max(now + Duration::minutes(1))))
}

/// The instant a day's hours begin. A local time that a clock change skips opens with the first minute that exists; one
/// that comes twice opens with the later, so nobody is rung early.
fn opens(day: NaiveDate, from: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let mut local = day.and_time(from);
    for _ in 0..=48 {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(instant) => return instant.with_timezone(&Utc),
            LocalResult::Ambiguous(_, later) => return later.with_timezone(&Utc),
            LocalResult::None => local += Duration::minutes(30),
        }
    }
    Utc.from_utc_datetime(&day.and_time(from))
}
