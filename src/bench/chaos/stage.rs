//! The stage of a run: a database server and a town that misbehaves, both of the run's own, an organization, its patients,
//! and calls that fall due one after the other.

use super::{
    clock::HastenedClock,
    worker::{self, Duty, Orders},
};
use crate::{
    adapters::{
        key_file::KeyFile,
        private_postgres::{Durability, PrivatePostgres, PrivatePostgresSettings},
        system_clock::SystemClock,
    },
    app::App,
    bench::Broken,
    boot,
    config::DatabaseConfig,
    domain::{
        call::{CallManner, CallPurpose},
        consent::{ConsentAnswer, ConsentChannel, ConsentPurpose},
        ids::{CallId, PatientId},
        job::Job,
        people::{Actor, Role},
        private::Private,
    },
    flows::{
        add_staff::{self, Duty as StaffDuty, NewStaff},
        admit_patient::{self, NewConsent, NewPatient},
        found_organization::{self, NewOrganization},
    },
    ports::clock::Clock,
    simulator::{Town, TownSettings, carrier::FaultsWanted, clock::VirtualClock, people::TownPlan},
    store::{calls, jobs},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{Connection, PgConnection};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// Hastened time goes so many times as fast as real time.
pub const PACE: u32 = 60;
/// The organization's own number.
const CALLER: &str = "+12125550199";
/// How long a killed server may take to come back.
const TO_RECOVER: Duration = Duration::from_secs(60);

/// A call of a run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The call.
    pub call: CallId,
    /// The number it rings.
    pub number: String,
}

/// Who lives in town.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum People {
    /// They pick up soon, listen for a moment and hang up.
    Quick,
    /// One half picks up late, the other never: there is time to call a ring off.
    Slow,
}

/// The stage.
pub struct Stage {
    cluster: Option<PrivatePostgres>,
    folder: PathBuf,
    /// The town.
    pub town: Town,
    /// The program whose worker is run.
    pub program: PathBuf,
    began: DateTime<Utc>,
    keys: String,
    token: String,
    hooks: String,
    operator: Actor,
    numbers: usize,
    /// Real milliseconds between two looks for surplus rings.
    pub tail_sweep_milliseconds: u64,
}

impl Stage {
    /// Sets it up.
    ///
    /// # Errors
    /// When the database or the town cannot be started here.
    pub async fn set(program: PathBuf) -> Result<Self, Broken> {
        let folder = std::env::temp_dir().join(format!("careline-chaos-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).map_err(Broken::of)?;
        let cluster = serve(&folder).await?;
        let config = DatabaseConfig::Given { url: cluster.app_url(), owner_url: cluster.owner_url() };
        boot::database(&config).await.map_err(Broken::of)?;
        let began = SystemClock.now();
        let token = hex::encode(rand::random::<[u8; 16]>());
        let town = Town::start(TownSettings {
            listen: ([127, 0, 0, 1], 0).into(),
            plan: TownPlan::default(),
            account_sid: "ACchaos".to_owned(),
            auth_token: token.clone(),
            model_key: hex::encode(rand::random::<[u8; 16]>()),
            clock: Arc::new(VirtualClock::hastened(began, PACE)),
        })
        .await
        .map_err(Broken::of)?;
        let mut stage = Self {
            cluster: Some(cluster),
            folder,
            town,
            program,
            began,
            keys: KeyFile::fresh().reveal().clone(),
            token,
            hooks: format!("http://{}", free_address()?),
            operator: Actor::careline(crate::domain::ids::OrgId::NOBODYS),
            numbers: 0,
            tail_sweep_milliseconds: 4_000,
        };
        stage.found().await?;
        Ok(stage)
    }

    /// What a process is told.
    #[must_use]
    pub fn orders(&self, duty: Duty, seed: u64, odds: Vec<(String, f64)>) -> Orders {
        Orders {
            duty,
            database_url: self.cluster.as_ref().map(|one| one.app_url().into_revealed()).unwrap_or_default(),
            keys: self.keys.clone(),
            folder: self.folder.clone(),
            town_url: self.town.base_url(),
            account: "ACchaos".to_owned(),
            token: self.token.clone(),
            public_url: self.hooks.clone(),
            began: self.began,
            pace: PACE,
            tail_sweep_milliseconds: self.tail_sweep_milliseconds,
            seed,
            odds,
        }
    }

    /// Now, as everybody on the stage sees it.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        HastenedClock { began: self.began, pace: PACE }.now()
    }

    /// Makes the carrier misbehave, in the words of `POST /town/faults`.
    ///
    /// # Errors
    /// When the words are none.
    pub fn misbehave(&self, wanted: &serde_json::Value) -> Result<(), Broken> {
        let wanted: FaultsWanted = serde_json::from_value(wanted.clone()).map_err(Broken::of)?;
        self.town.carrier().misbehave(wanted);
        Ok(())
    }

    /// A superuser's connection, for what no process would do.
    ///
    /// # Errors
    /// When the server is not there.
    pub async fn superuser(&self) -> Result<PgConnection, Broken> {
        let cluster = self.cluster.as_ref().ok_or_else(|| Broken::of("the database server is gone"))?;
        let mut url = url::Url::parse(cluster.superuser_url().reveal()).map_err(Broken::of)?;
        url.set_path("careline");
        PgConnection::connect(url.as_str()).await.map_err(Broken::of)
    }

    /// Kills the database server as a power cut would, and starts it again.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn kill_database(&mut self) -> Result<(), Broken> {
        let pid = self.cluster.as_ref().and_then(PrivatePostgres::server_pid);
        let pid =
            pid.and_then(|pid| i32::try_from(pid).ok()).ok_or_else(|| Broken::of("the database server is not ours"))?;
        kill(Pid::from_raw(pid), Signal::SIGKILL).map_err(Broken::of)?;
        if let Some(cluster) = self.cluster.take() {
            cluster.stop().await;
        }
        let began = Instant::now();
        loop {
            match serve(&self.folder).await {
                Ok(cluster) => {
                    self.cluster = Some(cluster);
                    return Ok(());
                }
                // Its children may still hold what they shared with it.
                Err(_) if began.elapsed() < TO_RECOVER => tokio::time::sleep(Duration::from_millis(200)).await,
                Err(why) => return Err(why),
            }
        }
    }

    /// Stops everything and removes the folder.
    pub async fn leave(mut self) {
        self.town.stop();
        if let Some(cluster) = self.cluster.take() {
            cluster.stop().await;
        }
        let _gone = std::fs::remove_dir_all(&self.folder);
    }

    /// Founds the organization: one ring per call, at any hour, so that what is counted is dialling and nothing else.
    async fn found(&mut self) -> Result<(), Broken> {
        let app = worker::app(&self.orders(Duty::Work, 0, Vec::new())).await?;
        let new = NewOrganization {
            code: "harbor".to_owned(),
            name: "Harbor".to_owned(),
            country: "US".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            caller_number: CALLER.to_owned(),
        };
        self.operator = found_organization::found(&app, new).await.map_err(Broken::of)?;
        add_staff::add(&app, &self.operator, nurse()).await.map_err(Broken::of)?;
        app.db.close().await;
        let mut superuser = self.superuser().await?;
        for statement in [
            "update organization
                set calling_from = '00:00', calling_until = '23:59:59', most_rings_day = 50, most_rings_week = 350",
            "insert into retry_rule (org_id, purpose, outcome, most_tries, first_pause_minutes, later_pause_minutes)
             select org_id, 'any', outcome, 1, 1, 1
               from organization, unnest(array['busy', 'no_answer', 'failed', 'no_keys', 'hung_up', 'voicemail']) outcome",
        ] {
            sqlx::query(statement).execute(&mut superuser).await.map_err(Broken::of)?;
        }
        Ok(())
    }

    /// Admits half as many patients and plans `count` calls, two to each, one after the other within `spread` of real time.
    ///
    /// # Errors
    /// When they cannot be stored.
    pub async fn plan(&mut self, count: usize, spread: Duration, people: People) -> Result<Vec<Planned>, Broken> {
        let app = worker::app(&self.orders(Duty::Work, 0, Vec::new())).await?;
        let patients = count.div_ceil(2);
        let first = self.numbers;
        self.numbers += patients;
        let numbers: Vec<String> = (first..self.numbers).map(number).collect();
        self.settle(&numbers, people)?;
        let operator = &self.operator;
        let admitted: Vec<(PatientId, String)> =
            stream::iter(numbers).map(|number| admit(&app, operator, number)).buffered(4).try_collect().await?;
        let begin = self.now() + TimeDelta::seconds(i64::from(PACE));
        let mut planned = Vec::with_capacity(count);
        let due: Vec<(usize, &(PatientId, String))> = admitted.iter().cycle().take(count).enumerate().collect();
        for some in due.chunks(100) {
            let mut tx = app.db.begin(operator).await.map_err(Broken::of)?;
            for (at, (patient, number)) in some {
                let share = f64::from(u32::try_from(*at).unwrap_or(0)) / f64::from(u32::try_from(count).unwrap_or(1));
                let due_at = begin + TimeDelta::from_std(spread.mul_f64(share) * PACE).unwrap_or_default();
                let call = CallId::at(app.clock.now());
                let new = calls::PlannedCall {
                    id: call,
                    patient: *patient,
                    purpose: CallPurpose::CheckIn,
                    manner: CallManner::Nurse,
                    protocol: "dyspnea".to_owned(),
                    nurse: None,
                    due_at,
                    idem_key: call.to_string(),
                    window_until: None,
                    occurrence: None,
                    matched: Vec::new(),
                    covers_for: None,
                };
                calls::plan(&mut tx, &new, None, app.clock.now()).await.map_err(Broken::of)?;
                let job = Job::PlaceCall { call };
                jobs::enqueue(&mut tx, &job, "due", due_at, app.clock.now()).await.map_err(Broken::of)?;
                planned.push(Planned { call, number: number.clone() });
            }
            tx.commit().await.map_err(Broken::of)?;
        }
        app.db.close().await;
        Ok(planned)
    }

    /// Gives each number somebody with a telephone.
    fn settle(&self, numbers: &[String], people: People) -> Result<(), Broken> {
        let mut text = String::from("people:\n");
        for (at, number) in numbers.iter().enumerate() {
            let ways = match people {
                People::Quick => "picks_up: {after_seconds: 8}, hangs_up: {after_seconds: 8}",
                People::Slow if at % 2 == 0 => "picks_up: never",
                People::Slow => "picks_up: {after_seconds: 100}, hangs_up: {after_seconds: 8}",
            };
            text.push_str("  - {name: Somebody, number: \"");
            text.push_str(number);
            text.push_str("\", ");
            text.push_str(ways);
            text.push_str("}\n");
        }
        self.town.carrier().settle(TownPlan::read(&text).map_err(Broken::of)?);
        Ok(())
    }
}

async fn serve(folder: &Path) -> Result<PrivatePostgres, Broken> {
    let settings = PrivatePostgresSettings { folder: folder.to_owned(), durability: Durability::Kept };
    PrivatePostgres::start(settings).await.map_err(Broken::of)
}

fn free_address() -> Result<std::net::SocketAddr, Broken> {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(Broken::of)?;
    taken.local_addr().map_err(Broken::of)
}

/// A number of the block that rings nobody.
fn number(at: usize) -> String {
    format!("+1{}55501{:02}", 201 + at / 100, at % 100)
}

async fn admit(app: &App, operator: &Actor, number: String) -> Result<(PatientId, String), Broken> {
    let private = |text: &str| Private::new(text.to_owned());
    let new = NewPatient {
        given_name: private("Ada"),
        family_name: private("Example"),
        date_of_birth: private("1944-03-09"),
        phone: Private::new(number.clone()),
        language: "en-US".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        call_code: private("4711"),
        ..NewPatient::default()
    };
    let patient = admit_patient::admit(app, operator, new).await.map_err(Broken::of)?;
    let consent = NewConsent {
        contact: None,
        purpose: ConsentPurpose::BeCalled,
        channel: ConsentChannel::Any,
        answer: ConsentAnswer::Given,
        evidence: private("signed enrolment form (invented)"),
    };
    admit_patient::record_consent(app, operator, patient, consent).await.map_err(Broken::of)?;
    Ok((patient, number))
}

fn nurse() -> NewStaff {
    NewStaff {
        email: "nurse@example.org".to_owned(),
        full_name: "Nora Example".to_owned(),
        role: Role::Nurse,
        password: Private::new(hex::encode(rand::random::<[u8; 16]>())),
        phone: String::new(),
        duty: StaffDuty::Off,
        team: String::new(),
    }
}
