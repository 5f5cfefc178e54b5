//! Questions that no protocol passage may answer, whatever it says: arithmetic with doses, how long somebody will
//! live, what somebody has, and the law. They are told by their words, before any search.

use super::{Refusal, text::normalise};

/// Why a question is refused before anything is searched; `None` when it may be looked up.
#[must_use]
pub fn out_of_scope(question: &str) -> Option<Refusal> {
    let question = Words::of(question);
    if question.is_about_doses() {
        Some(Refusal::DoseArithmetic)
    } else if question.is_about_time_left() {
        Some(Refusal::Prognosis)
    } else if question.is_about_law() {
        Some(Refusal::Legal)
    } else if question.is_about_diagnosis() {
        Some(Refusal::Diagnosis)
    } else {
        None
    }
}

/// A question as lower-case words with one space on each side.
struct Words(String);

impl Words {
    fn of(question: &str) -> Self {
        let lower = normalise(question).to_lowercase();
        let words: Vec<&str> = lower
            .split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
            .filter(|word| !word.is_empty())
            .collect();
        Self(format!(" {} ", words.join(" ")))
    }

    /// Whether one of the phrases occurs, each at the beginning of a word; a trailing space in a phrase ends it there.
    fn has(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.0.contains(&format!(" {phrase}")))
    }

    fn is_about_doses(&self) -> bool {
        let is_conversion = self.has(CONVERSIONS) && self.has(DOSED);
        is_conversion || self.has(PLAIN) || (self.has(AMOUNTS) && self.has(DOSED))
    }

    fn is_about_time_left(&self) -> bool {
        const TIME_LEFT: &[&str] = &[
            "prognosis",
            "life expectancy",
            "time left",
            "days left",
            "weeks left",
            "months left",
            "long left",
            "going to die",
            "about to die",
            "when will she die",
            "when will he die",
            "when will they die",
            "survive",
            "survival",
            "last the night",
            "last the week",
            "make it through",
        ];
        const LIVING: &[&str] = &[
            "live ",
            "to live",
            "left ",
            "got ",
            "have left",
            "until death",
            "before she dies",
            "before he dies",
            "last ",
        ];
        self.has(TIME_LEFT)
            || (self.has(&["how long", "how many days", "how many weeks", "how many months"]) && self.has(LIVING))
    }

    fn is_about_law(&self) -> bool {
        self.has(&[
            "legal",
            "illegal",
            "lawsuit",
            "lawyer",
            "attorney",
            "sue ",
            "sued ",
            "liable",
            "liability",
            "malpractice",
            "the law ",
            "by law ",
            "against the law",
            "court ",
            "police ",
            "euthanasia",
            "assisted dying",
            "assisted suicide",
            "assisted death",
            "inheritance",
            "the will ",
        ])
    }

    fn is_about_diagnosis(&self) -> bool {
        self.has(&[
            "diagnos",
            "what is wrong with",
            "what's wrong with",
            "whats wrong with",
            "what is causing",
            "what's causing",
            "what caused",
            "what disease",
            "which disease",
            "what condition does",
            "what illness",
            "does she have a ",
            "does he have a ",
            "does she have pneumonia",
            "does he have pneumonia",
            "could it be ",
            "could this be ",
            "might this be ",
            "might it be ",
            "is it cancer",
            "is this cancer",
            "is it pneumonia",
            "is this pneumonia",
            "is it a clot",
            "is this a clot",
            "is it a heart attack",
            "is this a heart attack",
            "is it a stroke",
            "is this a stroke",
            "is it covid",
            "is this covid",
            "is it an infection",
            "is this an infection",
            "has he had a ",
            "has she had a ",
            "what does he have",
            "what does she have",
        ])
    }
}

/// Words that ask for a conversion when a medicine or dose is named.
const CONVERSIONS: &[&str] =
    &["convert", "conversion", "equianalges", "equivalent", "equivalence", "calculate", "compute the", "rotat"];
/// Words that ask how much or for a change of how much.
const AMOUNTS: &[&str] = &[
    "how much ",
    "how many ",
    "what dose",
    "which dose",
    "what amount",
    "double ",
    "doubling",
    "triple ",
    "halve ",
    "half ",
    "twice ",
    "increase ",
    "increasing",
    "raise ",
    "decrease ",
    "reduce ",
    "extra ",
    "another ",
    "more ",
    "maximum ",
    "max ",
    "higher ",
    "lower ",
    "bigger ",
    "titrat",
    "go up on",
    "second ",
];
/// What is dosed.
const DOSED: &[&str] = &[
    "dose",
    "dosage",
    "dosing",
    "mg ",
    "mcg ",
    "microgram",
    "milligram",
    "ml ",
    "tablet",
    "pill",
    "patch",
    "drops ",
    "puff",
    "morphine",
    "oxycodone",
    "hydromorphone",
    "fentanyl",
    "methadone",
    "codeine",
    "hydrocodone",
    "tramadol",
    "opioid",
    "lorazepam",
    "diazepam",
    "midazolam",
    "haloperidol",
    "furosemide",
    "dexamethasone",
    "prednisone",
    "medicine",
    "medication",
    "gabapentin",
    "acetaminophen",
    "ibuprofen",
    "naloxone",
];
/// Phrases that need nothing else.
const PLAIN: &[&str] = &["what dose", "which dose", "how many mg", "how many milligram", "how many mcg"];
