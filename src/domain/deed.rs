//! One deed as it is written down: what was done, to whom, with codes and counts.

use super::{audit::DeedKind, ids::PatientId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One thing that was done or read. Details are ids, codes and counts, never names, numbers or speech.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What kind of deed.
    pub kind: DeedKind,
    /// The patient it touched.
    pub patient: Option<PatientId>,
    /// The row it was about: a call, an assessment, a session.
    pub subject: Option<Uuid>,
    /// Codes and counts, by name.
    pub detail: BTreeMap<&'static str, String>,
}

impl Deed {
    /// A deed of a kind.
    #[must_use]
    pub const fn of(kind: DeedKind) -> Self {
        Self { kind, patient: None, subject: None, detail: BTreeMap::new() }
    }

    /// The patient it touched.
    #[must_use]
    pub const fn patient(mut self, patient: PatientId) -> Self {
        self.patient = Some(patient);
        self
    }

    /// The row it was about.
    #[must_use]
    pub const fn subject(mut self, subject: Uuid) -> Self {
        self.subject = Some(subject);
        self
    }

    /// A code or count.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.detail.insert(name, value.to_string());
        self
    }
}
