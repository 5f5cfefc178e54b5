//! The job table: enqueue in the caller's transaction, claim short, finish short.

use super::{Db, DueBy, OrgTx};
use crate::{
    domain::{
        ids::{JobId, OrgId},
        job::Job,
    },
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

/// Organizations with work that is due, the longest waiting first. This is the one question that is asked of all
/// organizations at once, so it is asked as `app_jobs`, which sees four columns of open jobs and no other row of anybody.
///
/// # Errors
/// When the database is away.
pub async fn organizations_with_due_work(db: &Db, now: DateTime<Utc>) -> Result<Vec<OrgId>, Error> {
    match db.due_by {
        DueBy::Role => {}
        DueBy::Visit => return Ok(db.organizations().await?.into_iter().map(|(org, _code)| org).collect()),
    }
    let mut tx = db.pool.begin_with("begin; set local role app_jobs").await?;
    let rows = sqlx::query!(
        r#"with recursive busy (org_id) as (
             (select org_id
                from job
               where state = 'queued'
               order by org_id
               limit 1)
             union all
             select (select j.org_id
                       from job j
                      where j.state = 'queued'
                        and j.org_id > b.org_id
                      order by j.org_id
                      limit 1)
               from busy b
              where b.org_id is not null)
           select org_id as "org_id!"
             from (select b.org_id, (select j.run_at
                                       from job j
                                      where j.org_id = b.org_id
                                        and j.state = 'queued'
                                      order by j.run_at
                                      limit 1) as run_at
                     from busy b
                    where b.org_id is not null
                   union all
                   select org_id, run_at
                     from job
                    where state = 'running') waiting
            where run_at <= $1
            group by org_id
            order by min(run_at)"#,
        now
    )
    .fetch_all(&mut *tx)
    .await?;
    drop(tx);
    Ok(rows.into_iter().map(|row| OrgId(row.org_id)).collect())
}

/// A claimed job.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// Its id.
    pub id: JobId,
    /// What to do.
    pub job: Job,
    /// Which try this is, from 1.
    pub tries: i32,
}

/// Tries after which a job is given up and becomes work for a person.
pub const MOST_TRIES: i32 = 12;

/// Claims due jobs of one organization for `lease_seconds` of database time. A job whose lease ran out is due again. What is
/// due and what was lost are looked for apart, each along an index of its own: asked in one breath, the planner reads the
/// whole backlog for a job that may be running somewhere in it.
///
/// # Errors
/// When the database is away.
pub async fn claim(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    most: i64,
    lease_seconds: f64,
) -> Result<Vec<ClaimedJob>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "with due as (
           select id
             from job
            where org_id = $1
              and state = 'queued'
              and run_at <= $2
            order by run_at
            limit $3
              for update skip locked),
         lost as (
           select id
             from job
            where org_id = $1
              and state = 'running'
              and lease_until < clock_timestamp()
            order by lease_until
            limit $3
              for update skip locked)
         update job
            set state = 'running', tries = tries + 1, lease_until = clock_timestamp() + make_interval(secs => $4)
          where org_id = $1
            and id in (select id from lost union all select id from due limit $3)
        returning id, body, tries",
        org.0,
        now,
        most,
        lease_seconds
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let job =
                serde_json::from_value(row.body).map_err(|_| Error::Fault("a stored job cannot be read".to_owned()))?;
            Ok(ClaimedJob { id: JobId(row.id), job, tries: row.tries })
        })
        .collect()
}

/// Marks a job as done.
///
/// # Errors
/// When the database is away; the job then runs again after its lease.
pub async fn finish(tx: &mut OrgTx, id: JobId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update job
            set state = 'done', finished_at = $3, lease_until = null
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Puts a job back to run at `again_at`, with a text that names no patient.
///
/// # Errors
/// When the database is away; the job then runs again after its lease.
pub async fn postpone(tx: &mut OrgTx, id: JobId, again_at: DateTime<Utc>, why: &str) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update job
            set state = 'queued', run_at = $3, last_error = $4, lease_until = null
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        again_at,
        why
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Gives a job up.
///
/// # Errors
/// When the database is away; the job then runs again after its lease.
pub async fn discard(tx: &mut OrgTx, id: JobId, why: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update job
            set state = 'discarded', last_error = $3, finished_at = $4, lease_until = null
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        why,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
