//! The subcommands. What goes wrong at the start is one clear line on standard error and exit code 2.

mod desk;

use careline::{
    bench,
    boot::{self, Database},
    config::{self, Settings},
    demo::{
        self, DemoArgs,
        nurse::{Mishap, Turn},
        simulate::{self, SimulateArgs},
    },
    error::{Error, Verdict},
    jobs, telemetry, web,
};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::{
    io::{Read, Write},
    process::ExitCode,
    time::Duration,
};
use tokio::{net::TcpListener, signal::unix::SignalKind, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How long requests and jobs under way may take to end.
const TO_END: Duration = Duration::from_secs(4);
/// How long the last words of streams may take to be written once they were cut off.
const LAST_WORDS: Duration = Duration::from_secs(13);

/// Careline: the telephone ward of a palliative-care service.
#[derive(Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve pages, API and webhooks, and work the jobs.
    Serve(Serve),
    /// Work the jobs without serving anything.
    Work(Tether),
    /// Bring the database up to date and end.
    Migrate,
    /// Look after the record.
    #[command(subcommand)]
    Audit(desk::Audit),
    /// Found organizations.
    #[command(subcommand)]
    Organization(desk::Organization),
    /// Look after staff.
    #[command(subcommand)]
    Staff(desk::Staff),
    /// Look after the keys that stay outside the database.
    #[command(subcommand)]
    Keys(desk::keys::Keys),
    /// Look after the carrier.
    #[command(subcommand)]
    Carrier(desk::carrier::Carrier),
    /// Pause dialling, let it go on, or ask whether it is paused.
    #[command(subcommand)]
    Dialling(desk::dialling::Dialling),
    /// Run a stored call again and see whether the same cards come out, or which differ under another version of its protocol.
    /// Exit code 0: the same; 1: some differ, each named; 2: it cannot be run, and why.
    Replay(desk::replay::Args),
    /// Look after protocols.
    #[command(subcommand)]
    Protocol(desk::Protocol),
    /// Run a ward, a town of invented patients and a telephone between them, on this machine only.
    Demo(DemoArgs),
    /// Open the simulated town: a carrier and a model server behind their own wire protocols, and one virtual clock. Or let a
    /// whole month pass in it.
    Simulate(Simulate),
    /// Measure what the product promises in numbers, against a database of its own.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Show every setting, its meaning and its value; secrets are masked.
    Config,
}

#[derive(Args)]
struct Serve {
    /// Leave the jobs to `careline work`.
    #[arg(long)]
    no_work: bool,
    /// How long streams that run are still heard here once this process is told to end (SIGTERM), in seconds. Then the carrier
    /// forks them again, to whoever serves by then. A second signal does not wait.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=600))]
    drain_seconds: u64,
    #[command(flatten)]
    tether: Tether,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
struct Simulate {
    #[command(subcommand)]
    what: Option<Simulation>,
    #[command(flatten)]
    args: SimulateArgs,
    #[command(flatten)]
    tether: Tether,
}

#[derive(Subcommand)]
enum Simulation {
    /// A month of a clinic in about a minute: the real product, invented people, the carrier's book against ours. Ends with 1
    /// when somebody was rung twice, forgotten, left without a person who knows, or rung who must not be.
    Month(bench::month::Args),
}

#[derive(Args)]
struct Tether {
    /// End when standard input closes, so as not to outlive whoever started this.
    #[arg(long)]
    tethered: bool,
}

/// Why a subcommand ends early: what it says on standard error, and its exit code.
struct Ending {
    says: String,
    code: u8,
}

impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        let code = match error.verdict() {
            Verdict::CallersFault => 2,
            Verdict::TryLater | Verdict::OurFault => 1,
        };
        let says = match &error {
            Error::Database(_) => format!("{error} ({})", error.cause()),
            Error::Invalid(_)
            | Error::SignedOut
            | Error::Unproven
            | Error::FactorOwed
            | Error::Forbidden
            | Error::NotFound
            | Error::Conflict(_)
            | Error::Outage(_)
            | Error::TooMany { .. }
            | Error::Fault(_) => error.to_string(),
        };
        Self { says, code }
    }
}

impl From<Mishap> for Ending {
    fn from(mishap: Mishap) -> Self {
        let code = match mishap.turn {
            Turn::Starter => 2,
            Turn::Ours => 1,
        };
        Self { says: mishap.to_string(), code }
    }
}

impl From<config::Faults> for Ending {
    fn from(faults: config::Faults) -> Self {
        Self { says: faults.to_string(), code: 2 }
    }
}

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let ended = match cli.command {
        Command::Config => show_config(&cli.settings, &matches),
        command => run(&cli.settings, command),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(ending) => {
            for line in ending.says.lines() {
                let _written = writeln!(std::io::stderr(), "careline: {line}");
            }
            ExitCode::from(ending.code)
        }
    }
}

fn run(settings: &Settings, command: Command) -> Result<u8, Ending> {
    let mut log = config::check_log(settings)?;
    let is_month = matches!(command, Command::Simulate(Simulate { what: Some(Simulation::Month(_)), .. }));
    if is_month && log.filter == config::USUAL_LOG {
        // A month of requests and jobs is a hundred thousand lines; what matters of them is in the report.
        "error".clone_into(&mut log.filter);
    }
    telemetry::start(&log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Ending { says: format!("the runtime did not start: {why}"), code: 1 })?;
    runtime.block_on(async {
        match command {
            Command::Serve(serve) => {
                let work = if serve.no_work { Work::Elsewhere } else { Work::Here };
                let drain = Duration::from_secs(serve.drain_seconds);
                stay(settings, Some(work), End::listened_for(drain, &serve.tether)?).await
            }
            Command::Work(tether) => stay(settings, None, End::listened_for(Duration::ZERO, &tether)?).await,
            Command::Migrate => {
                let database = config::check_database(settings, &config::names_present())?;
                boot::database(&database).await?.close().await;
                say("the database is up to date");
                Ok(0)
            }
            Command::Audit(desk::Audit::Verify { org, from, export }) => {
                desk::at_the_desk(settings, |app| desk::record::verify(app, org, from, export)).await
            }
            Command::Keys(which) => desk::keys::run(settings, which).await,
            Command::Carrier(which) => desk::carrier::run(settings, which).await,
            Command::Dialling(what) => desk::at_the_desk(settings, |app| desk::dialling::switch(app, what)).await,
            Command::Organization(add) => desk::at_the_desk(settings, |app| desk::found(app, add)).await,
            Command::Staff(staff) => desk::at_the_desk(settings, |app| desk::look_after_staff(app, staff)).await,
            Command::Protocol(desk::Protocol::Check { folders }) => desk::check_protocols(&folders),
            Command::Protocol(desk::Protocol::Import { org, folders }) => {
                desk::at_the_desk(settings, |app| desk::import_protocols(app, org, folders)).await
            }
            Command::Replay(args) => desk::at_the_desk(settings, |app| desk::replay::replay(app, args)).await,
            Command::Demo(args) => Ok(demo::run(settings, &args).await.map(|()| 0)?),
            Command::Simulate(Simulate { what: Some(Simulation::Month(args)), .. }) => {
                let found =
                    bench::month::run(&args).await.map_err(|broken| Ending { says: broken.to_string(), code: 1 })?;
                say(found.trim_end());
                Ok(0)
            }
            Command::Simulate(Simulate { what: None, args, tether }) => {
                let end = End::listened_for(Duration::ZERO, &tether)?;
                Ok(simulate::simulate(settings, &args, end.stop.cancelled_owned()).await.map(|()| 0)?)
            }
            Command::Bench(which) => {
                let found = bench::run(&which).await.map_err(|broken| Ending { says: broken.to_string(), code: 1 })?;
                say(found.trim_end());
                Ok(0)
            }
            Command::Config => Ok(0),
        }
    })
}

/// Where jobs are worked while this process serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Here,
    Elsewhere,
}

/// Serves, works, or both, until told to stop. `serve` is `None` for work alone.
async fn stay(settings: &Settings, serve: Option<Work>, end: End) -> Result<u8, Ending> {
    let config = config::check(settings, &config::names_present())?;
    // The address is taken first: whoever comes second learns it at once and touches nothing.
    let listener = match serve {
        Some(_) => Some(bind(&config.listen.to_string()).await?),
        None => None,
    };
    let database = boot::database(&config.database).await?;
    let ended = stay_with(&config, &database, listener, serve != Some(Work::Elsewhere), &end).await;
    database.close().await;
    ended
}

async fn stay_with(
    config: &config::Config,
    database: &Database,
    listener: Option<TcpListener>,
    works: bool,
    end: &End,
) -> Result<u8, Ending> {
    let app = boot::app(config, database).await?;
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    if works {
        tasks.push(tokio::spawn(jobs::runner::run(app.clone(), end.stop.clone())));
        tasks.push(tokio::spawn(jobs::calendar::run(app.clone(), end.stop.clone())));
    }
    let mut serving = tokio::spawn(std::future::ready(()));
    if let Some(listener) = listener {
        let served = web::serve_and_drain(app.clone(), listener, end.stop.clone(), end.cut.clone());
        serving = tokio::spawn(async move {
            if let Err(why) = served.await {
                tracing::error!(error = %why, "serving ended");
            }
        });
        say(&format!("careline serves {}", config.public_url));
    }
    end.stop.cancelled().await;
    // Streams that are heard here are heard to their end, or until it is time; their last words are waited for.
    tokio::select! {
        _ended = &mut serving => {}
        () = end.cut.cancelled() => {
            // Open sockets of browsers do not end by themselves; after a while they are cut, and browsers connect again.
            let _ended = tokio::time::timeout(LAST_WORDS, serving).await;
        }
    }
    for task in tasks {
        let _ended = tokio::time::timeout(TO_END, task).await;
    }
    app.db.close().await;
    Ok(0)
}

async fn bind(address: &str) -> Result<TcpListener, Ending> {
    TcpListener::bind(address).await.map_err(|why| Ending {
        says: format!("CARELINE_LISTEN: cannot listen on {address}: {why}; stop what is there or choose another port"),
        code: 2,
    })
}

/// How this process is told to end.
struct End {
    /// Nothing new from now on.
    stop: CancellationToken,
    /// And what still runs is to end.
    cut: CancellationToken,
}

impl End {
    /// SIGTERM and SIGINT end us in order, as does the end of a tether. After SIGTERM what runs may go on for a while; whoever
    /// presses keys, asks twice or has gone does not want to wait.
    fn listened_for(drain: Duration, tether: &Tether) -> Result<Self, Ending> {
        let end = Self { stop: CancellationToken::new(), cut: CancellationToken::new() };
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let mut signal = tokio::signal::unix::signal(kind)
                .map_err(|why| Ending { says: format!("signals cannot be heard: {why}"), code: 1 })?;
            let (stop, cut) = (end.stop.clone(), end.cut.clone());
            let patience = if kind == SignalKind::terminate() { drain } else { Duration::ZERO };
            tokio::spawn(async move {
                if signal.recv().await.is_some() && !stop.is_cancelled() {
                    stop.cancel();
                    let _again = tokio::time::timeout(patience, signal.recv()).await;
                }
                cut.cancel();
            });
        }
        if tether.tethered {
            let (stop, cut) = (end.stop.clone(), end.cut.clone());
            // A thread of its own: reading standard input cannot be given up, and must not hold the runtime back.
            std::thread::spawn(move || {
                let mut nothing = [0; 64];
                while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
                stop.cancel();
                cut.cancel();
            });
        }
        Ok(end)
    }
}

fn show_config(settings: &Settings, matches: &clap::ArgMatches) -> Result<u8, Ending> {
    for line in config::lines(Some(matches)) {
        let value = if line.value.is_empty() { "(not set)" } else { &line.value };
        say(&format!("{} = {value}\n    {}", line.variable, line.meaning));
    }
    let faults = config::check(settings, &config::names_present()).err();
    match faults {
        Some(faults) => Err(Ending { says: format!("with these settings nothing would start\n{faults}"), code: 2 }),
        None => Ok(0),
    }
}

fn say(words: &str) {
    // Whoever closed our standard output does not want to hear it.
    let _written = writeln!(std::io::stdout(), "{words}");
}
