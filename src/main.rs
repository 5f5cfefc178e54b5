//! The subcommands. What goes wrong at the start is one clear line on standard error and exit code 2.

use careline::{
    boot::{self, Database},
    config::{self, ClockConfig, DatabaseConfig, Settings},
    domain::{
        chain::{ChainFault, ChainReport},
        people::{Actor, Role},
        private::Private,
    },
    error::{Error, Verdict},
    flows::{
        add_staff::{self, Duty, NewStaff},
        found_organization::{self, NewOrganization},
        verify_record,
    },
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
/// How often verification looks again for entries that a transaction under way holds up, and how long it waits.
const LOOKS: u32 = 8;
const LOOK_EVERY: Duration = Duration::from_millis(500);

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
    Audit(Audit),
    /// Found organizations.
    #[command(subcommand)]
    Organization(Organization),
    /// Look after staff.
    #[command(subcommand)]
    Staff(Staff),
    /// Show every setting, its meaning and its value; secrets are masked.
    Config,
}

#[derive(Args)]
struct Serve {
    /// Leave the jobs to `careline work`.
    #[arg(long)]
    no_work: bool,
    #[command(flatten)]
    tether: Tether,
}

#[derive(Args)]
struct Tether {
    /// End when standard input closes, so as not to outlive whoever started this.
    #[arg(long)]
    tethered: bool,
}

#[derive(Subcommand)]
enum Audit {
    /// Recompute the hash chain. Exit code 0: it holds; 2: an entry is missing; 3: an entry was altered; 5: entries wait
    /// too long to be chained.
    Verify {
        /// Only the organization of this code.
        #[arg(long)]
        org: Option<String>,
    },
}

#[derive(Subcommand)]
enum Organization {
    /// Found an organization.
    Add {
        /// The code its staff type when they sign in.
        #[arg(long)]
        code: String,
        /// Its name.
        #[arg(long)]
        name: String,
        /// Its country, ISO 3166.
        #[arg(long, default_value = "US")]
        country: String,
        /// Its zone, an IANA name such as America/Chicago.
        #[arg(long)]
        time_zone: String,
        /// The number its calls come from.
        #[arg(long)]
        caller_number: String,
    },
}

#[derive(Subcommand)]
enum Staff {
    /// Add a staff member. The password is the first line of standard input.
    Add {
        /// The organization's code.
        #[arg(long)]
        org: String,
        /// The e-mail address they sign in with.
        #[arg(long)]
        email: String,
        /// Their full name.
        #[arg(long)]
        name: String,
        /// nurse, coordinator, physician, admin or auditor.
        #[arg(long)]
        role: String,
        /// The telephone they take calls on.
        #[arg(long, default_value = "")]
        phone: String,
        /// Put calls through to them from now on.
        #[arg(long)]
        on_duty: bool,
    },
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
            | Error::Forbidden
            | Error::NotFound
            | Error::Conflict(_)
            | Error::Outage(_)
            | Error::Fault(_) => error.to_string(),
        };
        Self { says, code }
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
    telemetry::start(&config::check_log(settings)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Ending { says: format!("the runtime did not start: {why}"), code: 1 })?;
    runtime.block_on(async {
        match command {
            Command::Serve(serve) => {
                let work = if serve.no_work { Work::Elsewhere } else { Work::Here };
                stay(settings, Some(work), &serve.tether).await
            }
            Command::Work(tether) => stay(settings, None, &tether).await,
            Command::Migrate => {
                let (database, _) = config::check_database(settings, &config::names_present())?;
                boot::database(&database).await?.close().await;
                say("the database is up to date");
                Ok(0)
            }
            Command::Audit(Audit::Verify { org }) => at_the_desk(settings, |app| verify(app, org)).await,
            Command::Organization(add) => at_the_desk(settings, |app| found(app, add)).await,
            Command::Staff(add) => at_the_desk(settings, |app| add_staff_member(app, add)).await,
            Command::Config => Ok(0),
        }
    })
}

type App = std::sync::Arc<careline::app::App>;

/// Where jobs are worked while this process serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Here,
    Elsewhere,
}

/// Serves, works, or both, until told to stop. `serve` is `None` for work alone.
async fn stay(settings: &Settings, serve: Option<Work>, tether: &Tether) -> Result<u8, Ending> {
    let config = config::check(settings, &config::names_present())?;
    let stop = CancellationToken::new();
    listen_for_the_end(&stop, tether)?;
    // The address is taken first: whoever comes second learns it at once and touches nothing.
    let listener = match serve {
        Some(_) => Some(bind(&config.listen.to_string()).await?),
        None => None,
    };
    let database = boot::database(&config.database).await?;
    let ended = stay_with(&config, &database, listener, serve != Some(Work::Elsewhere), &stop).await;
    database.close().await;
    ended
}

async fn stay_with(
    config: &config::Config,
    database: &Database,
    listener: Option<TcpListener>,
    works: bool,
    stop: &CancellationToken,
) -> Result<u8, Ending> {
    let app = boot::app(config, database).await?;
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    if works {
        tasks.push(tokio::spawn(jobs::runner::run(app.clone(), stop.clone())));
        tasks.push(tokio::spawn(jobs::calendar::run(app.clone(), stop.clone())));
    }
    if let Some(listener) = listener {
        let shutdown = stop.clone().cancelled_owned();
        let served = web::serve(app.clone(), listener, shutdown);
        tasks.push(tokio::spawn(async move {
            if let Err(why) = served.await {
                tracing::error!(error = %why, "serving ended");
            }
        }));
        say(&format!("careline serves {}", config.public_url));
    }
    stop.cancelled().await;
    for task in tasks {
        // Open sockets do not end by themselves; after a while they are cut, and browsers connect again.
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

/// SIGTERM and SIGINT end us in order, as does the end of a tether.
fn listen_for_the_end(stop: &CancellationToken, tether: &Tether) -> Result<(), Ending> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signal = tokio::signal::unix::signal(kind)
            .map_err(|why| Ending { says: format!("signals cannot be heard: {why}"), code: 1 })?;
        let stop = stop.clone();
        tokio::spawn(async move {
            if signal.recv().await.is_some() {
                stop.cancel();
            }
        });
    }
    if tether.tethered {
        let stop = stop.clone();
        // A thread of its own: reading standard input cannot be given up, and must not hold the runtime back.
        std::thread::spawn(move || {
            let mut nothing = [0; 64];
            while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
            stop.cancel();
        });
    }
    Ok(())
}

/// Runs a subcommand that needs the database and the clock, and closes both behind it.
async fn at_the_desk<F>(settings: &Settings, errand: impl FnOnce(App) -> F) -> Result<u8, Ending>
where
    F: Future<Output = Result<u8, Ending>>,
{
    let (database, time): (DatabaseConfig, ClockConfig) = config::check_database(settings, &config::names_present())?;
    let database = boot::database(&database).await?;
    let ended = match boot::desk(&database, &time).await {
        Ok(app) => {
            let ended = errand(app.clone()).await;
            app.db.close().await;
            ended
        }
        Err(error) => Err(error.into()),
    };
    database.close().await;
    ended
}

async fn verify(app: App, org: Option<String>) -> Result<u8, Ending> {
    let actors = match org {
        Some(code) => vec![(found_organization::operator_in(&app, &code).await?, code)],
        None => found_organization::operator_everywhere(&app).await?,
    };
    let mut worst = 0;
    for (actor, code) in actors {
        let report = verify_patiently(&app, &actor).await?;
        match &report.fault {
            None => say(&format!(
                "audit verify: ok (org {code}: {} entries, head {})",
                report.entries,
                hex::encode(report.head).get(..12).unwrap_or_default()
            )),
            Some(fault) => {
                say(&format!(
                    "audit verify: FAILED (org {code}: {fault}; the {} entries before it hold)",
                    report.entries
                ));
                worst = worst.max(code_of(fault));
            }
        }
    }
    Ok(worst)
}

/// A transaction under way holds back everything younger than itself for a moment; only what stays is a fault.
async fn verify_patiently(app: &App, actor: &Actor) -> Result<ChainReport, Ending> {
    for _ in 1..LOOKS {
        let report = verify_record::verify(app, actor).await?;
        match report.fault {
            Some(ChainFault::Unchained { .. }) => tokio::time::sleep(LOOK_EVERY).await,
            Some(ChainFault::Gap { .. } | ChainFault::Missing { .. } | ChainFault::Altered { .. }) | None => {
                return Ok(report);
            }
        }
    }
    Ok(verify_record::verify(app, actor).await?)
}

const fn code_of(fault: &ChainFault) -> u8 {
    match fault {
        ChainFault::Gap { .. } | ChainFault::Missing { .. } => 2,
        ChainFault::Altered { .. } => 3,
        ChainFault::Unchained { .. } => 5,
    }
}

async fn found(
    app: App,
    Organization::Add { code, name, country, time_zone, caller_number }: Organization,
) -> Result<u8, Ending> {
    let new = NewOrganization { code: code.clone(), name, country, time_zone, caller_number };
    let _operator: Actor = found_organization::found(&app, new).await?;
    say(&format!("organization {code} is founded; add its first admin with `careline staff add --org {code}`"));
    Ok(0)
}

async fn add_staff_member(
    app: App,
    Staff::Add { org, email, name, role, phone, on_duty }: Staff,
) -> Result<u8, Ending> {
    let actor = found_organization::operator_in(&app, &org).await?;
    let role = Role::from_word(&role).ok_or_else(|| {
        let words: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
        Error::Invalid(format!("role: choose one of {}", words.join(", ")))
    })?;
    let mut password = String::new();
    std::io::stdin()
        .read_line(&mut password)
        .map_err(|why| Error::Invalid(format!("the password could not be read from standard input: {why}")))?;
    let new = NewStaff {
        email,
        full_name: name,
        role,
        password: Private::new(password.trim_end_matches(['\r', '\n']).to_owned()),
        phone,
        duty: if on_duty { Duty::On } else { Duty::Off },
    };
    let id = add_staff::add(&app, &actor, new).await?;
    say(&format!("staff member {id} is added"));
    Ok(0)
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
