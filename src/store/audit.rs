//! The record: entries written in the transaction of the deed, receipts that open charts.

use super::OrgTx;
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        ids::PatientId,
        people::{Actor, Who},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Proof that a deed was recorded in this transaction.
#[derive(Debug)]
#[must_use = "a deed without its entry never happened"]
pub struct Receipt {
    _sealed: (),
}

/// Proof that reading one patient's chart was recorded in this transaction. No chart opens without it.
#[derive(Debug)]
pub struct ChartReceipt {
    patient: PatientId,
}

impl ChartReceipt {
    /// Whose chart it opens.
    #[must_use]
    pub const fn patient(&self) -> PatientId {
        self.patient
    }
}

/// Records a deed. If the entry cannot be written, the caller's transaction must not commit.
///
/// # Errors
/// When the database refuses the entry.
pub async fn record(tx: &mut OrgTx, actor: &Actor, deed: &Deed, at: DateTime<Utc>) -> Result<Receipt, Error> {
    let (kind, id, role) = match actor.who {
        Who::Staff { id, role } => ("staff", Some(id.0), Some(role.word())),
        Who::Careline => ("careline", None, None),
        Who::Carrier => ("carrier", None, None),
        Who::Operator => ("operator", None, None),
        Who::Visitor => ("visitor", None, None),
    };
    let detail = serde_json::to_value(&deed.detail).map_err(|error| Error::Fault(error.to_string()))?;
    let org = tx.org();
    sqlx::query!(
        "insert into audit_entry (org_id, actor_kind, actor_id, actor_role, deed, patient_id, subject, detail, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        org.0,
        kind,
        id,
        role,
        deed.kind.word(),
        deed.patient.map(|patient| patient.0),
        deed.subject,
        detail,
        at
    )
    .execute(tx.connection())
    .await?;
    Ok(Receipt { _sealed: () })
}

/// Records that a chart is read, and hands out what opens it. `why` is a deed that reads: `OpenedChart`, `OpenedCall`,
/// `AskedQuestion`, a dial.
///
/// # Errors
/// When the database refuses the entry.
pub async fn open_chart(
    tx: &mut OrgTx,
    actor: &Actor,
    patient: PatientId,
    why: DeedKind,
    at: DateTime<Utc>,
) -> Result<ChartReceipt, Error> {
    let _receipt: Receipt = record(tx, actor, &Deed::of(why).patient(patient), at).await?;
    Ok(ChartReceipt { patient })
}
