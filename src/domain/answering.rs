//! Who or what answered, as the carrier guesses it, and what a voicemail may be told. The guess is a hint: it never proves
//! anybody and never ends a call; it only decides what silence means.

use super::script::MOST_SILENCES;

/// The carrier's guess about who answered (Twilio, answering machine detection).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnsweredBy {
    /// A person.
    Human,
    /// A machine, whose greeting still runs.
    MachineStart,
    /// A machine, after its beep: what is said now is recorded.
    MachineBeep,
    /// A machine that fell silent without a beep, as one that asks who is calling does.
    MachineSilence,
    /// A machine whose greeting ended in another way.
    MachineOther,
    /// A fax.
    Fax,
    /// The carrier cannot say.
    Unknown,
}

impl AnsweredBy {
    /// Every guess.
    pub const ALL: [Self; 7] = [
        Self::Human,
        Self::MachineStart,
        Self::MachineBeep,
        Self::MachineSilence,
        Self::MachineOther,
        Self::Fax,
        Self::Unknown,
    ];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::MachineStart => "machine_start",
            Self::MachineBeep => "machine_end_beep",
            Self::MachineSilence => "machine_end_silence",
            Self::MachineOther => "machine_end_other",
            Self::Fax => "fax",
            Self::Unknown => "unknown",
        }
    }

    /// The guess of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }

    /// Unanswered prompts after which nobody is there. A machine without a beep may be one that asks who is calling and
    /// then rings the person, who is asked once more; a fax is asked once.
    #[must_use]
    pub const fn most_silences(guess: Option<Self>) -> u8 {
        match guess {
            Some(Self::MachineStart | Self::MachineSilence | Self::MachineOther) => MOST_SILENCES + 1,
            Some(Self::Fax) => 1,
            Some(Self::Human | Self::MachineBeep | Self::Unknown) | None => MOST_SILENCES,
        }
    }
}

/// What a voicemail is told after its beep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VoicemailRule {
    /// Nothing: hung up without a word.
    #[default]
    Silent,
    /// One fixed sentence without a name, a service or a clinical word, with the number to ring back.
    NameFree,
}

impl VoicemailRule {
    /// Every rule, in the order forms list them.
    pub const ALL: [Self; 2] = [Self::Silent, Self::NameFree];

    /// The word stored and sent by forms.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Silent => "none",
            Self::NameFree => "name_free",
        }
    }

    /// The rule of a stored or sent word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.word() == word)
    }
}
