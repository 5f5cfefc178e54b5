//! A call that people talk on, before an entrance and without a town: a test speaks into its legs by the carrier's wire, as
//! fast as it likes, and listens to what was recorded.

use super::{
    entrance::Entrance,
    wiring::{Line, NO_LINE},
};
use audio_codec_algorithms::encode_ulaw;
use base64::{Engine, engine::general_purpose::STANDARD};
use careline::{
    app::App,
    domain::{
        ids::{CallId, LegId, OrgId},
        people::{Actor, Role},
        script::Script,
        tones::{Decoded, Decoder, FRAME, SILENCE, frames},
    },
    store::legs,
};
use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha1::Sha1;
use sqlx::{AssertSqlSafe, PgConnection};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use uuid::Uuid;

/// An entrance with people on the line of its call.
pub struct Studio {
    pub entrance: Entrance,
    pub call: CallId,
    pub patient: Leg,
    pub nurse: Leg,
}

/// One leg in its conference.
#[derive(Clone, Copy)]
pub struct Leg {
    pub id: LegId,
    sid: &'static str,
}

/// Somebody's voice on its way to us.
pub struct Mouth {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    chunk: u64,
}

impl Studio {
    pub async fn open(may_record: Option<bool>) -> Self {
        Self::open_with(may_record, |app| app).await
    }

    pub async fn open_with(may_record: Option<bool>, change: impl FnOnce(App) -> App) -> Self {
        let mut entrance = Entrance::open_with(&NO_LINE, change).await;
        entrance.bridge_with_protocol().await;
        let (org, call) = (entrance.home.org, entrance.home.call);
        let [patient, nurse] = sit_down(&mut entrance.superuser, org, call, may_record).await;
        Self { entrance, call: CallId(call), patient, nurse }
    }

    /// Opens the stream of a leg.
    pub async fn listen_to(&self, leg: Leg) -> Mouth {
        let org = OrgId(self.entrance.home.org);
        Mouth::open(&self.entrance.app, &self.entrance.base, &NO_LINE, org, self.call, leg).await
    }

    /// Both have said what they wanted to say.
    pub async fn hang_up(&mut self) {
        self.entrance.run("update call set state = 'done', ended_at = now() where org_id = $1").await;
    }

    pub async fn count(&mut self, what: &str) -> i64 {
        let count = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {what}")));
        count.fetch_one(&mut self.entrance.superuser).await.unwrap()
    }

    /// Looks until there are so many.
    pub async fn until(&mut self, what: &str, count: i64) {
        let looking = async {
            let mut looks = tokio::time::interval(Duration::from_millis(50));
            while self.count(what).await < count {
                looks.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looking).await.unwrap_or_else(|_| panic!("never {count} {what}"));
    }

    pub fn path(&self) -> String {
        format!("/calls/{}/recording", self.call)
    }

    pub async fn play(&self) -> Response {
        self.entrance.get(Role::Nurse, &self.path()).await
    }

    pub async fn play_range(&self, range: &str) -> Response {
        let request = self.entrance.ask_as(Role::Nurse, Method::GET, &self.path());
        request.header("range", range).send().await.unwrap()
    }
}

/// Patient and nurse are in the conference of a call.
pub async fn sit_down(superuser: &mut PgConnection, org: Uuid, call: Uuid, may_record: Option<bool>) -> [Leg; 2] {
    let legs = [
        ("patient", Leg { id: LegId(Uuid::now_v7()), sid: "CA0000000000000000000000000000000a" }),
        ("nurse", Leg { id: LegId(Uuid::now_v7()), sid: "CA0000000000000000000000000000000b" }),
    ];
    let may = may_record.map_or("null".to_owned(), |may| may.to_string());
    let script = serde_json::to_string(&Script::default()).unwrap();
    run(
        superuser,
        &format!(
            "update call set state = 'bridged', bridged_at = now(), may_record = {may}, speaker = 'patient', script = '{script}' where id = '{call}'"
        ),
    )
    .await;
    for (party, leg) in &legs {
        let (attempt, sid, id) = (Uuid::now_v7(), leg.sid, leg.id);
        run(
            superuser,
            &format!(
                "insert into attempt (org_id, id, call_id, party, ordinal, from_e164, to_e164, state, sid, created_at)
                 values ('{org}', '{attempt}', '{call}', '{party}', 1, '+1', '+1', 'bound', '{sid}', now());
                 insert into leg (org_id, id, call_id, attempt_id, party, sid, joined_at)
                 values ('{org}', '{id}', '{call}', '{attempt}', '{party}', '{sid}', now())"
            ),
        )
        .await;
    }
    legs.map(|(_, leg)| leg)
}

pub async fn run(superuser: &mut PgConnection, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(superuser).await.unwrap();
}

impl Mouth {
    /// Opens a stream as the carrier does.
    pub async fn open(app: &App, base: &str, line: &Line<'_>, org: OrgId, call: CallId, leg: Leg) -> Self {
        let mut tx = app.db.begin(&Actor::careline(org)).await.unwrap();
        let stream = legs::new_stream(&mut tx, call, leg.id, app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        let path = format!("/hooks/media/{org}");
        let mut request = format!("{}{path}", base.replace("http", "ws")).into_client_request().unwrap();
        let signed = sign(line.token, &format!("{}{path}", line.origin.replace("http", "ws")));
        request.headers_mut().insert("x-twilio-signature", signed.parse().unwrap());
        let mut mouth = Self { socket: connect_async(request).await.unwrap().0, chunk: 1 };
        mouth.tell(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await;
        let start = json!({
            "streamSid": "MZ1", "accountSid": line.account, "callSid": leg.sid, "tracks": ["inbound"],
            "customParameters": {"token": stream.token},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        });
        mouth.tell(json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": start})).await;
        mouth
    }

    async fn tell(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Sends 20 ms.
    pub async fn frame(&mut self, bytes: &[u8]) {
        let chunk = self.chunk;
        let media = json!({
            "track": "inbound", "chunk": chunk.to_string(), "timestamp": ((chunk - 1) * 20).to_string(),
            "payload": STANDARD.encode(bytes),
        });
        let sequence = (chunk + 1).to_string();
        self.tell(json!({"event": "media", "sequenceNumber": sequence, "streamSid": "MZ1", "media": media})).await;
        self.chunk += 1;
        if self.chunk.is_multiple_of(25) {
            self.breathe().await;
        }
    }

    /// Waits until the other side has read everything: it is spoken to faster than anybody speaks, and not faster than it hears.
    async fn breathe(&mut self) {
        self.socket.send(Message::Ping(Vec::new().into())).await.unwrap();
        while let Some(Ok(message)) = self.socket.next().await {
            if matches!(message, Message::Pong(_)) {
                return;
            }
        }
    }

    /// Says nothing until so many milliseconds of the stream have gone by.
    pub async fn silent_until(&mut self, ms: u64) {
        while (self.chunk - 1) * 20 < ms {
            self.frame(&[SILENCE; FRAME]).await;
        }
    }

    /// Says something now.
    pub async fn say(&mut self, text: &str) {
        for bytes in frames(text) {
            self.frame(&bytes).await;
        }
    }

    /// Says something in the time that saying it takes, and a little silence behind it.
    pub async fn say_slowly(&mut self, text: &str) {
        let mut moments = tokio::time::interval(Duration::from_millis(20));
        let silence = std::iter::repeat_n([SILENCE; FRAME].to_vec(), 15);
        for bytes in frames(text).into_iter().chain(silence) {
            moments.tick().await;
            self.frame(&bytes).await;
        }
    }

    /// So many frames are spoken and never arrive.
    pub fn lose(&mut self, frames: u64) {
        self.chunk += frames;
    }

    /// Milliseconds of the stream so far.
    pub fn ms(&self) -> u64 {
        (self.chunk - 1) * 20
    }

    /// Ends the stream and waits until everything is kept.
    pub async fn stop(mut self) {
        let _ = self.socket.send(Message::text(json!({"event": "stop", "stop": {}}).to_string())).await;
        while let Ok(Some(Ok(_))) = tokio::time::timeout(Duration::from_secs(90), self.socket.next()).await {}
    }
}

fn sign(token: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What is heard in each ear: the words, and the milliseconds at which they begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ears {
    pub left: Vec<(String, u64)>,
    pub right: Vec<(String, u64)>,
    /// Milliseconds of the whole file.
    pub ms: u64,
}

impl Ears {
    /// Listens to a WAVE file of two channels of 16 bits.
    pub fn of(wave: &[u8]) -> Self {
        assert_eq!((&wave[..4], &wave[8..16], &wave[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        let word = |at: usize| u32::from_le_bytes(wave[at..at + 4].try_into().unwrap());
        assert_eq!(wave[20..24], [1, 0, 2, 0], "PCM of two channels");
        assert_eq!((word(24), word(28)), (8_000, 32_000));
        assert_eq!(usize::try_from(word(4)).unwrap() + 8, wave.len());
        assert_eq!(usize::try_from(word(40)).unwrap() + 44, wave.len());
        let moments = &wave[44..];
        let ear = |at: usize| {
            let codes: Vec<u8> =
                moments.chunks(4).map(|moment| encode_ulaw(i16::from_le_bytes([moment[at], moment[at + 1]]))).collect();
            words(&codes)
        };
        Self { left: ear(0), right: ear(2), ms: u64::try_from(moments.len() / 32).unwrap() }
    }

    pub fn left_words(&self) -> String {
        join(&self.left)
    }

    pub fn right_words(&self) -> String {
        join(&self.right)
    }
}

fn join(words: &[(String, u64)]) -> String {
    words.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>().join(" ")
}

fn words(codes: &[u8]) -> Vec<(String, u64)> {
    let decoded = Decoder::new().push(codes);
    decoded
        .into_iter()
        .filter_map(|heard| match heard {
            Decoded::Word { text, from_sample, .. } => Some((text, from_sample / 8)),
            Decoded::Damaged { .. } | Decoded::EndOfUtterance { .. } => None,
        })
        .collect()
}
