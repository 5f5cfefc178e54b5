//! Opens who may contact a patient, how and when: where they stand, consents with their evidence, what their number said,
//! their hours, what changes have called off, and what the rules say at this instant.

pub use crate::store::{
    calling_off::{CalledOff, Cause},
    opt_outs::{OptOut, Wish},
    status_changes::StatusChange,
};

use crate::{
    app::App,
    domain::{
        answering::VoicemailRule,
        audit::DeedKind,
        call::CallManner,
        consent::Consent,
        contact_hours::{Channel, Standing, may_call, may_contact},
        hold_back::HoldBack,
        ids::PatientId,
        people::{Actor, Contact, Patient, Role},
        reach::UrgentAccess,
    },
    error::Error,
    store::{audit, calling_off, house_rules, opt_outs, people, standing, status_changes, voicemail},
};
use chrono::{DateTime, Utc};

/// Everything the page shows.
#[derive(Clone)]
pub struct StandingPage {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// The person.
    pub patient: Patient,
    /// Family and caregivers.
    pub contacts: Vec<Contact>,
    /// What the rules read.
    pub standing: Standing,
    /// What they say about a call now.
    pub call: Result<(), HoldBack>,
    /// What they say about a text now.
    pub text: Result<(), HoldBack>,
    /// What they say about a check-in by keypad now, and about one by text.
    pub check_ins: (Result<(), HoldBack>, Result<(), HoldBack>),
    /// Every fact of consent, newest first.
    pub consents: Vec<Consent>,
    /// What the number said, newest first.
    pub opt_outs: Vec<OptOut>,
    /// Changes of status, newest first, with who wrote each down.
    pub changes: Vec<(StatusChange, String)>,
    /// What changes have called off, newest first.
    pub called_off: Vec<(Cause, CalledOff)>,
    /// What their voicemail is told, where they have a rule of their own, and what the organization's is.
    pub voicemail: (Option<VoicemailRule>, VoicemailRule),
    /// The urgent access by which the reader is here.
    pub urgent: Option<UrgentAccess>,
}

/// Reads it.
///
/// # Errors
/// `Forbidden` for whoever does not care for patients; `NotFound` for a patient out of reach.
pub async fn open(app: &App, actor: &Actor, patient: PatientId) -> Result<StandingPage, Error> {
    actor.staff_among(&[Role::Nurse, Role::Coordinator, Role::Physician]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let chart = audit::open_chart(&mut tx, actor, patient, DeedKind::OpenedStanding, now).await?;
    let standing = standing::standing(&mut tx, patient, now).await?;
    let page = StandingPage {
        now,
        patient: people::patient(&mut tx, &chart).await?,
        contacts: people::contacts(&mut tx, &chart).await?,
        call: may_contact(now, &standing, Channel::Voice),
        text: may_contact(now, &standing, Channel::Text),
        check_ins: (may_call(now, &standing, CallManner::Keypad), may_call(now, &standing, CallManner::ReplyText)),
        standing,
        consents: people::consents(&mut tx, &chart).await?,
        opt_outs: opt_outs::of_patient(&mut tx, &chart).await?,
        changes: status_changes::of_chart(&mut tx, &chart).await?,
        called_off: calling_off::of_chart(&mut tx, &chart).await?,
        voicemail: (voicemail::own_rule(&mut tx, &chart).await?, house_rules::calling_rules(&mut tx).await?.voicemail),
        urgent: chart.reach().urgent(),
    };
    tx.commit().await?;
    Ok(page)
}
