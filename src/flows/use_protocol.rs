//! Puts a version of a protocol into use: an admin submits it, two clinical leads sign its exact content, the admin
//! activates it. A changed package is another content and needs signatures of its own.

pub use crate::store::protocols::VersionLine;

use crate::{
    app::App,
    domain::{
        approval::{ApprovalKind, ApprovalState, Right},
        audit::{Deed, DeedKind},
        ids::ApprovalId,
        job::Job,
        notice::Notice,
        people::{Actor, Role, Who},
        protocol::model::Status,
    },
    error::Error,
    store::{
        OrgTx,
        approvals::{self, Asked, Request, Which},
        audit::record,
        jobs, protocols, rights,
    },
};
use std::collections::BTreeMap;

/// One version with where its signatures stand.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The version.
    pub version: VersionLine,
    /// The newest request for this very content.
    pub request: Option<Request>,
    /// Whether it waits for the reader's signature.
    pub waits_for_me: bool,
}

impl Listed {
    /// Whether two clinical leads have signed this very content.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.request
            .as_ref()
            .is_some_and(|request| matches!(request.state, ApprovalState::Granted | ApprovalState::Used))
    }
}

/// Every version there is, by protocol, newest first. Protocols are no patient's.
///
/// # Errors
/// When the database is away.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Listed>, Error> {
    let Who::Staff { id: me, role, .. } = actor.who else { return Err(Error::Forbidden) };
    let mut tx = app.db.begin(actor).await?;
    let versions = protocols::versions(&mut tx).await?;
    let requests = approvals::read(&mut tx, Which::Kind(ApprovalKind::ProtocolUse)).await?;
    let leads = rights::leads(&mut tx).await?.contains(&me);
    tx.commit().await?;
    let right = leads.then_some(Right::ClinicalLead);
    Ok(versions
        .into_iter()
        .map(|version| {
            let request = requests.iter().find(|request| is_about(request, &version)).cloned();
            let waits_for_me = request.as_ref().is_some_and(|request| {
                request.state == ApprovalState::Open
                    && request.asked.asked_by != me
                    && ApprovalKind::ProtocolUse.may_be_answered_by(role, right)
                    && request.approved.iter().all(|(by, _)| *by != me)
            });
            Listed { version, request, waits_for_me }
        })
        .collect())
}

fn is_about(request: &Request, version: &VersionLine) -> bool {
    let named = request.asked.protocol.as_ref();
    named.is_some_and(|(protocol, number)| *protocol == version.protocol && *number == version.version)
        && request.asked.sha256 == version.sha256
}

/// The files of one version, as whoever signs it reads them.
///
/// # Errors
/// `NotFound` when there is no such version.
pub async fn read(
    app: &App,
    actor: &Actor,
    protocol: &str,
    version: &str,
) -> Result<(Listed, BTreeMap<String, String>), Error> {
    let mut tx = app.db.begin(actor).await?;
    let package = protocols::package(&mut tx, protocol, version).await?;
    tx.commit().await?;
    let all = list(app, actor).await?;
    let listed = all.into_iter().find(|one| one.version.protocol == protocol && one.version.version == version);
    Ok((listed.ok_or(Error::NotFound)?, package.files.clone()))
}

/// Submits a version to the clinical leads.
///
/// # Errors
/// `Forbidden` unless an admin; `NotFound` when there is no such version; `Conflict` when it waits already, is in use and
/// signed, or retired.
pub async fn submit(app: &App, actor: &Actor, protocol: &str, version: &str) -> Result<ApprovalId, Error> {
    let by = actor.staff_among(&[Role::Admin]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    // Reading the package again proves that what is stored has the content its hash says.
    let package = protocols::package(&mut tx, protocol, version).await?;
    if package.protocol.header.status == Status::Retired {
        return Err(Error::Conflict("This version is retired by its own package; submit another.".to_owned()));
    }
    let asked = Asked {
        id: ApprovalId::at(now),
        kind: ApprovalKind::ProtocolUse,
        staff: None,
        protocol: Some((protocol.to_owned(), version.to_owned())),
        sha256: package.sha256.to_vec(),
        asked_by: by,
    };
    let before = approvals::read(&mut tx, Which::Kind(ApprovalKind::ProtocolUse)).await?;
    if before.iter().any(|one| one.asked.sha256 == asked.sha256 && one.state == ApprovalState::Used) {
        return Err(Error::Conflict(
            "This very content is signed already; activate it, or submit a newer one.".to_owned(),
        ));
    }
    let deed = Deed::of(DeedKind::AskedApproval)
        .subject(asked.id.0)
        .with("kind", asked.kind.word())
        .with("protocol", protocol)
        .with("version", version)
        .with("sha256", hex::encode(&asked.sha256));
    let receipt = record(&mut tx, actor, &deed, now).await?;
    approvals::ask(&mut tx, &receipt, &asked, now).await?;
    for staff in rights::leads(&mut tx).await? {
        let letter = Job::SendNotice { staff, notice: Notice::ApprovalWanted };
        jobs::enqueue(&mut tx, &letter, &asked.id.to_string(), now, now).await?;
    }
    tx.commit().await?;
    Ok(asked.id)
}

/// Puts a signed version into use. Assessments under way stay with the version they began with.
///
/// # Errors
/// `Forbidden` unless an admin; `Conflict` when two clinical leads have not signed exactly this content.
pub async fn activate(app: &App, actor: &Actor, protocol: &str, version: &str) -> Result<(), Error> {
    let _by = actor.staff_among(&[Role::Admin]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let package = protocols::package(&mut tx, protocol, version).await?;
    let request = signed(&mut tx, protocol, version, &package.sha256).await?;
    let deed = Deed::of(DeedKind::ActivatedProtocol)
        .subject(request.asked.id.0)
        .with("protocol", protocol)
        .with("version", version)
        .with("sha256", hex::encode(package.sha256))
        .with("signatures", request.approved.len());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    protocols::put_in_use(&mut tx, &receipt, protocol, version).await?;
    approvals::settle(&mut tx, request.asked.id, ApprovalState::Used, now).await?;
    tx.commit().await
}

/// The request that two clinical leads have signed for exactly this content; used ones serve again when an older version
/// comes back.
async fn signed(tx: &mut OrgTx, protocol: &str, version: &str, sha256: &[u8]) -> Result<Request, Error> {
    let requests = approvals::read(tx, Which::Kind(ApprovalKind::ProtocolUse)).await?;
    let needed = ApprovalKind::ProtocolUse.signatures();
    let named = (protocol.to_owned(), version.to_owned());
    let mut fitting = requests.into_iter().filter(|request| {
        request.asked.protocol.as_ref() == Some(&named)
            && request.asked.sha256 == sha256
            && matches!(request.state, ApprovalState::Granted | ApprovalState::Used)
            && request.approved.len() >= needed
    });
    fitting.next().ok_or_else(|| {
        Error::Conflict("Two clinical leads must sign exactly this content first; submit it to them.".to_owned())
    })
}
