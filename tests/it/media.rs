//! The media gateway in numbers, reduced: a few legs for a few seconds by processes of their own. `careline bench media` looks
//! for the most that are heard in time, and judges delay, cost and memory.

use careline::bench::media::{Flaw, measure};
use std::{path::PathBuf, time::Duration};

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_careline"))
}

#[tokio::test]
async fn every_frame_that_a_load_from_outside_sends_is_heard_and_words_reach_the_page() {
    let (held, shown) = measure(program(), 12, Duration::from_secs(2), Flaw::Nothing).await.unwrap();
    assert!(held.is_whole(), "{held}");
    assert!(held.sent >= 12 * 100, "{held}");
    assert_eq!(shown, 4, "sentences on the page");
}

#[tokio::test]
async fn an_ear_that_loses_frames_is_noticed() {
    let (held, _) = measure(program(), 12, Duration::from_secs(2), Flaw::LosesFrames).await.unwrap();
    assert!(!held.is_whole() && held.heard < held.sent && held.lost > 0, "{held}");
}
