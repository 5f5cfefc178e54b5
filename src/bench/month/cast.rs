//! Who lives in the month: invented patients with a plan, a character and moods that change by the hour, and nurses who
//! mostly take their calls. Everything is drawn from one seed.

use crate::{
    bench::{Broken, pick},
    domain::ids::{PatientId, PlanId, StaffId},
    simulator::people::{HangsUp, Hears, Keys, Number, Person, PicksUp, Seconds, Texting, TownPlan},
};
use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use rand::{RngExt, rngs::StdRng};
use std::time::Duration;

/// Where patients live, and how many in a hundred.
const ZONES: [(Tz, u32); 5] = [
    (Tz::America__New_York, 50),
    (Tz::America__Chicago, 20),
    (Tz::America__Denver, 10),
    (Tz::America__Phoenix, 5),
    (Tz::America__Los_Angeles, 15),
];
/// Numbers of nurses, of people nobody knows and of caregivers begin here; those of patients begin at 0.
const NURSES: usize = 800;
const STRANGERS: usize = 900;
const CAREGIVERS: usize = 950;
/// Most of each.
pub const MOST_PATIENTS: usize = 800;
/// Most of each.
pub const MOST_NURSES: usize = 100;
/// People nobody knows.
pub const STRANGERS_THERE: usize = 20;

/// How often a patient is rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Every day.
    Daily,
    /// On Monday, Wednesday and Friday.
    ThriceAWeek,
    /// On one day of the week.
    Weekly(Weekday),
}

impl Beat {
    /// The rule of RFC 5545.
    #[must_use]
    pub fn rule(self) -> String {
        match self {
            Self::Daily => "FREQ=DAILY".to_owned(),
            Self::ThriceAWeek => "FREQ=WEEKLY;BYDAY=MO,WE,FR".to_owned(),
            Self::Weekly(day) => {
                let name = day.to_string().to_uppercase();
                format!("FREQ=WEEKLY;BYDAY={}", name.get(..2).unwrap_or("MO"))
            }
        }
    }

    /// Whether it falls on a day: the month's own arithmetic, which shares nothing with the planner's.
    #[must_use]
    pub fn falls_on(self, day: NaiveDate) -> bool {
        match self {
            Self::Daily => true,
            Self::ThriceAWeek => matches!(day.weekday(), Weekday::Mon | Weekday::Wed | Weekday::Fri),
            Self::Weekly(own) => day.weekday() == own,
        }
    }
}

/// What a patient allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allows {
    /// Nobody asked.
    Nothing,
    /// Calls.
    Calls,
    /// Calls and texts.
    CallsAndTexts,
}

/// One patient.
#[derive(Clone, Debug)]
pub struct Patient {
    /// Their number.
    pub number: String,
    /// Where they live.
    pub zone: Tz,
    /// BCP 47.
    pub language: &'static str,
    /// When they were born.
    pub born: NaiveDate,
    /// Four digits.
    pub code: String,
    /// How often they are rung.
    pub beat: Beat,
    /// At what time of day, on their own clock.
    pub at: NaiveTime,
    /// What they allow.
    pub allows: Allows,
    /// The code of somebody who may speak for them, and that person's number.
    pub caregiver: Option<(String, String)>,
    /// Known once they are admitted.
    pub id: PatientId,
    /// Known once it is made; `None` while they have none.
    pub plan: Option<PlanId>,
}

/// One nurse.
#[derive(Clone, Debug)]
pub struct Nurse {
    /// Their number.
    pub number: String,
    /// Known once they are there.
    pub id: StaffId,
}

/// A number of the block that rings nobody.
#[must_use]
pub fn number(at: usize) -> String {
    format!("+1{}55501{:02}", 201 + at / 100, at % 100)
}

/// The number of somebody nobody knows.
#[must_use]
pub fn stranger(at: usize) -> String {
    number(STRANGERS + at % STRANGERS_THERE)
}

/// The number of a nurse.
#[must_use]
pub fn nurse_number(at: usize) -> String {
    number(NURSES + at)
}

/// Draws a patient.
///
/// # Errors
/// Never, but a date of birth must exist.
pub fn patient(dice: &mut StdRng, at: usize) -> Result<Patient, Broken> {
    let days = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let beat = match dice.random_range(0..100) {
        0..7 => Beat::Daily,
        7..37 => Beat::ThriceAWeek,
        _ => Beat::Weekly(pick(dice, &days).copied().unwrap_or(Weekday::Tue)),
    };
    let half_hours = dice.random_range(0..17_u32);
    let clock = NaiveTime::from_hms_opt(9 + half_hours / 2, half_hours % 2 * 30, 0).unwrap_or_default();
    let born =
        NaiveDate::from_ymd_opt(dice.random_range(1930..1965), dice.random_range(1..13), dice.random_range(1..29));
    let allows = match dice.random_range(0..100) {
        0..2 => Allows::Nothing,
        2..22 => Allows::CallsAndTexts,
        _ => Allows::Calls,
    };
    let code = format!("{:04}", dice.random_range(0..10_000));
    let helped = dice.random_range(0..100) < 6;
    let caregiver = helped.then(|| (format!("{:04}", dice.random_range(0..10_000)), number(CAREGIVERS + at % 50)));
    Ok(Patient {
        number: number(at),
        zone: zone(dice),
        language: if dice.random_range(0..100) < 20 { "es-US" } else { "en-US" },
        born: born.ok_or_else(|| Broken::of("a date of birth that does not exist"))?,
        code,
        beat,
        at: clock,
        allows,
        caregiver,
        id: PatientId(uuid::Uuid::nil()),
        plan: None,
    })
}

fn zone(dice: &mut StdRng) -> Tz {
    let mut left = dice.random_range(0..100_u32);
    for (zone, share) in ZONES {
        match left.checked_sub(share) {
            Some(rest) => left = rest,
            None => return zone,
        }
    }
    Tz::America__New_York
}

/// Everybody in town as they are in the coming hour.
///
/// # Errors
/// When a number or a key cannot be one.
pub fn moods(dice: &mut StdRng, patients: &[Patient], nurses: &[Nurse]) -> Result<TownPlan, Broken> {
    let mut people = Vec::new();
    for patient in patients {
        people.push(at_home(dice, patient)?);
    }
    for nurse in nurses {
        people.push(on_duty(dice, nurse)?);
    }
    for at in 0..STRANGERS_THERE {
        let mut person = somebody(&stranger(at), PicksUp::AfterSeconds(seconds(5)))?;
        person.hangs_up = Some(HangsUp::AfterSeconds(seconds(20)));
        people.push(person);
    }
    Ok(TownPlan { about: String::new(), people })
}

fn at_home(dice: &mut StdRng, patient: &Patient) -> Result<Person, Broken> {
    let answers = PicksUp::AfterSeconds(seconds(dice.random_range(4..14)));
    let keys = patient.born.format("%m%d%Y").to_string();
    let mut person = somebody(&patient.number, answers)?;
    let talks = seconds(dice.random_range(90..420));
    person.hangs_up = Some(HangsUp::AfterSeconds(talks));
    let by_code = patient.caregiver.as_ref().map(|(code, _)| code.as_str());
    match (dice.random_range(0..100), by_code) {
        (0..7, _) => person.picks_up = PicksUp::Busy,
        (7..17, _) => person.picks_up = PicksUp::Never,
        (17..21, _) => person.hangs_up = Some(HangsUp::AfterSeconds(seconds(2))),
        (21..23, _) => person.hears = proves(&[("1", FIRST), ("01011901", BIRTH)])?,
        (23..25, _) => {}
        (25..28, _) => person.picks_up = PicksUp::Voicemail,
        (28..60, Some(code)) => person.hears = proves(&[("2", FIRST), (code, CARERS), (&keys, BIRTH), ("2", RECORD)])?,
        (28..30, None) => person.hears = proves(&[("2", FIRST), ("0000", CARERS), (&keys, BIRTH)])?,
        // Nobody lets us record: audio flows in real time, which a month in jumps has none of.
        _ => person.hears = proves(&[("1", FIRST), (&keys, BIRTH), (&patient.code, CODE), ("2", RECORD)])?,
    }
    Ok(person)
}

fn on_duty(dice: &mut StdRng, nurse: &Nurse) -> Result<Person, Broken> {
    let mut person = somebody(&nurse.number, PicksUp::AfterSeconds(seconds(dice.random_range(2..9))))?;
    person.hangs_up = Some(HangsUp::AfterSeconds(seconds(1_500)));
    match dice.random_range(0..100) {
        0..4 => person.picks_up = PicksUp::Never,
        4..7 => person.picks_up = PicksUp::Busy,
        7..10 => person.hears = proves(&[("2", &["Press 1 to take"])])?,
        10..12 => {}
        _ => person.hears = proves(&[("1", &["Press 1 to take"])])?,
    }
    Ok(person)
}

/// Words of the call script by which people know what they are asked, in both languages.
const FIRST: &[&str] = &["press 1 if you", "Oprima 1 si"];
const BIRTH: &[&str] = &["two digits for the month", "dos dígitos del mes"];
const CODE: &[&str] = &["four-digit call code", "código de cuatro dígitos"];
const CARERS: &[&str] = &["caregiver code", "código de cuidador"];
const RECORD: &[&str] = &["be recorded", "Podemos grabar"];

fn proves(steps: &[(&str, &[&str])]) -> Result<Vec<Hears>, Broken> {
    let mut hears = Vec::new();
    for (keys, words) in steps {
        for says in *words {
            let press = Keys::try_from((*keys).to_owned()).map_err(Broken::of)?;
            hears.push(Hears { says: (*says).to_owned(), press, after_seconds: seconds(3), times: None });
        }
    }
    Ok(hears)
}

fn somebody(number: &str, picks_up: PicksUp) -> Result<Person, Broken> {
    Ok(Person {
        name: "Somebody".to_owned(),
        number: Number::try_from(number.to_owned()).map_err(Broken::of)?,
        picks_up,
        hears: Vec::new(),
        hangs_up: None,
        in_conference: Vec::new(),
        texts: Texting::Arrive,
        writes_back: Vec::new(),
        withholds_number: false,
        taken_for: None,
    })
}

const fn seconds(count: u64) -> Seconds {
    Seconds(Duration::from_secs(count))
}
