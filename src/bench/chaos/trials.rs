//! The rounds that are tried: everything at once, each point alone, a carrier that breaks its contract.

use super::{
    Judge,
    round::{Method, Round, Sweeps},
    stage::People,
};
use crate::failpoint::FailPoint;
use serde_json::{Value, json};
use std::time::Duration;

/// Real time between two calls that fall due.
const BETWEEN_CALLS: Duration = Duration::from_millis(100);
/// Deaths at each point that is tried alone.
const DEATHS_EACH: u32 = 25;
/// Moments that a call passes, roughly, on its way to its end.
const MOMENTS: f64 = 14.0;

/// A carrier on a bad day: what it does with a dial, its list behind by up to 24 s, its callbacks lost, doubled and late.
fn rough(seed: u64) -> Value {
    json!({
        "seed": seed,
        "mix": [
            {"create": "normal", "weight": 55}, {"create": "slow", "weight": 13},
            {"create": "drop_accepted", "weight": 8}, {"create": "drop_refused", "weight": 6},
            {"create": "500_accepted", "weight": 5}, {"create": "500_refused", "weight": 4},
            {"create": "429", "weight": 5}, {"create": "accepted_later", "weight": 4}
        ],
        "slow_milliseconds": 700,
        "later_milliseconds": 1000,
        "list_lag_milliseconds": 400,
        "rough_callbacks": {"lost": 25, "twice": 30, "late_milliseconds": 300}
    })
}

/// Everything at once: deaths at every point and at random.
#[must_use]
pub fn storm(calls: usize, kills: u32, workers: usize, seed: u64) -> Round {
    let count = u32::try_from(calls).unwrap_or(u32::MAX);
    let odds = 0.8 * f64::from(kills) / (f64::from(count) * MOMENTS);
    // Seldom passed, and so the more dangerous when they are.
    let seldom = |point: FailPoint| match point {
        FailPoint::RejectPre
        | FailPoint::UnknownPre
        | FailPoint::ReconcileListed
        | FailPoint::ReconcileBindPre
        | FailPoint::ReconcileAbsentPre
        | FailPoint::ReconcilePost
        | FailPoint::OrphanEndPre
        | FailPoint::OrphanEndPost
        | FailPoint::LeaseSweepPre => 4.0,
        FailPoint::TailSweepListed => 0.02,
        FailPoint::ClaimPre
        | FailPoint::ClaimPost
        | FailPoint::ArmPre
        | FailPoint::ArmPost
        | FailPoint::PostPre
        | FailPoint::PostPost
        | FailPoint::BindPre
        | FailPoint::BindPost
        | FailPoint::JobEndPre => 1.0,
    };
    Round {
        calls,
        spread: BETWEEN_CALLS * count,
        workers,
        kills,
        random_share: 30,
        database_kills: 0,
        odds: FailPoint::ALL.map(|point| (point.name().to_owned(), (odds * seldom(point)).min(0.5))).to_vec(),
        faults: rough(seed),
        people: People::Quick,
        method: Method::Careline(Sweeps::On),
        tail_sweep_milliseconds: 4_000,
        aftermath: Duration::ZERO,
        seed,
    }
}

/// A carrier that accepts up to four times as late as anybody waits for it.
#[must_use]
pub fn late(calls: usize, workers: usize, seed: u64) -> Round {
    let faults = json!({
        "seed": seed,
        "mix": [{"create": "normal", "weight": 88}, {"create": "accepted_later", "weight": 12}],
        "later_milliseconds": 12_000,
        "list_lag_milliseconds": 200,
        "rough_callbacks": {"lost": 25, "twice": 30, "late_milliseconds": 100}
    });
    Round {
        kills: 0,
        random_share: 0,
        odds: Vec::new(),
        faults,
        people: People::Slow,
        tail_sweep_milliseconds: 500,
        aftermath: Duration::from_secs(16),
        ..storm(calls, 0, workers, seed)
    }
}

/// Each point alone, until it has killed often enough.
pub fn points(workers: usize, seed: u64) -> Vec<(String, Round, Judge)> {
    FailPoint::ALL
        .into_iter()
        .map(|point| {
            let judge = if ends_an_orphan(point) { Judge::Caught } else { Judge::Clean };
            (point.name().to_owned(), alone(point, workers, seed), judge)
        })
        .collect()
}

/// A round in which processes die at one point, with a carrier that makes them pass it.
fn alone(point: FailPoint, workers: usize, seed: u64) -> Round {
    let mix = |mix: Value| {
        json!({"seed": seed, "mix": mix, "slow_milliseconds": 700, "later_milliseconds": 1000,
        "list_lag_milliseconds": 200, "rough_callbacks": {"lost": 60, "twice": 10, "late_milliseconds": 300}})
    };
    let refused = mix(json!([{"create": "normal", "weight": 50}, {"create": "429", "weight": 50}]));
    let doubtful = mix(json!([{"create": "500_accepted", "weight": 60}, {"create": "drop_accepted", "weight": 40}]));
    let absent = mix(json!([{"create": "normal", "weight": 50}, {"create": "drop_refused", "weight": 50}]));
    if ends_an_orphan(point) {
        // Surplus rings are few, and each is ended once.
        let odds = vec![(point.name().to_owned(), 1.0)];
        return Round { kills: 5, odds, spread: Duration::from_secs(10), ..late(120, workers, seed) };
    }
    let faults = if point == FailPoint::RejectPre {
        refused
    } else if point == FailPoint::ReconcileAbsentPre {
        absent
    } else if looks_into_doubt(point) {
        doubtful
    } else {
        rough(seed)
    };
    let mut odds = vec![(point.name().to_owned(), 1.0)];
    let mut kills = DEATHS_EACH;
    if point == FailPoint::LeaseSweepPre {
        // Nothing expires unless somebody dies before.
        odds.push((FailPoint::ClaimPost.name().to_owned(), 0.4));
        kills *= 2;
    }
    let base = storm(120, kills, workers, seed);
    Round { faults, random_share: 0, odds, spread: Duration::from_secs(10), ..base }
}

const fn ends_an_orphan(point: FailPoint) -> bool {
    matches!(point, FailPoint::OrphanEndPre | FailPoint::OrphanEndPost)
}

const fn looks_into_doubt(point: FailPoint) -> bool {
    matches!(
        point,
        FailPoint::UnknownPre | FailPoint::ReconcileListed | FailPoint::ReconcileBindPre | FailPoint::ReconcilePost
    )
}
