//! Verifies a model's draft against the passages retrieved for the question, assuming that the model obeys an
//! attacker. A draft has no power: what survives is a piece of one sentence of one passage, or a whole sentence where
//! it speaks of numbers, medicines or what happens next, and is always shown next to the whole sentence. Here the
//! code keeps promise 4.

use super::{
    Passage, Quote, Statement,
    lexicon::{is_change, is_disposition, is_guard, is_measure, is_strict},
    text::{find_whole, is_hidden, normalise, sentences, words},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Longest reply that is read at all, in bytes.
const DRAFT_MOST: usize = 16_384;
/// Most statements of an answer.
const STATEMENTS_MOST: usize = 4;
/// Most quotes of a statement that are looked at.
const QUOTES_MOST: usize = 4;
/// Longest statement, in characters.
const STATEMENT_MOST: usize = 600;
/// Shortest span that is not a whole sentence, in characters and in words.
const SPAN_LEAST: (usize, usize) = (12, 2);

/// What the schema asks a model for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What it claims.
    pub statements: Vec<DraftStatement>,
    /// Whether it found no answer.
    pub abstain: bool,
}

/// One claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftStatement {
    /// Its words.
    pub text: String,
    /// Where it says they stand.
    pub quotes: Vec<DraftQuote>,
}

/// Where a claim is said to stand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftQuote {
    /// The anchor of a passage.
    pub anchor: String,
    /// Words said to be in that passage.
    pub span: String,
}

impl Draft {
    /// Reads a reply. `None` when it is anything but one such object of a bearable size.
    #[must_use]
    pub fn read(reply: &str) -> Option<Self> {
        (reply.len() <= DRAFT_MOST).then(|| serde_json::from_str(reply).ok()).flatten()
    }
}

/// Why a statement is not shown. The first three are what becomes of a span; of the faults of its words the gravest
/// comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The span stands in another retrieved passage than it says.
    Misattributed,
    /// The span is put together from pieces.
    Frankenquote,
    /// The span is nowhere.
    Fabricated,
    /// No quote at all.
    Unquoted,
    /// The span is too short to mean anything.
    TooShort,
    /// Empty, too long, or more statements than anybody reads.
    OutOfBounds,
    /// Hidden characters, markup, a link or marks that are not in the span.
    Markup,
    /// The passage holds only for a patient with such an order.
    OrderOnly,
    /// What happens next, outside a whole quoted sentence.
    Disposition,
    /// A change of medicines outside a whole quoted sentence.
    MedicineChange,
    /// A number, unit, route or medicine outside a whole quoted sentence.
    UnquotedMeasure,
    /// A denial, condition or comparison added or left out.
    Cut,
    /// A word that is not in its sentence, or not in that order.
    UnquotedWords,
}

/// What is left of a draft.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// What may be shown.
    pub statements: Vec<Statement>,
    /// What may not, kept as evidence.
    pub rejected: Vec<Rejected>,
}

/// A statement that is not shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rejected {
    /// Its words, cut to a bearable length. Only for the evidence.
    pub text: String,
    /// Why.
    pub fault: Fault,
}

/// Verifies every statement of a draft on its own.
#[must_use]
pub fn verify(draft: &Draft, passages: &[Passage]) -> Verified {
    let shelf: Vec<Shelved<'_>> = passages.iter().map(Shelved::new).collect();
    let mut verified = Verified::default();
    for (place, draft) in draft.statements.iter().enumerate() {
        let outcome = if place < STATEMENTS_MOST { verify_statement(draft, &shelf) } else { Err(Fault::OutOfBounds) };
        match outcome {
            Ok(statement) if verified.statements.contains(&statement) => {}
            Ok(statement) => verified.statements.push(statement),
            Err(fault) => {
                let text = draft.text.chars().take(STATEMENT_MOST).collect();
                verified.rejected.push(Rejected { text, fault });
            }
        }
    }
    verified.rejected.truncate(64);
    verified
}

/// A passage in canonical form, with its sentences.
struct Shelved<'a> {
    passage: &'a Passage,
    text: String,
    sentences: Vec<Range<usize>>,
}

impl<'a> Shelved<'a> {
    fn new(passage: &'a Passage) -> Self {
        let text = normalise(&passage.text);
        let sentences = sentences(&text);
        Self { passage, text, sentences }
    }

    /// The sentences that a range touches, as one range, and how many they are.
    fn widened(&self, range: &Range<usize>) -> (&str, usize) {
        let touched = self.sentences.iter().filter(|sentence| sentence.start < range.end && range.start < sentence.end);
        let (mut from, mut to, mut count) = (range.start, range.end, 0);
        for sentence in touched {
            (from, to, count) = (from.min(sentence.start), to.max(sentence.end), count + 1);
        }
        (self.text.get(from..to).unwrap_or_default(), count)
    }
}

/// A span that stands where it says.
struct Found<'a> {
    home: &'a Shelved<'a>,
    /// The whole sentences round the span.
    context: &'a str,
    sentences: usize,
}

fn verify_statement(draft: &DraftStatement, shelf: &[Shelved<'_>]) -> Result<Statement, Fault> {
    if draft.text.chars().any(is_hidden) {
        return Err(Fault::Markup);
    }
    let text = normalise(&draft.text);
    if text.is_empty() || text.chars().count() > STATEMENT_MOST {
        return Err(Fault::OutOfBounds);
    }
    if draft.quotes.is_empty() || draft.quotes.len() > QUOTES_MOST {
        return Err(Fault::Unquoted);
    }
    let found = draft.quotes.iter().map(|quote| find(quote, shelf)).collect::<Result<Vec<_>, _>>()?;
    let mut fault = None;
    for candidate in &found {
        match supports(&text, candidate) {
            Ok(text) => {
                let passage = candidate.home.passage;
                let quote = Quote {
                    anchor: passage.anchor.clone(),
                    heading: passage.heading.clone(),
                    span: candidate.context.to_owned(),
                };
                return Ok(Statement { text, quotes: vec![quote] });
            }
            Err(why) => fault = fault.or(Some(why)),
        }
    }
    Err(fault.unwrap_or(Fault::Unquoted))
}

/// Where a quote stands, or what became of it.
fn find<'a>(quote: &DraftQuote, shelf: &'a [Shelved<'a>]) -> Result<Found<'a>, Fault> {
    if quote.span.chars().any(is_hidden) {
        return Err(Fault::Markup);
    }
    let span = normalise(&quote.span);
    let Some(home) = shelf.iter().find(|shelved| shelved.passage.anchor == quote.anchor) else {
        return Err(lost(&span, shelf));
    };
    let Some(range) = find_whole(&home.text, &span) else {
        return Err(lost(&span, shelf));
    };
    let (context, sentences) = home.widened(&range);
    if (span.chars().count() < SPAN_LEAST.0 || words(&span).count() < SPAN_LEAST.1) && span != context {
        return Err(Fault::TooShort);
    }
    if home.passage.is_order_only() {
        return Err(Fault::OrderOnly);
    }
    Ok(Found { home, context, sentences })
}

/// What a span is that does not stand where it says.
fn lost(span: &str, shelf: &[Shelved<'_>]) -> Fault {
    if span.is_empty() {
        Fault::TooShort
    } else if shelf.iter().any(|shelved| find_whole(&shelved.text, span).is_some()) {
        Fault::Misattributed
    } else if is_pieced(span, shelf) {
        Fault::Frankenquote
    } else {
        Fault::Fabricated
    }
}

/// Whether a span falls into pieces of at least two words that each stand in some passage.
fn is_pieced(span: &str, shelf: &[Shelved<'_>]) -> bool {
    let pieces: Vec<&str> = span.split(' ').collect();
    let mut from = 0;
    while from < pieces.len() {
        let longest = (from + 2..=pieces.len()).rev().find(|to| {
            let piece = pieces.get(from..*to).unwrap_or_default().join(" ");
            let piece = piece.trim_matches(|letter: char| !letter.is_alphanumeric());
            shelf.iter().any(|shelved| find_whole(&shelved.text, piece).is_some())
        });
        match longest {
            Some(to) => from = to,
            None => return false,
        }
    }
    true
}

/// Whether the sentences round a span carry a statement; gives the statement's words as they are shown.
fn supports(text: &str, found: &Found<'_>) -> Result<String, Fault> {
    if text.chars().any(|letter| is_foreign_mark(letter, found.context)) {
        return Err(Fault::Markup);
    }
    if is_same_sentence(text, found.context) {
        return Ok(found.context.to_owned());
    }
    let said: Vec<String> = words(text).collect();
    let written: Vec<String> = words(found.context).collect();
    if let Some(fault) = said.iter().filter(|word| !written.contains(word)).map(|word| fault_of(word)).min() {
        return Err(fault);
    }
    if said.iter().chain(&written).any(|word| is_strict(word)) {
        return Err(said.iter().chain(&written).map(|word| fault_of(word)).min().unwrap_or(Fault::UnquotedWords));
    }
    if found.sentences != 1 || !is_subsequence(&said, &written) || said.len() < SPAN_LEAST.1 {
        return Err(Fault::UnquotedWords);
    }
    let guards = |list: &[String]| list.iter().filter(|word| is_guard(word)).cloned().collect::<Vec<_>>();
    if guards(&said) != guards(&written) {
        return Err(Fault::Cut);
    }
    Ok(text.to_owned())
}

/// Marks that may stand anywhere are full stop, comma, apostrophe and hyphen; every other must be in the sentence.
fn is_foreign_mark(letter: char, context: &str) -> bool {
    !letter.is_alphanumeric() && !matches!(letter, ' ' | '.' | ',' | '\'' | '-') && !context.contains(letter)
}

/// The same words and marks, but for the mark at the end.
fn is_same_sentence(text: &str, context: &str) -> bool {
    fn bare(text: &str) -> &str {
        text.trim_end_matches(['.', ',', ';', ':', '!', '?'])
    }
    !bare(text).is_empty() && bare(text) == bare(context)
}

fn is_subsequence(said: &[String], written: &[String]) -> bool {
    let mut rest = written.iter();
    said.iter().all(|word| rest.any(|other| other == word))
}

fn fault_of(word: &str) -> Fault {
    if is_disposition(word) {
        Fault::Disposition
    } else if is_change(word) {
        Fault::MedicineChange
    } else if is_measure(word) {
        Fault::UnquotedMeasure
    } else if is_guard(word) {
        Fault::Cut
    } else {
        Fault::UnquotedWords
    }
}
