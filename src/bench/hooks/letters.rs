//! Letters of the carrier: webhooks signed as the provider's page says, and calls of a patient for them to be about. The
//! signer shares nothing with the product's verifier.

use crate::{
    app::App,
    bench::Broken,
    domain::{
        attempt::Party,
        call::{CallEvent, CallManner, CallPurpose},
        ids::{AttemptId, CallId, OrgId, PatientId},
        people::{Actor, PhoneNumber},
    },
    flows::{
        admit_patient::{self, NewPatient},
        found_organization::{self, NewOrganization},
    },
    store::{
        attempts::{self, IntendedAttempt},
        calls::{self, PlannedCall},
        errands, tidings,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::{collections::BTreeSet, time::Duration};

/// Whose letters they are.
#[derive(Clone)]
pub struct Sender {
    /// The origin that is signed.
    pub origin: String,
    /// The account.
    pub account: String,
    /// Its token.
    pub token: String,
}

/// Form fields in sending order.
pub type Fields = Vec<(String, String)>;

/// One webhook.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Path and query.
    pub path: String,
    /// The form.
    pub fields: Fields,
    /// Its signature.
    pub signature: String,
}

impl Letter {
    /// The form as it is sent.
    #[must_use]
    pub fn body(&self) -> String {
        body(&self.fields)
    }
}

/// A form as it is sent.
#[must_use]
pub fn body(fields: &Fields) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Sender {
    /// Signs a form for an address: base64(HMAC-SHA1(token, address + each distinct name and value, sorted)).
    #[must_use]
    pub fn sign(&self, path: &str, fields: &Fields) -> String {
        let mut text = format!("{}{path}", self.origin);
        for (name, value) in fields.iter().collect::<BTreeSet<_>>() {
            text.push_str(name);
            text.push_str(value);
        }
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(self.token.as_bytes()) else { return String::new() };
        mac.update(text.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// A letter with these fields besides those that every letter has.
    #[must_use]
    pub fn letter(&self, told: &Told, kind: &str, own: &[(&str, &str)]) -> Letter {
        let path = format!("/hooks/phone/{}/{}/{kind}", told.org, told.attempt);
        let usual = [
            ("AccountSid", self.account.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", told.sid.as_str()),
            ("Direction", "outbound-api"),
            ("From", CLINIC),
            ("To", told.number.as_str()),
        ];
        let fields: Fields =
            usual.iter().chain(own).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let signature = self.sign(&path, &fields);
        Letter { path, fields, signature }
    }

    /// A status callback.
    #[must_use]
    pub fn status(&self, told: &Told, status: &str, sequence: usize) -> Letter {
        let own = [
            ("CallStatus", status),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", &sequence.to_string()),
            ("Timestamp", "Tue, 17 Nov 2026 15:00:00 +0000"),
        ];
        self.letter(told, "status", &own)
    }
}

/// How long whoever dials holds an attempt: here until the carrier's answer is written down.
const LEASE: Duration = Duration::from_secs(60);
/// The number that an organization shows.
const CLINIC: &str = "+12125550199";

/// An attempt that letters are about.
#[derive(Clone, Debug)]
pub struct Told {
    /// Whose it is.
    pub org: OrgId,
    /// The call it belongs to.
    pub call: CallId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The carrier's name for it.
    pub sid: String,
    /// The number rung.
    pub number: String,
}

/// Founds an organization with one patient.
///
/// # Errors
/// When a flow refuses it.
pub async fn found(app: &App, code: &str) -> Result<(OrgId, PatientId), Broken> {
    let new = NewOrganization {
        code: code.to_owned(),
        name: "Harbor".to_owned(),
        country: "US".to_owned(),
        time_zone: "America/New_York".to_owned(),
        caller_number: CLINIC.to_owned(),
    };
    let operator = found_organization::found(app, new).await.map_err(Broken::of)?;
    let new = NewPatient {
        given_name: "Ada".into(),
        family_name: "Example".into(),
        date_of_birth: "1944-03-09".into(),
        phone: "+12125550104".into(),
        language: "en-US".to_owned(),
        time_zone: "America/New_York".to_owned(),
        call_code: "4711".into(),
        ..NewPatient::default()
    };
    let patient = admit_patient::admit(app, &operator, new).await.map_err(Broken::of)?;
    Ok((operator.org, patient))
}

/// Writes a call with an attempt that may be dialled, as the flow that dials leaves it; its sid is still to come.
///
/// # Errors
/// When the database is away.
pub async fn arm(app: &App, org: OrgId, patient: PatientId, number: &str) -> Result<Told, Broken> {
    let now = app.clock.now();
    let actor = Actor::careline(org);
    let mut tx = app.db.begin(&actor).await.map_err(Broken::of)?;
    let call = CallId::at(now);
    let planned = PlannedCall {
        id: call,
        patient,
        purpose: CallPurpose::CheckIn,
        manner: CallManner::Nurse,
        protocol: "dyspnea".to_owned(),
        nurse: None,
        due_at: now,
        idem_key: call.to_string(),
        window_until: None,
        occurrence: None,
        matched: Vec::new(),
        covers_for: None,
    };
    calls::plan(&mut tx, &planned, None, now).await.map_err(Broken::of)?;
    let mut locked = calls::lock(&mut tx, call).await.map_err(Broken::of)?;
    errands::follow(&mut tx, &actor, &mut locked, CallEvent::Armed, now).await.map_err(Broken::of)?;
    let phone = |text: &str| PhoneNumber::from_e164(text).map_err(|_| Broken::of("the number is not E.164"));
    let attempt = IntendedAttempt {
        id: AttemptId::at(now),
        call,
        party: Party::Patient,
        ordinal: 1,
        from: phone(CLINIC)?,
        to: phone(number)?.into(),
    };
    let is_written = attempts::intend(&mut tx, &attempt, LEASE, now).await.map_err(Broken::of)?;
    if !is_written || !attempts::arm(&mut tx, attempt.id, LEASE, now).await.map_err(Broken::of)? {
        return Err(Broken::of("an attempt was not written; another between the same numbers is open"));
    }
    tx.commit().await.map_err(Broken::of)?;
    Ok(Told { org, call, attempt: attempt.id, sid: String::new(), number: number.to_owned() })
}

/// Gives an armed attempt its sid, as the carrier's answer does.
///
/// # Errors
/// When the database is away.
pub async fn bind(app: &App, told: Told, sid: String) -> Result<Told, Broken> {
    let now = app.clock.now();
    let actor = Actor::careline(told.org);
    let mut tx = app.db.begin(&actor).await.map_err(Broken::of)?;
    let (mut attempt, mut call) = tidings::lock(&mut tx, told.attempt).await.map_err(Broken::of)?;
    tidings::claim_sid(&mut tx, &actor, &mut attempt, &mut call, &sid, now).await.map_err(Broken::of)?;
    tx.commit().await.map_err(Broken::of)?;
    Ok(Told { sid, ..told })
}

/// A sid of nobody, for an attempt that the town never heard of.
#[must_use]
pub fn invented_sid() -> String {
    format!("CA{}", hex::encode(rand::random::<[u8; 16]>()))
}
