//! Who has seen a patient's record: by day and person, as a patient may ask. Reading the report is itself a deed.

pub use crate::store::access::AccessLine;

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::PatientId,
        people::{Actor, Role, Who},
    },
    error::Error,
    store::{access, audit, teams, worklist},
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// Lines of one report at most.
const MOST: usize = 2_000;

/// The report.
#[derive(Clone, Debug)]
pub struct AccessReport {
    /// When it was made.
    pub now: DateTime<Utc>,
    /// The organization's zone; days are days there.
    pub zone: Tz,
    /// Newest day first.
    pub days: Vec<AccessDay>,
    /// Whether it goes further back than it shows.
    pub more: bool,
}

/// One day of it.
#[derive(Clone, Debug)]
pub struct AccessDay {
    /// The day.
    pub day: NaiveDate,
    /// Who did something, each with their deeds.
    pub people: Vec<AccessPerson>,
}

/// One person on one day.
#[derive(Clone, Debug)]
pub struct AccessPerson {
    /// `staff`, `careline`, `carrier`, `operator` or `visitor`.
    pub kind: String,
    /// The staff member, if one acted.
    pub staff: Option<Uuid>,
    /// Their name.
    pub name: Option<String>,
    /// Their role when they acted.
    pub role: Option<String>,
    /// What they did.
    pub lines: Vec<AccessLine>,
}

/// Makes the report. A coordinator gets it of the patients they reach.
///
/// # Errors
/// `NotFound` for a patient nobody knows here and for a coordinator who does not reach them, `Forbidden` for a nurse or physician.
pub async fn report(app: &App, actor: &Actor, patient: PatientId) -> Result<AccessReport, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    match actor.who {
        Who::Staff { role: Role::Admin | Role::Auditor, .. } => is_ours(app, actor, patient).await?,
        Who::Staff { role: Role::Coordinator, .. } => {
            let _reached = teams::reach(&mut tx, actor, patient, now).await?;
        }
        Who::Staff { role: Role::Nurse | Role::Physician, .. }
        | Who::Careline
        | Who::Carrier
        | Who::Operator
        | Who::Visitor => return Err(Error::Forbidden),
    }
    let deed = Deed::of(DeedKind::ReportedAccess).patient(patient);
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    let zone = worklist::zone(&mut tx).await?;
    let most = i64::try_from(MOST).unwrap_or(i64::MAX).saturating_add(1);
    let mut lines = access::of_patient(&mut tx, &receipt, patient, zone, most).await?;
    tx.commit().await?;
    let more = lines.len() > MOST;
    lines.truncate(MOST);
    Ok(AccessReport { now, zone, days: by_day(lines), more })
}

/// Admins and auditors reach no patient, so Careline itself looks whether there is one of that name: an id of nobody, or
/// of another organization, has no report.
async fn is_ours(app: &App, actor: &Actor, patient: PatientId) -> Result<(), Error> {
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    if access::is_patient(&mut tx, patient).await? { Ok(()) } else { Err(Error::NotFound) }
}

/// Lines come sorted by day and person.
fn by_day(lines: Vec<AccessLine>) -> Vec<AccessDay> {
    let mut days: Vec<AccessDay> = Vec::new();
    for line in lines {
        if days.last().is_none_or(|last| last.day != line.day) {
            days.push(AccessDay { day: line.day, people: Vec::new() });
        }
        let Some(day) = days.last_mut() else { continue };
        let same = |person: &AccessPerson| {
            (&person.kind, person.staff, &person.role) == (&line.actor_kind, line.staff, &line.actor_role)
        };
        match day.people.last_mut() {
            Some(person) if same(person) => person.lines.push(line),
            Some(_) | None => day.people.push(AccessPerson {
                kind: line.actor_kind.clone(),
                staff: line.staff,
                name: line.staff_name.clone(),
                role: line.actor_role.clone(),
                lines: vec![line],
            }),
        }
    }
    days
}
