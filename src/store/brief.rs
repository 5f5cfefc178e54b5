//! The brief of a patient: who they are, what was found last, what is still owed.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        disposition::Disposition,
        ids::{CallId, FollowUpId, PatientId},
        people::{ChartFacts, Language, PatientStatus},
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, NaiveDate, Utc};

/// What the nurse reads before saying a word.
#[derive(Clone)]
pub struct Brief {
    /// Whose brief.
    pub patient: PatientId,
    /// Given and family name.
    pub name: Private<String>,
    /// Date of birth.
    pub date_of_birth: Private<NaiveDate>,
    /// The language of the call script.
    pub language: Language,
    /// Where the patient stands.
    pub status: PatientStatus,
    /// Facts that protocols may read.
    pub facts: ChartFacts,
    /// The programme of care.
    pub programme: String,
    /// Allergies as written at admission; empty when none was written.
    pub allergies: Private<String>,
    /// Medicines as written at admission; empty when none was written.
    pub medications: Private<String>,
    /// The last signed assessment before this call.
    pub last: Option<LastAssessment>,
    /// What is still owed to the patient.
    pub owed: Vec<Owed>,
}

/// The last signed assessment.
#[derive(Clone)]
pub struct LastAssessment {
    /// The call it was made on.
    pub call: CallId,
    /// The protocol.
    pub protocol: String,
    /// What was decided.
    pub disposition: Option<Disposition>,
    /// What was agreed.
    pub agreed_plan: Private<String>,
    /// When it was signed.
    pub signed_at: DateTime<Utc>,
}

/// One open follow-up of the patient.
#[derive(Clone)]
pub struct Owed {
    /// Its id.
    pub id: FollowUpId,
    /// What is owed.
    pub summary: Private<String>,
    /// How urgent.
    pub urgency: Option<Disposition>,
    /// Who owes it.
    pub owner_name: String,
    /// When it is due.
    pub due_at: DateTime<Utc>,
}

/// Reads the brief of the patient whose chart the receipt opens, as it stood before `call`.
///
/// # Errors
/// `NotFound` when the patient is not of this organization.
pub async fn brief(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Brief, Error> {
    let org = tx.org();
    let patient = receipt.patient();
    let row = sqlx::query!(
        r#"select given_name || ' ' || family_name as "name!", date_of_birth, language, status, programme,
                  comfort_only_plan, actively_dying, home_oxygen, allergies, medications
             from patient
            where org_id = $1
              and id = $2"#,
        org.0,
        patient.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let last = last_assessment(tx, patient, call).await?;
    let owed = owed(tx, patient).await?;
    Ok(Brief {
        patient,
        name: Private::new(row.name),
        date_of_birth: Private::new(row.date_of_birth),
        language: Language::from_tag(&row.language).ok_or_else(|| unreadable("language"))?,
        status: PatientStatus::from_word(&row.status).ok_or_else(|| unreadable("status"))?,
        facts: ChartFacts {
            comfort_only_plan: row.comfort_only_plan,
            actively_dying: row.actively_dying,
            home_oxygen: row.home_oxygen,
        },
        programme: row.programme,
        allergies: Private::new(row.allergies),
        medications: Private::new(row.medications),
        last,
        owed,
    })
}

async fn last_assessment(tx: &mut OrgTx, patient: PatientId, call: CallId) -> Result<Option<LastAssessment>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select call_id, protocol_id, disposition, agreed_plan, signed_at as "signed_at!"
             from assessment
            where org_id = $1
              and patient_id = $2
              and state = 'signed'
              and call_id <> $3
            order by signed_at desc
            limit 1"#,
        org.0,
        patient.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| LastAssessment {
        call: CallId(row.call_id),
        protocol: row.protocol_id,
        disposition: row.disposition.as_deref().and_then(Disposition::from_code),
        agreed_plan: Private::new(row.agreed_plan),
        signed_at: row.signed_at,
    }))
}

async fn owed(tx: &mut OrgTx, patient: PatientId) -> Result<Vec<Owed>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select f.id, f.summary, f.urgency, s.full_name, f.due_at
           from follow_up f
           join staff_member s on s.org_id = f.org_id and s.id = f.owner_id
          where f.org_id = $1
            and f.patient_id = $2
            and f.state = 'open'
          order by f.due_at
          limit 20",
        org.0,
        patient.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Owed {
            id: FollowUpId(row.id),
            summary: Private::new(row.summary),
            urgency: Disposition::from_code(&row.urgency),
            owner_name: row.full_name,
            due_at: row.due_at,
        })
        .collect())
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored patient's {what} cannot be read"))
}
