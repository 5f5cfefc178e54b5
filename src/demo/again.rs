//! Beginning again with the ward of a demo that was stopped, perhaps in the middle of a call: its town is gone, and with it
//! every telephone that rang there.

use super::{
    nurse::Mishap,
    vault::{ROSA, Vault},
};
use crate::{
    app::App,
    domain::{call::CallState, ids::PatientId},
    error::Error,
    flows::{cancel_call, end_call, found_organization::operator_in, open_worklist},
};

/// Ends the calls that were under way when the last town closed, and calls off what is planned for Rosa, whose line the
/// story needs. What is planned for others rings when it falls due.
pub(super) async fn free_lines(app: &App, vault: &Vault) -> Result<(), Mishap> {
    let failed = |error: Error| Mishap::of(format!("a call of the last demo could not be ended: {error}; try --fresh"));
    let rosa: Option<PatientId> = vault.read(ROSA);
    for (_, code) in app.db.organizations().await.map_err(failed)? {
        let operator = operator_in(app, &code).await.map_err(failed)?;
        let today = open_worklist::today(app, &operator).await.map_err(failed)?;
        let hers = today.due.into_iter().filter(|call| Some(call.patient) == rosa);
        for call in today.live.into_iter().chain(hers) {
            let ended = if call.state == CallState::Bridged {
                end_call::end(app, &operator, call.id).await
            } else {
                cancel_call::cancel(app, &operator, call.id).await
            };
            ended.map_err(failed)?;
        }
    }
    Ok(())
}
