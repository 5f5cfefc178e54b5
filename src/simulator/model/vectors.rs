//! Embeddings without a model: hashed bags of crude stems, signed and of unit length, so that texts which share words
//! point the same way and the same text always gives the same vector.

/// How many dimensions a vector has.
pub(super) const DIMENSIONS: usize = 256;

/// The vector of a text; all zeros but the first for a text without words.
pub(super) fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSIONS];
    for stem in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).map(stem) {
        let hash = fnv(&stem);
        let place = usize::try_from(hash % 256).unwrap_or(0);
        let sign = if hash & 0x8000_0000 == 0 { 1.0 } else { -1.0 };
        if let Some(slot) = vector.get_mut(place) {
            *slot += sign;
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    } else if let Some(first) = vector.first_mut() {
        *first = 1.0;
    }
    vector
}

/// Cuts common English endings, twice, so that breathlessness, breathless and breathing meet.
fn stem(word: &str) -> String {
    const ENDINGS: [&str; 11] = ["ness", "less", "ings", "ing", "edly", "ed", "ies", "es", "ly", "s", "e"];
    let mut stem = word.to_lowercase();
    for _ in 0..2 {
        let cut = ENDINGS.iter().find_map(|ending| stem.strip_suffix(ending)).filter(|rest| rest.len() >= 4);
        match cut {
            Some(rest) => stem = rest.to_owned(),
            None => break,
        }
    }
    stem
}

/// FNV-1a, 64 bit, folded by its own avalanche; stable across builds and machines.
fn fnv(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash ^ (hash >> 29)
}
