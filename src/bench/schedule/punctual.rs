//! How long after it falls due a call is asked of the carrier: one after the other below the pace, and many in one second,
//! where the pace alone may explain the wait.

use super::percentile;
use crate::{
    app::App,
    bench::Broken,
    domain::{ids::OrgId, people::Actor, script::Script},
    jobs,
    simulator::{Town, people::TownPlan},
};
use chrono::{DateTime, Duration, Utc};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration as StdDuration};
use tokio_util::sync::CancellationToken;

/// What a due call may wait below the pace (P30), in milliseconds.
const MOST_WAIT: u64 = 5_000;
/// Until the first call falls due.
const LEAD: Duration = Duration::seconds(3);

/// The number of one of the invented people; the exchange 556 with these lines is nobody's here but the town's.
fn number(of: u32) -> String {
    format!("+1212556{of:04}")
}

/// People who let it ring.
///
/// # Errors
/// When the plan cannot be read.
pub fn people(count: u32) -> Result<TownPlan, Broken> {
    let lines =
        (0..count).map(|of| format!("  - {{name: Person {of}, number: \"{}\", picks_up: never}}\n", number(of)));
    TownPlan::read(&format!("people:\n{}", lines.collect::<String>())).map_err(Broken::of)
}

/// Calls below the pace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Punctual {
    /// How many there were.
    pub due: u32,
    /// Milliseconds from due to the carrier, sorted.
    pub waits: Vec<u64>,
}

impl Punctual {
    /// What breaks P30.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.waits.len() != usize::try_from(self.due).unwrap_or(usize::MAX) {
            faults.push(format!("{} calls were due and {} reached the carrier", self.due, self.waits.len()));
        }
        if percentile(&self.waits, 99) > MOST_WAIT {
            faults.push(format!("below the pace a call waits longer than {MOST_WAIT} ms"));
        }
        faults
    }
}

impl fmt::Display for Punctual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "below the pace: {} calls due, {} at the carrier, due to POST p50 {} ms, p99 {} ms, max {} ms",
            self.due,
            self.waits.len(),
            percentile(&self.waits, 50),
            percentile(&self.waits, 99),
            percentile(&self.waits, 100)
        )
    }
}

/// Many calls due in one second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rush {
    /// How many there were.
    pub due: u32,
    /// Dials a minute that are allowed.
    pub per_minute: u32,
    /// Milliseconds from due to the carrier, sorted.
    pub waits: Vec<u64>,
}

impl Rush {
    /// What the pace allows at most and at least, in milliseconds, for the call that leaves as number `place`, from 0.
    fn explained(&self, place: u64) -> u64 {
        place.saturating_mul(60_000) / u64::from(self.per_minute.max(1))
    }

    /// Calls that were lost, later than the pace explains, or earlier than it allows.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.waits.len() != usize::try_from(self.due).unwrap_or(usize::MAX) {
            faults.push(format!("{} calls were due at once and {} reached the carrier", self.due, self.waits.len()));
        }
        let late = self.places().filter(|(place, wait)| **wait > self.explained(*place) + MOST_WAIT).count();
        if late > 0 {
            faults.push(format!("{late} calls left later than the pace explains"));
        }
        // The carrier hears of a dial a moment after it was drawn, so a second of dials is the grain of the comparison.
        let early = self.places().filter(|(place, wait)| **wait + 1_000 < self.explained(*place)).count();
        if early > 0 {
            faults.push(format!("{early} calls left faster than the pace allows"));
        }
        faults
    }

    fn places(&self) -> impl Iterator<Item = (u64, &u64)> {
        (0_u64..).zip(&self.waits)
    }
}

impl fmt::Display for Rush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.waits.last().copied().unwrap_or(0);
        let explained = self.explained(u64::from(self.due.saturating_sub(1)));
        write!(
            f,
            "a rush: {} calls due in one second, {} at the carrier, the last after {last} ms; at {} a minute the pace \
             explains {explained} ms",
            self.due,
            self.waits.len(),
            self.per_minute
        )
    }
}

/// Lets calls fall due one after the other, a fifth slower than the pace.
///
/// # Errors
/// When the database or the town fails.
pub async fn below_the_pace(
    app: &Arc<App>,
    actor: &Actor,
    superuser: &mut PgConnection,
    town: &Town,
    count: u32,
    per_minute: u32,
) -> Result<Punctual, Broken> {
    let step = Duration::milliseconds(72_000 / i64::from(per_minute.max(1)));
    let first = app.clock.now() + LEAD;
    let mut step_by = Duration::zero();
    let due: Vec<(u32, DateTime<Utc>)> = (0..count)
        .map(|of| {
            let at = first + step_by;
            step_by += step;
            (of, at)
        })
        .collect();
    Ok(Punctual { due: count, waits: waits(app, actor, superuser, town, &due).await? })
}

/// Lets many calls fall due in one second.
///
/// # Errors
/// When the database or the town fails.
pub async fn rush(
    app: &Arc<App>,
    actor: &Actor,
    superuser: &mut PgConnection,
    town: &Town,
    count: u32,
    per_minute: u32,
) -> Result<Rush, Broken> {
    let at = app.clock.now() + LEAD;
    let before = u32::try_from(town.carrier().calls().len()).unwrap_or(0);
    let due: Vec<(u32, DateTime<Utc>)> = (before..before.saturating_add(count)).map(|of| (of, at)).collect();
    Ok(Rush { due: count, per_minute, waits: waits(app, actor, superuser, town, &due).await? })
}

/// Plans these calls, runs the product's own runner until the town has them all or nothing more comes, and says how long
/// after it was due each came.
async fn waits(
    app: &Arc<App>,
    actor: &Actor,
    superuser: &mut PgConnection,
    town: &Town,
    due: &[(u32, DateTime<Utc>)],
) -> Result<Vec<u64>, Broken> {
    plan(superuser, actor.org, due).await?;
    let stop = CancellationToken::new();
    let runner = tokio::spawn(jobs::runner::run(Arc::clone(app), stop.clone()));
    let wanted: BTreeMap<String, DateTime<Utc>> = due.iter().map(|(of, at)| (number(*of), *at)).collect();
    let last = due.iter().map(|(_, at)| *at).max().unwrap_or_else(|| app.clock.now());
    let patience = (last - app.clock.now()).to_std().unwrap_or_default() + StdDuration::from_secs(120);
    let arrived = town.carrier().until(|calls| {
        let came = calls.iter().filter(|call| wanted.contains_key(&call.to)).count();
        (came >= wanted.len()).then_some(())
    });
    let _all_or_not = tokio::time::timeout(patience, arrived).await;
    stop.cancel();
    runner.await.map_err(Broken::of)?;
    let mut waits: Vec<u64> = town
        .carrier()
        .calls()
        .iter()
        .filter_map(|call| Some(call.created_at - *wanted.get(&call.to)?))
        .map(|wait| u64::try_from(wait.num_milliseconds()).unwrap_or(0))
        .collect();
    waits.sort_unstable();
    Ok(waits)
}

/// A patient with consent for each number, a call and its job.
async fn plan(superuser: &mut PgConnection, org: OrgId, due: &[(u32, DateTime<Utc>)]) -> Result<(), Broken> {
    let script = serde_json::to_string(&Script::default()).map_err(Broken::of)?;
    let rows: Vec<String> =
        due.iter().map(|(of, at)| format!("('{}', '{}'::timestamptz)", number(*of), at.to_rfc3339())).collect();
    let statement = format!(
        "update organization set calling_from = '00:00', calling_until = '23:59:59' where org_id = '{org}';
         create temporary table planned as
           select gen_random_uuid() as id, phone, due_at from (values {}) given (phone, due_at);
         insert into patient (org_id, id, given_name, family_name, date_of_birth, phone, language, time_zone, call_code_hash,
                              created_at)
         select '{org}', id, 'Ida', 'Invented', '1950-01-01', phone, 'en-US', 'America/Chicago', '\\x00', now() from planned;
         insert into consent (org_id, id, patient_id, purpose, channel, given, evidence, at)
         select '{org}', gen_random_uuid(), id, 'be_called', 'any', true, 'invented', now() from planned;
         insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, created_at, idem_key)
         select '{org}', id, id, 'check_in', 'dyspnea', due_at, 'scheduled', '{script}', now(), id::text from planned;
         insert into job (org_id, id, body, unique_key, run_at, state, created_at)
         select '{org}', id, jsonb_build_object('kind', 'place_call', 'call', id), 'place:' || id || ':due', due_at, 'queued',
                now()
           from planned;
         drop table planned;",
        rows.join(", ")
    );
    superuser.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.map_err(Broken::of)?;
    Ok(())
}
