//! Erases recordings whose time is over: first the keys, in one transaction with the deed, so that no copy of the audio can be
//! heard again; then the objects, as often as it takes.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::CallId,
        job::Job,
        people::Actor,
    },
    error::Error,
    ports::objects::{ObjectKey, ObjectKind},
    store::{audit, jobs, retention},
};

/// Recordings planned at one look.
const AT_ONCE: i64 = 100;

/// Plans the erasing of every recording that is due; planned twice it is done once.
///
/// # Errors
/// When the database is away.
pub async fn plan(app: &App, actor: &Actor) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let rule = retention::rule(&mut tx).await?;
    for recording in retention::due(&mut tx, rule, now, AT_ONCE).await? {
        // A quarter of an hour later a job that was given up is planned anew.
        let salt = format!("{}", now.timestamp() / 900);
        jobs::enqueue(&mut tx, &Job::EraseRecording { recording }, &salt, now, now).await?;
    }
    tx.commit().await
}

/// Erases one, if it is due by the rule of this instant and nobody holds it; and removes what objects are left of one that was
/// erased. May run twice.
///
/// # Errors
/// When the objects or the database are away; the job then runs again.
pub async fn erase(app: &App, actor: &Actor, recording: CallId) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let rule = retention::rule(&mut tx).await?;
    if let Some(why) = retention::why_due(&mut tx, recording, rule, now).await?
        && let Some((patient, chunks)) = retention::erase(&mut tx, recording, why, now).await?
    {
        let deed = Deed::of(DeedKind::ErasedRecording)
            .patient(patient)
            .subject(recording.0)
            .with("why", why.word())
            .with("chunks", chunks);
        let _receipt: audit::Receipt = audit::record(&mut tx, actor, &deed, now).await?;
    }
    let left = retention::objects_left(&mut tx, recording).await?;
    tx.commit().await?;
    for chunk in &left {
        let key = ObjectKey { org: actor.org, kind: ObjectKind::Recording, name: chunk.to_string() };
        app.objects.remove(&key).await?;
    }
    let mut tx = app.db.begin(actor).await?;
    retention::objects_gone(&mut tx, &left, app.clock.now()).await?;
    tx.commit().await
}
