//! The answer without a model: the sentences of the chosen passages nearest to the question, word for word.

use super::{
    Passage, Quote, Statement,
    text::{are_kin, content_stems, normalise, sentences},
};

/// Most sentences of an answer.
const SENTENCES_MOST: usize = 3;

/// The best one to three sentences of passages given best first. Passages that need an order give none.
#[must_use]
pub fn extract<'a>(question: &str, passages: impl IntoIterator<Item = &'a Passage>) -> Vec<Statement> {
    let asked = content_stems(question);
    let mut scored: Vec<(usize, Statement)> = Vec::new();
    let mut advice = passages.into_iter().filter(|passage| !passage.is_order_only()).peekable();
    let best = advice.peek().copied();
    for passage in advice {
        let text = normalise(&passage.text);
        for sentence in sentences(&text).into_iter().filter_map(|range| text.get(range)) {
            let written = content_stems(sentence);
            let shared = asked.iter().filter(|stem| written.iter().any(|other| are_kin(stem, other))).count();
            if shared > 0 {
                scored.push((shared, quoted(passage, sentence)));
            }
        }
    }
    // A stable sort: among equals the better passage and the earlier sentence come first.
    scored.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    let most = scored.first().map_or(0, |(shared, _)| *shared);
    let mut answer: Vec<Statement> = scored
        .into_iter()
        .filter(|(shared, _)| 2 * shared > most)
        .take(SENTENCES_MOST)
        .map(|(_, statement)| statement)
        .collect();
    // A passage can be found by its heading or its meaning alone; then its first sentence speaks for it.
    if answer.is_empty()
        && let Some(passage) = best
    {
        let text = normalise(&passage.text);
        let first = sentences(&text).into_iter().next().and_then(|range| text.get(range));
        answer.extend(first.map(|sentence| quoted(passage, sentence)));
    }
    answer
}

fn quoted(passage: &Passage, sentence: &str) -> Statement {
    let quote = Quote { anchor: passage.anchor.clone(), heading: passage.heading.clone(), span: sentence.to_owned() };
    Statement { text: sentence.to_owned(), quotes: vec![quote] }
}
