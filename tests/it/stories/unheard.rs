//! Somebody speaks and no words come: the nurse is told, the engine is asked again and told what it owes, the next engine is;
//! and the call goes on, whatever becomes of the words.

use super::hearing::{PATIENT_SID, Socket, Ward, frame, speak, stop};
use crate::ports::speech::Engines as Town;
use careline::{
    domain::{
        people::Actor,
        tones::{FRAME, SILENCE},
    },
    ports::speech::{Engines, Speech},
    simulator::speech::Conduct,
    store::call_page::{self, StreamState},
};
use std::{sync::Arc, time::Duration};

/// Long enough that words are owed for it: more than a second of voice.
const LONG: &str = "My breathing is much worse at night and I cannot sleep lying down any more";
/// Longer than words may be owed.
const OWED: Duration = Duration::from_millis(3_100);

async fn ward(engines: &[Arc<dyn Speech>]) -> Ward {
    let first = Engines::only(engines[0].clone());
    Ward::hearing_with(Some(true), engines[1..].iter().cloned().fold(first, Engines::then)).await
}

/// Speaks, and pauses for more than a second.
async fn say(socket: &mut Socket, from: u64, text: &str) -> u64 {
    let mut next = speak(socket, from, text).await;
    for _ in 0..70 {
        frame(socket, next, &[SILENCE; FRAME]).await;
        next += 1;
    }
    next
}

/// How a leg was heard, in order.
async fn turns(ward: &mut Ward) -> String {
    ward.text("select coalesce(string_agg(turn, ' ' order by number), '') from stream_turn").await
}

async fn transcript(ward: &mut Ward) -> String {
    ward.text("select coalesce(string_agg(text, ' | ' order by from_at), '') from utterance").await
}

/// How the page shows the patient's leg.
async fn shown(ward: &Ward) -> StreamState {
    let mut tx = ward.app.db.begin(&Actor::careline(ward.org)).await.unwrap();
    let legs = call_page::legs(&mut tx, ward.call).await.unwrap();
    legs.iter().find(|leg| leg.id == ward.patient_leg).unwrap().stream
}

#[tokio::test]
async fn an_engine_that_hangs_up_in_the_middle_is_told_again_and_nothing_is_lost_or_said_twice() {
    let town = Town::open().await;
    for engine in &town.wired {
        let mut ward = ward(std::slice::from_ref(engine)).await;
        town.town.conduct_next(&[Conduct::HangsUpAfter(2)]);
        let token = ward.stream_of(ward.patient_leg).await;
        let mut socket = ward.begin(&token, PATIENT_SID).await;
        let next = say(&mut socket, 1, "Six right now and no more than that").await;
        ward.until("utterance", 1).await;
        say(&mut socket, next, "It is worse at night").await;
        assert_eq!(stop(socket).await, 1000);
        let expected = "Six right now and no more than that | It is worse at night";
        assert_eq!(transcript(&mut ward).await, expected, "{}", engine.name());
        assert_eq!(turns(&mut ward).await, "asked_again", "{}", engine.name());
        assert_eq!(ward.count("gap").await, 0, "{}", engine.name());
    }
}

#[tokio::test]
async fn words_that_never_come_are_told_as_a_gap() {
    // The control of the story above: an engine that hangs up whenever it is told.
    let town = Town::open().await;
    town.town.conduct_always(Conduct::HangsUpAfter(2));
    let mut ward = ward(&town.wired[..1]).await;
    let token = ward.stream_of(ward.patient_leg).await;
    let mut socket = ward.begin(&token, PATIENT_SID).await;
    say(&mut socket, 1, "Six right now and no more than that").await;
    assert_eq!(stop(socket).await, 1000);
    assert_eq!(transcript(&mut ward).await, "");
    assert_eq!(ward.text("select string_agg(distinct reason, ' ') from gap").await, "not_heard");
}

#[tokio::test]
async fn an_engine_that_says_nothing_while_somebody_speaks_is_noticed_and_asked_again() {
    let town = Town::open().await;
    for engine in &town.wired[..2] {
        let mut ward = ward(std::slice::from_ref(engine)).await;
        town.town.conduct_next(&[Conduct::StallsAfter(0)]);
        let token = ward.stream_of(ward.patient_leg).await;
        let mut socket = ward.begin(&token, PATIENT_SID).await;
        let next = say(&mut socket, 1, LONG).await;
        ward.clock.advance(OWED);
        ward.until("stream_turn where turn = 'blind'", 1).await;
        ward.until("stream_turn where turn = 'hears_again'", 1).await;
        ward.until("utterance", 1).await;
        assert_eq!(shown(&ward).await, StreamState::Open, "the banner is gone");
        say(&mut socket, next, LONG).await;
        assert_eq!(stop(socket).await, 1000);
        assert_eq!(transcript(&mut ward).await, format!("{LONG} | {LONG}"), "{}", engine.name());
        assert_eq!(turns(&mut ward).await, "blind asked_again hears_again", "{}", engine.name());
        assert_eq!(ward.count("gap").await, 0, "{}", engine.name());
    }
}

#[tokio::test]
async fn whoever_is_heard_or_silent_raises_no_alarm() {
    let town = Town::open().await;
    let mut ward = ward(&town.wired[..1]).await;
    let token = ward.stream_of(ward.patient_leg).await;
    let mut socket = ward.begin(&token, PATIENT_SID).await;
    let next = say(&mut socket, 1, LONG).await;
    ward.until("utterance", 1).await;
    for chunk in next..next + 200 {
        frame(&mut socket, chunk, &[SILENCE; FRAME]).await;
    }
    ward.clock.advance(Duration::from_secs(30));
    assert_eq!(shown(&ward).await, StreamState::Open);
    assert_eq!(stop(socket).await, 1000);
    assert_eq!(turns(&mut ward).await, "");
}

#[tokio::test]
async fn when_asking_again_does_not_help_the_next_engine_hears() {
    let town = Town::open().await;
    let mut ward = ward(&town.wired[..2]).await;
    town.town.conduct_next(&[Conduct::StallsAfter(0), Conduct::Refuses(503)]);
    let token = ward.stream_of(ward.patient_leg).await;
    let mut socket = ward.begin(&token, PATIENT_SID).await;
    say(&mut socket, 1, LONG).await;
    ward.clock.advance(OWED);
    ward.until("stream_turn where turn = 'hears_again'", 1).await;
    assert_eq!(stop(socket).await, 1000);
    assert_eq!(transcript(&mut ward).await, LONG);
    assert_eq!(turns(&mut ward).await, "blind asked_again other_engine hears_again");
    let wires: Vec<&str> = town.town.seen().iter().map(|seen| seen.wire).collect();
    assert_eq!(wires, ["deepgram", "deepgram", "realtime"]);
}

#[tokio::test]
async fn when_no_engine_hears_the_banner_stays_and_the_call_goes_on() {
    let town = Town::open().await;
    town.town.conduct_always(Conduct::Refuses(503));
    let mut ward = ward(&town.wired).await;
    let token = ward.stream_of(ward.patient_leg).await;
    let mut socket = ward.begin(&token, PATIENT_SID).await;
    say(&mut socket, 1, LONG).await;
    ward.clock.advance(OWED);
    ward.until("stream_turn where turn = 'blind'", 1).await;
    assert_eq!(shown(&ward).await, StreamState::Unheard);
    assert_eq!(stop(socket).await, 1000, "the stream ends when the leg does, not before");
    assert_eq!(transcript(&mut ward).await, "");
    assert_eq!(ward.text("select string_agg(distinct reason, ' ') from gap").await, "not_heard");
    assert_eq!(ward.text("select state from call").await, "bridged");
    assert_eq!(ward.count("leg where left_at is null").await, 2);
    let told = "audit_entry where deed = 'moved_stream' and detail->>'event' = 'blind'";
    assert_eq!(ward.count(told).await, 1, "once, however long it lasts");
}
