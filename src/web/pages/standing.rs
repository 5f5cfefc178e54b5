//! Calls, texts and consent of one patient: where they stand, what they allowed, what their number said, when they may be
//! contacted, and what each change has called off.

use super::{Frame, assets, break_glass::Banner, faults::Faults, icons, words};
use crate::{
    app::App,
    domain::{
        answering::VoicemailRule,
        consent::{Consent, ConsentAnswer, ConsentChannel, ConsentPurpose},
        contact_hours::{Channel, ContactHours, Window},
        hold_back::HoldBack,
        ids::PatientId,
        people::{PatientStatus, Role},
        private::Private,
    },
    error::Error,
    flows::{
        change_status::{self, NewStatus},
        open_standing::{self, CalledOff, StandingPage, Wish},
        opt_out::{self, NewWish},
        set_contact_window::{self, TypedWindow, WEEK},
        set_voicemail::{self, AS_THE_HOUSE},
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the form for where a patient stands sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct StatusForm {
    was: String,
    becomes: String,
    evidence: String,
}

/// What the form for a word of the number sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct WishForm {
    wish: String,
    channel: String,
    evidence: String,
}

/// What the form for voicemails sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct VoicemailForm {
    voicemail: String,
}

/// What the form for hours sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct HoursForm {
    time_zone: String,
    mon: String,
    tue: String,
    wed: String,
    thu: String,
    fri: String,
    sat: String,
    sun: String,
}

/// One fact of consent as the page lists it.
struct ConsentLine {
    consent: Consent,
    whose: String,
    in_force: bool,
}

/// One field of the form for hours.
struct DayField {
    name: &'static str,
    words: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "standing.html")]
struct StandingView {
    frame: Frame,
    page: StandingPage,
    zone: Tz,
    consents: Vec<ConsentLine>,
    days: Vec<DayField>,
    typed_zone: String,
    may_write: bool,
    may_change: bool,
    banner: Option<Banner>,
    status: StatusForm,
    wish: WishForm,
    faults: Returned,
}

/// What came back with faults.
#[derive(Default)]
struct Returned {
    status: Faults,
    wish: Faults,
    hours: Faults,
    voicemail: Faults,
}

/// What was typed and is wrong.
enum Typed {
    Nothing,
    Status(StatusForm, Faults),
    Wish(WishForm, Faults),
    Hours(TypedWindow, Faults),
    Voicemail(Faults),
}

/// `GET /patients/{id}/standing`.
///
/// # Errors
/// `NotFound` for a patient out of reach.
pub async fn show(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, id, Typed::Nothing).await?)
}

/// `POST /patients/{id}/standing/status`: the page then says what was called off.
///
/// # Errors
/// `NotFound` for a patient out of reach; otherwise when the database is away.
pub async fn change_status(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
    Form(form): Form<StatusForm>,
) -> Result<Response, Failure> {
    let changed = match form.read() {
        Ok(new) => change_status::change(&app, &person.0.actor, id, new).await,
        Err(error) => Err(error),
    };
    let fields = [("evidence", "evidence")];
    again(&app, &person, id, changed, |text| Typed::Status(form, Faults::read(text, &fields))).await
}

/// `POST /patients/{id}/standing/opt-out`: what the number said.
///
/// # Errors
/// `NotFound` for a patient out of reach; otherwise when the database is away.
pub async fn note_wish(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
    Form(form): Form<WishForm>,
) -> Result<Response, Failure> {
    let noted = match form.read() {
        Ok(new) => opt_out::note(&app, &person.0.actor, id, new).await,
        Err(error) => Err(error),
    };
    let fields = [("evidence", "evidence")];
    again(&app, &person, id, noted, |text| Typed::Wish(form, Faults::read(text, &fields))).await
}

/// `POST /patients/{id}/standing/hours`.
///
/// # Errors
/// `NotFound` for a patient out of reach; otherwise when the database is away.
pub async fn set_hours(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
    Form(form): Form<HoursForm>,
) -> Result<Response, Failure> {
    let days = [form.mon, form.tue, form.wed, form.thu, form.fri, form.sat, form.sun];
    let typed = TypedWindow { time_zone: form.time_zone, days };
    let set = set_contact_window::set(&app, &person.0.actor, id, &typed).await;
    let mut fields = vec![("time zone", "time_zone")];
    fields.extend([("Mon", "mon"), ("Tue", "tue"), ("Wed", "wed"), ("Thu", "thu"), ("Fri", "fri")]);
    fields.extend([("Sat", "sat"), ("Sun", "sun")]);
    again(&app, &person, id, set, |text| Typed::Hours(typed, Faults::read(text, &fields))).await
}

/// `POST /patients/{id}/standing/voicemail`.
///
/// # Errors
/// `NotFound` for a patient out of reach; otherwise when the database is away.
pub async fn set_voicemail(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
    Form(form): Form<VoicemailForm>,
) -> Result<Response, Failure> {
    let set = set_voicemail::set(&app, &person.0.actor, id, &form.voicemail).await;
    let fields = [("voicemail", "voicemail")];
    again(&app, &person, id, set, |text| Typed::Voicemail(Faults::read(text, &fields))).await
}

/// On to the page, or the page with what is wrong.
async fn again(
    app: &App,
    person: &SignedIn,
    id: PatientId,
    done: Result<(), Error>,
    typed: impl FnOnce(&str) -> Typed,
) -> Result<Response, Failure> {
    let fault = match done {
        Ok(()) => return Ok(Redirect::to(&format!("/patients/{id}/standing")).into_response()),
        Err(Error::Invalid(text) | Error::Conflict(text)) => text,
        Err(error) => return Err(error.into()),
    };
    respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &read(app, person, id, typed(&fault)).await?)
}

impl StatusForm {
    fn read(&self) -> Result<NewStatus, Error> {
        let status = |word: &str| {
            PatientStatus::from_word(word).ok_or_else(|| Error::Invalid("choose where the patient stands".to_owned()))
        };
        let evidence = Private::new(self.evidence.clone());
        Ok(NewStatus { was: status(&self.was)?, becomes: status(&self.becomes)?, evidence })
    }
}

impl WishForm {
    fn read(&self) -> Result<NewWish, Error> {
        let channel = ConsentChannel::from_word(&self.channel)
            .ok_or_else(|| Error::Invalid("choose which way from the list".to_owned()))?;
        let wish = match self.wish.as_str() {
            "stop" => Wish::Stop,
            "go_on" => Wish::GoOn,
            _ => return Err(Error::Invalid("choose what they want from the list".to_owned())),
        };
        Ok(NewWish { channel, wish, evidence: Private::new(self.evidence.clone()) })
    }
}

async fn read(app: &App, person: &SignedIn, id: PatientId, typed: Typed) -> Result<StandingView, Error> {
    let page = open_standing::open(app, &person.0.actor, id).await?;
    let role = person.0.actor.role();
    let in_reach = page.urgent.is_none();
    let mut view = StandingView {
        frame: Frame::of(person, "Calls, texts and consent", "/patients"),
        consents: lines(&page),
        days: day_fields(&page.standing.windows, None),
        typed_zone: page.patient.time_zone.name().to_owned(),
        // Everything here is about when the patient is reached, so it is told on their clock.
        zone: page.patient.time_zone,
        may_write: in_reach && matches!(role, Some(Role::Nurse | Role::Coordinator)),
        may_change: in_reach && matches!(role, Some(Role::Nurse | Role::Coordinator | Role::Physician)),
        banner: Banner::of(page.urgent, &page.patient.time_zone),
        page,
        status: StatusForm::default(),
        wish: WishForm::default(),
        faults: Returned::default(),
    };
    match typed {
        Typed::Nothing => {}
        Typed::Status(form, faults) => (view.status, view.faults.status) = (form, faults),
        Typed::Wish(form, faults) => (view.wish, view.faults.wish) = (form, faults),
        Typed::Voicemail(faults) => view.faults.voicemail = faults,
        Typed::Hours(typed, faults) => {
            view.days = day_fields(&view.page.standing.windows, Some(&typed.days));
            view.typed_zone = typed.time_zone;
            view.faults.hours = faults;
        }
    }
    Ok(view)
}

/// Every fact, the newest of each person, purpose and channel in force.
fn lines(page: &StandingPage) -> Vec<ConsentLine> {
    let mut seen = Vec::new();
    let mut lines = Vec::new();
    for consent in &page.consents {
        let about = (consent.contact, consent.purpose, consent.channel);
        let in_force = !seen.contains(&about);
        seen.push(about);
        let whose = match consent.contact {
            None => "The patient".to_owned(),
            Some(id) => {
                let contact = page.contacts.iter().find(|contact| contact.id == id);
                contact.map_or_else(|| "A contact".to_owned(), |contact| contact.full_name.reveal().clone())
            }
        };
        lines.push(ConsentLine { consent: consent.clone(), whose, in_force });
    }
    lines
}

fn day_fields(windows: &[Window], typed: Option<&[String; 7]>) -> Vec<DayField> {
    let names = [
        ("mon", "Monday"),
        ("tue", "Tuesday"),
        ("wed", "Wednesday"),
        ("thu", "Thursday"),
        ("fri", "Friday"),
        ("sat", "Saturday"),
        ("sun", "Sunday"),
    ];
    let stored: Vec<String> = WEEK.iter().map(|day| hours_of(windows, *day)).collect();
    let values = typed.map_or(stored, |days| days.to_vec());
    names.into_iter().zip(values).map(|((name, words), value)| DayField { name, words, value }).collect()
}

fn hours_of(windows: &[Window], day: Weekday) -> String {
    let hours = windows.iter().filter(|window| window.day == day).map(|window| hours_words(window.hours));
    hours.collect::<Vec<_>>().join(", ")
}

fn hours_words(hours: ContactHours) -> String {
    format!("{}-{}", hours.from.format("%H:%M"), hours.until.format("%H:%M"))
}

impl StandingView {
    /// What the rules say about contacting the patient now.
    fn verdict(&self, held: &Result<(), HoldBack>, channel: &Channel) -> Option<String> {
        held.err().map(|held| held.says(*channel, self.zone))
    }

    fn contacts_by(&self) -> [(&'static str, Option<String>); 4] {
        [
            ("A call", self.verdict(&self.page.call, &Channel::Voice)),
            ("A text", self.verdict(&self.page.text, &Channel::Text)),
            ("A check-in by keypad", self.verdict(&self.page.check_ins.0, &Channel::Voice)),
            ("A check-in by text", self.verdict(&self.page.check_ins.1, &Channel::Text)),
        ]
    }

    /// Statuses the patient may be set to, a death apart.
    fn others(&self) -> Vec<PatientStatus> {
        let all =
            [PatientStatus::Active, PatientStatus::Admitted, PatientStatus::Withdrawn, PatientStatus::Transferred];
        all.into_iter().filter(|status| *status != self.page.patient.status).collect()
    }

    fn is_dead(&self) -> bool {
        self.page.patient.status == PatientStatus::Deceased
    }

    fn house_hours(&self) -> String {
        hours_words(self.page.standing.house.hours)
    }

    /// What a change has called off, in words.
    fn called_off(&self, off: &CalledOff) -> String {
        let moments: Vec<String> = off.due.iter().map(|due| words::moment(due, &self.zone, &off.at)).collect();
        let mut told = match moments.as_slice() {
            [] => "No planned call had to be called off.".to_owned(),
            [only] => format!("1 planned call was called off: {only}."),
            several => format!("{} planned calls were called off: {}.", several.len(), several.join("; ")),
        };
        let more = [
            ("About to be dialled, and not dialled now", i64::from(off.intents)),
            ("With the carrier, and ended there unheard", i64::from(off.at_carrier)),
            ("Conversations under way that go on, so that nobody is cut off", i64::from(off.talking)),
            ("Waiting texts that will not be sent", off.texts),
        ];
        for (words, count) in more.into_iter().filter(|(_, count)| *count > 0) {
            told = format!("{told} {words}: {count}.");
        }
        told
    }

    fn latest_called_off(&self) -> Option<(&'static str, String, DateTime<Utc>)> {
        let (cause, off) = self.page.called_off.first()?;
        Some((cause.rule.words(Channel::Voice), self.called_off(off), off.at))
    }
}

/// What a status means for calls, beside its choice.
const fn consequence(status: &PatientStatus) -> &'static str {
    match status {
        PatientStatus::Active => "Calls and texts may be planned again. None comes back by itself; plan the next one.",
        PatientStatus::Admitted => {
            "What is planned is called off. Once they are home, set them back and plan the next call."
        }
        PatientStatus::Withdrawn | PatientStatus::Transferred => {
            "What is planned is called off, and nothing rings any more."
        }
        PatientStatus::Deceased => "What is planned is called off at once, and this number is never rung again.",
    }
}
