//! Who is who: roles, the actor behind every deed, patients, contacts and their telephone numbers.

use super::{
    ids::{ContactId, OrgId, PatientId, StaffId, TokenId},
    private::Private,
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a staff member may do. The permission table in `web/routes.rs` names these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works the calls.
    Nurse,
    /// Reviews assessments, works follow-ups, plans calls.
    Coordinator,
    /// Answers escalations.
    Physician,
    /// Edits protocols, people and settings; sees nothing clinical.
    Admin,
    /// Searches and verifies the record; changes nothing.
    Auditor,
}

impl Role {
    /// Every role, in the order the screens list them.
    pub const ALL: [Self; 5] = [Self::Nurse, Self::Coordinator, Self::Physician, Self::Admin, Self::Auditor];

    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nurse => "nurse",
            Self::Coordinator => "coordinator",
            Self::Physician => "physician",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }

    /// Whether the role cares for patients, and so serves in care teams.
    #[must_use]
    pub const fn serves_patients(self) -> bool {
        match self {
            Self::Nurse | Self::Coordinator | Self::Physician => true,
            Self::Admin | Self::Auditor => false,
        }
    }

    /// The role of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// Who does a deed: always inside one organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The organization whose rows may be touched.
    pub org: OrgId,
    /// The person or machine.
    pub who: Who,
}

/// The person or machine behind a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A staff member: at a screen, or through a program that holds a token of theirs.
    Staff {
        /// The login.
        id: StaffId,
        /// Their role when they acted.
        role: Role,
        /// The token a program acted by; none at a screen.
        token: Option<TokenId>,
    },
    /// Careline's own background work.
    Careline,
    /// A verified message of the carrier.
    Carrier,
    /// Somebody at the machine, through a subcommand.
    Operator,
    /// Nobody yet: the sign-in page.
    Visitor,
}

impl Actor {
    /// Careline's own background work in one organization.
    #[must_use]
    pub const fn careline(org: OrgId) -> Self {
        Self { org, who: Who::Careline }
    }

    /// A verified message of the carrier about one organization's call.
    #[must_use]
    pub const fn carrier(org: OrgId) -> Self {
        Self { org, who: Who::Carrier }
    }

    /// A staff member at a screen.
    #[must_use]
    pub const fn staff(org: OrgId, id: StaffId, role: Role) -> Self {
        Self { org, who: Who::Staff { id, role, token: None } }
    }

    /// A program that holds a staff member's token.
    #[must_use]
    pub const fn program(org: OrgId, id: StaffId, role: Role, token: TokenId) -> Self {
        Self { org, who: Who::Staff { id, role, token: Some(token) } }
    }

    /// The staff member, if a person acted.
    #[must_use]
    pub const fn staff_id(&self) -> Option<StaffId> {
        match self.who {
            Who::Staff { id, .. } => Some(id),
            Who::Careline | Who::Carrier | Who::Operator | Who::Visitor => None,
        }
    }

    /// The token, if a program acted for a person.
    #[must_use]
    pub const fn token(&self) -> Option<TokenId> {
        match self.who {
            Who::Staff { token, .. } => token,
            Who::Careline | Who::Carrier | Who::Operator | Who::Visitor => None,
        }
    }

    /// The staff member, if one of these roles acted.
    #[must_use]
    pub fn staff_among(&self, roles: &[Role]) -> Option<StaffId> {
        self.role().filter(|role| roles.contains(role)).and(self.staff_id())
    }

    /// The role, if a person acted.
    #[must_use]
    pub const fn role(&self) -> Option<Role> {
        match self.who {
            Who::Staff { role, .. } => Some(role),
            Who::Careline | Who::Carrier | Who::Operator | Who::Visitor => None,
        }
    }
}

/// A dialable number in E.164 form (ITU-T E.164), such as `+12125550123`. Parsed once, at the door.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads what a person typed, with the organization's country for numbers without `+` (ISO 3166 alpha-2).
    ///
    /// # Errors
    /// Says what is wrong with the number, without repeating it.
    pub fn parse(text: &str, country: &str) -> Result<Self, BadPhoneNumber> {
        let country = country.parse().map_err(|_| BadPhoneNumber::UnknownCountry)?;
        let number = phonenumber::parse(Some(country), text).map_err(|_| BadPhoneNumber::NotANumber)?;
        if !phonenumber::is_valid(&number) && !is_reserved_for_fiction(&number) {
            return Err(BadPhoneNumber::CannotBeDialled);
        }
        Self::from_e164(&number.format().mode(phonenumber::Mode::E164).to_string())
    }

    /// A number already in E.164 form, as stored or as the carrier sends it.
    ///
    /// # Errors
    /// When it is not `+` and 7 to 15 digits.
    pub fn from_e164(text: &str) -> Result<Self, BadPhoneNumber> {
        let digits = text.strip_prefix('+').ok_or(BadPhoneNumber::NotANumber)?;
        let plausible = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plausible { Ok(Self(text.to_owned())) } else { Err(BadPhoneNumber::NotANumber) }
    }

    /// The E.164 text; a private fact, so only for the carrier, the database and the chart.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// North American 555-01xx numbers never ring a real phone (ATIS-0300115), so invented people live there.
fn is_reserved_for_fiction(number: &phonenumber::PhoneNumber) -> bool {
    let national = number.national().value();
    // Ten digits and no more: with digits in front the line would end the same.
    number.code().value() == 1
        && (2_000_000_000..=9_999_999_999).contains(&national)
        && (national / 100) % 100_000 == 55_501
}

/// What is wrong with a telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPhoneNumber {
    /// Not readable as a number.
    #[error("this is not a telephone number; write it with its country, such as +1 212 555 0123")]
    NotANumber,
    /// Readable, but no such number can exist.
    #[error("this number cannot be dialled in its country; check the digits")]
    CannotBeDialled,
    /// The organization's own country setting is wrong.
    #[error("the organization's country is not an ISO 3166 code such as US; correct it in the settings")]
    UnknownCountry,
}

/// The languages the call script is complete in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Language {
    /// American English.
    #[serde(rename = "en-US")]
    English,
    /// American Spanish.
    #[serde(rename = "es-US")]
    Spanish,
}

impl Language {
    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en-US",
            Self::Spanish => "es-US",
        }
    }

    /// The language of a BCP 47 tag.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        [Self::English, Self::Spanish].into_iter().find(|language| language.tag() == tag)
    }
}

/// Where the patient stands; only `Active` may be rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatientStatus {
    /// At home and followed.
    Active,
    /// In hospital or an inpatient unit.
    Admitted,
    /// Died.
    Deceased,
    /// Left the service.
    Withdrawn,
    /// Handed to another service.
    Transferred,
}

impl PatientStatus {
    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Admitted => "admitted",
            Self::Deceased => "deceased",
            Self::Withdrawn => "withdrawn",
            Self::Transferred => "transferred",
        }
    }

    /// The status of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Admitted, Self::Deceased, Self::Withdrawn, Self::Transferred]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// The person cared for.
#[derive(Clone)]
pub struct Patient {
    /// Their id.
    pub id: PatientId,
    /// Given name.
    pub given_name: Private<String>,
    /// Family name.
    pub family_name: Private<String>,
    /// Date of birth: a date, never an instant.
    pub date_of_birth: Private<NaiveDate>,
    /// The number that is rung.
    pub phone: Private<PhoneNumber>,
    /// The language of the call script.
    pub language: Language,
    /// The zone in which calling hours hold.
    pub time_zone: Tz,
    /// Where the patient stands.
    pub status: PatientStatus,
    /// The nurse who knows them.
    pub nurse: Option<StaffId>,
    /// Facts of the chart that protocols may read.
    pub facts: ChartFacts,
}

/// Facts of the chart that protocols may read; `None` is "not known", never "no".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChartFacts {
    /// Goals of care: a documented comfort-only plan.
    pub comfort_only_plan: Option<bool>,
    /// Phase of illness: actively dying.
    pub actively_dying: Option<bool>,
    /// Orders: oxygen at home.
    pub home_oxygen: Option<bool>,
}

/// A family member or caregiver.
#[derive(Clone)]
pub struct Contact {
    /// Their id.
    pub id: ContactId,
    /// Full name.
    pub full_name: Private<String>,
    /// What they are to the patient, such as daughter.
    pub relation: Private<String>,
    /// Their own number.
    pub phone: Private<PhoneNumber>,
    /// Whether a consent in force lets them speak about the patient's health.
    pub may_discuss_health: bool,
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(private)")
    }
}
