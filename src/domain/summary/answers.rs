//! Short answers that mean something only after their question: `Any chest pain?` `No.`

use super::{
    Stance,
    lexicon::{Named, Symptom, symptoms_in},
    speech::{Sentence, Token, is_in},
};
use crate::domain::people::Language;

/// A question for one symptom is made of these words and its name, and of nothing that could turn the answer round.
const ASKING: &str = "do you have any are having is there feel feeling had today now right at all some still the your in a an \
                      been and how about what experiencing with have has he she tiene tenido ha siente algun alguna hay usted \
                      hoy ahora todavia de con le la el y su";
const YES: &str = "yes yeah yep si";
const NO: &str = "no nope none";
const AFTER_YES: &str =
    "yes yeah a little bit some lot quite ma'am sir i do he she does it un poco mucho algo si senora senor";
const AFTER_NO: &str = "no none at all not any ma'am sir thank you thanks god nothing today gracias nada para dios senora senor i \
                        don't have he she doesn't no";

/// The one symptom that a nurse's last sentence asks for, and nothing else.
#[must_use]
pub fn asked_for(question: &[Sentence], language: Language) -> Option<Symptom> {
    let last = question.last().filter(|sentence| sentence.asks)?;
    let named = symptoms_in(&last.tokens, language);
    let [only] = named.as_slice() else { return None };
    is_bare(&last.tokens, *only).then_some(only.symptom)
}

fn is_bare(tokens: &[Token], named: Named) -> bool {
    let outside = tokens.iter().enumerate().filter(|(at, _)| *at < named.from || *at >= named.to);
    outside.map(|(_, token)| token).all(|token| is_in(ASKING, &token.word))
}

/// What a sentence answers; `None` when it is more, or less, than yes or no.
#[must_use]
pub fn answer(sentence: &Sentence) -> Option<Stance> {
    let (first, rest) = sentence.tokens.split_first()?;
    let only = |list: &str| rest.iter().all(|token| is_in(list, &token.word));
    match first.word.as_str() {
        _ if sentence.asks => None,
        word if is_in(YES, word) && only(AFTER_YES) => Some(Stance::Present),
        word if is_in(NO, word) && only(AFTER_NO) => Some(Stance::Absent),
        _ => None,
    }
}

/// What a question is about, for a number that answers it: its one symptom, or what it calls by another name.
#[must_use]
pub fn topic(question: &[Sentence], language: Language) -> Option<Symptom> {
    const TOPICS: &[(&str, Symptom)] = &[
        ("breathing breath respiracion respira respirando", Symptom::Breathlessness),
        ("sleep sleeping dormir duerme sueno", Symptom::Sleep),
        ("appetite eating apetito comiendo", Symptom::Appetite),
        ("mood animo", Symptom::LowMood),
        ("energy energia", Symptom::Tiredness),
        ("stomach estomago", Symptom::Nausea),
    ];
    let tokens = || question.iter().flat_map(|sentence| &sentence.tokens);
    let mut named: Vec<Symptom> = question
        .iter()
        .flat_map(|sentence| symptoms_in(&sentence.tokens, language))
        .map(|named| named.symptom)
        .chain(
            TOPICS.iter().filter(|(words, _)| tokens().any(|token| is_in(words, &token.word))).map(|(_, topic)| *topic),
        )
        .collect();
    named.sort_unstable();
    named.dedup();
    match named.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}
