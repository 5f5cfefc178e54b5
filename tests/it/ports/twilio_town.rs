//! The production adapter against the simulated carrier: dial, ring, answer, gather, conference, fork, end. The town's
//! signer and reader share nothing with ours, so an error in one shows here.

use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, Path, State, WebSocketUpgrade, ws::Message},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use careline::{
    adapters::twilio::{Twilio, TwilioSettings},
    domain::{
        ids::{AttemptId, OrgId, StreamId},
        people::{Language, PhoneNumber},
        private::Private,
        script::Speech,
    },
    ports::{
        OutageKind,
        phone::{
            CarrierNews, CarrierSid, CarrierStatus, ConferenceEvent, Detect, Dial, Fork, Hook, MediaNews, MediaWire,
            Phone,
        },
    },
    simulator::{
        Town, TownSettings,
        carrier::{CallSeen, CallStatus, StreamStatus},
        clock::VirtualClock,
        people::TownPlan,
    },
};
use chrono::{DateTime, Utc};
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch};
use uuid::Uuid;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a-token-of-the-town";
const PATIENT: &str = "+12125550101";
const SLOW: &str = "+12125550106";
const PEOPLE: &str = r##"
people:
  - name: Patient
    number: "+12125550101"
    picks_up: {after_seconds: 0.05}
    hears:
      - {says: "Press one", press: "1", times: 1}
      - {says: "birth", press: "04121948", times: 1}
    in_conference:
      - {after_seconds: 0.1, say: "Six right now."}
  - {name: Slow, number: "+12125550106", picks_up: {after_seconds: 3600}}
"##;

/// What one leg's story has been so far.
#[derive(Clone, Default)]
struct Told {
    voice: Vec<Option<String>>,
    statuses: Vec<CarrierStatus>,
    conference: Vec<ConferenceEvent>,
    refused: u32,
    keys: BTreeSet<String>,
    media: Vec<MediaNews>,
}

#[derive(Clone)]
struct Product {
    twilio: Arc<OnceLock<Twilio>>,
    told: watch::Sender<Told>,
}

impl Product {
    fn twilio(&self) -> &Twilio {
        self.twilio.get().unwrap()
    }

    async fn until<T>(&self, find: impl Fn(&Told) -> Option<T>) -> T {
        let mut told = self.told.subscribe();
        let waiting = told.wait_for(|told| find(told).is_some());
        let found = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the product was never told");
        find(&found.unwrap()).unwrap()
    }
}

async fn hook(
    State(product): State<Product>,
    Path((org, attempt, kind)): Path<(OrgId, AttemptId, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    let path_and_query = uri.path_and_query().unwrap().as_str();
    let Ok(news) = product.twilio().hear(&Hook { path_and_query, signature, body: &body }) else {
        product.told.send_modify(|told| told.refused += 1);
        return StatusCode::FORBIDDEN.into_response();
    };
    let CarrierNews { status, digits, dedupe_key, conference, .. } = news;
    let keys = digits.map(|digits| digits.reveal().clone());
    product.told.send_modify(|told| {
        told.keys.insert(dedupe_key);
        match kind.as_str() {
            "voice" => told.voice.push(keys.clone()),
            "status" => told.statuses.extend(status),
            _ => told.conference.extend(conference),
        }
    });
    let step = product.told.borrow().voice.len();
    if kind != "voice" {
        return StatusCode::NO_CONTENT.into_response();
    }
    let ask =
        |text: &str, digits| Speech::Ask { language: Language::English, text: text.into(), digits, wait_seconds: 1 };
    let (speech, fork) = match step {
        1 => (ask("Press one & <wait>.", 1), None),
        2 => (ask("Nothing is asked.", 1), None),
        3 => (ask("Your date of birth.", 8), None),
        _ => (
            Speech::Join {
                language: Language::English,
                text: "Thank you.".into(),
                conference: format!("call-{attempt}"),
                ends_on_exit: true,
            },
            Some(Fork { org, stream: StreamId(Uuid::from_u128(9)), token: "first".into() }),
        ),
    };
    let told = product.twilio().instruct(org, attempt, &speech, fork.as_ref());
    ([("content-type", told.content_type)], told.body).into_response()
}

async fn media(
    State(product): State<Product>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    if product.twilio().admit(uri.path(), signature).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(message)) = socket.recv().await {
            if let Message::Text(text) = message {
                let news = product.twilio().read(&text).unwrap();
                product.told.send_modify(|told| told.media.push(news));
            }
        }
    })
}

struct Scene {
    town: Town,
    product: Product,
    clock: Arc<VirtualClock>,
}

async fn scene() -> Scene {
    let origin: DateTime<Utc> = "2026-11-21T09:00:00Z".parse().unwrap();
    let clock = Arc::new(VirtualClock::starting_at(origin));
    let town = Town::start(TownSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        plan: TownPlan::read(PEOPLE).unwrap(),
        account_sid: ACCOUNT.into(),
        auth_token: TOKEN.into(),
        model_key: "unused".into(),
        clock: clock.clone(),
    })
    .await
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let twilio = Twilio::new(TwilioSettings {
        api_base: town.base_url(),
        account_sid: ACCOUNT.into(),
        auth_token: Private::new(TOKEN.into()),
        other_auth_token: Private::default(),
        public_url: format!("http://{}", listener.local_addr().unwrap()),
    })
    .unwrap();
    let product = Product { twilio: Arc::new(OnceLock::from(twilio)), told: watch::Sender::default() };
    let routes = Router::new()
        .route("/hooks/phone/{org}/{attempt}/{kind}", post(hook))
        .route("/hooks/media/{org}", get(media))
        .with_state(product.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Scene { town, product, clock }
}

fn dial(to: &str) -> Dial {
    Dial {
        org: OrgId(Uuid::from_u128(1)),
        attempt: AttemptId(Uuid::from_u128(2)),
        to: PhoneNumber::from_e164(to).unwrap().into(),
        from: PhoneNumber::from_e164("+12125550100").unwrap(),
        ring_for: Duration::from_secs(30),
        detect: Detect::Nothing,
    }
}

async fn seen(scene: &Scene, sid: &CarrierSid, fits: impl Fn(&CallSeen) -> bool) -> CallSeen {
    let look = |calls: &[CallSeen]| calls.iter().find(|call| call.sid == sid.0 && fits(call)).cloned();
    let seen = tokio::time::timeout(Duration::from_secs(20), scene.town.carrier().until(look));
    seen.await.expect("the carrier never saw it")
}

#[tokio::test]
async fn a_dialled_person_answers_presses_joins_is_heard_and_heard_again() {
    let scene = scene().await;
    let twilio = scene.product.twilio();
    let sid = twilio.place(&dial(PATIENT)).await.unwrap().sid;
    assert_eq!(
        scene.product.until(|told| (told.voice.len() == 2).then(|| told.voice.clone())).await,
        [None, Some("1".into())]
    );
    // Nobody presses anything at the second prompt: the leg asks again, without keys.
    assert_eq!(scene.product.until(|told| told.voice.get(2).cloned()).await, None);
    assert_eq!(scene.product.until(|told| told.voice.get(3).cloned()).await, Some("04121948".into()));
    let call = seen(&scene, &sid, |call| call.conference.is_some()).await;
    assert_eq!(call.spoken, ["Press one & <wait>.", "Nothing is asked.", "Your date of birth.", "Thank you."]);
    assert_eq!(call.conference.as_deref(), Some("call-00000000-0000-0000-0000-000000000002"));
    let start = |token: &str| MediaNewsStart { sid: sid.0.clone(), token: token.to_owned() };
    assert!(scene.product.until(|told| started(&told.media, &start("first"))).await > 0);
    assert!(scene.product.until(|told| first_audio(&told.media)).await);

    let again = Fork { org: OrgId(Uuid::from_u128(1)), stream: StreamId(Uuid::from_u128(10)), token: "again".into() };
    twilio.fork(&sid, &again).await.unwrap();
    assert!(scene.product.until(|told| started(&told.media, &start("again"))).await > 0);
    assert_eq!(twilio.fetch(&sid).await.unwrap().status, CarrierStatus::InProgress);
    twilio.end(&sid, None).await.unwrap();
    twilio.end(&sid, None).await.unwrap();
    let call = seen(&scene, &sid, |call| {
        call.status.is_over() && call.streams.iter().all(|stream| stream.status == StreamStatus::Stopped)
    })
    .await;
    assert_eq!((call.status, call.rings, call.errors.as_slice()), (CallStatus::Completed, 1, &[][..]));
    let told = scene.product.until(|told| (told.statuses.len() == 4).then(|| told.clone())).await;
    use CarrierStatus::{Completed, InProgress, Initiated, Ringing};
    assert_eq!(told.statuses, [Initiated, Ringing, InProgress, Completed]);
    let parted = scene.product.until(|told| told.conference.contains(&ConferenceEvent::Ended).then(|| told.clone()));
    let parted = parted.await;
    assert_eq!(parted.conference, [ConferenceEvent::Joined, ConferenceEvent::Left, ConferenceEvent::Ended]);
    assert_eq!(parted.refused, 0);
    // Four voice messages, four statuses, and the conference's start, join, leave and end at most: none is another's twin.
    assert!(parted.keys.len() >= 4 + 4 + 3, "{}", parted.keys.len());
    assert!(twilio.fork(&sid, &again).await.is_err_and(|outage| outage.kind == OutageKind::Refused("21220".into())));
}

/// What a start must say.
struct MediaNewsStart {
    sid: String,
    token: String,
}

fn started(media: &[MediaNews], wanted: &MediaNewsStart) -> Option<usize> {
    media.iter().position(|news| match news {
        MediaNews::Start { stream_sid, sid, token } => {
            stream_sid.starts_with("MZ") && *sid == wanted.sid && *token == wanted.token
        }
        MediaNews::Connected | MediaNews::Audio { .. } | MediaNews::Other | MediaNews::Stop => false,
    })
}

fn first_audio(media: &[MediaNews]) -> Option<bool> {
    media.iter().find_map(|news| match news {
        MediaNews::Audio { sequence, chunk, timestamp_ms, ulaw } => {
            Some((*sequence, *chunk, *timestamp_ms, ulaw.len()) == (2, 1, 0, 160))
        }
        MediaNews::Connected | MediaNews::Start { .. } | MediaNews::Other | MediaNews::Stop => None,
    })
}

#[tokio::test]
async fn a_ringing_telephone_is_found_and_cancelled() {
    let scene = scene().await;
    let twilio = scene.product.twilio();
    let since = scene.clock_now();
    let sid = twilio.place(&dial(SLOW)).await.unwrap().sid;
    seen(&scene, &sid, |call| call.status == CallStatus::Ringing).await;
    let dial = dial(SLOW);
    let found = twilio.find(&dial.to, &dial.from, since).await.unwrap();
    assert_eq!(found.iter().map(|call| (&call.sid, call.status)).collect::<Vec<_>>(), [(&sid, CarrierStatus::Ringing)]);
    let later = since + chrono::Duration::hours(1);
    assert_eq!(twilio.find(&dial.to, &dial.from, later).await.unwrap().len(), 0);
    assert_eq!(
        twilio.find(&dial.from.clone().into(), &PhoneNumber::from_e164(SLOW).unwrap(), since).await.unwrap().len(),
        0
    );
    let parting = Speech::Farewell { language: Language::English, text: "Never heard.".into() };
    twilio.end(&sid, Some(&parting)).await.unwrap();
    let call = seen(&scene, &sid, |call| call.status.is_over()).await;
    assert_eq!((call.status, call.spoken.len()), (CallStatus::Canceled, 0));
}

#[tokio::test]
async fn the_carriers_faults_are_told_apart_by_whether_it_may_ring() {
    for (fault, kind, rings) in [
        ("500_accepted", OutageKind::Broken, true),
        ("500_refused", OutageKind::Broken, false),
        ("429", OutageKind::Throttled, false),
        ("drop_accepted", OutageKind::Broken, true),
        ("drop_refused", OutageKind::Broken, false),
    ] {
        let scene = scene().await;
        let wanted = serde_json::json!({"create": fault, "times": 1});
        let web = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = web.post(format!("{}/town/faults", scene.town.base_url())).json(&wanted).send().await.unwrap();
        assert!(asked.status().is_success());
        let outage = scene.product.twilio().place(&dial(SLOW)).await.unwrap_err();
        assert_eq!(outage.kind, kind, "{fault}");
        let found = scene.product.twilio().find(&dial(SLOW).to, &dial(SLOW).from, scene.clock_now()).await.unwrap();
        assert_eq!(found.len(), usize::from(rings), "{fault}");
    }
}

impl Scene {
    fn clock_now(&self) -> DateTime<Utc> {
        careline::ports::clock::Clock::now(self.clock.as_ref()) - chrono::Duration::minutes(1)
    }
}
