//! P13 at a size for every day; `careline bench audit` does ten thousand.

use crate::support::office::Office;
use careline::bench::tampering::{Mutation, trial};

#[tokio::test]
async fn whoever_changes_anything_in_the_record_is_found() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    let mut superuser = office.database.superuser().await;
    let tallies = trial(&office.app, &actor, &mut superuser, 20_261_121, 300).await.unwrap();
    assert_eq!(tallies.len(), 9, "every kind of mutation was made");
    for (kind, tally) in &tallies {
        assert_eq!(tally.found, tally.made, "{kind:?}: {:?}", tally.missed);
    }
    let rewritten = &tallies[&Mutation::Rewrite];
    assert!(rewritten.made > 0);
    assert_eq!(rewritten.found_blindly, 0, "the control: without checkpoints a rewritten chain looks whole");
}
