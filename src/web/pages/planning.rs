//! The planning desk: who works when, who covers for whom, what nurses speak, how often an unreached patient is rung again.
//! Nurses read it and say when they are away; coordinators change it.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass the fields they show by reference")]

use super::{Frame, assets, icons, schedule::instant, words};
use crate::{
    app::App,
    domain::{
        call::{RetryRule, Unreached},
        ids::StaffId,
        people::{Language, Role},
        roster::{Difference, Exception, Hours},
    },
    error::Error,
    flows::{
        cover_colleague,
        keep_roster::{self, Abilities, Desk},
        set_retry::{self, RetryFor, SetRule},
    },
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
use chrono::{NaiveDate, NaiveTime};
use serde::Deserialize;
use std::{str::FromStr, sync::Arc};

/// Weekdays as they are listed, Monday first (ISO 8601).
const WEEKDAYS: [(u32, &str); 7] =
    [(1, "Monday"), (2, "Tuesday"), (3, "Wednesday"), (4, "Thursday"), (5, "Friday"), (6, "Saturday"), (7, "Sunday")];

/// What any form of the desk sends; the button says which.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct DeskForm {
    act: String,
    id: String,
    nurse: String,
    colleague: String,
    /// One field a weekday, because a form of a browser sends each checked box by itself.
    d1: String,
    d2: String,
    d3: String,
    d4: String,
    d5: String,
    d6: String,
    d7: String,
    day: String,
    kind: String,
    from: String,
    until: String,
    english: String,
    spanish: String,
    regions: String,
    purpose: String,
    outcome: String,
    tries: String,
    first_pause: String,
    later_pause: String,
}

#[derive(Template)]
#[template(path = "planning.html")]
struct PlanningPage {
    frame: Frame,
    desk: Desk,
    rules: Vec<SetRule>,
    me: Option<StaffId>,
    coordinates: bool,
    fault: Option<String>,
    note: Option<String>,
}

impl PlanningPage {
    fn name(&self, staff: &StaffId) -> &str {
        self.desk.nurses.iter().find(|(id, _)| id == staff).map_or("a former nurse", |(_, name)| name)
    }

    fn is_mine(&self, staff: &StaffId) -> bool {
        self.me.as_ref() == Some(staff)
    }

    fn abilities(&self, staff: &StaffId) -> Abilities {
        self.desk.abilities.get(staff).cloned().unwrap_or_default()
    }
}

/// `GET /planning`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&page(&app, &person, None, None).await?)
}

/// `POST /planning`.
///
/// # Errors
/// `Forbidden` for what only a coordinator changes.
pub async fn act(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<DeskForm>,
) -> Result<Response, Failure> {
    match done(&app, &person, &form).await {
        Ok(None) => Ok(Redirect::to("/planning").into_response()),
        Ok(note) => respond::page(&page(&app, &person, None, note).await?),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
            let page = page(&app, &person, Some(respond::words_of(&error)), None).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(
    app: &App,
    person: &SignedIn,
    fault: Option<String>,
    note: Option<String>,
) -> Result<PlanningPage, Error> {
    Ok(PlanningPage {
        frame: Frame::of(person, "Planning", "/planning"),
        desk: keep_roster::open(app, &person.0.actor).await?,
        rules: set_retry::list(app, &person.0.actor).await?,
        me: person.0.actor.staff_id(),
        coordinates: person.0.actor.role() == Some(Role::Coordinator),
        fault,
        note,
    })
}

/// Does what the button says; what is worth saying about it.
async fn done(app: &App, person: &SignedIn, form: &DeskForm) -> Result<Option<String>, Error> {
    let actor = &person.0.actor;
    match form.act.as_str() {
        "add-shift" => {
            let hours = Hours { from: time(&form.from)?, until: time(&form.until)? };
            keep_roster::add_shifts(app, actor, id(&form.nurse, "a nurse")?, &form.weekdays(), hours).await?;
        }
        "remove-shift" => keep_roster::remove_shift(app, actor, id(&form.id, "a shift")?).await?,
        "change-day" => keep_roster::change_day(app, actor, id(&form.nurse, "a nurse")?, form.exception()?).await?,
        "restore-day" => keep_roster::restore_day(app, actor, id(&form.id, "a day")?).await?,
        "abilities" => {
            keep_roster::set_abilities(app, actor, id(&form.nurse, "a nurse")?, &form.abilities()).await?;
        }
        "cover" => return begin_cover(app, person, form).await.map(Some),
        "end-cover" => {
            cover_colleague::end(app, actor, id(&form.id, "a cover")?).await?;
        }
        "set-rule" => set_retry::set(app, actor, form.rule()?).await?,
        "unset-rule" => {
            let (purpose, outcome) = form.rule_about()?;
            set_retry::unset(app, actor, purpose, outcome).await?;
        }
        _ => return Err(Error::Invalid("press one of the buttons".to_owned())),
    }
    Ok(None)
}

async fn begin_cover(app: &App, person: &SignedIn, form: &DeskForm) -> Result<String, Error> {
    let actor = &person.0.actor;
    let zone = keep_roster::open(app, actor).await?.zone;
    let at = |text: &str| {
        instant(text, zone).map_err(|_| Error::Invalid("choose when the cover begins and ends".to_owned()))
    };
    let away = id(&form.nurse, "who is away")?;
    let by = id(&form.colleague, "who covers")?;
    let handed = cover_colleague::begin(app, actor, away, by, at(&form.from)?, at(&form.until)?).await?;
    let given = handed.given;
    Ok(match handed.left {
        0 => format!("The cover is set; {given} planned calls changed hands."),
        left => format!(
            "The cover is set; {given} planned calls changed hands. {left} stayed, because who covers does not serve the \
             care team of these patients; choose another colleague for them or hand the patients over."
        ),
    })
}

impl DeskForm {
    fn weekdays(&self) -> Vec<u32> {
        let boxes = [&self.d1, &self.d2, &self.d3, &self.d4, &self.d5, &self.d6, &self.d7];
        WEEKDAYS.iter().zip(boxes).filter(|(_, checked)| !checked.is_empty()).map(|((day, _), _)| *day).collect()
    }

    fn exception(&self) -> Result<Exception, Error> {
        let day =
            NaiveDate::parse_from_str(&self.day, "%Y-%m-%d").map_err(|_| Error::Invalid("choose a day".to_owned()))?;
        let difference = Difference::from_word(&self.kind)
            .ok_or_else(|| Error::Invalid("choose whether they are away or at work".to_owned()))?;
        let whole = (NaiveTime::MIN, NaiveTime::from_hms_opt(23, 59, 59).unwrap_or(NaiveTime::MIN));
        let from = if self.from.is_empty() { whole.0 } else { time(&self.from)? };
        let until = if self.until.is_empty() { whole.1 } else { time(&self.until)? };
        Ok(Exception { day, difference, hours: Hours { from, until } })
    }

    fn abilities(&self) -> Abilities {
        let spoken = [(Language::English, &self.english), (Language::Spanish, &self.spanish)];
        let mut regions: Vec<String> =
            self.regions.split([',', ' ', ';']).filter(|part| !part.is_empty()).map(str::to_ascii_uppercase).collect();
        regions.sort_unstable();
        regions.dedup();
        let languages = spoken.iter().filter(|(_, checked)| !checked.is_empty()).map(|(language, _)| *language);
        Abilities { languages: languages.collect(), regions }
    }

    fn rule_about(&self) -> Result<(RetryFor, Unreached), Error> {
        let missing = || Error::Invalid("choose for which calls and after which outcome".to_owned());
        let purpose = RetryFor::from_word(&self.purpose).ok_or_else(missing)?;
        let outcome = Unreached::from_code(&self.outcome).ok_or_else(missing)?;
        Ok((purpose, outcome))
    }

    fn rule(&self) -> Result<SetRule, Error> {
        let (purpose, outcome) = self.rule_about()?;
        let number =
            |text: &str| text.trim().parse().map_err(|_| Error::Invalid("write the numbers in digits".to_owned()));
        let rule = RetryRule {
            most_tries: number(&self.tries)?,
            first_pause_minutes: number(&self.first_pause)?,
            later_pause_minutes: number(&self.later_pause)?,
        };
        Ok(SetRule { purpose, outcome, rule })
    }
}

fn id<T: FromStr>(text: &str, what: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Invalid(format!("choose {what} from the list")))
}

fn time(text: &str) -> Result<NaiveTime, Error> {
    let read = ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok());
    read.ok_or_else(|| Error::Invalid("choose the times of day".to_owned()))
}

const fn calls_words(purpose: &RetryFor) -> &'static str {
    match purpose {
        RetryFor::Any => "Every call",
        RetryFor::Purpose(purpose) => words::purpose(purpose),
    }
}

const fn outcome_words(outcome: &Unreached) -> &'static str {
    match outcome {
        Unreached::Busy => "the line was busy",
        Unreached::NoAnswer => "nobody answered",
        Unreached::Failed => "it could not be connected",
        Unreached::Voicemail => "a voicemail answered",
        Unreached::NoKeys => "nobody pressed a key",
        Unreached::HungUp => "they declined or hung up",
        Unreached::NoNurse => "no nurse took it before the patient was rung",
    }
}

fn weekday_words(weekday: &u32) -> &'static str {
    WEEKDAYS.iter().find(|(day, _)| day == weekday).map_or("", |(_, name)| name)
}
