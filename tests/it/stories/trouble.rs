//! Stories in which something breaks: the product dies, a reply is lost, a message is forged, the record is altered.

use crate::support::ward::{Ward, call_of};
use careline::simulator::carrier::{CallSeen, CallStatus, StreamStatus};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROSA: &str = "+12125550101";

fn rings(calls: &[CallSeen], number: &str) -> u32 {
    calls.iter().filter(|call| call.to == number).map(|call| call.rings).sum()
}

#[tokio::test]
async fn when_careline_dies_they_keep_talking_and_the_streams_come_back() {
    let mut ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_heard(&call, "patient", "Six out of ten right now").await;
    ward.kill_server();
    ward.until_said("No fever. Only a little clear sputum in the morning.").await;
    let calls = ward.town.carrier().calls();
    assert!(
        calls.iter().all(|call| call.status == CallStatus::InProgress),
        "the carrier holds the conference: {calls:#?}"
    );
    assert!(calls.iter().flat_map(|call| &call.streams).all(|stream| stream.status == StreamStatus::Stopped));
    ward.start_server().await;
    ward.until_carrier("both legs to be forked again", |calls| {
        let running = |call: &CallSeen| call.streams.iter().any(|stream| stream.status == StreamStatus::InProgress);
        (calls.len() == 2 && calls.iter().all(running)).then_some(())
    })
    .await;
    assert!(ward.town.carrier().make_say(ROSA, "Can you hear me again?").await);
    ward.until_heard(&call, "patient", "Can you hear me again?").await;
    let id = call_of(&call);
    ward.until_database(
        "both gaps in the record",
        &format!("(select count(*) = 2 from gap where call_id = '{id}' and reason = 'careline_restarted' and to_at > from_at)"),
    )
    .await;
    let maya = ward.sign_in("maya@riverside.example").await;
    // A slow machine may lose a moment more; that has a mark and a reason of its own.
    ward.until_page(&maya, &call, "the gap to be shown", |page| {
        let text = page.text();
        text.contains("gaps in the audio") && text.matches("Careline was restarted; they kept talking").count() == 2
    })
    .await;
    assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 1, "nobody is rung again");
}

#[tokio::test]
async fn a_dial_whose_answer_is_lost_rings_once() {
    for fault in ["drop_accepted", "500_accepted"] {
        let ward = Ward::open().await;
        let maya = ward.sign_in("maya@riverside.example").await;
        ward.misbehave(&format!(r#"{{"create": "{fault}", "times": 1}}"#)).await;
        let call = ward.ring_now(&maya, "Delgado").await;
        ward.until_state(&call, "bridged").await;
        ward.settle().await;
        assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_dial_that_never_happened_is_repeated_only_after_it_is_proven_absent() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.misbehave(r#"{"create": "500_refused", "times": 1}"#).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_attempt(&call, "unknown").await;
    for _ in 0..8 {
        assert!(ward.town.carrier().calls().is_empty(), "not before the absence is proven");
        ward.let_pass(Duration::from_secs(20)).await;
    }
    for _ in 0..6 {
        ward.let_pass(Duration::from_secs(20)).await;
    }
    ward.until_state(&call, "bridged").await;
    assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 1);
}

#[tokio::test]
async fn a_carrier_that_takes_no_calls_becomes_work_for_a_person_and_is_tried_again() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.misbehave(r#"{"create": "429"}"#).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    for _ in 0..17 {
        ward.let_pass(Duration::from_secs(40)).await;
    }
    ward.until_follow_up(&call, "carrier_away").await;
    assert!(ward.town.carrier().calls().is_empty());
    ward.misbehave(r#"{"create": "normal"}"#).await;
    ward.let_pass(Duration::from_secs(40)).await;
    ward.until_state(&call, "bridged").await;
    assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 1);
}

#[tokio::test]
async fn callbacks_that_come_twice_count_once() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.misbehave(r#"{"callbacks": "twice"}"#).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_state(&call, "bridged").await;
    ward.settle().await;
    let id = call_of(&call);
    ward.until_database(
        "one bridge and one nurse in the record",
        &format!(
            "(select count(*) = 1 from audit_entry where deed = 'bridged_call' and subject = '{id}')
             and (select count(*) = 2 from attempt where call_id = '{id}')"
        ),
    )
    .await;
}

#[tokio::test]
async fn lost_frames_lose_words_and_the_record_says_so() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.misbehave(r#"{"lose_media_frames": {"every": 40}}"#).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    let id = call_of(&call);
    ward.until_database(
        "an utterance with words missing",
        &format!("exists (select from utterance where call_id = '{id}' and lost_words > 0)"),
    )
    .await;
}

#[tokio::test]
async fn an_unsigned_message_is_refused_and_changes_nothing() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Ferreira").await;
    ward.until_carrier("the ring", |calls| (!calls.is_empty()).then_some(())).await;
    let (org, attempt) = ward.attempt_of(&call).await;
    let sid = ward.town.carrier().calls()[0].sid.clone();
    let web = reqwest::Client::new();
    for (door, body) in [
        ("voice", format!("CallSid={sid}&Digits=1")),
        ("status", format!("CallSid={sid}&CallStatus=completed")),
        ("machine", format!("CallSid={sid}&AnsweredBy=machine_end_beep")),
        ("conference", format!("CallSid={sid}&ConferenceSid=CF1&StatusCallbackEvent=participant-join")),
        ("hold", format!("CallSid={sid}")),
        ("announce", format!("CallSid={sid}")),
    ] {
        let address = format!("{}/hooks/phone/{org}/{attempt}/{door}", ward.origin);
        for signature in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")] {
            let mut request =
                web.post(&address).header("content-type", "application/x-www-form-urlencoded").body(body.clone());
            if let Some(signature) = signature {
                request = request.header("x-twilio-signature", signature);
            }
            let reply = request.send().await.unwrap();
            assert_eq!(reply.status(), 403, "{door}");
            assert!(reply.text().await.unwrap().contains("signature"));
        }
    }
    ward.settle().await;
    ward.until_state(&call, "placed").await;
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let ward = Ward::open().await;
    for path in ["/sign-in", "/api/sign-in", "/hooks/phone/a/b/voice"] {
        // Only announced, never sent: a client that is still sending could miss the answer.
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: ward\r\norigin: {}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: 2097152\r\n\r\n",
            ward.origin
        );
        let mut socket = tokio::net::TcpStream::connect(ward.origin.trim_start_matches("http://")).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 413"), "{path}: {reply}");
    }
}

#[tokio::test]
async fn an_altered_record_is_found_and_the_entry_named() {
    let ward = Ward::open().await;
    let otto = ward.sign_in("otto@riverside.example").await;
    let verify = async || {
        let page = otto.open("/record").await.unwrap();
        let form = page.form("/record/verify").unwrap_or_else(|| panic!("no verify form on:\n{}", page.html));
        otto.send(&page, &form).await.unwrap().text()
    };
    let whole = verify().await;
    assert!(whole.contains("The record is whole"), "{whole}");
    let org = ward.organizations[0].operator.org;
    ward.change("alter table audit_entry disable trigger all").await;
    ward.change(&format!(
        "update audit_entry set deed = 'signed_out'
          where (org_id, id) = (select org_id, entry_id from audit_chain where org_id = '{org}' and seq = 5)"
    ))
    .await;
    let altered = verify().await;
    assert!(altered.contains("place 5") && altered.contains("not what was recorded"), "{altered}");
    // The trail of a removed link is found as well, before the altered entry.
    ward.change("alter table audit_chain disable trigger all").await;
    ward.change(&format!("delete from audit_chain where org_id = '{org}' and seq = 3")).await;
    let removed = verify().await;
    assert!(removed.contains("place 3"), "{removed}");
}

#[tokio::test]
async fn another_organization_sees_nothing() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let priya = ward.sign_in("priya@lakeside.example").await;
    let call = ward.ring_now(&maya, "Delgado").await;
    for path in [ward.chart("Delgado"), call.clone(), format!("{}/calls/new", ward.chart("Delgado"))] {
        assert_eq!(priya.get(&path).await.unwrap().status, 404, "{path}");
        assert_eq!(maya.get(&path).await.unwrap().status, 200, "{path}");
    }
    assert!(priya.listen(&format!("{call}/live")).await.is_err(), "no live socket either");
    let found = priya.open("/patients?q=Delgado").await.unwrap();
    assert!(!found.text().contains("Rosa"), "{}", found.text());
}
