//! A person's own second factors: what they have, and how one is added, renewed and removed.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::ids::{CeremonyId, PasskeyId},
    error::Error,
    flows::{
        open_worklist,
        second_factors::{self, Added, Enrolment, Factors, NoPasskeys, PasskeyReply, Person},
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
    },
};
use askama::Template;
use axum::{
    Form, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What was just done, as the address of the page says it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct After {
    done: String,
}

/// A code somebody typed.
#[derive(Deserialize)]
pub struct CodeForm {
    code: String,
}

/// A browser's answer, in a form.
#[derive(Deserialize)]
pub struct PasskeyForm {
    ceremony: CeremonyId,
    answer: String,
    name: String,
}

/// A browser's question.
#[derive(Serialize)]
pub struct Asked {
    /// Names the challenge in the answer.
    pub ceremony: CeremonyId,
    /// Options for `navigator.credentials`.
    pub options: Value,
}

#[derive(Template)]
#[template(path = "factors.html")]
struct FactorsPage {
    frame: Frame,
    factors: Factors,
    proposed: Option<Enrolment>,
    codes: Vec<String>,
    fault: Option<String>,
    done: Option<&'static str>,
    zone: Tz,
    now: DateTime<Utc>,
}

/// What a page shows beside what the person has.
#[derive(Default)]
struct Shown {
    proposed: Option<Enrolment>,
    codes: Vec<String>,
    fault: Option<String>,
    done: Option<&'static str>,
}

/// `GET /account/factors`.
///
/// # Errors
/// When the database is away.
pub async fn show(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Query(after): Query<After>,
) -> Result<Response, Failure> {
    let done = match after.done.as_str() {
        "removed" => Some("It was removed, and your other sessions were ended."),
        _ => None,
    };
    respond::page(&page(&app, &person, Shown { done, ..Shown::default() }).await?)
}

/// `POST /account/factors/app`: a secret for an app, shown until its first code.
///
/// # Errors
/// When the keys or the database are away.
pub async fn propose_app(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let proposed = second_factors::propose_app(&app, &of(&person)?).await?;
    respond::page(&page(&app, &person, Shown { proposed: Some(proposed), ..Shown::default() }).await?)
}

/// `POST /account/factors/app/confirm`: the app counts from here, or its picture comes again with what is wrong.
///
/// # Errors
/// When the keys or the database are away.
pub async fn confirm_app(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<CodeForm>,
) -> Result<Response, Failure> {
    let whose = of(&person)?;
    match second_factors::confirm_app(&app, &whose, &form.code).await {
        Err(error @ Error::Invalid(_)) => {
            let proposed = second_factors::proposed(&app, &whose).await.ok();
            refused(&app, &person, &error, proposed).await
        }
        other => added(&app, &person, other, "Your authenticator app counts from now on.").await,
    }
}

/// `POST /account/factors/app/remove`.
///
/// # Errors
/// When there is none, or it must stay.
pub async fn remove_app(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let removed = second_factors::remove_app(&app, &of(&person)?).await;
    gone(&app, &person, removed).await
}

/// `POST /account/factors/passkeys/ask`: what the browser is asked, as JSON.
///
/// # Errors
/// When there can be no passkeys at this address.
pub async fn ask_passkey(State(app): State<Arc<App>>, person: SignedIn) -> Result<Json<Asked>, Failure> {
    let asked = second_factors::begin_passkey(&app, &of(&person)?).await?;
    Ok(Json(Asked { ceremony: asked.ceremony, options: asked.options }))
}

/// `POST /account/factors/passkeys`: the passkey of the browser's answer.
///
/// # Errors
/// When the database is away.
pub async fn add_passkey(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<PasskeyForm>,
) -> Result<Response, Failure> {
    let reply = PasskeyReply { ceremony: form.ceremony, answer: &form.answer, name: &form.name };
    let outcome = second_factors::add_passkey(&app, &of(&person)?, &reply).await;
    added(&app, &person, outcome, "Your passkey was added. It signs you in without a password.").await
}

/// `POST /account/factors/passkeys/{id}/remove`.
///
/// # Errors
/// When it is not there, or must stay.
pub async fn remove_passkey(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<PasskeyId>,
) -> Result<Response, Failure> {
    let removed = second_factors::remove_passkey(&app, &of(&person)?, id).await;
    gone(&app, &person, removed).await
}

/// `POST /account/factors/codes`: ten new recovery codes.
///
/// # Errors
/// When the keys or the database are away.
pub async fn renew_codes(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let outcome = second_factors::renew_codes(&app, &of(&person)?).await;
    added(&app, &person, outcome, "The codes you had before are void.").await
}

/// The person of a page, as the flow asks for them; a program with a token has no factors to change.
pub(super) fn of(person: &SignedIn) -> Result<Person<'_>, Error> {
    Ok(Person {
        actor: &person.0.actor,
        session: person.0.session.ok_or(Error::Forbidden)?,
        full_name: &person.0.full_name,
        organization: &person.0.org_name,
    })
}

async fn added(
    app: &App,
    person: &SignedIn,
    outcome: Result<Added, Error>,
    done: &'static str,
) -> Result<Response, Failure> {
    match outcome {
        Ok(Added { codes }) => {
            respond::page(&page(app, person, Shown { codes, done: Some(done), ..Shown::default() }).await?)
        }
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => refused(app, person, &error, None).await,
        Err(error) => Err(error.into()),
    }
}

async fn gone(app: &App, person: &SignedIn, outcome: Result<(), Error>) -> Result<Response, Failure> {
    match outcome {
        Ok(()) => Ok(Redirect::to("/account/factors?done=removed").into_response()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(_))) => refused(app, person, &error, None).await,
        Err(error) => Err(error.into()),
    }
}

async fn refused(
    app: &App,
    person: &SignedIn,
    error: &Error,
    proposed: Option<Enrolment>,
) -> Result<Response, Failure> {
    let status: StatusCode = respond::status_of(error);
    let shown = Shown { proposed, fault: Some(respond::words_of(error)), ..Shown::default() };
    respond::page_with(status, &page(app, person, shown).await?)
}

async fn page(app: &App, person: &SignedIn, shown: Shown) -> Result<FactorsPage, Error> {
    let Shown { proposed, codes, fault, done } = shown;
    Ok(FactorsPage {
        frame: Frame::of(person, "Second factors", "/account"),
        factors: second_factors::open(app, &of(person)?).await?,
        zone: open_worklist::zone(app, &person.0.actor).await?,
        now: app.clock.now(),
        proposed,
        codes,
        fault,
        done,
    })
}

fn sentence(why: &NoPasskeys) -> String {
    respond::words_of(&Error::Conflict(format!("{why}.")))
}
