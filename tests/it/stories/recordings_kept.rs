//! How long a recording stays, who keeps it from being erased, and what happens to one that was altered.

use crate::support::studio::{Ears, Studio, run};
use careline::{
    domain::{
        ids::OrgId,
        people::{Actor, Role},
    },
    flows::{recordings::erase, scrub_files},
    jobs::calendar::{self, Round},
};
use reqwest::StatusCode;
use std::path::{Path, PathBuf};

/// A call of a quarter of a minute, recorded and over.
async fn recorded() -> Studio {
    let mut studio = Studio::open(Some(true)).await;
    let mut hers = studio.listen_to(studio.patient).await;
    hers.say("The first part").await;
    hers.silent_until(6_000).await;
    hers.say("the second part").await;
    hers.silent_until(11_000).await;
    hers.say("the third part").await;
    hers.silent_until(14_000).await;
    hers.stop().await;
    studio.hang_up().await;
    assert_eq!(heard(&studio).await, "The first part the second part the third part");
    studio
}

async fn heard(studio: &Studio) -> String {
    Ears::of(&studio.play().await.bytes().await.unwrap()).left_words()
}

fn careline(studio: &Studio) -> Actor {
    Actor::careline(OrgId(studio.entrance.home.org))
}

fn folder(studio: &Studio) -> PathBuf {
    studio.entrance.folder().join("objects").join(studio.entrance.home.org.to_string()).join("recordings")
}

fn objects(studio: &Studio) -> usize {
    std::fs::read_dir(folder(studio)).map_or(0, Iterator::count)
}

/// The objects of the chunks, in the order they are heard.
async fn chunks(studio: &mut Studio) -> Vec<PathBuf> {
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select id from recording_chunk order by from_at")
        .fetch_all(&mut studio.entrance.superuser)
        .await
        .unwrap();
    ids.iter().map(|id| folder(studio).join(id.to_string())).collect()
}

/// What the calendar plans, done.
async fn a_quarter_of_an_hour_passes(studio: &mut Studio) -> i64 {
    calendar::go(&studio.entrance.app, Round::Erase).await;
    let planned = studio.count("job where body ->> 'kind' = 'erase_recording'").await;
    let call = studio.call;
    // Asked for by mistake or twice, it does what the rule says and no more.
    erase::erase(&studio.entrance.app, &careline(studio), call).await.unwrap();
    erase::erase(&studio.entrance.app, &careline(studio), call).await.unwrap();
    planned
}

#[tokio::test]
async fn a_recording_is_erased_when_its_days_are_over_and_not_before() {
    let mut studio = recorded().await;
    studio.entrance.run("update recording set began_at = now() - interval '364 days' where org_id = $1").await;
    assert_eq!(a_quarter_of_an_hour_passes(&mut studio).await, 0);
    assert_eq!(studio.play().await.status(), StatusCode::OK);
    studio.entrance.run("update recording set began_at = now() - interval '366 days' where org_id = $1").await;
    assert_eq!(a_quarter_of_an_hour_passes(&mut studio).await, 1);
    assert_eq!(objects(&studio), 0);
    let left = studio.count("recording_chunk where sealed is not null or peaks <> '{}' or gone_at is null").await;
    assert_eq!((left, studio.count("recording_chunk").await), (0, 3), "rows say what was there, and open nothing");
    assert_eq!(studio.count("audit_entry where deed = 'erased_recording' and detail ->> 'why' = 'retention'").await, 1);
    let gone = studio.play().await;
    assert_eq!(gone.status(), StatusCode::CONFLICT);
    assert!(gone.text().await.unwrap().contains("its time was over"));
    let page = studio.entrance.get(Role::Nurse, &format!("/calls/{}", studio.call)).await.text().await.unwrap();
    assert!(page.contains("It was erased") && !page.contains("<audio"), "{page}");
}

#[tokio::test]
async fn the_organization_sets_how_long() {
    let mut studio = recorded().await;
    let path = "/settings/live-calls/recordings";
    for (days, after) in [("0", "keep"), ("3651", "keep"), ("ten", "keep"), ("30", "sell")] {
        let refused = studio.entrance.post(Role::Admin, path, &[("days", days), ("after_withdrawal", after)]).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{days} {after}");
    }
    let set = studio.entrance.post(Role::Admin, path, &[("days", "30"), ("after_withdrawal", "keep")]).await;
    assert_eq!(set.status(), StatusCode::SEE_OTHER);
    let page = studio.entrance.get(Role::Admin, "/settings/live-calls").await.text().await.unwrap();
    assert!(page.contains("name=\"days\" value=\"30\""), "{page}");
    studio.entrance.run("update recording set began_at = now() - interval '31 days' where org_id = $1").await;
    assert_eq!(a_quarter_of_an_hour_passes(&mut studio).await, 1);
    assert_eq!(studio.count("recording where erased_at is not null").await, 1);
    assert_eq!(studio.count("audit_entry where deed = 'set_retention' and detail ->> 'days' = '30'").await, 1);
}

#[tokio::test]
async fn a_hold_keeps_a_recording_until_it_is_lifted() {
    let mut studio = recorded().await;
    let (hold, release) = (format!("{}/hold", studio.path()), format!("{}/release", studio.path()));
    for role in [Role::Nurse, Role::Physician, Role::Admin] {
        let refused = studio.entrance.post(role, &hold, &[("why", "a complaint")]).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }
    let empty = studio.entrance.post(Role::Coordinator, &hold, &[("why", " ")]).await;
    assert_eq!(empty.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let held = studio.entrance.post(Role::Coordinator, &hold, &[("why", "complaint 2026-17")]).await;
    assert_eq!(held.status(), StatusCode::SEE_OTHER);
    let again = studio.entrance.post(Role::Coordinator, &hold, &[("why", "complaint 2026-17")]).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    let page = studio.entrance.get(Role::Coordinator, &format!("/calls/{}", studio.call)).await.text().await.unwrap();
    assert!(page.contains("complaint 2026-17") && page.contains("recording/release"), "{page}");
    studio.entrance.run("update recording set began_at = now() - interval '9 years' where org_id = $1").await;
    assert_eq!(a_quarter_of_an_hour_passes(&mut studio).await, 0);
    assert_eq!((studio.play().await.status(), objects(&studio)), (StatusCode::OK, 3));
    let released = studio.entrance.post(Role::Coordinator, &release, &[]).await;
    assert_eq!(released.status(), StatusCode::SEE_OTHER);
    assert_eq!(a_quarter_of_an_hour_passes(&mut studio).await, 1, "the control: nobody holds it any more");
    assert_eq!((studio.play().await.status(), objects(&studio)), (StatusCode::CONFLICT, 0));
    let late = studio.entrance.post(Role::Coordinator, &hold, &[("why", "complaint 2026-18")]).await;
    assert_eq!(late.status(), StatusCode::SEE_OTHER, "the words of the call are there still, and can be held");
    let gone = "set session_replication_role = replica; delete from utterance; set session_replication_role = origin;
                update recording_hold set lifted_at = now(), lifted_by = placed_by where lifted_at is null";
    run(&mut studio.entrance.superuser, gone).await;
    let late = studio.entrance.post(Role::Coordinator, &hold, &[("why", "too late")]).await;
    assert_eq!(late.status(), StatusCode::NOT_FOUND);
    let deeds = studio.count("audit_entry where deed in ('held_recording', 'released_recording')").await;
    assert_eq!(deeds, 3);
}

#[tokio::test]
async fn consent_that_is_taken_back_later_erases_only_where_the_organization_says_so() {
    for (after, erased) in [("keep", 0), ("erase", 1)] {
        let mut studio = recorded().await;
        let rule = [("days", "365"), ("after_withdrawal", after)];
        studio.entrance.post(Role::Admin, "/settings/live-calls/recordings", &rule).await;
        assert_eq!(a_quarter_of_an_hour_passes(&mut studio).await, 0, "it stands");
        let consents = format!("/patients/{}/consents", studio.entrance.home.patient);
        let form = [("purpose", "record_call"), ("channel", "any"), ("answer", "refused"), ("evidence", "letter")];
        assert_eq!(studio.entrance.post(Role::Nurse, &consents, &form).await.status(), StatusCode::SEE_OTHER);
        assert_eq!(a_quarter_of_an_hour_passes(&mut studio).await, erased, "{after}");
        assert_eq!(studio.count("recording where erased_why = 'consent_withdrawn'").await, erased, "{after}");
    }
}

fn flip(object: &Path) {
    let mut bytes = std::fs::read(object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(object, bytes).unwrap();
}

#[tokio::test]
async fn an_altered_chunk_is_never_heard_and_an_admin_is_told() {
    let mut studio = recorded().await;
    let whole = studio.play().await.bytes().await.unwrap();
    let objects = chunks(&mut studio).await;
    assert_eq!(objects.len(), 3);
    flip(&objects[1]);
    // Up to there it is what was said; then the connection breaks off, and no player takes that for the end.
    let mut reply = studio.play().await;
    assert_eq!(reply.status(), StatusCode::OK);
    let mut got = Vec::new();
    let broken = loop {
        match reply.chunk().await {
            Ok(Some(piece)) => got.extend(piece),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken && got.len() < whole.len() && whole.starts_with(&got), "{} bytes", got.len());
    let after = studio.play_range("bytes=200044-").await;
    assert_eq!(after.status(), StatusCode::CONFLICT);
    let words = after.text().await.unwrap();
    assert!(words.contains("altered, or is missing") && words.contains("backup"), "{words}");
    assert_eq!(studio.play_range("bytes=400044-").await.status(), StatusCode::PARTIAL_CONTENT, "the rest is good");

    let actor = careline(&studio);
    let found = scrub_files::scrub(&studio.entrance.app, &actor).await.unwrap();
    assert_eq!((found.read, found.faulty), (0, 1), "what was noticed is verified first, and nothing else is due");
    assert_eq!(studio.count("recording_chunk where fault = 'altered'").await, 1);
    assert_eq!(studio.count("job where body ->> 'notice' = 'file_fault'").await, 1);
    let page = studio.entrance.get(Role::Nurse, &format!("/calls/{}", studio.call)).await.text().await.unwrap();
    assert!(page.contains("A part of it was altered or is missing"), "{page}");
    let secrets = studio.entrance.get(Role::Admin, "/settings/secrets").await.text().await.unwrap();
    assert!(secrets.contains("1 of the documents and pieces of recordings"), "{secrets}");
    // The control: brought back, it is heard again and the fault is gone.
    flip(&objects[1]);
    studio.entrance.run("update recording_chunk set read_at = now() - interval '7 days' where org_id = $1").await;
    let found = scrub_files::scrub(&studio.entrance.app, &actor).await.unwrap();
    assert_eq!((found.read, found.faulty), (3, 0));
    assert!(studio.play().await.bytes().await.unwrap() == whole);
}

#[tokio::test]
async fn a_chunk_in_the_place_of_another_is_refused() {
    let mut studio = recorded().await;
    let objects = chunks(&mut studio).await;
    let swap = |a: &Path, b: &Path| {
        let aside = folder(&studio).join("aside");
        std::fs::rename(a, &aside).unwrap();
        std::fs::rename(b, a).unwrap();
        std::fs::rename(&aside, b).unwrap();
    };
    swap(&objects[0], &objects[1]);
    assert_eq!(studio.play().await.status(), StatusCode::CONFLICT, "objects that changed places");
    swap(&objects[0], &objects[1]);
    assert_eq!(studio.play().await.status(), StatusCode::OK, "the control");
    // Whoever writes to the database alone cannot let something be heard at another time or on another side.
    for (forged, mended) in [
        (
            "update recording_chunk set from_at = from_at - interval '7 seconds' where number = 1 and org_id = $1",
            "update recording_chunk set from_at = from_at + interval '7 seconds' where number = 1 and org_id = $1",
        ),
        (
            "update recording_chunk set number = number + 7 where org_id = $1",
            "update recording_chunk set number = number - 7 where org_id = $1",
        ),
    ] {
        studio.entrance.run(forged).await;
        assert_eq!(studio.play().await.status(), StatusCode::CONFLICT, "{forged}");
        studio.entrance.run(mended).await;
        assert_eq!(studio.play().await.status(), StatusCode::OK, "the control");
    }
    std::fs::remove_file(&objects[0]).unwrap();
    assert_eq!(studio.play().await.status(), StatusCode::CONFLICT, "missing");
}
