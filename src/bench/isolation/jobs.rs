//! Jobs that name rows of another organization: dispatched one after the other, after which every row of everybody must
//! stand as it stood. Between them the queue is claimed from: whoever claims sees their own jobs only.

use super::{
    found_at::FoundAt,
    founding::{Founded, Organization},
};
use crate::{
    app::App,
    bench::Broken,
    domain::{
        ids::{AttemptId, CallId, FollowUpId, LegId, StaffId},
        job::Job,
        people::Actor,
        private::Private,
    },
    jobs::dispatch::dispatch,
    store::jobs as queue,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Jobs between two looks at the rows.
const AT_A_LOOK: u64 = 250;

/// Runs `most` jobs of foreign ids; a change of anything counts as a leak at the last job before the look.
///
/// # Errors
/// When the database cannot be read.
pub async fn run(
    app: &App,
    founded: &Founded,
    superuser_url: &Private<String>,
    seed: u64,
    most: u64,
    found: FoundAt,
) -> Result<FoundAt, Broken> {
    let mut superuser = PgConnection::connect(superuser_url.reveal()).await.map_err(Broken::of)?;
    let mut before = fingerprints(&mut superuser).await?;
    while let Some(number) = found.next(most) {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(number));
        if rng.random_ratio(1, 6) {
            claim(app, founded, &mut rng, number, &found).await?;
        } else if let Some((own, job)) = choose(&mut rng, &founded.organizations) {
            // That nothing is there under that name may be an error or nothing to do; what counts is the rows.
            let _ended = dispatch(app, &Actor::careline(own.org), &job).await;
        }
        found.refused();
        if number % AT_A_LOOK == 0 || number == most {
            let after = fingerprints(&mut superuser).await?;
            for (table, rows) in &after {
                if before.get(table) != Some(rows) {
                    found.leak(number, format!("a job of another organization changed {table}"));
                }
            }
            before = after;
        }
    }
    superuser.close().await.map_err(Broken::of)?;
    Ok(found)
}

/// Claims due jobs as the runner of one organization does, and gives them back: none may be another's.
async fn claim(app: &App, founded: &Founded, rng: &mut StdRng, number: u64, found: &FoundAt) -> Result<(), Broken> {
    let Some(own) = founded.organizations.get(rng.random_range(0..founded.organizations.len())) else { return Ok(()) };
    let mut tx = app.db.begin(&Actor::careline(own.org)).await.map_err(Broken::of)?;
    let claimed = queue::claim(&mut tx, app.clock.now(), 8, 1.0).await.map_err(Broken::of)?;
    drop(tx);
    for job in claimed {
        let text = format!("{} {}", job.id, serde_json::to_string(&job.job).map_err(Broken::of)?);
        if let Some(foreign) = founded.detector.look(&text, own.number, &[]).foreign {
            found.leak(number, format!("organization {} claimed a job of {}", own.number, foreign.owner));
        }
    }
    Ok(())
}

fn choose<'a>(rng: &mut StdRng, organizations: &'a [Organization]) -> Option<(&'a Organization, Job)> {
    let own = organizations.get(rng.random_range(0..organizations.len()))?;
    let other = organizations.get(rng.random_range(0..organizations.len()))?;
    if other.number == own.number {
        return None;
    }
    let mut id = |table: &str| -> Option<Uuid> {
        let rows = other.rows.get(table)?;
        rows.get(rng.random_range(0..rows.len().max(1))).copied()
    };
    let (call, attempt, leg) = (CallId(id("call")?), AttemptId(id("attempt")?), LegId(id("leg")?));
    let (nurse, follow_up) = (StaffId(id("staff_member")?), FollowUpId(id("follow_up")?));
    let job = match rng.random_range(0..6) {
        0 => Job::PlaceCall { call },
        1 => Job::RingNurse { call, nurse },
        2 => Job::ReconcileAttempt { attempt },
        3 => Job::HangUp { call },
        4 => Job::ForkLeg { leg },
        _ => Job::EscalateFollowUp { follow_up },
    };
    Some((own, job))
}

/// A mark of every row of every table but the record, which says what was refused too, and the queue of jobs.
async fn fingerprints(superuser: &mut PgConnection) -> Result<BTreeMap<String, String>, Broken> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text
           from pg_class
          where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
            and relname <> 'job' and relname not like 'audit%' and relname <> 'rate_bucket'",
    )
    .fetch_all(&mut *superuser)
    .await
    .map_err(Broken::of)?;
    let mut marks = BTreeMap::new();
    for table in tables {
        let statement =
            format!("select coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') from {table} t");
        let found: String =
            sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut *superuser).await.map_err(Broken::of)?;
        marks.insert(table, found);
    }
    Ok(marks)
}
