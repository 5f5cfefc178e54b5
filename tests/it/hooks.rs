//! Promises P8 and P9, reduced: reports in any order and number, forged and replayed letters, answers of a product that is
//! killed. `careline bench hooks` does it with a thousand calls, a hundred thousand letters and ten thousand answers.

use careline::bench::hooks::{Plan, measure};
use std::path::PathBuf;

#[tokio::test]
async fn webhooks_count_once_in_any_order_forgeries_change_nothing_and_no_answered_letter_is_lost() {
    let plan = Plan { forgeries: 800, sequences: 30, acks: 160, kills: 2, seed: 9 };
    let found = measure(PathBuf::from(env!("CARGO_BIN_EXE_careline")), &plan).await.unwrap();
    assert!(found.hold(), "{found}");
    assert_eq!(found.acks.kills, 2, "{found}");
    assert!(found.sequences.letters >= 180 && found.forged.sent > 400 && found.forged.replayed > 100, "{found}");
}
