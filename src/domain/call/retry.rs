//! How often an unreached patient is rung again, and how long we wait: a business rule of the organization, for each way
//! an attempt can fail. When the rule allows no more, the call becomes work for a person.

use super::Unreached;
use chrono::Duration;

/// The rule after one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryRule {
    /// Attempts in all, from 1: the call is given to a person after so many.
    pub most_tries: i32,
    /// Minutes between the first attempt and the second.
    pub first_pause_minutes: i32,
    /// Minutes before every later attempt.
    pub later_pause_minutes: i32,
}

/// Most attempts any rule may allow.
pub const MOST_TRIES: i32 = 5;
/// Longest pause any rule may ask for, in minutes.
pub const LONGEST_PAUSE_MINUTES: i32 = 720;

impl RetryRule {
    /// Three attempts, the second after a quarter of an hour, the third two hours later.
    pub const USUAL: Self = Self { most_tries: 3, first_pause_minutes: 15, later_pause_minutes: 120 };

    /// What holds while no nurse takes a call: nobody was rung for nothing, so nurses are soon asked again.
    pub const NURSES: Self = Self { most_tries: 5, first_pause_minutes: 5, later_pause_minutes: 15 };

    /// Whether its numbers are within what any rule may say.
    #[must_use]
    pub const fn is_sound(self) -> bool {
        1 <= self.most_tries
            && self.most_tries <= MOST_TRIES
            && 1 <= self.first_pause_minutes
            && self.first_pause_minutes <= LONGEST_PAUSE_MINUTES
            && 1 <= self.later_pause_minutes
            && self.later_pause_minutes <= LONGEST_PAUSE_MINUTES
    }

    /// How long to wait after so many attempts; `None` when no further one is allowed.
    #[must_use]
    pub fn pause_after(self, attempts: i32) -> Option<Duration> {
        if attempts >= self.most_tries {
            return None;
        }
        let minutes = if attempts <= 1 { self.first_pause_minutes } else { self.later_pause_minutes };
        Some(Duration::minutes(i64::from(minutes)))
    }
}

/// The rules of one purpose of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    busy: RetryRule,
    no_answer: RetryRule,
    failed: RetryRule,
    no_keys: RetryRule,
    hung_up: RetryRule,
    no_nurse: RetryRule,
    voicemail: RetryRule,
}

impl RetryPolicy {
    /// What holds where an organization has set nothing.
    pub const USUAL: Self = Self {
        busy: RetryRule::USUAL,
        no_answer: RetryRule::USUAL,
        failed: RetryRule::USUAL,
        no_keys: RetryRule::USUAL,
        hung_up: RetryRule::USUAL,
        no_nurse: RetryRule::NURSES,
        voicemail: RetryRule::USUAL,
    };

    /// The rule after an outcome.
    #[must_use]
    pub const fn after(&self, why: Unreached) -> RetryRule {
        match why {
            Unreached::Busy => self.busy,
            Unreached::NoAnswer => self.no_answer,
            Unreached::Failed => self.failed,
            Unreached::NoKeys => self.no_keys,
            Unreached::HungUp => self.hung_up,
            Unreached::NoNurse => self.no_nurse,
            Unreached::Voicemail => self.voicemail,
        }
    }

    /// The same policy with another rule after an outcome.
    #[must_use]
    pub const fn with(mut self, why: Unreached, rule: RetryRule) -> Self {
        match why {
            Unreached::Busy => self.busy = rule,
            Unreached::NoAnswer => self.no_answer = rule,
            Unreached::Failed => self.failed = rule,
            Unreached::NoKeys => self.no_keys = rule,
            Unreached::HungUp => self.hung_up = rule,
            Unreached::NoNurse => self.no_nurse = rule,
            Unreached::Voicemail => self.voicemail = rule,
        }
        self
    }

    /// Most rings of the patient, after whatever outcomes.
    #[must_use]
    pub fn most_tries(&self) -> i32 {
        let rang = Unreached::ALL.into_iter().filter(|why| *why != Unreached::NoNurse);
        rang.map(|why| self.after(why).most_tries).max().unwrap_or(1)
    }
}
