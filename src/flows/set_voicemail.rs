//! Sets what a voicemail of one patient is told, where it is to be otherwise than the organization has it.

use crate::{
    app::App,
    domain::{
        answering::VoicemailRule,
        audit::{Deed, DeedKind},
        ids::PatientId,
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::open_chart_for, standing, voicemail},
};

/// The word of a form for "as the organization has it".
pub const AS_THE_HOUSE: &str = "house";

/// Sets it; a try under way follows it if its beep has not sounded.
///
/// # Errors
/// `Forbidden` unless a nurse or coordinator of the patient's team; `Invalid` for a word of no rule.
pub async fn set(app: &App, actor: &Actor, patient: PatientId, word: &str) -> Result<(), Error> {
    actor.staff_among(&[Role::Nurse, Role::Coordinator]).ok_or(Error::Forbidden)?;
    let rule = VoicemailRule::from_word(word);
    if rule.is_none() && word != AS_THE_HOUSE {
        return Err(Error::Invalid("voicemail: choose from the list".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SetVoicemailRule).with("rule", rule.map_or(AS_THE_HOUSE, VoicemailRule::word));
    let chart = open_chart_for(&mut tx, actor, patient, deed, now).await?;
    chart.may_change()?;
    standing::hold(&mut tx, patient).await?;
    voicemail::set_own_rule(&mut tx, &chart, rule).await?;
    tx.commit().await
}
