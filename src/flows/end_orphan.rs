//! Ends a ring at the carrier that belongs to no attempt. Whoever answered it heard nothing; a person is told all the same.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::Owed,
        orphan::OrphanState,
        people::Actor,
    },
    error::Error,
    failpoint::FailPoint,
    ports::{
        Outage, OutageKind,
        phone::{CarrierSid, CarrierStatus},
    },
    store::{audit::record, calls, errands, orphans},
};

/// Ends it, and looks at what became of it.
///
/// # Errors
/// When the carrier or the database is away, or the ring goes on; the job then runs again.
pub async fn end(app: &App, actor: &Actor, sid: &str) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let orphan = orphans::lock(&mut tx, sid).await?;
    if orphan.state.is_over() {
        return Ok(());
    }
    orphans::advance(&mut tx, sid, OrphanState::CancelRequested, now).await?;
    tx.commit().await?;
    let name = CarrierSid(sid.to_owned());
    FailPoint::OrphanEndPre.pass();
    app.phone.end(&name, None).await?;
    FailPoint::OrphanEndPost.pass();
    let status = app.phone.fetch(&name).await?.status;
    let state = match status {
        CarrierStatus::Busy | CarrierStatus::NoAnswer | CarrierStatus::Failed | CarrierStatus::Canceled => {
            OrphanState::ConfirmedEnded
        }
        CarrierStatus::Completed => OrphanState::Incident,
        CarrierStatus::Queued | CarrierStatus::Initiated | CarrierStatus::Ringing | CarrierStatus::InProgress => {
            return Err(Outage { dependency: "carrier", kind: OutageKind::Broken }.into());
        }
    };
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let call = calls::lock(&mut tx, orphan.call).await?;
    orphans::advance(&mut tx, sid, state, now).await?;
    let deed = Deed::of(DeedKind::EndedOrphan)
        .patient(call.patient)
        .subject(orphan.attempt.0)
        .with("call", call.id)
        .with("state", state.word());
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    if state == OrphanState::Incident {
        tracing::error!(org = %actor.org, call = %call.id, "a surplus ring was answered; whoever answered heard nothing");
        errands::owe(&mut tx, actor, &call, Owed::RangTwice, now).await?;
    }
    tx.commit().await
}
