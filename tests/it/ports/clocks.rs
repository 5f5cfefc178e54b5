//! The clock port: the machine's own, the town's, and the product's that follows the town from another process.

use careline::{
    adapters::{system_clock::SystemClock, town_clock::TownClock},
    ports::{OutageKind, clock::Clock},
    simulator::{Town, TownSettings, clock::VirtualClock, people::TownPlan},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{sync::Arc, time::Duration};

fn origin() -> DateTime<Utc> {
    "2026-11-21T09:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn the_products_clock_jumps_with_the_town() {
    let clock = Arc::new(VirtualClock::starting_at(origin()));
    let town = Town::start(TownSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        plan: TownPlan::default(),
        account_sid: "AC1".into(),
        auth_token: "token".into(),
        model_key: "key".into(),
        clock: clock.clone(),
    })
    .await
    .unwrap();
    let followed = TownClock::follow(&town.base_url()).await.unwrap();
    assert!(followed.now() - clock.now() < TimeDelta::seconds(1));
    clock.advance(Duration::from_hours(14 * 24));
    let caught_up = async {
        while followed.now() < origin() + TimeDelta::days(14) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), caught_up).await.unwrap();
    assert!((followed.now() - clock.now()).abs() < TimeDelta::seconds(1));
}

#[tokio::test]
async fn a_town_that_is_not_there_is_an_outage() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    assert_eq!(TownClock::follow(&url).await.unwrap_err().kind, OutageKind::Unreachable);
}

#[tokio::test]
async fn sleepers_wake_when_the_clock_is_put_forward() {
    let clock = Arc::new(VirtualClock::starting_at(origin()));
    let asleep = tokio::spawn({
        let clock = clock.clone();
        async move { clock.sleep_until(origin() + TimeDelta::hours(1)).await }
    });
    tokio::task::yield_now().await;
    clock.advance(Duration::from_secs(1800));
    tokio::task::yield_now().await;
    assert!(!asleep.is_finished());
    clock.advance(Duration::from_secs(1800));
    tokio::time::timeout(Duration::from_secs(10), asleep).await.unwrap().unwrap();
    assert_eq!(clock.version(), 2);
}

#[test]
fn the_machines_clock_goes_forward() {
    let before = SystemClock.now();
    assert!(SystemClock.now() >= before && before > origin() - TimeDelta::days(3650));
}
