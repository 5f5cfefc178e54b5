//! The crew of a run: processes that are started, killed and started again, and who says where they died.

use super::{
    stage::Stage,
    worker::{Duty, Orders},
};
use crate::bench::Broken;
use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
};

/// Where processes died, and how often. Clones count together.
#[derive(Clone, Default)]
pub struct Deaths(Arc<Mutex<BTreeMap<String, u32>>>);

impl Deaths {
    /// Counts one.
    pub fn count(&self, at: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(at.to_owned()).or_default() += 1;
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// By where.
    #[must_use]
    pub fn by_place(&self) -> BTreeMap<String, u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One process.
struct Member {
    child: Child,
    /// Held open while it is to live.
    _orders: Option<ChildStdin>,
}

impl Member {
    async fn start(program: &Path, orders: &Orders, deaths: &Deaths) -> Result<Self, Broken> {
        let mut child = Command::new(program)
            .args(["bench", "chaos-worker"])
            .env_clear()
            .env("CARELINE_LOG", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(Broken::of)?;
        let mut line = serde_json::to_vec(orders).map_err(Broken::of)?;
        line.push(b'\n');
        let mut input = child.stdin.take();
        if let Some(input) = input.as_mut() {
            input.write_all(&line).await.map_err(Broken::of)?;
            input.flush().await.map_err(Broken::of)?;
        }
        if let Some(output) = child.stdout.take() {
            let deaths = deaths.clone();
            tokio::spawn(async move {
                let mut lines = BufReader::new(output).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    if let Some(point) = line.strip_prefix("died ") {
                        deaths.count(point);
                    }
                }
            });
        }
        Ok(Self { child, _orders: input })
    }

    fn is_gone(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// The whole crew.
pub struct Crew {
    members: Vec<Member>,
    door: Option<Member>,
    duties: Vec<Duty>,
    seed: u64,
    started: u64,
    /// Where they died.
    pub deaths: Deaths,
}

impl Crew {
    /// Starts everybody. Two of the workers sweep, when anybody does.
    ///
    /// # Errors
    /// When a process cannot be started.
    pub async fn start(stage: &Stage, duties: Vec<Duty>, seed: u64, odds: &[(String, f64)]) -> Result<Self, Broken> {
        let deaths = Deaths::default();
        let mut crew = Self { members: Vec::new(), door: None, duties, seed, started: 0, deaths };
        crew.open_door(stage).await?;
        crew.fill(stage, odds).await?;
        Ok(crew)
    }

    /// Whoever died is replaced. Returns how many.
    ///
    /// # Errors
    /// When a process cannot be started.
    pub async fn fill(&mut self, stage: &Stage, odds: &[(String, f64)]) -> Result<usize, Broken> {
        let mut replaced = 0;
        for (place, duty) in self.duties.clone().into_iter().enumerate() {
            let is_gone = self.members.get_mut(place).is_none_or(Member::is_gone);
            if !is_gone {
                continue;
            }
            self.started += 1;
            let orders = stage.orders(duty, self.seed.wrapping_add(self.started), odds.to_vec());
            let member = Member::start(&stage.program, &orders, &self.deaths).await?;
            match self.members.get_mut(place) {
                Some(old) => *old = member,
                None => self.members.push(member),
            }
            replaced += 1;
        }
        Ok(replaced)
    }

    async fn open_door(&mut self, stage: &Stage) -> Result<(), Broken> {
        let orders = stage.orders(Duty::Serve, self.seed, Vec::new());
        self.door = Some(Member::start(&stage.program, &orders, &self.deaths).await?);
        Ok(())
    }

    /// Kills one, whatever it is doing.
    ///
    /// # Errors
    /// When the system does not let us.
    pub async fn kill_one(&mut self, chosen: usize) -> Result<(), Broken> {
        let count = self.members.len().max(1);
        if let Some(member) = self.members.get_mut(chosen % count)
            && !member.is_gone()
        {
            member.child.kill().await.map_err(Broken::of)?;
            self.deaths.count("anywhere");
        }
        Ok(())
    }

    /// Kills everybody, those at the door too, and starts them again with what the stage says now.
    ///
    /// # Errors
    /// When a process cannot be started.
    pub async fn renew(&mut self, stage: &Stage, odds: &[(String, f64)]) -> Result<(), Broken> {
        for member in self.members.iter_mut().chain(self.door.as_mut()) {
            // It may have died a moment ago.
            let _killed = member.child.kill().await;
        }
        self.members.clear();
        self.open_door(stage).await?;
        self.fill(stage, odds).await.map(drop)
    }

    /// Kills everybody for good.
    pub async fn dismiss(mut self) {
        for member in self.members.iter_mut().chain(self.door.as_mut()) {
            let _killed = member.child.kill().await;
        }
    }
}
