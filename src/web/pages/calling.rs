//! The organization's rules of contact, for its admin: calling hours, how often a number is rung, who is rung first, holidays.

use super::{Frame, assets, faults::Faults, icons, words};
use crate::{
    app::App,
    domain::{answering::VoicemailRule, call::FirstRung, office_hours::AfterHours},
    error::Error,
    flows::calling_rules::{self, Holiday, House, RetryFor, TypedRules},
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

/// What the form for hours and caps sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RulesForm {
    hours: String,
    most_rings_day: String,
    most_rings_week: String,
    emergency_number: String,
    voicemail: String,
    after_hours: String,
}

/// What the form for a holiday sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct HolidayForm {
    day: String,
    name: String,
}

/// What each rule is called in a refusal, and its field.
const RULE_FIELDS: [(&str, &str); 6] = [
    ("hours", "hours"),
    ("rings a day", "most_rings_day"),
    ("rings in seven days", "most_rings_week"),
    ("emergency number", "emergency_number"),
    ("voicemail", "voicemail"),
    ("after hours", "after_hours"),
];

#[derive(Template)]
#[template(path = "calling.html")]
struct CallingPage {
    frame: Frame,
    rules: TypedRules,
    first_rung: Vec<(RetryFor, FirstRung)>,
    holidays: Vec<Holiday>,
    holiday: HolidayForm,
    rules_faults: Faults,
    first_fault: Option<String>,
    holiday_faults: Faults,
}

/// `GET /settings/calling`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let house = calling_rules::read(&app, &person.0.actor).await?;
    respond::page(&CallingPage::of(&person, house))
}

/// `POST /settings/calling`: hours and caps.
///
/// # Errors
/// When the database is away.
pub async fn set(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<RulesForm>,
) -> Result<Response, Failure> {
    let RulesForm { hours, most_rings_day, most_rings_week, emergency_number, voicemail, after_hours } = form;
    let typed = TypedRules { hours, most_rings_day, most_rings_week, emergency_number, voicemail, after_hours };
    match calling_rules::set(&app, &person.0.actor, &typed).await {
        Ok(()) => Ok(Redirect::to("/settings/calling").into_response()),
        Err(Error::Invalid(text)) => {
            let mut page = CallingPage::of(&person, calling_rules::read(&app, &person.0.actor).await?);
            (page.rules, page.rules_faults) = (typed, Faults::read(&text, &RULE_FIELDS));
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/calling/first`: who is rung first, one choice for every call and one for each purpose.
///
/// # Errors
/// When the database is away.
pub async fn set_first_rung(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    let Some(rules) = first_rung_of(&form) else {
        let mut page = CallingPage::of(&person, calling_rules::read(&app, &person.0.actor).await?);
        page.first_fault = Some("Choose one of the answers for every kind of call.".to_owned());
        return respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    calling_rules::set_first_rung(&app, &person.0.actor, &rules).await?;
    Ok(Redirect::to("/settings/calling").into_response())
}

/// The choices of the form; `None` when one is none of the answers.
fn first_rung_of(form: &BTreeMap<String, String>) -> Option<Vec<(RetryFor, Option<FirstRung>)>> {
    RetryFor::ALL
        .into_iter()
        .map(|purpose| match form.get(purpose.word()).map_or("", String::as_str) {
            "" => Some((purpose, None)),
            word => FirstRung::from_word(word).map(|first| (purpose, Some(first))),
        })
        .collect()
}

/// `POST /settings/calling/holidays`: adds a day, or names it anew.
///
/// # Errors
/// When the database is away.
pub async fn add_holiday(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<HolidayForm>,
) -> Result<Response, Failure> {
    match calling_rules::add_holiday(&app, &person.0.actor, &form.day, &form.name).await {
        Ok(()) => Ok(Redirect::to("/settings/calling").into_response()),
        Err(Error::Invalid(text)) => {
            let mut page = CallingPage::of(&person, calling_rules::read(&app, &person.0.actor).await?);
            (page.holiday, page.holiday_faults) = (form, Faults::read(&text, &[("day", "day"), ("name", "name")]));
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/calling/holidays/remove`.
///
/// # Errors
/// When the database is away.
pub async fn remove_holiday(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<HolidayForm>,
) -> Result<Redirect, Failure> {
    calling_rules::remove_holiday(&app, &person.0.actor, &form.day).await?;
    Ok(Redirect::to("/settings/calling"))
}

impl CallingPage {
    fn of(person: &SignedIn, house: House) -> Self {
        let hours = house.rules.hours;
        Self {
            frame: Frame::of(person, "Calling", "/settings/calling"),
            rules: TypedRules {
                hours: format!("{}-{}", hours.from.format("%H:%M"), hours.until.format("%H:%M")),
                most_rings_day: house.rules.most_rings_day.to_string(),
                most_rings_week: house.rules.most_rings_week.to_string(),
                emergency_number: house.emergency_number,
                voicemail: house.rules.voicemail.word().to_owned(),
                after_hours: house.rules.after_hours.word().to_owned(),
            },
            first_rung: house.first_rung,
            holidays: house.holidays,
            holiday: HolidayForm::default(),
            rules_faults: Faults::default(),
            first_fault: None,
            holiday_faults: Faults::default(),
        }
    }

    /// The rule set for some calls; `None` where what is more general holds.
    fn first(&self, purpose: &RetryFor) -> Option<FirstRung> {
        self.first_rung.iter().find(|(of, _)| of == purpose).map(|(_, first)| *first)
    }
}

/// What stands where no rule of their own is set.
const fn unset_words(purpose: &RetryFor) -> &'static str {
    match purpose {
        RetryFor::Any => "The patient (where nothing is set)",
        RetryFor::Purpose(_) => "As for every call",
    }
}

const fn calls_words(purpose: &RetryFor) -> &'static str {
    match purpose {
        RetryFor::Any => "Every call",
        RetryFor::Purpose(purpose) => words::purpose(purpose),
    }
}

const fn first_words(first: &FirstRung) -> &'static str {
    match first {
        FirstRung::Patient => "The patient; a nurse once identity is proven",
        FirstRung::Nurse => "A nurse; the patient once a nurse waits",
    }
}
