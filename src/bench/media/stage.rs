//! Where the media bench plays: an organization with calls on which everybody is already in the conference, the product and
//! the load as processes of their own, and what the machine says about them.

use super::{
    legs::{self, Sent},
    product,
    stopwatch::Shown,
};
use crate::{
    bench::{
        Broken,
        bridged::ward::{self, Ward},
        town_ground::{TownGround, count},
    },
    config::ClockConfig,
    demo::stage::settings,
    domain::ids::PatientId,
};
use sqlx::AssertSqlSafe;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// Pairs of a patient and a nurse; the first patient is also the one of every leg that is only load.
pub(super) const PAIRS: u32 = 4;
/// How long a child may take to answer.
const PATIENCE: Duration = Duration::from_secs(180);
/// Clock ticks a second in which Linux counts processor time (proc(5), `USER_HZ`), as microseconds.
const TICK_MICROS: u64 = 10_000;

/// A database, a town, and who is on the line.
pub(super) struct Stage {
    pub(super) ground: TownGround,
    pub(super) ward: Ward,
}

impl Stage {
    pub(super) async fn open(program: PathBuf) -> Result<Self, Broken> {
        let mut ground = TownGround::open(program, ward::people(PAIRS)?).await?;
        ground.config.clock = ClockConfig::Machine;
        let app = ground.app().await?;
        let ward = ward::found(&app, PAIRS).await?;
        app.db.close().await;
        Ok(Self { ground, ward })
    }

    /// Starts the product and waits until it serves; `heard_by` are settings of the engine beside the usual ones.
    pub(super) async fn product(
        &self,
        orders: product::Orders,
        heard_by: Vec<(&'static str, String)>,
    ) -> Result<Product, Broken> {
        let mut variables = settings(&self.ground.config);
        variables.extend(heard_by);
        let child = Asked::start(&self.ground.program, "media-product", variables, &orders).await?;
        let mut product = Product(child);
        product.0.answer("ready").await?;
        Ok(product)
    }

    /// Puts so many legs into conferences, two to a call, and starts whoever speaks on them.
    pub(super) async fn load(&self, round: &str, legs: u32, says: &str) -> Result<Load, Broken> {
        let patient = self.ward.pairs.first().map(|(patient, _)| *patient);
        self.sit(round, legs, patient.ok_or_else(|| Broken::of("nobody was admitted"))?).await?;
        let orders = self.orders(round, legs, says);
        let child = Asked::start(&self.ground.program, "media-legs", Vec::new(), &orders).await?;
        let mut load = Load(child);
        load.0.answer("open").await?;
        Ok(load)
    }

    pub(super) fn orders(&self, round: &str, legs: u32, says: &str) -> legs::Orders {
        let carrier = &self.ground.config.carrier;
        legs::Orders {
            socket: format!("{}/hooks/media/{}", self.ground.origin().replacen("http", "ws", 1), self.ward.org),
            account: carrier.account_sid.clone(),
            token: carrier.auth_token.reveal().clone(),
            round: round.to_owned(),
            legs,
            says: says.to_owned(),
        }
    }

    /// Calls and legs as they stand once everybody is in the conference and the carrier was asked to fork.
    pub(super) async fn sit(&self, round: &str, legs: u32, patient: PatientId) -> Result<(), Broken> {
        let (org, calls) = (self.ward.org, legs.div_ceil(2));
        let statements = format!(
            "insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, may_record, speaker,
                               created_at, bridged_at, idem_key)
             select '{org}', md5('{round}call' || n)::uuid, '{patient}', 'check_in', 'dyspnea', now(), 'bridged', '{{}}', true,
                    'patient', now(), now(), '{round}' || n
               from generate_series(0, {calls} - 1) n;
             insert into attempt (org_id, id, call_id, party, ordinal, from_e164, to_e164, state, sid, created_at)
             select '{org}', md5('{round}leg' || n)::uuid, md5('{round}call' || n / 2)::uuid,
                    case n % 2 when 0 then 'patient' else 'nurse' end, 1, '+1', '+1', 'bound', 'CA{round}' || n, now()
               from generate_series(0, {legs} - 1) n;
             insert into leg (org_id, id, call_id, attempt_id, party, sid, joined_at)
             select org_id, id, call_id, id, party, sid, now()
               from attempt
              where org_id = '{org}'
                and sid like 'CA{round}%';
             insert into seat (org_id, leg_id, call_id, ends, part)
             select org_id, id, call_id, true, 'talks'
               from leg
              where org_id = '{org}'
                and sid like 'CA{round}%';
             insert into media_stream (org_id, id, call_id, leg_id, token_hash, opened_at)
             select '{org}', md5('{round}leg' || n)::uuid, md5('{round}call' || n / 2)::uuid, md5('{round}leg' || n)::uuid,
                    sha256(convert_to('{round}' || n, 'UTF8')), now()
               from generate_series(0, {legs} - 1) n;
             analyze call, leg, seat, media_stream"
        );
        let mut superuser = self.ground.superuser().await?;
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut superuser).await.map_err(Broken::of).map(drop)
    }

    /// Transactions that PostgreSQL has committed so far.
    pub(super) async fn transactions(&self) -> Result<u64, Broken> {
        let committed = "select xact_commit from pg_stat_database where datname = current_database()";
        u64::try_from(count(&mut self.ground.superuser().await?, committed).await?).map_err(Broken::of)
    }

    /// Frames that the record says were heard and lost on the legs of a round, and legs that have no end.
    pub(super) async fn recorded(&self, round: &str) -> Result<(u64, u64, u64), Broken> {
        let mut superuser = self.ground.superuser().await?;
        let of_round = format!(
            "from media_stream m join leg l on l.id = m.leg_id where m.org_id = '{}' and l.sid like 'CA{round}%'",
            self.ward.org
        );
        let mut number = async |what: &str| -> Result<u64, Broken> {
            let found = count(&mut superuser, &format!("select ({what})::bigint {of_round}")).await?;
            u64::try_from(found).map_err(Broken::of)
        };
        Ok((
            number("coalesce(sum(m.frames), 0)").await?,
            number("coalesce(sum(m.lost_frames), 0)").await?,
            number("count(*) filter (where m.ended_at is null)").await?,
        ))
    }
}

/// A process that takes orders by lines and answers by lines.
struct Asked {
    child: Child,
    /// The child ends when this closes.
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Asked {
    async fn start(
        program: &Path,
        name: &str,
        variables: Vec<(&'static str, String)>,
        orders: &impl serde::Serialize,
    ) -> Result<Self, Broken> {
        let mut child = Command::new(program)
            .args(["bench", name])
            .env_clear()
            .envs(variables)
            .env("CARELINE_LOG", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Broken::of)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Broken::of("a process has no standard input"));
        };
        let mut asked = Self { child, orders: input, answers: BufReader::new(output).lines() };
        asked.tell(&serde_json::to_string(orders).map_err(Broken::of)?).await?;
        Ok(asked)
    }

    async fn tell(&mut self, order: &str) -> Result<(), Broken> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.map_err(Broken::of)?;
        self.orders.flush().await.map_err(Broken::of)
    }

    async fn line(&mut self) -> Result<String, Broken> {
        match timeout(PATIENCE, self.answers.next_line()).await {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(Ok(None) | Err(_)) | Err(_) => Err(Broken::of("a process of the bench does not answer")),
        }
    }

    async fn answer(&mut self, expected: &str) -> Result<(), Broken> {
        let line = self.line().await?;
        if line == expected { Ok(()) } else { Err(Broken(format!("a process said {line:?} instead of {expected:?}"))) }
    }

    async fn leave(mut self) {
        drop(self.orders);
        let _gone = timeout(PATIENCE, self.child.wait()).await;
    }
}

/// The product.
pub(super) struct Product(Asked);

impl Product {
    pub(super) async fn begin(&mut self) -> Result<(), Broken> {
        self.0.tell("begin").await?;
        self.0.answer("begun").await
    }

    pub(super) async fn shown(&mut self) -> Result<Shown, Broken> {
        self.0.tell("show").await?;
        serde_json::from_str(&self.0.line().await?).map_err(Broken::of)
    }

    fn pid(&self) -> String {
        self.0.child.id().map_or_else(|| "none".to_owned(), |id| id.to_string())
    }

    /// Processor time so far, in microseconds.
    pub(super) fn cpu_micros(&self) -> u64 {
        cpu_micros(&self.pid())
    }

    /// Memory in RAM, in KiB.
    pub(super) fn rss_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    pub(super) async fn leave(self) {
        self.0.leave().await;
    }
}

/// Whoever speaks.
pub(super) struct Load(Asked);

impl Load {
    pub(super) async fn mark(&mut self) -> Result<(), Broken> {
        self.0.tell("mark").await
    }

    /// Ends every leg; what was sent.
    pub(super) async fn stop(mut self) -> Result<Sent, Broken> {
        self.0.tell("stop").await?;
        let sent = serde_json::from_str(&self.0.line().await?).map_err(Broken::of)?;
        self.0.leave().await;
        Ok(sent)
    }
}

/// Processor time of a process, own and the system's for it, in microseconds; `self` is this one (proc(5)).
pub(super) fn cpu_micros(pid: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may hold anything; what follows it is numbers. The 14th and 15th field of the whole are meant.
    let after_name = stat.rsplit_once(')').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    ticks.sum::<u64>().saturating_mul(TICK_MICROS)
}
