//! A 2xx only after the commit: the product, in a process of its own, is killed at the very instant of its answer, again
//! and again, and every letter it answered is in the database.

use super::{
    letters::{self, Sender, Told},
    post::{Handed, Postman},
};
use crate::{
    app::App,
    bench::{
        Broken,
        town_ground::{self, TownGround},
    },
    domain::ids::{OrgId, PatientId},
};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinSet};

/// What each attempt is told, one after the other.
const STORY: [&str; 4] = ["initiated", "ringing", "in-progress", "completed"];
/// Letters brought at once.
const AT_ONCE: usize = 8;
/// How soon a letter that was not answered is brought again.
const AGAIN: Duration = Duration::from_millis(20);

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acks {
    /// Letters answered 2xx.
    pub answered: u64,
    /// Of those, not in the database afterwards.
    pub lost: u64,
    /// Times the product was killed.
    pub kills: u64,
}

/// How the product is opened for letters again after it was killed.
pub trait Door {
    /// Opens it; whatever stood there before is dead when this returns.
    ///
    /// # Errors
    /// When it does not open.
    fn open_again(&mut self) -> impl Future<Output = Result<(), Broken>>;
}

/// Brings so many letters, kills as often, and counts what is missing afterwards. `door` is open when this begins and is
/// opened anew at each kill.
///
/// # Errors
/// When the product does not come back, or the database is away.
pub async fn count(
    ground: &TownGround,
    app: &App,
    sender: &Sender,
    (org, patient): (OrgId, PatientId),
    (wanted, kills): (u64, u64),
    door: &mut impl Door,
) -> Result<Acks, Broken> {
    let attempts = wanted.div_ceil(u64::try_from(STORY.len()).unwrap_or(1));
    let mut told = Vec::new();
    for line in 0..attempts {
        let number = format!("+1646555{:04}", line % 10_000);
        let armed = letters::arm(app, org, patient, &number).await?;
        told.push(letters::bind(app, armed, letters::invented_sid()).await?);
    }
    let answered = Arc::new(AtomicU64::new(0));
    let every = (wanted / (kills + 1)).max(1);
    let (ring, mut bell) = mpsc::unbounded_channel();
    let mut bringing = JoinSet::new();
    for share in told.chunks(told.len().div_ceil(AT_ONCE).max(1)) {
        let bringer = Bringer {
            postman: Postman::to(ground.origin())?,
            sender: sender.clone(),
            answered: Arc::clone(&answered),
            every,
            ring: ring.clone(),
        };
        bringing.spawn(bringer.bring(share.to_vec()));
    }
    drop(ring);
    let mut found = Acks::default();
    // The bell rings in the very moment of a 2xx, and ends when every letter was answered.
    while bell.recv().await.is_some() {
        if found.kills < kills {
            door.open_again().await?;
            found.kills += 1;
        }
    }
    while let Some(ended) = bringing.join_next().await {
        ended.map_err(Broken::of)?;
    }
    found.answered = answered.load(Ordering::Relaxed);
    found.lost = missing(ground, org, &told).await?;
    Ok(found)
}

/// Every attempt was told its whole story, each part of it a row of the inbox in the transaction of what it changed.
async fn missing(ground: &TownGround, org: OrgId, told: &[Told]) -> Result<u64, Broken> {
    let named: Vec<String> = told.iter().map(|one| format!("'{}'", one.attempt)).collect();
    let rows = format!(
        "select count(*) from carrier_inbox i
          where i.org_id = '{org}'
            and i.kind = 'status'
            and exists (select from attempt a where a.org_id = i.org_id and a.id = i.attempt_id and a.ended_at is not null)
            and i.attempt_id in ({})",
        named.join(", ")
    );
    let kept = town_ground::count(&mut ground.superuser().await?, &rows).await?;
    let answered = u64::try_from(told.len() * STORY.len()).unwrap_or(u64::MAX);
    Ok(answered.saturating_sub(u64::try_from(kept).unwrap_or(0)))
}

struct Bringer {
    postman: Postman,
    sender: Sender,
    answered: Arc<AtomicU64>,
    every: u64,
    ring: mpsc::UnboundedSender<()>,
}

impl Bringer {
    async fn bring(self, share: Vec<Told>) {
        for told in &share {
            for (sequence, word) in STORY.iter().enumerate() {
                let handed = Handed::from(&self.sender.status(told, word, sequence));
                while !self.is_answered(handed.clone()).await {
                    tokio::time::sleep(AGAIN).await;
                }
                let so_far = self.answered.fetch_add(1, Ordering::Relaxed) + 1;
                if so_far.is_multiple_of(self.every) {
                    let _heard = self.ring.send(());
                }
            }
        }
    }

    async fn is_answered(&self, handed: Handed) -> bool {
        self.postman.hand(handed).await.is_some_and(|(status, _)| status.is_success())
    }
}
