//! Somebody listens to a live call in their browser: they hear what the conference hears and nothing else, the patient knows
//! of it first, everybody may read that it was so, and it ends with whatever permitted it.

use crate::support::{
    studio::Studio,
    ward::{Ward, call_of},
};
use careline::{
    domain::{
        ids::OrgId,
        people::{Actor, Role, Who},
        tones::{Decoded, Decoder},
    },
    flows::floor::{self, Audible},
    simulator::carrier::CallSeen,
};
use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// A browser's ear.
struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    decoders: [Decoder; 2],
    /// What is heard in the left and in the right ear.
    words: [String; 2],
    states: Vec<String>,
    closed: Option<u16>,
}

impl Browser {
    async fn open(studio: &Studio, role: Role, origin: Option<&str>) -> Option<Self> {
        let entrance = &studio.entrance;
        let address = format!("{}/calls/{}/listen", entrance.base.replacen("http", "ws", 1), studio.call);
        let mut request = address.into_client_request().unwrap();
        let ticket = entrance.ticket(role).await;
        let headers = request.headers_mut();
        headers.insert("cookie", entrance.cookie(role).parse().unwrap());
        headers.insert("origin", origin.unwrap_or(&entrance.base).parse().unwrap());
        headers.insert("sec-websocket-protocol", format!("careline, {ticket}").parse().unwrap());
        let socket = connect_async(request).await.ok()?.0;
        let decoders = [Decoder::new(), Decoder::new()];
        Some(Self { socket, decoders, words: Default::default(), states: Vec::new(), closed: None })
    }

    /// Takes one message; `false` when nothing more will come.
    async fn take(&mut self) -> bool {
        match timeout(Duration::from_secs(20), self.socket.next()).await.expect("a message or the end") {
            Some(Ok(Message::Binary(bytes))) => {
                let side = usize::from(bytes[0]);
                for heard in self.decoders[side].push(&bytes[8..]) {
                    if let Decoded::Word { text, .. } = heard {
                        self.words[side] = format!("{} {text}", self.words[side]).trim().to_owned();
                    }
                }
                true
            }
            Some(Ok(Message::Text(text))) => {
                let said: serde_json::Value = serde_json::from_str(&text).unwrap();
                let how = said["how"].as_str().map(|how| format!(" {how}")).unwrap_or_default();
                self.states.push(format!("{}{how}", said["state"].as_str().unwrap()));
                true
            }
            Some(Ok(Message::Close(frame))) => {
                self.closed = frame.map(|frame| frame.code.into());
                false
            }
            Some(Ok(_)) => true,
            Some(Err(_)) | None => false,
        }
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            assert!(self.take().await, "never {what}: {:?} {:?}", self.words, self.states);
        }
    }

    async fn until_over(mut self) -> Self {
        while self.take().await {}
        self
    }
}

/// Patient and nurse talk, and patients were told of supervision at enrolment.
async fn talking() -> Studio {
    let mut studio = Studio::open(Some(true)).await;
    studio.entrance.run("update organization set supervision = 'at_enrolment' where org_id = $1").await;
    studio.entrance.run("update leg set staff_id = (select id from staff_member where org_id = $1 and role = 'physician') where org_id = $1 and party = 'nurse'").await;
    studio
        .entrance
        .run(
            "insert into seat (org_id, leg_id, call_id, held, muted, ends, part, revision, settled)
             select org_id, id, call_id, false, false, false, 'talks', 1, 1 from leg where org_id = $1",
        )
        .await;
    studio
}

async fn press(studio: &Studio, role: Role, part: &str) -> StatusCode {
    studio.entrance.post(role, &format!("/calls/{}/listen", studio.call), &[("part", part)]).await.status()
}

async fn events(studio: &mut Studio) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', actor_kind, detail ->> 'event', detail ->> 'how') from audit_entry
          where deed = 'supervised_call' and detail ->> 'by' = 'browser' order by id",
    )
    .fetch_all(&mut studio.entrance.superuser)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_coordinator_hears_each_side_in_its_ear_and_the_record_says_from_when_to_when() {
    let mut studio = talking().await;
    let (mut hers, mut ours) = (studio.listen_to(studio.patient).await, studio.listen_to(studio.nurse).await);
    hers.silent_until(500).await;
    assert!(
        Browser::open(&studio, Role::Coordinator, Some("https://evil.example")).await.is_none(),
        "another site's page"
    );
    assert!(Browser::open(&studio, Role::Physician, None).await.is_none(), "a role that may not");
    // The control: a socket without having asked carries nothing.
    let unasked = Browser::open(&studio, Role::Coordinator, None).await.unwrap().until_over().await;
    assert_eq!((unasked.states, unasked.words), (vec!["over stopped".to_owned()], Default::default()));
    assert_eq!(press(&studio, Role::Coordinator, "begin").await, StatusCode::SEE_OTHER);
    assert_eq!(press(&studio, Role::Coordinator, "begin").await, StatusCode::SEE_OTHER, "twice is once");
    let page = studio.entrance.get(Role::Nurse, &format!("/calls/{}", studio.call)).await.text().await.unwrap();
    assert!(page.contains("waits to listen") || page.contains("listens in a browser"), "the nurse sees it: {page}");
    let mut browser = Browser::open(&studio, Role::Coordinator, None).await.unwrap();
    browser.until("it hears", |browser| browser.states == ["hears"]).await;
    ours.silent_until(500).await;
    tokio::join!(hers.say_slowly("Six right now"), ours.say_slowly("How is your breathing"));
    browser.until("both are heard", |browser| browser.words == ["Six right now", "How is your breathing"]).await;
    assert_eq!(press(&studio, Role::Coordinator, "end").await, StatusCode::SEE_OTHER);
    let browser = browser.until_over().await;
    assert_eq!(browser.states.last().unwrap(), "over stopped");
    assert_eq!(events(&mut studio).await, ["staff asked", "staff joined", "staff left stopped"]);
}

#[tokio::test]
async fn whoever_is_on_hold_or_muted_is_not_heard() {
    for held in [true, false] {
        let mut studio = talking().await;
        let (mut hers, mut ours) = (studio.listen_to(studio.patient).await, studio.listen_to(studio.nurse).await);
        hers.silent_until(500).await;
        if held {
            studio.entrance.run("update seat set held = true where org_id = $1 and leg_id in (select id from leg where party = 'patient')").await;
        }
        assert_eq!(
            press(&studio, Role::Nurse, "begin").await,
            StatusCode::SEE_OTHER,
            "a nurse of the team listens too"
        );
        let mut browser = Browser::open(&studio, Role::Nurse, None).await.unwrap();
        browser.until("it hears", |browser| !browser.states.is_empty()).await;
        ours.silent_until(500).await;
        tokio::join!(hers.say_slowly("Only for myself"), ours.say_slowly("They are on hold"));
        browser.until("the nurse is heard", |browser| browser.words[1] == "They are on hold").await;
        // The control: the same words of somebody who is not on hold.
        if !held {
            browser.until("the patient is heard", |browser| browser.words[0] == "Only for myself").await;
        }
        studio.hang_up().await;
        let browser = browser.until_over().await;
        assert_eq!(browser.words[0].is_empty(), held);
        assert_eq!(browser.states.last().unwrap(), "over call_over");
        assert_eq!(events(&mut studio).await.last().unwrap(), "careline left call_over");
    }
}

#[tokio::test]
async fn whose_session_ends_is_cut_off_and_that_is_written() {
    let mut studio = talking().await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.silent_until(500).await;
    assert_eq!(press(&studio, Role::Coordinator, "begin").await, StatusCode::SEE_OTHER);
    let mut browser = Browser::open(&studio, Role::Coordinator, None).await.unwrap();
    browser.until("it hears", |browser| !browser.states.is_empty()).await;
    hers.say_slowly("Before").await;
    browser.until("the control: it is heard", |browser| browser.words[0] == "Before").await;
    let over = "update session set ended_at = now() where org_id = $1";
    studio.entrance.run(over).await;
    let browser = browser.until_over().await;
    assert_eq!((browser.closed, browser.states.last().unwrap().as_str()), (Some(4001), "over cut_off"));
    assert_eq!(events(&mut studio).await.last().unwrap(), "careline left cut_off");
}

#[tokio::test]
async fn a_browser_that_just_goes_and_a_process_that_dies_leave_their_end_behind() {
    let mut studio = talking().await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.silent_until(500).await;
    assert_eq!(press(&studio, Role::Coordinator, "begin").await, StatusCode::SEE_OTHER);
    let mut browser = Browser::open(&studio, Role::Coordinator, None).await.unwrap();
    browser.until("it hears", |browser| !browser.states.is_empty()).await;
    browser.socket.close(None).await.unwrap();
    studio.until("listening where ended_how = 'closed'", 1).await;
    assert_eq!(press(&studio, Role::Coordinator, "begin").await, StatusCode::SEE_OTHER);
    let careline = Actor::careline(OrgId(studio.entrance.home.org));
    floor::sweep_listening(&studio.entrance.app, &careline).await.unwrap();
    assert_eq!(
        studio.count("listening where ended_at is null").await,
        1,
        "the control: somebody looked after it just now"
    );
    studio
        .entrance
        .run("update listening set pulse_at = now() - interval '1 minute' where org_id = $1 and ended_at is null")
        .await;
    floor::sweep_listening(&studio.entrance.app, &careline).await.unwrap();
    assert_eq!(studio.count("listening where ended_how = 'cut_off'").await, 1);
    assert_eq!(events(&mut studio).await.last().unwrap(), "careline left cut_off");
}

#[tokio::test]
async fn nobody_listens_before_the_patient_was_told() {
    let mut studio = talking().await;
    studio.entrance.run("update organization set supervision = 'announced' where org_id = $1").await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.silent_until(500).await;
    // The carrier cannot be reached, so nobody can be told.
    assert_eq!(press(&studio, Role::Coordinator, "begin").await, StatusCode::SEE_OTHER);
    let mut browser = Browser::open(&studio, Role::Coordinator, None).await.unwrap();
    browser.until("it waits", |browser| browser.states == ["told"]).await;
    hers.say_slowly("Nobody knows that anybody listens").await;
    studio.entrance.run("update listening set asked_at = now() - interval '1 minute' where org_id = $1").await;
    let browser = browser.until_over().await;
    assert_eq!((browser.words[0].as_str(), browser.states.last().unwrap().as_str()), ("", "over not_announced"));
    // The control: told long enough ago for the words to be over, it is heard.
    assert_eq!(press(&studio, Role::Coordinator, "begin").await, StatusCode::SEE_OTHER);
    studio
        .entrance
        .run("update listening set announced_at = now() - interval '1 minute' where org_id = $1 and ended_at is null")
        .await;
    let mut browser = Browser::open(&studio, Role::Coordinator, None).await.unwrap();
    browser.until("it hears", |browser| browser.states == ["hears"]).await;
}

#[tokio::test]
async fn what_may_not_be_recorded_is_not_heard_and_what_is_heard_elsewhere_is_said() {
    for may_record in [None, Some(false), Some(true)] {
        let mut studio = Studio::open(may_record).await;
        studio.entrance.run("update organization set supervision = 'at_enrolment' where org_id = $1").await;
        let answer = studio
            .entrance
            .post(Role::Coordinator, &format!("/calls/{}/listen", studio.call), &[("part", "begin")])
            .await;
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        let words = answer.text().await.unwrap();
        assert_eq!(words.contains("another process of Careline"), may_record == Some(true), "{words}");
        let mut hers = studio.listen_to(studio.patient).await;
        hers.silent_until(500).await;
        let status = press(&studio, Role::Coordinator, "begin").await;
        let expected = if may_record == Some(true) { StatusCode::SEE_OTHER } else { StatusCode::CONFLICT };
        assert_eq!(status, expected, "{may_record:?}");
    }
}

#[tokio::test]
async fn the_nurse_on_the_line_and_whoever_has_urgent_access_do_not_listen_here() {
    let mut studio = talking().await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.silent_until(500).await;
    studio.entrance.run("update leg set staff_id = (select id from staff_member where org_id = $1 and role = 'nurse') where org_id = $1 and party = 'nurse'").await;
    assert_eq!(press(&studio, Role::Nurse, "begin").await, StatusCode::CONFLICT);
    assert_eq!(press(&studio, Role::Coordinator, "begin").await, StatusCode::SEE_OTHER, "the control");
    let across = studio.entrance.other_team().await;
    studio.entrance.break_glass(across.patient).await;
    let path = format!("/calls/{}/listen", across.call);
    assert_eq!(studio.entrance.post(Role::Nurse, &path, &[("part", "begin")]).await.status(), StatusCode::FORBIDDEN);
    let stranger = Actor { org: OrgId(studio.entrance.home.org), who: Who::Visitor };
    assert!(floor::look_what_is_audible(&studio.entrance.app, &stranger, studio.call).await.is_err());
    let _open = hers.stop().await;
}

#[tokio::test]
async fn levels_of_both_sides_reach_the_page_and_none_without_consent() {
    for may_record in [Some(true), Some(false)] {
        let studio = Studio::open(may_record).await;
        let entrance = &studio.entrance;
        let address = format!("{}/calls/{}/live", entrance.base.replacen("http", "ws", 1), studio.call);
        let mut request = address.into_client_request().unwrap();
        let ticket = entrance.ticket(Role::Nurse).await;
        request.headers_mut().insert("cookie", entrance.cookie(Role::Nurse).parse().unwrap());
        request.headers_mut().insert("origin", entrance.base.parse().unwrap());
        request.headers_mut().insert("sec-websocket-protocol", format!("careline, {ticket}").parse().unwrap());
        let mut socket = connect_async(request).await.unwrap().0;
        let (mut hers, mut ours) = (studio.listen_to(studio.patient).await, studio.listen_to(studio.nurse).await);
        hers.silent_until(1_000).await;
        ours.say("Loud and clear").await;
        ours.silent_until(3_000).await;
        let (_, _) = tokio::join!(hers.stop(), ours.stop());
        socket.send(Message::Close(None)).await.unwrap();
        let mut levels: Vec<(String, i64)> = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let news: serde_json::Value = serde_json::from_str(&text).unwrap();
            if news["event"] == "level" {
                levels.push((news["speaker"].as_str().unwrap().to_owned(), news["dbfs"].as_i64().unwrap()));
            }
        }
        let of =
            |who: &str| levels.iter().filter(|(speaker, _)| speaker == who).map(|(_, dbfs)| *dbfs).collect::<Vec<_>>();
        let (patient, nurse) = (of("patient"), of("nurse"));
        if may_record == Some(true) {
            assert_eq!(patient, [-60; 5], "five a second, and silence is the floor");
            assert_eq!(nurse.len(), 15);
            assert!(nurse[0] > -30 && *nurse.last().unwrap() == -60, "{nurse:?}");
        } else {
            assert_eq!((patient.len(), nurse.len()), (0, 0));
        }
    }
}

#[tokio::test]
async fn the_carrier_tells_the_patient_and_lets_it_be_said_until_over_before_anybody_listens() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let address = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    ward.until_state(&address, "bridged").await;
    ward.until_heard(&address, "patient", "Six out of ten").await;
    let (app, call) = (ward.app(), call_of(&address));
    let riverside = ward.organizations.iter().find(|one| one.code == "riverside").unwrap();
    let clara = Actor::staff(riverside.operator.org, riverside.staff["clara@riverside.example"], Role::Coordinator);
    floor::begin_listening(&app, &clara, call).await.unwrap();
    assert_eq!(floor::look_what_is_audible(&app, &clara, call).await.unwrap(), Audible::NotYet);
    let told = |calls: &[CallSeen]| {
        let told =
            |one: &CallSeen| one.spoken.iter().any(|said| said.contains("A supervisor of your care team now listens"));
        calls.iter().any(told).then_some(())
    };
    ward.until_carrier("the patient to be told", told).await;
    ward.let_pass(Duration::from_secs(5)).await;
    let is_heard = async || {
        let audible = floor::look_what_is_audible(&app, &clara, call).await.unwrap();
        matches!(audible, Audible::Legs(legs) if legs.len() == 2)
    };
    ward.eventually("both to be heard", is_heard).await;
    let page =
        ward.until_page(&maya, &address, "who listens", |page| page.text().contains("listens in a browser")).await;
    assert!(page.text().contains("Clara"), "{}", page.text());
    floor::stop_listening(&app, &clara, call).await.unwrap();
    let events = "exists (select from audit_entry where deed = 'supervised_call' and detail ->> 'event' = 'announced')
                  and exists (select from audit_entry where deed = 'supervised_call' and detail ->> 'how' = 'stopped')";
    ward.until_database("the record to say so", events).await;
}
