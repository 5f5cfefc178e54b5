//! Who works when, speaks what and is licensed where: what the planner and the match know about nurses.

pub use crate::store::{
    covers::KeptCover,
    rosters::{Abilities, KeptException, KeptShift},
};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{ExceptionId, ShiftId, StaffId},
        matching::is_region,
        people::{Actor, Role},
        roster::{Exception, Hours, Shift},
    },
    error::Error,
    store::{OrgTx, audit::record, covers, planning, rosters, worklist},
};
use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Most regions one nurse is licensed in here.
const MOST_REGIONS: usize = 60;

/// Everything the page of planning shows.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Nurses by name.
    pub nurses: Vec<(StaffId, String)>,
    /// Shifts by nurse and weekday.
    pub shifts: Vec<KeptShift>,
    /// Days that differ, from today on.
    pub exceptions: Vec<KeptException>,
    /// Languages and licences.
    pub abilities: BTreeMap<StaffId, Abilities>,
    /// Covers that are not over.
    pub covers: Vec<KeptCover>,
    /// The organization's zone, in which shifts are.
    pub zone: Tz,
    /// The instant it was read.
    pub now: DateTime<Utc>,
}

/// Reads it. Names of staff are no patient's, and calls are only counted, so this is not a deed.
///
/// # Errors
/// When the database is away.
pub async fn open(app: &App, actor: &Actor) -> Result<Desk, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    let zone = worklist::zone(&mut tx).await?;
    let desk = Desk {
        nurses: planning::nurses(&mut tx).await?,
        shifts: rosters::shifts(&mut tx).await?,
        exceptions: rosters::exceptions(&mut tx, now.with_timezone(&zone).date_naive()).await?,
        abilities: rosters::abilities(&mut tx).await?,
        covers: covers::open(&mut tx, now).await?,
        zone,
        now,
    };
    tx.commit().await?;
    Ok(desk)
}

/// Adds the same hours on several weekdays, from today on. Hours that end before they begin go over midnight.
///
/// # Errors
/// `Forbidden` unless a coordinator; `Invalid` without a weekday; `NotFound` when there is no such nurse.
pub async fn add_shifts(app: &App, actor: &Actor, staff: StaffId, weekdays: &[u32], hours: Hours) -> Result<(), Error> {
    permit(actor)?;
    if weekdays.is_empty() || weekdays.iter().any(|day| !(1..=7).contains(day)) || hours.from == hours.until {
        return Err(Error::Invalid("choose the weekdays, and an end that is not the beginning".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    known(&mut tx, staff).await?;
    let today = now.with_timezone(&worklist::zone(&mut tx).await?).date_naive();
    let deed = Deed::of(DeedKind::AddedShift)
        .subject(staff.0)
        .with("weekdays", weekdays.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
        .with("from", hours.from.format("%H:%M"))
        .with("until", hours.until.format("%H:%M"));
    let receipt = record(&mut tx, actor, &deed, now).await?;
    for weekday in weekdays {
        for (weekday, hours) in parts(*weekday, hours) {
            let shift = Shift { weekday, hours, starts_on: today, ends_on: None };
            rosters::add_shift(&mut tx, &receipt, &KeptShift { id: ShiftId::at(now), staff, shift }).await?;
        }
    }
    tx.commit().await
}

/// A stretch that goes over midnight is two: one to the end of its day and one from the beginning of the next.
fn parts(weekday: u32, hours: Hours) -> Vec<(u32, Hours)> {
    if hours.from < hours.until {
        return vec![(weekday, hours)];
    }
    let last = NaiveTime::from_hms_opt(23, 59, 59).unwrap_or(hours.from);
    let mut parts = vec![(weekday, Hours { from: hours.from, until: last })];
    if hours.until > NaiveTime::MIN {
        parts.push((weekday % 7 + 1, Hours { from: NaiveTime::MIN, until: hours.until }));
    }
    parts
}

/// Removes a shift.
///
/// # Errors
/// `Forbidden` unless a coordinator; `NotFound` when it has gone.
pub async fn remove_shift(app: &App, actor: &Actor, id: ShiftId) -> Result<(), Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let whose = rosters::remove_shift(&mut tx, id).await?;
    let deed = Deed::of(DeedKind::RemovedShift).subject(whose.0);
    let _receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    tx.commit().await
}

/// Makes a day different from the others.
///
/// # Errors
/// `Forbidden` unless a coordinator; `Invalid` when it ends before it begins; `NotFound` when there is no such nurse.
pub async fn change_day(app: &App, actor: &Actor, staff: StaffId, exception: Exception) -> Result<(), Error> {
    permit(actor)?;
    if exception.hours.from >= exception.hours.until {
        return Err(Error::Invalid("the hours of one day end after they begin".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    known(&mut tx, staff).await?;
    let deed = Deed::of(DeedKind::ChangedDay)
        .subject(staff.0)
        .with("day", exception.day)
        .with("as", exception.difference.word());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    rosters::add_exception(&mut tx, &receipt, &KeptException { id: ExceptionId::at(now), staff, exception }).await?;
    tx.commit().await
}

/// Makes a day like the others again.
///
/// # Errors
/// `Forbidden` unless a coordinator; `NotFound` when it is.
pub async fn restore_day(app: &App, actor: &Actor, id: ExceptionId) -> Result<(), Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let whose = rosters::remove_exception(&mut tx, id).await?;
    let deed = Deed::of(DeedKind::RestoredDay).subject(whose.0);
    let _receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    tx.commit().await
}

/// Writes down what a nurse speaks and where they are licensed.
///
/// # Errors
/// `Forbidden` unless a coordinator; `Invalid` when a region is no ISO 3166-2 code; `NotFound` when there is no such nurse.
pub async fn set_abilities(app: &App, actor: &Actor, staff: StaffId, abilities: &Abilities) -> Result<(), Error> {
    permit(actor)?;
    if abilities.regions.len() > MOST_REGIONS || !abilities.regions.iter().all(|region| is_region(region)) {
        return Err(Error::Invalid("write licences as regions such as US-NY, parted by commas".to_owned()));
    }
    let mut tx = app.db.begin(actor).await?;
    known(&mut tx, staff).await?;
    let deed = Deed::of(DeedKind::SetAbilities)
        .subject(staff.0)
        .with("languages", abilities.languages.len())
        .with("regions", abilities.regions.len());
    let receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    rosters::set_abilities(&mut tx, &receipt, staff, abilities).await?;
    tx.commit().await
}

fn permit(actor: &Actor) -> Result<(), Error> {
    actor.staff_among(&[Role::Coordinator]).map(drop).ok_or(Error::Forbidden)
}

async fn known(tx: &mut OrgTx, staff: StaffId) -> Result<(), Error> {
    planning::nurses(tx).await?.iter().find(|(id, _)| *id == staff).map(drop).ok_or(Error::NotFound)
}
