//! The bench of the schedule, reduced: what a claim reads beside a backlog, and the rush against a town.

use crate::support::{
    database::Database,
    wiring::{self, NO_LINE},
};
use careline::{
    adapters::system_clock::SystemClock,
    bench::schedule::{Claims, Punctual, Rush, claims, fill, without_index},
    demo::seed::seed,
    domain::private::Private,
};
use std::sync::Arc;

#[tokio::test]
async fn a_claim_reads_no_more_of_the_queue_when_ten_times_as_many_calls_wait_in_it() {
    let database = Database::lease().await;
    let app = wiring::app(&database, 4, Arc::new(SystemClock), &NO_LINE).await;
    let actor = seed(&app, |_| Private::new("tulips under the window".to_owned())).await.unwrap().remove(0).operator;
    let mut superuser = database.superuser().await;
    let db = database.open(1).await;
    let clock = SystemClock;
    fill(&mut superuser, actor.org, 2_000).await.unwrap();
    let small = claims(&db, &clock, &actor, &mut superuser, 20).await.unwrap();
    fill(&mut superuser, actor.org, 18_000).await.unwrap();
    let large = claims(&db, &clock, &actor, &mut superuser, 20).await.unwrap();
    assert!(!large.grew_since(&small), "{small}\n{large}");
    assert!(large.rows_each < 200, "{large}");
    // The control: without its index the backlog is read, and it is noticed.
    let blind = without_index(&db, &clock, &actor, &mut superuser, 3).await.unwrap();
    assert!(blind.grew_since(&small) && blind.rows_each > 10_000, "{blind}");
    assert_eq!(Claims::default().p99_micros(), 0);
}

#[test]
fn what_the_pace_explains_is_no_fault_and_everything_else_is() {
    let rush = |waits: Vec<u64>| Rush { due: 3, per_minute: 60, waits };
    assert_eq!(rush(vec![10, 1_050, 2_080]).faults(), Vec::<String>::new());
    assert!(rush(vec![10, 1_050]).faults()[0].contains("2 reached the carrier"));
    assert!(rush(vec![10, 1_050, 7_100]).faults()[0].contains("later than the pace explains"));
    assert!(rush(vec![10, 20, 30]).faults()[0].contains("faster than the pace allows"));
    let punctual = |waits: Vec<u64>| Punctual { due: 2, waits };
    assert_eq!(punctual(vec![100, 4_900]).faults(), Vec::<String>::new());
    assert!(punctual(vec![100, 5_100]).faults()[0].contains("longer than 5000 ms"));
}
