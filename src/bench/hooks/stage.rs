//! Who takes part in a bench of webhooks: an application, organizations with a patient each, letters of every kind.

use super::{
    acks::{self, Acks, Door},
    controls::Gullible,
    forgeries::{Due, Letters, Trick},
    letters::{self, Letter, Sender, Told},
    orders::{self, Sequences},
    post::Postman,
};
use crate::{
    app::App,
    bench::{Broken, pick, town_ground::TownGround},
    domain::ids::{OrgId, PatientId},
};
use rand::{SeedableRng, rngs::StdRng};
use sqlx::Executor;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Letters brought at once.
const AT_ONCE: u64 = 8;
/// Attempts that letters of each kind are about.
const ATTEMPTS: usize = 8;

/// Who takes part.
pub(super) struct Stage<'a> {
    ground: &'a TownGround,
    pub(super) app: Arc<App>,
    sender: Sender,
    ordered: (OrgId, PatientId),
    forged: (OrgId, PatientId),
    acked: (OrgId, PatientId),
    stranger: OrgId,
}

/// What became of forged and replayed letters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forged {
    /// Forged ones.
    pub sent: u64,
    /// Forged ones that were answered 2xx.
    pub accepted: u64,
    /// Genuine ones brought again, or too late.
    pub replayed: u64,
    /// Whether any row changed meanwhile.
    pub changed: bool,
}

impl<'a> Stage<'a> {
    /// Founds everybody.
    pub(super) async fn open(ground: &'a TownGround, app: App) -> Result<Self, Broken> {
        let ordered = letters::found(&app, "orders").await?;
        let forged = letters::found(&app, "forgeries").await?;
        let acked = letters::found(&app, "acks").await?;
        let (stranger, _) = letters::found(&app, "strangers").await?;
        let sender = Sender {
            origin: ground.origin().to_owned(),
            account: ground.config.carrier.account_sid.clone(),
            token: ground.config.carrier.auth_token.reveal().clone(),
        };
        Ok(Self { ground, app: Arc::new(app), sender, ordered, forged, acked, stranger })
    }

    /// P8.
    pub(super) async fn tell_orders(&self, sequences: usize, seed: u64) -> Result<Sequences, Broken> {
        orders::tell(self.ground, &self.app, &self.sender, self.ordered, sequences, seed).await
    }

    pub(super) async fn strays(&self) -> Result<i64, Broken> {
        orders::strays(&mut self.ground.superuser().await?, self.ordered.0).await
    }

    /// The control of the count: somebody changes one ending behind the product's back.
    pub(super) async fn a_stray_is_seen(&self) -> Result<bool, Broken> {
        let mut superuser = self.ground.superuser().await?;
        let org = self.ordered.0;
        let statement = format!(
            "update attempt set ending = 'completed' where id = (select min(id::text)::uuid from attempt where org_id = '{org}')"
        );
        superuser.execute(sqlx::AssertSqlSafe(statement)).await.map_err(Broken::of)?;
        Ok(orders::strays(&mut superuser, org).await? == 1)
    }

    /// P9.
    pub(super) async fn try_forgeries(&self, most: u64, seed: u64) -> Result<Forged, Broken> {
        let letters = Arc::new(self.letters().await?);
        let before = self.rows().await?;
        let mut found = self.bring(&letters, most, seed).await?;
        found.changed = self.rows().await? != before;
        Ok(found)
    }

    /// The control of it: the same over a telephone that checks no signature.
    pub(super) async fn try_unsigned(&self, seed: u64) -> Result<u64, Broken> {
        let letters = Arc::new(self.letters_over(&self.app).await?);
        let mut app = self.ground.app().await?;
        app.phone = Gullible::instead_of(Arc::clone(&app.phone), self.sender.clone());
        let app = Arc::new(app);
        let served = self.ground.serve(Arc::clone(&app)).await?;
        let found = self.bring(&letters, 500, seed).await;
        served.end().await;
        app.db.close().await;
        Ok(found?.accepted)
    }

    /// Answers under kills.
    pub(super) async fn count_acks(&self, plan: (u64, u64), door: &mut impl Door) -> Result<Acks, Broken> {
        acks::count(self.ground, &self.app, &self.sender, self.acked, plan, door).await
    }

    /// Letters of every kind; those that count as brought are brought here.
    async fn letters(&self) -> Result<Letters, Broken> {
        let postman = Postman::to(self.ground.origin())?;
        let letters = self.letters_over(&self.app).await?;
        for letter in letters.read.iter().chain(&letters.over) {
            let answer = postman.hand(letter.into()).await;
            if !answer.is_some_and(|(status, _)| status.is_success()) {
                return Err(Broken(format!("a genuine letter was answered {answer:?}")));
            }
        }
        Ok(letters)
    }

    async fn letters_over(&self, app: &App) -> Result<Letters, Broken> {
        let (org, patient) = self.forged;
        let mut all = Letters {
            sender: self.sender.clone(),
            unread: Vec::new(),
            read: Vec::new(),
            over: Vec::new(),
            late: Vec::new(),
            stranger: self.stranger,
        };
        for line in 0..ATTEMPTS {
            let running = self.attempt(app, org, patient, line).await?;
            all.read.extend(self.answered(&running));
            all.unread.push(self.sender.status(&running, "completed", 9));
            all.unread.push(self.pressed(&running));
            let ended = self.attempt(app, org, patient, line + ATTEMPTS).await?;
            all.over.extend(self.answered(&ended));
            all.over.push(self.sender.status(&ended, "completed", 9));
            all.late.push(self.sender.status(&ended, "ringing", 77));
            all.late.push(self.sender.status(&ended, "in-progress", 78));
            all.late.push(self.pressed(&ended));
        }
        Ok(all)
    }

    async fn attempt(&self, app: &App, org: OrgId, patient: PatientId, line: usize) -> Result<Told, Broken> {
        let armed = letters::arm(app, org, patient, &format!("+1718555{line:04}")).await?;
        letters::bind(app, armed, letters::invented_sid()).await
    }

    /// What the carrier tells until somebody has answered and was asked who they are.
    fn answered(&self, told: &Told) -> [Letter; 4] {
        [
            self.sender.status(told, "initiated", 0),
            self.sender.status(told, "ringing", 1),
            self.sender.status(told, "in-progress", 2),
            self.sender.letter(told, "voice", &[("CallStatus", "in-progress")]),
        ]
    }

    /// The first key of whoever answered.
    fn pressed(&self, told: &Told) -> Letter {
        self.sender.letter(told, "voice?step=1", &[("CallStatus", "in-progress"), ("Digits", "1")])
    }

    async fn bring(&self, letters: &Arc<Letters>, most: u64, seed: u64) -> Result<Forged, Broken> {
        let mut bringing = JoinSet::new();
        for worker in 0..AT_ONCE {
            let share = most / AT_ONCE + u64::from(worker < most % AT_ONCE);
            let (letters, postman) = (Arc::clone(letters), Postman::to(self.ground.origin())?);
            bringing.spawn(bring_share(letters, postman, share, seed.wrapping_add(worker)));
        }
        let mut found = Forged::default();
        while let Some(share) = bringing.join_next().await {
            let share = share.map_err(Broken::of)?;
            found.sent += share.sent;
            found.accepted += share.accepted;
            found.replayed += share.replayed;
        }
        Ok(found)
    }

    /// Everything that a letter could change, in one word.
    async fn rows(&self) -> Result<String, Broken> {
        let org = self.forged.0;
        let statement = format!(
            "select md5(string_agg(row, '|' order by row)) from (
                    select 'a' || a::text as row from attempt a where org_id = '{org}'
          union all select 'c' || c::text from call c where org_id = '{org}'
          union all select 'l' || l::text from leg l where org_id = '{org}'
          union all select 'm' || m::text from media_stream m where org_id = '{org}'
          union all select 'j' || j::text from job j where org_id = '{org}'
          union all select 'f' || f::text from follow_up f where org_id = '{org}'
          union all select 'e' || count(*) from audit_entry where org_id = '{org}') rows"
        );
        let mut superuser = self.ground.superuser().await?;
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&mut superuser).await.map_err(Broken::of)
    }
}

async fn bring_share(letters: Arc<Letters>, postman: Postman, share: u64, seed: u64) -> Forged {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut found = Forged::default();
    while found.sent + found.replayed < share {
        let Some(trick) = pick(&mut dice, &Trick::ALL).copied() else { return found };
        let Some(handed) = letters.play(trick, &mut dice) else { continue };
        let Some((status, _)) = postman.hand(handed).await else { continue };
        match trick.due() {
            Due::Refusal => {
                found.sent += 1;
                found.accepted += u64::from(status.is_success());
            }
            Due::NoEffect => found.replayed += 1,
        }
    }
    found
}
