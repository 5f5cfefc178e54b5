//! Promise 1, reduced: the product is killed while people talk. `careline bench bridged` does it until a thousand calls have
//! lived through a kill.

use careline::bench::bridged::{Plan, measure};
use std::path::PathBuf;

#[tokio::test]
async fn people_talk_on_however_often_the_product_is_killed_and_every_silence_of_ours_is_told() {
    let plan = Plan { calls: 2, kills: 3, seed: 1 };
    let found = measure(PathBuf::from(env!("CARGO_BIN_EXE_careline")), &plan).await.unwrap();
    assert!(found.hold(), "{found}");
    assert_eq!((found.kills, found.heard_after.len()), (3, 12), "{found}");
}
