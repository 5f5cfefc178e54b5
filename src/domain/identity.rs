//! Who is on the line: two factors by keypad. What is expected stays here; only "matches" or "does not" leaves.

use super::{
    ids::{ContactId, OrgId},
    private::Private,
    script::Identity,
};
use chrono::NaiveDate;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Keyed hash of a 4-digit call code, bound to its organization and person, so that equal codes have unequal hashes and a
/// copied table cannot be searched without the key.
#[must_use]
pub fn call_code_hash(key: &[u8], org: OrgId, person: Uuid, code: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(org.0.as_bytes());
    mac.update(person.as_bytes());
    mac.update(code.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A caregiver who named themself by code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caregiver {
    /// Who.
    pub id: ContactId,
    /// Whether a consent in force lets them speak about the patient's health.
    pub may_discuss_health: bool,
}

/// What is expected of whoever answers a patient's telephone.
pub struct ExpectedIdentity {
    /// The organization, part of every code's hash.
    pub org: OrgId,
    /// The key of the hashes.
    pub key: Private<Vec<u8>>,
    /// The patient, part of their code's hash.
    pub patient: Uuid,
    /// Their date of birth.
    pub date_of_birth: Private<NaiveDate>,
    /// The hash of their code.
    pub call_code_hash: Vec<u8>,
    /// Caregivers with the hash of their own code.
    pub caregivers: Vec<(Caregiver, Vec<u8>)>,
}

impl Identity for ExpectedIdentity {
    type Caregiver = Caregiver;

    fn is_birth_date(&self, keys: &str) -> bool {
        let expected = self.date_of_birth.reveal().format("%m%d%Y").to_string();
        expected.as_bytes().ct_eq(keys.as_bytes()).into()
    }

    fn is_call_code(&self, keys: &str) -> bool {
        self.matches(self.patient, keys, &self.call_code_hash)
    }

    fn caregiver(&self, keys: &str) -> Option<Caregiver> {
        self.caregivers
            .iter()
            .find(|(caregiver, hash)| self.matches(caregiver.id.0, keys, hash))
            .map(|(caregiver, _)| *caregiver)
    }
}

impl ExpectedIdentity {
    fn matches(&self, person: Uuid, keys: &str, hash: &[u8]) -> bool {
        let entered = call_code_hash(self.key.reveal(), self.org, person, keys);
        !entered.is_empty() && bool::from(entered.as_slice().ct_eq(hash))
    }
}
