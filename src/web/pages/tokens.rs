//! A staff member's own tokens for programs. A new one is shown once, on the page that answers the form.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{
        api_token::{LONGEST_DAYS, LONGEST_NAME, Scope},
        ids::TokenId,
    },
    error::Error,
    flows::{
        keep_tokens::{self, Token, Wanted},
        open_worklist,
    },
    web::{
        identity::SignedIn,
        respond::{self, Failure},
        routes,
    },
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use chrono_tz::Tz;
use std::{collections::BTreeMap, sync::Arc};

/// How long a token may be asked for on the page, in days.
const DAYS: [i64; 4] = [7, 30, 90, LONGEST_DAYS];

/// What came back with a fault.
#[derive(Default)]
struct Returned {
    name: String,
    scopes: Vec<Scope>,
    fault: String,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: Frame,
    tokens: Vec<Token>,
    scopes: Vec<Scope>,
    zone: Tz,
    /// The text of a token that was just made.
    made: Option<String>,
    returned: Returned,
}

/// `GET /account/tokens`.
///
/// # Errors
/// When the database is away.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    respond::page(&read(&app, &person, None, Returned::default()).await?)
}

/// `POST /account/tokens`: the page again, with the new token's text on it, or with what is wrong.
///
/// # Errors
/// When the database is away.
pub async fn make(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    let (name, scopes) = (field(&form, "name"), chosen(&form));
    let days = field(&form, "days").parse().unwrap_or(0);
    let wanted = Wanted { name: name.clone(), scopes: scopes.clone(), days };
    match keep_tokens::make(&app, &person.0.actor, wanted).await {
        Ok(made) => respond::page(&read(&app, &person, Some(made.text.into_revealed()), Returned::default()).await?),
        Err(Error::Invalid(fault)) => {
            let page = read(&app, &person, None, Returned { name, scopes, fault }).await?;
            respond::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/tokens/{id}/revoke`.
///
/// # Errors
/// 404 when it is not the reader's own.
pub async fn revoke(
    State(app): State<Arc<App>>,
    person: SignedIn,
    Path(id): Path<TokenId>,
) -> Result<Response, Failure> {
    keep_tokens::revoke(&app, &person.0.actor, id).await?;
    Ok(Redirect::to("/account/tokens").into_response())
}

async fn read(app: &App, person: &SignedIn, made: Option<String>, returned: Returned) -> Result<TokensPage, Error> {
    let actor = &person.0.actor;
    Ok(TokensPage {
        frame: Frame::of(person, "Tokens for programs", "/account"),
        tokens: keep_tokens::list(app, actor).await?,
        scopes: routes::scopes_of(actor.role()),
        zone: open_worklist::zone(app, actor).await?,
        made,
        returned,
    })
}

fn field(form: &BTreeMap<String, String>, name: &str) -> String {
    form.get(name).cloned().unwrap_or_default()
}

/// The boxes that were ticked: each is named after its scope.
fn chosen(form: &BTreeMap<String, String>) -> Vec<Scope> {
    form.keys().filter_map(|name| Scope::from_word(name)).collect()
}
