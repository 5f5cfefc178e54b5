//! The month passes: whatever is due is worked, whatever people are about to do is done, and when everybody waits the clock
//! jumps to the next instant for which somebody waits. Between two jumps it goes as fast as real time, so that what the
//! product needs for its work is part of how late it is.

use super::{
    deeds::Deeds,
    diary::{Event, Span},
    stage::Stage,
};
use crate::{
    bench::Broken,
    jobs::{
        calendar::{self, Round},
        runner::Runner,
    },
    ports::clock::Clock,
};
use chrono::{DateTime, Duration, Utc};
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration as StdDuration, Instant},
};

/// What is so near to each other happens together: people and callbacks are no more exact. A call that is due is never kept
/// waiting for it.
const TOGETHER: Duration = Duration::seconds(3);
/// Looks at a due job that nobody can claim, until something must be wrong.
const MOST_IN_VAIN: u32 = 500;
/// As long after the last call, surplus rings are looked for.
const TAIL: Duration = Duration::minutes(15);
/// Days after which the database learns how much is in its tables. A server does that by itself once a minute; here a minute
/// is a month.
const LEARNINGS: [i64; 6] = [0, 1, 2, 4, 8, 16];

/// How often periodic work is done in the month. A process that serves does it as often as `Round::every` says, in real time;
/// in the time of a month that would be a million looks at nothing. What is looked for is the same, later.
const fn rests(round: Round) -> Duration {
    match round {
        // Shorter than the tail, so that every ring is looked at.
        Round::NearTail => Duration::minutes(14),
        Round::Overdue => Duration::minutes(30),
        Round::Plan | Round::Chain => Duration::hours(1),
        // Texts are written a day and a half before they leave.
        Round::Announce | Round::Leases | Round::CatchUp => Duration::hours(4),
        Round::Sign => Duration::hours(6),
        Round::WideTail | Round::Scrub | Round::Erase | Round::Buckets => Duration::days(1),
        // All of the record is verified once, at the end.
        Round::Verify => Duration::days(10_000),
    }
}

/// How the month went by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drive {
    /// Jumps of the clock.
    pub jumps: u64,
    /// Jobs that ran.
    pub jobs: usize,
    /// Real time in which jobs ran, carriers' requests were answered, rounds of the calendar were done, the diary was, and the
    /// database looked at what it holds.
    pub spent: [StdDuration; 5],
}

/// Lets the month pass.
///
/// # Errors
/// When the product or the town fails.
pub async fn through(
    stage: &mut Stage,
    span: Span,
    diary: Vec<(DateTime<Utc>, Event)>,
    deeds: &mut Deeds,
) -> Result<Drive, Broken> {
    let mut driver = Driver {
        runner: Runner::new(stage.app.clone()),
        diary: diary.into(),
        rounds: Round::ALL.map(|round| (round, span.begins() + rests(round))).into(),
        drive: Drive::default(),
        last_call: span.begins(),
        in_vain: 0,
        learnings: LEARNINGS.map(|day| span.begins() + Duration::days(day)).into(),
    };
    Box::pin(deeds.act(stage, Event::Moods)).await?;
    loop {
        let next = driver.settle(stage).await?;
        let now = stage.clock.now();
        if driver.act(stage, deeds, now).await? {
            continue;
        }
        let next = driver.next(next.unwrap_or_else(|| span.ends()));
        if next >= span.ends() {
            return Ok(driver.drive);
        }
        if let Ok(by) = (next - now).to_std() {
            stage.clock.advance(by);
            driver.drive.jumps += 1;
        }
    }
}

/// The first jobs of the queue: when each is due, and whether it places a call.
async fn queued(stage: &mut Stage) -> Result<Vec<(DateTime<Utc>, bool)>, Broken> {
    sqlx::query_as(
        "select run_at, body ->> 'kind' = 'place_call' from job where org_id = $1 and state = 'queued' order by run_at limit 12",
    )
    .bind(stage.coordinator.org.0)
    .fetch_all(&mut stage.superuser)
    .await
    .map_err(Broken::of)
}

struct Driver {
    runner: Runner,
    diary: VecDeque<(DateTime<Utc>, Event)>,
    rounds: BTreeMap<Round, DateTime<Utc>>,
    drive: Drive,
    last_call: DateTime<Utc>,
    /// Looks at the queue that began nothing, one after the other.
    in_vain: u32,
    learnings: VecDeque<DateTime<Utc>>,
}

impl Driver {
    /// Works until everybody waits; for which instant at the earliest. `None` when nobody waits for anything.
    async fn settle(&mut self, stage: &mut Stage) -> Result<Option<DateTime<Utc>>, Broken> {
        let carrier = stage.ground.town.carrier().clone();
        loop {
            let began = Instant::now();
            stage.clock.roused().await;
            carrier.calm().await;
            self.spend(1, began);
            let queued = queued(stage).await?;
            let now = stage.clock.now();
            if let Some((due, _)) = queued.first().filter(|(due, _)| *due <= now) {
                let began = Instant::now();
                let ran = self.runner.round().await.map_err(Broken::of)?;
                self.spend(0, began);
                self.drive.jobs = self.drive.jobs.saturating_add(ran);
                self.in_vain = if ran == 0 { self.in_vain + 1 } else { 0 };
                if self.in_vain > MOST_IN_VAIN {
                    return Err(Broken(format!("a job is due since {due:?} and nobody can claim it")));
                }
                continue;
            }
            let alarm = stage.clock.next_alarm();
            if alarm.is_some_and(|alarm| alarm <= now) || !carrier.is_calm() {
                continue;
            }
            if alarm.is_some() {
                self.last_call = now;
            }
            let due = queued.into_iter().map(|(due, is_call)| if is_call { due } else { due + TOGETHER });
            return Ok(due.chain(alarm.map(|alarm| alarm + TOGETHER)).min());
        }
    }

    /// The instant of the next thing that anything here waits for.
    fn next(&self, next: DateTime<Utc>) -> DateTime<Utc> {
        let event = self.diary.front().map(|(when, _)| *when);
        self.rounds.values().copied().chain(event).fold(next, DateTime::min)
    }

    fn spend(&mut self, what: usize, since: Instant) {
        if let Some(spent) = self.drive.spent.get_mut(what) {
            *spent += since.elapsed();
        }
    }

    /// Does one thing whose time has come. False when there is none.
    async fn act(&mut self, stage: &mut Stage, deeds: &mut Deeds, now: DateTime<Utc>) -> Result<bool, Broken> {
        if self.diary.front().is_some_and(|(when, _)| *when <= now) {
            let began = Instant::now();
            if let Some((_, event)) = self.diary.pop_front() {
                Box::pin(deeds.act(stage, event)).await?;
            }
            self.spend(3, began);
            return Ok(true);
        }
        if self.learnings.front().is_some_and(|when| *when <= now) {
            let began = Instant::now();
            self.learnings.pop_front();
            stage.learn().await?;
            self.spend(4, began);
            return Ok(true);
        }
        let Some(round) = self.rounds.iter().find(|(_, when)| **when <= now).map(|(round, _)| *round) else {
            return Ok(false);
        };
        self.rounds.insert(round, now + rests(round));
        if round != Round::NearTail || now - self.last_call < TAIL {
            let began = Instant::now();
            calendar::go(&stage.app, round).await;
            self.spend(2, began);
        }
        Ok(true)
    }
}
