//! Single sign-on: the provider an organization trusts, what its groups mean, and sign-ins on their way.

use super::{OrgTx, audit::Receipt, staff};
use crate::{
    domain::{
        ids::{SignOnId, StaffId},
        sealed::Sealed,
        sign_on::GroupRole,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Who may still come in by password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// Whoever has one.
    Everybody,
    /// This admin alone, for the day the provider is away.
    Only(StaffId),
}

/// The provider an organization trusts.
#[derive(Clone)]
pub struct SignOn {
    /// Its name for itself.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Sealed,
    /// The claim that lists groups.
    pub group_claim: String,
    /// Who may still come in by password.
    pub passwords: Passwords,
    /// The admin kept for the day the provider is away, also while passwords are for everybody.
    pub break_glass: Option<StaffId>,
}

/// The provider, if the organization trusts one.
///
/// # Errors
/// When the database is away.
pub async fn read(tx: &mut OrgTx) -> Result<Option<SignOn>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select issuer, client_id, client_secret, group_claim, required, break_glass
           from single_sign_on
          where org_id = $1",
        org.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| {
        let break_glass = row.break_glass.map(StaffId);
        SignOn {
            issuer: row.issuer,
            client_id: row.client_id,
            client_secret: Sealed(row.client_secret),
            group_claim: row.group_claim,
            passwords: break_glass.filter(|_| row.required).map_or(Passwords::Everybody, Passwords::Only),
            break_glass,
        }
    }))
}

/// Whether somebody may come in by a password or passkey of their own, past the provider.
///
/// # Errors
/// When the database is away.
pub async fn login_here_counts(tx: &mut OrgTx, staff: StaffId) -> Result<bool, Error> {
    let org = tx.org();
    let barred = sqlx::query_scalar!(
        r#"select exists (select from single_sign_on
                           where org_id = $1
                             and required
                             and break_glass is distinct from $2) as "barred!""#,
        org.0,
        staff.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(!barred)
}

/// Writes the provider over the one there was.
///
/// # Errors
/// When the database is away.
pub async fn save(tx: &mut OrgTx, _: &Receipt, sign_on: &SignOn, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into single_sign_on (org_id, issuer, client_id, client_secret, group_claim, required, break_glass,
                                     changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (org_id) do update
            set issuer = excluded.issuer, client_id = excluded.client_id, client_secret = excluded.client_secret,
                group_claim = excluded.group_claim, required = excluded.required,
                break_glass = excluded.break_glass, changed_at = excluded.changed_at",
        org.0,
        sign_on.issuer,
        sign_on.client_id,
        sign_on.client_secret.0,
        sign_on.group_claim,
        matches!(sign_on.passwords, Passwords::Only(_)),
        sign_on.break_glass.map(|staff| staff.0),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Trusts no provider any more; who of it was who here is kept for the record's readers.
///
/// # Errors
/// When the database is away.
pub async fn remove(tx: &mut OrgTx, _: &Receipt) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("delete from single_sign_on where org_id = $1", org.0).execute(tx.connection()).await?;
    sqlx::query!("delete from sign_on_attempt where org_id = $1", org.0).execute(tx.connection()).await?;
    Ok(())
}

/// What groups mean, by name.
///
/// # Errors
/// When the database is away.
pub async fn groups(tx: &mut OrgTx) -> Result<Vec<GroupRole>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select group_name, role, team
           from group_role
          where org_id = $1
          order by group_name",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| Ok(GroupRole { group: row.group_name, role: staff::role(&row.role)?, team: row.team }))
        .collect()
}

/// Writes what groups mean over what they meant.
///
/// # Errors
/// When the database is away.
pub async fn save_groups(tx: &mut OrgTx, _: &Receipt, groups: &[GroupRole]) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("delete from group_role where org_id = $1", org.0).execute(tx.connection()).await?;
    for known in groups {
        sqlx::query!(
            "insert into group_role (org_id, group_name, role, team)
             values ($1, $2, $3, $4)",
            org.0,
            known.group,
            known.role.word(),
            known.team
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

/// A sign-in on its way.
pub struct Attempt {
    /// Its id.
    pub id: SignOnId,
    /// SHA-256 of the state that comes back.
    pub state_hash: Vec<u8>,
    /// SHA-256 of the cookie of the browser that began it.
    pub browser_hash: Vec<u8>,
    /// The provider it went to.
    pub issuer: String,
    /// Nonce and verifier.
    pub secrets: Sealed,
    /// The path the reader wanted.
    pub wish: String,
    /// When it is too late.
    pub expires_at: DateTime<Utc>,
}

/// Writes a sign-in on its way, and forgets those that are too late.
///
/// # Errors
/// When the database is away.
pub async fn set_out(tx: &mut OrgTx, attempt: &Attempt, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("delete from sign_on_attempt where org_id = $1 and expires_at <= $2", org.0, now)
        .execute(tx.connection())
        .await?;
    sqlx::query!(
        "insert into sign_on_attempt (org_id, id, state_hash, browser_hash, issuer, secrets, wish, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        attempt.id.0,
        attempt.state_hash,
        attempt.browser_hash,
        attempt.issuer,
        attempt.secrets.0,
        attempt.wish,
        attempt.expires_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes a sign-in that came back: for one caller only, whoever it is.
///
/// # Errors
/// When the database is away.
pub async fn take(tx: &mut OrgTx, state_hash: &[u8]) -> Result<Option<Attempt>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "delete from sign_on_attempt
          where org_id = $1
            and state_hash = $2
      returning id, state_hash, browser_hash, issuer, secrets, wish, expires_at",
        org.0,
        state_hash
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| Attempt {
        id: SignOnId(row.id),
        state_hash: row.state_hash,
        browser_hash: row.browser_hash,
        issuer: row.issuer,
        secrets: Sealed(row.secrets),
        wish: row.wish,
        expires_at: row.expires_at,
    }))
}
