//! The demo's child processes: started from this binary, waited for, stopped by id. None outlives the demo.

use super::nurse::Mishap;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, ChildStdin, Command};

/// How long a child may take to stop when asked.
const TO_STOP: Duration = Duration::from_secs(5);
/// How long a child may take until it answers.
const TO_ANSWER: Duration = Duration::from_secs(20);
/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// One running child.
pub struct Running {
    name: &'static str,
    child: Child,
    /// The child leaves when this closes. It is kept here because waiting for a child would close it.
    tether: Option<ChildStdin>,
    log: PathBuf,
}

impl Running {
    /// Starts this binary again with a subcommand and settings; its output goes to `log`.
    ///
    /// # Errors
    /// When the binary or the log cannot be opened.
    pub fn start(
        name: &'static str,
        arguments: &[&str],
        settings: &[(&str, String)],
        log: &Path,
    ) -> Result<Self, Mishap> {
        let failed = |fault: std::io::Error| Mishap::of(format!("{name} could not be started: {fault}"));
        let output = std::fs::OpenOptions::new().create(true).append(true).open(log).map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        // What is set outside is meant for other installations than the demo's.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARELINE_") || name == "DATABASE_URL") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments)
            .envs(settings.iter().map(|(key, value)| (*key, value)))
            // The pipe closes when the demo ends, however it ends; the child then leaves too.
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output)
            // A Ctrl-C of the terminal reaches the demo alone, which stops its children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let tether = child.stdin.take();
        Ok(Self { name, child, tether, log: log.to_owned() })
    }

    /// Its process id while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until `url` answers 200.
    ///
    /// # Errors
    /// When the child ends before, or takes too long; the text names its log.
    pub async fn answers(&mut self, web: &reqwest::Client, url: &str) -> Result<(), Mishap> {
        let until = Instant::now() + TO_ANSWER;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                let last = std::fs::read_to_string(&self.log).unwrap_or_default();
                let last: Vec<&str> = last.lines().rev().take(3).collect();
                let words = last.into_iter().rev().collect::<Vec<_>>().join("\n  ");
                return Err(Mishap::of(format!(
                    "{} ended with {status}; its log {} says\n  {words}",
                    self.name,
                    self.log.display()
                )));
            }
            if web.get(url).send().await.is_ok_and(|reply| reply.status().is_success()) {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Mishap::of(format!("{} did not answer; see {}", self.name, self.log.display())));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> Mishap {
        let status = self.child.wait().await.map_or_else(|fault| fault.to_string(), |status| status.to_string());
        Mishap::of(format!("{} ended by itself ({status}); see {}", self.name, self.log.display()))
    }

    /// Most memory it ever held, in bytes, where the system tells.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    }

    /// Kills it without a word, as a crash would.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn crash(mut self) -> Result<(), Mishap> {
        self.child.kill().await.map_err(|fault| Mishap::of(format!("{} could not be killed: {fault}", self.name)))
    }

    /// Asks it to stop, kills it when it does not, and waits for it in every case.
    pub async fn stop(mut self) {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            // It may have ended a moment ago; waiting below tells.
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        drop(self.tether.take());
        if tokio::time::timeout(TO_STOP, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}
