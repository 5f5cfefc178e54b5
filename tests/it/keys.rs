//! Promise P21, reduced: a newer key takes over while files are read and the process that wraps anew is killed; and the
//! operator's way with a key file. `careline bench keys` does it with fifty kills and ten thousand readings.

use careline::{
    adapters::{
        key_file::{Haste, KeyFile},
        private_postgres::Durability,
        system_clock::SystemClock,
    },
    bench::{
        ground::Ground,
        keys::{self, Stage, rotate_under_load, say_yes, unreadable},
    },
    ports::clock::Clock,
};
use chrono::{TimeDelta, TimeZone, Utc};
use sqlx::Connection;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use url::Url;

async fn ground() -> Ground {
    Ground::open(Durability::Forgone).await.unwrap()
}

async fn stage(ground: &Ground, values: usize) -> Stage {
    keys::stand(ground, PathBuf::from(env!("CARGO_BIN_EXE_careline")), values).await.unwrap()
}

#[tokio::test]
async fn a_newer_key_takes_over_under_load_however_often_the_work_is_killed() {
    let ground = ground().await;
    let stage = stage(&ground, 400).await;
    let counted = rotate_under_load(&stage, 200, 3, 21).await.unwrap();
    assert_eq!(counted.failed, 0, "{counted:?}");
    assert!(counted.reads >= 200 && counted.killed == 3, "{counted:?}");
    assert_eq!(unreadable(&stage).await, 0);
    ground.leave().await;
}

/// The control: the older key goes before the newer one took over. The program refuses; whoever forces it loses files,
/// and the detector sees each of them.
#[tokio::test]
async fn a_key_that_is_still_needed_is_not_retired_and_its_loss_is_seen() {
    let ground = ground().await;
    let stage = stage(&ground, 30).await;
    let path = stage.keys.display().to_string();
    say_yes(&stage, &["keys", "rotate", &path]).await.unwrap();
    let refused = say_yes(&stage, &["keys", "retire", &path, "w1", "--nothing-runs"]).await.unwrap_err();
    assert!(refused.0.contains("w1 still wraps 30 values") && refused.0.contains("careline keys rewrap"), "{refused}");
    assert_eq!(unreadable(&stage).await, 0);
    let whole = fs::read_to_string(&stage.keys).unwrap();
    let forced = KeyFile::retired(&whole, "w1", SystemClock.now(), Haste::NothingRuns).unwrap();
    replace(&stage.keys, forced.reveal());
    assert_eq!(unreadable(&stage).await, 30, "every file is lost, and every loss is seen");
    replace(&stage.keys, &whole);
    assert_eq!(unreadable(&stage).await, 0, "the key is back, and a running Careline needs no restart to find it");
    say_yes(&stage, &["keys", "rewrap"]).await.unwrap();
    say_yes(&stage, &["keys", "rewrap"]).await.unwrap();
    say_yes(&stage, &["keys", "retire", &path, "w1", "--nothing-runs"]).await.unwrap();
    assert_eq!(unreadable(&stage).await, 0);
    let mut url = Url::parse(&ground.cluster().superuser_url().into_revealed()).unwrap();
    url.set_path(Url::parse(&ground.cluster().app_url().into_revealed()).unwrap().path());
    let mut superuser = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
    let counts: Vec<String> =
        sqlx::query_scalar("select detail ->> 'count' from audit_entry where deed = 'rewrapped_secrets' order by id")
            .fetch_all(&mut superuser)
            .await
            .unwrap();
    assert_eq!(counts, ["30"], "what was done is in the record, and doing it again does nothing");
    ground.leave().await;
}

fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("test");
    fs::write(&beside, text).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&beside, path).unwrap();
}

#[test]
fn a_key_that_was_just_replaced_waits_an_hour_and_the_newest_never_goes() {
    let now = Utc.with_ymd_and_hms(2026, 11, 23, 15, 0, 0).unwrap();
    let (text, name) = KeyFile::rotated(KeyFile::fresh().reveal(), now).unwrap();
    assert_eq!(name, "w2");
    let says = |name: &str, minutes: i64, haste: Haste| {
        KeyFile::retired(text.reveal(), name, now + TimeDelta::minutes(minutes), haste).err().map(|bad| bad.to_string())
    };
    assert!(says("w1", 59, Haste::None).unwrap().contains("--nothing-runs"));
    assert_eq!(says("w1", 60, Haste::None), None);
    assert_eq!(says("w1", 0, Haste::NothingRuns), None);
    assert!(says("w2", 600, Haste::NothingRuns).unwrap().contains("careline keys rotate"));
    assert!(says("w9", 600, Haste::NothingRuns).unwrap().contains("no wrapping key of that name"));
    let twice = text.reveal().replace("\"w2\"", "\"w1\"");
    assert!(KeyFile::read(&twice).is_err(), "two keys of one name would make one of them unreachable");
}

#[test]
fn a_key_file_that_others_can_read_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_careline"))
            .args(words)
            .env_clear()
            .env("CARELINE_KEYS", &path)
            .env("CARELINE_DATA", folder.path())
            .env("DATABASE_URL", "postgres://app_rw@127.0.0.1:1/x")
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(run(&["keys", "new", path.to_str().unwrap()]).0, 0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&["keys", "public"]).0, 0, "the control: a private file is read");
    for mode in [0o640, 0o604, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let (code, says) = run(&["keys", "public"]);
        assert_eq!(code, 2, "{mode:o}: {says}");
        assert!(says.contains("CARELINE_KEYS") && says.contains("chmod 600"), "{says}");
    }
    let (code, says) = run(&["keys", "new", path.to_str().unwrap()]);
    assert_eq!(code, 2, "a file that is there is never touched: {says}");
}
