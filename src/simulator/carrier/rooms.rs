//! The carrier's API of conferences: listed, fetched, ended, and who is in them.

use super::{
    Carrier, ConferenceSeen,
    conference::Stage,
    post::Method,
    rest::{Form, Reply, sid_of},
    seats::{Audience, Change},
    wire::{self, Refusal},
};
use crate::simulator::listener::Cut;
use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, RawForm, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::Value;

/// The routes below an account.
pub(super) fn routes(account: &str) -> Router<Carrier> {
    let conferences = format!("{account}/Conferences");
    Router::new()
        .route(&format!("{conferences}.json"), get(list))
        .route(&format!("{conferences}/{{conference}}"), get(fetch).post(update))
        .route(&format!("{conferences}/{{conference}}/Participants.json"), get(participants))
        .route(
            &format!("{conferences}/{{conference}}/Participants/{{call}}"),
            get(participant).post(reseat).delete(remove),
        )
}

async fn list(State(carrier): State<Carrier>, RawQuery(query): RawQuery) -> Reply {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let account = &carrier.0.account_sid;
    let named = carrier.conferences_named(form.one("FriendlyName"));
    let mut found: Vec<Value> = named.iter().map(|one| wire::conference(account, one)).collect();
    let status = form.one("Status");
    found.retain(|one| status.is_none_or(|wanted| one.get("status").is_some_and(|status| status == wanted)));
    found.reverse();
    let (query, page, size) = form.page();
    let base = format!("/2010-04-01/Accounts/{account}/Conferences.json");
    Ok((StatusCode::OK, Json(wire::list(("conferences", &base), &found, &query, page, size))))
}

fn find(carrier: &Carrier, part: &str) -> Result<ConferenceSeen, Refusal> {
    let found = carrier.conference(sid_of(part));
    found.ok_or_else(|| Refusal::unknown(&format!("/2010-04-01/Accounts/{}/Conferences/{part}", carrier.0.account_sid)))
}

async fn fetch(State(carrier): State<Carrier>, Path((_, conference)): Path<(String, String)>) -> Reply {
    let conference = find(&carrier, &conference)?;
    Ok((StatusCode::OK, Json(wire::conference(&carrier.0.account_sid, &conference))))
}

async fn update(
    State(carrier): State<Carrier>,
    Path((_, conference)): Path<(String, String)>,
    RawForm(body): RawForm,
) -> Reply {
    let known = find(&carrier, &conference)?;
    if Form::read(&body).one("Status") != Some("completed") {
        return Err(Refusal::bad(20001, "Status must be completed; announcements are not simulated"));
    }
    carrier.release(&known.sid, None);
    loop {
        let version = carrier.version();
        if carrier.participants_of(&known.sid).is_none_or(|inside| inside.is_empty()) {
            break;
        }
        carrier.changed_after(version).await;
    }
    fetch(State(carrier), Path((String::new(), known.sid))).await
}

async fn participants(
    State(carrier): State<Carrier>,
    Path((_, conference)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Reply {
    let conference = find(&carrier, &conference)?;
    let account = &carrier.0.account_sid;
    let inside = carrier.participants_of(&conference.sid).unwrap_or_default();
    let found: Vec<Value> = inside.iter().map(|one| wire::participant(account, &conference, one)).collect();
    let (query, page, size) = Form::read(query.unwrap_or_default().as_bytes()).page();
    let base = format!("/2010-04-01/Accounts/{account}/Conferences/{}/Participants.json", conference.sid);
    Ok((StatusCode::OK, Json(wire::list(("participants", &base), &found, &query, page, size))))
}

async fn participant(
    State(carrier): State<Carrier>,
    Path((_, conference, call)): Path<(String, String, String)>,
) -> Reply {
    let conference = find(&carrier, &conference)?;
    let inside = carrier.participants_of(&conference.sid).unwrap_or_default();
    let found = inside.iter().find(|one| one.seat.call == sid_of(&call)).ok_or_else(|| Refusal::unknown(&call))?;
    Ok((StatusCode::OK, Json(wire::participant(&carrier.0.account_sid, &conference, found))))
}

async fn reseat(
    State(carrier): State<Carrier>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    Path((account, conference, call)): Path<(String, String, String)>,
    RawForm(body): RawForm,
) -> Result<Response, Refusal> {
    let known = find(&carrier, &conference)?;
    let change = change(&carrier, &known, &Form::read(&body))?;
    if known.stage == Stage::Completed {
        return Err(Refusal::unknown(&call));
    }
    let (fault, late) = carrier.next_seat_fault();
    let (taker, sid) = (carrier.clone(), sid_of(&call).to_owned());
    let accept = move || {
        if !taker.reseat(&known.sid, &sid, &change) {
            return Refusal::unknown(&format!("/2010-04-01/Accounts/{account}/Conferences/{conference}/{sid}"))
                .into_response();
        }
        let inside = taker.participants_of(&known.sid).unwrap_or_default();
        match inside.iter().find(|one| one.seat.call == sid) {
            Some(one) => Json(wire::participant(&taker.0.account_sid, &known, one)).into_response(),
            None => Refusal::unknown(&sid).into_response(),
        }
    };
    Ok(fault.answer(late, &cut, accept).await)
}

/// What the form changes, or why it cannot be done.
fn change(carrier: &Carrier, conference: &ConferenceSeen, form: &Form) -> Result<Change, Refusal> {
    // Anything but `true` is false, as with the provider.
    let switch = |name: &str| form.one(name).map(|value| value == "true");
    let document = |url: &str, method: &str| {
        form.one(url)
            .map(|url| (url.to_owned(), if form.one(method) == Some("GET") { Method::Get } else { Method::Post }))
    };
    let whom = form.one("CallSidToCoach").map(str::to_owned);
    let coaches = match (switch("Coaching"), whom) {
        (None, None) => None,
        (Some(false), _) => Some(Audience::ByEverybody),
        (Some(true), None) => return Err(Refusal::bad(20001, "CallSidToCoach is required when Coaching is true")),
        (Some(true) | None, Some(call)) => {
            let inside = carrier.participants_of(&conference.sid).unwrap_or_default();
            if !inside.iter().any(|one| one.seat.call == call) {
                return Err(Refusal::bad(16025, "CallSidToCoach is not in the conference"));
            }
            Some(Audience::By(call))
        }
    };
    Ok(Change {
        hold: switch("Hold"),
        hold_document: document("HoldUrl", "HoldMethod"),
        muted: switch("Muted"),
        ends: switch("EndConferenceOnExit"),
        coaches,
        announcement: document("AnnounceUrl", "AnnounceMethod"),
    })
}

async fn remove(
    State(carrier): State<Carrier>,
    Path((_, conference, call)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let conference = find(&carrier, &conference)?;
    if carrier.release(&conference.sid, Some(sid_of(&call))) {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Refusal::unknown(&call))
    }
}
