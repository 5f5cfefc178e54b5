//! The provider's wire: chat completions (whole and streamed), embeddings, the list of models, and errors in the
//! provider's own shape (<https://platform.openai.com/docs/api-reference>).

use super::{
    Mode, ModelState, attacks,
    honest::{self, Conversation, Material},
    vectors,
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};

/// The name the model goes by.
const MODEL: &str = "town-guide-1";
/// The embedding model's name.
const EMBEDDING_MODEL: &str = "town-stems-256";
/// How long the slow model thinks.
const SLOW_SECONDS: u64 = 5;
/// How long a request may hang before the town lets go of it; every client gives up long before.
const HANG_SECONDS: u64 = 120;

pub(super) async fn models(State(state): State<ModelState>, headers: HeaderMap) -> Response {
    if !state.accepts(bearer(&headers)) {
        return wrong_key();
    }
    let entry = |id: &str| json!({"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "town"});
    Json(json!({"object": "list", "data": [entry(MODEL), entry(EMBEDDING_MODEL)]})).into_response()
}

pub(super) async fn chat(State(state): State<ModelState>, headers: HeaderMap, body: Bytes) -> Response {
    if !state.accepts(bearer(&headers)) {
        return wrong_key();
    }
    let request: Value = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(_) => return wrong_request("We could not parse the JSON body of your request."),
    };
    let Some(messages) = messages(&request) else {
        return wrong_request("Missing required parameter: 'messages'.");
    };
    if request.get("model").and_then(Value::as_str).is_none() {
        return wrong_request("you must provide a model parameter");
    }
    let (mode, ordinal) = state.note_chat(messages.join("\n"));
    if let Some(refusal) = refusal(mode).await {
        return refusal;
    }
    let material = Material::read(&messages);
    let conversation = Conversation::read(&messages);
    let text = match (mode, &conversation) {
        (Mode::Hostile, Some(conversation)) => conversation.lie(),
        (Mode::WellBehaved | Mode::Slow | Mode::OneByteASecond, Some(conversation)) => conversation.choose(),
        (mode, _) => match reply(mode, ordinal, &material) {
            Ok(text) => text,
            Err(page) => return *page,
        },
    };
    if request.get("stream").and_then(Value::as_bool) == Some(true) { streamed(&text, mode) } else { whole(&text) }
}

/// What is said to a question under a mode; a page when it is no reply at all.
fn reply(mode: Mode, ordinal: usize, material: &Material) -> Result<String, Box<Response>> {
    Ok(match mode {
        Mode::Hostile => attacks::attack(ordinal).wage(material),
        Mode::Garbage => match garbage(ordinal) {
            Garbage::Content(text) => text,
            Garbage::Body(kind, text) => return Err(Box::new(([(header::CONTENT_TYPE, kind)], text).into_response())),
        },
        Mode::WellBehaved
        | Mode::Slow
        | Mode::OneByteASecond
        | Mode::Hang
        | Mode::RefuseConnection
        | Mode::Error500
        | Mode::Throttled => honest::answer(material),
    })
}

pub(super) async fn embeddings(State(state): State<ModelState>, headers: HeaderMap, body: Bytes) -> Response {
    if !state.accepts(bearer(&headers)) {
        return wrong_key();
    }
    let input = serde_json::from_slice::<Value>(&body).ok().and_then(|request| match request.get("input") {
        Some(Value::String(text)) => Some(vec![text.clone()]),
        Some(Value::Array(texts)) => texts.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => None,
    });
    let Some(input) = input.filter(|texts| !texts.is_empty() && texts.len() <= 2048) else {
        return wrong_request("'input' must be a string or an array of 1 to 2048 strings.");
    };
    let mode = state.note_embedding(input.join("\n"));
    if let Some(refusal) = refusal(mode).await {
        return refusal;
    }
    if mode == Mode::Garbage {
        return ([(header::CONTENT_TYPE, "text/html")], "<html>welcome to the proxy</html>").into_response();
    }
    let entries: Vec<Value> = input
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vectors::embed(text)}))
        .collect();
    let usage = json!({"prompt_tokens": input.len(), "total_tokens": input.len()});
    let body = json!({"object": "list", "data": entries, "model": EMBEDDING_MODEL, "usage": usage}).to_string();
    if mode == Mode::OneByteASecond {
        return one_byte_a_second("application/json", body);
    }
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
}

fn messages(request: &Value) -> Option<Vec<String>> {
    let messages = request.get("messages")?.as_array()?;
    let read = |message: &Value| message.get("content").and_then(Value::as_str).map(str::to_owned);
    messages.iter().map(read).collect::<Option<Vec<_>>>().filter(|messages| !messages.is_empty())
}

/// The answer of the modes that give none; waits where the mode waits.
async fn refusal(mode: Mode) -> Option<Response> {
    match mode {
        Mode::WellBehaved | Mode::Garbage | Mode::OneByteASecond | Mode::Hostile => None,
        Mode::Slow => {
            tokio::time::sleep(Duration::from_secs(SLOW_SECONDS)).await;
            None
        }
        Mode::Hang => {
            tokio::time::sleep(Duration::from_secs(HANG_SECONDS)).await;
            Some(StatusCode::GATEWAY_TIMEOUT.into_response())
        }
        Mode::RefuseConnection => Some((StatusCode::SERVICE_UNAVAILABLE, "no healthy upstream").into_response()),
        Mode::Error500 => Some(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server had an error while processing your request.",
            "server_error",
            None,
        )),
        Mode::Throttled => Some(error(
            StatusCode::TOO_MANY_REQUESTS,
            "Rate limit reached for requests.",
            "requests",
            Some("rate_limit_exceeded"),
        )),
    }
}

enum Garbage {
    Content(String),
    Body(&'static str, &'static str),
}

fn garbage(ordinal: usize) -> Garbage {
    match ordinal % 4 {
        0 => Garbage::Content("Sure! I think the patient should rest and you should not worry.".to_owned()),
        1 => Garbage::Content(r#"{"statements": [{"text": "Sit upr"#.to_owned()),
        2 => Garbage::Body("text/event-stream", "data: {\"id\": \"half\n\ndata: <<<\n\n"),
        _ => Garbage::Body("text/html", "<html><body>502 Bad Gateway</body></html>"),
    }
}

fn whole(text: &str) -> Response {
    Json(json!({
        "id": "chatcmpl-town", "object": "chat.completion", "created": 1_700_000_000, "model": MODEL,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": null},
                     "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    }))
    .into_response()
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    let chunk = json!({
        "id": "chatcmpl-town", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]
    });
    format!("data: {chunk}\n\n")
}

fn streamed(text: &str, mode: Mode) -> Response {
    let mut events = vec![chunk(&json!({"role": "assistant", "content": ""}), None)];
    let letters: Vec<char> = text.chars().collect();
    events.extend(letters.chunks(40).map(|piece| chunk(&json!({"content": piece.iter().collect::<String>()}), None)));
    events.push(chunk(&json!({}), Some("stop")));
    events.push("data: [DONE]\n\n".to_owned());
    if mode == Mode::OneByteASecond {
        return one_byte_a_second("text/event-stream", events.concat());
    }
    let body = Body::from_stream(stream::iter(events).map(Ok::<_, Infallible>));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn one_byte_a_second(kind: &'static str, text: String) -> Response {
    let drops = stream::iter(text.into_bytes()).then(|byte| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>(vec![byte])
    });
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(drops)).into_response()
}

fn wrong_key() -> Response {
    error(StatusCode::UNAUTHORIZED, "Incorrect API key provided.", "invalid_request_error", Some("invalid_api_key"))
}

fn wrong_request(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, message, "invalid_request_error", None)
}

fn error(status: StatusCode, message: &str, kind: &str, code: Option<&str>) -> Response {
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    (status, Json(body)).into_response()
}
