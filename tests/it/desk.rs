//! The command line as an operator meets it: one clear line for what is wrong, exit codes a script can read, and a
//! private PostgreSQL that comes and goes with its owner.

use careline::adapters::key_file::KeyFile;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

const SECRET: &str = "8c1f0e7b9a2d4c6385e1f7a0b3d92c64";

/// The text of one key file for all of these tests, because a ward that starts again must find its keys.
fn keys() -> &'static str {
    static KEYS: LazyLock<String> = LazyLock::new(|| KeyFile::fresh().into_revealed());
    &KEYS
}

/// A folder with a private database of its own.
struct Desk {
    folder: tempfile::TempDir,
    port: u16,
}

impl Desk {
    fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder: tempfile::tempdir().unwrap(), port }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_careline"));
        command
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("CARELINE_DATA", self.folder.path())
            .env("CARELINE_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("CARELINE_TWILIO_ACCOUNT_SID", "AC1")
            .env("CARELINE_TWILIO_AUTH_TOKEN", SECRET)
            .env("CARELINE_TWILIO_API_URL", "http://127.0.0.1:9")
            .env("CARELINE_CALL_CODE_KEY", SECRET)
            .env("CARELINE_KEYS", keys())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> (i32, String, String) {
        said(&self.command(words).output().unwrap())
    }

    fn postmaster(&self) -> Option<i32> {
        let file = self.folder.path().join("postgres/cluster/postmaster.pid");
        fs::read_to_string(file).ok()?.lines().next()?.parse().ok()
    }
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Waits for something that happens outside this process.
fn eventually(what: &str, mut happens: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !happens() {
        assert!(Instant::now() < until, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether it serves: the address is taken before the database is there, so a connection alone says nothing.
fn answers(port: u16) -> bool {
    let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let asked = socket.write_all(b"GET /health/ready HTTP/1.1\r\nhost: ward\r\nconnection: close\r\n\r\n");
    let mut reply = String::new();
    asked.is_ok() && socket.read_to_string(&mut reply).is_ok() && reply.starts_with("HTTP/1.1 200")
}

#[test]
fn wrong_settings_and_a_taken_port_are_one_clear_line_each() {
    let desk = Desk::new();
    let output =
        desk.command(&["serve"]).env("CARELINE_LISTN", "x").env("CARELINE_RING_SECONDS", "x").output().unwrap();
    let (code, _, says) = said(&output);
    assert_eq!(code, 2);
    let lines: Vec<&str> = says.lines().collect();
    assert_eq!(lines.len(), 2, "{says}");
    assert!(lines[0].contains("CARELINE_LISTN") && lines[0].contains("CARELINE_LISTEN?"), "{says}");
    assert!(lines[1].contains("CARELINE_RING_SECONDS"), "{says}");

    let taken = TcpListener::bind(("127.0.0.1", desk.port)).unwrap();
    let (code, _, says) = desk.run(&["serve"]);
    assert_eq!((code, says.lines().count()), (2, 1), "{says}");
    assert!(says.contains("CARELINE_LISTEN") && says.contains("another port"), "{says}");
    assert!(desk.postmaster().is_none(), "whoever comes second touches nothing");
    drop(taken);
}

#[test]
fn a_database_that_is_not_there_and_a_clock_that_is_not_there_are_named() {
    let desk = Desk::new();
    let output = desk.command(&["migrate"]).env("DATABASE_URL", "postgres://app_rw@127.0.0.1:1/x").output().unwrap();
    let (code, _, says) = said(&output);
    assert_eq!((code, says.lines().count()), (2, 1), "{says}");
    assert!(says.contains("DATABASE_URL") && says.contains("refused"), "{says}");
    let output =
        desk.command(&["audit", "verify"]).env("CARELINE_TOWN_CLOCK_URL", "http://127.0.0.1:1").output().unwrap();
    let (code, _, says) = said(&output);
    assert_eq!((code, says.lines().count()), (2, 1), "{says}");
    assert!(says.contains("CARELINE_TOWN_CLOCK_URL") && says.contains("base URL"), "{says}");
}

#[test]
fn an_operator_founds_an_organization_adds_staff_serves_is_killed_and_verifies() {
    let desk = Desk::new();
    let org = ["organization", "add", "--code=riverside", "--name=Riverside", "--time-zone=America/Chicago"];
    let (code, _, says) = desk.run(&[&org[..], &["--caller-number=+12125550100"]].concat());
    assert_eq!(code, 0, "{says}");
    let mut staff = desk
        .command(&["staff", "add", "--org=riverside", "--email=n@example.org", "--name=Nora", "--role=nurse"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    staff.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    assert!(staff.wait().unwrap().success());
    assert_eq!(desk.run(&["staff", "add", "--org=elsewhere", "--email=n", "--name=N", "--role=nurse"]).0, 2);

    let protocols = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols");
    let import = ["protocol", "import", "--org=riverside", protocols.to_str().unwrap()];
    let (code, says, _) = desk.run(&import);
    assert!(code == 0 && says.contains("is imported"), "{says}");
    assert!(desk.run(&import).1.contains("was imported before"), "the same content again changes nothing");

    let mut server = desk.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("serving", || answers(desk.port));
    eventually("a server process", || desk.postmaster().is_some());
    let (code, says, _) = desk.run(&["audit", "verify"]);
    assert_eq!(code, 0, "{says}");
    assert!(says.starts_with("audit verify: ok (org riverside: "), "a second process joins the running server: {says}");
    assert!(server.try_wait().unwrap().is_none(), "and does not disturb it");

    server.kill().unwrap();
    server.wait().unwrap();
    eventually("the private server leaving with its owner", || desk.postmaster().is_none());
    let mut server = desk.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("serving again", || answers(desk.port));
    kill(i32::try_from(server.id()).unwrap(), "TERM");
    assert!(server.wait().unwrap().success(), "asked to stop, it ends in order");
    assert!(desk.postmaster().is_none(), "and its database with it");
    assert_eq!(desk.run(&["audit", "verify", "--org=riverside"]).0, 0);
    assert_eq!(desk.run(&["audit", "verify", "--org=elsewhere"]).0, 2);
}

#[test]
fn a_database_whose_owner_and_server_were_both_killed_starts_again() {
    let desk = Desk::new();
    let mut server = desk.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("serving", || answers(desk.port));
    kill(desk.postmaster().unwrap(), "KILL");
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(desk.postmaster().is_some(), "the control: the leftover file is there");
    let (code, _, says) = desk.run(&["migrate"]);
    assert_eq!(code, 0, "{says}");
}

#[test]
fn a_tethered_server_ends_when_its_starter_does() {
    let desk = Desk::new();
    let mut server = desk
        .command(&["serve", "--tethered"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("serving", || answers(desk.port));
    assert!(server.try_wait().unwrap().is_none(), "the control: it stays while the pipe is open");
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_malformed_protocol_is_named_with_its_line() {
    let desk = Desk::new();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols");
    let (code, says, _) = desk.run(&["protocol", "check", shipped.to_str().unwrap()]);
    assert_eq!(code, 0, "the control: {says}");
    let broken = desk.folder.path().join("dyspnea");
    copy(&shipped.join("dyspnea"), &broken);
    let logic = fs::read_to_string(broken.join("protocol.yaml")).unwrap();
    fs::write(broken.join("protocol.yaml"), format!("{logic}\nsurprise: 1\n")).unwrap();
    let (code, says, _) = desk.run(&["protocol", "check", broken.to_str().unwrap()]);
    assert_eq!(code, 1, "{says}");
    let line = logic.lines().count() + 2;
    assert!(says.contains(&format!("protocol.yaml, line {line},")), "{line} is not named: {says}");
    let (code, _, says) = desk.run(&["protocol", "check", "/nowhere"]);
    assert_eq!((code, says.lines().count()), (2, 1), "{says}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &to) } else { assert!(fs::copy(entry.path(), to).is_ok()) }
    }
}

fn kill(pid: i32, signal: &str) {
    assert!(Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap().success());
}
