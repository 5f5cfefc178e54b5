//! Making a cluster and running its server.

use super::{
    Durability, PrivatePostgresFault,
    binaries::Binaries,
    folder::{Folder, Truncate, private_file},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    io::Write,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
};

/// Runs the server in the place of this shell, and beside it one that waits for us: when we are gone, however we went,
/// the pipe closes and the server is asked to stop fast (SIGINT). A signal at parent's death would need `unsafe`.
const UNTIL_WE_ARE_GONE: &str = r#"exec 3<&0
(read -r _ <&3; kill -INT $$) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null"#;

/// Every role with its rights, as an operator would run it on a server of their own.
const ROLES: &str = include_str!("../../../deploy/roles.sql");

/// Passwords of the roles that sign in to a private cluster.
pub struct Roles {
    /// `postgres`.
    pub superuser: String,
    /// `own_mig`, which owns the tables.
    pub owner: String,
    /// `app_rw`, which row-level security binds.
    pub app: String,
    /// `app_jobs`, `audit_ro` and `backup`. Empty for a cluster that was made before it had them.
    others: Vec<String>,
}

/// The roles of `Roles::others`, in their order.
const OTHERS: [&str; 3] = ["app_jobs", "audit_ro", "backup"];

impl Roles {
    fn fresh() -> Self {
        Self { superuser: password(), owner: password(), app: password(), others: OTHERS.map(|_| password()).into() }
    }

    /// Reads them: one a line.
    pub fn read(path: &Path) -> Result<Self, PrivatePostgresFault> {
        let missing = || PrivatePostgresFault::NoPasswords(path.to_owned());
        let text = std::fs::read_to_string(path).map_err(|_| missing())?;
        let mut lines = text.lines().map(str::to_owned);
        let mut next = || lines.next().filter(|line| !line.is_empty()).ok_or_else(missing);
        let (superuser, owner, app) = (next()?, next()?, next()?);
        Ok(Self { superuser, owner, app, others: lines.collect() })
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = private_file(path, Truncate::Yes)?;
        write!(file, "{}\n{}\n{}\n", self.superuser, self.owner, self.app)?;
        for password in &self.others {
            writeln!(file, "{password}")?;
        }
        file.sync_all()
    }

    /// Whether the cluster has every role of today.
    pub fn are_all_there(&self) -> bool {
        self.others.len() == OTHERS.len()
    }

    /// What a cluster is told about its roles; statements end in a semicolon and an empty line.
    fn statements(&self) -> String {
        let named = [("own_mig", &self.owner), ("app_rw", &self.app)];
        let others = OTHERS.into_iter().zip(&self.others);
        let passwords: Vec<String> = named
            .into_iter()
            .chain(others)
            .map(|(role, password)| format!("alter role {role} password '{password}';\n\n"))
            .collect();
        let passwords = passwords.concat();
        format!("{ROLES}\n\n{passwords}")
    }
}

/// What a new cluster is told besides.
const DATABASE: &str = "create database careline owner own_mig;\n\n\
                        revoke connect, temporary on database careline from public;\n\n";
/// Who may come in.
const DOORS: &str = "grant connect on database careline to own_mig, app_rw, app_jobs, audit_ro, backup;\n\n";

/// Gives a cluster of an earlier Careline the roles it lacks. Their passwords are kept last, so a start that breaks off
/// before is mended by the next, which tells the cluster again.
pub fn complete(folder: &Folder, binaries: &Binaries, roles: &mut Roles) -> Result<(), PrivatePostgresFault> {
    roles.others = OTHERS.map(|_| password()).into();
    tell(folder, binaries, &folder.cluster(), &format!("{}{DOORS}", roles.statements()))?;
    roles.write(&folder.passwords()).map_err(|why| folder.fault(why))
}

/// Makes a cluster with its roles and its database, whole or not at all.
pub fn make(folder: &Folder, binaries: &Binaries, durability: Durability) -> Result<(), PrivatePostgresFault> {
    let unfinished = folder.unfinished();
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(|why| folder.fault(why))?;
    }
    let roles = Roles::fresh();
    roles.write(&folder.passwords()).map_err(|why| folder.fault(why))?;
    folder.own(&folder.passwords())?;
    // initdb reads the superuser's password from the first line of this file.
    let made = command(folder, &binaries.program("initdb"))
        .arg("--pgdata")
        .arg(&unfinished)
        .arg("--pwfile")
        .arg(folder.passwords())
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions"])
        .args(match durability {
            Durability::Kept => None,
            Durability::Forgone => Some("--no-sync"),
        })
        .output()
        .map_err(|why| folder.fault(why))?;
    succeeded("initdb", &made)?;
    tell(folder, binaries, &unfinished, &format!("{}{DATABASE}{DOORS}", roles.statements()))?;
    std::fs::rename(&unfinished, folder.cluster()).map_err(|why| folder.fault(why))
}

fn password() -> String {
    hex::encode(rand::random::<[u8; 24]>())
}

/// Tells a cluster that does not run, as its superuser.
fn tell(folder: &Folder, binaries: &Binaries, cluster: &Path, statements: &str) -> Result<(), PrivatePostgresFault> {
    let mut single = command(folder, &binaries.program("postgres"))
        .args(["--single", "-j", "-D"])
        .arg(cluster)
        .arg("postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| folder.fault(why))?;
    if let Some(mut stdin) = single.stdin.take() {
        stdin.write_all(statements.as_bytes()).map_err(|why| folder.fault(why))?;
    }
    let told = single.wait_with_output().map_err(|why| folder.fault(why))?;
    succeeded("postgres --single", &told)
}

/// A server that runs.
pub struct Running {
    child: Mutex<Child>,
    pid: u32,
}

impl Running {
    /// The server's own process.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Starts it on a free loopback port. It is ready when its `postmaster.pid` says so.
    pub fn start(folder: &Folder, binaries: &Binaries, durability: Durability) -> Result<Self, PrivatePostgresFault> {
        let fault = |why| folder.fault(why);
        let port = free_port().map_err(fault)?;
        let log = private_file(&folder.log(), Truncate::Yes).map_err(fault)?;
        let socket = folder.socket_folder().map_or_else(String::new, |path| path.display().to_string());
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={socket}"),
            "unix_socket_permissions=0700".to_owned(),
            "max_connections=80".to_owned(),
            "shared_buffers=64MB".to_owned(),
            // Statements here are short: compiling one costs more than running it.
            "jit=off".to_owned(),
            "log_statement=none".to_owned(),
            "log_min_error_statement=panic".to_owned(),
            "log_parameter_max_length_on_error=0".to_owned(),
            "idle_in_transaction_session_timeout=60s".to_owned(),
        ];
        if durability == Durability::Forgone {
            let fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
            settings.extend(fast.map(str::to_owned));
        }
        let child = command(folder, Path::new("/bin/sh"))
            .args(["-c", UNTIL_WE_ARE_GONE, "careline-postgres"])
            .arg(binaries.program("postgres"))
            .arg("-D")
            .arg(folder.cluster())
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            // A Ctrl-C of the terminal reaches us alone; we stop the server in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(fault)?)
            .stderr(log)
            .spawn()
            .map_err(fault)?;
        let pid = child.id();
        Ok(Self { child: Mutex::new(child), pid })
    }

    /// Whether this process id is its own.
    pub fn is(&self, pid: i32) -> bool {
        u32::try_from(pid) == Ok(self.pid)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        !matches!(child.try_wait(), Ok(None))
    }

    /// Stops it fast and waits: clients are turned out, what is committed is written.
    pub fn stop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Waiting closes the pipe first, and the closing pipe is what asks the server to stop.
        drop(child.stdin.take());
        let _status = child.wait();
    }
}

/// Who has a process number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A PostgreSQL server that runs.
    Server,
    /// Something else: the number was given away again, or the dead server was never waited for.
    Other,
    /// Nothing.
    Nobody,
}

/// Who has a process number now.
pub fn holder(pid: i32) -> Holder {
    if kill(Pid::from_raw(pid), None) == Err(nix::errno::Errno::ESRCH) {
        return Holder::Nobody;
    }
    let (state, name) = match Command::new("ps").args(["-o", "stat=,comm=", "-p", &pid.to_string()]).output() {
        Ok(output) => {
            let line = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut words = line.split_whitespace().map(str::to_owned);
            (words.next().unwrap_or_default(), words.next().unwrap_or_default())
        }
        Err(_) => {
            // `pid (name) state ...`
            let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let (name, rest) = line.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).unwrap_or_default();
            (rest.trim().to_owned(), name.to_owned())
        }
    };
    if name.ends_with("postgres") && !state.starts_with('Z') { Holder::Server } else { Holder::Other }
}

/// Asks a server that lost its owner to stop fast.
pub fn ask_to_leave(pid: i32) {
    // It may have left a moment ago.
    let _asked = kill(Pid::from_raw(pid), Signal::SIGINT);
}

/// A program with nothing of our environment but the path, in a folder everybody may be in, as whoever runs the server.
fn command(folder: &Folder, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C").current_dir("/");
    if let Some((uid, gid)) = folder.runs_as() {
        command.uid(uid.as_raw()).gid(gid.as_raw());
    }
    command
}

fn succeeded(program: &'static str, output: &Output) -> Result<(), PrivatePostgresFault> {
    // In single-user mode a refused statement is an ERROR on the log and no failure of the program.
    let says = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && !says.contains("ERROR:") && !says.contains("FATAL:") {
        return Ok(());
    }
    let last: Vec<&str> = says.lines().rev().take(3).collect();
    Err(PrivatePostgresFault::Program { program, says: last.into_iter().rev().collect::<Vec<_>>().join(" / ") })
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
