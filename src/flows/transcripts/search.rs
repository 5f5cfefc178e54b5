//! Looks for words that were said on the calls of one patient. That somebody looked is in the record, and not for what.

pub use crate::store::transcripts::FoundUtterance;

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::PatientId,
        people::{Actor, Patient, Role},
        private::Private,
        reach::UrgentAccess,
    },
    error::Error,
    store::{audit::open_chart_for, people, transcripts, worklist},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// Most utterances of one answer.
pub const MOST_FOUND: i64 = 100;
/// Most characters that are looked for.
pub const LONGEST_QUERY: usize = 200;

/// What was found.
pub struct Found {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// The organization's zone.
    pub zone: Tz,
    /// On whose calls.
    pub patient: Patient,
    /// The utterances, newest first; `None` when nothing was looked for.
    pub utterances: Option<Vec<FoundUtterance>>,
    /// Whether there are more than are given.
    pub is_cut: bool,
    /// The urgent access by which the reader is here.
    pub urgent: Option<UrgentAccess>,
}

/// Looks for them.
///
/// # Errors
/// `Forbidden` for whoever does not care for patients; `NotFound` for a patient out of reach.
pub async fn search(app: &App, actor: &Actor, patient: PatientId, typed: &Private<String>) -> Result<Found, Error> {
    let _carer = actor.staff_among(&[Role::Nurse, Role::Coordinator, Role::Physician]).ok_or(Error::Forbidden)?;
    let words: String = typed.reveal().trim().chars().take(LONGEST_QUERY).collect();
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    // What was typed is clinical, so only its length is in the record.
    let deed = Deed::of(DeedKind::SearchedTranscripts).with("typed", words.chars().count());
    let receipt = open_chart_for(&mut tx, actor, patient, deed, now).await?;
    let patient = people::patient(&mut tx, &receipt).await?;
    let zone = worklist::zone(&mut tx).await?;
    let mut utterances = if words.is_empty() {
        None
    } else {
        Some(transcripts::search(&mut tx, &receipt, &Private::new(words), MOST_FOUND.saturating_add(1)).await?)
    };
    tx.commit().await?;
    let most = usize::try_from(MOST_FOUND).unwrap_or(usize::MAX);
    let is_cut = utterances.as_ref().is_some_and(|found| found.len() > most);
    if let Some(found) = &mut utterances {
        found.truncate(most);
    }
    Ok(Found { now, zone, patient, utterances, is_cut, urgent: receipt.reach().urgent() })
}
