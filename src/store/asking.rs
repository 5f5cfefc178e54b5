//! A machine that asks a protocol's questions, by voice or by text: the package a call's assessment is pinned to, where its
//! dialogue stands, and an answer stored and evaluated as a nurse's is. Used wherever keys and replies arrive.

use super::{
    OrgTx, assessments,
    audit::{ChartReceipt, open_chart_for},
    check_ins, protocols, standing,
};
use crate::{
    domain::{
        assessment::Assessment,
        audit::{Deed, DeedKind},
        call::Call,
        check_in::{Dialogue, Sheet, Spoken, level},
        contact_hours::Channel,
        ids::{CallId, TextId},
        people::{Actor, Language},
        protocol::{Inputs, Package, evaluate},
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// What is needed to ask: the package the assessment is pinned to, its questions, and the house's own words.
pub struct Asking {
    /// For which the chart was opened.
    pub receipt: ChartReceipt,
    /// The draft that the answers go into.
    pub assessment: Assessment,
    /// The protocol.
    pub package: Arc<Package>,
    /// What is asked, in order.
    pub sheet: Sheet,
    /// Where the dialogue stands.
    pub dialogue: Dialogue,
    /// The language.
    pub language: Language,
    house: (String, String),
}

impl Asking {
    /// The words of the package for this organization.
    #[must_use]
    pub fn spoken(&self) -> Spoken<'_> {
        Spoken {
            package: &self.package,
            language: self.language,
            organization: &self.house.0,
            emergency_number: &self.house.1,
        }
    }

    /// The rule that ended the questions, if one did.
    #[must_use]
    pub fn red_flag(&self) -> Option<String> {
        self.assessment.evaluation.red_flags().next().map(|fired| fired.rule.clone())
    }
}

/// Begins the check-in of a call: its assessment is pinned to the version in use. `false` when that cannot be asked by a
/// machine this way any more.
///
/// # Errors
/// When the database is away.
pub async fn pin(tx: &mut OrgTx, call: &Call, channel: Channel, now: DateTime<Utc>) -> Result<bool, Error> {
    let Some(pinned) = protocols::in_use(tx, &call.protocol).await? else { return Ok(false) };
    let package = protocols::package(tx, &call.protocol, &pinned.version).await?;
    if Sheet::by(&package, channel).is_err() {
        return Ok(false);
    }
    let evaluation = evaluate(&package.protocol, &Inputs::default());
    assessments::begin(tx, call.id, call.patient, &pinned, &evaluation, now).await?;
    check_ins::begin(tx, call.id, call.patient, (channel, level(&evaluation)), now).await?;
    Ok(true)
}

/// Opens the check-in of a locked call; `heard` is why, a code.
///
/// # Errors
/// `NotFound` when none was begun; otherwise when the database is away.
pub async fn open(
    tx: &mut OrgTx,
    actor: &Actor,
    call: &Call,
    heard: &'static str,
    now: DateTime<Utc>,
) -> Result<Asking, Error> {
    let why = Deed::of(DeedKind::HeardCheckIn).subject(call.id.0).with("heard", heard);
    let receipt = open_chart_for(tx, actor, call.patient, why, now).await?;
    let assessment = assessments::lock(tx, &receipt, call.id).await?.ok_or(Error::NotFound)?;
    let package = protocols::package(tx, &assessment.protocol, &assessment.version).await?;
    let sheet = Sheet::by(&package, call.manner.channel()).map_err(|why| Error::Fault(why.to_string()))?;
    Ok(Asking {
        receipt,
        assessment,
        package,
        sheet,
        dialogue: check_ins::dialogue(tx, call.id).await?,
        house: check_ins::house(tx).await?,
        language: standing::language(tx, call.patient).await?,
    })
}

/// Stores an answer and what the protocol makes of it; `text` is the text it was read from, if it came by one.
///
/// # Errors
/// When the database is away.
pub async fn keep(
    tx: &mut OrgTx,
    asking: &mut Asking,
    call: CallId,
    (question, code): (&str, &str),
    text: Option<TextId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let protocol = &asking.package.protocol;
    let answer = protocol.read_answer(question, code).map_err(|fault| Error::Fault(fault.message))?;
    check_ins::answered(tx, &asking.receipt, call, (question, code), text, now).await?;
    asking.assessment.inputs.answers.insert(question.to_owned(), answer);
    asking.assessment.evaluation = evaluate(protocol, &asking.assessment.inputs);
    asking.assessment.revision = asking.assessment.revision.saturating_add(1);
    assessments::save(tx, &asking.assessment, now).await
}

/// Stores where the dialogue stands and how urgent the answers so far are.
///
/// # Errors
/// When the database is away.
pub async fn save(tx: &mut OrgTx, asking: &Asking, call: CallId) -> Result<(), Error> {
    check_ins::save(tx, call, &asking.dialogue, level(&asking.assessment.evaluation)).await
}
