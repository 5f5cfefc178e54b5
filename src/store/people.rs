//! Patients, their contacts and what they consented to. A chart opens only with the receipt for having recorded it.

use super::{
    OrgTx,
    audit::{ChartReceipt, Receipt},
};
use crate::{
    domain::{
        consent::{Consent, ConsentAnswer, ConsentChannel, ConsentPurpose},
        ids::{CallId, ConsentId, ContactId, PatientId, StaffId, TeamId},
        people::{ChartFacts, Contact, Language, Patient, PatientStatus, PhoneNumber},
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, NaiveDate, Utc};

/// The person whose chart the receipt opens.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn patient(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Patient, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, given_name, family_name, date_of_birth, phone, language, time_zone, status, nurse_id,
                comfort_only_plan, actively_dying, home_oxygen
           from patient
          where org_id = $1
            and id = $2",
        org.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Patient {
        id: PatientId(row.id),
        given_name: Private::new(row.given_name),
        family_name: Private::new(row.family_name),
        date_of_birth: Private::new(row.date_of_birth),
        phone: Private::new(PhoneNumber::from_e164(&row.phone).map_err(|_| unreadable("telephone number"))?),
        language: Language::from_tag(&row.language).ok_or_else(|| unreadable("language"))?,
        time_zone: row.time_zone.parse().map_err(|_| unreadable("time zone"))?,
        status: PatientStatus::from_word(&row.status).ok_or_else(|| unreadable("status"))?,
        nurse: row.nurse_id.map(StaffId),
        facts: ChartFacts {
            comfort_only_plan: row.comfort_only_plan,
            actively_dying: row.actively_dying,
            home_oxygen: row.home_oxygen,
        },
    })
}

/// What the chart holds beside the person: free text the nurse reads before she calls.
#[derive(Clone)]
pub struct Remarks {
    /// The programme of care, a code.
    pub programme: String,
    /// Allergies, as written; empty is "none written".
    pub allergies: Private<String>,
    /// Medicines, as written; empty is "none written".
    pub medications: Private<String>,
}

/// Reads them.
///
/// # Errors
/// `NotFound` when there is no such patient in this organization.
pub async fn remarks(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Remarks, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select programme, allergies, medications
           from patient
          where org_id = $1
            and id = $2",
        org.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Remarks {
        programme: row.programme,
        allergies: Private::new(row.allergies),
        medications: Private::new(row.medications),
    })
}

/// The patient's contacts, in the order they were added.
///
/// # Errors
/// When the database is away.
pub async fn contacts(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<Contact>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select k.id, k.full_name, k.relation, k.phone,
                  coalesce((select c.given
                              from consent c
                             where c.org_id = k.org_id
                               and c.contact_id = k.id
                               and c.purpose = 'discuss_health'
                               and c.channel in ('voice', 'any')
                             order by c.at desc, c.id desc
                             limit 1), false) as "may_discuss_health!"
             from contact k
            where k.org_id = $1
              and k.patient_id = $2
            order by k.id"#,
        org.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Contact {
                id: ContactId(row.id),
                full_name: Private::new(row.full_name),
                relation: Private::new(row.relation),
                phone: Private::new(
                    PhoneNumber::from_e164(&row.phone).map_err(|_| unreadable("contact's telephone number"))?,
                ),
                may_discuss_health: row.may_discuss_health,
            })
        })
        .collect()
}

/// The consents in force: the newest fact for each person, purpose and channel.
///
/// # Errors
/// When the database is away.
pub async fn consents_in_force(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<Consent>, Error> {
    let mut newest = consents(tx, receipt).await?;
    let mut seen = Vec::new();
    newest.retain(|consent| {
        let about = (consent.contact, consent.purpose, consent.channel);
        let is_new = !seen.contains(&about);
        seen.push(about);
        is_new
    });
    Ok(newest)
}

/// Every fact of consent of a chart, newest first.
///
/// # Errors
/// When the database is away.
pub async fn consents(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<Consent>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, contact_id, purpose, channel, given, evidence, author, call_id, number, at
           from consent
          where org_id = $1
            and patient_id = $2
          order by at desc, given, id desc",
        org.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let number = row.number.as_deref().map(PhoneNumber::from_e164).transpose();
            Ok(Consent {
                id: ConsentId(row.id),
                patient: receipt.patient(),
                contact: row.contact_id.map(ContactId),
                purpose: ConsentPurpose::from_word(&row.purpose).ok_or_else(|| unreadable("consent"))?,
                channel: ConsentChannel::from_word(&row.channel).ok_or_else(|| unreadable("consent"))?,
                answer: if row.given { ConsentAnswer::Given } else { ConsentAnswer::Refused },
                number: number.map_err(|_| unreadable("consent"))?.map(Private::new),
                evidence: Private::new(row.evidence),
                author: row.author.map(StaffId),
                call: row.call_id.map(CallId),
                at: row.at,
            })
        })
        .collect()
}

/// One line of a patient search.
#[derive(Clone)]
pub struct PatientLine {
    /// Their id.
    pub id: PatientId,
    /// Given name.
    pub given_name: Private<String>,
    /// Family name.
    pub family_name: Private<String>,
    /// Date of birth, to tell two people of one name apart.
    pub date_of_birth: Private<NaiveDate>,
    /// Where the patient stands.
    pub status: PatientStatus,
}

/// Patients whose given or family name begins with each word of `query`, by name; an empty query is everybody.
///
/// # Errors
/// When the database is away.
pub async fn find(tx: &mut OrgTx, _: &Receipt, query: &str, most: i64, skip: i64) -> Result<Vec<PatientLine>, Error> {
    let org = tx.org();
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let rows = sqlx::query!(
        "select id, given_name, family_name, date_of_birth, status
           from patient
          where org_id = $1
            and not exists (select
                              from unnest($2::text[]) as asked(word)
                             where not starts_with(lower(given_name), asked.word)
                               and not starts_with(lower(family_name), asked.word))
          order by family_name, given_name, id
          limit $3
         offset $4",
        org.0,
        &words,
        most,
        skip
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(PatientLine {
                id: PatientId(row.id),
                given_name: Private::new(row.given_name),
                family_name: Private::new(row.family_name),
                date_of_birth: Private::new(row.date_of_birth),
                status: PatientStatus::from_word(&row.status).ok_or_else(|| unreadable("status"))?,
            })
        })
        .collect()
}

/// Writes a new patient. The receipt is the one of the admission.
///
/// # Errors
/// When the database refuses the row, such as a nurse of another organization.
pub async fn admit(
    tx: &mut OrgTx,
    _: &Receipt,
    patient: &Patient,
    remarks: &Remarks,
    team: TeamId,
    call_code_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into patient (org_id, id, given_name, family_name, date_of_birth, phone, language, time_zone, status,
                              nurse_id, call_code_hash, programme, comfort_only_plan, actively_dying, home_oxygen,
                              allergies, medications, created_at, team_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        org.0,
        patient.id.0,
        patient.given_name.reveal(),
        patient.family_name.reveal(),
        patient.date_of_birth.reveal(),
        patient.phone.reveal().reveal(),
        patient.language.tag(),
        patient.time_zone.name(),
        patient.status.word(),
        patient.nurse.map(|nurse| nurse.0),
        call_code_hash,
        remarks.programme,
        patient.facts.comfort_only_plan,
        patient.facts.actively_dying,
        patient.facts.home_oxygen,
        remarks.allergies.reveal(),
        remarks.medications.reveal(),
        now,
        team.0
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes a new contact of the patient whose chart is open.
///
/// # Errors
/// When the database refuses the row.
pub async fn add_contact(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    contact: &Contact,
    call_code_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into contact (org_id, id, patient_id, full_name, relation, phone, call_code_hash, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        contact.id.0,
        receipt.patient().0,
        contact.full_name.reveal(),
        contact.relation.reveal(),
        contact.phone.reveal().reveal(),
        call_code_hash,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes one fact of consent. A contact must belong to the same patient. Consent to be contacted is for the number that the
/// person has now.
///
/// # Errors
/// `NotFound` when the patient or the contact is not of this organization.
pub async fn record_consent(tx: &mut OrgTx, receipt: &ChartReceipt, consent: &Consent) -> Result<(), Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into consent (org_id, id, patient_id, contact_id, purpose, channel, given, evidence, author, call_id, at,
                              number)
         select p.org_id, $3, p.id, $4, $5, $6, $7, $8, $9, $10, $11,
                case when $5 = 'be_called'
                     then coalesce((select k.phone from contact k where k.org_id = $1 and k.id = $4), p.phone) end
           from patient p
          where p.org_id = $1
            and p.id = $2
            and ($4::uuid is null
              or exists (select from contact k where k.org_id = $1 and k.id = $4 and k.patient_id = p.id))",
        org.0,
        receipt.patient().0,
        consent.id.0,
        consent.contact.map(|contact| contact.0),
        consent.purpose.word(),
        consent.channel.word(),
        consent.answer == ConsentAnswer::Given,
        consent.evidence.reveal(),
        consent.author.map(|author| author.0),
        consent.call.map(|call| call.0),
        consent.at
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound) }
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored patient's {what} cannot be read"))
}
