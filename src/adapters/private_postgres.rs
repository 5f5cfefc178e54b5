//! A private PostgreSQL: the real server, from binaries already on the machine, in a folder of our own, on a loopback port,
//! for whoever has no `DATABASE_URL`. It ends when we end, however we end: a shell beside it waits on a pipe of ours.

use crate::domain::private::Private;
use nix::unistd::{Uid, User};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    os::unix::{
        fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The oldest server the schema is tested with.
const OLDEST: u32 = 15;
/// How long the server may take to listen; recovery after a crash of the machine included.
const TO_LISTEN: Duration = Duration::from_secs(60);
/// Waits on its input, which closes when we end, then stops the server fast and in order.
const KEEPER: &str = r#""$@" & server=$!; cat > /dev/null; kill -INT "$server" 2> /dev/null; wait "$server""#;

/// Where and how it runs.
#[derive(Clone, Debug)]
pub struct PrivatePostgresSettings {
    /// A folder of its own; made when absent, used again when there.
    pub folder: PathBuf,
    /// What a crash of the machine may cost.
    pub durability: Durability,
}

/// What a crash of the machine may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed.
    Full,
    /// Everything: for tests, which throw it away anyhow.
    None,
}

/// Why it cannot run. Each text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum PostgresFault {
    /// No binaries.
    #[error(
        "PostgreSQL {OLDEST} or newer is not on this machine. Install it (Debian or Ubuntu: apt-get install postgresql; \
         macOS: brew install postgresql@17), or set DATABASE_URL to a server you have"
    )]
    NotInstalled,
    /// A file or process could not be made.
    #[error("the private PostgreSQL in {folder} cannot be set up: {why}")]
    SetUp {
        /// Its folder.
        folder: String,
        /// What the system says.
        why: String,
    },
    /// It did not listen in time.
    #[error("the private PostgreSQL did not start; its log {log} ends with: {last}")]
    NoStart {
        /// Its log.
        log: String,
        /// The last line there.
        last: String,
    },
}

/// The running server. Dropping it stops it.
pub struct PrivatePostgres {
    keeper: Child,
    port: u16,
    secrets: Secrets,
}

#[derive(Clone, Serialize, Deserialize)]
struct Secrets {
    superuser: String,
    owner: String,
    app: String,
}

impl PrivatePostgres {
    /// Starts it, after making the cluster if there is none.
    ///
    /// # Errors
    /// See [`PostgresFault`].
    pub fn start(settings: &PrivatePostgresSettings) -> Result<Self, PostgresFault> {
        let binaries = find_binaries().ok_or(PostgresFault::NotInstalled)?;
        let user = unprivileged_user();
        let home = home(&settings.folder, user.as_ref());
        let failed =
            |why: std::io::Error| PostgresFault::SetUp { folder: home.display().to_string(), why: why.to_string() };
        fs::create_dir_all(&home).map_err(failed)?;
        fs::create_dir_all(&settings.folder).map_err(failed)?;
        if let Some(user) = &user {
            chown(&home, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(failed)?;
        }
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let cluster = Cluster { binaries, user, home: home.clone() };
        let secrets = read_secrets(&settings.folder).map_err(failed)?;
        if !cluster.data().join("PG_VERSION").exists() {
            cluster.make(&secrets)?;
        }
        cluster.stop_stale();
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).map_err(failed)?.port();
        let keeper = cluster.run(port, settings.durability)?;
        let server = Self { keeper, port, secrets };
        server.wait_until_it_listens(&home.join("log"))?;
        Ok(server)
    }

    /// For the application: a role that owns nothing and is bound by row-level security.
    #[must_use]
    pub fn app_url(&self) -> Private<String> {
        self.url("app_rw", &self.secrets.app, "careline")
    }

    /// For migrations: the role that owns the schema.
    #[must_use]
    pub fn owner_url(&self) -> Private<String> {
        self.url("own_mig", &self.secrets.owner, "careline")
    }

    /// For making roles and databases, and for tests that tamper.
    #[must_use]
    pub fn superuser_url(&self) -> Private<String> {
        self.url("careline_super", &self.secrets.superuser, "postgres")
    }

    /// The passwords of the owner and the application role.
    #[must_use]
    pub fn role_passwords(&self) -> (Private<String>, Private<String>) {
        (Private::new(self.secrets.owner.clone()), Private::new(self.secrets.app.clone()))
    }

    /// Stops it and waits until it has.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.keeper.stdin.take());
        // The keeper ends once the server has; there is nothing to do about a wait that fails.
        let _ = self.keeper.wait();
    }

    fn url(&self, role: &str, password: &str, database: &str) -> Private<String> {
        Private::new(format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port))
    }

    fn wait_until_it_listens(&self, log: &Path) -> Result<(), PostgresFault> {
        let until = Instant::now() + TO_LISTEN;
        while Instant::now() < until {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = fs::read_to_string(log).unwrap_or_default();
        let last = text.lines().last().unwrap_or("nothing").to_owned();
        Err(PostgresFault::NoStart { log: log.display().to_string(), last })
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.end();
    }
}

/// One cluster's files and the user it runs as.
struct Cluster {
    binaries: PathBuf,
    user: Option<User>,
    home: PathBuf,
}

impl Cluster {
    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.home).env_remove("PGDATA");
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    fn make(&self, secrets: &Secrets) -> Result<(), PostgresFault> {
        let password = self.home.join("superuser");
        let failed = |why: String| PostgresFault::SetUp { folder: self.home.display().to_string(), why };
        write_private(&password, secrets.superuser.as_bytes()).map_err(|why| failed(why.to_string()))?;
        if let Some(user) = &self.user {
            chown(&password, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .map_err(|why| failed(why.to_string()))?;
        }
        // A cluster that was half made when we were stopped is made anew.
        let _ = fs::remove_dir_all(self.data());
        let made = self
            .command(self.binaries.join("initdb"))
            .args(["--username=careline_super", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"])
            .arg(format!("--pwfile={}", password.display()))
            .arg("-D")
            .arg(self.data())
            .output()
            .map_err(|why| failed(why.to_string()))?;
        let _ = fs::remove_file(&password);
        if made.status.success() {
            return Ok(());
        }
        let _ = fs::remove_dir_all(self.data());
        let words = String::from_utf8_lossy(&made.stderr);
        Err(failed(words.lines().last().unwrap_or("initdb failed").to_owned()))
    }

    /// A server that outlived its keeper, or a lock file that outlived its server.
    fn stop_stale(&self) {
        if self.data().join("postmaster.pid").exists() {
            let _ = self
                .command(self.binaries.join("pg_ctl"))
                .args(["stop", "-m", "fast", "-t", "20", "-D"])
                .arg(self.data())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }

    fn run(&self, port: u16, durability: Durability) -> Result<Child, PostgresFault> {
        let failed = |why: std::io::Error| PostgresFault::SetUp {
            folder: self.home.display().to_string(),
            why: why.to_string(),
        };
        let log = fs::OpenOptions::new().create(true).append(true).open(self.home.join("log")).map_err(failed)?;
        let mut command = self.command("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(self.binaries.join("postgres")).arg("-D").arg(self.data());
        command.args(["-p", &port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=120"] {
            command.args(["-c", setting]);
        }
        if durability == Durability::None {
            for setting in ["fsync=off", "full_page_writes=off", "synchronous_commit=off"] {
                command.args(["-c", setting]);
            }
        }
        command
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            // A Ctrl-C of the terminal must not reach the server before its clients have ended.
            .process_group(0)
            .spawn()
            .map_err(failed)
    }
}

/// Where binaries may be: on the path, where Debian puts them, where Homebrew puts them; the newest of a kind first.
fn find_binaries() -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut versioned = Vec::new();
    for (parent, prefix) in
        [("/usr/lib/postgresql", ""), ("/opt/homebrew/opt", "postgresql@"), ("/usr/local/opt", "postgresql@")]
    {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|v| v.parse::<u32>().ok());
            if let Some(version) = version {
                versioned.push((version, entry.path().join("bin")));
            }
        }
    }
    versioned.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    on_path.chain(versioned.into_iter().map(|(_, folder)| folder)).find(|folder| is_new_enough(folder))
}

fn is_new_enough(folder: &Path) -> bool {
    if !["postgres", "initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file()) {
        return false;
    }
    let Ok(said) = Command::new(folder.join("postgres")).arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let major = text.split_whitespace().find_map(|word| word.split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| major >= OLDEST)
}

/// PostgreSQL refuses to run as root, so root lends it a user that owns nothing else.
fn unprivileged_user() -> Option<User> {
    if !Uid::effective().is_root() {
        return None;
    }
    ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten())
}

/// The cluster's folder: inside ours, unless root's parents keep the lent user out.
fn home(folder: &Path, user: Option<&User>) -> PathBuf {
    let inside = folder.join("postgres");
    let Some(user) = user else { return inside };
    let open_to_all = |path: &Path| {
        fs::metadata(path).map_or(true, |found| found.mode() & 0o001 != 0 || found.uid() == user.uid.as_raw())
    };
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    if absolute.ancestors().all(open_to_all) {
        return inside;
    }
    let name: String = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(absolute.as_os_str().as_encoded_bytes()))
        .chars()
        .take(16)
        .collect();
    std::env::temp_dir().join(format!("careline-postgres-{name}"))
}

fn read_secrets(folder: &Path) -> std::io::Result<Secrets> {
    let path = folder.join("postgres-secrets.json");
    if let Ok(text) = fs::read_to_string(&path)
        && let Ok(secrets) = serde_json::from_str(&text)
    {
        return Ok(secrets);
    }
    let fresh = || hex::encode(rand::rng().random::<[u8; 24]>());
    let secrets = Secrets { superuser: fresh(), owner: fresh(), app: fresh() };
    write_private(&path, serde_json::to_string(&secrets)?.as_bytes())?;
    Ok(secrets)
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}
