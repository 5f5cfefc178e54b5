//! A coordinator reviews signed assessments of the teams they serve. A review stands beside the assessment and changes
//! nothing in it.

pub use crate::{
    domain::reach::ReviewFinding,
    store::reviews::{Review, Waiting},
};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::CallId,
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
    live::LiveEvent,
    store::{
        audit::{open_chart, record},
        calls, reviews,
    },
};

/// Most characters of a remark.
const LONGEST: usize = 1000;

/// Signed assessments that nobody has reviewed, of the teams the coordinator serves.
///
/// # Errors
/// `Forbidden` unless a coordinator.
pub async fn queue(app: &App, actor: &Actor) -> Result<Vec<Waiting>, Error> {
    let _entitled = actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::ListedReviews), app.clock.now()).await?;
    let waiting = reviews::waiting(&mut tx, &receipt).await?;
    tx.commit().await?;
    Ok(waiting)
}

/// Records a review of a call's signed assessment. The same coordinator's second one counts once.
///
/// # Errors
/// `Forbidden` unless a coordinator; `Conflict` while it is a draft; `Invalid` without words where they are needed.
pub async fn review(
    app: &App,
    actor: &Actor,
    call: CallId,
    finding: ReviewFinding,
    remark: Private<String>,
) -> Result<(), Error> {
    let _entitled = actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    let by = actor.staff_id().ok_or(Error::Forbidden)?;
    let remark = Private::new(remark.reveal().trim().to_owned());
    if remark.reveal().chars().count() > LONGEST {
        return Err(Error::Invalid(format!("remark: write at most {LONGEST} characters")));
    }
    if finding == ReviewFinding::TalkAboutIt && remark.reveal().is_empty() {
        return Err(Error::Invalid("remark: say in a sentence what to talk about".to_owned()));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let patient = calls::patient_of(&mut tx, call).await?;
    let chart = open_chart(&mut tx, actor, patient, DeedKind::OpenedAssessment, now).await?;
    chart.may_change()?;
    let signed = reviews::signed_of(&mut tx, &chart, call).await?;
    let assessment =
        signed.ok_or_else(|| Error::Conflict("There is no signed assessment on this call yet.".to_owned()))?;
    if reviews::add(&mut tx, &chart, assessment, by, finding, &remark, now).await? {
        let deed = Deed::of(DeedKind::ReviewedAssessment)
            .patient(patient)
            .subject(assessment.0)
            .with("call", call)
            .with("finding", finding.word());
        let _receipt = record(&mut tx, actor, &deed, now).await?;
    }
    tx.commit().await?;
    app.live.publish(actor.org, call, LiveEvent::AssessmentMoved);
    Ok(())
}
