//! Erases what a removed document left: its object, and the wrapped key without which no copy of it can be read.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::FileId,
        people::Actor,
    },
    error::Error,
    ports::objects::{ObjectKey, ObjectKind},
    store::{audit, files},
};

/// Erases one; a document that is on its chart is never touched, and one that is erased already is fine.
///
/// # Errors
/// When the objects or the database are away; the job then runs again.
pub async fn erase(app: &App, actor: &Actor, id: FileId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let removed = files::is_removed(&mut tx, id).await?;
    tx.commit().await?;
    if !removed {
        return Ok(());
    }
    app.objects.remove(&ObjectKey { org: actor.org, kind: ObjectKind::File, name: id.to_string() }).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    if files::erase(&mut tx, id, now).await? {
        let deed = Deed::of(DeedKind::ErasedDocument).subject(id.0);
        let _receipt: audit::Receipt = audit::record(&mut tx, actor, &deed, now).await?;
    }
    tx.commit().await
}
