//! The simulated carrier seen from outside: plain HTTP in, and a tiny product that answers its webhooks.

use axum::{
    Router,
    extract::{Path, RawForm, State, WebSocketUpgrade, ws::Message},
    http::{HeaderMap, Uri},
    response::IntoResponse,
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use careline::{
    domain::tones::{Decoded, Decoder},
    simulator::{
        Town, TownSettings,
        carrier::{CallSeen, CallStatus, StreamStatus},
        clock::VirtualClock,
        people::TownPlan,
    },
};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha1::Sha1;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a-token-of-the-town";
const PATIENT: &str = "+12125550101";
const NURSE: &str = "+12125550150";
const OURS: &str = "+12125550100";

const PEOPLE: &str = r##"
people:
  - name: Patient
    number: "+12125550101"
    picks_up: {after_seconds: 0.05}
    hears:
      - {says: "date of birth", press: "111", times: 1}
      - {says: "DATE OF BIRTH", press: "04121948#"}
    in_conference:
      - {when_hears: "how are you", say: "Six right now, three usually."}
  - name: Nurse
    number: "+12125550150"
    picks_up: {after_seconds: 0.05}
    in_conference:
      - {after_seconds: 0, say: "Good morning, how are you?"}
  - {name: Busy, number: "+12125550104", picks_up: busy}
  - {name: Never, number: "+12125550103", picks_up: never}
  - {name: Machine, number: "+12125550105", picks_up: voicemail}
  - {name: Slow, number: "+12125550106", picks_up: {after_seconds: 3600}}
"##;

/// One webhook as the product got it.
#[derive(Clone, Debug)]
struct Hook {
    path: String,
    fields: BTreeMap<String, String>,
    signed: bool,
}

/// What the product is: documents by name, and a memory of what it was told.
#[derive(Clone)]
struct Product {
    base: String,
    documents: Arc<BTreeMap<&'static str, String>>,
    hooks: watch::Sender<Vec<Hook>>,
    media: watch::Sender<Vec<(Option<String>, Value)>>,
}

/// A town and a product beside it.
struct Scene {
    town: Town,
    product: Product,
    server: tokio::task::JoinHandle<()>,
    web: reqwest::Client,
}

fn signature(token: &str, url: &str, fields: &[(String, String)]) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort();
    let text = sorted.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn hook(
    State(product): State<Product>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> impl IntoResponse {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let expected = signature(TOKEN, &format!("{}{uri}", product.base), &fields);
    let signed = headers.get("x-twilio-signature").is_some_and(|given| given.to_str().unwrap() == expected)
        && headers.contains_key("i-twilio-idempotency-token");
    let hook = Hook { path: name.clone(), fields: fields.into_iter().collect(), signed };
    product.hooks.send_modify(|hooks| hooks.push(hook));
    let text = product.documents.get(name.as_str()).cloned().unwrap_or_default();
    let asked = product.hooks.borrow().iter().filter(|hook| hook.path == name).count();
    // Two refusals before each answer.
    let status = if name == "faulty" && asked % 3 != 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (
        status,
        [("content-type", "text/xml")],
        text.replace("BASE", &product.base).replace("WS", &product.base.replace("http", "ws")),
    )
}

async fn media(State(product): State<Product>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> impl IntoResponse {
    let signed = headers.get("x-twilio-signature").map(|value| value.to_str().unwrap().to_owned());
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(message)) = socket.recv().await {
            if let Message::Text(text) = message {
                let message = serde_json::from_str(&text).unwrap();
                product.media.send_modify(|all| all.push((signed.clone(), message)));
            }
        }
    })
}

impl Scene {
    async fn with(documents: &[(&'static str, &str)]) -> Self {
        let origin: DateTime<Utc> = "2026-11-21T09:00:00Z".parse().unwrap();
        let town = Town::start(TownSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            plan: TownPlan::read(PEOPLE).unwrap(),
            account_sid: ACCOUNT.into(),
            auth_token: TOKEN.into(),
            model_key: "unused".into(),
            clock: Arc::new(VirtualClock::starting_at(origin)),
        })
        .await
        .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let documents = documents.iter().map(|(name, text)| (*name, format!("<Response>{text}</Response>"))).collect();
        let product = Product {
            base: format!("http://{}", listener.local_addr().unwrap()),
            documents: Arc::new(documents),
            hooks: watch::Sender::new(Vec::new()),
            media: watch::Sender::new(Vec::new()),
        };
        let routes =
            Router::new().route("/hook/{name}", post(hook)).route("/media", get(media)).with_state(product.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { town, product, server, web: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    fn api(&self, path: &str) -> String {
        format!("{}/2010-04-01/Accounts/{ACCOUNT}/{path}", self.town.base_url())
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let request = self.web.post(self.api(path)).basic_auth(ACCOUNT, Some(TOKEN)).form(form);
        let reply = request.send().await.unwrap();
        (reply.status(), reply.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        self.web.get(self.api(path)).basic_auth(ACCOUNT, Some(TOKEN)).send().await.unwrap().json().await.unwrap()
    }

    async fn control(&self, path: &str, body: Value) -> StatusCode {
        self.web.post(format!("{}{path}", self.town.base_url())).json(&body).send().await.unwrap().status()
    }

    /// Places a call that starts with this document; its sid.
    async fn dial(&self, to: &str, document: &str) -> String {
        let url = format!("{}/hook/{document}", self.product.base);
        let callback = format!("{}/hook/status", self.product.base);
        let mut form =
            vec![("To", to), ("From", OURS), ("Url", &url), ("StatusCallback", &callback), ("Timeout", "30")];
        form.extend(["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event)));
        let (status, call) = self.post("Calls.json", &form).await;
        assert_eq!((status, call["status"].as_str()), (StatusCode::CREATED, Some("queued")), "{call}");
        call["sid"].as_str().unwrap().to_owned()
    }

    async fn until(&self, sid: &str, fits: impl Fn(&CallSeen) -> bool) -> CallSeen {
        let seen = self.town.carrier().until(|calls| calls.iter().find(|call| call.sid == sid && fits(call)).cloned());
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("the carrier never saw it")
    }

    async fn over(&self, sid: &str) -> CallSeen {
        self.until(sid, |call| call.status.is_over()).await
    }

    async fn told<T>(&self, find: impl Fn(&[Hook]) -> Option<T>) -> T {
        let mut hooks = self.product.hooks.subscribe();
        let waiting = hooks.wait_for(|hooks| find(hooks).is_some());
        let found = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the product was never told");
        find(&found.unwrap()).unwrap()
    }

    async fn told_statuses(&self, count: usize) -> Vec<String> {
        self.told(|hooks| {
            let told = hooks.iter().filter(|hook| hook.path == "status");
            let told: Vec<String> = told.map(|hook| hook.fields["CallStatus"].clone()).collect();
            (told.len() >= count).then_some(told)
        })
        .await
    }

    async fn fork_words(&self, enough: usize) -> Vec<String> {
        let mut media = self.product.media.subscribe();
        let waiting = media.wait_for(|all| words_in(all).len() >= enough);
        let all = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the words never came");
        words_in(&all.unwrap())
    }
}

fn words_in(messages: &[(Option<String>, Value)]) -> Vec<String> {
    let mut decoder = Decoder::new();
    let payloads = messages.iter().filter_map(|(_, message)| message["media"]["payload"].as_str());
    let decoded = payloads.flat_map(|payload| decoder.push(&STANDARD.decode(payload).unwrap()));
    let words = decoded.filter_map(|one| match one {
        Decoded::Word { text, .. } => Some(text),
        Decoded::Damaged { .. } | Decoded::EndOfUtterance { .. } => None,
    });
    words.collect()
}

const ROOM: &str = r#"<Dial><Conference beep="false" endConferenceOnExit="true" statusCallback="BASE/hook/room"
    statusCallbackEvent="start end join leave">room-1</Conference></Dial>"#;

#[test]
fn the_tests_own_signature_is_the_published_one() {
    let fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    assert_eq!(signature("12345", url, &fields), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
}

#[tokio::test]
async fn keys_are_gathered_and_every_request_is_signed() {
    let ask = r#"<Gather numDigits="8" timeout="1" action="BASE/hook/keys"><Say language="en-US">Your date of birth?</Say></Gather><Hangup/>"#;
    let scene = Scene::with(&[
        ("voice", ask),
        ("keys", &format!("<Say>Wrong &amp; again</Say>{}", ask.replace("/keys", "/right"))),
        ("right", "<Say>Thank you</Say><Hangup/>"),
    ])
    .await;
    let sid = scene.dial(PATIENT, "voice?a=1").await;
    let call = scene.over(&sid).await;
    assert_eq!(call.spoken, ["Your date of birth?", "Wrong & again", "Your date of birth?", "Thank you"]);
    assert_eq!((call.status, call.rings, call.keys_pressed), (CallStatus::Completed, 1, 12));
    assert_eq!(call.errors, []);
    assert_eq!(scene.told_statuses(4).await, ["initiated", "ringing", "in-progress", "completed"]);
    let digits = scene.told(|hooks| {
        let of = |path: &str| hooks.iter().find(|hook| hook.path == path).map(|hook| hook.fields["Digits"].clone());
        Some((of("keys")?, of("right")?))
    });
    assert_eq!(digits.await, ("111".into(), "04121948".into()));
    let all = scene.product.hooks.borrow().clone();
    assert!(all.iter().all(|hook| hook.signed && hook.fields["CallSid"] == sid), "{all:?}");
}

#[tokio::test]
async fn two_legs_talk_in_a_conference_and_each_voice_is_forked() {
    let fork = r#"<Start><Stream url="WS/media?dropped=1" name="leg"><Parameter name="token" value="t0k3n"/></Stream></Start>"#;
    let scene = Scene::with(&[("patient", &format!("{fork}{ROOM}")), ("nurse", ROOM)]).await;
    let patient = scene.dial(PATIENT, "patient").await;
    scene.until(&patient, |call| call.conference.is_some()).await;
    let nurse = scene.dial(NURSE, "nurse").await;
    assert_eq!(scene.fork_words(5).await.join(" "), "Six right now, three usually.");
    let call = scene.until(&patient, |call| !call.said.is_empty()).await;
    assert_eq!(call.said, ["Six right now, three usually."]);

    let messages = scene.product.media.borrow().clone();
    let stream_url = scene.product.base.replace("http", "ws") + "/media";
    assert_eq!(messages[0].0.as_deref(), Some(signature(TOKEN, &stream_url, &[]).as_str()));
    assert_eq!(messages[0].1, json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}));
    let start = &messages[1].1["start"];
    assert_eq!((&start["customParameters"]["token"], &start["callSid"]), (&json!("t0k3n"), &json!(patient)));
    assert_eq!(messages[2].1["media"]["chunk"], "1");
    assert_eq!(messages[3].1["media"]["timestamp"], "20");
    assert_eq!(messages[3].1["sequenceNumber"], "3");

    assert_eq!(scene.post(&format!("Calls/{patient}.json"), &[("Status", "completed")]).await.0, StatusCode::OK);
    scene.over(&nurse).await;
    let events = scene.told(|hooks| {
        let room: Vec<_> = hooks.iter().filter(|hook| hook.path == "room").collect();
        room.iter()
            .any(|hook| hook.fields["StatusCallbackEvent"] == "conference-end")
            .then(|| room.iter().map(|hook| hook.fields["StatusCallbackEvent"].clone()).collect::<Vec<_>>())
    });
    let events = events.await;
    assert_eq!(events.iter().filter(|event| *event == "participant-join").count(), 2, "{events:?}");
    assert!(events.contains(&"conference-start".into()) && events.contains(&"participant-leave".into()));
    let call = scene.until(&patient, |call| call.streams[0].status == StreamStatus::Stopped).await;
    assert_eq!(call.errors, []);
}

#[tokio::test]
async fn the_conference_outlives_the_product_and_streams_attach_again() {
    let scene = Scene::with(&[("room", ROOM)]).await;
    let (patient, nurse) = (scene.dial(PATIENT, "room").await, scene.dial(NURSE, "room").await);
    scene.until(&patient, |call| !call.said.is_empty()).await;
    scene.server.abort();
    let people = "+12125550150";
    assert_eq!(scene.control("/town/say", json!({"number": people, "text": "still here"})).await, StatusCode::OK);
    let call = scene.until(&nurse, |call| call.said.len() == 2).await;
    assert_eq!((call.status, call.said[1].as_str()), (CallStatus::InProgress, "still here"));
    assert_eq!(scene.town.carrier().conferences()[0].participants.len(), 2);

    let url = scene.product.base.replace("http", "ws") + "/media";
    let listener = tokio::net::TcpListener::bind(scene.product.base.trim_start_matches("http://")).await.unwrap();
    let routes = Router::new().route("/media", get(media)).with_state(scene.product.clone());
    let again = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let form = [("Url", url.as_str()), ("Name", "again"), ("Parameter1.Name", "token"), ("Parameter1.Value", "new")];
    let (status, stream) = scene.post(&format!("Calls/{patient}/Streams.json"), &form).await;
    assert_eq!((status, stream["status"].as_str()), (StatusCode::CREATED, Some("in-progress")), "{stream}");
    scene.control("/town/say", json!({"number": PATIENT, "text": "I am back"})).await;
    assert_eq!(scene.fork_words(3).await.join(" "), "I am back");
    let path = format!("Calls/{patient}/Streams/{}.json", stream["sid"].as_str().unwrap());
    assert_eq!(scene.post(&path, &[("Status", "stopped")]).await.1["status"], "stopped");
    scene.until(&patient, |call| call.streams[0].status == StreamStatus::Stopped).await;
    assert!(!scene.until(&patient, |_| true).await.status.is_over());
    again.abort();
}

#[tokio::test]
async fn who_answered_is_told_beside_the_call_and_bounds_are_kept() {
    let scene = Scene::with(&[("voice", "<Pause length=\"600\"/>")]).await;
    let (url, told) = (format!("{}/hook/voice", scene.product.base), format!("{}/hook/machine", scene.product.base));
    let form = [
        ("To", "+12125550105"),
        ("From", OURS),
        ("Url", &url),
        ("MachineDetection", "DetectMessageEnd"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", &told),
    ];
    let machine = scene.post("Calls.json", &form).await.1["sid"].as_str().unwrap().to_owned();
    scene.until(&machine, |call| call.rings == 1).await;
    scene.control("/town/clock/advance", json!({"seconds": 2})).await;
    scene.until(&machine, |call| call.status == CallStatus::InProgress).await;
    assert_eq!(scene.until(&machine, |_| true).await.answered_by, None, "the call goes on meanwhile");
    scene.control("/town/clock/advance", json!({"seconds": 6})).await;
    let hook = scene.told(|hooks| hooks.iter().find(|hook| hook.path == "machine").cloned()).await;
    assert!(hook.signed, "{hook:?}");
    assert_eq!(hook.fields["AnsweredBy"], "machine_end_beep");
    let mut wrong = form.to_vec();
    wrong.push(("MachineDetectionSilenceTimeout", "100"));
    assert_eq!(scene.post("Calls.json", &wrong).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(scene.post("Calls.json", &[&form[..3], &[("MachineDetection", "Perhaps")]].concat()).await.0, 400);
}

#[tokio::test]
async fn a_document_is_asked_for_again_where_its_address_wishes_so() {
    let scene = Scene::with(&[("faulty", "<Hangup/>")]).await;
    let wish = scene.dial(PATIENT, "faulty#rc=3&rp=ct,rt,5xx").await;
    assert_eq!(scene.over(&wish).await.errors, [], "the third answer is the document");
    let none = scene.dial(PATIENT, "faulty#rc=1&rp=ct").await;
    let seen = scene.over(&none).await;
    assert_eq!(seen.errors.first().map(|fault| fault.code), Some(11200), "the control: nobody asked again");
}

#[tokio::test]
async fn busy_unanswered_and_machine_each_end_in_their_own_way() {
    let scene = Scene::with(&[("voice", "<Pause length=\"600\"/>")]).await;
    let busy = scene.over(&scene.dial("+12125550104", "voice").await).await;
    assert_eq!((busy.status, busy.rings), (CallStatus::Busy, 0));
    assert_eq!(scene.told_statuses(2).await, ["initiated", "busy"]);

    let never = scene.dial("+12125550103", "voice").await;
    scene.until(&never, |call| call.rings == 1).await;
    assert_eq!(scene.control("/town/clock/advance", json!({"seconds": 30})).await, StatusCode::OK);
    assert_eq!(scene.over(&never).await.status, CallStatus::NoAnswer);

    let url = format!("{}/hook/voice", scene.product.base);
    let form = [("To", "+12125550105"), ("From", OURS), ("Url", &url), ("MachineDetection", "Enable")];
    let machine = scene.post("Calls.json", &form).await.1["sid"].as_str().unwrap().to_owned();
    scene.until(&machine, |call| call.rings == 1).await;
    scene.control("/town/clock/advance", json!({"seconds": 2})).await;
    let by = scene.told(|hooks| hooks.iter().find_map(|hook| hook.fields.get("AnsweredBy").cloned())).await;
    assert_eq!(by, "machine_start");
    scene.control("/town/clock/advance", json!({"seconds": 60})).await;
    assert_eq!(scene.over(&machine).await.status, CallStatus::Completed);
}

#[tokio::test]
async fn late_callbacks_and_those_behind_them_are_put_down_until_the_towns_clock_moves_on() {
    let scene = Scene::with(&[]).await;
    let late =
        json!({"measured_by": "town", "rough_callbacks": {"lost": 0, "twice": 0, "late_milliseconds": 3_600_000}});
    assert_eq!(scene.control("/town/faults", late).await, StatusCode::OK);
    let busy = scene.dial("+12125550104", "voice").await;
    scene.over(&busy).await;
    for told in [vec!["initiated"], vec!["initiated", "busy"]] {
        let calm = scene.town.carrier().calm();
        tokio::time::timeout(Duration::from_secs(20), calm)
            .await
            .expect("whoever drives the clock waits for the clock");
        assert_eq!(scene.product.hooks.borrow().len(), told.len() - 1, "nothing is told before its time");
        scene.control("/town/clock/advance", json!({"seconds": 3_600})).await;
        assert_eq!(scene.told_statuses(told.len()).await, told);
    }
}

#[tokio::test]
async fn a_ringing_call_is_cancelled_and_an_ended_one_cannot_be() {
    let scene = Scene::with(&[]).await;
    let sid = scene.dial("+12125550106", "voice").await;
    scene.until(&sid, |call| call.status == CallStatus::Ringing).await;
    let path = format!("Calls/{sid}.json");
    assert_eq!(scene.post(&path, &[("Status", "canceled")]).await.1["status"], "canceled");
    assert_eq!(scene.get(&path).await["status"], "canceled");
    let (status, refusal) = scene.post(&path, &[("Status", "completed")]).await;
    assert_eq!((status, &refusal["code"]), (StatusCode::BAD_REQUEST, &json!(21220)));
    scene.dial("+12125550104", "voice").await;
    let page = scene.get("Calls.json?To=%2B12125550106&From=%2B12125550100&PageSize=1").await;
    assert_eq!((&page["calls"][0]["sid"], page["calls"].as_array().unwrap().len()), (&json!(sid), 1));
    assert!(page["calls"][0]["date_created"].as_str().unwrap().ends_with("+0000"), "{page}");
    assert_eq!(scene.get("Calls.json").await["calls"][0]["to"], "+12125550104");
}

#[tokio::test]
async fn refusals_look_like_the_providers() {
    let scene = Scene::with(&[]).await;
    let reply = scene.web.get(scene.api("Calls.json")).basic_auth(ACCOUNT, Some("wrong")).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json::<Value>().await.unwrap()["code"], 20003);
    let form = [("To", "555"), ("From", OURS), ("Url", "http://127.0.0.1:9/voice")];
    let (status, refusal) = scene.post("Calls.json", &form).await;
    assert_eq!((status, &refusal["code"], &refusal["status"]), (StatusCode::BAD_REQUEST, &json!(21211), &json!(400)));
    assert_eq!(refusal["more_info"], "https://www.twilio.com/docs/errors/21211");
    assert_eq!(scene.get("Calls/CA0.json").await["code"], 20404);
    assert!(scene.town.carrier().calls().is_empty());
}

#[tokio::test]
async fn a_dial_may_ring_or_not_whatever_its_answer_says() {
    let scene = Scene::with(&[]).await;
    let url = format!("{}/hook/voice", scene.product.base);
    let form = [("To", "+12125550104"), ("From", OURS), ("Url", &url)];
    for (fault, reply, calls) in [
        ("500_accepted", Some(500), 1),
        ("500_refused", Some(500), 1),
        ("429", Some(429), 1),
        ("drop_refused", None, 1),
        ("drop_accepted", None, 2),
        ("normal", Some(201), 3),
    ] {
        scene.control("/town/faults", json!({"create": fault, "times": 1})).await;
        let request = scene.web.post(scene.api("Calls.json")).basic_auth(ACCOUNT, Some(TOKEN)).form(&form);
        let got = request.send().await.ok().map(|reply| reply.status().as_u16());
        assert_eq!((got, scene.town.carrier().calls().len()), (reply, calls), "{fault}");
    }
}

#[tokio::test]
async fn a_document_that_fails_ends_its_call_with_the_providers_code() {
    let scene =
        Scene::with(&[("odd", "<Enqueue>x</Enqueue>"), ("ftp", r#"<Start><Stream url="ftp://x/y"/></Start>"#)]).await;
    let odd = scene.over(&scene.dial(PATIENT, "odd").await).await;
    assert_eq!((odd.status, odd.errors[0].code), (CallStatus::Completed, 12100));
    let ftp = scene.over(&scene.dial(PATIENT, "ftp").await).await;
    assert_eq!(ftp.errors[0].code, 31922);
    scene.server.abort();
    let gone = scene.over(&scene.dial(PATIENT, "voice").await).await;
    assert_eq!((gone.status, gone.errors[0].code), (CallStatus::Completed, 11200));
}

#[tokio::test]
async fn lost_frames_are_missing_by_number() {
    let fork = r#"<Start><Stream url="WS/media"/></Start><Pause length="60"/>"#;
    let scene = Scene::with(&[("voice", fork)]).await;
    scene.control("/town/faults", json!({"lose_media_frames": {"every": 3}})).await;
    scene.dial(PATIENT, "voice").await;
    let mut media = scene.product.media.subscribe();
    let all =
        tokio::time::timeout(Duration::from_secs(10), media.wait_for(|all| all.len() >= 8)).await.unwrap().unwrap();
    let chunks: Vec<&str> = all.iter().filter_map(|(_, message)| message["media"]["chunk"].as_str()).collect();
    assert_eq!(chunks[..6], ["1", "2", "4", "5", "7", "8"]);
}

#[test]
fn the_demos_town_can_be_read_and_a_fault_names_its_line() {
    let demo = std::fs::read_to_string("evals/calls/first-call.yaml").unwrap();
    let plan = TownPlan::read(&demo).unwrap();
    assert!(plan.people.iter().any(|person| person.number.as_str() == "+12125550101"));
    let fault =
        TownPlan::read("people:\n  - name: A\n    number: \"+12125550101\"\n    picks_up: never\n    hobby: chess\n");
    assert!(fault.unwrap_err().to_string().contains("line 5"));
    assert!(TownPlan::read(&PEOPLE.replace("+12125550104", PATIENT)).unwrap_err().to_string().contains(PATIENT));
}
