//! The one error type, and the one verdict that both web and jobs read.

use crate::ports::{Outage, OutageKind};

/// What we did not want. Expected outcomes (busy, voicemail, "the protocol does not say") are values, not errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong; the text says what to do next and may be shown.
    #[error("{0}")]
    Invalid(String),
    /// Nobody is signed in.
    #[error("sign in first")]
    SignedOut,
    /// Signed in, but what was asked for wants a proof of the last minutes.
    #[error("prove again who you are")]
    Unproven,
    /// Signed in by a password alone where a second factor is required.
    #[error("add a second factor first")]
    FactorOwed,
    /// The role or care team does not permit it.
    #[error("your role does not permit this")]
    Forbidden,
    /// No such row in this organization.
    #[error("there is nothing here under that name")]
    NotFound,
    /// The row has moved on since it was read.
    #[error("{0}")]
    Conflict(String),
    /// Too often in too short a time.
    #[error("too often; wait {seconds} seconds")]
    TooMany {
        /// Seconds until it may be tried again.
        seconds: u64,
    },
    /// A dependency failed.
    #[error(transparent)]
    Outage(#[from] Outage),
    /// The database failed.
    #[error("the database did not do what was asked")]
    Database(#[from] sqlx::Error),
    /// We are wrong: stored data that cannot be read, a broken invariant.
    #[error("careline is at fault: {0}")]
    Fault(String),
}

/// Whose turn it is after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The caller must change something: a page with the text, no retry.
    CallersFault,
    /// The same request may work later.
    TryLater,
    /// Ours: logged, answered with a request id.
    OurFault,
}

impl Error {
    /// Whose turn it is.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Invalid(_)
            | Self::SignedOut
            | Self::Unproven
            | Self::FactorOwed
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict(_)
            | Self::TooMany { .. } => Verdict::CallersFault,
            Self::Outage(outage) => match outage.kind {
                OutageKind::Refused(_) => Verdict::OurFault,
                OutageKind::Unreachable
                | OutageKind::TimedOut
                | OutageKind::Broken
                | OutageKind::Throttled
                | OutageKind::Garbled => Verdict::TryLater,
            },
            Self::Database(error) => database_verdict(error),
            Self::Fault(_) => Verdict::OurFault,
        }
    }
}

impl Error {
    /// What may be logged: kinds and codes, never a value that was sent or stored.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Invalid(_) => "invalid input".to_owned(),
            Self::SignedOut => "signed out".to_owned(),
            Self::Unproven => "proof wanted".to_owned(),
            Self::FactorOwed => "factor owed".to_owned(),
            Self::Forbidden => "forbidden".to_owned(),
            Self::NotFound => "not found".to_owned(),
            Self::Conflict(_) => "conflict".to_owned(),
            Self::TooMany { .. } => "too many".to_owned(),
            Self::Outage(outage) => outage.to_string(),
            Self::Database(sqlx::Error::Database(database)) => {
                let code = database.code().unwrap_or_default();
                match (&*code, database.constraint().or_else(|| database.table())) {
                    ("28P01" | "28000", _) => "database: the role or its password was refused".to_owned(),
                    ("3D000", _) => "database: there is no database of that name".to_owned(),
                    (code, Some(place)) => format!("database: {code} {place}"),
                    (code, None) => format!("database: {code}"),
                }
            }
            // Of a name nobody knows the system tells no kind.
            Self::Database(sqlx::Error::Io(error)) if error.kind().to_string() == "uncategorized error" => {
                "database: its host is not known".to_owned()
            }
            Self::Database(sqlx::Error::Io(error)) => format!("database: {}", error.kind()),
            Self::Database(sqlx::Error::PoolTimedOut) => "database: no free connection".to_owned(),
            Self::Database(sqlx::Error::RowNotFound) => "database: a row is missing".to_owned(),
            Self::Database(sqlx::Error::ColumnDecode { index, .. }) => format!("database: column {index} unreadable"),
            Self::Database(_) => "database: the driver failed".to_owned(),
            Self::Fault(text) => text.clone(),
        }
    }
}

/// The counter of requests did not answer, so what must be counted is not done.
#[must_use]
pub fn limiter_is_away() -> Outage {
    Outage { dependency: "limiter", kind: OutageKind::Unreachable }
}

fn database_verdict(error: &sqlx::Error) -> Verdict {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => Verdict::TryLater,
        other => match other.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
            // Serialization failure, deadlock, no connection free, cancelled by a timeout, shutdown, cannot connect now: the
            // same request may work later.
            Some("40001" | "40P01" | "53300" | "57014" | "57P01" | "57P02" | "57P03") => Verdict::TryLater,
            // Unique and foreign keys bypass row-level security, so their names are never echoed.
            Some("23505" | "23503") => Verdict::CallersFault,
            Some(_) | None => Verdict::OurFault,
        },
    }
}
