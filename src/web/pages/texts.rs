//! Texts: the thread of a patient, both ways, and those that nobody has read yet.

use super::{Frame, assets, break_glass::Banner, icons, words};
use crate::{
    app::App,
    domain::{
        ids::{PatientId, TextId},
        people::Role,
        private::Private,
        text::{
            Delivery, LONGEST_BODY, Refusal, TextState, Wording, segments,
            templates::{self, Template},
        },
    },
    error::Error,
    flows::{
        open_thread::{self, Thread, ThreadLine, UnreadText},
        open_worklist,
        write_text::{self, NewWords, Words},
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template as Page;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// What the form for a text sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct TextForm {
    once_key: String,
    body: String,
    template: String,
    step: String,
}

#[derive(Page)]
#[template(path = "texts.html")]
struct ThreadPage {
    frame: Frame,
    thread: Thread,
    zone: Tz,
    may_write: bool,
    banner: Option<Banner>,
    form: TextForm,
    count: Option<String>,
    fault: Option<String>,
    ours: Vec<(Template, String)>,
}

#[derive(Page)]
#[template(path = "unread_texts.html")]
struct UnreadPage {
    frame: Frame,
    list: Vec<UnreadText>,
    now: DateTime<Utc>,
    zone: Tz,
}

/// `GET /patients/{id}/texts`.
///
/// # Errors
/// `NotFound` for a patient out of reach.
pub async fn thread(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
) -> Result<Response, Failure> {
    let form = TextForm { once_key: TextId::at(app.clock.now()).to_string(), ..TextForm::default() };
    respond::page(&read(&app, &person, id, form, None).await?)
}

/// `POST /patients/{id}/texts`: counts what was written, or sends it. What was written comes back with what is wrong.
///
/// # Errors
/// `NotFound` for a patient out of reach.
pub async fn write(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PatientId>,
    Form(form): Form<TextForm>,
) -> Result<Response, Failure> {
    if form.step == "count" {
        return respond::page(&read(&app, &person, id, form, None).await?);
    }
    let written = match form.read() {
        Ok(new) => write_text::write(&app, &person.0.actor, id, new).await,
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => Ok(Redirect::to(&format!("/patients/{id}/texts")).into_response()),
        Err(Error::Invalid(text)) => {
            let fault = respond::words_of(&Error::Invalid(text.trim_start_matches("text: ").to_owned()));
            let page = read(&app, &person, id, form, Some(fault)).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /texts/count`: what a text would cost, for the page that counts while somebody writes.
///
/// # Errors
/// Never; it has the shape of the other replies.
pub async fn count(_: SignedIn, Form(form): Form<TextForm>) -> Result<Response, Failure> {
    respond::note(StatusCode::OK, cost(&form.body))
}

/// `GET /texts`: what nobody has read yet.
///
/// # Errors
/// When the list cannot be read.
pub async fn unread(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let list = open_thread::unread(&app, &person.0.actor).await?;
    let zone = open_worklist::zone(&app, &person.0.actor).await?;
    let frame = Frame::of(&person, "Texts", "/texts");
    respond::page(&UnreadPage { frame, list, now: app.clock.now(), zone })
}

/// `POST /texts/{id}/read`: somebody has read it.
///
/// # Errors
/// `NotFound` for a text out of reach.
pub async fn mark_read(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<TextId>,
) -> Result<Redirect, Failure> {
    let patient = open_thread::mark_read(&app, &person.0.actor, id).await?;
    Ok(Redirect::to(&patient.map_or_else(|| "/texts".to_owned(), |patient| format!("/patients/{patient}/texts"))))
}

/// `POST /patients/{id}/texts/{text}/put`: a text of nobody known is with this patient.
///
/// # Errors
/// `NotFound` for a patient or a text out of reach.
pub async fn put(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((patient, text)): Path<(PatientId, TextId)>,
) -> Result<Redirect, Failure> {
    open_thread::put_with(&app, &person.0.actor, text, patient).await?;
    Ok(Redirect::to(&format!("/patients/{patient}/texts")))
}

async fn read(
    app: &App,
    person: &SignedIn,
    id: PatientId,
    form: TextForm,
    fault: Option<String>,
) -> Result<ThreadPage, Error> {
    let thread = open_thread::open(app, &person.0.actor, id).await?;
    let zone = open_worklist::zone(app, &person.0.actor).await?;
    let name = format!("{} {}", thread.patient.given_name.reveal(), thread.patient.family_name.reveal());
    let may_write = matches!(person.0.actor.role(), Some(Role::Nurse | Role::Coordinator)) && thread.urgent.is_none();
    let ours = Template::BY_HAND
        .into_iter()
        .map(|template| (template, templates::words(template, thread.language, &thread.filling)))
        .collect();
    Ok(ThreadPage {
        frame: Frame::of(person, format!("Texts with {name}"), "/patients"),
        zone,
        may_write,
        banner: Banner::of(thread.urgent, &zone),
        count: (form.step == "count").then(|| cost(&form.body)),
        thread,
        form,
        fault,
        ours,
    })
}

impl TextForm {
    fn read(&self) -> Result<NewWords, Error> {
        if self.once_key.is_empty() || self.once_key.len() > 80 {
            return Err(Error::Invalid("text: open the page again, then send it once more".to_owned()));
        }
        let words = match self.template.as_str() {
            "" => Words::Own(Private::new(self.body.clone())),
            word => Words::Ours(
                Template::from_word(word)
                    .ok_or_else(|| Error::Invalid("text: choose one of the texts of the list".to_owned()))?,
            ),
        };
        Ok(NewWords { words, once_key: self.once_key.clone() })
    }
}

/// What a text costs, in a sentence.
fn cost(body: &str) -> String {
    let text = body.replace("\r\n", "\n");
    let text = text.trim();
    let length = text.chars().count();
    if length > LONGEST_BODY {
        return format!("{length} characters: {} too many. Ring instead, or write less.", length - LONGEST_BODY);
    }
    let counted = segments::count(text);
    let parts = if counted.segments == 1 { "one part".to_owned() } else { format!("{} parts", counted.segments) };
    let costly = segments::costly(text);
    let why = if costly.is_empty() {
        String::new()
    } else {
        let letters: Vec<String> = costly.iter().take(5).map(|letter| format!("“{letter}”")).collect();
        format!(" Because of {} a part holds fewer characters.", letters.join(" "))
    };
    format!("{length} characters, sent as {parts}; {} more fit.{why}", counted.left)
}

/// Where a text that goes out stands, as a nurse reads it, with the look of its mark.
fn stands(line: &ThreadLine) -> (String, &'static str) {
    let why = |code: &str| Refusal::of(code).words();
    match (line.state, line.delivery) {
        (TextState::Received, _) => (line.meaning.as_deref().map_or("", meaning).to_owned(), mark(line)),
        (TextState::Scheduled, _) => ("waits".to_owned(), ""),
        (TextState::Sending | TextState::Unknown, _) => ("being sent; not confirmed yet".to_owned(), "amber"),
        (TextState::Bound, Some(Delivery::Delivered)) => ("arrived".to_owned(), "green"),
        (TextState::Bound, Some(Delivery::Read)) => ("arrived and opened".to_owned(), "green"),
        (TextState::Bound, Some(Delivery::Sent)) => ("sent; arrival not confirmed".to_owned(), ""),
        (TextState::Bound, Some(Delivery::Queued | Delivery::Sending) | None) => ("on its way".to_owned(), ""),
        (TextState::Bound, Some(Delivery::Failed | Delivery::Undelivered)) => {
            (format!("did not arrive: {}", why(&line.delivery_code)), "red")
        }
        (TextState::Rejected, _) => {
            let code = line.outcome.as_deref().unwrap_or_default().trim_start_matches("refused_");
            (format!("not taken: {}", why(code)), "red")
        }
        (TextState::NotSent, _) => ("never sent".to_owned(), "red"),
        (TextState::HeldBack, _) => {
            (format!("held back: {}", words::outcome(line.outcome.as_deref().unwrap_or_default())), "amber")
        }
        (TextState::CalledOff, _) => ("called off".to_owned(), ""),
    }
}

fn mark(line: &ThreadLine) -> &'static str {
    match line.meaning.as_deref() {
        Some("urgent" | "stop_and_urgent" | "help") => "red",
        Some("stop" | "wrong_number" | "to_read") => "amber",
        Some(_) | None => "",
    }
}

/// How a text that came in was read, as a nurse reads it.
fn meaning(code: &str) -> &'static str {
    match code {
        "urgent" => "may be urgent",
        "stop_and_urgent" => "no more texts; may be urgent",
        "stop" => "no more texts",
        "start" => "texts again",
        "help" => "asks for help",
        "wrong_number" => "wrong number; no more texts",
        "to_read" => "to be read",
        "check_in" => "answers the check-in",
        _ => "",
    }
}

/// Who wrote it.
fn author(line: &ThreadLine) -> String {
    match (line.state, &line.by, line.wording) {
        (TextState::Received, Some(contact), _) => format!("From the number of {contact}"),
        (TextState::Received, None, _) => "From the patient's number".to_owned(),
        (_, Some(name), _) => name.clone(),
        (_, None, Wording::CheckIn | Wording::CheckInParting) => "Careline, for the check-in".to_owned(),
        (_, None, Wording::Template(_) | Wording::Free | Wording::Received) => "Careline".to_owned(),
    }
}
