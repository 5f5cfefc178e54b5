//! Chooses the passages that may answer a question: rank fusion of search by words and by meaning, then a floor of
//! relevance. Below the floor nothing is chosen, and the question is refused.

use super::{
    Passage, Refusal, scope,
    text::{are_kin, content_stems},
};

/// Most passages put before a nurse or a model.
const PASSAGES_MOST: usize = 5;
/// The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009).
const FUSION: f64 = 60.0;
/// Least share of the question's content words that a passage has in common with it.
const SHARED_LEAST: f32 = 1.0 / 3.0;
/// Least cosine that stands in for shared words. High, because a wrong refusal names somebody to ask and a wrong
/// passage misleads.
const COSINE_LEAST: f32 = 0.5;

/// One passage that a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its anchor.
    pub anchor: String,
    /// Relevance of the words (BM25), 0 when none is shared.
    pub lexical: f32,
    /// Cosine with the question, when both have vectors.
    pub cosine: Option<f32>,
}

/// A passage chosen for a question.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The passage.
    pub passage: Passage,
    /// What the search found.
    pub found: Found,
    /// Its fused score: the sum of 1 / (60 + rank).
    pub fused: f64,
}

/// The places of what was found, best first, each with its fused score. Ties keep the order given.
#[must_use]
pub fn fuse(scores: &[(f32, Option<f32>)]) -> Vec<(usize, f64)> {
    let mut fused = vec![0.0_f64; scores.len()];
    let lexical = |place: usize| scores.get(place).map(|score| score.0).filter(|score| *score > 0.0);
    let cosine = |place: usize| scores.get(place).and_then(|score| score.1);
    add_ranks(&mut fused, lexical);
    add_ranks(&mut fused, cosine);
    let mut order: Vec<(usize, f64)> = fused.into_iter().enumerate().collect();
    order.sort_by(|left, right| right.1.total_cmp(&left.1));
    order
}

fn add_ranks(fused: &mut [f64], score: impl Fn(usize) -> Option<f32>) {
    let mut ranked: Vec<(usize, f32)> =
        (0..fused.len()).filter_map(|place| score(place).map(|score| (place, score))).collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    let mut rank = FUSION;
    for (place, _) in ranked {
        rank += 1.0;
        if let Some(sum) = fused.get_mut(place) {
            *sum += 1.0 / rank;
        }
    }
}

/// A search without an index: every passage with the share of the question's content words that it has.
#[must_use]
pub fn found_without_index(question: &str, passages: &[Passage]) -> Vec<Found> {
    let asked = content_stems(question);
    passages
        .iter()
        .map(|passage| Found { anchor: passage.anchor.clone(), lexical: share(&asked, passage), cosine: None })
        .filter(|found| found.lexical > 0.0)
        .collect()
}

/// The passages that may answer a question, best first, or why none may.
///
/// # Errors
/// The refusal, when the question is out of scope or no passage reaches the floor.
pub fn choose(question: &str, found: &[Found], passages: &[Passage]) -> Result<Vec<Chosen>, Refusal> {
    if let Some(refusal) = scope::out_of_scope(question) {
        return Err(refusal);
    }
    let asked = content_stems(question);
    let scores: Vec<(f32, Option<f32>)> = found.iter().map(|found| (found.lexical, found.cosine)).collect();
    let chosen: Vec<Chosen> = fuse(&scores)
        .into_iter()
        .filter_map(|(place, fused)| {
            let found = found.get(place)?;
            let passage = passages.iter().find(|passage| passage.anchor == found.anchor)?;
            is_relevant(&asked, found, passage).then(|| Chosen {
                passage: passage.clone(),
                found: found.clone(),
                fused,
            })
        })
        .take(PASSAGES_MOST)
        .collect();
    if chosen.is_empty() { Err(Refusal::NothingRelevant) } else { Ok(chosen) }
}

fn is_relevant(asked: &[String], found: &Found, passage: &Passage) -> bool {
    found.cosine.is_some_and(|cosine| cosine >= COSINE_LEAST) || share(asked, passage) >= SHARED_LEAST
}

/// The share of the question's content words that a passage or its heading has, 0 for a question without any.
fn share(asked: &[String], passage: &Passage) -> f32 {
    let written = content_stems(&format!("{} {}", passage.heading, passage.text));
    let shared = asked.iter().filter(|stem| written.iter().any(|other| are_kin(stem, other))).count();
    let count = |count: usize| u16::try_from(count).map_or(0.0, f32::from);
    if shared == 0 { 0.0 } else { count(shared) / count(asked.len()) }
}
