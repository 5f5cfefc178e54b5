//! The organization's own rules of contact, as an admin sets them: hours, how often a number is rung, who is rung first,
//! holidays. A change calls nothing off: every call is asked anew when its time comes.

use crate::{
    app::App,
    domain::{
        answering::VoicemailRule,
        audit::{Deed, DeedKind},
        call::FirstRung,
        contact_hours::{ContactHours, read_hours},
        office_hours::AfterHours,
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::record, first_rung, house_rules, worklist},
};
use chrono::NaiveDate;

pub use crate::store::{
    house_rules::{CallingRules, Holiday},
    retry::RetryFor,
};

/// What the page shows.
#[derive(Clone)]
pub struct House {
    /// Hours and caps.
    pub rules: CallingRules,
    /// Who is rung first, for every call or one purpose; where nothing is set, the patient.
    pub first_rung: Vec<(RetryFor, FirstRung)>,
    /// What the automatic voice tells people to dial in an emergency.
    pub emergency_number: String,
    /// Holidays from today on, soonest first.
    pub holidays: Vec<Holiday>,
}

/// Hours and caps as a person types them.
#[derive(Clone, Default)]
pub struct TypedRules {
    /// Such as `08:00-20:00`.
    pub hours: String,
    /// A number, 1 to 50.
    pub most_rings_day: String,
    /// A number, no less.
    pub most_rings_week: String,
    /// Three to five digits, such as 911.
    pub emergency_number: String,
    /// What a voicemail is told: the rule's word.
    pub voicemail: String,
    /// What happens to whoever rings outside the hours: the rule's word.
    pub after_hours: String,
}

/// Reads them.
///
/// # Errors
/// `Forbidden` unless an admin.
pub async fn read(app: &App, actor: &Actor) -> Result<House, Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let rules = house_rules::calling_rules(&mut tx).await?;
    let emergency_number = house_rules::emergency_number(&mut tx).await?;
    let today = app.clock.now().with_timezone(&worklist::zone(&mut tx).await?).date_naive();
    let holidays = house_rules::holidays(&mut tx, today).await?;
    let first_rung = first_rung::all(&mut tx).await?;
    tx.commit().await?;
    Ok(House { rules, first_rung, emergency_number, holidays })
}

/// Sets hours and caps.
///
/// # Errors
/// `Forbidden` unless an admin; `Invalid` naming every faulty field.
pub async fn set(app: &App, actor: &Actor, typed: &TypedRules) -> Result<(), Error> {
    permit(actor)?;
    let rules = rules_of(typed)?;
    let emergency_number = typed.emergency_number.trim();
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SetCallingRules)
        .with("from", rules.hours.from)
        .with("until", rules.hours.until)
        .with("most_rings_day", rules.most_rings_day)
        .with("most_rings_week", rules.most_rings_week)
        .with("emergency_number", emergency_number)
        .with("voicemail", rules.voicemail.word())
        .with("after_hours", rules.after_hours.word());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    house_rules::set_calling_rules(&mut tx, &receipt, &rules).await?;
    house_rules::set_emergency_number(&mut tx, &receipt, emergency_number).await?;
    tx.commit().await
}

/// Sets who is rung first for the calls named; `None` takes a rule back, so that what is more general holds. A call under way
/// goes on as it began.
///
/// # Errors
/// `Forbidden` unless an admin.
pub async fn set_first_rung(app: &App, actor: &Actor, rules: &[(RetryFor, Option<FirstRung>)]) -> Result<(), Error> {
    permit(actor)?;
    let mut deed = Deed::of(DeedKind::SetFirstRung);
    for (purpose, first) in rules {
        deed = deed.with(purpose.word(), first.map_or("default", FirstRung::word));
    }
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    for (purpose, first) in rules {
        first_rung::set(&mut tx, &receipt, *purpose, *first).await?;
    }
    tx.commit().await
}

fn rules_of(typed: &TypedRules) -> Result<CallingRules, Error> {
    let mut faults = Vec::new();
    let hours = match read_hours(&typed.hours).map(<[ContactHours; 1]>::try_from) {
        Ok(Ok([hours])) => Some(hours),
        Ok(Err(_)) => {
            faults.push("hours: write one stretch of the day, such as 08:00-20:00".to_owned());
            None
        }
        Err(fault) => {
            faults.push(format!("hours: {fault}"));
            None
        }
    };
    let day = typed.most_rings_day.trim().parse::<i32>().ok().filter(|most| (1..=50).contains(most));
    if day.is_none() {
        faults.push("rings a day: write a number from 1 to 50".to_owned());
    }
    let week = typed.most_rings_week.trim().parse::<i32>().ok().filter(|most| (day.unwrap_or(1)..=350).contains(most));
    if week.is_none() {
        faults.push("rings in seven days: write a number from that of one day to 350".to_owned());
    }
    let emergency = typed.emergency_number.trim();
    if !(3..=5).contains(&emergency.len()) || !emergency.bytes().all(|digit| digit.is_ascii_digit()) {
        faults.push("emergency number: write three to five digits, such as 911".to_owned());
    }
    let voicemail = VoicemailRule::from_word(&typed.voicemail);
    if voicemail.is_none() {
        faults.push("voicemail: choose from the list".to_owned());
    }
    let after_hours = AfterHours::from_word(&typed.after_hours);
    if after_hours.is_none() {
        faults.push("after hours: choose from the list".to_owned());
    }
    match (hours, day, week, voicemail.zip(after_hours)) {
        (Some(hours), Some(most_rings_day), Some(most_rings_week), Some((voicemail, after_hours)))
            if faults.is_empty() =>
        {
            Ok(CallingRules { hours, most_rings_day, most_rings_week, voicemail, after_hours })
        }
        (_, _, _, _) => Err(Error::Invalid(faults.join("; "))),
    }
}

/// Adds a holiday, or names it anew.
///
/// # Errors
/// `Forbidden` unless an admin; `Invalid` naming every faulty field.
pub async fn add_holiday(app: &App, actor: &Actor, day: &str, name: &str) -> Result<(), Error> {
    permit(actor)?;
    let day = date(day)?;
    let name = name.trim().to_owned();
    if !(1..=80).contains(&name.chars().count()) {
        return Err(Error::Invalid("name: write what the day is called, in 1 to 80 characters".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::AddedHoliday).with("day", day), now).await?;
    let holiday = Holiday { day, name };
    house_rules::add_holiday(&mut tx, &receipt, &holiday, actor.staff_id(), now).await?;
    tx.commit().await
}

/// Removes a holiday; one that is not there is gone already.
///
/// # Errors
/// `Forbidden` unless an admin; `Invalid` when it is no day.
pub async fn remove_holiday(app: &App, actor: &Actor, day: &str) -> Result<(), Error> {
    permit(actor)?;
    let day = date(day)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::RemovedHoliday).with("day", day), now).await?;
    house_rules::remove_holiday(&mut tx, &receipt, day).await?;
    tx.commit().await
}

fn date(typed: &str) -> Result<NaiveDate, Error> {
    NaiveDate::parse_from_str(typed.trim(), "%Y-%m-%d").map_err(|_| Error::Invalid("day: choose a day".to_owned()))
}

fn permit(actor: &Actor) -> Result<(), Error> {
    actor.staff_among(&[Role::Admin]).map(drop).ok_or(Error::Forbidden)
}
