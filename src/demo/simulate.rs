//! `careline simulate`: the town as a process of its own.

use super::nurse::Mishap;
use crate::{
    adapters::system_clock::SystemClock,
    config::{self, Settings},
    ports::clock::Clock,
    simulator::{Town, TownSettings, clock::VirtualClock, people::TownPlan},
};
use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The town of the demo, as it is shipped.
pub const FIRST_CALL: &str = include_str!("../../evals/calls/first-call.yaml");

/// What can be said about the town on the command line; account, token and model key are settings.
#[derive(Clone, clap::Args)]
pub struct SimulateArgs {
    /// Files with townspeople, as in evals/calls. Without one: the town of the demo.
    #[arg(long)]
    pub people: Vec<PathBuf>,
}

/// Opens the town and keeps it until `stop` resolves.
///
/// # Errors
/// Names the file and line, or the setting, that is wrong.
pub async fn simulate(settings: &Settings, args: &SimulateArgs, stop: impl Future<Output = ()>) -> Result<(), Mishap> {
    config::check_names(&config::names_present()).map_err(|faults| Mishap::at_the_start(faults.to_string()))?;
    let mut plan = TownPlan::default();
    if args.people.is_empty() {
        plan = TownPlan::read(FIRST_CALL).map_err(|fault| Mishap::at_the_start(fault.to_string()))?;
    }
    for file in &args.people {
        plan.people.extend(read(file)?.people);
    }
    let listen = settings.listen.parse().map_err(|_| {
        Mishap::at_the_start("CARELINE_LISTEN: write an address and a port, such as 127.0.0.1:4010".to_owned())
    })?;
    for (name, value) in [
        ("CARELINE_TWILIO_ACCOUNT_SID", &settings.twilio_account_sid),
        ("CARELINE_TWILIO_AUTH_TOKEN", &settings.twilio_auth_token),
    ] {
        if value.is_empty() {
            return Err(Mishap::at_the_start(format!("{name} is not set; the town serves the one account it names")));
        }
    }
    let people = plan.people.len();
    // The town's own clock begins with the machine's and may be put forward afterwards.
    let clock = Arc::new(VirtualClock::starting_at(SystemClock.now()));
    let town = Town::start(TownSettings {
        listen,
        plan,
        account_sid: settings.twilio_account_sid.clone(),
        auth_token: settings.twilio_auth_token.clone(),
        model_key: settings.model_key.clone(),
        clock,
    })
    .await
    .map_err(|fault| {
        Mishap::at_the_start(format!("{fault}; stop what is there or choose another port with CARELINE_LISTEN"))
    })?;
    println!("a town of {people} at {}", town.base_url());
    stop.await;
    town.stop();
    Ok(())
}

fn read(file: &Path) -> Result<TownPlan, Mishap> {
    let text =
        std::fs::read_to_string(file).map_err(|fault| Mishap::at_the_start(format!("{}: {fault}", file.display())))?;
    TownPlan::read(&text).map_err(|fault| Mishap::at_the_start(format!("{}: {fault}", file.display())))
}
