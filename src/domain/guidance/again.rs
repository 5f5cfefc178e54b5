//! An answer made again from what was stored with it: the same question, what the search had found, what the model had
//! replied. No model and no index is asked.

use super::{
    Passage, ProtocolRef, Shown, WhyPassages,
    choose::{Found, choose},
    evidence::{Evidence, Retrieved, Way},
    extract::extract,
    verify::{Draft, verify},
};

/// What the search had found; of answers kept without it, what was chosen.
#[must_use]
pub fn found(evidence: &Evidence) -> Vec<Found> {
    let kept = evidence.found.as_ref().unwrap_or(&evidence.retrieved);
    let again = |kept: &Retrieved| Found { anchor: kept.anchor.clone(), lexical: kept.lexical, cosine: kept.cosine };
    kept.iter().map(again).collect()
}

/// What is shown for a question when so much was found among these passages.
#[must_use]
pub fn shown(
    question: &str,
    found: &[Found],
    passages: &[Passage],
    protocol: ProtocolRef,
    evidence: &Evidence,
) -> Shown {
    let chosen = match choose(question, found, passages) {
        Ok(chosen) => chosen,
        Err(refusal) => return Shown::refused(refusal, protocol),
    };
    let passages: Vec<Passage> = chosen.into_iter().map(|chosen| chosen.passage).collect();
    if passages.iter().all(Passage::is_order_only) {
        return Shown::passages_only(WhyPassages::OrdersOnly, &passages, protocol);
    }
    if evidence.way == Way::Extractive {
        return Shown::quoted(extract(question, &passages), WhyPassages::NothingSupported, &passages, protocol);
    }
    let Some(reply) = evidence.reply.as_ref().filter(|_| evidence.outage.is_none()) else {
        let why = evidence.why_passages.unwrap_or(WhyPassages::ModelAway);
        return Shown::passages_only(why, &passages, protocol);
    };
    match Draft::read(reply) {
        None => Shown::passages_only(WhyPassages::ModelGarbled, &passages, protocol),
        Some(draft) if draft.abstain => Shown::passages_only(WhyPassages::ModelAbstained, &passages, protocol),
        Some(draft) => {
            let statements = verify(&draft, &passages).statements;
            Shown::quoted(statements, WhyPassages::NothingSupported, &passages, protocol)
        }
    }
}
