//! What numbers said: stop, or go on. Facts; the newest word of a number about a channel is in force.

use super::{
    OrgTx,
    audit::{ChartReceipt, Receipt},
    standing,
};
use crate::{
    domain::{
        consent::ConsentChannel,
        ids::{OptOutId, PatientId, StaffId},
        people::PhoneNumber,
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// What a number wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No more calls or texts.
    Stop,
    /// Calls or texts again.
    GoOn,
}

impl Wish {
    /// The word recorded.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::GoOn => "go_on",
        }
    }
}

/// One word of a number.
#[derive(Clone)]
pub struct OptOut {
    /// Its id.
    pub id: OptOutId,
    /// By which way.
    pub channel: ConsentChannel,
    /// What it wants.
    pub wish: Wish,
    /// How it is known: words of a text, or what somebody said.
    pub evidence: Private<String>,
    /// Who wrote it down; `None` is whoever has the number.
    pub author: Option<StaffId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes down what a number said. Everybody who is rung at it is held first, so that a dial comes before or sees it.
///
/// # Errors
/// When the database is away.
pub async fn note(tx: &mut OrgTx, _: &Receipt, number: &PhoneNumber, said: &OptOut) -> Result<(), Error> {
    for patient in at_number(tx, number).await? {
        standing::hold(tx, patient).await?;
    }
    let org = tx.org();
    sqlx::query!(
        "insert into opt_out (org_id, id, number, channel, stopped, evidence, author, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        said.id.0,
        number.reveal(),
        said.channel.word(),
        said.wish == Wish::Stop,
        said.evidence.reveal(),
        said.author.map(|author| author.0),
        said.at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Patients who are rung at a number, by id: the order in which everybody holds them.
///
/// # Errors
/// When the database is away.
pub async fn at_number(tx: &mut OrgTx, number: &PhoneNumber) -> Result<Vec<PatientId>, Error> {
    let org = tx.org();
    let rows = sqlx::query_scalar!(
        "select id from patient where org_id = $1 and phone = $2 order by id",
        org.0,
        number.reveal()
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(PatientId).collect())
}

/// Everything the patient's present number said, newest first.
///
/// # Errors
/// When the database is away.
pub async fn of_patient(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<OptOut>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select s.id, s.channel, s.stopped, s.evidence, s.author, s.at
           from opt_out s
           join patient p on p.org_id = s.org_id and p.phone = s.number
          where s.org_id = $1
            and p.id = $2
          order by s.at desc, s.id desc
          limit 50",
        org.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(OptOut {
                id: OptOutId(row.id),
                channel: ConsentChannel::from_word(&row.channel)
                    .ok_or_else(|| Error::Fault("a stored opt-out's channel cannot be read".to_owned()))?,
                wish: if row.stopped { Wish::Stop } else { Wish::GoOn },
                evidence: Private::new(row.evidence),
                author: row.author.map(StaffId),
                at: row.at,
            })
        })
        .collect()
}
