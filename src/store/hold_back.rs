//! What becomes of a due call that a rule holds back: it waits, or it is called off and somebody is told.

use super::{OrgTx, audit::record, calls, errands, follow_ups, jobs};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        call::{Call, CallEvent},
        follow_up::{FollowUpReason, NewFollowUp, default_within},
        hold_back::{HoldBack, Rule},
        job::Job,
        people::Actor,
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Holds a locked call back: it waits until the rule lets go by itself, or it is called off and, unless the patient is no
/// longer followed at home, a person is told.
///
/// # Errors
/// When the database is away.
pub async fn hold_back(
    tx: &mut OrgTx,
    actor: &Actor,
    call: &mut Call,
    held: HoldBack,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = Deed::of(DeedKind::HeldBackCall).patient(call.patient).subject(call.id.0).with("rule", held.code());
    let _receipt = record(tx, actor, &deed, now).await?;
    if let Some(opens) = held.until {
        call.due_at = opens;
        call.outcome = Some(held.code().to_owned());
        let salt = opens.timestamp_millis().to_string();
        jobs::enqueue(tx, &Job::PlaceCall { call: call.id }, &salt, opens, now).await?;
    } else {
        errands::follow(tx, actor, call, CallEvent::CalledOff, now).await?;
        call.outcome = Some(held.code().to_owned());
        if let Some(owed) = owed(call, held.rule, now) {
            follow_ups::open(tx, actor, &owed, now).await?;
        }
    }
    calls::save(tx, call).await
}

/// What somebody owes a patient whose call no waiting brings back.
fn owed(call: &Call, rule: Rule, now: DateTime<Utc>) -> Option<NewFollowUp> {
    match rule {
        Rule::Deceased | Rule::Admitted | Rule::NotFollowed => return None,
        Rule::NeverAsked
        | Rule::ConsentWithdrawn
        | Rule::OptedOut
        | Rule::OutsideHours
        | Rule::Holiday
        | Rule::DayFull
        | Rule::WeekFull
        | Rule::NeverOpen
        | Rule::NoAutomatedConsent
        | Rule::NoClinicalTexts => {}
    }
    let reason = FollowUpReason::HeldBack;
    let urgency = reason.default_urgency();
    Some(NewFollowUp {
        patient: call.patient,
        call: Some(call.id),
        assessment: None,
        reason,
        summary: Private::new(format!("{}. {}", rule.words(call.manner.channel()), rule.remedy())),
        urgency,
        due_at: now + default_within(urgency),
        once_key: format!("call:{}:{}", call.id, rule.code()),
        owner: call.nurse,
    })
}
