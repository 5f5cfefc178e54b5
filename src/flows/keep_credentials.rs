//! What opens an organization's own accounts at providers: an admin writes, replaces and removes it. Nobody reads it back.

pub use crate::{domain::credential::CredentialKind, store::credentials::Kept};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        credential::place,
        ids::{CredentialId, StaffId},
        people::{Actor, Role, Who},
        private::Private,
    },
    error::Error,
    store::{
        audit::{Receipt, record},
        credentials::{self, NewCredential},
    },
};

/// Which there are: who wrote each last, and when.
///
/// # Errors
/// `Forbidden` for everybody but an admin.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Kept>, Error> {
    only_admins(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let _receipt: Receipt = record(&mut tx, actor, &Deed::of(DeedKind::ListedCredentials), app.clock.now()).await?;
    let kept = credentials::list(&mut tx).await?;
    tx.commit().await?;
    Ok(kept)
}

/// Writes one in place of the one there was.
///
/// # Errors
/// `Forbidden` for everybody but an admin; `Invalid` when it cannot be one.
pub async fn set(app: &App, actor: &Actor, kind: CredentialKind, typed: &Private<String>) -> Result<(), Error> {
    let by = only_admins(actor)?;
    let now = app.clock.now();
    let secret = kind.read(typed).map_err(|fault| Error::Invalid(fault.to_owned()))?;
    let id = CredentialId::at(now);
    let bytes = Private::new(secret.into_revealed().into_bytes());
    let sealed = app.vault.seal(place(actor.org, id), &bytes).await?;
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SetCredential).subject(id.0).with("kind", kind.word());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    credentials::set(&mut tx, &receipt, &NewCredential { id, kind, sealed, by }, now).await?;
    tx.commit().await
}

/// Takes one away.
///
/// # Errors
/// `Forbidden` for everybody but an admin; `NotFound` when there is none.
pub async fn remove(app: &App, actor: &Actor, kind: CredentialKind) -> Result<(), Error> {
    let _by = only_admins(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::RemovedCredential).with("kind", kind.word());
    let receipt = record(&mut tx, actor, &deed, app.clock.now()).await?;
    if credentials::remove(&mut tx, &receipt, kind).await? { tx.commit().await } else { Err(Error::NotFound) }
}

fn only_admins(actor: &Actor) -> Result<StaffId, Error> {
    match actor.who {
        Who::Staff { id, role: Role::Admin, token: None } => Ok(id),
        Who::Staff { .. } | Who::Careline | Who::Carrier | Who::Operator | Who::Visitor => Err(Error::Forbidden),
    }
}
