//! The record: entries written in the transaction of the deed, receipts that open charts.

use super::{OrgTx, marks::next_number, teams};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        entry::{ChainedEntry, NONCE},
        ids::{PatientId, StaffId},
        people::{Actor, Who},
        reach::Reach,
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

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
    reach: Reach,
    entry: Receipt,
}

impl ChartReceipt {
    /// Whose chart it opens.
    #[must_use]
    pub const fn patient(&self) -> PatientId {
        self.patient
    }

    /// The receipt of its own entry, for what asks for any.
    #[must_use = "a deed without its entry never happened"]
    pub const fn entry(&self) -> &Receipt {
        &self.entry
    }

    /// How the reader reaches the patient.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// Asked before a chart is changed: urgent access reads and calls, nothing else.
    ///
    /// # Errors
    /// `Forbidden` under urgent access.
    pub const fn may_change(&self) -> Result<(), Error> {
        match self.reach {
            Reach::Everyone | Reach::Team => Ok(()),
            Reach::Urgent(_) => Err(Error::Forbidden),
        }
    }
}

/// Records a deed. If the entry cannot be written, the caller's transaction must not commit.
///
/// # Errors
/// When the database refuses the entry.
pub async fn record(tx: &mut OrgTx, actor: &Actor, deed: &Deed, at: DateTime<Utc>) -> Result<Receipt, Error> {
    let (kind, id, role) = match actor.who {
        Who::Staff { id, role, .. } => ("staff", Some(id.0), Some(role.word())),
        Who::Careline => ("careline", None, None),
        Who::Carrier => ("carrier", None, None),
        Who::Operator => ("operator", None, None),
        Who::Visitor => ("visitor", None, None),
    };
    let mut detail: BTreeMap<String, String> =
        deed.detail.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    if let Who::Staff { token: Some(token), .. } = actor.who {
        detail.insert("token".to_owned(), token.to_string());
    }
    let number = next_number(tx).await?;
    let entry = ChainedEntry {
        id: number,
        actor_kind: kind.to_owned(),
        actor_id: id,
        actor_role: role.map(str::to_owned),
        deed: deed.kind.word().to_owned(),
        patient: deed.patient.map(|patient| patient.0),
        subject: deed.subject,
        detail,
        at_micros: at.timestamp_micros(),
        xid: 0,
        mark: None,
    };
    let org = tx.org();
    let nonce: [u8; NONCE] = rand::random();
    let mark = tx.key.mark(org, &entry, &nonce);
    let key = tx.key.name().to_owned();
    let detail = serde_json::to_value(&entry.detail).map_err(|error| Error::Fault(error.to_string()))?;
    sqlx::query!(
        "insert into audit_entry
                (org_id, id, actor_kind, actor_id, actor_role, deed, patient_id, subject, detail, at, mark_key, nonce, mark)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        org.0,
        entry.id,
        entry.actor_kind,
        entry.actor_id,
        entry.actor_role,
        entry.deed,
        entry.patient,
        entry.subject,
        detail,
        at,
        key,
        nonce.as_slice(),
        mark
    )
    .execute(tx.connection())
    .await?;
    Ok(Receipt { _sealed: () })
}

/// Records that a chart is read, and hands out what opens it. `why` is a deed that reads: `OpenedChart`, `OpenedCall`,
/// `AskedQuestion`, a dial.
///
/// # Errors
/// `NotFound` for a patient the actor does not reach; otherwise when the database refuses the entry.
pub async fn open_chart(
    tx: &mut OrgTx,
    actor: &Actor,
    patient: PatientId,
    why: DeedKind,
    at: DateTime<Utc>,
) -> Result<ChartReceipt, Error> {
    open_chart_for(tx, actor, patient, Deed::of(why), at).await
}

/// As `open_chart`, for a deed that says what it is about: a call, an assessment.
///
/// # Errors
/// As `open_chart`.
pub async fn open_chart_for(
    tx: &mut OrgTx,
    actor: &Actor,
    patient: PatientId,
    why: Deed,
    at: DateTime<Utc>,
) -> Result<ChartReceipt, Error> {
    let reach = teams::reach(tx, actor, patient, at).await?;
    let mut deed = why.patient(patient);
    if let Some(urgent) = reach.urgent() {
        deed = deed.with("break_glass", urgent.id);
    }
    let entry = record(tx, actor, &deed, at).await?;
    Ok(ChartReceipt { patient, reach, entry })
}

/// What is looked for in the record; an absent field is "any".
#[derive(Clone, Debug, Default)]
pub struct RecordQuery {
    /// The kind of deed.
    pub deed: Option<DeedKind>,
    /// The patient it touched.
    pub patient: Option<PatientId>,
    /// The staff member who did it.
    pub staff: Option<StaffId>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

/// One entry of the record as a reader sees it: ids, codes and counts, and the names of staff.
#[derive(Clone, Debug)]
pub struct RecordLine {
    /// The entry's number.
    pub id: i64,
    /// Its place in the chain; `None` until the sequencer has been there.
    pub seq: Option<i64>,
    /// When.
    pub at: DateTime<Utc>,
    /// The deed; `None` for a word this version does not know.
    pub deed: Option<DeedKind>,
    /// The deed's word as stored.
    pub deed_word: String,
    /// `staff`, `careline`, `carrier`, `operator` or `visitor`.
    pub actor_kind: String,
    /// The staff member's name, if one acted.
    pub staff_name: Option<String>,
    /// Their role when they acted.
    pub actor_role: Option<String>,
    /// The patient it touched.
    pub patient: Option<PatientId>,
    /// The row it was about.
    pub subject: Option<Uuid>,
    /// Codes and counts, by name.
    pub detail: BTreeMap<String, String>,
}

/// Searches the record, newest first. The receipt is the one of the search itself.
///
/// # Errors
/// When the database is away.
pub async fn search(
    tx: &mut OrgTx,
    _: &Receipt,
    query: &RecordQuery,
    most: i64,
    skip: i64,
) -> Result<Vec<RecordLine>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select e.id, c.seq as "seq?", e.at, e.deed, e.actor_kind, m.full_name as "staff_name?", e.actor_role,
                  e.patient_id, e.subject, e.detail
             from audit_entry e
             left join audit_chain c on c.org_id = e.org_id and c.entry_id = e.id
             left join staff_member m on m.org_id = e.org_id and m.id = e.actor_id
            where e.org_id = $1
              and ($2::text is null or e.deed = $2)
              and ($3::uuid is null or e.patient_id = $3)
              and ($4::uuid is null or e.actor_id = $4)
              and ($5::timestamptz is null or e.at >= $5)
              and ($6::timestamptz is null or e.at < $6)
            order by e.id desc
            limit $7
           offset $8"#,
        org.0,
        query.deed.map(DeedKind::word),
        query.patient.map(|patient| patient.0),
        query.staff.map(|staff| staff.0),
        query.from,
        query.until,
        most,
        skip
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RecordLine {
            id: row.id,
            seq: row.seq,
            at: row.at,
            deed: DeedKind::ALL.iter().copied().find(|kind| kind.word() == row.deed),
            deed_word: row.deed,
            actor_kind: row.actor_kind,
            staff_name: row.staff_name,
            actor_role: row.actor_role,
            patient: row.patient_id.map(PatientId),
            subject: row.subject,
            detail: serde_json::from_value(row.detail).unwrap_or_default(),
        })
        .collect())
}
