//! Protocols: clinical logic as data, tested like code before a nurse may use it. `read_package` reads one and names
//! every fault, `evaluate` applies it with three-valued truth, `check` runs the tests that travel with it.

pub mod answer;
pub mod check;
pub mod decimal;
pub mod evaluate;
pub mod expression;
mod judge;
pub mod model;
mod mutate;
pub mod package;
pub mod plan;
mod read;
mod vary;

pub use answer::{Answer, AnswerFault};
pub use check::{Report, check};
pub use decimal::Decimal;
pub use evaluate::{Evaluation, Inputs, evaluate};
pub use model::Protocol;
pub use package::{Fault, Package, Passage, Scenario};
pub use read::{TAGS, dose_in, read_package};
