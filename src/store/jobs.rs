//! The job table: enqueue in the caller's transaction, claim short, finish short.

use super::OrgTx;
use crate::{
    domain::{ids::JobId, job::Job},
    error::Error,
};
use chrono::{DateTime, Utc};

/// Puts a job into the queue, to run at `run_at` of business time. The same key twice is one job.
///
/// # Errors
/// When the database is away.
pub async fn enqueue(
    tx: &mut OrgTx,
    job: &Job,
    salt: &str,
    run_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let body = serde_json::to_value(job).map_err(|error| Error::Fault(error.to_string()))?;
    let org = tx.org();
    sqlx::query!(
        "insert into job (org_id, id, body, unique_key, run_at, state, created_at)
         values ($1, $2, $3, $4, $5, 'queued', $6)
         on conflict (org_id, unique_key) do nothing",
        org.0,
        JobId::at(now).0,
        body,
        job.unique_key(salt),
        run_at,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
