//! Corrects the words of an utterance: what was heard stays, and what somebody wrote instead stands beside it.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{CallId, StaffId, UtteranceId},
        people::{Actor, Role},
        private::Private,
        transcript::{LONGEST_CORRECTION, words_of},
    },
    error::Error,
    live::LiveEvent,
    store::{
        audit::open_chart_for,
        call_page, reviews,
        transcripts::{self, Corrected, NewCorrection},
    },
};

/// What a form sends.
pub struct Typed {
    /// The utterance.
    pub utterance: UtteranceId,
    /// How many corrections of it the page showed.
    pub seen: i32,
    /// The words.
    pub text: Private<String>,
}

/// Writes them down. The same words twice are one correction.
///
/// # Errors
/// `Forbidden` unless a nurse or coordinator of the patient's team; `Invalid` without words or with too many; `NotFound` when the
/// utterance is none of this call; `Conflict` for a nurse once the assessment is signed, or when somebody was quicker.
pub async fn correct(app: &App, actor: &Actor, call: CallId, typed: Typed) -> Result<(), Error> {
    let by = actor.staff_among(&[Role::Nurse, Role::Coordinator]).ok_or(Error::Forbidden)?;
    let new = read(call, by, &typed)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, call).await?;
    let deed = Deed::of(DeedKind::CorrectedUtterance)
        .subject(new.utterance.0)
        .with("call", call)
        .with("number", new.seen.saturating_add(1))
        .with("words", words_of(new.text.reveal()).count());
    let receipt = open_chart_for(&mut tx, actor, head.patient, deed, now).await?;
    receipt.may_change()?;
    let is_signed = reviews::signed_of(&mut tx, &receipt, call).await?.is_some();
    if is_signed && actor.role() == Some(Role::Nurse) {
        let text = "the assessment of this call is signed; ask a coordinator of the team to correct what was heard";
        return Err(Error::Conflict(text.to_owned()));
    }
    // Without a change nothing is written, not even the deed.
    if transcripts::correct(&mut tx, &receipt, &new, now).await? == Corrected::StoodAlready {
        return Ok(());
    }
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::TranscriptMoved);
    Ok(())
}

fn read(call: CallId, by: StaffId, typed: &Typed) -> Result<NewCorrection, Error> {
    let text = words_of(typed.text.reveal()).collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err(Error::Invalid("correction: write what was said; it cannot be left empty".to_owned()));
    }
    if text.chars().count() > LONGEST_CORRECTION {
        return Err(Error::Invalid(format!("correction: write at most {LONGEST_CORRECTION} characters")));
    }
    let seen = typed.seen.max(0);
    Ok(NewCorrection { utterance: typed.utterance, call, seen, text: Private::new(text), by })
}
