//! Ends every leg of a call that is over, with parting words where somebody waits on the line.

use crate::{
    app::App,
    domain::{
        attempt::Party,
        call::CallState,
        ids::CallId,
        people::{Actor, Language},
        script::Speech,
        script_texts::{Parting, part},
    },
    error::Error,
    ports::phone::CarrierSid,
    store::{attempts, calls, standing},
};

/// Ends them. A leg that has ended already is fine; a carrier that is away makes the job run again.
///
/// # Errors
/// When the carrier or the database is away.
pub async fn hang_up(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let locked = calls::lock(&mut tx, call).await?;
    if !locked.state.is_over() {
        return Ok(());
    }
    let running = attempts::running_sids(&mut tx, call).await?;
    let language = standing::language(&mut tx, locked.patient).await?;
    tx.commit().await?;
    for (sid, party) in running {
        let parting = parting(party, locked.state, locked.outcome.as_deref(), language);
        app.phone.end(&CarrierSid(sid), parting.as_ref()).await?;
    }
    Ok(())
}

fn parting(party: Party, state: CallState, outcome: Option<&str>, language: Language) -> Option<Speech> {
    match (party, state, outcome) {
        (Party::Patient, CallState::NeedsPerson, Some("no_nurse_came")) => Some(part(language, Parting::NoNurse)),
        (Party::Nurse(_), CallState::NeedsPerson | CallState::Cancelled, _) => Some(part(Language::English, Parting::PatientGone)),
        (Party::Patient | Party::Nurse(_), _, _) => None,
    }
}
