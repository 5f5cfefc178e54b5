//! A PostgreSQL of our own, with nothing set up: made once in a private folder, run as a child on a loopback port,
//! gone when we are gone, however we go.
//!
//! The folder belongs to whoever runs the server. PostgreSQL refuses root, so root hands it to an unprivileged user.
//! One process owns the cluster by a file lock; another on the same folder joins the running server.

mod binaries;
mod cluster;
mod folder;

use crate::domain::private::Private;
use binaries::Binaries;
use cluster::{Holder, Roles, Running};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use url::Url;

/// How long the server may take to answer: crash recovery of a large cluster included.
const TO_ANSWER: Duration = Duration::from_secs(60);
/// How long the server of a process that died may take to leave.
const TO_LEAVE: Duration = Duration::from_secs(15);
/// How long the children of a server that was killed may take to notice.
const FOR_CHILDREN: Duration = Duration::from_secs(1);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Clone, Debug)]
pub struct PrivatePostgresSettings {
    /// The data folder; the cluster is its subfolder `postgres`.
    pub folder: PathBuf,
    /// Whether a power cut may lose anything.
    pub durability: Durability,
}

/// Whether a power cut may lose anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing committed is ever lost.
    Kept,
    /// For tests: faster, and worthless after a power cut.
    Forgone,
}

/// Why there is no private PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresFault {
    /// The binaries are not there.
    #[error(
        "PostgreSQL 15 or newer is not installed. Debian or Ubuntu: apt-get install postgresql (the server it starts is \
         not needed). macOS: brew install postgresql@17. Or set DATABASE_URL to a database you have"
    )]
    NotInstalled,
    /// The cluster was made by another major version.
    #[error(
        "the private database was made by PostgreSQL {made_by}, which is no longer installed; install it again, or \
         begin anew with another data folder"
    )]
    OtherVersion {
        /// The major version of the cluster.
        made_by: u32,
    },
    /// Root needs somebody to run it as.
    #[error(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody; run as another user"
    )]
    NobodyToRunAs,
    /// The cluster is there, its passwords are not.
    #[error("{0} is missing or unreadable, and without it nobody can sign in to the private database; begin anew")]
    NoPasswords(PathBuf),
    /// Something in the file system.
    #[error("the private database in {folder} cannot be used: {why}")]
    Folder {
        /// Where.
        folder: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {says}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its last words.
        says: String,
    },
    /// It started and does not answer.
    #[error("the private database does not answer; its log is {log}: {says}")]
    Silent {
        /// The log.
        log: PathBuf,
        /// Its last words.
        says: String,
    },
    /// An older server on the folder does not leave.
    #[error("an older PostgreSQL (process {0}) still holds the private database; stop it and start again")]
    Held(i32),
}

/// A private PostgreSQL. Dropping it stops the server, unless another process owns it.
pub struct PrivatePostgres {
    roles: Roles,
    port: u16,
    /// The folder of its unix socket, when it has one.
    socket: Option<PathBuf>,
    place: Place,
}

/// Whose server it is.
enum Place {
    /// Ours, with the lock that says so.
    Owner { running: Running, _lock: File },
    /// Another process of ours owns it.
    Guest,
}

impl PrivatePostgres {
    /// Starts the server, making the cluster when there is none.
    ///
    /// # Errors
    /// Says what is missing and what to do.
    pub async fn start(settings: PrivatePostgresSettings) -> Result<Self, PrivatePostgresFault> {
        // Programs are run and waited for, files are locked and moved: all of it blocks.
        match tokio::task::spawn_blocking(move || Self::start_blocking(&settings)).await {
            Ok(started) => started,
            Err(_) => {
                Err(PrivatePostgresFault::Program { program: "careline", says: "the start was interrupted".to_owned() })
            }
        }
    }

    fn start_blocking(settings: &PrivatePostgresSettings) -> Result<Self, PrivatePostgresFault> {
        let folder = folder::Folder::prepare(&settings.folder)?;
        let lock = folder.lock_file()?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Self::join(&folder, &lock),
            Err(TryLockError::Error(why)) => return Err(folder.fault(why)),
        }
        Self::own(&folder, lock, settings.durability)
    }

    fn own(folder: &folder::Folder, lock: File, durability: Durability) -> Result<Self, PrivatePostgresFault> {
        folder.forget_what_lost_its_data_folder()?;
        let made_by = folder.made_by();
        let binaries = Binaries::find(made_by)?;
        if made_by.is_none() {
            cluster::make(folder, &binaries, durability)?;
        }
        let mut roles = Roles::read(&folder.passwords())?;
        wait_for_leftovers(folder)?;
        if !roles.are_all_there() {
            cluster::complete(folder, &binaries, &mut roles)?;
        }
        let running = Running::start(folder, &binaries, durability)?;
        let port = wait_until_ready(folder, Some(&running))?;
        let socket = folder.socket_folder().map(Path::to_owned);
        Ok(Self { roles, port, socket, place: Place::Owner { running, _lock: lock } })
    }

    /// Another process holds the lock: it is starting, running or stopping the server.
    fn join(folder: &folder::Folder, lock: &File) -> Result<Self, PrivatePostgresFault> {
        let port = wait_until_ready(folder, None);
        if port.is_err() && lock.try_lock().is_ok() {
            return Err(PrivatePostgresFault::Silent {
                log: folder.log(),
                says: "the process that owned it has just stopped; start again".to_owned(),
            });
        }
        let socket = folder.socket_folder().map(Path::to_owned);
        Ok(Self { roles: Roles::read(&folder.passwords())?, port: port?, socket, place: Place::Guest })
    }

    /// The URL for the application's role, which row-level security binds.
    #[must_use]
    pub fn app_url(&self) -> Private<String> {
        self.url("app_rw", &self.roles.app, "careline")
    }

    /// The same by the server's unix socket, where there is one: nearer than the loopback.
    #[must_use]
    pub fn app_socket_url(&self) -> Private<String> {
        let url = self.app_url();
        match (&self.socket, Url::parse(url.reveal())) {
            (Some(folder), Ok(mut nearer)) => {
                nearer.query_pairs_mut().append_pair("host", &folder.to_string_lossy());
                Private::new(nearer.into())
            }
            (None, _) | (_, Err(_)) => url,
        }
    }

    /// The URL for the role that owns the tables.
    #[must_use]
    pub fn owner_url(&self) -> Private<String> {
        self.url("own_mig", &self.roles.owner, "careline")
    }

    /// The URL for the superuser, in the database `postgres`; for tests only.
    #[must_use]
    pub fn superuser_url(&self) -> Private<String> {
        self.url("postgres", &self.roles.superuser, "postgres")
    }

    /// The server's process, when it is ours.
    #[must_use]
    pub const fn server_pid(&self) -> Option<u32> {
        match &self.place {
            Place::Owner { running, .. } => Some(running.pid()),
            Place::Guest => None,
        }
    }

    /// Stops the server and waits until it is gone.
    pub async fn stop(self) {
        // A failure to wait leaves the same state as a crash, which the next start mends.
        let _stopped = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    fn url(&self, role: &str, password: &str, database: &str) -> Private<String> {
        Private::new(format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port))
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        match &mut self.place {
            Place::Owner { running, .. } => running.stop(),
            Place::Guest => {}
        }
    }
}

/// What the server writes about itself into `postmaster.pid`.
struct Postmaster {
    pid: i32,
    port: u16,
    ready: bool,
}

fn postmaster(cluster: &Path) -> Option<Postmaster> {
    let text = std::fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    Some(Postmaster {
        pid: lines.first()?.parse().ok()?,
        port: lines.get(3).and_then(|port| port.parse().ok()).unwrap_or(0),
        ready: lines.get(7) == Some(&"ready"),
    })
}

/// Waits for the server of a process that was killed: it notices by itself and leaves. A leftover file whose number
/// stands for nobody is left to PostgreSQL, which also looks for the server's children; one whose number stands for
/// something else would keep it from starting for ever, and is removed.
fn wait_for_leftovers(folder: &folder::Folder) -> Result<(), PrivatePostgresFault> {
    let began = Instant::now();
    let mut asked = false;
    while let Some(old) = postmaster(&folder.cluster()) {
        match cluster::holder(old.pid) {
            Holder::Server => {}
            Holder::Nobody => return Ok(()),
            Holder::Other => {
                std::thread::sleep(FOR_CHILDREN);
                return std::fs::remove_file(folder.cluster().join("postmaster.pid")).map_err(|why| folder.fault(why));
            }
        }
        if began.elapsed() > TO_LEAVE {
            return Err(PrivatePostgresFault::Held(old.pid));
        }
        if !asked && began.elapsed() > TO_LEAVE / 3 {
            cluster::ask_to_leave(old.pid);
            asked = true;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

fn wait_until_ready(folder: &folder::Folder, own: Option<&Running>) -> Result<u16, PrivatePostgresFault> {
    let began = Instant::now();
    loop {
        let ours = |found: &Postmaster| own.is_none_or(|own| own.is(found.pid));
        if let Some(found) = postmaster(&folder.cluster()).filter(|found| found.ready && ours(found)) {
            return Ok(found.port);
        }
        let gone = own.is_some_and(Running::has_ended);
        let patience = if own.is_some() { TO_ANSWER } else { TO_LEAVE };
        if gone || began.elapsed() > patience {
            return Err(PrivatePostgresFault::Silent { log: folder.log(), says: folder.last_words() });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
