//! Promise 2, reduced: processes that dial are killed while the carrier misbehaves, and nobody is rung twice. `careline bench
//! chaos` does it with a thousand deaths and two and a half thousand calls.

use careline::bench::chaos::{Method, Round, Stage, play, storm};
use std::{path::PathBuf, time::Duration};

async fn stage() -> Stage {
    Stage::set(PathBuf::from(env!("CARGO_BIN_EXE_careline"))).await.unwrap()
}

fn reduced() -> Round {
    Round { spread: Duration::from_secs(5), ..storm(60, 25, 4, 21) }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_rung_twice_however_often_whoever_dials_is_killed() {
    let mut stage = stage().await;
    let outcome = play(&mut stage, &reduced()).await.unwrap();
    stage.leave().await;
    assert!(outcome.tally.is_clean(), "{} ({})", outcome.tally, outcome.places());
    assert!(outcome.killed() > 0, "somebody was killed");
}

/// The control: the same carrier, the same deaths, and a plain queue. The oracle sees its second rings.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_queue_rings_twice_and_the_oracle_sees_it() {
    let mut stage = stage().await;
    let outcome = play(&mut stage, &Round { method: Method::Retry, ..reduced() }).await.unwrap();
    stage.leave().await;
    assert!(outcome.tally.surplus > 0, "{}", outcome.tally);
}
