//! The provider's words: requests built, streams read, errors turned into outages. Nothing of a reply or of an error
//! text leaves this file except the model's own words and a short code.

use crate::ports::{Outage, OutageKind, llm::Prompt};
use async_openai::{
    error::{ApiError, ApiErrorResponse, OpenAIError},
    types::chat::{
        ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage, ChatCompletionRequestUserMessage,
        CreateChatCompletionRequest, CreateChatCompletionStreamResponse, ResponseFormat, ResponseFormatJsonSchema,
    },
    types::embeddings::{CreateEmbeddingRequest, EmbeddingInput, EncodingFormat},
};
use futures_util::StreamExt;
use reqwest::StatusCode;
use serde::Deserialize;

/// The name this dependency goes by in outages.
pub(super) const DEPENDENCY: &str = "model";
/// Longest stream, in bytes: a reply of the greatest length with its wrapping.
const STREAM_MOST: usize = 4_194_304;
/// Longest error body that is read for its code, in bytes.
const ERROR_BODY_MOST: usize = 16_384;

pub(super) const fn outage(kind: OutageKind) -> Outage {
    Outage { dependency: DEPENDENCY, kind }
}

pub(super) fn chat_request(model: &str, prompt: &Prompt) -> CreateChatCompletionRequest {
    let schema = ResponseFormatJsonSchema {
        description: None,
        name: "quoted_answer".to_owned(),
        schema: prompt.schema.clone(),
        strict: Some(true),
    };
    CreateChatCompletionRequest {
        model: model.to_owned(),
        messages: vec![
            ChatCompletionRequestMessage::System(ChatCompletionRequestSystemMessage::from(
                prompt.instructions.as_str(),
            )),
            ChatCompletionRequestMessage::User(ChatCompletionRequestUserMessage::from(prompt.material.as_str())),
        ],
        temperature: Some(0.0),
        max_completion_tokens: Some(prompt.max_tokens),
        response_format: Some(ResponseFormat::JsonSchema { json_schema: schema }),
        stream: Some(true),
        ..CreateChatCompletionRequest::default()
    }
}

pub(super) fn embedding_request(model: &str, texts: &[String]) -> CreateEmbeddingRequest {
    CreateEmbeddingRequest {
        model: model.to_owned(),
        input: EmbeddingInput::StringArray(texts.to_vec()),
        encoding_format: Some(EncodingFormat::Float),
        user: None,
        dimensions: None,
    }
}

/// The words in one event of a stream; an event without words gives none.
pub(super) fn words_of(event: &CreateChatCompletionStreamResponse) -> Option<&str> {
    event.choices.iter().find(|choice| choice.index == 0)?.delta.content.as_deref()
}

/// A stream that ends with a broken connection at the first line that is not one of the provider's events. The library
/// behind it would write such a line into the log, and what a model says never goes there.
pub(super) fn well_formed(response: reqwest::Response) -> reqwest::Response {
    let (mut line, mut length) = (Vec::new(), 0_usize);
    let bytes = response.bytes_stream().map(move |piece| {
        let piece = piece.map_err(|_| std::io::ErrorKind::ConnectionReset)?;
        length += piece.len();
        if length > STREAM_MOST {
            return Err(std::io::ErrorKind::InvalidData);
        }
        for byte in &piece {
            if *byte != b'\n' {
                line.push(*byte);
            } else if !is_event_line(&std::mem::take(&mut line)) {
                return Err(std::io::ErrorKind::InvalidData);
            }
        }
        Ok(piece)
    });
    http::Response::new(reqwest::Body::wrap_stream(bytes.map(|piece| piece.map_err(std::io::Error::from)))).into()
}

/// Whether a reply is to a request for words, hence read as an event stream whatever it says it is.
pub(super) fn is_stream(response: &reqwest::Response) -> bool {
    response.url().path().ends_with("/chat/completions")
}

/// Whether a line of an event stream is empty, a comment, a field without words, or words of the provider's shape.
fn is_event_line(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some(words) = line.strip_prefix(b"data:") else {
        return line.is_empty()
            || [b":".as_slice(), b"event:", b"id:", b"retry:"].iter().any(|it| line.starts_with(it));
    };
    let words = words.trim_ascii();
    words == b"[DONE]" || serde_json::from_slice::<CreateChatCompletionStreamResponse>(words).is_ok()
}

/// The error of a reply that is not a success. Its text is read for its code only, so that no log ever sees it.
pub(super) async fn error_of(response: reqwest::Response) -> OpenAIError {
    #[derive(Deserialize)]
    struct Body {
        error: Coded,
    }
    #[derive(Deserialize)]
    struct Coded {
        code: Option<String>,
    }
    let status_code = response.status();
    let is_bearable =
        response.content_length().is_some_and(|length| usize::try_from(length).is_ok_and(|it| it <= ERROR_BODY_MOST));
    let code = if status_code.is_client_error() && is_bearable {
        response.json::<Body>().await.ok().and_then(|body| body.error.code)
    } else {
        None
    };
    OpenAIError::ApiError(ApiErrorResponse { status_code, api_error: ApiError { code, ..ApiError::default() } })
}

/// In what way a request failed.
pub(super) fn kind_of(error: &OpenAIError) -> OutageKind {
    match error {
        OpenAIError::Reqwest(error) if error.is_connect() => OutageKind::Unreachable,
        OpenAIError::Reqwest(error) if error.is_timeout() => OutageKind::TimedOut,
        OpenAIError::Reqwest(error) if error.is_decode() => OutageKind::Garbled,
        OpenAIError::ApiError(error) => kind_of_status(error.status_code, error.api_error.code.as_deref()),
        // Our own end of an ill-formed stream comes back as a stream error, and so does a connection lost in one.
        OpenAIError::JSONDeserialize(..) | OpenAIError::StreamError(_) => OutageKind::Garbled,
        OpenAIError::InvalidArgument(_) => OutageKind::Refused("invalid_argument".to_owned()),
        OpenAIError::Reqwest(_)
        | OpenAIError::FileSaveError(_)
        | OpenAIError::FileReadError(_)
        | OpenAIError::Boxed(_) => OutageKind::Broken,
    }
}

fn kind_of_status(status: StatusCode, code: Option<&str>) -> OutageKind {
    if status == StatusCode::TOO_MANY_REQUESTS {
        OutageKind::Throttled
    } else if status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::GATEWAY_TIMEOUT {
        OutageKind::TimedOut
    } else if status.is_server_error() {
        OutageKind::Broken
    } else {
        // A code is a provider's text: only what looks like a code may leave.
        let plain = |code: &&str| {
            code.len() <= 40
                && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        OutageKind::Refused(code.filter(plain).map_or_else(|| status.as_u16().to_string(), str::to_owned))
    }
}
