//! The door of forked audio: a token opens one stream whoever asks, what a peer may do to a socket is bounded, and a process that
//! is to end hands its streams to another one without anybody's call noticing.

use super::hearing::{PATIENT_SID, Socket, Ward as Line, closed, frame, speak, stop};
use crate::support::ward::Ward;
use careline::{
    adapters::tones::ToneTranscriber,
    app::{App, Settings},
    domain::{
        pace::Patience,
        tones::{FRAME, SILENCE},
    },
    error::Error,
    flows::hear_leg,
    ports::speech::Engines,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio_tungstenite::tungstenite::Message;

const ROSA: &str = "+12125550101";

#[tokio::test]
async fn a_token_that_two_processes_are_shown_at_once_opens_one_stream() {
    let mut line = Line::hearing_with(Some(true), Engines::only(Arc::new(ToneTranscriber))).await;
    let other = line.another_process().await;
    for _ in 0..10 {
        let token = line.stream_of(line.patient_leg).await;
        let (here, there) = tokio::join!(
            hear_leg::begin(&line.app, line.org, &token, "MZ1", PATIENT_SID),
            hear_leg::begin(&other, line.org, &token, "MZ2", PATIENT_SID)
        );
        assert_eq!(u8::from(here.is_ok()) + u8::from(there.is_ok()), 1, "one of two");
        let refused = here.as_ref().err().or(there.as_ref().err()).unwrap();
        assert!(matches!(refused, Error::Forbidden), "{refused:?}");
        // The control: a token that is not burnt opens there too.
        line.run("update media_stream set started_at = null where ended_at is null").await;
        assert!(hear_leg::begin(&other, line.org, &token, "MZ2", PATIENT_SID).await.is_ok());
    }
}

/// A line that is as patient as one at work, or a thousand times as patient.
async fn line(patience: u32) -> Line {
    Line::open_with(Some(true), |app| App {
        settings: Settings { patience: Patience(patience), ..app.settings.clone() },
        ..app
    })
    .await
}

#[tokio::test]
async fn whoever_sends_much_faster_than_anybody_speaks_is_closed_and_the_leg_is_forked_again() {
    for (patience, code) in [(1, 1013), (1_000, 1000)] {
        let mut line = line(patience).await;
        let token = line.stream_of(line.patient_leg).await;
        let mut socket = line.begin(&token, PATIENT_SID).await;
        for chunk in 1..=6_000 {
            let media = json!({"track": "inbound", "chunk": chunk.to_string(), "timestamp": "0", "payload": "/w=="});
            let message = json!({"event": "media", "sequenceNumber": "1", "media": media}).to_string();
            if socket.send(Message::text(message)).await.is_err() {
                break;
            }
        }
        assert_eq!(stop(socket).await, code, "patience {patience}");
        line.until("media_stream where ended_at is not null", 1).await;
        let frames: i64 = line.text("select frames::text from media_stream").await.parse().unwrap();
        assert_eq!(frames == 6_000, patience > 1, "{frames}");
        assert!(frames >= 3_000, "what waited for a minute is taken all at once: {frames}");
        assert_eq!(line.count("job where unique_key like 'fork:%:after:%'").await, 1, "it is heard again");
    }
}

/// Says something that is no audio, ten times a second, until the other side has enough; the code it closed with.
async fn chatter(mut socket: Socket, message: Message, audio: Audio) -> Option<u16> {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for chunk in 1..=130 {
        ticks.tick().await;
        if socket.send(message.clone()).await.is_err() {
            return Some(closed(&mut socket).await);
        }
        if audio == Audio::Too {
            frame(&mut socket, chunk, &[SILENCE; FRAME]).await;
        }
        while let Ok(Some(Ok(reply))) = tokio::time::timeout(Duration::ZERO, socket.next()).await {
            if let Message::Close(Some(end)) = reply {
                return Some(end.code.into());
            }
        }
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Audio {
    None,
    Too,
}

#[tokio::test]
async fn whoever_sends_everything_but_audio_loses_the_place_of_a_leg() {
    let mark = Message::text(json!({"event": "mark", "sequenceNumber": "2", "mark": {"name": "x"}}).to_string());
    let ping = Message::Ping(vec![0; 100].into());
    let tries = [(mark.clone(), Audio::None), (ping, Audio::None), (mark, Audio::Too)].map(async |(message, audio)| {
        let line = line(1).await;
        let token = line.stream_of(line.patient_leg).await;
        chatter(line.begin(&token, PATIENT_SID).await, message, audio).await
    });
    let codes = futures_util::future::join_all(tries).await;
    assert_eq!(codes, [Some(1013), Some(1013), None], "the last is the control: whoever also sends audio stays");
}

#[tokio::test]
async fn a_message_larger_than_the_protocol_has_ends_its_stream_and_no_other() {
    let mut line = Line::hearing_with(Some(true), Engines::only(Arc::new(ToneTranscriber))).await;
    let (bad, good) = (line.stream_of(line.patient_leg).await, line.stream_of(line.nurse_leg).await);
    let (mut bad, mut good) = (line.begin(&bad, PATIENT_SID).await, line.begin(&good, super::hearing::NURSE_SID).await);
    speak(&mut bad, 1, "Still here").await;
    line.until("utterance", 1).await;
    // Whoever is cut off while speaking may see that before the farewell.
    let _ = bad.send(Message::text("x".repeat(1_000_000))).await;
    assert!(matches!(closed(&mut bad).await, 1000 | 1009 | 0));
    speak(&mut good, 1, "How is your breathing").await;
    assert_eq!(stop(good).await, 1000);
    assert_eq!(line.count("utterance").await, 2);
    line.until("media_stream where ended_at is not null", 2).await;
}

#[tokio::test]
async fn a_process_that_is_to_end_hears_on_for_a_while_and_then_hands_its_legs_to_another() {
    for in_order in [true, false] {
        let mut ward = Ward::open().await;
        let maya = ward.sign_in("maya@riverside.example").await;
        let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
        ward.until_state(&call, "bridged").await;
        ward.until_heard(&call, "patient", "Six out of ten").await;
        let old = if in_order {
            Some(ward.replace_server().await)
        } else {
            // The control: a process that dies without a word hears nothing of what is said next.
            ward.kill_server();
            None
        };
        assert!(ward.town.carrier().make_say(ROSA, "Do you hear me now").await);
        ward.until_said("Do you hear me now").await;
        if let Some(old) = &old {
            ward.until_heard(&call, "patient", "Do you hear me now").await;
            let two = "(select count(*) = 2 from media_stream where started_at is not null)";
            ward.until_database("the old process to hear both legs still", two).await;
            old.cut();
        } else {
            ward.start_server().await;
        }
        let again = "(select count(*) = 2 from media_stream where started_at is not null and ended_at is null)
                     and (select count(*) >= 4 from media_stream where started_at is not null)";
        ward.until_database("both legs to be heard by the new process", again).await;
        if let Some(old) = old {
            old.ended().await;
        }
        assert!(ward.town.carrier().make_say(ROSA, "And am I heard again").await);
        ward.until_heard(&call, "patient", "And am I heard again").await;
        let heard = "exists (select from utterance where text like '%Do you hear me now%')";
        let expected = if in_order { heard.to_owned() } else { format!("not {heard}") };
        ward.until_database("what was said meanwhile", &expected).await;
        let told = "(select count(distinct leg_id) = 2 from gap where reason in ('stream_lost', 'careline_restarted'))";
        ward.until_database("the silence in between to be told on both legs", told).await;
        let conferences = ward.town.carrier().conferences();
        assert_eq!(conferences.len(), 1);
        assert!(conferences[0].ended_at.is_none() && conferences[0].participants.len() == 2, "they talked on");
        assert_eq!(ward.town.carrier().calls().len(), 2, "nobody was rung again");
    }
}
