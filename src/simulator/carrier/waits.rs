//! The waits that faults ask for, and whose clock measures them.

use super::{Carrier, calm::InHand};
use crate::{ports::clock::Clock, simulator::clock::later};
use serde::Deserialize;
use std::time::Duration;

/// Whose clock measures the waits of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasuredBy {
    /// The machine's.
    #[default]
    Machine,
    /// The town's, which flows and jumps.
    Town,
}

/// A wait that a fault asks for.
#[derive(Clone)]
pub(super) enum Wait {
    /// In real time.
    Real(Duration),
    /// By the town's clock.
    Town(Duration, Carrier),
}

impl Wait {
    /// Waits.
    pub(super) async fn pass(self) {
        match self {
            Self::Real(length) if length.is_zero() => {}
            Self::Real(length) => tokio::time::sleep(length).await,
            Self::Town(length, carrier) => carrier.clock().sleep(length).await,
        }
    }

    /// Waits with something in hand; what waits for the town's clock is put down meanwhile, as the clock waits for calm.
    pub(super) async fn pass_with(self, in_hand: InHand) -> InHand {
        match self {
            Self::Real(_) => {
                self.pass().await;
                in_hand
            }
            Self::Town(length, carrier) => {
                let clock = carrier.clock();
                let alarm = clock.alarm_at(later(clock.now(), length));
                drop(in_hand);
                alarm.rings().await;
                carrier.in_hand()
            }
        }
    }
}
