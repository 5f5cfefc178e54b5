//! The carrier's API for texts: created, fetched, listed.

use super::{
    Carrier,
    texts::{TextPlan, TextSeen},
    wire::{self, Refusal},
};
use crate::simulator::{listener::Cut, people::Number};
use axum::{
    Json,
    extract::{ConnectInfo, Path, RawForm, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longest text, in characters.
const LONGEST_BODY: usize = 1600;

type Fields = BTreeMap<String, String>;

fn fields(bytes: &[u8]) -> Fields {
    url::form_urlencoded::parse(bytes).into_owned().filter(|(_, value)| !value.is_empty()).collect()
}

/// `POST Messages.json`.
pub(super) async fn create(
    State(carrier): State<Carrier>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    RawForm(body): RawForm,
) -> Response {
    let plan = match plan(&carrier, &fields(&body)) {
        Ok(plan) => plan,
        Err(refusal) => return refusal.into_response(),
    };
    let (fault, late) = carrier.next_text_fault();
    let accept = move || {
        let text = carrier.accept_text(plan);
        (StatusCode::CREATED, Json(page_of(&carrier, &text))).into_response()
    };
    fault.answer(late, &cut, accept).await
}

fn plan(carrier: &Carrier, fields: &Fields) -> Result<TextPlan, Refusal> {
    let one = |name: &str| fields.get(name).cloned();
    let to = one("To").ok_or_else(|| Refusal::bad(21604, "A 'To' phone number is required."))?;
    let from = one("From").ok_or_else(|| Refusal::bad(21603, "A 'From' phone number is required."))?;
    let body = one("Body").ok_or_else(|| Refusal::bad(21602, "Message body is required."))?;
    if Number::try_from(to.clone()).is_err() {
        return Err(Refusal::bad(21211, "Invalid 'To' Phone Number"));
    }
    if Number::try_from(from.clone()).is_err() {
        return Err(Refusal::bad(21212, "Invalid 'From' Number"));
    }
    if body.chars().count() > LONGEST_BODY {
        return Err(Refusal::bad(21617, "The concatenated message body exceeds the 1600 character limit"));
    }
    if let Some(code) = carrier.refuses_text(&to, &from) {
        return Err(Refusal::bad(code, "The message cannot be sent to this recipient"));
    }
    Ok(TextPlan { to, from, body, callback: one("StatusCallback") })
}

/// `GET Messages/{sid}.json`.
pub(super) async fn fetch(
    State(carrier): State<Carrier>,
    Path((_, part)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let sid = part.strip_suffix(".json").unwrap_or(&part);
    let found = carrier.texts().into_iter().find(|text| text.sid == sid);
    found.map(|text| Json(page_of(&carrier, &text))).ok_or_else(|| Refusal::unknown(&part))
}

/// `GET Messages.json`, newest first.
pub(super) async fn list(State(carrier): State<Carrier>, RawQuery(query): RawQuery) -> Json<Value> {
    let asked = fields(query.unwrap_or_default().as_bytes());
    let is = |name: &str, value: &str| asked.get(name).is_none_or(|wanted| wanted == value);
    let texts: Vec<TextSeen> =
        carrier.listed_texts().into_iter().filter(|text| is("To", &text.to) && is("From", &text.from)).collect();
    let number = |name: &str, usual: usize| asked.get(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (page, size) = (number("Page", 0), number("PageSize", 50).clamp(1, 1000));
    let start = page.saturating_mul(size);
    let shown: Vec<Value> = texts.iter().skip(start).take(size).map(|text| page_of(&carrier, text)).collect();
    let kept = asked.iter().filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize"));
    let rest = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    let base = format!("/2010-04-01/Accounts/{}/Messages.json", carrier.0.account_sid);
    let more = texts.len() > start.saturating_add(size);
    Json(json!({
        "messages": shown,
        "page": page,
        "page_size": size,
        "next_page_uri": more.then(|| format!("{base}?{rest}&PageSize={size}&Page={}", page + 1)),
        "uri": base,
    }))
}

fn page_of(carrier: &Carrier, text: &TextSeen) -> Value {
    let account = &carrier.0.account_sid;
    json!({
        "sid": text.sid,
        "account_sid": account,
        "to": text.to,
        "from": text.from,
        "body": text.body,
        "status": text.status,
        "direction": if text.inbound { "inbound" } else { "outbound-api" },
        "error_code": text.error_code,
        "error_message": null,
        "date_created": wire::rfc2822(text.created_at),
        "date_sent": (text.status != "queued").then(|| wire::rfc2822(text.created_at)),
        "date_updated": wire::rfc2822(text.created_at),
        "num_media": "0",
        "num_segments": "1",
        "messaging_service_sid": null,
        "price": null,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "uri": format!("/2010-04-01/Accounts/{account}/Messages/{}.json", text.sid),
    })
}
