//! Townspeople as data: who picks up when, which keys they press at which words, what they say to each other.
//! Read from `evals/calls/*.yaml`; all of them are invented.

use super::machines::{Mailbox, Screening, TakenFor};
use serde::Deserialize;
use std::time::Duration;

/// Longest wait a person may be given, in seconds: one day.
const LONGEST_WAIT_SECONDS: f64 = 86_400.0;

/// Everybody who lives in the town.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TownPlan {
    /// What this file is for, in a sentence.
    #[serde(default)]
    pub about: String,
    /// The people.
    pub people: Vec<Person>,
}

/// One person with a telephone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// How a narration calls them.
    pub name: String,
    /// Their number, E.164.
    pub number: Number,
    /// What happens when it rings.
    pub picks_up: PicksUp,
    /// Whether they hide their number when they ring somebody.
    #[serde(default)]
    pub withholds_number: bool,
    /// What they do when the carrier speaks to them: the first entry that fits and is not used up.
    #[serde(default)]
    pub hears: Vec<Hears>,
    /// When they hang up by themselves, if they do.
    #[serde(default)]
    pub hangs_up: Option<HangsUp>,
    /// What they say in a conference.
    #[serde(default)]
    pub in_conference: Vec<Line>,
    /// What the carrier takes whoever answers for, if always for the same; else as it usually fares.
    #[serde(default)]
    pub taken_for: Option<TakenFor>,
    /// What becomes of texts to them.
    #[serde(default)]
    pub texts: Texting,
    /// What they write back.
    #[serde(default)]
    pub writes_back: Vec<WritesBack>,
}

/// What becomes of texts to somebody, with the provider's error code where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Texting {
    /// They arrive.
    #[default]
    Arrive,
    /// The network does not deliver them, such as 30003: the telephone is off.
    Undelivered(u32),
    /// The carrier does not send them, such as 30007: filtered.
    Failed(u32),
    /// The carrier does not even take them, such as 21614: no mobile telephone.
    Refused(u32),
}

/// A reaction to a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WritesBack {
    /// Part of the words, in any case.
    pub when_reads: String,
    /// What they write.
    pub says: String,
    /// How long after.
    #[serde(default)]
    pub after_seconds: Seconds,
    /// How often they send it each time, one right after the other; once when absent.
    #[serde(default)]
    pub copies: Option<u32>,
}

/// What happens when it rings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PicksUp {
    /// They answer after so much ringing.
    AfterSeconds(Seconds),
    /// The line is engaged.
    Busy,
    /// It rings until the carrier gives up.
    Never,
    /// A voicemail as most are answers.
    Voicemail,
    /// A voicemail of its own kind answers.
    Mailbox(Mailbox),
    /// A machine asks who is calling before the person is on the line.
    Screened(Screening),
    /// A fax answers.
    Fax,
}

/// A reaction to words from the carrier.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hears {
    /// Part of the words, in any case.
    pub says: String,
    /// Keys pressed then.
    pub press: Keys,
    /// How long after the words.
    #[serde(default)]
    pub after_seconds: Seconds,
    /// How often at most; always when absent.
    #[serde(default)]
    pub times: Option<u32>,
}

/// When a person hangs up.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangsUp {
    /// When the carrier, or somebody in the conference, says this (part, in any case).
    WhenHears(String),
    /// So long after answering.
    AfterSeconds(Seconds),
}

/// One thing said in a conference. Either `after_seconds` of company or `when_hears` somebody else; with both, so
/// long after hearing it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// How long after the beginning of the conference, or after the words of `when_hears`.
    #[serde(default)]
    pub after_seconds: Option<Seconds>,
    /// Part of what another party said, in any case.
    #[serde(default)]
    pub when_hears: Option<String>,
    /// The words.
    pub say: String,
    /// How often at most; once when absent.
    #[serde(default)]
    pub times: Option<u32>,
}

/// A wait of the town's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Seconds(pub Duration);

impl TryFrom<f64> for Seconds {
    type Error = &'static str;
    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        if (0.0..=LONGEST_WAIT_SECONDS).contains(&seconds) {
            Ok(Self(Duration::from_secs_f64(seconds)))
        } else {
            Err("seconds must be between 0 and 86400")
        }
    }
}

/// A telephone number in E.164.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Number(String);

impl Number {
    /// The number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Number {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.strip_prefix('+').ok_or("a number begins with + and the country code")?;
        if (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0') {
            Ok(Self(text))
        } else {
            Err("a number is + and 7 to 15 digits, the first not 0")
        }
    }
}

/// Keys of a telephone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Keys(String);

impl Keys {
    /// The keys.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Keys {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().all(|key| key.is_ascii_digit() || key == '*' || key == '#') {
            Ok(Self(text))
        } else {
            Err("keys are 0 to 9, * and #, in quotation marks")
        }
    }
}

/// A plan that cannot be read, with the line and what is wrong there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PlanFault(String);

impl TownPlan {
    /// Reads a plan from YAML (JSON is YAML too).
    ///
    /// # Errors
    /// Names the line of the first fault; two people with one number are a fault.
    pub fn read(text: &str) -> Result<Self, PlanFault> {
        let plan: Self = serde_saphyr::from_str(text).map_err(|fault| PlanFault(fault.to_string()))?;
        let mut numbers: Vec<&Number> = plan.people.iter().map(|person| &person.number).collect();
        numbers.sort();
        match numbers.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        }) {
            Some(twice) => Err(PlanFault(format!("two people have the number {}", twice.as_str()))),
            None => Ok(plan),
        }
    }
}

/// What a person is about to do, and how long from now.
pub(super) type Intent = (Duration, Act);

/// What a person does with a telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Press(String),
    Say(String),
    HangUp,
}

/// A person on the telephone: the plan, and how much of it is used up. One for each call.
#[derive(Clone, Debug)]
pub(super) struct Mind {
    person: Person,
    heard: Vec<u32>,
    said: Vec<u32>,
}

/// How long a person takes to react when the plan does not say.
const REACTION: Duration = Duration::from_millis(40);

impl Mind {
    pub(super) fn of(person: Person) -> Self {
        Self { heard: vec![0; person.hears.len()], said: vec![0; person.in_conference.len()], person }
    }

    pub(super) const fn picks_up(&self) -> &PicksUp {
        &self.person.picks_up
    }

    pub(super) const fn taken_for(&self) -> Option<TakenFor> {
        self.person.taken_for
    }

    /// What they mean to do from the moment they answer.
    pub(super) fn answers(&self) -> Option<Intent> {
        match &self.person.hangs_up {
            Some(HangsUp::AfterSeconds(after)) => Some((after.0, Act::HangUp)),
            Some(HangsUp::WhenHears(_)) | None => None,
        }
    }

    /// What they mean to do when the carrier has said something.
    pub(super) fn hears_carrier(&mut self, text: &str) -> Vec<Intent> {
        let fits = |(entry, used): &(&Hears, &mut u32)| {
            contains(text, &entry.says) && entry.times.is_none_or(|times| **used < times)
        };
        let press = self.person.hears.iter().zip(&mut self.heard).find(fits).map(|(entry, used)| {
            *used += 1;
            (entry.after_seconds.0.max(REACTION), Act::Press(entry.press.as_str().to_owned()))
        });
        press.into_iter().chain(self.gives_up_at(text)).collect()
    }

    /// What they mean to say once they are not alone in the conference.
    pub(super) fn has_company(&mut self) -> Vec<Intent> {
        self.lines(|line| line.when_hears.is_none())
    }

    /// What they mean to do when another party has said something.
    pub(super) fn hears_party(&mut self, text: &str) -> Vec<Intent> {
        let mut intents = self.lines(|line| line.when_hears.as_ref().is_some_and(|part| contains(text, part)));
        intents.extend(self.gives_up_at(text));
        intents
    }

    fn lines(&mut self, fits: impl Fn(&Line) -> bool) -> Vec<Intent> {
        let lines = self.person.in_conference.iter().zip(&mut self.said);
        lines
            .filter_map(|(line, used)| {
                (fits(line) && *used < line.times.unwrap_or(1)).then(|| {
                    *used += 1;
                    (line.after_seconds.map_or(REACTION, |after| after.0), Act::Say(line.say.clone()))
                })
            })
            .collect()
    }

    fn gives_up_at(&self, text: &str) -> Option<Intent> {
        match &self.person.hangs_up {
            Some(HangsUp::WhenHears(part)) if contains(text, part) => Some((REACTION, Act::HangUp)),
            Some(HangsUp::WhenHears(_) | HangsUp::AfterSeconds(_)) | None => None,
        }
    }
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}
