//! Claiming beside a backlog: how long it takes, and how many rows of the queue it touches, which no load of the machine
//! changes.

use super::percentile;
use crate::{
    bench::Broken,
    domain::{ids::OrgId, job::Job, people::Actor, script::Script},
    ports::clock::Clock,
    store::{Db, jobs},
};
use chrono::Duration;
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use std::{
    fmt,
    time::{Duration as StdDuration, Instant},
};

/// Jobs that are due at each claim.
const DUE: i64 = 8;
/// A statement may read so many rows more beside a larger backlog before it counts as growing.
const SLACK: u64 = 64;
/// Longer than a connection keeps its statistics to itself; it hands them over with the first transaction after that.
const STATISTICS: StdDuration = StdDuration::from_millis(1_200);

/// What claims cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Microseconds of each, sorted.
    pub micros: Vec<u64>,
    /// Rows of the queue read by one, on the average.
    pub rows_each: u64,
}

impl Claims {
    /// The slowest but one in a hundred, in microseconds.
    #[must_use]
    pub fn p99_micros(&self) -> u64 {
        percentile(&self.micros, 99)
    }

    /// Whether one reads more rows than before, by more than chance.
    #[must_use]
    pub const fn grew_since(&self, before: &Self) -> bool {
        self.rows_each > before.rows_each.saturating_mul(2).saturating_add(SLACK)
    }

    /// How many times as long the middle one takes, in hundredths, as text.
    #[must_use]
    pub fn ratio(&self, other: &Self) -> String {
        let hundredths = percentile(&self.micros, 50).saturating_mul(100) / percentile(&other.micros, 50).max(1);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

impl fmt::Display for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} claims, p50 {} µs, p99 {} µs, max {} µs, {} rows of the queue read by one",
            self.micros.len(),
            percentile(&self.micros, 50),
            self.p99_micros(),
            percentile(&self.micros, 100),
            self.rows_each
        )
    }
}

/// Stores future calls with their jobs, the first one in an hour.
///
/// # Errors
/// When the database refuses.
pub async fn fill(superuser: &mut PgConnection, org: OrgId, count: u32) -> Result<(), Broken> {
    let script = serde_json::to_string(&Script::default()).map_err(Broken::of)?;
    let statement = format!(
        "insert into patient (org_id, id, given_name, family_name, date_of_birth, phone, language, time_zone, call_code_hash,
                              created_at)
         select '{org}', '{org}', 'Ida', 'Invented', '1950-01-01', '+12125559999', 'en-US', 'America/Chicago', '\\x00', now()
         on conflict do nothing;
         create temporary table planned as
           select gen_random_uuid() as id, now() + interval '1 hour' + random() * interval '30 days' as due_at
             from generate_series(1, {count});
         insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, created_at, idem_key)
         select '{org}', id, '{org}', 'check_in', 'dyspnea', due_at, 'scheduled', '{script}', now(), id::text from planned;
         insert into job (org_id, id, body, unique_key, run_at, state, created_at)
         select '{org}', id, jsonb_build_object('kind', 'place_call', 'call', id), 'place:' || id || ':due', due_at, 'queued',
                now()
           from planned;
         drop table planned;
         analyze call, job;"
    );
    superuser.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.map_err(Broken::of)?;
    Ok(())
}

/// Makes some jobs due, asks which organizations have work and claims it, so many times over; only the asking and claiming
/// is timed. The database must be one of a single connection, for what it has read to be known.
///
/// # Errors
/// When what is due is not what is claimed.
pub async fn claims(
    db: &Db,
    clock: &dyn Clock,
    actor: &Actor,
    superuser: &mut PgConnection,
    count: u32,
) -> Result<Claims, Broken> {
    let before = rows_read(db, superuser).await?;
    let mut micros = Vec::new();
    for number in 0..count.max(1) {
        let now = clock.now();
        let mut tx = db.begin(actor).await.map_err(Broken::of)?;
        for one in 0..DUE {
            let salt = format!("{}-{number}-{one}", now.timestamp_micros());
            jobs::enqueue(&mut tx, &Job::ScrubFiles, &salt, now - Duration::seconds(1), now)
                .await
                .map_err(Broken::of)?;
        }
        tx.commit().await.map_err(Broken::of)?;
        let began = Instant::now();
        let with_work = jobs::organizations_with_due_work(db, now).await.map_err(Broken::of)?;
        let mut tx = db.begin(actor).await.map_err(Broken::of)?;
        let claimed = jobs::claim(&mut tx, now, DUE, 45.0).await.map_err(Broken::of)?;
        tx.commit().await.map_err(Broken::of)?;
        micros.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        if !with_work.contains(&actor.org) || i64::try_from(claimed.len()).unwrap_or(0) != DUE {
            return Err(Broken(format!("{DUE} jobs were due and {} were claimed", claimed.len())));
        }
        let mut tx = db.begin(actor).await.map_err(Broken::of)?;
        for job in claimed {
            jobs::finish(&mut tx, job.id, now).await.map_err(Broken::of)?;
        }
        tx.commit().await.map_err(Broken::of)?;
    }
    let read = rows_read(db, superuser).await?.saturating_sub(before);
    micros.sort_unstable();
    Ok(Claims { micros, rows_each: read / u64::from(count.max(1)) })
}

/// The same without the index of what is queued: the control.
///
/// # Errors
/// When the database refuses.
pub async fn without_index(
    db: &Db,
    clock: &dyn Clock,
    actor: &Actor,
    superuser: &mut PgConnection,
    count: u32,
) -> Result<Claims, Broken> {
    superuser.execute("drop index job_queued").await.map_err(Broken::of)?;
    let found = claims(db, clock, actor, superuser, count).await;
    superuser
        .execute("create index job_queued on job (org_id, run_at) where state = 'queued'")
        .await
        .map_err(Broken::of)?;
    found
}

/// Rows of the queue that any statement has read so far, by index or from one end to the other.
async fn rows_read(db: &Db, superuser: &mut PgConnection) -> Result<u64, Broken> {
    tokio::time::sleep(STATISTICS).await;
    let _organizations = db.organizations().await.map_err(Broken::of)?;
    let read: i64 = sqlx::query_scalar(
        "select (coalesce(t.seq_tup_read, 0)
                 + coalesce((select sum(i.idx_tup_read)
                               from pg_stat_user_indexes i
                              where i.relid = t.relid), 0))::bigint
           from pg_stat_user_tables t
          where t.relname = 'job'",
    )
    .fetch_one(superuser)
    .await
    .map_err(Broken::of)?;
    Ok(u64::try_from(read).unwrap_or(0))
}
