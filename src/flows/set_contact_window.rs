//! Sets when a patient may be contacted: their zone, and their own hours on each weekday. Nothing is called off: what was
//! planned is asked anew when its time comes, and waits for the new hours if they do not hold it.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        contact_hours::{Window, read_hours},
        ids::PatientId,
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::open_chart_for, house_rules, standing},
};
use chrono::Weekday;
use chrono_tz::Tz;

/// The days of the week in the order of the form.
pub const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// The form as a person fills it in.
#[derive(Clone, Default)]
pub struct TypedWindow {
    /// IANA zone, such as `America/Chicago`.
    pub time_zone: String,
    /// Hours from Monday to Sunday, such as `09:00-12:00, 14:00-18:00`; a day with none has no calls, and no hours at all
    /// are the organization's.
    pub days: [String; 7],
}

/// Sets them.
///
/// # Errors
/// `Forbidden` unless a nurse or coordinator of the patient's team; `Invalid` naming every faulty field.
pub async fn set(app: &App, actor: &Actor, patient: PatientId, typed: &TypedWindow) -> Result<(), Error> {
    let _author = actor.staff_among(&[Role::Nurse, Role::Coordinator]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let house = house_rules::calling_rules(&mut tx).await?.hours;
    let (zone, windows) = read(typed)?;
    if let Some(outside) = windows.iter().find(|window| window.hours.within(house) != Some(window.hours)) {
        return Err(Error::Invalid(format!(
            "{}: the organization calls between {} and {}; write hours inside these, or ask an admin",
            outside.day,
            house.from.format("%H:%M"),
            house.until.format("%H:%M")
        )));
    }
    let deed = Deed::of(DeedKind::SetContactWindow).with("zone", zone.name()).with("windows", windows.len());
    let chart = open_chart_for(&mut tx, actor, patient, deed, now).await?;
    chart.may_change()?;
    standing::hold(&mut tx, patient).await?;
    standing::set_windows(&mut tx, &chart, zone, &windows).await?;
    tx.commit().await
}

fn read(typed: &TypedWindow) -> Result<(Tz, Vec<Window>), Error> {
    let mut faults = Vec::new();
    let mut windows = Vec::new();
    let zone = typed.time_zone.trim().parse::<Tz>().ok();
    if zone.is_none() {
        faults.push("time zone: write an IANA name such as America/Chicago".to_owned());
    }
    for (day, text) in WEEK.into_iter().zip(&typed.days) {
        match read_hours(text) {
            Ok(hours) => windows.extend(hours.into_iter().map(|hours| Window { day, hours })),
            Err(fault) => faults.push(format!("{day}: {fault}")),
        }
    }
    match zone {
        Some(zone) if faults.is_empty() => Ok((zone, windows)),
        Some(_) | None => Err(Error::Invalid(faults.join("; "))),
    }
}
