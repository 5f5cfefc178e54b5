//! Runs a stored call again and says what comes out otherwise: under the version of the protocol it had, or under another.
//! For an operator with a reason; the chart is opened for it as for any reader, and nothing of the call is changed.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        guidance::ProtocolRef,
        ids::CallId,
        people::{Actor, Who},
        replay::{Drafted, Edition, Replay, State, Tape, run},
    },
    error::Error,
    store::{
        OrgTx, assessments,
        audit::{self, ChartReceipt},
        call_page, guidance, protocols, replays, summaries,
    },
};
use chrono::{DateTime, Utc};

/// Longest reason and name, in characters.
const LONGEST: (usize, usize) = (300, 100);

/// What is to be run.
pub struct Wanted {
    /// The call.
    pub call: CallId,
    /// Why.
    pub why: String,
    /// Who runs it, by name.
    pub operator: String,
    /// Another version of its protocol; none is the one it had.
    pub under: Option<ProtocolRef>,
}

/// What came of it.
pub enum Ran {
    /// It was run, under this version.
    Through(Replay, ProtocolRef),
    /// It cannot be run, and why.
    Cannot(String),
}

/// Runs a call again.
///
/// # Errors
/// `Invalid` without a reason or a name; `NotFound` for a call of nobody here; `Forbidden` unless the operator.
pub async fn replay(app: &App, actor: &Actor, wanted: &Wanted) -> Result<Ran, Error> {
    if actor.who != Who::Operator {
        return Err(Error::Forbidden);
    }
    let named = |text: &str, most: usize| (1..=most).contains(&text.trim().chars().count());
    if !named(&wanted.why, LONGEST.0) || !named(&wanted.operator, LONGEST.1) {
        let text = "Say why the call is run again (--why, 300 characters at most) and who runs it (--operator).";
        return Err(Error::Invalid(text.to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, wanted.call).await?;
    let mut why = Deed::of(DeedKind::ReplayedCall).subject(wanted.call.0);
    if let Some(under) = &wanted.under {
        why = why.with("protocol", &under.id).with("version", &under.version);
    }
    let receipt = audit::open_chart_for(&mut tx, actor, head.patient, why, now).await?;
    let ran = if head.state.is_over() {
        run_stored(&mut tx, &receipt, wanted, head.bridged_at.unwrap_or(head.due_at)).await?
    } else {
        Ran::Cannot("the call is not over yet".to_owned())
    };
    let (verdict, differences) = match &ran {
        Ran::Through(replay, _) if replay.differences.is_empty() => ("same", 0),
        Ran::Through(replay, _) => ("differs", replay.differences.len()),
        Ran::Cannot(_) => ("cannot", 0),
    };
    let edition = match &ran {
        Ran::Through(_, name) => Some((name.id.as_str(), name.version.as_str())),
        Ran::Cannot(_) => None,
    };
    let (why, operator) = (wanted.why.trim(), wanted.operator.trim());
    let done = replays::Done { why, operator, edition, verdict, differences };
    replays::note(&mut tx, &receipt, wanted.call, &done, now).await?;
    tx.commit().await?;
    Ok(ran)
}

async fn run_stored(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    wanted: &Wanted,
    began: DateTime<Utc>,
) -> Result<Ran, Error> {
    let (id, pinned) = guidance::pinned(tx, wanted.call).await?;
    let Some(then) = pinned else {
        return Ok(Ran::Cannot(format!("no version of the protocol {id} was ever in use here")));
    };
    let now = wanted.under.clone().unwrap_or_else(|| then.clone());
    if now.id != then.id {
        return Ok(Ran::Cannot(format!("the call was asked {}, not {}", then.id, now.id)));
    }
    let tape = tape(tx, receipt, wanted.call, began).await?;
    if tape.heard.iter().any(|heard| heard.text.reveal().is_empty()) {
        return Ok(Ran::Cannot("words of the call were erased when their time was over".to_owned()));
    }
    if tape.states.is_empty() && tape.asked.is_empty() && tape.draft.is_none() {
        return Ok(Ran::Cannot("nothing was asked, answered or drafted on it".to_owned()));
    }
    let old = match protocols::package(tx, &then.id, &then.version).await {
        Err(Error::NotFound) => return Ok(Ran::Cannot(format!("{} {} is not imported here", then.id, then.version))),
        other => other?,
    };
    let new = match protocols::package(tx, &now.id, &now.version).await {
        Err(Error::NotFound) => return Ok(Ran::Cannot(format!("{} {} is not imported here", now.id, now.version))),
        other => other?,
    };
    let (old_passages, new_passages) = (guidance::passages(tx, &then).await?, guidance::passages(tx, &now).await?);
    let then = Edition { package: &old, passages: &old_passages, name: then };
    let now = Edition { package: &new, passages: &new_passages, name: now };
    Ok(Ran::Through(run(&tape, &then, &now), now.name.clone()))
}

async fn tape(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId, began: DateTime<Utc>) -> Result<Tape, Error> {
    let mut states = replays::states(tx, receipt, call, began).await?;
    if states.is_empty()
        && let Some(assessment) = assessments::lock(tx, receipt, call).await?
        && assessment.revision > 0
    {
        // Of answers kept before every state was, the last one is left.
        let at_ms = assessment.signed.as_ref().map_or(0, |signed| (signed.at - began).num_milliseconds());
        let (inputs, evaluation) = (assessment.inputs, assessment.evaluation);
        states.push(State { at_ms, revision: assessment.revision, inputs, evaluation });
    }
    let (language, _) = summaries::listens_for(tx, receipt).await?;
    let draft = match (summaries::of_call(tx, receipt, call).await?, replays::seals(tx, receipt, call).await?) {
        (Some(draft), Some(seals)) => Some(Drafted {
            rules: draft.rules,
            items: draft.items.into_iter().map(|item| item.item).collect(),
            medicines: seals.medicines,
            salt: seals.salt,
            seals: seals.each,
            reply: seals.reply,
            recorded: seals.recorded,
        }),
        (_, _) => None,
    };
    Ok(Tape {
        heard: summaries::words(tx, receipt, call).await?,
        language,
        states,
        asked: replays::asked(tx, receipt, call, began).await?,
        draft,
        names: guidance::names(tx, receipt).await?,
    })
}
