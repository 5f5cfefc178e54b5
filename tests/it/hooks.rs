//! Promises P8 and P9, reduced: reports in any order and number, forged and replayed letters, answers of a product that is
//! killed. `careline bench hooks` does it with a thousand calls, a hundred thousand letters and ten thousand answers.

use careline::bench::hooks::{Plan, measure};
use std::path::PathBuf;

#[tokio::test]
async fn webhooks_count_once_in_any_order_forgeries_change_nothing_and_no_answered_letter_is_lost() {
    let plan = Plan { forgeries: 1_500, sequences: 60, acks: 320, kills: 3, seed: 9 };
    let found = measure(PathBuf::from(env!("CARGO_BIN_EXE_careline")), &plan).await.unwrap();
    assert!(found.hold(), "{found}");
    assert_eq!(found.acks.kills, 3, "{found}");
    assert!(found.sequences.letters >= 360 && found.forged.forged > 900 && found.forged.replayed > 200, "{found}");
}
