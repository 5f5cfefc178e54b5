//! Machines that answer telephones in town, and how well the carrier tells them from people.

use super::people::{PicksUp, Seconds};
use rand::{RngExt, rngs::StdRng};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A voicemail: it greets, beeps and records.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mailbox {
    /// How long it rings before it answers.
    pub answers_after_seconds: Seconds,
    /// How long its greeting is.
    pub greeting_seconds: Seconds,
    /// Whether a beep ends the greeting.
    pub beeps: bool,
    /// How long it records, and then hangs up.
    pub records_seconds: Seconds,
}

impl Default for Mailbox {
    fn default() -> Self {
        let seconds = |seconds| Seconds(Duration::from_secs(seconds));
        Self {
            answers_after_seconds: seconds(2),
            greeting_seconds: seconds(5),
            beeps: true,
            records_seconds: seconds(55),
        }
    }
}

/// A machine that asks who is calling and why, and then passes on to its person.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Screening {
    /// How long it rings before the machine answers.
    pub answers_after_seconds: Seconds,
    /// How long it asks.
    pub asks_seconds: Seconds,
    /// How long after its answer the person is on the line; what was said before, they have not heard.
    pub passes_on_after_seconds: Seconds,
}

impl Default for Screening {
    fn default() -> Self {
        let seconds = |seconds| Seconds(Duration::from_secs(seconds));
        Self { answers_after_seconds: seconds(1), asks_seconds: seconds(4), passes_on_after_seconds: seconds(12) }
    }
}

/// What a machine heard of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MachineSeen {
    /// Said into its greeting, or to it alone: nobody hears that again.
    pub over_greeting: Vec<String>,
    /// Recorded, in whole or in part.
    pub recorded: Vec<String>,
}

/// Whether the carrier waits for the end of a machine's greeting before it says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It says at once that a machine has begun.
    Start,
    /// It waits for the beep, or for silence.
    MessageEnd,
}

/// What the carrier may take somebody for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenFor {
    /// A person.
    Human,
    /// A machine, after its beep.
    MachineEndBeep,
    /// A machine that fell silent.
    MachineEndSilence,
    /// A machine that ended otherwise.
    MachineEndOther,
    /// It cannot say.
    Unknown,
}

impl TakenFor {
    /// What the carrier says then, soon.
    pub(super) const fn guess(self) -> Guess {
        let word = match self {
            Self::Human => "human",
            Self::MachineEndBeep => "machine_end_beep",
            Self::MachineEndSilence => "machine_end_silence",
            Self::MachineEndOther => "machine_end_other",
            Self::Unknown => "unknown",
        };
        Guess { word, after: PERSON, is_told: true }
    }
}

/// How often, of a hundred calls, the carrier is wrong about who answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guesses {
    /// People taken for machines.
    pub human_as_machine: u32,
    /// Machines taken for people.
    pub machine_as_human: u32,
    /// Anybody of whom it cannot say.
    pub as_unknown: u32,
    /// Guesses that nobody is told.
    pub lost: u32,
    /// By how much every guess comes later, in the town's milliseconds.
    pub late_milliseconds: u64,
}

/// How long the carrier listens: to a person, to a machine's words until it knows, to the silence after them, to a fax.
const PERSON: Duration = Duration::from_millis(150);
const WORDS: Duration = Duration::from_millis(2_400);
const SILENCE: Duration = Duration::from_millis(1_200);
const BEEP: Duration = Duration::from_millis(100);
const FAX: Duration = Duration::from_secs(1);

/// What the carrier will say about who answered, and how long after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) word: &'static str,
    pub(super) after: Duration,
    pub(super) is_told: bool,
}

/// Whether a machine answers these.
pub(super) const fn is_machine(picks_up: &PicksUp) -> bool {
    match picks_up {
        PicksUp::Voicemail | PicksUp::Mailbox(_) | PicksUp::Screened(_) | PicksUp::Fax => true,
        PicksUp::AfterSeconds(_) | PicksUp::Busy | PicksUp::Never => false,
    }
}

/// What is true.
fn truth(picks_up: &PicksUp, patience: Patience) -> (&'static str, Duration) {
    match (picks_up, patience) {
        (PicksUp::AfterSeconds(_) | PicksUp::Busy | PicksUp::Never, _) => ("human", PERSON),
        (PicksUp::Fax, _) => ("fax", FAX),
        (PicksUp::Voicemail | PicksUp::Mailbox(_) | PicksUp::Screened(_), Patience::Start) => ("machine_start", WORDS),
        (PicksUp::Voicemail, Patience::MessageEnd) => mailbox(&Mailbox::default()),
        (PicksUp::Mailbox(own), Patience::MessageEnd) => mailbox(own),
        (PicksUp::Screened(own), Patience::MessageEnd) => ("machine_end_silence", own.asks_seconds.0 + SILENCE),
    }
}

fn mailbox(own: &Mailbox) -> (&'static str, Duration) {
    let greeting = own.greeting_seconds.0;
    if own.beeps { ("machine_end_beep", greeting + BEEP) } else { ("machine_end_silence", greeting + SILENCE) }
}

impl Guesses {
    /// What the carrier says of whoever answers.
    pub(super) fn guess(self, picks_up: &PicksUp, patience: Patience, dice: &mut StdRng) -> Guess {
        let (mut word, mut after) = truth(picks_up, patience);
        let (wrong, chance) = if is_machine(picks_up) {
            (self.machine_as_human, dice.random_range(0..100))
        } else {
            (self.human_as_machine, dice.random_range(0..100))
        };
        if chance < wrong {
            (word, after) = match (is_machine(picks_up), patience) {
                (true, _) => ("human", PERSON),
                (false, Patience::Start) => ("machine_start", WORDS),
                (false, Patience::MessageEnd) => match dice.random_range(0..3) {
                    0 => ("machine_end_beep", PERSON),
                    1 => ("machine_end_silence", PERSON),
                    _ => ("machine_end_other", PERSON),
                },
            };
        } else if chance < wrong.saturating_add(self.as_unknown) {
            word = "unknown";
        }
        let is_told = dice.random_range(0..100) >= self.lost;
        Guess { word, after: after.saturating_add(Duration::from_millis(self.late_milliseconds)), is_told }
    }
}
