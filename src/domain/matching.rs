//! Who should talk with a patient: a score that a person can add up. Every point has a reason, and the reasons are shown.

use super::{ids::StaffId, people::Language, roster::Presence};

/// What a call asks of whoever takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The nurse somebody wished for.
    pub wished: Option<StaffId>,
    /// The nurse who knows the patient.
    pub own: Option<StaffId>,
    /// The patient's language.
    pub language: Language,
    /// Where the patient lives (ISO 3166-2), when it is known.
    pub region: Option<String>,
}

/// A nurse who might take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub id: StaffId,
    /// Their name: the order among equals.
    pub name: String,
    /// Whether they serve the patient's care team.
    pub serves_team: bool,
    /// Whether they are there then.
    pub presence: Presence,
    /// Languages they speak; none written is "not known".
    pub languages: Vec<Language>,
    /// Regions they are licensed in (ISO 3166-2); none written is "not known".
    pub regions: Vec<String>,
    /// Conversations with this patient in the last 90 days.
    pub talks: i64,
    /// Other calls planned for them within 12 hours of this one.
    pub load: i64,
    /// Whose calls they have then.
    pub covers: Vec<StaffId>,
}

/// Why somebody is, or is not, the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Licensed where the patient lives.
    Licensed,
    /// Licensed elsewhere only.
    NotLicensed,
    /// Serves the patient's care team.
    ServesTeam,
    /// Wished for.
    Wished,
    /// Covers for whoever was wished for, or for the patient's own nurse.
    Covers,
    /// The patient's own nurse.
    OwnNurse,
    /// Speaks the patient's language.
    SpeaksLanguage,
    /// Speaks other languages only.
    OtherLanguages,
    /// Has talked with the patient lately.
    KnowsPatient,
    /// Has few calls around that time.
    HasTime,
    /// Is not at work then.
    NotAtWork,
}

impl Reason {
    /// Every reason, in the order they are shown.
    pub const ALL: [Self; 11] = [
        Self::NotAtWork,
        Self::NotLicensed,
        Self::Wished,
        Self::Covers,
        Self::OwnNurse,
        Self::ServesTeam,
        Self::Licensed,
        Self::SpeaksLanguage,
        Self::OtherLanguages,
        Self::KnowsPatient,
        Self::HasTime,
    ];

    /// The code stored with a call.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Licensed => "licensed",
            Self::NotLicensed => "not_licensed",
            Self::ServesTeam => "serves_team",
            Self::Wished => "wished",
            Self::Covers => "covers",
            Self::OwnNurse => "own_nurse",
            Self::SpeaksLanguage => "speaks_language",
            Self::OtherLanguages => "other_languages",
            Self::KnowsPatient => "knows_patient",
            Self::HasTime => "has_time",
            Self::NotAtWork => "not_at_work",
        }
    }

    /// The reason of a stored code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What a person reads.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Licensed => "licensed where the patient lives",
            Self::NotLicensed => "not licensed where the patient lives",
            Self::ServesTeam => "in the care team",
            Self::Wished => "wished for",
            Self::Covers => "covers for a colleague",
            Self::OwnNurse => "the patient's own nurse",
            Self::SpeaksLanguage => "speaks the patient's language",
            Self::OtherLanguages => "does not speak the patient's language",
            Self::KnowsPatient => "has talked with the patient lately",
            Self::HasTime => "has time around then",
            Self::NotAtWork => "not at work then",
        }
    }

    /// What it weighs. A licence is law and being away is a fact, so nothing outweighs either; the care team comes before a
    /// wish, because only the team can open the chart.
    const fn weight(self) -> i64 {
        match self {
            Self::NotAtWork => -10_000,
            Self::NotLicensed => -2_000,
            Self::Licensed => 100,
            Self::ServesTeam => 900,
            Self::Wished => 450,
            Self::Covers => 440,
            Self::OwnNurse => 200,
            Self::SpeaksLanguage => 120,
            Self::OtherLanguages => -120,
            Self::KnowsPatient | Self::HasTime => 0,
        }
    }
}

/// Points for each conversation of the last 90 days, and how many count.
const EACH_TALK: i64 = 15;
const MOST_TALKS: i64 = 4;
/// Points for being free; each call around that time takes some of them.
const FREE: i64 = 80;
const EACH_CALL: i64 = 10;

/// One candidate with their points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Who.
    pub nurse: StaffId,
    /// Their name.
    pub name: String,
    /// The sum of the points.
    pub points: i64,
    /// What the points are for.
    pub reasons: Vec<Reason>,
}

impl Match {
    /// Whether they are there and may talk with this patient.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        !self.reasons.iter().any(|reason| matches!(reason, Reason::NotAtWork | Reason::NotLicensed))
    }
}

/// The candidates, the best first; names decide between equals, so that the order is always the same.
#[must_use]
pub fn rank(wanted: &Wanted, candidates: &[Candidate]) -> Vec<Match> {
    let mut ranked: Vec<Match> = candidates.iter().map(|candidate| weigh(wanted, candidate)).collect();
    ranked.sort_by(|one, other| other.points.cmp(&one.points).then_with(|| one.name.cmp(&other.name)));
    ranked
}

fn weigh(wanted: &Wanted, candidate: &Candidate) -> Match {
    let is_own = wanted.own == Some(candidate.id);
    let is_wished = wanted.wished == Some(candidate.id);
    let covers = [wanted.wished, wanted.own].into_iter().flatten().any(|away| candidate.covers.contains(&away));
    let licensed = match &wanted.region {
        Some(region) if !candidate.regions.is_empty() => Some(candidate.regions.contains(region)),
        Some(_) | None => None,
    };
    let speaks = (!candidate.languages.is_empty()).then(|| candidate.languages.contains(&wanted.language));
    let free = (FREE - EACH_CALL * candidate.load).max(0);
    let holds = |reason: Reason| match reason {
        Reason::NotAtWork => candidate.presence == Presence::Off,
        Reason::NotLicensed => licensed == Some(false),
        Reason::Licensed => licensed == Some(true),
        Reason::ServesTeam => candidate.serves_team,
        Reason::Wished => is_wished,
        Reason::Covers => covers && !is_wished,
        Reason::OwnNurse => is_own,
        Reason::SpeaksLanguage => speaks == Some(true),
        Reason::OtherLanguages => speaks == Some(false),
        Reason::KnowsPatient => candidate.talks > 0,
        Reason::HasTime => free > 0,
    };
    let reasons: Vec<Reason> = Reason::ALL.into_iter().filter(|reason| holds(*reason)).collect();
    let weights: i64 = reasons.iter().map(|reason| reason.weight()).sum();
    let points = weights + EACH_TALK * candidate.talks.min(MOST_TALKS) + free;
    Match { nurse: candidate.id, name: candidate.name.clone(), points, reasons }
}

/// Whether a text is a region of ISO 3166-2, such as `US-NY`.
#[must_use]
pub fn is_region(text: &str) -> bool {
    text.split_once('-').is_some_and(|(country, part)| {
        country.len() == 2
            && country.bytes().all(|letter| letter.is_ascii_uppercase())
            && (1..=3).contains(&part.len())
            && part.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
    })
}
