//! The provider's JSON: calls, streams, conferences, participants, pages of lists, and errors, with the provider's field names.

use super::{CallSeen, ConferenceSeen, StreamSeen, conference::ParticipantSeen, numbers::NumberSeen};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A refusal in the provider's form.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: u32,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn bad(code: u32, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    pub(super) fn unknown(path: &str) -> Self {
        let message = format!("The requested resource {path} was not found");
        Self { status: StatusCode::NOT_FOUND, code: 20404, message }
    }

    pub(super) fn unauthenticated() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, code: 20003, message: "Authenticate".into() }
    }

    pub(super) fn throttled() -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, code: 20429, message: "Too Many Requests".into() }
    }

    pub(super) fn broken() -> Self {
        let message = "An internal server error has occurred".into();
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: 20500, message }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        (self.status, Json(body)).into_response()
    }
}

/// The call resource.
pub(super) fn call(account: &str, call: &CallSeen) -> Value {
    let uri = format!("/2010-04-01/Accounts/{account}/Calls/{}", call.sid);
    let duration = call.started_at.zip(call.ended_at).map(|(from, to)| (to - from).num_seconds().to_string());
    json!({
        "sid": call.sid,
        "date_created": rfc2822(call.created_at),
        "date_updated": rfc2822(call.ended_at.or(call.started_at).unwrap_or(call.created_at)),
        "parent_call_sid": null,
        "account_sid": account,
        "to": call.to,
        "to_formatted": call.to,
        "from": call.from,
        "from_formatted": call.from,
        "phone_number_sid": null,
        "status": call.status.rest_word(),
        "start_time": call.started_at.map(rfc2822),
        "end_time": call.ended_at.map(rfc2822),
        "duration": duration,
        "price": null,
        "price_unit": "USD",
        "direction": call.direction.word(),
        "answered_by": call.answered_by,
        "annotation": null,
        "api_version": "2010-04-01",
        "forwarded_from": null,
        "group_sid": null,
        "caller_name": null,
        "queue_time": call.queue_milliseconds.to_string(),
        "trunk_sid": null,
        "uri": format!("{uri}.json"),
        "subresource_uris": {
            "events": format!("{uri}/Events.json"),
            "streams": format!("{uri}/Streams.json"),
        },
    })
}

/// One page of a list of calls, newest first.
pub(super) fn page(account: &str, calls: &[CallSeen], query: &str, page: usize, page_size: usize) -> Value {
    let all: Vec<Value> = calls.iter().map(|one| call(account, one)).collect();
    let base = format!("/2010-04-01/Accounts/{account}/Calls.json");
    list(("calls", &base), &all, query, page, page_size)
}

/// One page of a list: under its name, with the addresses of the pages beside it.
pub(super) fn list((name, base): (&str, &str), all: &[Value], query: &str, page: usize, page_size: usize) -> Value {
    let start = page.saturating_mul(page_size);
    let on_page: Vec<&Value> = all.iter().skip(start).take(page_size).collect();
    let address = |page: usize| format!("{base}?{query}{}PageSize={page_size}&Page={page}", separator(query));
    let has_next = all.len() > start.saturating_add(page_size);
    json!({
        "end": start + on_page.len().saturating_sub(1),
        (name): on_page,
        "first_page_uri": address(0),
        "next_page_uri": has_next.then(|| address(page + 1)),
        "page": page,
        "page_size": page_size,
        "previous_page_uri": page.checked_sub(1).map(address),
        "start": start,
        "uri": address(page),
    })
}

const fn separator(query: &str) -> &'static str {
    if query.is_empty() { "" } else { "&" }
}

/// The stream resource.
pub(super) fn stream(account: &str, call: &str, stream: &StreamSeen, now: DateTime<Utc>) -> Value {
    json!({
        "sid": stream.sid,
        "account_sid": account,
        "call_sid": call,
        "name": stream.name,
        "status": stream.status,
        "date_updated": rfc2822(now),
        "uri": format!("/2010-04-01/Accounts/{account}/Calls/{call}/Streams/{}.json", stream.sid),
    })
}

/// The conference resource.
pub(super) fn conference(account: &str, conference: &ConferenceSeen) -> Value {
    let uri = format!("/2010-04-01/Accounts/{account}/Conferences/{}", conference.sid);
    json!({
        "sid": conference.sid,
        "account_sid": account,
        "friendly_name": conference.name,
        "status": conference.stage,
        "date_created": rfc2822(conference.opened_at),
        "date_updated": rfc2822(conference.ended_at.unwrap_or(conference.opened_at)),
        "api_version": "2010-04-01",
        "region": "us1",
        "reason_conference_ended": null,
        "call_sid_ending_conference": null,
        "uri": format!("{uri}.json"),
        "subresource_uris": { "participants": format!("{uri}/Participants.json") },
    })
}

/// The participant resource.
pub(super) fn participant(account: &str, conference: &ConferenceSeen, inside: &ParticipantSeen) -> Value {
    let (at, seat) = (rfc2822(inside.joined_at), &inside.seat);
    let call = &seat.call;
    json!({
        "account_sid": account,
        "call_sid": call,
        "conference_sid": conference.sid,
        "date_created": at,
        "date_updated": at,
        "label": null,
        "call_sid_to_coach": seat.coaches,
        "coaching": seat.coaches.is_some(),
        "muted": seat.muted,
        "hold": seat.held,
        "start_conference_on_enter": inside.starts,
        "end_conference_on_exit": seat.ends,
        "status": "connected",
        "queue_time": null,
        "uri": format!("/2010-04-01/Accounts/{account}/Conferences/{}/Participants/{call}.json", conference.sid),
    })
}

/// A number of the account.
pub(super) fn number(account: &str, number: &NumberSeen) -> Value {
    json!({
        "sid": number.sid,
        "account_sid": account,
        "phone_number": number.number,
        "friendly_name": number.number,
        "voice_url": number.voice_url,
        "voice_method": "POST",
        "status_callback": number.status_callback,
        "status_callback_method": "POST",
        "sms_url": number.text_url,
        "sms_method": "POST",
        "capabilities": { "voice": true, "sms": true, "mms": false, "fax": false },
        "api_version": "2010-04-01",
        "uri": format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{}.json", number.sid),
    })
}

/// All numbers that were asked for, on one page.
pub(super) fn numbers(account: &str, numbers: &[NumberSeen]) -> Value {
    let all: Vec<Value> = numbers.iter().map(|one| number(account, one)).collect();
    json!({
        "start": 0,
        "end": all.len().saturating_sub(1),
        "page": 0,
        "page_size": 50,
        "next_page_uri": null,
        "previous_page_uri": null,
        "incoming_phone_numbers": all,
    })
}

/// The provider's instants: RFC 2822 in UTC, whole seconds.
pub(super) fn rfc2822(at: DateTime<Utc>) -> String {
    at.to_rfc2822()
}
