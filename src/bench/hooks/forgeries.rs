//! Promise P9: letters that nobody at the carrier wrote, and genuine ones told again. The first are refused, the second
//! change nothing.

use super::{
    letters::{Fields, Letter, Sender, body},
    post::Handed,
};
use crate::domain::ids::OrgId;
use rand::{RngExt, rngs::StdRng, seq::SliceRandom};
use std::collections::BTreeSet;

/// Something done to a genuine letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trick {
    /// A bit of the body is turned over.
    BodyBit,
    /// A bit of the path is.
    PathBit,
    /// A bit of the signature is.
    SignatureBit,
    /// The signature is cut short.
    CutSignature,
    /// There is none.
    NoSignature,
    /// Signed with a token of somebody else.
    OtherToken,
    /// Signed with no token at all.
    EmptyToken,
    /// Signed for another host, and the headers name that host.
    OtherHost,
    /// Brought to another organization.
    OtherOrganization,
    /// A field is gone.
    Dropped,
    /// A field more.
    Added,
    /// A field says something else.
    Changed,
    /// A field swallowed the next.
    Swallowed,
    /// A field's end has become a field.
    Split,
    /// A second, other value of a field.
    SecondValue,
    /// Brought again.
    Again,
    /// Brought again with its fields in another order.
    Reordered,
    /// Brought again with a field twice.
    Doubled,
    /// Brought again after its attempt has ended.
    AfterTheEnd,
    /// A genuine letter in new words about an attempt that has ended.
    Late,
}

/// What must become of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is refused.
    Refusal,
    /// It may be answered, and changes nothing.
    NoEffect,
}

impl Trick {
    /// Every one.
    pub const ALL: [Self; 20] = [
        Self::BodyBit,
        Self::PathBit,
        Self::SignatureBit,
        Self::CutSignature,
        Self::NoSignature,
        Self::OtherToken,
        Self::EmptyToken,
        Self::OtherHost,
        Self::OtherOrganization,
        Self::Dropped,
        Self::Added,
        Self::Changed,
        Self::Swallowed,
        Self::Split,
        Self::SecondValue,
        Self::Again,
        Self::Reordered,
        Self::Doubled,
        Self::AfterTheEnd,
        Self::Late,
    ];

    /// What must become of it.
    #[must_use]
    pub const fn due(self) -> Due {
        match self {
            Self::BodyBit
            | Self::PathBit
            | Self::SignatureBit
            | Self::CutSignature
            | Self::NoSignature
            | Self::OtherToken
            | Self::EmptyToken
            | Self::OtherHost
            | Self::OtherOrganization
            | Self::Dropped
            | Self::Added
            | Self::Changed
            | Self::Swallowed
            | Self::Split
            | Self::SecondValue => Due::Refusal,
            Self::Again | Self::Reordered | Self::Doubled | Self::AfterTheEnd | Self::Late => Due::NoEffect,
        }
    }
}

/// Genuine letters that tricks are played with.
pub struct Letters {
    /// Whoever writes them.
    pub sender: Sender,
    /// Not brought yet; each would change its call.
    pub unread: Vec<Letter>,
    /// Brought, about attempts that still run.
    pub read: Vec<Letter>,
    /// Brought, about attempts that have ended.
    pub over: Vec<Letter>,
    /// Not brought, signed, about attempts that have ended.
    pub late: Vec<Letter>,
    /// An organization that none of them is about.
    pub stranger: OrgId,
}

impl Letters {
    /// One letter with a trick played on it. `None` when that changed nothing, or chance found no letter.
    pub fn play(&self, trick: Trick, dice: &mut StdRng) -> Option<Handed> {
        let from = match trick {
            Trick::Again | Trick::Reordered | Trick::Doubled => &self.read,
            Trick::AfterTheEnd => &self.over,
            Trick::Late => &self.late,
            Trick::BodyBit
            | Trick::PathBit
            | Trick::SignatureBit
            | Trick::CutSignature
            | Trick::NoSignature
            | Trick::OtherToken
            | Trick::EmptyToken
            | Trick::OtherHost
            | Trick::OtherOrganization
            | Trick::Dropped
            | Trick::Added
            | Trick::Changed
            | Trick::Swallowed
            | Trick::Split
            | Trick::SecondValue => &self.unread,
        };
        let letter = from.get(dice.random_range(0..from.len().max(1)))?;
        let mut handed = Handed::from(letter);
        match trick {
            Trick::Again | Trick::AfterTheEnd | Trick::Late => {}
            Trick::BodyBit => handed.body = turned(&handed.body, dice)?,
            Trick::PathBit => handed.path = String::from_utf8(turned(handed.path.as_bytes(), dice)?).ok()?,
            Trick::SignatureBit | Trick::CutSignature | Trick::NoSignature => {
                handed.signature = damaged(trick, &letter.signature, dice);
            }
            Trick::OtherToken | Trick::EmptyToken | Trick::OtherHost => {
                self.signed_otherwise(trick, letter, &mut handed);
            }
            Trick::OtherOrganization => handed.path = elsewhere(&letter.path, self.stranger)?,
            Trick::Dropped
            | Trick::Added
            | Trick::Changed
            | Trick::Swallowed
            | Trick::Split
            | Trick::SecondValue
            | Trick::Reordered
            | Trick::Doubled => handed.body = body(&rewritten(trick, &letter.fields, dice)?).into_bytes(),
        }
        (trick.due() == Due::NoEffect || !self.is_the_letter_itself(letter, &handed)).then_some(handed)
    }

    /// Whether the signature still holds and everything that is read is as it was. The signed text has no borders between
    /// names and values, so what stands in fields that nobody reads may run together and is still the letter.
    fn is_the_letter_itself(&self, letter: &Letter, handed: &Handed) -> bool {
        let fields: Fields = url::form_urlencoded::parse(&handed.body).into_owned().collect();
        handed.signature.as_deref() == Some(&self.sender.sign(&handed.path, &fields))
            && read(&fields) == read(&letter.fields)
    }

    fn signed_otherwise(&self, trick: Trick, letter: &Letter, handed: &mut Handed) {
        let mut forger = self.sender.clone();
        match trick {
            Trick::OtherToken => forger.token = hex::encode(rand::random::<[u8; 16]>()),
            Trick::EmptyToken => forger.token.clear(),
            Trick::OtherHost
            | Trick::BodyBit
            | Trick::PathBit
            | Trick::SignatureBit
            | Trick::CutSignature
            | Trick::NoSignature
            | Trick::OtherOrganization
            | Trick::Dropped
            | Trick::Added
            | Trick::Changed
            | Trick::Swallowed
            | Trick::Split
            | Trick::SecondValue
            | Trick::Again
            | Trick::Reordered
            | Trick::Doubled
            | Trick::AfterTheEnd
            | Trick::Late => {
                let host = "forger.example.org";
                forger.origin = format!("https://{host}");
                handed.host = Some(host.to_owned());
            }
        }
        handed.signature = Some(forger.sign(&letter.path, &letter.fields));
    }
}

/// Fields that the product reads.
const NAMES_READ: [&str; 10] = [
    "AccountSid",
    "CallSid",
    "CallStatus",
    "ConferenceSid",
    "CallSidEndingConference",
    "StatusCallbackEvent",
    "SequenceNumber",
    "Timestamp",
    "Digits",
    "AnsweredBy",
];

/// What is read of a form.
fn read(fields: &Fields) -> BTreeSet<&(String, String)> {
    fields.iter().filter(|(name, _)| NAMES_READ.contains(&name.as_str())).collect()
}

fn turned(bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let mut turned = bytes.to_vec();
    let byte = turned.get_mut(dice.random_range(0..bytes.len().max(1)))?;
    *byte ^= 1 << dice.random_range(0..7_u8);
    Some(turned)
}

fn damaged(trick: Trick, signature: &str, dice: &mut StdRng) -> Option<String> {
    if trick == Trick::NoSignature {
        return None;
    }
    if trick == Trick::CutSignature {
        return signature.get(..dice.random_range(0..signature.len())).map(str::to_owned);
    }
    // A header cannot carry every byte; another sign of its alphabet stands for a turned bit.
    let at = dice.random_range(0..signature.len());
    let other = if signature.as_bytes().get(at) == Some(&b'A') { "B" } else { "A" };
    Some(format!("{}{other}{}", signature.get(..at)?, signature.get(at + 1..)?))
}

/// The same path with another organization in it.
fn elsewhere(path: &str, stranger: OrgId) -> Option<String> {
    let rest = path.strip_prefix("/hooks/phone/")?.split_once('/')?.1;
    Some(format!("/hooks/phone/{stranger}/{rest}"))
}

fn rewritten(trick: Trick, fields: &Fields, dice: &mut StdRng) -> Option<Fields> {
    let mut fields = fields.clone();
    let at = dice.random_range(0..fields.len());
    match trick {
        Trick::Dropped => drop(fields.remove(at)),
        Trick::Added => fields.push((letters(dice, 1..12), letters(dice, 0..12))),
        Trick::Changed => fields.get_mut(at)?.1 = letters(dice, 0..12),
        Trick::Swallowed => {
            let (name, value) = (at + 1 < fields.len()).then(|| fields.remove(at + 1))?;
            let swallower = &mut fields.get_mut(at)?.1;
            swallower.push_str(&name);
            swallower.push_str(&value);
        }
        Trick::Split => {
            let value = fields.get(at)?.1.clone();
            let (kept, moved) = value.split_at_checked(dice.random_range(0..=value.len()))?;
            kept.clone_into(&mut fields.get_mut(at)?.1);
            fields.push((moved.to_owned(), String::new()));
        }
        Trick::SecondValue => fields.push((fields.get(at)?.0.clone(), letters(dice, 1..12))),
        Trick::Reordered => fields.shuffle(dice),
        Trick::Doubled => fields.push(fields.get(at)?.clone()),
        Trick::BodyBit
        | Trick::PathBit
        | Trick::SignatureBit
        | Trick::CutSignature
        | Trick::NoSignature
        | Trick::OtherToken
        | Trick::EmptyToken
        | Trick::OtherHost
        | Trick::OtherOrganization
        | Trick::Again
        | Trick::AfterTheEnd
        | Trick::Late => return None,
    }
    Some(fields)
}

fn letters(dice: &mut StdRng, length: std::ops::Range<usize>) -> String {
    let length = dice.random_range(length);
    (0..length).map(|_| char::from(dice.random_range(b'a'..=b'z'))).collect()
}
