//! Embeddings without a model: hashed bags of stems, signed and of unit length, so that texts which share words
//! point the same way and the same text always gives the same vector.

use frostem::{Algorithm, Stemmer};

/// How many dimensions a vector has.
pub(super) const DIMENSIONS: usize = 256;

/// The vector of a text; all zeros but the first for a text without words.
pub(super) fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSIONS];
    let stemmer = Stemmer::new(Algorithm::English);
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2) {
        let hash = fnv(&stemmer.stem(&word.to_lowercase()));
        let place = usize::try_from(hash % 256).unwrap_or(0);
        let sign = if hash & 0x8000_0000 == 0 { 1.0 } else { -1.0 };
        if let Some(slot) = vector.get_mut(place) {
            *slot += sign;
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    } else if let Some(first) = vector.first_mut() {
        *first = 1.0;
    }
    vector
}

/// FNV-1a, 64 bit, folded by its own avalanche; stable across builds and machines.
fn fnv(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash ^ (hash >> 29)
}
