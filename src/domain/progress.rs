//! What the carrier reports about one attempt, whatever the order and however often a report comes: the furthest status
//! stands, the first ending takes effect, and endings that contradict each other are settled by reading the carrier.

use super::attempt::CarrierStatus;

/// One report about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A callback said so. Callbacks are lost, doubled and reordered on their way.
    Callback(CarrierStatus),
    /// The carrier said so when it was asked about the call.
    Read(CarrierStatus),
}

/// On whose word an ending stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// A callback's.
    Callback,
    /// A callback's, and another one said otherwise: the carrier is to be asked.
    Disputed,
    /// The carrier's own; nothing changes it any more.
    Read,
}

impl Word {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Callback, Self::Disputed, Self::Read];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::Disputed => "disputed",
            Self::Read => "read",
        }
    }

    /// The one of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// How an attempt ended, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ending {
    /// The status it ended with; always a terminal one.
    pub status: CarrierStatus,
    /// On whose word.
    pub word: Word,
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Progress {
    /// Rank of the furthest status (`CarrierStatus::rank`); 0 before the first report.
    pub rank: i32,
    /// How it ended; `None` while it runs.
    pub ending: Option<Ending>,
}

/// What a report changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing: known before, or overtaken.
    OldNews,
    /// It came further, or what was known of its end is now certain; nothing follows for the call.
    News,
    /// It ended. This comes once for an attempt, and only this moves its call.
    Ended(CarrierStatus),
    /// A second ending contradicts the first: the carrier must be asked.
    Disputed,
    /// The carrier was asked, and it ended otherwise than the first callback had it.
    Corrected {
        /// What the first callback said.
        from: CarrierStatus,
        /// What the carrier knows.
        to: CarrierStatus,
    },
}

impl Progress {
    /// Takes one report.
    pub fn hear(&mut self, report: Report) -> Heard {
        let (status, word) = match report {
            Report::Callback(status) => (status, Word::Callback),
            Report::Read(status) => (status, Word::Read),
        };
        if !status.is_terminal() {
            return self.reach(status);
        }
        let Some(known) = self.ending else {
            self.rank = status.rank();
            self.ending = Some(Ending { status, word });
            return Heard::Ended(status);
        };
        match (known.word, report) {
            (Word::Read, _) | (Word::Disputed, Report::Callback(_)) => Heard::OldNews,
            (Word::Callback | Word::Disputed, Report::Read(_)) => {
                self.ending = Some(Ending { status, word: Word::Read });
                if known.status == status { Heard::News } else { Heard::Corrected { from: known.status, to: status } }
            }
            (Word::Callback, Report::Callback(_)) if known.status == status => Heard::OldNews,
            (Word::Callback, Report::Callback(_)) => {
                self.ending = Some(Ending { word: Word::Disputed, ..known });
                Heard::Disputed
            }
        }
    }

    /// Whether the carrier must be asked how the attempt really ended.
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        self.ending.is_some_and(|ending| ending.word == Word::Disputed)
    }

    fn reach(&mut self, status: CarrierStatus) -> Heard {
        if self.ending.is_some() || status.rank() <= self.rank {
            return Heard::OldNews;
        }
        self.rank = status.rank();
        Heard::News
    }
}
