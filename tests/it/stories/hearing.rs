//! What is said on a leg, from the carrier's socket to the record: who spoke, what was lost, what may not be kept, and
//! how a leg is heard again after we lost it.

use crate::support::{
    database::Database,
    wiring::{self, Line},
};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use base64::{Engine, engine::general_purpose::STANDARD};
use careline::{
    adapters::tones::ToneTranscriber,
    app::App,
    domain::{
        ids::{CallId, LegId, OrgId, UtteranceId},
        people::Actor,
        tones::{FRAME, SILENCE, frames},
    },
    flows::fork_leg,
    live::LiveEvent,
    ports::{
        Outage,
        clock::Clock,
        speech::{Engines, Hearing, Listen, Speech},
    },
    simulator::clock::VirtualClock,
    store::{
        legs,
        streams::{self, Kept, Utterance},
    },
    web::hooks,
};
use chrono::{DateTime, Utc};
use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sqlx::{AssertSqlSafe, PgConnection};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{broadcast, mpsc},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};
use uuid::Uuid;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a-token-of-the-ward";
pub(super) const PATIENT_SID: &str = "CA0000000000000000000000000000000a";
pub(super) const NURSE_SID: &str = "CA0000000000000000000000000000000b";

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the carrier's API answers, and the forms it got.
#[derive(Clone)]
struct Carrier {
    status: Arc<Mutex<StatusCode>>,
    forks: Arc<Mutex<Vec<Vec<(String, String)>>>>,
}

/// A ward in the middle of a call: patient and nurse are in their conference.
pub(super) struct Ward {
    pub(super) app: Arc<App>,
    base: String,
    api: String,
    pub(super) org: OrgId,
    pub(super) call: CallId,
    pub(super) patient_leg: LegId,
    pub(super) nurse_leg: LegId,
    carrier: Carrier,
    pub(super) clock: Arc<VirtualClock>,
    live: broadcast::Receiver<LiveEvent>,
    superuser: PgConnection,
    database: Database,
}

impl Ward {
    async fn open(may_record: Option<bool>) -> Self {
        Self::hearing_with(may_record, Engines::only(Arc::new(ToneTranscriber))).await
    }

    pub(super) async fn hearing_with(may_record: Option<bool>, speech: Engines) -> Self {
        Self::open_with(may_record, |app| App { speech, ..app }).await
    }

    pub(super) async fn open_with(may_record: Option<bool>, change: impl FnOnce(App) -> App) -> Self {
        let database = Database::lease().await;
        let mut superuser = database.superuser().await;
        let carrier = Carrier { status: Arc::new(Mutex::new(StatusCode::CREATED)), forks: Arc::default() };
        let api = listen(Router::new().fallback(post(fork)).with_state(carrier.clone())).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(VirtualClock::starting_at("2026-11-21T15:00:00Z".parse().unwrap()));
        let line = Line { api: &api, account: ACCOUNT, token: TOKEN, origin: &base };
        let app = Arc::new(change(wiring::app(&database, 4, clock.clone(), &line).await));
        let routes = hooks::routes().with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let (org, call, patient_leg, nurse_leg) = seed(&mut superuser, may_record).await;
        let live = app.live.watch(org, call);
        Self { app, base, api, org, call, patient_leg, nurse_leg, carrier, clock, live, superuser, database }
    }

    /// Another process of the product over the same database.
    pub(super) async fn another_process(&self) -> App {
        let line = Line { api: &self.api, account: ACCOUNT, token: TOKEN, origin: &self.base };
        wiring::app(&self.database, 4, self.clock.clone(), &line).await
    }

    /// A stream's token, as it is handed to the carrier.
    pub(super) async fn stream_of(&self, leg: LegId) -> String {
        let mut tx = self.app.db.begin(&Actor::careline(self.org)).await.unwrap();
        let stream = legs::new_stream(&mut tx, self.call, leg, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        stream.token
    }

    fn media_url(&self, org: OrgId) -> String {
        format!("{}/hooks/media/{org}", self.base.replace("http", "ws"))
    }

    /// Opens a socket as the carrier does.
    async fn socket(&self, org: OrgId) -> Socket {
        let url = self.media_url(org);
        let mut request = url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("x-twilio-signature", sign(&url).parse().unwrap());
        connect_async(request).await.unwrap().0
    }

    /// Opens a socket and says which stream it is.
    pub(super) async fn begin(&self, token: &str, sid: &str) -> Socket {
        self.begin_at(self.org, token, sid).await
    }

    async fn begin_at(&self, org: OrgId, token: &str, sid: &str) -> Socket {
        let mut socket = self.socket(org).await;
        tell(&mut socket, json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await;
        tell(
            &mut socket,
            json!({
                "event": "start", "sequenceNumber": "1", "streamSid": "MZ1",
                "start": {
                    "streamSid": "MZ1", "accountSid": ACCOUNT, "callSid": sid, "tracks": ["inbound"],
                    "customParameters": {"token": token},
                    "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                },
            }),
        )
        .await;
        socket
    }

    pub(super) async fn count(&mut self, what: &str) -> i64 {
        let count = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {what}")));
        count.fetch_one(&mut self.superuser).await.unwrap()
    }

    pub(super) async fn text(&mut self, select: &str) -> String {
        sqlx::query_scalar(AssertSqlSafe(select.to_owned())).fetch_one(&mut self.superuser).await.unwrap()
    }

    pub(super) async fn run(&mut self, statement: &str) {
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut self.superuser).await.unwrap();
    }

    /// Looks whenever something moved on the call, until there are so many.
    pub(super) async fn until(&mut self, what: &str, count: i64) {
        loop {
            if self.count(what).await >= count {
                return;
            }
            tokio::time::timeout(Duration::from_secs(20), self.live.recv()).await.expect("nothing moved").unwrap();
        }
    }

    fn events(&mut self) -> Vec<LiveEvent> {
        std::iter::from_fn(|| self.live.try_recv().ok()).collect()
    }
}

pub(super) async fn listen(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    base
}

async fn fork(State(carrier): State<Carrier>, body: Bytes) -> (StatusCode, String) {
    carrier.forks.lock().unwrap().push(url::form_urlencoded::parse(&body).into_owned().collect());
    (*carrier.status.lock().unwrap(), json!({"sid": "MZ2", "code": 20500}).to_string())
}

fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn seed(superuser: &mut PgConnection, may_record: Option<bool>) -> (OrgId, CallId, LegId, LegId) {
    let [org, nurse, patient, call, a, b, leg_a, leg_b] = std::array::from_fn(|_| Uuid::now_v7());
    let may = may_record.map_or("null".to_owned(), |may| may.to_string());
    let statements = format!(
        "insert into organization (org_id, name, time_zone, caller_number, created_at)
         values ('{org}', 'Riverside', 'America/New_York', '+12125550100', now());
         insert into staff_member (org_id, id, email, full_name, role, password_hash, created_at)
         values ('{org}', '{nurse}', 'ana@example.com', 'Ana Nurse', 'nurse', 'x', now());
         insert into patient (org_id, id, given_name, family_name, date_of_birth, phone, language, time_zone,
                              call_code_hash, created_at)
         values ('{org}', '{patient}', 'Maria', 'Reyes', '1948-12-04', '+12125550101', 'en-US', 'America/New_York',
                 'x', now());
         insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, may_record, speaker,
                           created_at, idem_key)
         values ('{org}', '{call}', '{patient}', 'check_in', 'dyspnea', now(), 'bridged', '{{}}', {may}, 'caregiver',
                 now(), 'k');
         insert into attempt (org_id, id, call_id, party, staff_id, ordinal, from_e164, to_e164, state, sid, created_at)
         values ('{org}', '{a}', '{call}', 'patient', null, 1, '+1', '+1', 'bound', '{PATIENT_SID}', now()),
                ('{org}', '{b}', '{call}', 'nurse', '{nurse}', 1, '+1', '+1', 'bound', '{NURSE_SID}', now());
         insert into leg (org_id, id, call_id, attempt_id, party, staff_id, sid, joined_at)
         values ('{org}', '{leg_a}', '{call}', '{a}', 'patient', null, '{PATIENT_SID}', now()),
                ('{org}', '{leg_b}', '{call}', '{b}', 'nurse', '{nurse}', '{NURSE_SID}', now())"
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(superuser).await.unwrap();
    (OrgId(org), CallId(call), LegId(leg_a), LegId(leg_b))
}

pub(super) async fn tell(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// Sends a frame under its number, which also says when it was spoken.
pub(super) async fn frame(socket: &mut Socket, chunk: u64, bytes: &[u8]) {
    let media = json!({
        "track": "inbound", "chunk": chunk.to_string(), "timestamp": ((chunk - 1) * 20).to_string(),
        "payload": STANDARD.encode(bytes),
    });
    tell(
        socket,
        json!({"event": "media", "sequenceNumber": (chunk + 1).to_string(), "streamSid": "MZ1", "media": media}),
    )
    .await;
}

/// Speaks a text from a frame number on; the number after it.
pub(super) async fn speak(socket: &mut Socket, from: u64, text: &str) -> u64 {
    let mut chunk = from;
    for bytes in frames(text) {
        frame(socket, chunk, &bytes).await;
        chunk += 1;
    }
    chunk
}

/// Ends a stream and waits until the other side has written its last word; the code it closed with.
pub(super) async fn stop(mut socket: Socket) -> u16 {
    // A socket that was closed before takes nothing more.
    let _ = socket.send(Message::text(json!({"event": "stop", "stop": {}}).to_string())).await;
    closed(&mut socket).await
}

pub(super) async fn closed(socket: &mut Socket) -> u16 {
    let mut code = 0;
    while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(20), socket.next()).await {
        if let Message::Close(Some(frame)) = message {
            code = frame.code.into();
        }
    }
    code
}

#[tokio::test]
async fn words_are_written_with_who_said_them_and_when() {
    let mut ward = Ward::open(Some(true)).await;
    let (caregiver, nurse) = (ward.stream_of(ward.patient_leg).await, ward.stream_of(ward.nurse_leg).await);
    let (mut hers, mut ours) = (ward.begin(&caregiver, PATIENT_SID).await, ward.begin(&nurse, NURSE_SID).await);
    speak(&mut hers, 51, "Six right now").await;
    speak(&mut ours, 1, "How is your breathing").await;
    assert_eq!((stop(hers).await, stop(ours).await), (1000, 1000));
    let said = "select string_agg(speaker || ': ' || text, ' | ' order by speaker) from utterance";
    assert_eq!(ward.text(said).await, "caregiver: Six right now | nurse: How is your breathing");
    let began = "select (u.from_at - s.started_at)::text from utterance u join media_stream s using (org_id, leg_id)
                  where speaker = 'caregiver'";
    assert_eq!(ward.text(began).await, "00:00:01", "frame 51 is spoken a second after the stream began");
    let detail = "select detail::text from audit_entry where deed = 'heard_utterance' and detail->>'speaker' = 'nurse'";
    let detail = ward.text(detail).await;
    assert!(detail.contains("\"words\": \"4\"") && !detail.contains("breathing"), "{detail}");
    let events = ward.events();
    let interim = LiveEvent::Interim { speaker: "caregiver", text: "Six right".into() };
    assert!(events.contains(&interim), "{events:?}");
    assert!(events.contains(&LiveEvent::Utterance { speaker: "nurse", text: "How is your breathing".into() }));
}

#[tokio::test]
async fn without_consent_nothing_said_is_kept_or_shown() {
    for may_record in [None, Some(false)] {
        let mut ward = Ward::open(may_record).await;
        let token = ward.stream_of(ward.patient_leg).await;
        let mut socket = ward.begin(&token, PATIENT_SID).await;
        let sent = speak(&mut socket, 1, "Nobody may keep this").await - 1;
        stop(socket).await;
        assert_eq!(ward.count("utterance").await, 0);
        assert!(ward.events().iter().all(|event| *event == LiveEvent::CallMoved));
        assert_eq!(ward.text("select frames::text from media_stream").await, sent.to_string());
    }
}

#[tokio::test]
async fn consent_withdrawn_in_the_middle_holds_from_the_next_word() {
    let mut ward = Ward::open(Some(true)).await;
    let token = ward.stream_of(ward.patient_leg).await;
    let mut socket = ward.begin(&token, PATIENT_SID).await;
    let next = speak(&mut socket, 1, "You may keep this").await;
    ward.until("utterance", 1).await;
    ward.run("update call set may_record = false").await;
    speak(&mut socket, next, "But not this").await;
    stop(socket).await;
    assert_eq!(ward.text("select string_agg(text, '|') from utterance").await, "You may keep this");
}

#[tokio::test]
async fn the_statement_that_stores_words_asks_for_consent_itself() {
    let mut ward = Ward::open(Some(true)).await;
    let token = ward.stream_of(ward.patient_leg).await;
    for (may, kept) in [(false, Kept::No), (true, Kept::Yes)] {
        ward.run(&format!("update call set may_record = {may}")).await;
        ward.run("update media_stream set started_at = null").await;
        let (actor, now) = (Actor::careline(ward.org), ward.clock.now());
        let mut tx = ward.app.db.begin(&actor).await.unwrap();
        let stream = streams::begin(&mut tx, &actor, &token, "MZ1", PATIENT_SID, now).await.unwrap().unwrap();
        let utterance = Utterance {
            id: UtteranceId::at(now),
            text: "Six right now".into(),
            from: now,
            to: now,
            lost_words: 0,
            words: Vec::new(),
            confidence: None,
        };
        assert_eq!(streams::add_utterance(&mut tx, &actor, &stream, &utterance, 0, now).await.unwrap(), kept);
        tx.commit().await.unwrap();
        assert_eq!(ward.count("utterance").await, i64::from(may));
    }
}

#[tokio::test]
async fn a_token_opens_one_stream_of_its_own_leg_once() {
    let mut ward = Ward::open(Some(true)).await;
    let token = ward.stream_of(ward.patient_leg).await;
    for (token, sid) in [("unheard-of", PATIENT_SID), (token.as_str(), NURSE_SID), ("", PATIENT_SID)] {
        assert_eq!(stop(ward.begin(token, sid).await).await, 1008, "{sid}");
    }
    let first = ward.begin(&token, PATIENT_SID).await;
    ward.until("media_stream where started_at is not null", 1).await;
    assert_eq!(stop(ward.begin(&token, PATIENT_SID).await).await, 1008, "burnt");
    assert_eq!(stop(first).await, 1000);
    let newest = ward.stream_of(ward.patient_leg).await;
    let (other_org, ..) = seed(&mut ward.superuser, Some(true)).await;
    assert_eq!(stop(ward.begin_at(other_org, &newest, PATIENT_SID).await).await, 1008);
    ward.run("update leg set left_at = now()").await;
    assert_eq!(stop(ward.begin(&newest, PATIENT_SID).await).await, 1008, "the leg has left");
    ward.run("update leg set left_at = null").await;
    assert_eq!(stop(ward.begin(&newest, PATIENT_SID).await).await, 1000, "the control: it would have opened");
}

#[tokio::test]
async fn a_socket_that_does_not_begin_as_a_stream_is_closed() {
    let ward = Ward::open(Some(true)).await;
    for first in [
        Message::text("{}"),
        Message::text(json!({"event": "stop"}).to_string()),
        Message::binary(vec![1, 2, 3]),
        Message::text("x".repeat(70_000)),
    ] {
        let mut socket = ward.socket(ward.org).await;
        socket.send(first).await.unwrap();
        assert!(matches!(closed(&mut socket).await, 1008 | 1009 | 0), "refused, or cut off before it was read");
    }
    let url = ward.media_url(ward.org);
    for signature in [None, Some(sign("ws://elsewhere.example.org/hooks/media/1"))] {
        let mut request = url.as_str().into_client_request().unwrap();
        if let Some(signature) = signature {
            request.headers_mut().insert("x-twilio-signature", signature.parse().unwrap());
        }
        let Err(tungstenite::Error::Http(refused)) = connect_async(request).await else { panic!("admitted") };
        assert_eq!(refused.status(), 403);
    }
}

#[tokio::test]
async fn frames_lost_swapped_and_doubled_are_put_right_or_told() {
    let mut ward = Ward::open(Some(true)).await;
    let token = ward.stream_of(ward.patient_leg).await;
    let mut socket = ward.begin(&token, PATIENT_SID).await;
    let spoken: Vec<(u64, Vec<u8>)> = (1_u64..).zip(frames("one two three four five six")).collect();
    let (lost, swapped) = (9..21_u64, (3, 4));
    for (chunk, bytes) in &spoken {
        match *chunk {
            chunk if lost.contains(&chunk) || chunk == swapped.0 => {}
            chunk if chunk == swapped.1 => {
                frame(&mut socket, chunk, bytes).await;
                let (chunk, bytes) = &spoken[usize::try_from(swapped.0).unwrap() - 1];
                frame(&mut socket, *chunk, bytes).await;
                frame(&mut socket, *chunk, bytes).await;
            }
            chunk => frame(&mut socket, chunk, bytes).await,
        }
    }
    stop(socket).await;
    assert_eq!(ward.text("select lost_frames::text from media_stream").await, "12");
    let gap = "select reason || ' ' || (to_at - from_at)::text from gap";
    assert_eq!(ward.text(gap).await, "frames_lost 00:00:00.24");
    let said = ward.text("select text || ' +' || lost_words from utterance").await;
    assert!(said.starts_with("one") && said.contains("six +") && !said.ends_with("+0"), "{said}");
    assert_eq!(ward.count("audit_entry where deed = 'found_gap'").await, 1);
}

/// A transcriber that takes five frames and then nothing.
struct Stuck(Mutex<Vec<Box<dyn std::any::Any + Send>>>);

#[async_trait::async_trait]
impl Speech for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    async fn listen(&self, _wanted: &Listen) -> Result<Hearing, Outage> {
        let (audio, never_read) = mpsc::channel(5);
        let (never_said, words) = mpsc::channel(1);
        self.0.lock().unwrap().extend([Box::new(never_read) as Box<dyn std::any::Any + Send>, Box::new(never_said)]);
        Ok(Hearing { audio, words })
    }
}

#[tokio::test]
async fn a_transcriber_that_hangs_costs_frames_and_says_so() {
    let stuck = Arc::new(Stuck(Mutex::default()));
    let mut ward = Ward::hearing_with(Some(true), Engines::only(stuck.clone())).await;
    let token = ward.stream_of(ward.patient_leg).await;
    let mut socket = ward.begin(&token, PATIENT_SID).await;
    for chunk in 1..=500 {
        frame(&mut socket, chunk, &[SILENCE; FRAME]).await;
    }
    // The words run dry only when the transcriber goes; then the stream ends like any other.
    tell(&mut socket, json!({"event": "stop", "stop": {}})).await;
    ward.until("gap", 1).await;
    stuck.0.lock().unwrap().clear();
    closed(&mut socket).await;
    let lost: u64 = ward.text("select lost_frames::text from media_stream").await.parse().unwrap();
    assert!((495..=500).contains(&lost), "{lost}");
    assert_eq!(ward.text("select frames::text from media_stream").await, "500");
}

#[tokio::test]
async fn a_leg_whose_stream_breaks_is_forked_and_heard_again_with_the_gap_told() {
    let mut ward = Ward::open(Some(true)).await;
    let token = ward.stream_of(ward.patient_leg).await;
    let mut socket = ward.begin(&token, PATIENT_SID).await;
    frame(&mut socket, 1, &[SILENCE; FRAME]).await;
    drop(socket);
    ward.until("media_stream where ended_at is not null", 1).await;
    assert_eq!(ward.count("job where unique_key like 'fork:%:after:%'").await, 1);
    ward.clock.advance(Duration::from_secs(2));
    let careline = Actor::careline(ward.org);
    fork_leg::fork(&ward.app, &careline, ward.patient_leg).await.unwrap();
    fork_leg::fork(&ward.app, &careline, ward.patient_leg).await.unwrap();
    let forks = ward.carrier.forks.lock().unwrap().clone();
    assert_eq!(forks.len(), 1, "the second job sees that a stream is on its way");
    let field = |name: &str| forks[0].iter().find(|(own, _)| own == name).unwrap().1.clone();
    assert_eq!((field("Track"), field("Parameter1.Name")), ("inbound_track".into(), "token".into()));
    let mut socket = ward.begin(&field("Parameter1.Value"), PATIENT_SID).await;
    speak(&mut socket, 1, "Still here").await;
    ward.until("utterance", 1).await;
    fork_leg::fork(&ward.app, &careline, ward.patient_leg).await.unwrap();
    assert_eq!(ward.carrier.forks.lock().unwrap().len(), 1, "a leg that is heard is left alone");
    let gap = "select reason || ' ' || (to_at - from_at >= '2 s' and to_at - from_at < '20 s') from gap";
    assert_eq!(ward.text(gap).await, "stream_lost true");
    stop(socket).await;
}

#[tokio::test]
async fn after_a_restart_legs_that_nobody_hears_are_forked_and_the_gap_is_told() {
    let mut ward = Ward::open(Some(true)).await;
    let token = ward.stream_of(ward.patient_leg).await;
    // The process that heard it was killed: the stream began and nobody wrote its end.
    let heard_at: DateTime<Utc> = ward.clock.now();
    ward.run(&format!("update media_stream set started_at = '{heard_at}', heard_at = '{heard_at}'")).await;
    let careline = Actor::careline(ward.org);
    fork_leg::fork(&ward.app, &careline, ward.patient_leg).await.unwrap();
    assert_eq!(ward.carrier.forks.lock().unwrap().len(), 0, "heard a moment ago, perhaps by another process");
    ward.clock.advance(Duration::from_secs(60));
    assert_eq!(fork_leg::after_restart(&ward.app, &careline).await.unwrap(), 2);
    assert_eq!(ward.count("job where unique_key like 'fork:%:restart:%'").await, 6);
    fork_leg::fork(&ward.app, &careline, ward.patient_leg).await.unwrap();
    assert_eq!(ward.carrier.forks.lock().unwrap().len(), 1);
    let gap = "select reason || ' ' || extract(epoch from date_trunc('minute', to_at - from_at))::int from gap";
    assert_eq!(ward.text(gap).await, "careline_restarted 60");
    assert_eq!(stop(ward.begin(&token, PATIENT_SID).await).await, 1008, "the lost stream's token is dead");
}

#[tokio::test]
async fn a_carrier_that_is_away_is_asked_again_and_its_late_stream_is_refused() {
    let mut ward = Ward::open(Some(true)).await;
    *ward.carrier.status.lock().unwrap() = StatusCode::INTERNAL_SERVER_ERROR;
    let careline = Actor::careline(ward.org);
    fork_leg::fork(&ward.app, &careline, ward.patient_leg).await.unwrap();
    assert_eq!(ward.count("job where unique_key like 'fork:%:again:%'").await, 1);
    let late = ward.carrier.forks.lock().unwrap()[0].last().unwrap().1.clone();
    assert_eq!(stop(ward.begin(&late, PATIENT_SID).await).await, 1008);
    // A leg that the carrier no longer has is not asked for again at once.
    *ward.carrier.status.lock().unwrap() = StatusCode::BAD_REQUEST;
    fork_leg::fork(&ward.app, &careline, ward.patient_leg).await.unwrap();
    assert_eq!(ward.count("job where unique_key like 'fork:%:again:%'").await, 1);
    assert_eq!(ward.carrier.forks.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn nothing_is_forked_without_consent_or_after_the_leg_has_left() {
    for change in
        ["update call set may_record = false", "update leg set left_at = now()", "update call set state = 'done'"]
    {
        let mut ward = Ward::open(Some(true)).await;
        ward.run(change).await;
        fork_leg::fork(&ward.app, &Actor::careline(ward.org), ward.patient_leg).await.unwrap();
        assert_eq!(ward.carrier.forks.lock().unwrap().len(), 0, "{change}");
    }
}

#[tokio::test]
async fn a_webhook_is_heard_only_when_it_is_signed_small_and_about_somebody() {
    let ward = Ward::open(Some(true)).await;
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let attempt = Uuid::now_v7();
    let path = format!("/hooks/phone/{}/{attempt}/status", ward.org);
    let fields = [("AccountSid", ACCOUNT), ("CallSid", PATIENT_SID), ("CallStatus", "ringing")];
    let signed = fields.iter().fold(format!("{}{path}", ward.base), |text, (name, value)| text + name + value);
    let post = |signature: String, body: String| {
        let form = "application/x-www-form-urlencoded";
        let request = web.post(format!("{}{path}", ward.base)).header("x-twilio-signature", signature);
        request.header("content-type", form).body(body).send()
    };
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    assert_eq!(post(sign(&signed), body.clone()).await.unwrap().status(), 404, "an attempt of nobody");
    let unsigned = post("x".into(), body.clone()).await.unwrap();
    assert_eq!(unsigned.status(), 403);
    assert!(unsigned.text().await.unwrap().contains("check the carrier's auth token and the public URL"));
    assert_eq!(post(sign(&signed), body + &"&x=".repeat(400_000)).await.unwrap().status(), 413);
}
