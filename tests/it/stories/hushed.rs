//! Whom nobody listens to: a patient on hold does not know that somebody could hear their room, and whoever mutes themself means
//! it. Nothing of that is transcribed, recorded or shown, and the record says why it is missing.

use super::hearing::{PATIENT_SID, Socket, Ward as Line, speak, stop};
use crate::support::{
    studio::Ears,
    ward::{Ward, call_of},
};
use careline::{
    adapters::tones::ToneTranscriber,
    demo::nurse::Nurse,
    domain::{
        floor::{Part, Seat},
        people::{Actor, Role},
        wave::Wanted,
    },
    flows::{
        floor::{self, HoldDeed},
        recordings::play::{self, Asked},
    },
    ports::{clock::Clock, speech::Engines},
    store::seats,
};
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::Message;

const ROSA: &str = "+12125550101";
const MAYA: &str = "+12125550150";
const SECRET: &str = "The will is in the drawer";
const AFTERWARDS: &str = "Now I am here again";

/// A hold that hushes nobody: the patient is on hold, and what the ear is told of it is taken away.
const UNPROTECTED: &str = "update seat s set held = true, held_since = now(), revision = revision + 1
                             from leg l where l.id = s.leg_id and l.party = 'patient'";

/// What became of what somebody said on hold or muted, in a whole ward.
struct Told {
    written: String,
    left: String,
    right: String,
    page: String,
    reasons: String,
}

/// What a nurse does on the page of the call.
async fn act(nurse: &Nurse, call: &str, deed: &str) {
    let page = nurse.open(call).await.unwrap();
    let form = page.form(&format!("{call}/floor")).unwrap();
    let others = form.fields.iter().filter(|(name, _)| name != "deed").cloned();
    let fields: Vec<(String, String)> = others.chain([("deed".to_owned(), deed.to_owned())]).collect();
    let page = nurse.post(&format!("{call}/floor"), &fields).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text());
}

/// Somebody is put on hold or mutes themself, says something, and says something else when it is over.
async fn tell(deed: Option<&str>, undo: &str, speaker: &str, party: &str) -> Told {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    ward.until_state(&call, "bridged").await;
    ward.until_heard(&call, "patient", "Six out of ten").await;
    ward.until_heard(&call, "nurse", "How is your breathing").await;
    match deed {
        Some(deed) => act(&maya, &call, deed).await,
        None => ward.change(UNPROTECTED).await,
    }
    assert!(ward.town.carrier().make_say(speaker, SECRET).await);
    ward.until_said(SECRET).await;
    act(&maya, &call, undo).await;
    assert!(ward.town.carrier().make_say(speaker, AFTERWARDS).await);
    ward.until_heard(&call, party, AFTERWARDS).await;
    let page = maya.open(&call).await.unwrap();
    let form = page.form(&format!("{call}/hang-up")).expect("the nurse can end it");
    maya.send(&page, &form).await.unwrap();
    ward.until_state(&call, "done").await;
    let id = call_of(&call);
    ward.until_database(
        "both legs to be recorded to their end",
        &format!("(select count(*) >= 2 from audit_entry where deed = 'recorded_leg' and subject = '{id}')"),
    )
    .await;
    let organization = &ward.organizations[0];
    let nurse = Actor::staff(organization.operator.org, organization.staff["maya@riverside.example"], Role::Nurse);
    let asked = Asked { wanted: Wanted::Whole, if_version: None };
    let playback = play::play(&ward.app(), &nurse, id, asked).await.unwrap();
    let wave: Vec<u8> =
        playback.pieces().try_fold(Vec::new(), async |all, piece| Ok([all, piece].concat())).await.unwrap();
    let ears = Ears::of(&wave);
    let mut superuser = ward.superuser().await;
    let mut read = async |select: &'static str| -> String {
        sqlx::query_scalar(select).bind(id.0).fetch_one(&mut superuser).await.unwrap()
    };
    Told {
        written: read(
            "select coalesce(string_agg(text, ' | ' order by from_at), '') from utterance where call_id = $1",
        )
        .await,
        reasons: read("select coalesce(string_agg(distinct reason, ' '), '') from gap where call_id = $1").await,
        left: ears.left_words(),
        right: ears.right_words(),
        page: maya.open(&call).await.unwrap().html,
    }
}

impl Told {
    fn tells(&self, words: &str) -> bool {
        [&self.written, &self.left, &self.right, &self.page].iter().any(|place| place.contains(words))
    }
}

#[tokio::test]
async fn what_a_patient_says_on_hold_is_neither_written_nor_recorded_and_the_gap_says_why() {
    let told = tell(Some("hold"), "resume", ROSA, "patient").await;
    assert!(!told.tells("drawer"), "{} / {} / {}", told.written, told.left, told.right);
    assert!(told.written.contains(AFTERWARDS) && told.left.contains(AFTERWARDS), "{}", told.left);
    assert_eq!(told.reasons, "on_hold");
    assert!(
        told.page.contains("of the patient&#39;s audio are missing: on hold, and nobody listened"),
        "{}",
        told.page
    );
    assert!(told.page.contains("the patient&#39;s side is missing: on hold, and nobody listened"), "{}", told.page);
}

#[tokio::test]
async fn without_the_protection_what_a_patient_says_on_hold_is_found_everywhere() {
    let told = tell(None, "resume", ROSA, "patient").await;
    assert!(
        told.written.contains(SECRET) && told.left.contains(SECRET),
        "the control: {} / {}",
        told.written,
        told.left
    );
    assert_eq!(told.reasons, "");
}

#[tokio::test]
async fn what_a_muted_nurse_says_is_neither_written_nor_recorded() {
    let told = tell(Some("mute"), "unmute", MAYA, "nurse").await;
    assert!(!told.tells("drawer"), "{} / {} / {}", told.written, told.left, told.right);
    assert!(told.written.contains(AFTERWARDS) && told.right.contains(AFTERWARDS), "{}", told.right);
    assert_eq!(told.reasons, "muted");
    assert!(told.page.contains("our side is missing: muted, and nobody listened"), "{}", told.page);
}

/// A line with a seat, on which nobody is hushed.
async fn line() -> Line {
    let mut line = Line::hearing_with(Some(true), Engines::only(Arc::new(ToneTranscriber))).await;
    line.run(
        "insert into seat (org_id, leg_id, call_id, ends, part) select org_id, id, call_id, true, 'talks' from leg",
    )
    .await;
    line
}

/// How the patient's leg is wished to sit, and whether the carrier confirms it at once.
async fn sit(line: &Line, held: bool, confirmed: bool) -> careline::domain::floor::Hushing {
    let now = line.clock.now();
    let mut tx = line.app.db.begin(&Actor::careline(line.org)).await.unwrap();
    let seat = Seat { held, muted: false, ends: true, part: Part::Talks };
    assert!(seats::wish(&mut tx, line.patient_leg, seat, now).await.unwrap());
    if confirmed {
        let revision = seats::of_call(&mut tx, line.call).await.unwrap()[0].revision;
        seats::settle(&mut tx, line.patient_leg, revision).await.unwrap();
    }
    let hushing = seats::hushing(&mut tx, line.patient_leg).await.unwrap();
    tx.commit().await.unwrap();
    hushing
}

/// Waits until the other side has taken everything.
async fn breathe(socket: &mut Socket) {
    socket.send(Message::Ping(Vec::new().into())).await.unwrap();
    while !matches!(socket.next().await, Some(Ok(Message::Pong(_)))) {}
}

const SAID: &str = "select coalesce(string_agg(text, ' | ' order by from_at), '') from utterance";

#[tokio::test]
async fn the_ear_obeys_from_the_next_frame_on_and_until_the_carrier_has_confirmed_the_end() {
    let mut line = line().await;
    let token = line.stream_of(line.patient_leg).await;
    let mut socket = line.begin(&token, PATIENT_SID).await;
    let held_from = speak(&mut socket, 1, "You may keep this").await;
    line.until("utterance", 1).await;
    let hushing = sit(&line, true, true).await;
    line.app.live.hush(line.org, line.patient_leg, &hushing);
    let mut next = speak(&mut socket, held_from, "But not this").await;
    breathe(&mut socket).await;
    // The hold is to end, and the carrier has not confirmed it: whoever still hears music does not know that we listen.
    let hushing = sit(&line, false, false).await;
    line.app.live.hush(line.org, line.patient_leg, &hushing);
    next = speak(&mut socket, next, "Nor this either").await;
    breathe(&mut socket).await;
    let mut tx = line.app.db.begin(&Actor::careline(line.org)).await.unwrap();
    let seat = seats::of_call(&mut tx, line.call).await.unwrap()[0].clone();
    seats::settle(&mut tx, line.patient_leg, seat.revision).await.unwrap();
    let hushing = seats::hushing(&mut tx, line.patient_leg).await.unwrap();
    tx.commit().await.unwrap();
    line.app.live.hush(line.org, line.patient_leg, &hushing);
    let ends = next;
    speak(&mut socket, next, "And this again").await;
    stop(socket).await;
    assert_eq!(line.text(SAID).await, "You may keep this | And this again");
    let gap = "select string_agg(reason || ' ' || round(extract(epoch from g.from_at - s.started_at) * 1000)
                                 || ' ' || round(extract(epoch from g.to_at - s.started_at) * 1000), ', ')
                 from gap g join media_stream s using (org_id, leg_id)";
    let expected = format!("on_hold {} {}", (held_from - 1) * 20, (ends - 1) * 20);
    assert_eq!(line.text(gap).await, expected, "exactly, to the frame");
    let chunks = "select count(*)::text from recording_chunk k join media_stream s on s.id = k.stream_id
                   where k.from_at < s.started_at + interval '1 millisecond' * ";
    let inside = format!(
        "{chunks} {} and k.from_at + interval '1 millisecond' * (k.samples / 8) > s.started_at + interval '1 millisecond' * {}",
        (ends - 1) * 20,
        (held_from - 1) * 20
    );
    assert_eq!(line.text(&inside).await, "0", "no chunk reaches into the hold");
}

#[tokio::test]
async fn a_hold_that_another_process_made_holds_from_its_commit_on() {
    for held in [true, false] {
        let mut line = line().await;
        let token = line.stream_of(line.patient_leg).await;
        let mut socket = line.begin(&token, PATIENT_SID).await;
        let next = speak(&mut socket, 1, "You may keep this").await;
        line.until("utterance", 1).await;
        if held {
            // Nobody tells the ear in this process.
            sit(&line, true, true).await;
        }
        let next = speak(&mut socket, next, "But not this").await;
        stop(socket).await;
        let expected = if held { "You may keep this" } else { "You may keep this | But not this" };
        assert_eq!(line.text(SAID).await, expected, "held: {held}");
        let kept = "select coalesce(sum(samples) / 160, 0)::text from recording_chunk";
        let frames: u64 = line.text(kept).await.parse().unwrap();
        assert_eq!(frames == next - 1, !held, "{frames} frames of {} were kept", next - 1);
    }
}

#[tokio::test]
async fn a_hold_made_in_another_process_of_the_product_reaches_the_ear_by_its_pulse() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    ward.until_heard(&call, "patient", "Six out of ten").await;
    let other = ward.another_app().await;
    let organization = &ward.organizations[0];
    let nurse = Actor::staff(organization.operator.org, organization.staff["maya@riverside.example"], Role::Nurse);
    floor::hold(&other, &nurse, call_of(&call), HoldDeed::Hold).await.unwrap();
    assert!(ward.town.carrier().make_say(ROSA, SECRET).await);
    ward.until_said(SECRET).await;
    floor::hold(&other, &nurse, call_of(&call), HoldDeed::Resume).await.unwrap();
    let told = "exists (select from gap where reason = 'on_hold')";
    ward.until_database("the hold to be told as a gap", told).await;
    assert!(ward.town.carrier().make_say(ROSA, AFTERWARDS).await);
    ward.until_heard(&call, "patient", AFTERWARDS).await;
    ward.until_database("nothing of it to be written", "not exists (select from utterance where text like '%drawer%')")
        .await;
}
