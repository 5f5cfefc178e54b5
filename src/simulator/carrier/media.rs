//! Media streams: the audio of one leg, sent out over a websocket as the provider does it. Nothing is taken back.
//! A socket that dies ends its stream and nothing else.

use super::{
    Carrier, StreamSeen, StreamStatus, fresh_sid,
    voice::{Frame, Voice},
};
use crate::domain::tones::FRAME_MS;
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderName, HeaderValue},
        protocol::WebSocketConfig,
    },
};

/// A stream as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamPlan {
    pub(super) url: String,
    pub(super) name: Option<String>,
    pub(super) track: String,
    pub(super) parameters: Vec<(String, String)>,
}

/// A provider's code and what it means here.
pub(super) type StreamFault = (u32, &'static str);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long the socket may take to open, and a message to leave.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Starts a stream on a leg; its page.
///
/// # Errors
/// When the address or the track cannot be served.
pub(super) fn open(
    carrier: &Carrier,
    call: &str,
    voice: &Arc<Voice>,
    plan: StreamPlan,
) -> Result<StreamSeen, StreamFault> {
    // The provider drops the query string of a stream's address.
    let url = plan.url.split(['?', '#']).next().unwrap_or_default().to_owned();
    let parsed = url::Url::parse(&url).map_err(|_| (31921, "the stream's address cannot be read"))?;
    let is_loopback = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if !(parsed.scheme() == "wss" || parsed.scheme() == "ws" && is_loopback) {
        return Err((31922, "a stream needs wss, or ws on this machine"));
    }
    if plan.track != "inbound_track" {
        return Err((31941, "only inbound_track is served here"));
    }
    let page = StreamSeen {
        sid: fresh_sid("MZ"),
        name: plan.name.clone(),
        url: url.clone(),
        status: StreamStatus::InProgress,
        frames_sent: 0,
    };
    let frames = voice.tap(&page.sid, plan.name);
    carrier.note(call, |seen| seen.streams.push(page.clone()));
    let stream = Stream {
        carrier: carrier.clone(),
        call: call.to_owned(),
        sid: page.sid.clone(),
        url,
        parameters: plan.parameters,
    };
    tokio::spawn(stream.run(frames));
    Ok(page)
}

struct Stream {
    carrier: Carrier,
    call: String,
    sid: String,
    url: String,
    parameters: Vec<(String, String)>,
}

impl Stream {
    async fn run(self, frames: mpsc::Receiver<Frame>) {
        let mut sent = 0;
        let outcome = match self.connect().await {
            Ok(socket) => self.send_all(socket, frames, &mut sent).await,
            Err(fault) => Err(fault),
        };
        if let Err((code, text)) = outcome {
            self.carrier.note_fault(&self.call, code, text);
        }
        self.carrier.note(&self.call, |call| {
            if let Some(page) = call.streams.iter_mut().find(|page| page.sid == self.sid) {
                page.status = StreamStatus::Stopped;
                page.frames_sent = sent;
            }
        });
    }

    async fn connect(&self) -> Result<Socket, StreamFault> {
        let refused = (31920, "the stream's address cannot be used");
        let mut request = self.url.as_str().into_client_request().map_err(|_| refused)?;
        let signature = HeaderValue::from_str(&self.carrier.sign(&self.url, &Vec::new())).map_err(|_| refused)?;
        request.headers_mut().insert(HeaderName::from_static("x-twilio-signature"), signature);
        let config = WebSocketConfig::default().read_buffer_size(4096);
        match tokio::time::timeout(OPEN_WITHIN, connect_async_with_config(request, Some(config), true)).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(tungstenite::Error::Http(_))) => Err((31920, "the handshake was not answered with 101")),
            Ok(Err(tungstenite::Error::Url(_) | tungstenite::Error::Tls(_))) => {
                Err((31910, "TLS is not spoken in this town; use ws on this machine"))
            }
            Ok(Err(_)) => Err((31902, "the stream's connection was refused")),
            Err(_) => Err((31901, "the stream's connection timed out")),
        }
    }

    async fn send_all(
        &self,
        mut socket: Socket,
        mut frames: mpsc::Receiver<Frame>,
        sent: &mut u64,
    ) -> Result<(), StreamFault> {
        let gone = (31921, "the stream's socket was closed by the other side");
        tell(&mut socket, &json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await.ok_or(gone)?;
        tell(&mut socket, &self.start()).await.ok_or(gone)?;
        let mut sequence: u64 = 1;
        let mut chunk_before = 0;
        loop {
            let frame = tokio::select! {
                frame = frames.recv() => frame,
                reply = socket.next() => match reply {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(gone),
                    // A one-way stream takes nothing back.
                    Some(Ok(_)) => continue,
                },
            };
            sequence += 1;
            let Some((chunk, bytes)) = frame else { break };
            if chunk > chunk_before + 1 {
                self.carrier.note_fault(&self.call, 31930, "the receiver does not keep up; audio was thrown away");
            }
            chunk_before = chunk;
            if self.carrier.loses_frame(chunk) {
                continue;
            }
            tell(&mut socket, &self.media(sequence, chunk, &bytes)).await.ok_or(gone)?;
            *sent += 1;
        }
        let stop = json!({
            "event": "stop",
            "sequenceNumber": sequence.to_string(),
            "streamSid": self.sid,
            "stop": {"accountSid": self.carrier.0.account_sid, "callSid": self.call},
        });
        // The stream is over whether or not the other side still listens.
        let _ = tell(&mut socket, &stop).await;
        let _ = tokio::time::timeout(OPEN_WITHIN, socket.close(None)).await;
        Ok(())
    }

    fn start(&self) -> Value {
        let parameters: serde_json::Map<String, Value> =
            self.parameters.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
        json!({
            "event": "start",
            "sequenceNumber": "1",
            "start": {
                "accountSid": self.carrier.0.account_sid,
                "streamSid": self.sid,
                "callSid": self.call,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": parameters,
            },
            "streamSid": self.sid,
        })
    }

    fn media(&self, sequence: u64, chunk: u64, bytes: &[u8]) -> Value {
        json!({
            "event": "media",
            "sequenceNumber": sequence.to_string(),
            "media": {
                "track": "inbound",
                "chunk": chunk.to_string(),
                "timestamp": ((chunk - 1) * FRAME_MS).to_string(),
                "payload": STANDARD.encode(bytes),
            },
            "streamSid": self.sid,
        })
    }
}

/// Sends one message; nothing when the socket is gone or does not take it in time.
async fn tell(socket: &mut Socket, message: &Value) -> Option<()> {
    let sending = socket.send(Message::text(message.to_string()));
    tokio::time::timeout(OPEN_WITHIN, sending).await.ok()?.ok()
}
