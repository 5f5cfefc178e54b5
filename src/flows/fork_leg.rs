//! Forks the audio of a leg again after it was lost.

use crate::{
    app::App,
    domain::{ids::LegId, people::Actor},
    error::Error,
};

/// Forks one leg.
pub async fn fork(_app: &App, _actor: &Actor, _leg: LegId) -> Result<(), Error> {
    Err(Error::Fault("being built".to_owned()))
}

/// Looks at every live leg after a start.
pub async fn after_restart(_app: &App, _actor: &Actor) -> Result<(), Error> {
    Ok(())
}
