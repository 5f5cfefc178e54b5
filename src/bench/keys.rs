//! Promise P21: a newer key takes over everything while files are read and the process that wraps anew is killed again and
//! again; no reading fails, and the retired key opens nothing afterwards.

use super::{Broken, ground::Ground, machine};
use crate::{
    adapters::{key_file::KeyFile, private_postgres::Durability},
    app::App,
    boot,
    config::KeysConfig,
    domain::audit::DeedKind,
    domain::{
        document::MediaType,
        file_format::{FileKind, FilePlace},
        ids::{FileId, PatientId, StaffId},
        people::{Actor, Role},
        private::Private,
        sealed::Sealed,
    },
    flows::{
        add_staff::{self, Duty, NewStaff},
        admit_patient::{self, NewPatient},
        found_organization::{self, NewOrganization},
        rewrap_secrets,
    },
    store::{audit, files},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::process::Command;

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// How many values are sealed.
    #[arg(long, default_value_t = 20_000)]
    values: usize,
    /// How many readings must succeed at least.
    #[arg(long, default_value_t = 10_000)]
    reads: u64,
    /// How often the process that wraps anew is killed.
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Repeats the choice of files and moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What a rotation under load runs on.
pub struct Stage {
    /// The application that reads, over the key file.
    pub app: Arc<App>,
    /// The key file.
    pub keys: PathBuf,
    /// The program whose `keys` subcommands are run.
    pub program: PathBuf,
    /// Settings of that program.
    pub environment: Vec<(String, String)>,
    /// Who looks after the organization.
    pub operator: Actor,
    /// Whose files they are.
    pub patient: PatientId,
    /// Their names.
    pub files: Vec<FileId>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Files opened during it.
    pub reads: u64,
    /// Files that did not open.
    pub failed: u64,
    /// Processes killed while they wrapped.
    pub killed: u32,
    /// Rotations that were completed.
    pub rotations: u32,
    /// Values wrapped anew per second by one undisturbed process.
    pub values_per_second: u64,
}

/// Rotates under load on a database of its own.
///
/// # Errors
/// When a reading failed, or a retired key still opens something, or it is slower than 2,000 values a second.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let ground = Ground::open(Durability::Kept).await?;
    let done = on(&ground, args).await;
    ground.leave().await;
    let counted = done?;
    let says = format!(
        "keys, {} values, seed {} ({})\n  {} readings, {} failed; {} processes killed over {} rotations; {} values/s \
         wrapped anew; the retired key opens nothing\n",
        args.values,
        args.seed,
        machine(),
        counted.reads,
        counted.failed,
        counted.killed,
        counted.rotations,
        counted.values_per_second
    );
    if counted.failed > 0 || counted.values_per_second < 2_000 { Err(Broken(says)) } else { Ok(says) }
}

async fn on(ground: &Ground, args: &Args) -> Result<Counted, Broken> {
    let stage = stand(ground, std::env::current_exe().map_err(Broken::of)?, args.values).await?;
    rotate_under_load(&stage, args.reads, args.kills, args.seed).await
}

/// Puts an application with so many sealed values on the ground, over a key file.
///
/// # Errors
/// When something of it does not start.
pub async fn stand(ground: &Ground, program: PathBuf, values: usize) -> Result<Stage, Broken> {
    let keys = ground.folder().join("keys.json");
    write_private(&keys, &KeyFile::fresh()).map_err(Broken::of)?;
    let mut config = ground.config(&Private::default(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    config.outside.keys = KeysConfig::File(keys.clone());
    let database = boot::database(&config.database).await.map_err(Broken::of)?;
    let environment = vec![
        ("DATABASE_URL".to_owned(), ground.cluster().app_url().into_revealed()),
        ("CARELINE_DATA".to_owned(), ground.folder().display().to_string()),
    ];
    let app = boot::app(&config, &database).await.map_err(Broken::of)?;
    seed(app, keys, program, environment, values).await
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &Private<String>) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.reveal().as_bytes())
}

/// Founds an organization with a patient who has so many files.
async fn seed(
    app: Arc<App>,
    keys: PathBuf,
    program: PathBuf,
    environment: Vec<(String, String)>,
    values: usize,
) -> Result<Stage, Broken> {
    let operator = found_organization::found(&app, organization()).await.map_err(Broken::of)?;
    let nurse = add_staff::add(&app, &operator, nurse()).await.map_err(Broken::of)?;
    let patient = admit_patient::admit(&app, &operator, patient()).await.map_err(Broken::of)?;
    let mut files = Vec::with_capacity(values);
    while files.len() < values {
        let now = app.clock.now();
        let mut tx = app.db.begin(&operator).await.map_err(Broken::of)?;
        let receipt =
            audit::open_chart(&mut tx, &operator, patient, DeedKind::KeptDocument, now).await.map_err(Broken::of)?;
        for _ in 0..500.min(values - files.len()) {
            let place = FilePlace { org: operator.org, patient, file: FileId::at(now), kind: FileKind::Document };
            let (_, header) = app.vault.begin_file(place).await.map_err(Broken::of)?;
            keep(&mut tx, &receipt, place, &header, nurse).await?;
            files.push(place.file);
        }
        tx.commit().await.map_err(Broken::of)?;
    }
    Ok(Stage { app, keys, program, environment, operator, patient, files })
}

async fn keep(
    tx: &mut crate::store::OrgTx,
    receipt: &audit::ChartReceipt,
    place: FilePlace,
    header: &Sealed,
    by: StaffId,
) -> Result<(), Broken> {
    let name = Private::new("form.pdf".to_owned());
    let new = files::NewFile { place, name: &name, media_type: MediaType::Pdf, bytes: 0, header, by };
    files::keep(tx, receipt, &new, chrono::DateTime::UNIX_EPOCH).await.map_err(Broken::of)
}

/// Rotates, kills, reads; then retires every older key and looks whether any of them still opens something.
///
/// # Errors
/// When the program does something else than asked, or a retired key still opens a file.
pub async fn rotate_under_load(stage: &Stage, reads: u64, kills: u32, seed: u64) -> Result<Counted, Broken> {
    let before = header(stage, 0).await?;
    let stop = AtomicBool::new(false);
    let (good, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let load = async {
        let mut dice = StdRng::seed_from_u64(seed);
        while !stop.load(Ordering::Relaxed) || good.load(Ordering::Relaxed) + failed.load(Ordering::Relaxed) < reads {
            let opened = opens(stage, dice.random_range(0..stage.files.len())).await;
            if opened { &good } else { &failed }.fetch_add(1, Ordering::Relaxed);
        }
    };
    let rotation = async {
        let done = kill_and_rotate(stage, kills, seed).await;
        stop.store(true, Ordering::Relaxed);
        done
    };
    let ((), done) = tokio::join!(load, rotation);
    let mut counted = done?;
    (counted.reads, counted.failed) = (good.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    if stage.app.vault.open_file(place(stage, 0), &before).await.is_ok() {
        return Err(Broken("a retired key still opens what it wrapped".to_owned()));
    }
    Ok(counted)
}

/// How many of the files open now; the detector of what a key lost.
pub async fn unreadable(stage: &Stage) -> usize {
    let mut lost = 0;
    for at in 0..stage.files.len() {
        lost += usize::from(!opens(stage, at).await);
    }
    lost
}

async fn opens(stage: &Stage, at: usize) -> bool {
    match header(stage, at).await {
        Ok(header) => stage.app.vault.open_file(place(stage, at), &header).await.is_ok(),
        Err(_) => false,
    }
}

async fn header(stage: &Stage, at: usize) -> Result<Sealed, Broken> {
    let app = &stage.app;
    let file = stage.files.get(at).copied().ok_or_else(|| Broken("there is no such file".to_owned()))?;
    let mut tx = app.db.begin(&stage.operator).await.map_err(Broken::of)?;
    // It is the reading that is tried here, not the record of it: nothing is committed.
    let receipt = audit::open_chart(&mut tx, &stage.operator, stage.patient, DeedKind::ReadDocument, app.clock.now())
        .await
        .map_err(Broken::of)?;
    Ok(files::one(&mut tx, &receipt, file).await.map_err(Broken::of)?.header)
}

fn place(stage: &Stage, at: usize) -> FilePlace {
    let file = stage.files.get(at).copied().unwrap_or(FileId(uuid::Uuid::nil()));
    FilePlace { org: stage.operator.org, patient: stage.patient, file, kind: FileKind::Document }
}

async fn kill_and_rotate(stage: &Stage, kills: u32, seed: u64) -> Result<Counted, Broken> {
    let mut dice = StdRng::seed_from_u64(seed + 1);
    let mut counted = Counted::default();
    let mut whole = Duration::from_millis(300);
    say_yes(stage, &["keys", "rotate", &path(stage)]).await?;
    counted.rotations = 1;
    while counted.killed < kills {
        let began = Instant::now();
        let mut child = program(stage, &["keys", "rewrap"]).spawn().map_err(Broken::of)?;
        let moment = whole.mul_f64(dice.random_range(0.0..1.1));
        match tokio::time::timeout(moment, child.wait()).await {
            Err(_) => {
                child.kill().await.map_err(Broken::of)?;
                counted.killed += 1;
            }
            Ok(ended) => {
                if !ended.map_err(Broken::of)?.success() {
                    return Err(Broken("`careline keys rewrap` failed".to_owned()));
                }
                whole = began.elapsed();
                say_yes(stage, &["keys", "rotate", &path(stage)]).await?;
                counted.rotations += 1;
            }
        }
    }
    say_yes(stage, &["keys", "rewrap"]).await?;
    counted.values_per_second = speed(stage).await?;
    counted.rotations += 1;
    for number in 1..=counted.rotations {
        say_yes(stage, &["keys", "retire", &path(stage), &format!("w{number}"), "--nothing-runs"]).await?;
    }
    Ok(counted)
}

/// One undisturbed turn, in this process, so that the start of a program is not measured.
async fn speed(stage: &Stage) -> Result<u64, Broken> {
    say_yes(stage, &["keys", "rotate", &path(stage)]).await?;
    let began = Instant::now();
    let done = rewrap_secrets::rewrap(&stage.app, &stage.operator).await.map_err(Broken::of)?;
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
    Ok(done.saturating_mul(1_000_000) / micros)
}

fn path(stage: &Stage) -> String {
    stage.keys.display().to_string()
}

fn program(stage: &Stage, words: &[&str]) -> Command {
    let mut command = Command::new(&stage.program);
    command
        .args(words)
        .env_clear()
        .envs(stage.environment.iter().cloned())
        .env("CARELINE_KEYS", &stage.keys)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Runs a subcommand that must succeed.
///
/// # Errors
/// With what it said when it did not.
pub async fn say_yes(stage: &Stage, words: &[&str]) -> Result<(), Broken> {
    let output = program(stage, words).output().await.map_err(Broken::of)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Broken(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr))))
}

fn organization() -> NewOrganization {
    NewOrganization {
        code: "harbor".to_owned(),
        name: "Harbor".to_owned(),
        country: "US".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        caller_number: "+12125550100".to_owned(),
    }
}

fn nurse() -> NewStaff {
    NewStaff {
        email: "nurse@example.org".to_owned(),
        full_name: "Nora Example".to_owned(),
        role: Role::Nurse,
        password: Private::new(hex::encode(rand::random::<[u8; 16]>())),
        phone: String::new(),
        duty: Duty::Off,
        team: String::new(),
    }
}

fn patient() -> NewPatient {
    NewPatient {
        given_name: "Ada".into(),
        family_name: "Example".into(),
        date_of_birth: "1944-03-09".into(),
        phone: "(212) 555-0123".into(),
        language: "en-US".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        call_code: "4711".into(),
        ..NewPatient::default()
    }
}
