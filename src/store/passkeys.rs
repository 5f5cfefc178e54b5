//! Passkeys of staff and the challenges that wait for an answer.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::{CeremonyId, PasskeyId, StaffId},
        passkey::Credential,
        people::Role,
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CeremonyPurpose {
    /// A new passkey.
    Register,
    /// Signing in.
    SignIn,
    /// Proving oneself again.
    Prove,
}

impl CeremonyPurpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
            Self::Prove => "prove",
        }
    }
}

/// Keeps a challenge until `expires_at`; those of the organization that are over are forgotten.
///
/// # Errors
/// When the database is away.
pub async fn keep_challenge(
    tx: &mut OrgTx,
    id: CeremonyId,
    purpose: CeremonyPurpose,
    staff: Option<StaffId>,
    state: &Value,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from passkey_ceremony
          where org_id = $1
            and expires_at <= $2",
        org.0,
        now
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!(
        "insert into passkey_ceremony (org_id, id, purpose, staff_id, state, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        org.0,
        id.0,
        purpose.word(),
        staff.map(|staff| staff.0),
        state,
        now,
        expires_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes a challenge out, once: the second answer to it finds nothing. `staff` is for whom it was made.
///
/// # Errors
/// When the database is away.
pub async fn take_challenge(
    tx: &mut OrgTx,
    id: CeremonyId,
    purpose: CeremonyPurpose,
    staff: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<Option<Value>, Error> {
    let org = tx.org();
    let state = sqlx::query_scalar!(
        "delete from passkey_ceremony
          where org_id = $1
            and id = $2
            and purpose = $3
            and staff_id is not distinct from $4
            and expires_at > $5
      returning state",
        org.0,
        id.0,
        purpose.word(),
        staff.map(|staff| staff.0),
        now
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(state)
}

/// A passkey as its owner sees it.
#[derive(Clone, Debug)]
pub struct NamedPasskey {
    /// Its id.
    pub id: PasskeyId,
    /// The name its owner gave it.
    pub name: String,
    /// The id its authenticator chose.
    pub credential_id: Vec<u8>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last proved somebody.
    pub used_at: Option<DateTime<Utc>>,
}

/// The passkeys of a staff member, oldest first.
///
/// # Errors
/// When the database is away.
pub async fn of_staff(tx: &mut OrgTx, staff: StaffId) -> Result<Vec<NamedPasskey>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, name, credential_id, created_at, used_at
           from passkey
          where org_id = $1
            and staff_id = $2
          order by created_at, id",
        org.0,
        staff.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| NamedPasskey {
            id: PasskeyId(row.id),
            name: row.name,
            credential_id: row.credential_id,
            created_at: row.created_at,
            used_at: row.used_at,
        })
        .collect())
}

/// A passkey with whom it proves.
pub struct OwnedPasskey {
    /// Its id.
    pub id: PasskeyId,
    /// Whose.
    pub staff: StaffId,
    /// Their role now.
    pub role: Role,
    /// What its answers are compared with.
    pub credential: Credential,
}

/// The passkey of a credential id, while its owner's login is open. It stays locked until the transaction ends, so that
/// two answers by one passkey are compared one after another.
///
/// # Errors
/// When the database is away.
pub async fn by_credential(tx: &mut OrgTx, credential_id: &[u8]) -> Result<Option<OwnedPasskey>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select p.id, p.staff_id, p.credential_id, p.credential, p.counter, m.role
           from passkey p
           join staff_member m on m.org_id = p.org_id and m.id = p.staff_id
          where p.org_id = $1
            and p.credential_id = $2
            and m.active
            for update of p",
        org.0,
        credential_id
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        Ok(OwnedPasskey {
            id: PasskeyId(row.id),
            staff: StaffId(row.staff_id),
            role: Role::from_word(&row.role).ok_or_else(|| Error::Fault("a stored role cannot be read".to_owned()))?,
            credential: Credential { id: row.credential_id, body: row.credential, counter: row.counter },
        })
    })
    .transpose()
}

/// Writes a new passkey.
///
/// # Errors
/// `Conflict` when its authenticator is registered already.
pub async fn add(
    tx: &mut OrgTx,
    _: &Receipt,
    id: PasskeyId,
    staff: StaffId,
    name: &str,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into passkey (org_id, id, staff_id, credential_id, credential, counter, name, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (org_id, credential_id) do nothing",
        org.0,
        id.0,
        staff.0,
        credential.id,
        credential.body,
        credential.counter,
        name,
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Conflict("this passkey is registered already; use another device or key".to_owned()))
}

/// Notes the use of a passkey: true only while its counter rises, or stays 0 where there is none.
///
/// # Errors
/// When the database is away.
pub async fn note_use(
    tx: &mut OrgTx,
    id: PasskeyId,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let noted = sqlx::query!(
        "update passkey
            set credential = $3,
                counter = $4,
                used_at = $5
          where org_id = $1
            and id = $2
            and (counter < $4 or (counter = 0 and $4 = 0))",
        org.0,
        id.0,
        credential.body,
        credential.counter,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Forgets a passkey of a staff member; false when they have none of that id.
///
/// # Errors
/// When the database is away.
pub async fn remove(tx: &mut OrgTx, _: &Receipt, staff: StaffId, id: PasskeyId) -> Result<bool, Error> {
    let org = tx.org();
    let removed = sqlx::query!(
        "delete from passkey
          where org_id = $1
            and staff_id = $2
            and id = $3",
        org.0,
        staff.0,
        id.0
    )
    .execute(tx.connection())
    .await?;
    Ok(removed.rows_affected() == 1)
}

/// Forgets every passkey of a staff member.
///
/// # Errors
/// When the database is away.
pub async fn remove_all(tx: &mut OrgTx, _: &Receipt, staff: StaffId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from passkey
          where org_id = $1
            and staff_id = $2",
        org.0,
        staff.0
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
