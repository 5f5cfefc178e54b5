//! How long a password takes to hash here: the parameters are right while it is between a tenth and half of a second.

use super::{Broken, machine, median};
use crate::domain::{password, private::Private};
use std::time::Instant;

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// How many passwords are hashed, one after the other.
    #[arg(long, default_value_t = 20)]
    count: u32,
}

/// Hashes them.
///
/// # Errors
/// When one could not be hashed.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let count = args.count.max(1);
    let times = tokio::task::spawn_blocking(move || {
        (0..count)
            .map(|_| {
                let began = Instant::now();
                let hashed = password::hash(&Private::new(b"tulips under the window".to_vec()), rand::random());
                hashed.map(|_| u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX))
            })
            .collect::<Result<Vec<u64>, _>>()
    })
    .await
    .map_err(Broken::of)?;
    let middle = median(&mut times.map_err(Broken::of)?);
    Ok(format!("{count} passwords, one at a time: median {} ms ({})", middle / 1_000, machine()))
}
