//! The subcommands of the operator at the desk: found organizations, add staff, verify the record, check protocols. They
//! need the database and whose time it is at most, and nothing that rings.

pub mod carrier;
pub mod dialling;
pub mod keys;
pub mod record;
pub mod replay;

use crate::{Ending, say};
use careline::{
    boot,
    config::{self, Settings},
    domain::{
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
    flows::{
        add_staff::{self, Duty, NewStaff},
        check_protocol,
        found_organization::{self, NewOrganization},
        import_protocol, second_factors,
    },
};
use clap::Subcommand;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Subcommand)]
pub enum Audit {
    /// Verify the record: entries, marks, chain and signed checkpoints, against the second place. Exit code 0: it holds; 10:
    /// an entry is missing; 11: an entry was altered; 12: an entry was not written by Careline; 13: a signed checkpoint
    /// disagrees; 14: entries wait too long to be chained. Codes below 10 are not about the record: 2 is a setting, 1
    /// something that is away.
    Verify {
        /// Only the organization of this code.
        #[arg(long)]
        org: Option<String>,
        /// Compare every checkpoint with this copy of the second place instead of asking the second place itself.
        #[arg(long, value_name = "WITNESS_FOLDER")]
        from: Option<PathBuf>,
        /// Also write each record into a new folder here, for bin/verify-record.py.
        #[arg(long, value_name = "DIR")]
        export: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub enum Organization {
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
pub enum Staff {
    /// Add a staff member. The password is the first line of standard input.
    Add(Newcomer),
    /// Take every second factor from somebody who lost them all and has no admin to ask; their sessions end.
    ResetFactors {
        /// The organization's code.
        #[arg(long)]
        org: String,
        /// The e-mail address of their login.
        #[arg(long)]
        email: String,
    },
}

/// Somebody who begins to work here.
#[derive(clap::Args)]
pub struct Newcomer {
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
    /// The care team they serve; without it the first one.
    #[arg(long, default_value = "")]
    team: String,
}

#[derive(Subcommand)]
pub enum Protocol {
    /// Read the protocols in these folders, run their tests, say what was found. Exit code 1 when one has failed.
    Check {
        /// A folder with a protocol.yaml, or a folder of such folders.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
    /// Take the protocols in these folders into an organization. What fails its tests stays outside.
    Import {
        /// The organization's code.
        #[arg(long)]
        org: String,
        /// A folder with a protocol.yaml, or a folder of such folders.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
}

type App = Arc<careline::app::App>;

/// Runs a subcommand that needs the database and the clock, and closes both behind it.
pub async fn at_the_desk<F>(settings: &Settings, errand: impl FnOnce(App) -> F) -> Result<u8, Ending>
where
    F: Future<Output = Result<u8, Ending>>,
{
    let config = config::check_desk(settings, &config::names_present())?;
    let database = boot::database(&config.database).await?;
    let ended = match boot::desk(&database, &config).await {
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

pub async fn found(
    app: App,
    Organization::Add { code, name, country, time_zone, caller_number }: Organization,
) -> Result<u8, Ending> {
    let new = NewOrganization { code: code.clone(), name, country, time_zone, caller_number };
    let _operator: Actor = found_organization::found(&app, new).await?;
    say(&format!("organization {code} is founded; add its first admin with `careline staff add --org {code}`"));
    Ok(0)
}

pub async fn look_after_staff(app: App, staff: Staff) -> Result<u8, Ending> {
    match staff {
        Staff::Add(newcomer) => add_staff_member(app, newcomer).await,
        Staff::ResetFactors { org, email } => {
            let actor = found_organization::operator_in(&app, &org).await?;
            second_factors::reset_by_address(&app, &actor, &email).await?;
            say("their password alone signs them in now; a letter tells them");
            Ok(0)
        }
    }
}

async fn add_staff_member(app: App, newcomer: Newcomer) -> Result<u8, Ending> {
    let Newcomer { org, email, name, role, phone, on_duty, team } = newcomer;
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
        team,
    };
    let id = add_staff::add(&app, &actor, new).await?;
    say(&format!("staff member {id} is added"));
    Ok(0)
}

/// Reads the packages in folders, runs their tests and says what was found.
pub fn check_protocols(folders: &[PathBuf]) -> Result<u8, Ending> {
    let mut code = 0;
    let mut found = 0;
    for folder in folders {
        let checked =
            check_protocol::check_folders(std::slice::from_ref(folder)).map_err(|why| unreadable(folder, &why))?;
        for one in &checked {
            say(check_protocol::words(one).trim_end());
            code = if one.has_passed() { code } else { 1 };
        }
        found += checked.len();
    }
    if found == 0 {
        return Err(Ending { says: "there is no protocol in these folders".to_owned(), code: 2 });
    }
    Ok(code)
}

/// Takes the packages in folders into an organization, one after the other.
pub async fn import_protocols(app: App, org: String, folders: Vec<PathBuf>) -> Result<u8, Ending> {
    let actor = found_organization::operator_in(&app, &org).await?;
    for folder in folders {
        for package in check_protocol::package_folders(&folder).map_err(|why| unreadable(&folder, &why))? {
            let files = check_protocol::read_folder(&package).map_err(|why| unreadable(&package, &why))?;
            let imported = import_protocol::import(&app, &actor, files).await?;
            let (protocol, version) = (imported.protocol, imported.version);
            let what = match imported.added {
                import_protocol::Added::New(import_protocol::Use::InUse) => {
                    "is imported and in use as a sample, not signed"
                }
                import_protocol::Added::New(import_protocol::Use::NotInUse) => {
                    "is imported as a draft; two clinical leads sign it at /protocols before an admin activates it"
                }
                import_protocol::Added::Before => "was imported before",
            };
            say(&format!("{protocol} {version} {what} ({} passages)", imported.passages));
        }
    }
    say("a Careline that is serving finds new passages after its next start");
    Ok(0)
}

fn unreadable(folder: &Path, why: &std::io::Error) -> Ending {
    Ending {
        says: format!(
            "{} cannot be read: {why}; name a folder with a protocol.yaml, or a folder of such folders",
            folder.display()
        ),
        code: 2,
    }
}
