//! Sends a text that is due, once. Permission is asked at the instant of sending and committed before the carrier is spoken
//! to; whatever it answers, the same permission is never used twice. Keeps promises 2 and 3 for texts.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::CallManner,
        contact_hours::{Channel, Standing, may_call, may_contact},
        hold_back::HoldBack,
        ids::TextId,
        job::Job,
        people::{Actor, PatientStatus},
        text::{BoundBy, TextState, Wording, templates::Template},
    },
    error::Error,
    ports::{
        Outage, OutageKind,
        texts::{CarrierText, OutgoingText},
    },
    store::{
        OrgTx,
        audit::record,
        jobs,
        opt_outs::Wish,
        reminders,
        standing::standing,
        text_tidings,
        texts::{self, HeldText},
    },
};
use chrono::{DateTime, Duration, Utc};
use std::time::Duration as Span;
use tokio::time::Instant;

/// Between permission and sending no more may pass: a process that stood still in between leaves it to whoever looks.
const FENCE: Span = Span::from_secs(5);
/// How long a text may wait at the carrier: what waits longer would come at an hour nobody asked about.
const VALID_FOR: Span = Span::from_hours(1);
/// How often a text that was provably not sent goes out again.
const MOST_TRIES: i32 = 5;

/// Sends it, if it may go.
///
/// # Errors
/// When the database is away. What the carrier does is never an error here: it becomes the text's state.
pub async fn send(app: &App, actor: &Actor, id: TextId) -> Result<(), Error> {
    let began = Instant::now();
    let Some(held) = arm(app, actor, id).await? else { return Ok(()) };
    if began.elapsed() > FENCE {
        return Ok(());
    }
    let text = OutgoingText {
        org: actor.org,
        text: id,
        to: held.number.clone(),
        from: held.own_number.clone(),
        body: held.body.clone(),
        valid_for: VALID_FOR,
    };
    // Past this line somebody may read it, whatever we hear.
    let answer = app.texts.send(&text).await;
    settle(app, actor, id, answer).await
}

/// Allows the text to be sent, if it is due and the rules allow it at this instant.
async fn arm(app: &App, actor: &Actor, id: TextId) -> Result<Option<HeldText>, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let standing = match texts::patient_of(&mut tx, id).await? {
        Some(patient) => Some(standing(&mut tx, patient, now).await?),
        None => None,
    };
    let held = texts::lock(&mut tx, id).await?;
    match held.state {
        TextState::Scheduled => {}
        TextState::Sending | TextState::Unknown => {
            // This job ran before and its process died: what it left open is looked into, not repeated.
            look_later(&mut tx, &held, "rerun", 5, now).await?;
            tx.commit().await?;
            return Ok(None);
        }
        TextState::Bound
        | TextState::Rejected
        | TextState::NotSent
        | TextState::HeldBack
        | TextState::CalledOff
        | TextState::Received => return Ok(None),
    }
    if held.send_at > now {
        return Ok(None);
    }
    if let Some(hold) = held_back(&mut tx, &held, standing.as_ref(), now).await? {
        hold_back(&mut tx, actor, &held, &hold, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    if !texts::arm(&mut tx, &held, now).await? {
        // The same words to the same number are in doubt: these wait until that is known.
        texts::postpone(&mut tx, &held, now + Duration::minutes(1), "waits_for_another", now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let deed = deed_of(DeedKind::SentText, &held).with("wording", held.wording.word()).with("try", held.tries + 1);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    look_later(&mut tx, &held, &format!("watch:{}", held.tries), 30, now).await?;
    tx.commit().await?;
    Ok(Some(held))
}

/// What holds a text back: why, a code, and until when if it lets go by itself.
struct Hold {
    state: TextState,
    code: &'static str,
    until: Option<DateTime<Utc>>,
}

async fn held_back(
    tx: &mut OrgTx,
    held: &HeldText,
    standing: Option<&Standing>,
    now: DateTime<Utc>,
) -> Result<Option<Hold>, Error> {
    let for_good = |code| Some(Hold { state: TextState::HeldBack, code, until: None });
    let void = |code| Some(Hold { state: TextState::CalledOff, code, until: None });
    if let Some((call, due_at)) = held.call
        && !reminders::is_planned(tx, call, due_at).await?
    {
        return Ok(void("call_moved"));
    }
    if standing.is_some_and(|standing| standing.status != PatientStatus::Active) {
        return Ok(for_good("patient_not_followed"));
    }
    let bound = held.wording.bound_by();
    if bound != BoundBy::Standing && reminders::wish_of(tx, &held.number).await? == Wish::Stop {
        return Ok(for_good("number_opted_out"));
    }
    let (BoundBy::Everything, Some(patient), Some(standing)) = (bound, held.patient, standing) else {
        return Ok(None);
    };
    if !reminders::has_number(tx, patient, &held.number).await? {
        return Ok(void("number_changed"));
    }
    // A question of a check-in needs leave of its own, and one that comes hours later is no question any more.
    let may = match held.wording {
        Wording::CheckIn => {
            may_call(now, standing, CallManner::ReplyText).map_err(|rule| HoldBack { until: None, ..rule })
        }
        Wording::Template(_) | Wording::Free | Wording::CheckInParting | Wording::Received => {
            may_contact(now, standing, Channel::Text)
        }
    };
    match may {
        Ok(()) => Ok(None),
        Err(rule) => {
            // What would come when its call is over says nothing.
            let until =
                rule.until.filter(|at| held.call.is_none_or(|(_, due_at)| *at + Duration::minutes(15) <= due_at));
            Ok(Some(Hold { state: TextState::HeldBack, code: rule.code(), until }))
        }
    }
}

async fn hold_back(
    tx: &mut OrgTx,
    actor: &Actor,
    held: &HeldText,
    why: &Hold,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = deed_of(DeedKind::HeldBackText, held).with("rule", why.code);
    let _receipt = record(tx, actor, &deed, now).await?;
    match why.until {
        Some(opens) => texts::postpone(tx, held, opens, why.code, now).await,
        None => {
            texts::settle(tx, held.id, why.state, why.code, now).await?;
            text_tidings::lost(tx, actor, held, why.code, now).await
        }
    }
}

/// Makes the carrier's answer the text's state. Only a proven "nothing was sent" allows another try.
async fn settle(app: &App, actor: &Actor, id: TextId, answer: Result<CarrierText, Outage>) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = texts::lock(&mut tx, id).await?;
    let code = match answer {
        Ok(sent) => {
            // A callback may have bound it a moment ago.
            let bound = texts::bind(&mut tx, id, &sent.sid.0, now).await? || held.sid.as_ref() == Some(&sent.sid.0);
            if bound {
                text_tidings::hear(&mut tx, actor, &held, sent.step, &sent.code, now).await?;
                "bound".to_owned()
            } else {
                "surplus".to_owned()
            }
        }
        Err(outage) => refuse(&mut tx, actor, &held, &outage.kind, now).await?,
    };
    let deed = deed_of(DeedKind::SettledText, &held).with("as", code);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tx.commit().await
}

async fn refuse(
    tx: &mut OrgTx,
    actor: &Actor,
    held: &HeldText,
    kind: &OutageKind,
    now: DateTime<Utc>,
) -> Result<String, Error> {
    let (code, refusal) = match kind {
        OutageKind::TimedOut | OutageKind::Broken | OutageKind::Garbled => {
            if texts::settle(tx, held.id, TextState::Unknown, "unknown", now).await? {
                look_later(tx, held, &format!("unknown:{}", held.tries), 10, now).await?;
            }
            return Ok("unknown".to_owned());
        }
        OutageKind::Unreachable => ("carrier_unreachable".to_owned(), ""),
        OutageKind::Throttled => ("carrier_throttled".to_owned(), ""),
        OutageKind::Refused(code) => (format!("refused_{code}"), code.as_str()),
    };
    // Both before the answer: a callback cannot have bound what the carrier did not take.
    if refusal.is_empty() && held.tries < MOST_TRIES {
        let wait = Duration::seconds(15 << held.tries.clamp(0, 6));
        texts::postpone(tx, held, now + wait, &code, now).await?;
        return Ok(code);
    }
    if texts::settle(tx, held.id, TextState::Rejected, &code, now).await? && !is_answered_by_carrier(held, refusal) {
        text_tidings::lost(tx, actor, held, refusal, now).await?;
    }
    Ok(code)
}

/// Carriers that answer a stop themselves refuse ours; then everything is as it should be.
fn is_answered_by_carrier(held: &HeldText, refusal: &str) -> bool {
    held.wording == Wording::Template(Template::StopConfirmed) && refusal == "21610"
}

fn deed_of(kind: DeedKind, held: &HeldText) -> Deed {
    Deed { patient: held.patient, ..Deed::of(kind).subject(held.id.0) }
}

async fn look_later(
    tx: &mut OrgTx,
    held: &HeldText,
    salt: &str,
    seconds: i64,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    jobs::enqueue(tx, &Job::ReconcileText { text: held.id }, salt, now + Duration::seconds(seconds), now).await
}
