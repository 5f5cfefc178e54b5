//! How the carrier misbehaves on request: the ways a real one was seen to answer a dial, and frames that get lost.

pub use super::create::CreateFault;

use super::{
    CallSeen, Carrier,
    waits::{MeasuredBy, Wait},
};
use crate::{
    ports::clock::Clock,
    simulator::{
        machines::{Guess, Guesses, Patience},
        people::PicksUp,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Deserialize;
use std::time::Duration;

/// What may be asked for at `POST /town/faults`. Absent fields change nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultsWanted {
    /// How dials are answered.
    #[serde(default)]
    pub create: Option<CreateFault>,
    /// For how many dials; for all of them when absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// How changes to a leg in a conference are answered.
    #[serde(default)]
    pub seat: Option<CreateFault>,
    /// For how many of them; for all when absent.
    #[serde(default)]
    pub seat_times: Option<u32>,
    /// How long `slow` takes, in real seconds; 20 when absent.
    #[serde(default)]
    pub slow_seconds: Option<u64>,
    /// Dials answered by chance, each fault with its weight; takes the place of `create`. Empty ends it.
    #[serde(default)]
    pub mix: Option<Vec<Weighed>>,
    /// Where the choices of `mix` and of lost callbacks begin; the same seed makes the same choices.
    #[serde(default)]
    pub seed: Option<u64>,
    /// How long `slow` takes, in real milliseconds.
    #[serde(default)]
    pub slow_milliseconds: Option<u64>,
    /// How long after the connection broke `accepted_later` is accepted at most, in real milliseconds.
    #[serde(default)]
    pub later_milliseconds: Option<u64>,
    /// How long a call may be missing from the list, in real milliseconds.
    #[serde(default)]
    pub list_lag_milliseconds: Option<u64>,
    /// How many dials a second the carrier rings; the others wait in silence. 0 rings them all at once.
    #[serde(default)]
    pub calls_per_second: Option<u32>,
    /// Of a hundred callbacks so many are lost, so many sent twice, and each is late by up to so many real milliseconds.
    #[serde(default)]
    pub rough_callbacks: Option<RoughCallbacks>,
    /// Whose clock measures what is accepted later, callbacks that are late, and the lag of the list; the machine's when
    /// nothing is said. How long an answer takes is always real, since whoever waits for it does so in real time.
    #[serde(default)]
    pub measured_by: Option<MeasuredBy>,
    /// Which media frames of every stream are lost.
    #[serde(default)]
    pub lose_media_frames: Option<LostFrames>,
    /// What happens to callbacks.
    #[serde(default)]
    pub callbacks: Option<CallbackFault>,
    /// How often the carrier is wrong about who answered.
    #[serde(default)]
    pub guesses: Option<Guesses>,
}

/// A fault and its weight among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighed {
    /// How the dial is answered.
    pub create: CreateFault,
    /// How often, compared with the others.
    pub weight: u32,
}

/// Callbacks on a bad network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoughCallbacks {
    /// Lost, of a hundred.
    pub lost: u32,
    /// Sent twice, of a hundred.
    pub twice: u32,
    /// Late by up to so many real milliseconds.
    pub late_milliseconds: u64,
}

/// What happens to callbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackFault {
    /// Each is sent once.
    #[default]
    Normal,
    /// Each is sent twice.
    Twice,
    /// None is sent.
    Lost,
}

/// Which media frames are lost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum LostFrames {
    /// These chunk numbers, from 1.
    Chunks(Vec<u64>),
    /// Every so many frames one; 0 means none.
    Every {
        /// Every how many.
        every: u64,
    },
}

/// The faults in force.
#[derive(Debug)]
pub(super) struct Faults {
    create: CreateFault,
    times: Option<u32>,
    seat: CreateFault,
    seat_times: Option<u32>,
    slow: Duration,
    lost: LostFrames,
    callbacks: CallbackFault,
    mix: Vec<Weighed>,
    dice: StdRng,
    later: Duration,
    list_lag: Duration,
    rough: RoughCallbacks,
    guesses: Guesses,
    measured_by: MeasuredBy,
    /// Between two rings, by the town's clock, and when the next may be.
    spacing: Option<TimeDelta>,
    next_ring: DateTime<Utc>,
}

/// How one callback fares.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) copies: u32,
    pub(super) late: Wait,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            create: CreateFault::Normal,
            times: None,
            seat: CreateFault::Normal,
            seat_times: None,
            slow: Duration::from_secs(20),
            lost: LostFrames::Chunks(Vec::new()),
            callbacks: CallbackFault::Normal,
            mix: Vec::new(),
            dice: StdRng::seed_from_u64(0),
            later: Duration::from_secs(1),
            list_lag: Duration::ZERO,
            rough: RoughCallbacks::default(),
            guesses: Guesses::default(),
            measured_by: MeasuredBy::Machine,
            spacing: None,
            next_ring: DateTime::<Utc>::MIN_UTC,
        }
    }
}

impl Carrier {
    /// Begins to misbehave, or stops.
    pub fn misbehave(&self, wanted: FaultsWanted) {
        self.change(|book| {
            let faults = &mut book.faults;
            if let Some(create) = wanted.create {
                faults.create = create;
                faults.times = wanted.times;
            }
            if let Some(seat) = wanted.seat {
                faults.seat = seat;
                faults.seat_times = wanted.seat_times;
            }
            if let Some(seconds) = wanted.slow_seconds {
                faults.slow = Duration::from_secs(seconds);
            }
            faults.roughen(&wanted);
            if let Some(lost) = wanted.lose_media_frames {
                faults.lost = lost;
            }
            if let Some(callbacks) = wanted.callbacks {
                faults.callbacks = callbacks;
            }
        });
    }

    /// How to answer the dial at hand, and how late if slowly or later.
    pub(super) fn next_create_fault(&self) -> (CreateFault, Wait) {
        self.change(|book| {
            let faults = &mut book.faults;
            let now = faults.choose();
            if let Some(times) = faults.times.as_mut() {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    faults.create = CreateFault::Normal;
                    faults.times = None;
                }
            }
            let late = match now {
                CreateFault::AcceptedLater => {
                    let length = faults.later.mul_f64(faults.dice.random_range(0.0..1.0));
                    self.wait(length, faults.measured_by)
                }
                CreateFault::Normal
                | CreateFault::Slow
                | CreateFault::BrokenAccepted
                | CreateFault::BrokenRefused
                | CreateFault::Throttled
                | CreateFault::DropAccepted
                | CreateFault::DropRefused => Wait::Real(faults.slow),
            };
            (now, late)
        })
    }

    /// How to answer the change of a seat at hand, and how late: by the mix where there is one, like a dial.
    pub(super) fn next_seat_fault(&self) -> (CreateFault, Wait) {
        self.change(|book| {
            let faults = &mut book.faults;
            let now = if faults.mix.is_empty() { faults.seat } else { faults.choose() };
            if let Some(times) = faults.seat_times.as_mut() {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    faults.seat = CreateFault::Normal;
                    faults.seat_times = None;
                }
            }
            let late = if now == CreateFault::AcceptedLater {
                self.wait(faults.later, faults.measured_by)
            } else {
                Wait::Real(faults.slow)
            };
            (now, late)
        })
    }

    /// When a call accepted now may ring.
    pub(super) fn next_ring(&self) -> DateTime<Utc> {
        let now = self.clock().now();
        self.change(|book| {
            let faults = &mut book.faults;
            let Some(spacing) = faults.spacing else { return now };
            let ring = faults.next_ring.max(now);
            faults.next_ring = ring + spacing;
            ring
        })
    }

    /// Whether the list shows a call already.
    pub(super) fn lists(&self) -> impl Fn(&CallSeen) -> bool {
        let (lag, by, now) = {
            let faults = &self.book().faults;
            (faults.list_lag, faults.measured_by, self.clock().now())
        };
        move |call| match by {
            MeasuredBy::Machine => call.accepted.elapsed() >= lag,
            MeasuredBy::Town => (now - call.created_at).to_std().is_ok_and(|age| age >= lag),
        }
    }

    fn wait(&self, length: Duration, by: MeasuredBy) -> Wait {
        match by {
            MeasuredBy::Machine => Wait::Real(length),
            MeasuredBy::Town => Wait::Town(length, self.clone()),
        }
    }

    pub(super) fn loses_frame(&self, chunk: u64) -> bool {
        match &self.book().faults.lost {
            LostFrames::Chunks(chunks) => chunks.contains(&chunk),
            LostFrames::Every { every } => chunk.checked_rem(*every) == Some(0),
        }
    }

    /// What the carrier says of whoever answers.
    pub(super) fn next_guess(&self, picks_up: &PicksUp, patience: Patience) -> Guess {
        self.change(|book| {
            let faults = &mut book.faults;
            faults.guesses.guess(picks_up, patience, &mut faults.dice)
        })
    }

    /// How the callback at hand fares.
    pub(super) fn next_delivery(&self) -> Delivery {
        self.change(|book| {
            let faults = &mut book.faults;
            let rough = faults.rough;
            let chance = faults.dice.random_range(0..100);
            let copies = match faults.callbacks {
                CallbackFault::Lost => 0,
                CallbackFault::Normal if chance < rough.lost => 0,
                CallbackFault::Twice => 2,
                CallbackFault::Normal if chance < rough.lost.saturating_add(rough.twice) => 2,
                CallbackFault::Normal => 1,
            };
            let late = Duration::from_millis(faults.dice.random_range(0..=rough.late_milliseconds));
            let by = if late.is_zero() { MeasuredBy::Machine } else { faults.measured_by };
            let late = self.wait(late, by);
            Delivery { copies, late }
        })
    }
}

impl Faults {
    fn roughen(&mut self, wanted: &FaultsWanted) {
        if let Some(mix) = &wanted.mix {
            self.mix.clone_from(mix);
        }
        if let Some(seed) = wanted.seed {
            self.dice = StdRng::seed_from_u64(seed);
        }
        if let Some(milliseconds) = wanted.slow_milliseconds {
            self.slow = Duration::from_millis(milliseconds);
        }
        if let Some(milliseconds) = wanted.later_milliseconds {
            self.later = Duration::from_millis(milliseconds);
        }
        if let Some(milliseconds) = wanted.list_lag_milliseconds {
            self.list_lag = Duration::from_millis(milliseconds);
        }
        if let Some(guesses) = wanted.guesses {
            self.guesses = guesses;
        }
        if let Some(rough) = wanted.rough_callbacks {
            self.rough = rough;
        }
        if let Some(by) = wanted.measured_by {
            self.measured_by = by;
        }
        if let Some(rate) = wanted.calls_per_second {
            self.spacing = 1_000_000_u32.checked_div(rate).map(|micros| TimeDelta::microseconds(i64::from(micros)));
        }
    }

    fn choose(&mut self) -> CreateFault {
        let all: u32 = self.mix.iter().map(|one| one.weight).sum();
        if all == 0 {
            return self.create;
        }
        let mut left = self.dice.random_range(0..all);
        for one in &self.mix {
            match left.checked_sub(one.weight) {
                Some(rest) => left = rest,
                None => return one.create,
            }
        }
        self.create
    }
}
