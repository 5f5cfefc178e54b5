//! The town's own surface, which no provider has: its clock, its people, its misbehaviour, and what really happened.

use super::{
    carrier::{CallSeen, Carrier, ConferenceSeen, TextFaultsWanted, TextSeen, faults::FaultsWanted},
    people::{Keys, TownPlan},
};
use crate::ports::clock::Clock;
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a waiting request stays open when nothing happens.
const WAIT: Duration = Duration::from_secs(25);
/// Furthest the clock may be put forward at once: ten years.
const FURTHEST_SECONDS: u64 = 315_360_000;

/// A refusal in one sentence.
type Refusal = (StatusCode, Json<Value>);

/// Everything under `/town`.
pub(super) fn routes(carrier: &Carrier) -> Router {
    Router::new()
        .route("/town/health", get(health))
        .route("/town/clock", get(clock))
        .route("/town/clock/wait", get(wait_for_clock))
        .route("/town/clock/advance", post(advance))
        .route("/town/calls", get(calls))
        .route("/town/calls/wait", get(wait_for_calls))
        .route("/town/conferences", get(conferences))
        .route("/town/people", get(people).post(settle))
        .route("/town/ring", post(ring))
        .route("/town/say", post(say))
        .route("/town/press", post(press))
        .route("/town/hangup", post(hang_up))
        .route("/town/faults", post(misbehave))
        .route("/town/texts", get(texts))
        .route("/town/text", post(write))
        .route("/town/numbers", post(set_number))
        .route("/town/text-faults", post(misbehave_with_texts))
        .with_state(carrier.clone())
}

fn refuse(status: StatusCode, text: impl std::fmt::Display) -> Refusal {
    (status, Json(json!({ "error": text.to_string() })))
}

async fn health() -> Json<Value> {
    Json(json!({ "ok": true }))
}

fn time(carrier: &Carrier) -> Json<Value> {
    // The version is read first: a jump between the two is then told again rather than missed.
    let version = carrier.clock().version();
    Json(json!({ "version": version, "now": carrier.clock().now() }))
}

async fn clock(State(carrier): State<Carrier>) -> Json<Value> {
    time(&carrier)
}

#[derive(Deserialize)]
struct After {
    after: u64,
}

async fn wait_for_clock(State(carrier): State<Carrier>, Query(After { after }): Query<After>) -> Json<Value> {
    // Silence is an answer too: the time is told at the latest when the wait is over.
    let _ = tokio::time::timeout(WAIT, carrier.clock().jumped_after(after)).await;
    time(&carrier)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

async fn advance(State(carrier): State<Carrier>, Json(by): Json<Advance>) -> Result<Json<Value>, Refusal> {
    if by.seconds > FURTHEST_SECONDS {
        return Err(refuse(StatusCode::BAD_REQUEST, "the clock is put forward ten years at most"));
    }
    carrier.clock().advance(Duration::from_secs(by.seconds));
    Ok(time(&carrier))
}

async fn calls(State(carrier): State<Carrier>) -> Json<Vec<CallSeen>> {
    Json(carrier.calls())
}

/// Calls with the number of the change they show.
#[derive(Serialize)]
struct Seen {
    version: u64,
    calls: Vec<CallSeen>,
}

async fn wait_for_calls(State(carrier): State<Carrier>, Query(After { after }): Query<After>) -> Json<Seen> {
    let _ = tokio::time::timeout(WAIT, carrier.changed_after(after)).await;
    let version = carrier.version();
    Json(Seen { version, calls: carrier.calls() })
}

async fn conferences(State(carrier): State<Carrier>) -> Json<Vec<ConferenceSeen>> {
    Json(carrier.conferences())
}

async fn people(State(carrier): State<Carrier>) -> Json<Value> {
    let people = carrier.people();
    Json(people.iter().map(|one| json!({ "name": one.name, "number": one.number.as_str() })).collect())
}

async fn settle(State(carrier): State<Carrier>, body: String) -> Result<Json<Value>, Refusal> {
    let plan = TownPlan::read(&body).map_err(|fault| refuse(StatusCode::BAD_REQUEST, fault))?;
    let count = plan.people.len();
    carrier.settle(plan);
    Ok(Json(json!({ "people": count })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    number: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    number: String,
    keys: Keys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HangUp {
    number: String,
}

/// Somebody rings a number of the account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ring {
    from: String,
    to: String,
}

async fn ring(State(carrier): State<Carrier>, Json(Ring { from, to }): Json<Ring>) -> Result<Json<Value>, Refusal> {
    match carrier.make_ring(&from, &to) {
        Some(call) => Ok(Json(json!({ "sid": call.sid }))),
        None => Err(refuse(
            StatusCode::NOT_FOUND,
            "nobody in town has the first number, or the second has no VoiceUrl; `careline carrier connect` gives it one",
        )),
    }
}

async fn say(State(carrier): State<Carrier>, Json(Say { number, text }): Json<Say>) -> Result<Json<Value>, Refusal> {
    done(carrier.make_say(&number, &text).await)
}

async fn press(State(carrier): State<Carrier>, Json(what): Json<Press>) -> Result<Json<Value>, Refusal> {
    done(carrier.make_press(&what.number, what.keys.as_str()).await)
}

async fn hang_up(State(carrier): State<Carrier>, Json(who): Json<HangUp>) -> Result<Json<Value>, Refusal> {
    done(carrier.make_hang_up(&who.number).await)
}

fn done(was_done: bool) -> Result<Json<Value>, Refusal> {
    if was_done {
        Ok(Json(json!({ "ok": true })))
    } else {
        Err(refuse(StatusCode::NOT_FOUND, "nobody with this number is in an answered call"))
    }
}

async fn misbehave(State(carrier): State<Carrier>, Json(wanted): Json<FaultsWanted>) -> Json<Value> {
    carrier.misbehave(wanted);
    Json(json!({ "ok": true }))
}

async fn texts(State(carrier): State<Carrier>) -> Json<Vec<TextSeen>> {
    Json(carrier.texts())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    from: String,
    to: String,
    body: String,
}

/// Makes somebody write a text.
async fn write(State(carrier): State<Carrier>, Json(text): Json<Write>) -> Json<TextSeen> {
    Json(carrier.make_text(&text.from, &text.to, &text.body).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberSettings {
    number: String,
    text_url: String,
}

/// What a number's owner sets at the provider: where texts to it go.
async fn set_number(State(carrier): State<Carrier>, Json(settings): Json<NumberSettings>) -> Json<Value> {
    carrier.set_text_address(&settings.number, &settings.text_url);
    Json(json!({ "ok": true }))
}

async fn misbehave_with_texts(State(carrier): State<Carrier>, Json(wanted): Json<TextFaultsWanted>) -> Json<Value> {
    carrier.misbehave_with_texts(&wanted);
    Json(json!({ "ok": true }))
}
