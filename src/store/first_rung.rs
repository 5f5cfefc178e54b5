//! Whose telephone rings first, as an organization has set it for calls of a purpose or for all.

use super::{OrgTx, audit::Receipt, retry::RetryFor};
use crate::{
    domain::call::{CallPurpose, FirstRung},
    error::Error,
};

/// What holds for calls of a purpose: its own rule, then the one for every call, then the patient first.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn of(tx: &mut OrgTx, purpose: CallPurpose) -> Result<FirstRung, Error> {
    let org = tx.org();
    let word = sqlx::query_scalar!(
        "select first
           from first_rung
          where org_id = $1
            and purpose in ('any', $2)
          order by purpose = 'any'
          limit 1",
        org.0,
        purpose.word()
    )
    .fetch_optional(tx.connection())
    .await?;
    word.map_or(Ok(FirstRung::Patient), |word| FirstRung::from_word(&word).ok_or_else(unreadable))
}

/// Every rule the organization has set.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn all(tx: &mut OrgTx) -> Result<Vec<(RetryFor, FirstRung)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!("select purpose, first from first_rung where org_id = $1 order by purpose", org.0)
        .fetch_all(tx.connection())
        .await?;
    rows.into_iter()
        .map(|row| {
            let purpose = RetryFor::from_word(&row.purpose).ok_or_else(unreadable)?;
            Ok((purpose, FirstRung::from_word(&row.first).ok_or_else(unreadable)?))
        })
        .collect()
}

/// Sets the rule of a purpose; `None` takes it back, so that what is more general holds.
///
/// # Errors
/// When the database is away.
pub async fn set(tx: &mut OrgTx, _: &Receipt, purpose: RetryFor, first: Option<FirstRung>) -> Result<(), Error> {
    let org = tx.org();
    let Some(first) = first else {
        sqlx::query!("delete from first_rung where org_id = $1 and purpose = $2", org.0, purpose.word())
            .execute(tx.connection())
            .await?;
        return Ok(());
    };
    sqlx::query!(
        "insert into first_rung (org_id, purpose, first)
         values ($1, $2, $3)
         on conflict (org_id, purpose) do update
            set first = excluded.first",
        org.0,
        purpose.word(),
        first.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn unreadable() -> Error {
    Error::Fault("a stored rule on who is rung first cannot be read".to_owned())
}
