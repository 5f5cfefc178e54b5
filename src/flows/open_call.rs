//! Opens one call: the brief, where the legs and streams stand, what was lost and what was said.

pub use crate::store::{
    brief::{Brief, LastAssessment, Owed},
    call_page::{CallHead, PageGap, PageLeg, StreamState},
    check_ins::{CheckInSeen, Pressed},
    recordings::Layout,
    retention::{Hold, Standing},
    reviews::Review,
    summaries::Draft,
    transcripts::{PageCorrection, PageUtterance},
};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::CallId,
        people::Actor,
        protocol::Package,
        reach::UrgentAccess,
    },
    error::Error,
    store::{
        OrgTx, assessments, audit, brief, call_page, check_ins, protocols, recordings, retention, reviews, summaries,
        teams, transcripts, worklist,
    },
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::sync::Arc;

/// The recording of a call: its chunks without their audio, and where it stands.
#[derive(Clone)]
pub struct RecordingSeen {
    /// Its chunks; `None` when it was erased.
    pub layout: Option<Layout>,
    /// Whether it was erased, and who holds it.
    pub standing: Standing,
}

/// Everything the page of a call shows besides its assessment and its guidance.
#[derive(Clone)]
pub struct CallPage {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// The organization's zone; every time is shown in it.
    pub zone: Tz,
    /// The call.
    pub head: CallHead,
    /// The patient.
    pub brief: Brief,
    /// Who is or was in the conference.
    pub legs: Vec<PageLeg>,
    /// Audio that never reached us.
    pub gaps: Vec<PageGap>,
    /// What was said.
    pub utterances: Vec<PageUtterance>,
    /// Its recording, if there ever was one; none while people talk, when it cannot be played and the page is read often.
    pub recording: Option<RecordingSeen>,
    /// The draft of what was said, or the signed summary; none while people talk.
    pub summary: Option<Draft>,
    /// Whether an assessment was begun.
    pub begun: bool,
    /// Reviews of its assessment, once that is signed.
    pub reviews: Option<Vec<Review>>,
    /// The check-in by keypad, if the call is one and it has begun, with the protocol it asks.
    pub check_in: Option<(CheckInSeen, Arc<Package>)>,
    /// The urgent access by which the reader is here.
    pub urgent: Option<UrgentAccess>,
}

/// Reads the call and opens the chart of its patient.
///
/// # Errors
/// `NotFound` when there is no such call in this organization.
pub async fn open(app: &App, actor: &Actor, call: CallId) -> Result<CallPage, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, call).await?;
    let why = Deed::of(DeedKind::OpenedCall).subject(call.0);
    let receipt = audit::open_chart_for(&mut tx, actor, head.patient, why, now).await?;
    let zone = worklist::zone(&mut tx).await?;
    let brief = brief::brief(&mut tx, &receipt, call).await?;
    let legs = call_page::legs(&mut tx, call).await?;
    let gaps = call_page::gaps(&mut tx, &receipt, call).await?;
    let utterances = transcripts::of_call(&mut tx, &receipt, call).await?;
    let recording = if head.state.is_over() { recording(&mut tx, &receipt, call).await? } else { None };
    let over = head.state.is_over();
    let summary = if over { summaries::of_call(&mut tx, &receipt, call).await? } else { None };
    let begun = call_page::begun(&mut tx, call).await?;
    let check_in = match check_ins::of_call(&mut tx, &receipt, call).await? {
        Some(seen) => {
            let (protocol, version) = assessments::pinned(&mut tx, call).await?;
            Some((seen, protocols::package(&mut tx, &protocol, &version).await?))
        }
        None => None,
    };
    let reviews = match reviews::signed_of(&mut tx, &receipt, call).await? {
        Some(_) => Some(reviews::of_call(&mut tx, &receipt, call).await?),
        None => None,
    };
    tx.commit().await?;
    let urgent = receipt.reach().urgent();
    Ok(CallPage {
        now,
        zone,
        head,
        brief,
        legs,
        gaps,
        utterances,
        recording,
        summary,
        begun,
        reviews,
        check_in,
        urgent,
    })
}

async fn recording(
    tx: &mut OrgTx,
    receipt: &audit::ChartReceipt,
    call: CallId,
) -> Result<Option<RecordingSeen>, Error> {
    let Some(standing) = retention::standing(tx, receipt, call).await? else { return Ok(None) };
    Ok(Some(RecordingSeen { layout: recordings::layout(tx, receipt, call).await?, standing }))
}

/// Whether a call exists for the actor, who still reaches its patient; for a live socket, which reads nothing else.
///
/// # Errors
/// `NotFound` when there is no such call, or its patient is out of reach.
pub async fn exists(app: &App, actor: &Actor, call: CallId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, call).await?;
    let _reached = teams::reach(&mut tx, actor, head.patient, app.clock.now()).await?;
    tx.commit().await
}
