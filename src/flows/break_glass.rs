//! Urgent access ("break-glass"): a nurse or physician reaches one patient outside their teams for an hour, reading and
//! calling only. Its beginning and end are in the record, and without the entry there is no access.

pub use crate::domain::reach::{UrgentAccess, UrgentReason};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{BreakGlassId, PatientId, StaffId},
        job::Job,
        notice::Notice,
        people::{Actor, Role, Who},
        private::Private,
        reach::{REVIEW_WITHIN, Reach, URGENT_LASTS, UrgentEnd},
    },
    error::Error,
    store::{
        OrgTx,
        audit::{Receipt, record},
        break_glass::{self, Begun, Held},
        jobs, teams,
    },
};
use chrono::{DateTime, NaiveDate, Utc};

/// Fewest and most characters of the reason in words.
const WORDS: std::ops::RangeInclusive<usize> = 5..=500;

/// What is typed to reach a patient urgently.
#[derive(Clone, Default)]
pub struct Wanted {
    /// The exact family name.
    pub family_name: Private<String>,
    /// Date of birth, `YYYY-MM-DD`.
    pub date_of_birth: Private<String>,
    /// Only when two patients share both.
    pub given_name: Private<String>,
    /// Why, a word of the list.
    pub reason: String,
    /// Why, in a sentence.
    pub words: Private<String>,
}

/// Begins an urgent access, or finds that the person reaches the patient already.
///
/// # Errors
/// `Forbidden` unless a nurse or physician; `Invalid` naming each faulty field, or that nobody has this name and date of
/// birth. Without the entry in the record nothing begins.
pub async fn begin(app: &App, actor: &Actor, wanted: Wanted) -> Result<PatientId, Error> {
    let staff = taker(actor)?;
    let (born, reason) = faultless(&wanted)?;
    let now = app.clock.now();
    // The one look beyond the person's own reach; what it finds is an id, and only after both facts were known.
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    let Some(patient) = sought(&mut tx, &wanted, born).await? else {
        let deed = Deed::of(DeedKind::SoughtUrgently).with("reason", reason.word());
        let _receipt: Receipt = record(&mut tx, actor, &deed, now).await?;
        tx.commit().await?;
        let text = "nobody has exactly this family name and date of birth; check both with the caller";
        return Err(Error::Invalid(text.to_owned()));
    };
    match teams::reach(&mut tx, actor, patient, now).await {
        Ok(Reach::Team | Reach::Urgent(_) | Reach::Everyone) => return Ok(patient),
        Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    if let Some(over) = break_glass::open_of(&mut tx, staff, patient).await? {
        // Its time was over and no job has been there yet.
        close(&mut tx, actor, over.id, patient, UrgentEnd::RanOut, now).await?;
    }
    let begun = Begun {
        id: BreakGlassId::at(now),
        staff,
        patient,
        reason,
        words: Private::new(wanted.words.reveal().trim().to_owned()),
        ends_at: now + URGENT_LASTS,
    };
    let deed = Deed::of(DeedKind::BeganBreakGlass).patient(patient).subject(begun.id.0).with("reason", reason.word());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    break_glass::begin(&mut tx, &receipt, &begun, now).await?;
    call_for_review(&mut tx, &begun, now).await?;
    tx.commit().await?;
    Ok(patient)
}

/// Gives an urgent access back before its time is over; returns whose chart it was.
///
/// # Errors
/// `NotFound` for one that is not the person's own.
pub async fn give_back(app: &App, actor: &Actor, id: BreakGlassId) -> Result<PatientId, Error> {
    let staff = taker(actor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = break_glass::lock(&mut tx, id).await?;
    if held.staff != staff {
        return Err(Error::NotFound);
    }
    if held.is_open {
        close(&mut tx, actor, id, held.patient, UrgentEnd::GivenBack, now).await?;
        tx.commit().await?;
    }
    Ok(held.patient)
}

/// Ends an urgent access whose time is over. Run by a job; may run twice.
///
/// # Errors
/// When the database is away.
pub async fn run_out(app: &App, actor: &Actor, id: BreakGlassId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held: Held = break_glass::lock(&mut tx, id).await?;
    if !held.is_open || now < held.ends_at {
        return Ok(());
    }
    close(&mut tx, actor, id, held.patient, UrgentEnd::RanOut, now).await?;
    tx.commit().await?;
    Ok(())
}

async fn close(
    tx: &mut OrgTx,
    actor: &Actor,
    id: BreakGlassId,
    patient: PatientId,
    how: UrgentEnd,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = Deed::of(DeedKind::EndedBreakGlass).patient(patient).subject(id.0).with("how", how.word());
    let receipt = record(tx, actor, &deed, now).await?;
    break_glass::end(tx, &receipt, id, how, now).await
}

/// Tells the reviewers at once, and winds the clocks of the end and of the review.
async fn call_for_review(tx: &mut OrgTx, begun: &Begun, now: DateTime<Utc>) -> Result<(), Error> {
    let id = begun.id;
    jobs::enqueue(tx, &Job::EndBreakGlass { break_glass: id }, "end", begun.ends_at, now).await?;
    let remind = Job::RemindBreakGlass { break_glass: id, round: 0 };
    jobs::enqueue(tx, &remind, "review", now + REVIEW_WITHIN, now).await?;
    for staff in break_glass::reviewers(tx, begun.patient, begun.staff).await? {
        let letter = Job::SendNotice { staff, notice: Notice::BreakGlassBegan };
        jobs::enqueue(tx, &letter, &id.to_string(), now, now).await?;
    }
    Ok(())
}

async fn sought(tx: &mut OrgTx, wanted: &Wanted, born: NaiveDate) -> Result<Option<PatientId>, Error> {
    let named = break_glass::named(tx, wanted.family_name.reveal().trim(), born).await?;
    let given = wanted.given_name.reveal().trim().to_lowercase();
    let mut found = named.iter().filter(|(_, name)| given.is_empty() || name.reveal().to_lowercase() == given);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some((patient, _)), None) => Ok(Some(*patient)),
        (Some(_), Some(_)) => Err(Error::Invalid(
            "given name: several patients share this family name and date of birth; write the given name too"
                .to_owned(),
        )),
    }
}

fn taker(actor: &Actor) -> Result<StaffId, Error> {
    match actor.who {
        Who::Staff { id, role: Role::Nurse | Role::Physician, .. } => Ok(id),
        Who::Staff { role: Role::Coordinator | Role::Admin | Role::Auditor, .. }
        | Who::Careline
        | Who::Carrier
        | Who::Operator
        | Who::Visitor => Err(Error::Forbidden),
    }
}

fn faultless(wanted: &Wanted) -> Result<(NaiveDate, UrgentReason), Error> {
    let mut faults = Vec::new();
    if wanted.family_name.reveal().trim().is_empty() {
        faults.push("family name: write it exactly as the caller spells it");
    }
    let born = NaiveDate::parse_from_str(wanted.date_of_birth.reveal().trim(), "%Y-%m-%d").ok();
    if born.is_none() {
        faults.push("date of birth: write year, month and day, such as 1944-03-09");
    }
    let reason = UrgentReason::from_word(&wanted.reason);
    if reason.is_none() {
        faults.push("reason: choose one from the list");
    }
    if !WORDS.contains(&wanted.words.reveal().trim().chars().count()) {
        faults.push("in words: say in a sentence why it cannot wait, 5 to 500 characters");
    }
    match (born, reason) {
        (Some(born), Some(reason)) if faults.is_empty() => Ok((born, reason)),
        (_, _) => Err(Error::Invalid(faults.join("; "))),
    }
}
