//! What was said on a call that is over, item by item with its words: a draft that a nurse decides about and signs, or the
//! signed summary.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass the fields they show by reference")]

use super::{Wish, is_part, screen};
use crate::{
    app::App,
    domain::{
        ids::{CallId, ItemId},
        people::Role,
        recording::{sample_at, seconds},
        summary::{
            FoundBy, ItemKind, Source,
            settle::{Decided, DraftItem, LONGEST_WORDS, LineQuote},
        },
        transcript::Voice,
    },
    error::Error,
    flows::{
        open_call::{self, CallPage, Draft},
        settle_summary,
    },
    web::{
        identity::SignedIn,
        pages::{call::recording::clock, icons, words},
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::sync::Arc;

/// The summary on the page of its call.
#[derive(Template)]
#[template(path = "parts/summary.html")]
pub struct SummaryPart {
    call: CallId,
    draft: Option<Draft>,
    /// Whether one is about to be made.
    is_coming: bool,
    may_decide: bool,
    longest: usize,
    fault: Option<String>,
    /// The first instant of the recording, once it can be played.
    zero: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: Tz,
}

/// What was decided about an item.
#[derive(Deserialize)]
pub struct DecideForm {
    decided: String,
    #[serde(default)]
    words: String,
}

/// What a signature was made from.
#[derive(Deserialize)]
pub struct SignForm {
    seen: i32,
}

impl SummaryPart {
    /// From the call as it was read; `fault` is why something could not be done.
    #[must_use]
    pub fn of(page: &CallPage, role: Option<Role>, fault: Option<String>) -> Self {
        let draft = page.summary.clone();
        let ended = page.head.ended_at.filter(|_| page.head.state.is_over() && page.head.bridged_at.is_some());
        let recently = ended.is_some_and(|ended| (page.now - ended).num_minutes() < 3);
        let is_open = draft.as_ref().is_some_and(|draft| draft.signed.is_none());
        let is_theirs = page.urgent.is_none() && matches!(role, Some(Role::Nurse | Role::Physician));
        Self {
            call: page.head.id,
            is_coming: draft.is_none() && recently && page.head.may_record == Some(true),
            may_decide: is_open && is_theirs,
            longest: LONGEST_WORDS,
            fault,
            zero: page.recording.as_ref().and_then(|recording| recording.layout.as_ref()).map(|layout| layout.zero),
            now: page.now,
            zone: page.zone,
            draft,
        }
    }

    /// Items of each kind that has any.
    fn groups<'d>(&self, draft: &'d Draft) -> Vec<(&'static str, Vec<&'d DraftItem>)> {
        let of = |kind: ItemKind| draft.items.iter().filter(move |item| item.item.kind == kind).collect::<Vec<_>>();
        ItemKind::ALL
            .into_iter()
            .map(|kind| (kind.heading(), of(kind)))
            .filter(|(_, items)| !items.is_empty())
            .collect()
    }

    /// When the words were said, for a reader; and where they are heard, in seconds and as minutes and seconds.
    fn heard_at(&self, draft: &Draft, source: &Source) -> (String, Option<(String, String)>) {
        let Some(at) = draft.began.get(&source.utterance) else { return ("then".to_owned(), None) };
        let sample = self.zero.map(|zero| sample_at(zero, *at));
        (words::time_exact(at, &self.zone), sample.map(|sample| (seconds(sample), clock(sample))))
    }
}

fn open_items(draft: &Draft) -> usize {
    draft.items.iter().filter(|item| item.decided.is_none()).count()
}

const fn decided_words(item: &DraftItem) -> Option<(&'static str, &'static str)> {
    match &item.decided {
        None => None,
        Some(Decided::Accepted) => Some(("green", "Accepted")),
        Some(Decided::Edited(_)) => Some(("green", "In your words")),
        Some(Decided::Dropped) => Some(("", "Dropped")),
    }
}

fn written(item: &DraftItem) -> Option<&str> {
    match &item.decided {
        Some(Decided::Edited(words)) => Some(words.reveal()),
        Some(Decided::Accepted | Decided::Dropped) | None => None,
    }
}

fn is_dropped(item: &DraftItem) -> bool {
    item.decided == Some(Decided::Dropped)
}

const fn voice_words(voice: &Voice) -> &'static str {
    match voice {
        Voice::Patient => "Patient",
        Voice::Caregiver => "Caregiver",
        Voice::Nurse => "Nurse",
    }
}

fn quote_voice(quote: &LineQuote) -> &'static str {
    voice_words(&quote.voice)
}

const fn made_by(draft: &Draft) -> &'static str {
    match draft.way {
        FoundBy::Rules => "by rules from the transcript",
        FoundBy::Model => "by rules and a model from the transcript",
    }
}

/// `POST /calls/{id}/summary/items/{item}`: the summary again for the live page, the whole page otherwise.
///
/// # Errors
/// When the database is away.
pub async fn decide(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path((id, item)): Path<(CallId, ItemId)>,
    headers: HeaderMap,
    Form(form): Form<DecideForm>,
) -> Result<Response, Failure> {
    let done = match Decided::read(&form.decided, Some(&form.words)) {
        Some(decided) => settle_summary::decide(&app, &person.0.actor, id, item, &decided).await,
        None => Err(Error::Invalid(format!("Write the words first, {LONGEST_WORDS} characters at most."))),
    };
    answer(&app, &person, id, &headers, done).await
}

/// `POST /calls/{id}/summary/sign`: the signed summary, or why it cannot be signed yet.
///
/// # Errors
/// When the database is away.
pub async fn sign(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<CallId>,
    headers: HeaderMap,
    Form(form): Form<SignForm>,
) -> Result<Response, Failure> {
    let done = settle_summary::sign(&app, &person.0.actor, id, form.seen).await;
    answer(&app, &person, id, &headers, done).await
}

async fn answer(
    app: &App,
    person: &SignedIn,
    id: CallId,
    headers: &HeaderMap,
    done: Result<(), Error>,
) -> Result<Response, Failure> {
    let fault = match done {
        Ok(()) if !is_part(headers) => return Ok(Redirect::to(&format!("/calls/{id}#summary")).into_response()),
        Ok(()) => None,
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => {
            Some((respond::status_of(&error), respond::words_of(&error)))
        }
        Err(error) => return Err(error.into()),
    };
    let (status, fault) = fault.map_or((None, None), |(status, words)| (Some(status), Some(words)));
    if is_part(headers) {
        let page = open_call::open(app, &person.0.actor, id).await?;
        // The part says itself what is wrong, so that it takes the place of what was read.
        return respond::page(&SummaryPart::of(&page, person.0.actor.role(), fault));
    }
    let screen = screen(app, person, id, Wish::Unsettled(fault.unwrap_or_default())).await?;
    respond::page_with(status.unwrap_or_default(), &screen)
}
