//! Writing a text of a check-in and the jobs around it; a job sends it.

use super::{SILENCE, Turn};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        ids::TextId,
        job::Job,
        private::Private,
        text::Wording,
    },
    error::Error,
    store::{
        audit::record,
        jobs, text_check_ins,
        texts::{self, NewText},
    },
};
use chrono::{DateTime, Utc};

/// Writes the text that asks; `asks` is the question's place, or below 0 a prompt. Silence after it is noticed by a job.
pub(super) async fn ask(turn: &mut Turn<'_>, asks: i32, body: String) -> Result<(), Error> {
    let text = write(turn, Wording::CheckIn, body).await?;
    text_check_ins::asked(turn.tx, turn.call.id, text, asks, turn.now).await?;
    let later = turn.now + SILENCE;
    mind_again(turn, &text.to_string(), later).await
}

/// Writes last words. They answer what was just written, so the hour does not hold them back.
pub(super) async fn part(turn: &mut Turn<'_>, body: String) -> Result<(), Error> {
    write(turn, Wording::CheckInParting, body).await.map(drop)
}

/// Has somebody look at the check-in at an instant.
pub(super) async fn mind_again(turn: &mut Turn<'_>, salt: &str, at: DateTime<Utc>) -> Result<(), Error> {
    jobs::enqueue(turn.tx, &Job::MindCheckIn { call: turn.call.id }, salt, at, turn.now).await
}

async fn write(turn: &mut Turn<'_>, wording: Wording, body: String) -> Result<TextId, Error> {
    let id = TextId::at(turn.now);
    let deed = Deed::of(DeedKind::WroteText)
        .patient(turn.call.patient)
        .subject(id.0)
        .with("wording", wording.word())
        .with("call", turn.call.id);
    let receipt = record(turn.tx, turn.actor, &deed, turn.now).await?;
    let ordinal = text_check_ins::count(turn.tx, turn.call.id).await?;
    let text = NewText {
        id,
        patient: Some(turn.call.patient),
        number: turn.number.clone(),
        own_number: turn.own_number.clone(),
        wording,
        body: Private::new(body),
        call: None,
        answers: None,
        check_in: Some(turn.call.id),
        written_by: None,
        send_at: turn.now,
        once_key: format!("check-in:{}:{ordinal}", turn.call.id),
    };
    texts::write(turn.tx, &receipt, &text, turn.now).await?;
    Ok(id)
}
