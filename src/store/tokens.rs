//! Tokens by which programs act for staff members.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        api_token::Scope,
        ids::{StaffId, TokenId},
        people::Role,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A token as it is written. Of the token itself only the hash is kept.
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// Whom it acts for.
    pub staff: StaffId,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of its text.
    pub hash: Vec<u8>,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A token as its owner sees it.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub used_at: Option<DateTime<Utc>>,
}

/// A token that opens something, with the person behind it.
pub struct Bearer {
    /// The token.
    pub id: TokenId,
    /// Whom it acts for.
    pub staff: StaffId,
    /// What they may do now.
    pub role: Role,
    /// Their name.
    pub full_name: String,
    /// Their organization's name.
    pub org_name: String,
    /// Their organization's code.
    pub org_code: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was last used.
    pub used_at: Option<DateTime<Utc>>,
}

/// Writes a token.
///
/// # Errors
/// When the database is away.
pub async fn add(tx: &mut OrgTx, _: &Receipt, token: &NewToken, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    let scopes: Vec<String> = token.scopes.iter().map(|scope| scope.word().to_owned()).collect();
    sqlx::query!(
        "insert into api_token (org_id, id, staff_id, name, token_hash, scopes, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        token.id.0,
        token.staff.0,
        token.name,
        token.hash,
        &scopes,
        now,
        token.expires_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The living tokens of a staff member, newest first.
///
/// # Errors
/// When the database is away.
pub async fn of_staff(tx: &mut OrgTx, staff: StaffId, now: DateTime<Utc>) -> Result<Vec<Token>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, name, scopes, created_at, expires_at, used_at
           from api_token
          where org_id = $1
            and staff_id = $2
            and revoked_at is null
            and expires_at > $3
          order by created_at desc, id desc",
        org.0,
        staff.0,
        now
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Token {
                id: TokenId(row.id),
                name: row.name,
                scopes: scopes(&row.scopes)?,
                created_at: row.created_at,
                expires_at: row.expires_at,
                used_at: row.used_at,
            })
        })
        .collect()
}

/// The token of a hash while it lives: neither expired nor revoked, its owner's login open.
///
/// # Errors
/// When the database is away.
pub async fn bearer(tx: &mut OrgTx, hash: &[u8], now: DateTime<Utc>) -> Result<Option<Bearer>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select t.id, t.staff_id, t.scopes, t.used_at, m.role, m.full_name, o.name as org_name, d.code as org_code
           from api_token t
           join staff_member m on m.org_id = t.org_id and m.id = t.staff_id
           join organization o on o.org_id = t.org_id
           join organization_directory d on d.org_id = t.org_id
          where t.org_id = $1
            and t.token_hash = $2
            and t.revoked_at is null
            and t.expires_at > $3
            and m.active",
        org.0,
        hash,
        now
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        Ok(Bearer {
            id: TokenId(row.id),
            staff: StaffId(row.staff_id),
            role: Role::from_word(&row.role).ok_or_else(|| Error::Fault("a stored role cannot be read".to_owned()))?,
            full_name: row.full_name,
            org_name: row.org_name,
            org_code: row.org_code,
            scopes: scopes(&row.scopes)?,
            used_at: row.used_at,
        })
    })
    .transpose()
}

/// Notes that a token was used.
///
/// # Errors
/// When the database is away.
pub async fn touch(tx: &mut OrgTx, token: TokenId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update api_token
            set used_at = $3
          where org_id = $1
            and id = $2",
        org.0,
        token.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Revokes a token of a staff member.
///
/// # Errors
/// `NotFound` when they have no such living token.
pub async fn revoke(
    tx: &mut OrgTx,
    _: &Receipt,
    staff: StaffId,
    token: TokenId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let revoked = sqlx::query!(
        "update api_token
            set revoked_at = $4
          where org_id = $1
            and id = $2
            and staff_id = $3
            and revoked_at is null",
        org.0,
        token.0,
        staff.0,
        now
    )
    .execute(tx.connection())
    .await?;
    if revoked.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound) }
}

fn scopes(words: &[String]) -> Result<Vec<Scope>, Error> {
    words
        .iter()
        .map(|word| Scope::from_word(word).ok_or_else(|| Error::Fault("a stored scope cannot be read".to_owned())))
        .collect()
}
