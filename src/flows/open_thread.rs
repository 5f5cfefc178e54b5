//! The texts of one patient, and those that nobody has read yet.

pub use crate::store::inbox::{ThreadLine, UnreadText};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        contact_hours::{Channel, may_contact},
        ids::{PatientId, TextId},
        people::{Actor, Language, Patient, Role},
        reach::UrgentAccess,
        text::templates::Filling,
    },
    error::Error,
    store::{audit, follow_ups, inbox, people, reminders, standing::standing},
};
use chrono::{DateTime, Utc};

/// Everything the thread of a patient shows.
#[derive(Clone)]
pub struct Thread {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// The person.
    pub patient: Patient,
    /// Either way, the newest first.
    pub lines: Vec<ThreadLine>,
    /// What keeps texts back now, in words; `None` when nothing does.
    pub held_back: Option<String>,
    /// Until when, if it lets go by itself.
    pub until: Option<DateTime<Utc>>,
    /// What our own texts would be filled with.
    pub filling: Filling,
    /// The language they would be in.
    pub language: Language,
    /// Unread texts of nobody known, of which somebody may say that they are about this patient.
    pub unknown: Vec<UnreadText>,
    /// The urgent access by which the reader is here.
    pub urgent: Option<UrgentAccess>,
}

/// Opens it.
///
/// # Errors
/// `Forbidden` for whoever does not care for patients; `NotFound` when there is no such patient in reach.
pub async fn open(app: &App, actor: &Actor, patient: PatientId) -> Result<Thread, Error> {
    let _carer = actor.staff_among(&[Role::Nurse, Role::Coordinator, Role::Physician]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::open_chart(&mut tx, actor, patient, DeedKind::OpenedTexts, now).await?;
    let patient = people::patient(&mut tx, &receipt).await?;
    let lines = inbox::thread(&mut tx, &receipt).await?;
    let urgent = receipt.reach().urgent();
    let mut unknown = inbox::unread(&mut tx, receipt.entry()).await?;
    unknown.retain(|text| text.patient.is_none());
    let filling = reminders::settings(&mut tx).await?.filling;
    // The standing keeps the row of the patient, so it is asked last.
    let standing = standing(&mut tx, patient.id, now).await?;
    tx.commit().await?;
    let held = may_contact(now, &standing, Channel::Text).err();
    Ok(Thread {
        now,
        language: patient.language,
        patient,
        lines,
        held_back: held.map(|hold| hold.says(Channel::Text, standing.time_zone)),
        until: held.and_then(|hold| hold.until),
        filling,
        unknown,
        urgent,
    })
}

/// Texts nobody has read yet, of patients the reader reaches and of nobody known.
///
/// # Errors
/// `Forbidden` for whoever does not care for patients.
pub async fn unread(app: &App, actor: &Actor) -> Result<Vec<UnreadText>, Error> {
    let _carer = actor.staff_among(&[Role::Nurse, Role::Coordinator, Role::Physician]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::record(&mut tx, actor, &Deed::of(DeedKind::ListedTexts), now).await?;
    let found = inbox::unread(&mut tx, &receipt).await?;
    tx.commit().await?;
    Ok(found)
}

/// Notes that a text that came in was read. Whom it is with is returned.
///
/// # Errors
/// `Forbidden` for whoever does not care for patients; `NotFound` for a text out of reach.
pub async fn mark_read(app: &App, actor: &Actor, id: TextId) -> Result<Option<PatientId>, Error> {
    let reader = actor.staff_among(&[Role::Nurse, Role::Coordinator, Role::Physician]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = inbox::lock(&mut tx, id).await?;
    let deed = Deed { patient: held.patient, ..Deed::of(DeedKind::ReadText).subject(id.0) };
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    inbox::mark_read(&mut tx, &receipt, id, reader, now).await?;
    tx.commit().await?;
    Ok(held.patient)
}

/// Puts a text of nobody known with a patient, as a person found out. What it may be about becomes work for that patient.
///
/// # Errors
/// `Forbidden` unless a nurse or coordinator of the patient's team; `Conflict` when it is with somebody already.
pub async fn put_with(app: &App, actor: &Actor, id: TextId, patient: PatientId) -> Result<(), Error> {
    let _finder = actor.staff_among(&[Role::Nurse, Role::Coordinator]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::MatchedText).subject(id.0);
    let receipt = audit::open_chart_for(&mut tx, actor, patient, deed, now).await?;
    receipt.may_change()?;
    let held = inbox::lock(&mut tx, id).await?;
    if held.patient.is_some() {
        return Err(Error::Conflict("this text is with a patient already; open the list again".to_owned()));
    }
    inbox::put_with(&mut tx, &receipt, id).await?;
    if let Some(work) = held.work_for(patient, id, now) {
        follow_ups::open(&mut tx, actor, &work, now).await?;
    }
    tx.commit().await
}
