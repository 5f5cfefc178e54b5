//! Promise 6, agencies never meet, under fire: the bench at a size that fits into every run of the tests, with the same
//! detector and every control.

use crate::support::{database::Database, wiring};
use careline::{
    adapters::system_clock::SystemClock,
    bench::isolation::{self, Detector, Foreign, Places, Plan, mark, phone},
    domain::private::Private,
    store::{Db, migrations::migrate},
};
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::{collections::HashMap, sync::Arc};
use url::Url;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_requests_with_swapped_ids_meet_no_other_agency_and_every_sabotage_is_noticed() {
    let database = Database::lease().await;
    // A database of its own, because tables are taken apart in it.
    let mut superuser = database.superuser().await;
    let name = format!("agencies_{}", Uuid::now_v7().simple());
    superuser.execute(sqlx::raw_sql(AssertSqlSafe(format!("create database {name} owner own_mig")))).await.unwrap();
    let address = |role: Option<&str>| {
        let mut url = Url::parse(&database.superuser_url).unwrap();
        url.set_path(&name);
        if let Some(role) = role {
            url.set_username(role).unwrap();
        }
        Private::new(String::from(url))
    };
    let places =
        Places { superuser_url: address(None), owner_url: address(Some("own_mig")), app_url: address(Some("app_rw")) };
    migrate(places.owner_url.reveal()).await.unwrap();
    let plan = Plan {
        statements: 2_000,
        requests: 2_000,
        jobs: 250,
        organizations: 5,
        seed: 20_261_121,
        most_of_a_control: 5_000,
    };
    let findings = isolation::measure(&places, &plan, async || {
        let mut app = wiring::app(&database, 1, Arc::new(SystemClock), &wiring::NO_LINE).await;
        app.db =
            Db::open(places.app_url.reveal(), 12, database.entry_keys()).await.map_err(careline::bench::Broken::of)?;
        for (org, _code) in app.db.organizations().await.map_err(careline::bench::Broken::of)? {
            careline::flows::answer_question::reindex(&app, org).await.map_err(careline::bench::Broken::of)?;
        }
        Ok(app)
    })
    .await;
    let drop = format!("drop database {name} with (force)");
    superuser.execute(sqlx::raw_sql(AssertSqlSafe(drop))).await.unwrap();
    superuser.close().await.unwrap();
    let findings = findings.unwrap();
    assert!(findings.hold(), "{findings}");
    assert_eq!(findings.runs.iter().map(|run| run.leaks).sum::<u64>(), 0);
    assert_eq!(findings.controls.len(), 7, "{findings}");
}

#[test]
fn the_detector_tells_own_from_foreign_and_an_echo_from_a_leak() {
    let (own, other) = (Uuid::now_v7(), Uuid::now_v7());
    let detector = Detector::knowing(HashMap::from([(own, 1), (other, 2)]));
    let look = |text: &str, said: &[Uuid]| detector.look(text, 1, said);
    let is = |text: &str, kind: &'static str| {
        assert_eq!(look(text, &[]).foreign, Some(Foreign { owner: 2, kind }), "{text}")
    };
    is(&format!("<td>{}</td>", mark(2, "family")), "a marked fact");
    is(&format!("mailto:{}", mark(2, "nurse@example.org").to_lowercase()), "a marked fact");
    is(&format!("tel:{}", phone(2, 7)), "a telephone");
    is(&format!("/patients/{other}/calls"), "an id");
    is(&format!("{}{}", mark(1, "given"), mark(2, "given")), "a marked fact");
    let echo = look(&format!("there is no {other}"), &[other]);
    assert_eq!((echo.own, echo.foreign), (false, None));
    let mine = look(&format!("{} {} {own}", mark(1, "given"), phone(1, 0)), &[]);
    assert_eq!((mine.own, mine.foreign), (true, None));
    assert_eq!(look("a question, a quilt, 1-800-555, kxq, +1 2", &[]), careline::bench::isolation::Seen::default());
}
