//! What the carrier tells about a text, made part of it: used when a callback arrives, when a job asks and when a text is
//! sent.

use super::{
    OrgTx,
    audit::record,
    follow_ups, jobs,
    opt_outs::{self, OptOut, Wish},
    reminders,
    texts::{self, HeldText},
};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        consent::ConsentChannel,
        follow_up::{FollowUpReason, NewFollowUp, default_within},
        ids::OptOutId,
        job::Job,
        people::Actor,
        private::Private,
        text::{Delivery, Refusal, Wording},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Moves a locked text as far as the carrier says. What is no news changes nothing and is not recorded.
///
/// # Errors
/// When the database is away.
pub async fn hear(
    tx: &mut OrgTx,
    actor: &Actor,
    held: &HeldText,
    step: Delivery,
    code: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let fate = held.fate.clone().hear(step, code);
    if fate == held.fate {
        return Ok(());
    }
    texts::follow(tx, held.id, &fate).await?;
    let mut deed = Deed::of(DeedKind::FollowedText).subject(held.id.0).with("step", step.word()).with("code", code);
    deed.patient = held.patient;
    let _receipt = record(tx, actor, &deed, now).await?;
    if step.is_lost() && fate.step == Some(step) {
        lost(tx, actor, held, code, now).await?;
    }
    Ok(())
}

/// A text that did not arrive: what a person wrote becomes work for them, and what the carrier says about a stop is a fact
/// about the number.
///
/// # Errors
/// When the database is away.
pub async fn lost(tx: &mut OrgTx, actor: &Actor, held: &HeldText, code: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let why = Refusal::of(code);
    if why == Refusal::Stopped && reminders::wish_of(tx, &held.number).await? == Wish::GoOn {
        let said = OptOut {
            id: OptOutId::at(now),
            channel: ConsentChannel::Sms,
            wish: Wish::Stop,
            evidence: Private::new(format!("the telephone company refused text {} for a stop (code {code})", held.id)),
            author: None,
            at: now,
        };
        let deed = Deed::of(DeedKind::RecordedTextStop).subject(held.id.0).with("wish", "stop").with("code", code);
        let receipt = record(tx, actor, &deed, now).await?;
        opt_outs::note(tx, &receipt, &held.number, &said).await?;
        reminders::call_off_number(tx, &receipt, &held.number, now).await?;
    }
    if let Some(call) = held.check_in {
        // A question that nobody will read ends its check-in.
        jobs::enqueue(tx, &Job::MindCheckIn { call }, &format!("lost:{}", held.id), now, now).await?;
    }
    let summary = match (held.written_by, held.wording) {
        (Some(_), _) => format!("Your text did not arrive: {}. Find another way of saying it.", why.words()),
        // What it said may have been whom to call in an emergency.
        (None, Wording::CheckInParting) => {
            format!("The last words of a check-in did not arrive: {}. Ring, and say them.", why.words())
        }
        (None, Wording::Template(_) | Wording::Free | Wording::CheckIn | Wording::Received) => return Ok(()),
    };
    let Some(patient) = held.patient else { return Ok(()) };
    let reason = FollowUpReason::TextLost;
    let work = NewFollowUp {
        patient,
        call: held.check_in,
        assessment: None,
        reason,
        summary: Private::new(summary),
        urgency: reason.default_urgency(),
        owner: held.written_by,
        due_at: now + default_within(reason.default_urgency()),
        once_key: format!("text:{}:lost", held.id),
    };
    follow_ups::open(tx, actor, &work, now).await.map(drop)
}
