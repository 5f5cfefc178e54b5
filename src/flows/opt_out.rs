//! A patient's number asks for no more calls or texts, or for them again, as a nurse or coordinator heard it. What was
//! planned on that channel is called off in the same transaction, for everybody who is rung at the number.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        consent::ConsentChannel,
        hold_back::Rule,
        ids::{CallId, OptOutId, PatientId},
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
    live::LiveEvent,
    store::{
        OrgTx,
        audit::{ChartReceipt, open_chart, open_chart_for},
        calling_off::{self, Cause},
        opt_outs::{self, OptOut},
        standing,
    },
};
use chrono::{DateTime, Utc};

pub use crate::store::opt_outs::Wish;

/// Most characters of an evidence.
const LONGEST: usize = 500;

/// What somebody at the number said, as a person writes it down.
#[derive(Clone)]
pub struct NewWish {
    /// By which way.
    pub channel: ConsentChannel,
    /// What they want.
    pub wish: Wish,
    /// How it is known.
    pub evidence: Private<String>,
}

/// Writes it down.
///
/// # Errors
/// `Forbidden` unless a nurse or coordinator of the patient's team; `Invalid` without evidence.
pub async fn note(app: &App, actor: &Actor, patient: PatientId, new: NewWish) -> Result<(), Error> {
    let author = actor.staff_among(&[Role::Nurse, Role::Coordinator]).ok_or(Error::Forbidden)?;
    let evidence = new.evidence.reveal().trim().to_owned();
    if !(1..=LONGEST).contains(&evidence.chars().count()) {
        return Err(Error::Invalid("evidence: write what was said and when, in 1 to 500 characters".to_owned()));
    }
    let now = app.clock.now();
    let id = OptOutId::at(now);
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::RecordedOptOut)
        .subject(id.0)
        .with("wish", new.wish.word())
        .with("channel", new.channel.word());
    let chart = open_chart_for(&mut tx, actor, patient, deed, now).await?;
    chart.may_change()?;
    let number = standing::number(&mut tx, &chart).await?;
    let said = OptOut {
        id,
        channel: new.channel,
        wish: new.wish,
        evidence: Private::new(evidence),
        author: Some(author),
        at: now,
    };
    opt_outs::note(&mut tx, chart.entry(), &number, &said).await?;
    let mut silenced = Vec::new();
    if new.wish == Wish::Stop {
        for other in opt_outs::at_number(&mut tx, &number).await? {
            silenced.extend(silence(&mut tx, actor, &chart, other, &said, now).await?);
        }
    }
    tx.commit().await?;
    for call in silenced {
        app.live.publish(actor.org, call, LiveEvent::CallMoved);
    }
    Ok(())
}

/// Calls off what was planned for one patient at the number.
async fn silence(
    tx: &mut OrgTx,
    actor: &Actor,
    chart: &ChartReceipt,
    patient: PatientId,
    said: &OptOut,
    now: DateTime<Utc>,
) -> Result<Vec<CallId>, Error> {
    let cause = Cause { rule: Rule::OptedOut, fact: said.id.0 };
    let channels = said.channel.covers();
    if patient == chart.patient() {
        return Ok(calling_off::call_off(tx, actor, chart, cause, channels, now).await?.calls);
    }
    let other = open_chart(tx, actor, patient, DeedKind::RecordedOptOut, now).await?;
    Ok(calling_off::call_off(tx, actor, &other, cause, channels, now).await?.calls)
}
