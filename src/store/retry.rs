//! How often an unreached patient is rung again, as an organization has set it; the defaults are the domain's.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::call::{CallPurpose, RetryPolicy, RetryRule, Unreached},
    error::Error,
};

/// Calls of which purpose a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryFor {
    /// Every purpose without a rule of its own.
    Any,
    /// One purpose.
    Purpose(CallPurpose),
}

impl RetryFor {
    /// Every one, in the order forms list them.
    pub const ALL: [Self; 5] = [
        Self::Any,
        Self::Purpose(CallPurpose::CheckIn),
        Self::Purpose(CallPurpose::Assessment),
        Self::Purpose(CallPurpose::FollowUp),
        Self::Purpose(CallPurpose::MedicationCheck),
    ];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Purpose(purpose) => purpose.word(),
        }
    }

    /// The one of a stored or sent word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What holds for calls of a purpose: its own rules, then those for any purpose, then the defaults.
///
/// # Errors
/// When the database is away or a stored outcome cannot be read.
pub async fn policy(tx: &mut OrgTx, purpose: CallPurpose) -> Result<RetryPolicy, Error> {
    let org = tx.org();
    let rules = sqlx::query_scalar!(
        r#"select coalesce(jsonb_agg(jsonb_build_array(outcome, most_tries, first_pause_minutes, later_pause_minutes)
                                     order by purpose = 'any' desc), '[]') as "rules!"
             from retry_rule
            where org_id = $1
              and purpose in ('any', $2)"#,
        org.0,
        purpose.word()
    )
    .fetch_one(tx.connection())
    .await?;
    stored_policy(rules)
}

/// A policy as a statement gathers its rules: outcome, most tries, first and later pause in minutes of each, those for any
/// purpose first.
pub(super) fn stored_policy(rules: serde_json::Value) -> Result<RetryPolicy, Error> {
    let rules: Vec<(String, i32, i32, i32)> = serde_json::from_value(rules).map_err(|_| unreadable())?;
    rules.into_iter().try_fold(RetryPolicy::USUAL, |policy, (outcome, most_tries, first, later)| {
        let outcome = Unreached::from_code(&outcome).ok_or_else(unreadable)?;
        let rule = RetryRule { most_tries, first_pause_minutes: first, later_pause_minutes: later };
        Ok(policy.with(outcome, rule))
    })
}

/// One rule an organization has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetRule {
    /// For which calls.
    pub purpose: RetryFor,
    /// After which outcome.
    pub outcome: Unreached,
    /// The rule.
    pub rule: RetryRule,
}

/// Every rule the organization has set.
///
/// # Errors
/// When the database is away or a stored code cannot be read.
pub async fn all(tx: &mut OrgTx) -> Result<Vec<SetRule>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select purpose, outcome, most_tries, first_pause_minutes, later_pause_minutes
           from retry_rule
          where org_id = $1
          order by purpose, outcome",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SetRule {
                purpose: RetryFor::from_word(&row.purpose).ok_or_else(unreadable)?,
                outcome: Unreached::from_code(&row.outcome).ok_or_else(unreadable)?,
                rule: RetryRule {
                    most_tries: row.most_tries,
                    first_pause_minutes: row.first_pause_minutes,
                    later_pause_minutes: row.later_pause_minutes,
                },
            })
        })
        .collect()
}

/// Sets a rule.
///
/// # Errors
/// When the database is away.
pub async fn set(tx: &mut OrgTx, _: &Receipt, set: SetRule) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into retry_rule (org_id, purpose, outcome, most_tries, first_pause_minutes, later_pause_minutes)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, purpose, outcome) do update
            set most_tries = excluded.most_tries, first_pause_minutes = excluded.first_pause_minutes,
                later_pause_minutes = excluded.later_pause_minutes",
        org.0,
        set.purpose.word(),
        set.outcome.code(),
        set.rule.most_tries,
        set.rule.first_pause_minutes,
        set.rule.later_pause_minutes
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes a rule back: what is more general holds again.
///
/// # Errors
/// When the database is away.
pub async fn unset(tx: &mut OrgTx, _: &Receipt, purpose: RetryFor, outcome: Unreached) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from retry_rule
          where org_id = $1
            and purpose = $2
            and outcome = $3",
        org.0,
        purpose.word(),
        outcome.code()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn unreadable() -> Error {
    Error::Fault("a stored rule on ringing again cannot be read".to_owned())
}
