//! Floor 3: background work. One runner, one exhaustive dispatch, one calendar of periodic work.

pub mod calendar;
pub mod dispatch;
pub mod runner;
