//! Reads a document of a patient: recorded first, handed out only when its last chunk was verified.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        document::MediaType,
        ids::{FileId, PatientId},
        people::{Actor, Role, Who},
        private::Private,
    },
    error::Error,
    store::{audit, files},
};

/// A document, whole.
pub struct Document {
    /// What a person called it.
    pub name: Private<String>,
    /// What it is.
    pub media_type: MediaType,
    /// Its bytes.
    pub bytes: Private<Vec<u8>>,
}

/// Reads one.
///
/// # Errors
/// `NotFound` when the chart has none of that name; `Conflict` when it was altered or is missing: it is not shown, and its
/// verification is due at once.
pub async fn read(app: &App, actor: &Actor, patient: PatientId, id: FileId) -> Result<Document, Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::ReadDocument).subject(id.0);
    let receipt = audit::open_chart_for(&mut tx, actor, patient, deed, app.clock.now()).await?;
    let found = files::one(&mut tx, &receipt, id).await?;
    tx.commit().await?;
    match app.vault.read_kept(&*app.objects, found.place, &found.header).await? {
        Some(bytes) => Ok(Document { name: found.name, media_type: found.media_type, bytes }),
        None => Err(suspect(app, actor, id).await?),
    }
}

/// The next verification looks at this file first, and tells the admins what it finds.
async fn suspect(app: &App, actor: &Actor, id: FileId) -> Result<Error, Error> {
    let careline = Actor::careline(actor.org);
    let mut tx = app.db.begin(&careline).await?;
    files::suspect(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Error::Conflict(
        "this document is not what was kept: it was altered, or is missing. It is not shown. Tell your admin, who can \
         bring it back from a backup."
            .to_owned(),
    ))
}

const fn permit(actor: &Actor) -> Result<(), Error> {
    match actor.who {
        Who::Staff { role: Role::Nurse | Role::Coordinator | Role::Physician, .. } => Ok(()),
        Who::Staff { role: Role::Admin | Role::Auditor, .. }
        | Who::Operator
        | Who::Careline
        | Who::Carrier
        | Who::Visitor => Err(Error::Forbidden),
    }
}
