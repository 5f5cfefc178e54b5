//! The carrier's API: calls are created, fetched, listed, changed, and their audio forked.

use super::{
    CallSeen, CallStatus, Carrier, Direction, StreamStatus,
    leg::{Next, Order},
    line::{Detection, DialPlan},
    media::{self, StreamPlan},
    numbers,
    post::Method,
    rooms, text_rest,
    wire::{self, Refusal},
};
use crate::{
    ports::clock::Clock,
    simulator::{listener::Cut, machines::Patience, people::Number},
};
use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, RawForm, RawQuery, Request, State},
    http::StatusCode,
    middleware::{self, Next as Inner},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

/// Longest ringing the provider allows, in seconds.
const LONGEST_RING_SECONDS: u64 = 600;
/// Ringing when nothing is said, in seconds.
const USUAL_RING_SECONDS: u64 = 60;
/// Longest document given inline, in characters.
const LONGEST_TWIML: usize = 4000;

/// Bounds of detection: seconds, then milliseconds (Twilio, answering machine detection).
const DETECTION_BOUNDS: [(&str, RangeInclusive<u32>); 4] = [
    ("MachineDetectionTimeout", 3..=59),
    ("MachineDetectionSpeechThreshold", 1_000..=6_000),
    ("MachineDetectionSpeechEndThreshold", 500..=5_000),
    ("MachineDetectionSilenceTimeout", 2_000..=10_000),
];

pub(super) type Reply = Result<(StatusCode, Json<Value>), Refusal>;

/// The API under `/2010-04-01`, behind HTTP Basic authentication.
pub(in crate::simulator) fn routes(carrier: &Carrier) -> Router {
    let account = "/2010-04-01/Accounts/{account}";
    Router::new()
        .route(&format!("{account}/Calls.json"), post(create).get(list))
        .route(&format!("{account}/Calls/{{call}}"), get(fetch).post(update))
        .route(&format!("{account}/Calls/{{call}}/Streams.json"), post(start_stream))
        .route(&format!("{account}/Calls/{{call}}/Streams/{{stream}}"), post(stop_stream))
        .merge(numbers::routes())
        .merge(rooms::routes(account))
        .route(&format!("{account}/Messages.json"), post(text_rest::create).get(text_rest::list))
        .route(&format!("{account}/Messages/{{text}}"), get(text_rest::fetch))
        .layer(middleware::from_fn_with_state(carrier.clone(), authenticate))
        .with_state(carrier.clone())
}

async fn authenticate(State(carrier): State<Carrier>, request: Request, inner: Inner) -> Response {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let given = header.and_then(|value| value.strip_prefix("Basic ")).and_then(|code| STANDARD.decode(code).ok());
    let account = &carrier.0.account_sid;
    if given != Some(format!("{account}:{}", carrier.0.auth_token).into_bytes()) {
        return Refusal::unauthenticated().into_response();
    }
    let path = request.uri().path().to_owned();
    if !path.starts_with(&format!("/2010-04-01/Accounts/{account}/")) {
        return Refusal::unknown(&path).into_response();
    }
    inner.run(request).await
}

/// The fields of a form or a query.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Which page of a list is asked for: the rest of the query, its number from 0, its size.
    pub(super) fn page(&self) -> (String, usize, usize) {
        let number = |name: &str| self.one(name).and_then(|text| text.parse().ok());
        let kept = self.0.iter().filter(|(name, _)| name != "Page" && name != "PageSize");
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        (query, number("Page").unwrap_or(0), number("PageSize").unwrap_or(50).clamp(1, 1000))
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
    }
}

async fn create(
    State(carrier): State<Carrier>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    RawForm(body): RawForm,
) -> Response {
    let plan = match dial_plan(&Form::read(&body)) {
        Ok(plan) => plan,
        Err(refusal) => return refusal.into_response(),
    };
    let (fault, late) = carrier.next_create_fault();
    let accept = move || {
        let call = carrier.dial(plan);
        (StatusCode::CREATED, Json(wire::call(&carrier.0.account_sid, &call))).into_response()
    };
    fault.answer(late, &cut, accept).await
}

/// Whether a line is a browser, by its identity: letters, digits and underscores.
fn is_client(to: &str) -> bool {
    to.strip_prefix("client:").is_some_and(|identity| {
        !identity.is_empty() && identity.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn dial_plan(form: &Form) -> Result<DialPlan, Refusal> {
    let to = form.one("To").ok_or_else(|| Refusal::bad(21201, "No 'To' number is specified"))?;
    let from = form.one("From").ok_or_else(|| Refusal::bad(21213, "No 'From' number is specified"))?;
    if !is_client(to) && Number::try_from(to.to_owned()).is_err() {
        return Err(Refusal::bad(21211, format!("The 'To' number {to} is not a valid phone number.")));
    }
    if Number::try_from(from.to_owned()).is_err() {
        return Err(Refusal::bad(21212, format!("The 'From' number {from} is not a valid phone number.")));
    }
    let first = next_of(form)?.ok_or_else(|| Refusal::bad(21205, "Url parameter is required."))?;
    let ring = form.one("Timeout").map_or(Ok(USUAL_RING_SECONDS), str::parse).ok();
    let ring = ring.filter(|seconds| (1..=LONGEST_RING_SECONDS).contains(seconds));
    let ring = ring.ok_or_else(|| Refusal::bad(13214, "Timeout must be between 1 and 600 seconds"))?;
    let mut events = form.all("StatusCallbackEvent");
    if events.is_empty() {
        events.push("completed".into());
    }
    Ok(DialPlan {
        to: to.to_owned(),
        from: from.to_owned(),
        shown: from.to_owned(),
        direction: Direction::OutboundApi,
        first,
        ring_for: Duration::from_secs(ring),
        callback: form
            .one("StatusCallback")
            .map(|url| (url.to_owned(), Method::read(form.one("StatusCallbackMethod")))),
        events,
        detection: detection(form)?,
    })
}

/// How the carrier finds out who answers. Keys that are sent and detection exclude each other at the provider too.
fn detection(form: &Form) -> Result<Detection, Refusal> {
    let patience = match form.one("MachineDetection") {
        None => return Ok(Detection::Off),
        Some("Enable") => Patience::Start,
        Some("DetectMessageEnd") => Patience::MessageEnd,
        Some(_) => return Err(Refusal::bad(21205, "MachineDetection must be Enable or DetectMessageEnd")),
    };
    for (field, within) in DETECTION_BOUNDS {
        if form.one(field).is_some_and(|text| text.parse().map_or(true, |value: u32| !within.contains(&value))) {
            return Err(Refusal::bad(21205, format!("{field} is out of its bounds")));
        }
    }
    if form.one("AsyncAmd") != Some("true") {
        return Ok(Detection::Before(patience));
    }
    let method = Method::read(form.one("AsyncAmdStatusCallbackMethod"));
    Ok(Detection::Beside(patience, form.one("AsyncAmdStatusCallback").map(|url| (url.to_owned(), method))))
}

/// Where the next document comes from, if the form says.
fn next_of(form: &Form) -> Result<Option<Next>, Refusal> {
    if let Some(url) = form.one("Url") {
        if !(url.starts_with("http://") || url.starts_with("https://")) || url::Url::parse(url).is_err() {
            return Err(Refusal::bad(21205, format!("Url is not a valid URL: {url}")));
        }
        let method = Method::read(form.one("Method"));
        return Ok(Some(Next::Fetch { url: url.to_owned(), method, extra: Vec::new() }));
    }
    match form.one("Twiml") {
        Some(twiml) if twiml.chars().count() > LONGEST_TWIML => {
            Err(Refusal::bad(32018, "Twiml must not be longer than 4000 characters"))
        }
        twiml => Ok(twiml.map(|twiml| Next::Script(twiml.to_owned()))),
    }
}

async fn list(State(carrier): State<Carrier>, RawQuery(query): RawQuery) -> Reply {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let wanted = |name: &str, value: &str| form.one(name).is_none_or(|wanted| wanted == value);
    let is_listed = carrier.lists();
    let is_wanted = |call: &&CallSeen| {
        wanted("To", &call.to) && wanted("From", &call.from) && wanted("Status", call.status.rest_word())
    };
    let calls: Vec<CallSeen> =
        carrier.book().calls.iter().rev().filter(is_wanted).filter(|call| is_listed(call)).cloned().collect();
    let (query, page, size) = form.page();
    let page = wire::page(&carrier.0.account_sid, &calls, &query, page, size);
    Ok((StatusCode::OK, Json(page)))
}

/// The sid in the last part of a path, which ends in `.json`.
pub(super) fn sid_of(part: &str) -> &str {
    part.strip_suffix(".json").unwrap_or(part)
}

fn find(carrier: &Carrier, part: &str) -> Result<CallSeen, Refusal> {
    let found = carrier.book().call(sid_of(part)).cloned();
    found.ok_or_else(|| Refusal::unknown(&format!("/2010-04-01/Accounts/{}/Calls/{part}", carrier.0.account_sid)))
}

async fn fetch(State(carrier): State<Carrier>, Path((_, call)): Path<(String, String)>) -> Reply {
    let call = find(&carrier, &call)?;
    Ok((StatusCode::OK, Json(wire::call(&carrier.0.account_sid, &call))))
}

async fn update(
    State(carrier): State<Carrier>,
    Path((_, call)): Path<(String, String)>,
    RawForm(body): RawForm,
) -> Reply {
    let form = Form::read(&body);
    let call = find(&carrier, &call)?;
    let live = carrier.book().live.get(&call.sid).cloned();
    let Some(live) = live.filter(|_| !call.status.is_over()) else {
        return Err(Refusal::bad(21220, "Call is not in-progress. Cannot redirect."));
    };
    let order = match form.one("Status") {
        // Cancelling means calls that nobody has answered yet; others go on.
        Some("canceled") if call.status == CallStatus::InProgress => None,
        Some("completed" | "canceled") => Some(Order::End),
        Some(_) => return Err(Refusal::bad(21218, "Status must be canceled or completed")),
        None => next_of(&form)?.map(Order::Redirect),
    };
    let ends = matches!(order, Some(Order::End));
    if ends {
        carrier.note(&call.sid, |page| page.ended_on_request = true);
    }
    if let Some(order) = order
        && live.orders.send(order).await.is_ok()
        && ends
    {
        carrier.until(|calls| calls.iter().any(|one| one.sid == call.sid && one.status.is_over()).then_some(())).await;
    }
    let call = find(&carrier, &call.sid)?;
    Ok((StatusCode::OK, Json(wire::call(&carrier.0.account_sid, &call))))
}

async fn start_stream(
    State(carrier): State<Carrier>,
    Path((_, call)): Path<(String, String)>,
    RawForm(body): RawForm,
) -> Reply {
    let form = Form::read(&body);
    let call = find(&carrier, &call)?;
    let live = carrier.book().live.get(&call.sid).cloned();
    let Some(live) = live.filter(|_| call.status == CallStatus::InProgress) else {
        return Err(Refusal::bad(21220, "Call is not in-progress."));
    };
    let url = form.one("Url").ok_or_else(|| Refusal::bad(21205, "Url parameter is required."))?;
    let plan = StreamPlan {
        url: url.to_owned(),
        name: form.one("Name").map(str::to_owned),
        track: form.one("Track").unwrap_or("inbound_track").to_owned(),
        parameters: parameters(&form),
    };
    let page = media::open(&carrier, &call.sid, &live.voice, plan).map_err(|(code, text)| Refusal::bad(code, text))?;
    let now = carrier.clock().now();
    Ok((StatusCode::CREATED, Json(wire::stream(&carrier.0.account_sid, &call.sid, &page, now))))
}

/// `Parameter1.Name` and `Parameter1.Value` and so on, to 99.
fn parameters(form: &Form) -> Vec<(String, String)> {
    let mut named: BTreeMap<u32, (Option<String>, Option<String>)> = BTreeMap::new();
    for (field, value) in &form.0 {
        let Some((number, part)) = field.strip_prefix("Parameter").and_then(|rest| rest.split_once('.')) else {
            continue;
        };
        let Ok(number @ 1..=99) = number.parse() else { continue };
        let entry = named.entry(number).or_default();
        match part {
            "Name" => entry.0 = Some(value.clone()),
            "Value" => entry.1 = Some(value.clone()),
            _ => {}
        }
    }
    named.into_values().filter_map(|(name, value)| Some((name?, value?))).collect()
}

async fn stop_stream(
    State(carrier): State<Carrier>,
    Path((_, call, stream)): Path<(String, String, String)>,
    RawForm(body): RawForm,
) -> Reply {
    let call = find(&carrier, &call)?;
    if Form::read(&body).one("Status") != Some("stopped") {
        return Err(Refusal::bad(21218, "Status must be stopped"));
    }
    let wanted = sid_of(&stream);
    let known = call.streams.iter().find(|one| one.sid == wanted || one.name.as_deref() == Some(wanted));
    let mut page = known.cloned().ok_or_else(|| Refusal::unknown(&stream))?;
    let live = carrier.book().live.get(&call.sid).cloned();
    if let Some(live) = live {
        live.voice.untap(&page.sid);
    }
    page.status = StreamStatus::Stopped;
    let now = carrier.clock().now();
    Ok((StatusCode::OK, Json(wire::stream(&carrier.0.account_sid, &call.sid, &page, now))))
}
