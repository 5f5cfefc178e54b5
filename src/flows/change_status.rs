//! Changes where a patient stands. In one transaction the change is written and everything it makes impossible is called
//! off: planned calls, attempts about to be dialled, what the carrier has, texts that wait. Nothing comes back by itself:
//! calls are planned again by a person. Keeps promise 3.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        contact_hours::Channel,
        hold_back::Rule,
        ids::{PatientId, StatusChangeId},
        people::{Actor, PatientStatus, Role},
        private::Private,
    },
    error::Error,
    live::LiveEvent,
    store::{
        audit::open_chart_for,
        calling_off::{self, Cause},
        status_changes::{self, StatusChange},
    },
};

/// Most characters of an evidence.
const LONGEST: usize = 500;

/// A change as a person writes it down.
#[derive(Clone)]
pub struct NewStatus {
    /// Where the patient stood when the form was opened.
    pub was: PatientStatus,
    /// Where they stand from now on.
    pub becomes: PatientStatus,
    /// Who told us, and when.
    pub evidence: Private<String>,
}

/// Changes it. The same form sent twice is one change.
///
/// # Errors
/// `Forbidden` unless a nurse, coordinator or physician of the patient's team; `Invalid` without evidence; `Conflict` when
/// somebody else changed it meanwhile.
pub async fn change(app: &App, actor: &Actor, patient: PatientId, new: NewStatus) -> Result<(), Error> {
    let author = actor.staff_among(&[Role::Nurse, Role::Coordinator, Role::Physician]).ok_or(Error::Forbidden)?;
    let evidence = new.evidence.reveal().trim().to_owned();
    if !(1..=LONGEST).contains(&evidence.chars().count()) {
        return Err(Error::Invalid("evidence: write who told us and when, in 1 to 500 characters".to_owned()));
    }
    let now = app.clock.now();
    let id = StatusChangeId::at(now);
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::ChangedStatus).subject(id.0).with("became", new.becomes.word());
    let chart = open_chart_for(&mut tx, actor, patient, deed, now).await?;
    chart.may_change()?;
    let was = status_changes::present(&mut tx, &chart).await?;
    if was == new.becomes {
        return Ok(());
    }
    if was != new.was {
        return Err(Error::Conflict(format!(
            "somebody has written “{}” meanwhile; look at the chart, then decide",
            was.word()
        )));
    }
    let change = StatusChange { id, was, became: new.becomes, evidence: Private::new(evidence), author, at: now };
    status_changes::make(&mut tx, &chart, &change).await?;
    let mut silenced = Vec::new();
    if let Some(rule) = forbids(new.becomes) {
        let cause = Cause { rule, fact: id.0 };
        let both = [Channel::Voice, Channel::Text];
        silenced = calling_off::call_off(&mut tx, actor, &chart, cause, &both, now).await?.calls;
    }
    tx.commit().await?;
    for call in silenced {
        app.live.publish(actor.org, call, LiveEvent::CallMoved);
    }
    Ok(())
}

/// The rule that a status brings with it.
const fn forbids(status: PatientStatus) -> Option<Rule> {
    match status {
        PatientStatus::Active => None,
        PatientStatus::Deceased => Some(Rule::Deceased),
        PatientStatus::Admitted => Some(Rule::Admitted),
        PatientStatus::Withdrawn | PatientStatus::Transferred => Some(Rule::NotFollowed),
    }
}
