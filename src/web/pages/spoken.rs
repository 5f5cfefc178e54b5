//! What was said: words corrected, and looked for on all calls of a patient. What is looked for travels in a form, so that no
//! log of addresses holds it.

use super::{Frame, assets, break_glass::Banner, call::transcript::voice_words, icons, words};
use crate::{
    app::App,
    domain::{
        ids::{CallId, PatientId, UtteranceId},
        private::Private,
        transcript::LONGEST_CORRECTION,
    },
    error::Error,
    flows::{
        open_call::{self, PageUtterance},
        transcripts::{
            correct::{self, Typed},
            search::{self, Found, LONGEST_QUERY, MOST_FOUND},
        },
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
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// What the form of a correction sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct CorrectionForm {
    seen: i32,
    text: String,
}

/// What the search form sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct WordsForm {
    words: String,
}

/// A correction that could not be written down comes back as it was typed.
#[derive(Template)]
#[template(path = "correction.html")]
struct CorrectionPage {
    frame: Frame,
    call: CallId,
    said: PageUtterance,
    text: String,
    fault: String,
    longest: usize,
}

#[derive(Template)]
#[template(path = "spoken.html")]
struct SpokenPage {
    frame: Frame,
    name: String,
    words: String,
    found: Found,
    longest: usize,
    banner: Option<Banner>,
}

/// `POST /calls/{id}/utterances/{utterance}/correct`.
///
/// # Errors
/// `NotFound` for an utterance of another call. What cannot be written comes back with the reason.
pub async fn correct(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((call, utterance)): Path<(CallId, UtteranceId)>,
    Form(form): Form<CorrectionForm>,
) -> Result<Response, Failure> {
    let typed = Typed { utterance, seen: form.seen, text: Private::new(form.text.clone()) };
    match correct::correct(&app, &person.0.actor, call, typed).await {
        Ok(()) => Ok(Redirect::to(&format!("/calls/{call}#u-{utterance}")).into_response()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
            come_back(&app, &person, (call, utterance), form.text, error).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn come_back(
    app: &App,
    person: &SignedIn,
    (call, utterance): (CallId, UtteranceId),
    text: String,
    error: Error,
) -> Result<Response, Failure> {
    let page = open_call::open(app, &person.0.actor, call).await?;
    let said = page.utterances.into_iter().find(|said| said.id == utterance).ok_or(Error::NotFound)?;
    let frame = Frame::of(person, "Correct what was heard", "/today");
    let fault = respond::words_of(&error);
    let page = CorrectionPage { frame, call, said, text, fault, longest: LONGEST_CORRECTION };
    respond::page_with(respond::status_of(&error), &page)
}

/// `GET /patients/{id}/words`: the empty form.
///
/// # Errors
/// `NotFound` for a patient the reader does not reach.
pub async fn ask(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(patient): Path<PatientId>,
) -> Result<Response, Failure> {
    respond::page(&spoken(&app, &person, patient, WordsForm::default()).await?)
}

/// `POST /patients/{id}/words`: what was found.
///
/// # Errors
/// `NotFound` for a patient the reader does not reach.
pub async fn search(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(patient): Path<PatientId>,
    Form(form): Form<WordsForm>,
) -> Result<Response, Failure> {
    respond::page(&spoken(&app, &person, patient, form).await?)
}

async fn spoken(app: &App, person: &SignedIn, patient: PatientId, form: WordsForm) -> Result<SpokenPage, Error> {
    let words = Private::new(form.words);
    let found = search::search(app, &person.0.actor, patient, &words).await?;
    let name = format!("{} {}", found.patient.given_name.reveal(), found.patient.family_name.reveal());
    Ok(SpokenPage {
        frame: Frame::of(person, format!("What {name} and we said"), "/patients"),
        name,
        words: words.into_revealed(),
        banner: Banner::of(found.urgent, &found.zone),
        found,
        longest: LONGEST_QUERY,
    })
}
