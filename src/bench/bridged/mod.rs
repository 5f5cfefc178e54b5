//! Promise 1, the call outlives the software: patients and nurses talk while the product is killed again and again. No
//! conference ends, every leg is heard again soon after the restart, every silence of ours is in the record and shown.

pub(super) mod ward;

use super::{
    Broken, machine,
    town_ground::{Running, TownGround, count},
};
use crate::{
    demo::nurse::Nurse,
    domain::ids::{CallId, OrgId},
    ports::clock::Clock,
    simulator::carrier::CallSeen,
};
use chrono::{DateTime, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{Executor, PgConnection};
use std::{
    fmt,
    path::PathBuf,
    time::{Duration, Instant},
};
use uuid::Uuid;
use ward::{PASSWORD, PATIENTS, bridge, email, found, number, people};

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// How many bridged calls are to live through a kill: each kill of the product counts once for every call.
    #[arg(long, default_value_t = 1_000)]
    kills: u32,
    /// How many calls are bridged at once.
    #[arg(long, default_value_t = 10)]
    calls: u32,
    /// Repeats the choice of moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Calls bridged at once.
    pub calls: u32,
    /// Times the product is killed.
    pub kills: u32,
    /// Repeats the choice of moments.
    pub seed: u64,
}

/// A leg must be heard again this soon after the product was started again (p99).
const HEARD_WITHIN: Duration = Duration::from_secs(3);
/// Longest wait for anything that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the database is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Longest undisturbed talk between two kills.
const LONGEST_TALK_MS: u64 = 1_500;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Calls bridged at once.
    pub calls: usize,
    /// Times the product was killed.
    pub kills: u32,
    /// Conferences that ended, and telephones that rang again.
    pub ended: usize,
    /// From the start of the new process until a leg was heard again, one for each leg and kill.
    pub heard_after: Vec<Duration>,
    /// Legs and kills without a gap in the record.
    pub untold: i64,
    /// Calls whose page does not show as many gaps as the record has.
    pub unshown: usize,
    /// Whether a gap taken out of the record, and a conference ended by hand, were noticed.
    pub controls_seen: bool,
}

impl Findings {
    /// Whether everything held but the time, which `run` alone judges.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.ended == 0 && self.untold == 0 && self.unshown == 0 && self.controls_seen
    }

    /// The time within which 99 of 100 legs were heard again.
    #[must_use]
    pub fn p99(&self) -> Duration {
        let mut sorted = self.heard_after.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len().saturating_mul(99) / 100).copied().unwrap_or_default()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let through = u64::from(self.kills) * u64::try_from(self.calls).unwrap_or(0);
        write!(
            f,
            "  {} calls, {} kills of the product, {through} calls lived through one: {} conferences ended or telephones \
             rang again\n  {} legs heard again within {} ms of the new start (p99); {} gaps missing in the record, {} call \
             pages without them\n  controls noticed: {}",
            self.calls,
            self.kills,
            self.ended,
            self.heard_after.len(),
            self.p99().as_millis(),
            self.untold,
            self.unshown,
            self.controls_seen
        )
    }
}

/// Bridges, kills, and reports.
///
/// # Errors
/// When a promise was broken; the text is the report all the same.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let kills = args.kills.div_ceil(args.calls.max(1));
    let plan = Plan { calls: args.calls, kills, seed: args.seed };
    let found = measure(std::env::current_exe().map_err(Broken::of)?, &plan).await?;
    let report = format!("bridged, seed {} ({})\n{found}", args.seed, machine());
    if found.hold() && found.p99() < HEARD_WITHIN { Ok(report) } else { Err(Broken(report)) }
}

/// Tries it; `program` is the one whose `serve` is killed.
///
/// # Errors
/// When the run could not be made, or a leg was never heard again.
pub async fn measure(program: PathBuf, plan: &Plan) -> Result<Findings, Broken> {
    let ground = TownGround::open(program, people(plan.calls)?).await?;
    let done = on(&ground, plan).await;
    ground.leave().await;
    done
}

async fn on(ground: &TownGround, plan: &Plan) -> Result<Findings, Broken> {
    let app = ground.app().await?;
    let ward = found(&app, plan.calls).await?;
    let mut running = Some(ground.start(&[]).await?);
    let calls = bridge(ground, &app, &ward).await?;
    let mut superuser = ground.superuser().await?;
    let legs = calls.len() * 2;
    heard_since(&mut superuser, ward.org, None, legs).await?;
    let mut dice = StdRng::seed_from_u64(plan.seed);
    let mut found = Findings { calls: calls.len(), ..Findings::default() };
    for _ in 0..plan.kills {
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..LONGEST_TALK_MS))).await;
        found.heard_after.extend(kill(ground, &mut running, &mut superuser, (ward.org, legs)).await?);
        found.kills += 1;
        found.ended = found.ended.max(ended(ground, legs));
    }
    let owed = i64::from(plan.kills) * i64::try_from(legs).unwrap_or(i64::MAX);
    found.untold = untold(&mut superuser, ward.org, owed).await?;
    found.unshown = unshown(ground, &mut superuser, &calls).await?;
    found.controls_seen = controls(ground, &mut superuser, (ward.org, owed, legs)).await?;
    if let Some(running) = running {
        running.crash().await?;
    }
    app.db.close().await;
    Ok(found)
}

/// Kills the product, starts it again, and waits until every leg is heard; how long each took.
async fn kill(
    ground: &TownGround,
    running: &mut Option<Running>,
    superuser: &mut PgConnection,
    (org, legs): (OrgId, usize),
) -> Result<Vec<Duration>, Broken> {
    if let Some(running) = running.take() {
        running.crash().await?;
    }
    let started = ground.clock().now();
    *running = Some(ground.start(&[]).await?);
    let heard = heard_since(superuser, org, Some(started), legs).await?;
    Ok(heard.into_iter().map(|at| (at - started).to_std().unwrap_or_default()).collect())
}

/// Waits until every leg has a stream that began after `since`; when each did.
async fn heard_since(
    superuser: &mut PgConnection,
    org: OrgId,
    since: Option<DateTime<Utc>>,
    legs: usize,
) -> Result<Vec<DateTime<Utc>>, Broken> {
    let until = Instant::now() + PATIENCE;
    loop {
        let heard: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(
            "select m.leg_id, min(m.started_at)
               from media_stream m
               join leg l on l.org_id = m.org_id and l.id = m.leg_id
              where m.org_id = $1
                and l.left_at is null
                and m.ended_at is null
                and m.started_at > coalesce($2, '-infinity'::timestamptz)
              group by m.leg_id",
        )
        .bind(org.0)
        .bind(since)
        .fetch_all(&mut *superuser)
        .await
        .map_err(Broken::of)?;
        if heard.len() >= legs {
            return Ok(heard.into_iter().map(|(_, at)| at).collect());
        }
        if Instant::now() > until {
            return Err(Broken(format!("only {} of {legs} legs are heard", heard.len())));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Conferences that are over or lost somebody, and telephones that rang for a second time.
fn ended(ground: &TownGround, legs: usize) -> usize {
    let carrier = ground.town.carrier();
    let whole =
        carrier.conferences().iter().filter(|one| one.ended_at.is_none() && one.participants.len() == 2).count();
    let calls = carrier.calls();
    (legs / 2).saturating_sub(whole) + calls.len().saturating_sub(legs)
}

/// Legs and kills that the record does not tell of.
async fn untold(superuser: &mut PgConnection, org: OrgId, owed: i64) -> Result<i64, Broken> {
    let statement = format!(
        "select count(*) from gap where org_id = '{org}' and reason = 'careline_restarted' and to_at > from_at"
    );
    Ok((owed - count(superuser, &statement).await?).max(0))
}

/// Call pages that do not say how many gaps there are.
async fn unshown(ground: &TownGround, superuser: &mut PgConnection, calls: &[CallId]) -> Result<usize, Broken> {
    let browser = Nurse::at(ground.origin()).map_err(Broken::of)?;
    browser.sign_in("harbor", &email(0), PASSWORD).await.map_err(Broken::of)?;
    let mut unshown = 0;
    for call in calls {
        let gaps = count(superuser, &format!("select count(*) from gap where call_id = '{call}'")).await?;
        let page = browser.open(&format!("/calls/{call}")).await.map_err(Broken::of)?;
        unshown += usize::from(!page.text().contains(&format!("{gaps} gap")));
    }
    Ok(unshown)
}

/// Takes a gap out of the record and ends one conference; both must be noticed.
async fn controls(
    ground: &TownGround,
    superuser: &mut PgConnection,
    (org, owed, legs): (OrgId, i64, usize),
) -> Result<bool, Broken> {
    let first = format!(
        "delete from gap where id = (select min(id::text)::uuid from gap
                                      where org_id = '{org}' and reason = 'careline_restarted')"
    );
    let kept =
        count(superuser, &format!("select count(*) from gap where org_id = '{org}' and reason = 'careline_restarted'"))
            .await?;
    superuser.execute(sqlx::AssertSqlSafe(first)).await.map_err(Broken::of)?;
    // A leg may owe more than one gap for a kill, so the control asks for exactly what there was.
    let gap_is_missed = untold(superuser, org, kept.max(owed)).await? == 1;
    let hung_up = ground.town.carrier().make_hang_up(&number(PATIENTS, 0)).await;
    let over = |calls: &[CallSeen]| calls.iter().any(|call| call.status.is_over()).then_some(());
    ground.town.carrier().until(over).await;
    Ok(gap_is_missed && hung_up && ended(ground, legs) > 0)
}
