//! What is said on a call, from the carrier's socket to the ear of whoever plays it: each side in its own ear at its own time,
//! nothing without consent, and nothing lost but what is told.

use crate::support::{
    studio::{Ears, Studio, run},
    ward::{Ward, call_of},
};
use async_trait::async_trait;
use careline::{
    app::App,
    domain::{
        ids::{CallId, OrgId},
        people::{Actor, Role},
        wave::Wanted,
    },
    flows::recordings::play::{self, Asked},
    ports::{
        Outage,
        objects::{ObjectKey, ObjectKind, ObjectStream, ObjectWriter, Objects},
    },
};
use futures_util::TryStreamExt;
use reqwest::{Method, StatusCode};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Semaphore;

const ROSA: &str = "+12125550101";

fn objects(studio: &Studio) -> Vec<PathBuf> {
    let folder = studio.entrance.folder().join("objects").join(studio.entrance.home.org.to_string()).join("recordings");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

async fn heard(studio: &Studio) -> Ears {
    let reply = studio.play().await;
    assert_eq!(reply.status(), StatusCode::OK, "{}", reply.text().await.unwrap());
    assert_eq!(reply.headers()["content-type"], "audio/wav");
    assert_eq!(reply.headers()["cache-control"], "no-store");
    Ears::of(&reply.bytes().await.unwrap())
}

#[tokio::test]
async fn what_each_side_said_is_heard_in_its_ear_when_it_was_said() {
    let mut studio = Studio::open(Some(true)).await;
    let (mut hers, mut ours) = (studio.listen_to(studio.patient).await, studio.listen_to(studio.nurse).await);
    hers.silent_until(1_000).await;
    hers.say("Six right now").await;
    ours.silent_until(6_000).await;
    ours.say("How is your breathing").await;
    hers.silent_until(11_000).await;
    hers.say("Better than yesterday").await;
    hers.stop().await;
    ours.stop().await;
    assert_eq!(studio.play().await.status(), StatusCode::CONFLICT, "not while they talk");
    studio.hang_up().await;
    let ears = heard(&studio).await;
    assert_eq!(ears.left_words(), "Six right now Better than yesterday");
    assert_eq!(ears.right_words(), "How is your breathing");
    // The time at which each is heard is the time that the transcript says, to the millisecond.
    let said: Vec<(String, i64)> = sqlx::query_as(
        "select speaker, round(extract(epoch from from_at - (select min(from_at) from recording_chunk)) * 1000)::bigint
           from utterance order by from_at",
    )
    .fetch_all(&mut studio.entrance.superuser)
    .await
    .unwrap();
    let heard_at = [("patient", ears.left[0].1), ("nurse", ears.right[0].1), ("patient", ears.left[3].1)];
    assert_eq!(said.len(), 3);
    for ((speaker, at), (side, ms)) in said.iter().zip(heard_at) {
        assert_eq!(speaker, side);
        assert!((at - i64::try_from(ms).unwrap()).abs() <= 2, "{speaker} at {at} ms is heard at {ms} ms");
    }
    assert!(studio.count("recording_chunk where samples <= 40000").await >= 5, "in pieces of five seconds");
    let page = studio.entrance.get(Role::Nurse, &format!("/calls/{}", studio.call)).await.text().await.unwrap();
    assert!(page.contains("<audio controls") && page.matches("data-seek").count() >= 3, "{page}");
    // What lies in the store says nothing to whoever takes it.
    let spoken = careline::domain::tones::frames("Six right now").concat();
    for object in objects(&studio) {
        let stored = std::fs::read(object).unwrap();
        assert!(!stored.windows(64).any(|piece| piece == &spoken[..64]));
    }
    let deeds = studio.count("audit_entry where deed in ('began_recording', 'recorded_leg')").await;
    assert_eq!(deeds, 3, "the beginning, and each leg");
}

#[tokio::test]
async fn without_consent_there_is_no_row_no_object_and_nothing_to_play() {
    for may_record in [None, Some(false), Some(true)] {
        let mut studio = Studio::open(may_record).await;
        let mut hers = studio.listen_to(studio.patient).await;
        hers.say("Nobody may keep this unless I said so").await;
        hers.silent_until(6_000).await;
        hers.stop().await;
        studio.hang_up().await;
        let kept = (studio.count("recording").await, studio.count("recording_chunk").await, objects(&studio).len());
        // The control: the same words with consent, and every detector finds them.
        let (expected, status) =
            if may_record == Some(true) { ((1, 2, 2), StatusCode::OK) } else { ((0, 0, 0), StatusCode::NOT_FOUND) };
        assert_eq!((kept, studio.play().await.status()), (expected, status), "{may_record:?}");
        let page = studio.entrance.get(Role::Nurse, &format!("/calls/{}", studio.call)).await.text().await.unwrap();
        assert_eq!(page.contains("<audio"), may_record == Some(true));
    }
}

#[tokio::test]
async fn nothing_is_kept_that_was_said_after_consent_was_taken_back() {
    for taken_back in [true, false] {
        let mut studio = Studio::open(Some(true)).await;
        let mut hers = studio.listen_to(studio.patient).await;
        hers.say("You may keep this").await;
        hers.silent_until(5_100).await;
        studio.until("recording_chunk", 1).await;
        if taken_back {
            let consents = format!("/patients/{}/consents", studio.entrance.home.patient);
            let form = [
                ("purpose", "record_call"),
                ("channel", "any"),
                ("answer", "refused"),
                ("evidence", "said on the call"),
            ];
            let reply = studio.entrance.post(Role::Nurse, &consents, &form).await;
            assert_eq!(reply.status(), StatusCode::SEE_OTHER, "{}", reply.text().await.unwrap());
        }
        // At once: before any pulse of the stream could have told the socket's side.
        hers.say("But not this").await;
        hers.silent_until(16_000).await;
        hers.stop().await;
        studio.hang_up().await;
        let ears = heard(&studio).await;
        if taken_back {
            assert_eq!(ears.left_words(), "You may keep this");
            assert_eq!((ears.ms, studio.count("recording_chunk").await, objects(&studio).len()), (5_000, 1, 1));
        } else {
            assert_eq!(ears.left_words(), "You may keep this But not this", "the control");
        }
    }
}

#[tokio::test]
async fn lost_frames_are_silence_of_their_length_and_are_marked() {
    let mut studio = Studio::open(Some(true)).await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.say("Before it").await;
    hers.lose(40);
    let short = hers.ms();
    hers.say("after it").await;
    hers.lose(600);
    let long = hers.ms();
    hers.say("and much later").await;
    let ends = hers.ms();
    hers.stop().await;
    studio.hang_up().await;
    let ears = heard(&studio).await;
    assert_eq!(ears.left_words(), "Before it after it and much later");
    assert_eq!((ears.left[2].1, ears.left[4].1, ears.ms), (short, long, ends));
    let page = studio.entrance.get(Role::Nurse, &format!("/calls/{}", studio.call)).await.text().await.unwrap();
    assert!(page.matches("class=\"missing\"").count() >= 2 && page.contains("side is missing"), "{page}");
}

/// An object store that takes nothing until it is let.
struct Slow {
    inner: Arc<dyn Objects>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Objects for Slow {
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), Outage> {
        let _open = self.gate.acquire().await.unwrap();
        self.inner.put(key, bytes).await
    }

    async fn put_once(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), Outage> {
        self.inner.put_once(key, bytes).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Option<Vec<u8>>, Outage> {
        self.inner.get(key).await
    }

    async fn begin(&self, key: &ObjectKey) -> Result<Box<dyn ObjectWriter>, Outage> {
        self.inner.begin(key).await
    }

    async fn stream(&self, key: &ObjectKey) -> Result<Option<ObjectStream>, Outage> {
        self.inner.stream(key).await
    }

    async fn list(&self, org: OrgId, kind: ObjectKind) -> Result<Vec<String>, Outage> {
        self.inner.list(org, kind).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), Outage> {
        self.inner.remove(key).await
    }
}

#[tokio::test]
async fn a_slow_store_holds_up_no_socket_and_what_it_could_not_take_is_told() {
    let gate = Arc::new(Semaphore::new(0));
    let own = gate.clone();
    let mut studio = Studio::open_with(Some(true), |app| App {
        objects: Arc::new(Slow { inner: app.objects.clone(), gate: own }),
        ..app
    })
    .await;
    let mut hers = studio.listen_to(studio.patient).await;
    // Four minutes of audio, of which the spool holds less than two.
    hers.silent_until(240_000).await;
    let ms = hers.ms();
    studio.until("media_stream where frames = 12000", 1).await;
    assert_eq!(studio.count("recording_chunk").await, 0, "the store has taken nothing");
    gate.add_permits(1);
    hers.stop().await;
    studio.hang_up().await;
    assert!(studio.count("gap where reason = 'not_recorded'").await >= 1);
    let (kept, told): (i64, i64) = sqlx::query_as(
        "select (select sum(samples) / 8 from recording_chunk)::bigint,
                (select sum(round(extract(epoch from to_at - from_at) * 1000)) from gap where reason = 'not_recorded')::bigint",
    )
    .fetch_one(&mut studio.entrance.superuser)
    .await
    .unwrap();
    assert!(kept >= 70_000, "what the spool holds is kept: {kept} ms");
    assert_eq!(kept + told, i64::try_from(ms).unwrap(), "every millisecond is kept or told");
    let page = studio.entrance.get(Role::Nurse, &format!("/calls/{}", studio.call)).await.text().await.unwrap();
    assert!(page.contains("heard, and not kept in the recording"), "{page}");
}

#[tokio::test]
async fn while_the_database_is_away_chunks_wait_and_are_written_in_order() {
    let mut studio = Studio::open(Some(true)).await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.say("Before it").await;
    hers.silent_until(5_100).await;
    studio.until("recording_chunk", 1).await;
    let superuser = &mut studio.entrance.superuser;
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&mut *superuser).await.unwrap();
    run(superuser, &format!("alter database {name} connection limit 0")).await;
    run(
        superuser,
        "select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and usename = 'app_rw'",
    )
    .await;
    hers.say("while it was away").await;
    hers.silent_until(31_000).await;
    // Objects are put meanwhile; the rows wait.
    let folder = objects(&studio).len();
    let known = studio.count("recording_chunk").await;
    let superuser = &mut studio.entrance.superuser;
    run(superuser, &format!("alter database {name} connection limit -1")).await;
    assert_eq!(known, 1);
    assert!(folder >= 1);
    hers.stop().await;
    studio.hang_up().await;
    assert_eq!(studio.count("gap where reason = 'not_recorded'").await, 0);
    let in_order: bool = sqlx::query_scalar(
        "select bool_and(kept >= before) from (select kept_at as kept, lag(kept_at, 1, kept_at) over (order by number) as before
                                                from recording_chunk) as chunks",
    )
    .fetch_one(&mut studio.entrance.superuser)
    .await
    .unwrap();
    assert!(in_order);
    assert_eq!(heard(&studio).await.left_words(), "Before it while it was away");
}

#[tokio::test]
async fn a_recording_survives_the_death_of_the_product_up_to_its_last_chunk() {
    let mut ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_heard(&call, "patient", "Six out of ten right now").await;
    let id = call_of(&call);
    ward.until_database(
        "what both sides said to be in chunks that are known",
        &format!(
            "(select count(*) = 2
                from (select speaker, min(to_at) as said_at from utterance where call_id = '{id}' group by speaker) as first
               where said_at < (select max(from_at + samples / 8 * interval '1 millisecond')
                                  from recording_chunk where call_id = '{id}' and track = speaker))"
        ),
    )
    .await;
    ward.kill_server();
    ward.until_said("No fever. Only a little clear sputum in the morning.").await;
    ward.start_server().await;
    ward.until_carrier("both legs to be forked again", |calls| {
        let running = |call: &careline::simulator::carrier::CallSeen| {
            call.streams.iter().any(|stream| stream.status == careline::simulator::carrier::StreamStatus::InProgress)
        };
        (calls.len() == 2 && calls.iter().all(running)).then_some(())
    })
    .await;
    assert!(ward.town.carrier().make_say(ROSA, "Can you hear me again?").await);
    ward.until_heard(&call, "patient", "Can you hear me again?").await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = maya.open(&call).await.unwrap();
    let form = page.form(&format!("{call}/hang-up")).expect("the nurse can end it");
    maya.send(&page, &form).await.unwrap();
    ward.until_state(&call, "done").await;
    ward.until_database(
        "both legs to be recorded to their end",
        &format!("(select count(*) >= 2 from audit_entry where deed = 'recorded_leg' and subject = '{id}')"),
    )
    .await;
    let nurse = Actor::staff(
        ward.organizations[0].operator.org,
        ward.organizations[0].staff["maya@riverside.example"],
        Role::Nurse,
    );
    let wave = whole(&ward.app(), &nurse, id).await;
    let ears = Ears::of(&wave);
    let left = ears.left_words();
    assert!(left.contains("Six out of ten") && left.contains("Can you hear me again?"), "{ears:?}");
    assert!(ears.right_words().contains("How is your breathing"), "{ears:?}");
    let page = maya.open(&call).await.unwrap();
    assert!(page.html.contains("class=\"missing\""), "what died with the process is marked");
}

async fn whole(app: &App, actor: &Actor, call: CallId) -> Vec<u8> {
    let asked = Asked { wanted: Wanted::Whole, if_version: None };
    let playback = play::play(app, actor, call, asked).await.unwrap();
    playback.pieces().try_fold(Vec::new(), async |all, piece| Ok([all, piece].concat())).await.unwrap()
}

#[tokio::test]
async fn a_player_gets_the_bytes_it_asks_for_and_every_playing_is_in_the_record() {
    let mut studio = Studio::open(Some(true)).await;
    let (mut hers, mut ours) = (studio.listen_to(studio.patient).await, studio.listen_to(studio.nurse).await);
    hers.say("One two three four five six seven eight nine ten").await;
    hers.silent_until(12_000).await;
    ours.silent_until(3_000).await;
    ours.say("Thank you").await;
    hers.stop().await;
    ours.stop().await;
    studio.hang_up().await;
    let reply = studio.play().await;
    let tag = reply.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(reply.headers()["accept-ranges"], "bytes");
    let length: usize = reply.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let all = reply.bytes().await.unwrap();
    assert_eq!(all.len(), length);
    let last = all.len() - 1;
    let ranges = [
        ("bytes=0-", 0..all.len()),
        ("bytes=0-0", 0..1),
        ("bytes=10-99", 10..100),
        ("bytes=44-", 44..all.len()),
        ("bytes=160043-160046", 160_043..160_047),
        ("bytes=200001-300002", 200_001..300_003),
        ("bytes=-7", all.len() - 7..all.len()),
        ("bytes=300000-99999999", 300_000..all.len()),
    ];
    let played = ranges.len() + 2;
    for (range, expected) in ranges {
        let reply = studio.play_range(range).await;
        assert_eq!(reply.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        let said = format!("bytes {}-{}/{}", expected.start, expected.end - 1, all.len());
        assert_eq!(reply.headers()["content-range"], said.as_str());
        assert_eq!(reply.headers()["content-length"], expected.len().to_string().as_str());
        assert!(reply.bytes().await.unwrap() == all[expected], "{range}");
    }
    let nothing = studio.play_range(&format!("bytes={}-", last + 1)).await;
    assert_eq!(nothing.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let request = studio.entrance.ask_as(Role::Nurse, Method::GET, &studio.path());
    let stale = request.header("range", "bytes=10-20").header("if-range", "\"older\"").send().await.unwrap();
    assert_eq!((stale.status(), stale.bytes().await.unwrap().len()), (StatusCode::OK, all.len()));
    assert!(!tag.contains("older"));
    let recorded = studio.count("audit_entry where deed = 'played_recording' and patient_id is not null").await;
    assert_eq!(usize::try_from(recorded).unwrap(), played);
    assert_eq!(studio.count("audit_entry where detail ->> 'bytes' = '200001-300002'").await, 1, "and which part");
}

#[tokio::test]
async fn only_who_cares_for_the_patient_hears_it() {
    let mut studio = Studio::open(Some(true)).await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.say("For my own nurse").await;
    hers.stop().await;
    studio.hang_up().await;
    let path = studio.path();
    for role in [Role::Admin, Role::Auditor] {
        assert_eq!(studio.entrance.get(role, &path).await.status(), StatusCode::FORBIDDEN);
    }
    let stranger = studio.entrance.ask_as_other(Role::Nurse, Method::GET, &path).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
    assert_eq!(studio.entrance.ask(Method::GET, &path).send().await.unwrap().status(), StatusCode::SEE_OTHER);
    for role in [Role::Nurse, Role::Coordinator, Role::Physician] {
        assert_eq!(studio.entrance.get(role, &path).await.status(), StatusCode::OK, "the control");
    }
    let team = studio.entrance.other_team().await.team;
    sqlx::query("update patient set team_id = $1 where id = $2")
        .bind(team)
        .bind(studio.entrance.home.patient)
        .execute(&mut studio.entrance.superuser)
        .await
        .unwrap();
    assert_eq!(studio.entrance.get(Role::Nurse, &path).await.status(), StatusCode::NOT_FOUND, "another team's patient");
    assert_eq!(studio.count("audit_entry where deed = 'played_recording'").await, 3);
}
