//! What each outcome of the carrier's API means, against a server that misbehaves on purpose.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
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
        phone::{CarrierSid, CarrierStatus, Detect, Dial, Fork, Phone},
    },
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use uuid::Uuid;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const CALL: &str = "CA0123456789abcdef0123456789abcdef";

/// One request as the server got it: method, path with query, form fields.
type Seen = (String, String, Vec<(String, String)>);

/// Answers requests from a list, one after the other, and remembers them.
#[derive(Clone)]
struct Stub {
    replies: Arc<Mutex<Vec<(u16, String)>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

async fn reply(State(stub): State<Stub>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    assert_eq!(head.headers["authorization"], "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp0b2tlbg==");
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    stub.seen.lock().unwrap().push((head.method.to_string(), head.uri.to_string(), form));
    let (status, body) = stub.replies.lock().unwrap().remove(0);
    let mut reply = Response::new(Body::from(body));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap();
    if status == 302 {
        reply.headers_mut().insert("location", "/elsewhere".parse().unwrap());
    }
    reply.into_response()
}

async fn stub(replies: Vec<(u16, Value)>) -> (Twilio, Stub) {
    let replies = replies.into_iter().map(|(status, body)| (status, body.to_string())).collect();
    let stub = Stub { replies: Arc::new(Mutex::new(replies)), seen: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().fallback(reply).with_state(stub.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (client(&base), stub)
}

fn client(base: &str) -> Twilio {
    Twilio::new(TwilioSettings {
        api_base: base.into(),
        account_sid: ACCOUNT.into(),
        auth_token: Private::new("token".into()),
        other_auth_token: Private::default(),
        public_url: "https://ward.example.org/careline".into(),
    })
    .unwrap()
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

fn dial() -> Dial {
    Dial {
        org: OrgId(Uuid::from_u128(1)),
        attempt: AttemptId(Uuid::from_u128(2)),
        to: number("+12125550101").into(),
        from: number("+12125550100"),
        ring_for: Duration::from_secs(30),
        detect: Detect::Nothing,
    }
}

fn sid() -> CarrierSid {
    CarrierSid(CALL.into())
}

fn call(status: &str, created: &str) -> Value {
    json!({"sid": CALL, "status": status, "date_created": created, "direction": "outbound-api"})
}

const NOON: &str = "Sat, 21 Nov 2026 12:00:00 +0000";

#[tokio::test]
async fn a_dial_says_whom_where_and_what_to_report() {
    let (twilio, stub) = stub(vec![(201, json!({"sid": CALL, "status": "queued", "date_created": null}))]).await;
    let taken = twilio.place(&dial()).await.unwrap();
    assert_eq!((taken.sid, taken.waits), (sid(), std::time::Duration::ZERO));
    let (method, path, form) = stub.seen.lock().unwrap()[0].clone();
    assert_eq!((method.as_str(), path), ("POST", format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json")));
    let hook = "https://ward.example.org/careline/hooks/phone/00000000-0000-0000-0000-000000000001/\
                00000000-0000-0000-0000-000000000002";
    let all = |name: &str| -> Vec<&str> {
        form.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!((all("To"), all("From"), all("Timeout")), (vec!["+12125550101"], vec!["+12125550100"], vec!["30"]));
    assert_eq!(all("Url"), [format!("{hook}/voice#rc=3&rp=ct,rt,5xx")]);
    assert_eq!(all("StatusCallback"), [format!("{hook}/status#rc=3&rp=ct,rt,5xx")]);
    assert_eq!(all("StatusCallbackEvent"), ["initiated", "ringing", "answered", "completed"]);
    assert!(form.iter().all(|(name, _)| !name.contains("Machine") && !name.contains("Amd")), "a colleague answers");
}

#[tokio::test]
async fn a_dial_that_wants_to_know_who_answers_is_told_beside_the_call() {
    let (twilio, stub) = stub(vec![(201, json!({"sid": CALL, "status": "queued", "date_created": null}))]).await;
    twilio.place(&Dial { detect: Detect::Machines, ..dial() }).await.unwrap();
    let (_, _, form) = stub.seen.lock().unwrap()[0].clone();
    let one = |name: &str| form.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap_or_default();
    assert_eq!((one("MachineDetection").as_str(), one("AsyncAmd").as_str()), ("DetectMessageEnd", "true"));
    let hook = "https://ward.example.org/careline/hooks/phone/00000000-0000-0000-0000-000000000001/\
                00000000-0000-0000-0000-000000000002/machine#rc=3&rp=ct,rt,5xx";
    assert_eq!((one("AsyncAmdStatusCallback").as_str(), one("AsyncAmdStatusCallbackMethod").as_str()), (hook, "POST"));
    assert_eq!(one("SendDigits"), "", "the provider would leave detection out");
}

#[tokio::test]
async fn every_answer_to_a_dial_tells_whether_a_telephone_may_ring() {
    let outcomes = [
        (400, json!({"code": 21211, "message": "+12125550101 is not valid"}), OutageKind::Refused("21211".into())),
        (404, json!("no json of ours"), OutageKind::Refused("404".into())),
        (401, json!({"code": 20003}), OutageKind::Refused("20003".into())),
        (429, json!({"code": 20429}), OutageKind::Throttled),
        (408, json!({}), OutageKind::TimedOut),
        (500, json!({"code": 20500}), OutageKind::Broken),
        (503, json!({}), OutageKind::Broken),
        (302, json!({}), OutageKind::Garbled),
        (201, json!({"status": "queued"}), OutageKind::Garbled),
        (201, json!({"sid": "CA1/../../x", "status": "queued"}), OutageKind::Garbled),
        (201, json!("half"), OutageKind::Garbled),
    ];
    for (status, body, kind) in outcomes {
        let (twilio, stub) = stub(vec![(status, body)]).await;
        let outage = twilio.place(&dial()).await.unwrap_err();
        assert_eq!(outage.kind, kind, "{status}");
        assert!(!outage.to_string().contains("555"), "no number in {outage}");
        assert_eq!(stub.seen.lock().unwrap().len(), 1, "asked once, whatever came back");
    }
}

#[tokio::test]
async fn nothing_listening_means_that_nothing_rings() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(client(&base).place(&dial()).await.unwrap_err().kind, OutageKind::Unreachable);
    let unnamed = client("https://no-such-host.invalid").place(&dial()).await.unwrap_err();
    assert_eq!(unnamed.kind, OutageKind::Unreachable);
}

/// A server that reads a whole request and then does `then`; how many connections it saw.
async fn raw(then: &'static [u8]) -> (Twilio, Arc<Mutex<u32>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(Mutex::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            *counted.lock().unwrap() += 1;
            let mut heard = vec![0; 8192];
            let _ = socket.read(&mut heard).await.unwrap();
            socket.write_all(then).await.unwrap();
        }
    });
    (client(&base), connections)
}

#[tokio::test]
async fn a_connection_that_breaks_after_sending_leaves_it_open_and_is_not_repeated() {
    let cut: [&[u8]; 3] = [b"", b"HTTP/1.1 201 Created\r\ncontent-length: 900\r\n\r\n{\"sid\"", b"HTTP/1.1 2"];
    for then in cut {
        let (twilio, connections) = raw(then).await;
        let outage = twilio.place(&dial()).await.unwrap_err();
        assert_eq!(outage.kind, OutageKind::Broken, "{then:?}");
        assert_eq!(*connections.lock().unwrap(), 1);
    }
}

#[tokio::test]
async fn a_carrier_that_never_answers_leaves_it_open_after_twelve_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let twilio = client(&format!("http://{}", listener.local_addr().unwrap()));
    let began = std::time::Instant::now();
    let dial = dial();
    let (outage, _socket) = tokio::join!(twilio.place(&dial), listener.accept());
    assert_eq!(outage.unwrap_err().kind, OutageKind::TimedOut);
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(11) && waited <= Duration::from_secs(20), "{waited:?}");
}

#[tokio::test]
async fn a_list_is_compared_by_whole_seconds_and_read_to_its_end() {
    let inbound = json!({"sid": CALL, "status": "completed", "date_created": NOON, "direction": "inbound"});
    let next = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json?Page=1");
    let first = json!({
        "calls": [call("ringing", "Sat, 21 Nov 2026 12:00:09 +0000"), inbound],
        "next_page_uri": next,
    });
    let second = json!({
        "calls": [call("queued", NOON), call("completed", "Sat, 21 Nov 2026 11:59:59 +0000")],
        "next_page_uri": null,
    });
    let (twilio, stub) = stub(vec![(200, first), (200, second)]).await;
    let since: DateTime<Utc> = "2026-11-21T12:00:00.9Z".parse().unwrap();
    let found = twilio.find(&number("+12125550101").into(), &number("+12125550100"), since).await.unwrap();
    let statuses: Vec<_> = found.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [CarrierStatus::Queued, CarrierStatus::Ringing], "oldest first");
    let seen = stub.seen.lock().unwrap();
    assert!(seen[0].1.ends_with("/Calls.json?To=%2B12125550101&From=%2B12125550100&PageSize=1000"), "{}", seen[0].1);
    assert_eq!(seen[1].1, next);
}

#[tokio::test]
async fn a_list_that_leads_elsewhere_or_cannot_be_read_proves_nothing() {
    let since: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
    for page in [
        json!({"calls": [], "next_page_uri": "/2010-04-01/Accounts/AC2/Calls.json"}),
        json!({"calls": [], "next_page_uri": "@elsewhere.example.org/"}),
        json!({"calls": [call("unheard-of", NOON)], "next_page_uri": null}),
        json!({"calls": [call("queued", "yesterday")], "next_page_uri": null}),
    ] {
        let (twilio, _) = stub(vec![(200, page)]).await;
        let outage = twilio.find(&number("+12125550101").into(), &number("+12125550100"), since).await.unwrap_err();
        assert_eq!(outage.kind, OutageKind::Garbled);
    }
}

/// What was posted to end a call, for the answers the carrier gave.
async fn ended(replies: Vec<(u16, Value)>, parting: Option<&Speech>) -> Vec<(String, String)> {
    let (twilio, stub) = stub(replies).await;
    twilio.end(&sid(), parting).await.unwrap();
    let seen = stub.seen.lock().unwrap();
    seen.iter().filter(|(method, ..)| method == "POST").flat_map(|(.., form)| form.clone()).collect()
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn a_ringing_call_is_cancelled_a_live_one_completed_an_ended_one_left_alone() {
    let ringing = vec![(200, call("ringing", NOON)), (200, call("canceled", NOON))];
    assert_eq!(ended(ringing, None).await, [field("Status", "canceled")]);
    let live = vec![(200, call("in-progress", NOON)), (200, call("completed", NOON))];
    assert_eq!(ended(live, None).await, [field("Status", "completed")]);
    assert_eq!(ended(vec![(200, call("busy", NOON))], None).await, []);
    let gone = vec![(200, call("in-progress", NOON)), (400, json!({"code": 21220}))];
    assert_eq!(ended(gone, None).await, [field("Status", "completed")]);
    let answered_meanwhile =
        vec![(200, call("ringing", NOON)), (200, call("in-progress", NOON)), (200, call("completed", NOON))];
    assert_eq!(ended(answered_meanwhile, None).await, [field("Status", "canceled"), field("Status", "completed")]);
}

#[tokio::test]
async fn who_waits_on_a_live_leg_hears_parting_words() {
    let words = Speech::Farewell { language: Language::English, text: "Nobody is free; we call you back.".into() };
    let live = vec![(200, call("in-progress", NOON)), (200, call("in-progress", NOON))];
    let document = "<Response><Say language=\"en-US\">Nobody is free; we call you back.</Say><Hangup/></Response>";
    assert_eq!(ended(live, Some(&words)).await, [field("Twiml", document)]);
    let ringing = vec![(200, call("ringing", NOON)), (200, call("canceled", NOON))];
    assert_eq!(ended(ringing, Some(&words)).await, [field("Status", "canceled")]);
}

#[tokio::test]
async fn a_fork_names_our_socket_and_carries_its_token() {
    let (twilio, stub) = stub(vec![(201, json!({"sid": "MZ1"}))]).await;
    let fork = Fork { org: OrgId(Uuid::from_u128(1)), stream: StreamId(Uuid::from_u128(3)), token: "secret".into() };
    assert_eq!(twilio.fork(&sid(), &fork).await, Ok(()));
    let (_, path, form) = stub.seen.lock().unwrap()[0].clone();
    assert_eq!(path, format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}/Streams.json"));
    assert_eq!(
        form,
        [
            field("Url", "wss://ward.example.org/careline/hooks/media/00000000-0000-0000-0000-000000000001"),
            field("Name", "00000000-0000-0000-0000-000000000003"),
            field("Track", "inbound_track"),
            field("Parameter1.Name", "token"),
            field("Parameter1.Value", "secret"),
        ]
    );
    let strange = CarrierSid("CA1/../../../x".into());
    assert_eq!(twilio.fetch(&strange).await.unwrap_err().kind, OutageKind::Refused("sid".into()));
}
