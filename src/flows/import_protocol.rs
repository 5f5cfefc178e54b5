//! Takes a protocol package in: read without a fault, examined, stored once, with its passages.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, Language, Role, Who},
        protocol::{Fault, Package, Report, check, read_package},
    },
    error::Error,
    store::{audit::record, protocols},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{LazyLock, Mutex, PoisonError},
};

pub use crate::store::protocols::{Added, Use};

use crate::store::protocols::Basis;

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The protocol.
    pub protocol: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// How many passages can be cited.
    pub passages: usize,
    /// Whether it was new.
    pub added: Added,
}

/// The most faults one answer names.
const MOST_FAULTS: usize = 50;

/// Imports a package from its files, named by their path within its folder. The same content again changes nothing.
///
/// # Errors
/// `Invalid` with file, line and rule of every fault, or with what the examination found; `Conflict` when the version
/// exists with other content; `Forbidden` for staff who are not admins.
pub async fn import(app: &App, actor: &Actor, files: BTreeMap<String, String>) -> Result<Imported, Error> {
    let basis = match actor.who {
        Who::Operator => Basis::Sample,
        Who::Careline | Who::Staff { role: Role::Admin, .. } => Basis::Draft,
        Who::Staff { role: Role::Nurse | Role::Coordinator | Role::Physician | Role::Auditor, .. }
        | Who::Carrier
        | Who::Visitor => return Err(Error::Forbidden),
    };
    // Reading and examining take a tenth of a second and more, so they leave the threads that serve requests.
    let package = tokio::task::spawn_blocking(move || examined(&files))
        .await
        .map_err(|_| Error::Fault("the examination of a protocol broke off".to_owned()))??;
    let header = &package.protocol.header;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let title = package.text(Language::English, &header.title);
    let added = protocols::add(&mut tx, &package, title, basis, now).await?;
    let sha256 = hex::encode(package.sha256);
    if let Added::New(in_use) = added {
        let deed = Deed::of(DeedKind::ImportedProtocol)
            .with("protocol", &header.id)
            .with("version", header.version)
            .with("sha256", &sha256)
            .with("passages", package.passages.len())
            .with("in_use", in_use == Use::InUse)
            .with("basis", if in_use == Use::InUse { "sample_not_signed" } else { "draft" });
        let _receipt = record(&mut tx, actor, &deed, now).await?;
    }
    tx.commit().await?;
    let (protocol, version) = (header.id.clone(), header.version.to_string());
    Ok(Imported { protocol, version, sha256, passages: package.passages.len(), added })
}

/// Contents that passed their examination in this process. It is a pure function of the content, so one pass is enough.
static PASSED: LazyLock<Mutex<BTreeSet<[u8; 32]>>> = LazyLock::new(Mutex::default);

fn examined(files: &BTreeMap<String, String>) -> Result<Package, Error> {
    let package = read_package(files).map_err(|faults| Error::Invalid(told(&faults)))?;
    if PASSED.lock().unwrap_or_else(PoisonError::into_inner).contains(&package.sha256) {
        return Ok(package);
    }
    let report = check(&package);
    if !report.has_passed() {
        return Err(Error::Invalid(failed(&report)));
    }
    PASSED.lock().unwrap_or_else(PoisonError::into_inner).insert(package.sha256);
    Ok(package)
}

fn told(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().take(MOST_FAULTS).map(Fault::to_string).collect();
    format!("The package has {} faults. Correct them and import again:\n{}", faults.len(), lines.join("\n"))
}

fn failed(report: &Report) -> String {
    let found: Vec<&str> = [
        &report.failed,
        &report.not_covered,
        &report.gaps,
        &report.not_monotone,
        &report.missing_read_as_no,
        &report.universal_weakened,
        &report.too_long,
        &report.survivors,
    ]
    .into_iter()
    .flatten()
    .take(MOST_FAULTS)
    .map(String::as_str)
    .collect();
    format!("{} did not pass its examination:\n{}", report.protocol, found.join("\n"))
}
