//! Credentials of an organization's own accounts at providers, sealed.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        credential::CredentialKind,
        ids::{CredentialId, StaffId},
        sealed::Sealed,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// That there is one, who wrote it last, and when.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What it opens.
    pub kind: CredentialKind,
    /// Who wrote it, by name.
    pub changed_by: String,
    /// When.
    pub changed_at: DateTime<Utc>,
}

/// Which there are. No value is among what is read.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn list(tx: &mut OrgTx) -> Result<Vec<Kept>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select c.kind, c.changed_at, s.full_name
           from integration_credential c
           join staff_member s on s.org_id = c.org_id and s.id = c.changed_by
          where c.org_id = $1
          order by c.kind",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = CredentialKind::from_word(&row.kind)
                .ok_or_else(|| Error::Fault("a stored kind of credential cannot be read".to_owned()))?;
            Ok(Kept { kind, changed_by: row.full_name, changed_at: row.changed_at })
        })
        .collect()
}

/// The sealed value of a kind, with the row it is bound to.
///
/// # Errors
/// When the database is away.
pub async fn sealed(tx: &mut OrgTx, kind: CredentialKind) -> Result<Option<(CredentialId, Sealed)>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, sealed
           from integration_credential
          where org_id = $1
            and kind = $2",
        org.0,
        kind.word()
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| (CredentialId(row.id), Sealed(row.sealed))))
}

/// A value to be kept.
pub struct NewCredential {
    /// Its row, bound into the sealed bytes.
    pub id: CredentialId,
    /// What it opens.
    pub kind: CredentialKind,
    /// The value.
    pub sealed: Sealed,
    /// Who writes it.
    pub by: StaffId,
}

/// Writes a value in place of the one there was, which is gone.
///
/// # Errors
/// When the database is away.
pub async fn set(tx: &mut OrgTx, _: &Receipt, new: &NewCredential, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into integration_credential (org_id, id, kind, sealed, changed_by, changed_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, kind) do update
            set id = excluded.id, sealed = excluded.sealed, changed_by = excluded.changed_by,
                changed_at = excluded.changed_at",
        org.0,
        new.id.0,
        new.kind.word(),
        new.sealed.0,
        new.by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes one away; whether there was one.
///
/// # Errors
/// When the database is away.
pub async fn remove(tx: &mut OrgTx, _: &Receipt, kind: CredentialKind) -> Result<bool, Error> {
    let org = tx.org();
    let removed = sqlx::query!(
        "delete from integration_credential
          where org_id = $1
            and kind = $2",
        org.0,
        kind.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(removed.rows_affected() == 1)
}
