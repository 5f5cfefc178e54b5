//! Ends every leg of a call that is over, with parting words where somebody waits on the line.

use crate::{
    app::App,
    domain::{
        attempt::Party,
        call::{Call, CallState, Owed},
        check_in::Spoken,
        ids::CallId,
        people::{Actor, Language},
        script::Speech,
        script_texts::{Parting, part},
    },
    error::Error,
    ports::phone::CarrierSid,
    store::{OrgTx, assessments, attempts, calls, check_ins, protocols, standing},
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
    let alone = alone(&mut tx, &locked, language).await?;
    tx.commit().await?;
    for (sid, party) in running {
        let said = alone.as_ref().filter(|_| party == Party::Patient).cloned();
        let parting = said.or_else(|| parting(party, locked.state, locked.outcome.as_deref(), language));
        app.phone.end(&CarrierSid(sid), parting.as_ref()).await?;
    }
    Ok(())
}

/// What the protocol itself says to whoever had a red flag in a check-in and no nurse; `None` for every other call.
async fn alone(tx: &mut OrgTx, call: &Call, language: Language) -> Result<Option<Speech>, Error> {
    if call.outcome.as_deref() != Some(Owed::RedFlagAlone.code()) {
        return Ok(None);
    }
    let red_flag = check_ins::urgency(tx, call.id).await?.and_then(|(_, red_flag)| red_flag);
    let pinned = assessments::pinned(tx, call.id).await?;
    let package = protocols::package(tx, &pinned.0, &pinned.1).await?;
    let (organization, emergency_number) = check_ins::house(tx).await?;
    let spoken =
        Spoken { package: &package, language, organization: &organization, emergency_number: &emergency_number };
    Ok(Some(spoken.alone(red_flag.as_deref())))
}

fn parting(party: Party, state: CallState, outcome: Option<&str>, language: Language) -> Option<Speech> {
    match (party, state, outcome) {
        (Party::Patient, CallState::NeedsPerson, Some("no_nurse_came")) => Some(part(language, Parting::NoNurse)),
        (Party::Nurse(_), CallState::NeedsPerson | CallState::Cancelled, _) => {
            Some(part(Language::English, Parting::PatientGone))
        }
        (Party::Guest { .. }, _, _) => Some(part(Language::English, Parting::NotNeeded)),
        (Party::Patient | Party::Nurse(_), _, _) => None,
    }
}
