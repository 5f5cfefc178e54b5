//! How long recordings are kept, and why one is erased.

use chrono::{DateTime, TimeDelta, Utc};

/// Days a recording is kept where the organization has set nothing: a year.
pub const DEFAULT_DAYS: i32 = 365;
/// Most days it may set: ten years.
pub const MOST_DAYS: i32 = 3_650;
/// Most characters of the reason of a hold.
pub const LONGEST_REASON: usize = 300;

/// What happens to recordings when the consent they stood on is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterWithdrawal {
    /// They stay for their days: the consent stood when they were made.
    Keep,
    /// They are erased.
    Erase,
}

impl AfterWithdrawal {
    /// Every answer.
    pub const ALL: [Self; 2] = [Self::Keep, Self::Erase];

    /// The word stored and sent by a form.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Erase => "erase",
        }
    }

    /// The answer of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.word() == word)
    }

    /// In words, for a form.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Keep => "They stay as long as any other. Consent stood when they were made.",
            Self::Erase => "They are erased, unless somebody holds them.",
        }
    }
}

/// An organization's rule on recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// Days, 1 to `MOST_DAYS`.
    pub days: i32,
    /// What happens when consent is taken back.
    pub after_withdrawal: AfterWithdrawal,
}

impl Default for RetentionRule {
    fn default() -> Self {
        Self { days: DEFAULT_DAYS, after_withdrawal: AfterWithdrawal::Keep }
    }
}

impl RetentionRule {
    /// Reads it as a person types it.
    ///
    /// # Errors
    /// What to write instead.
    pub fn read(days: &str, after_withdrawal: &str) -> Result<Self, String> {
        let days = read_days(days)?;
        let answer = AfterWithdrawal::from_word(after_withdrawal);
        let after_withdrawal = answer.ok_or("after withdrawal: choose from the list")?;
        Ok(Self { days, after_withdrawal })
    }

    /// What began before this instant is to be erased.
    #[must_use]
    pub fn kept_since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(i64::from(self.days))
    }
}

/// Reads a number of days as a person types it.
///
/// # Errors
/// What to write instead.
pub fn read_days(days: &str) -> Result<i32, String> {
    let days = days.trim().parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    days.ok_or_else(|| format!("days: write a number from 1 to {MOST_DAYS}"))
}

/// Why a recording was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasedWhy {
    /// Its days were over.
    Retention,
    /// Consent was taken back, and the organization erases then.
    ConsentWithdrawn,
}

impl ErasedWhy {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::ConsentWithdrawn => "consent_withdrawn",
        }
    }

    /// The reason of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Retention, Self::ConsentWithdrawn].into_iter().find(|why| why.word() == word)
    }

    /// In words, for a page.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Retention => "its time was over",
            Self::ConsentWithdrawn => "consent to record was taken back",
        }
    }
}
