//! Marks: every invented fact of an organization carries its number, so that whatever is seen says whose it is. The
//! detector reads bytes as they came and knows nothing of pages, doors or tables.

use std::collections::HashMap;
use uuid::Uuid;

/// The kind of a leak that is an id and nothing more.
pub const AN_ID: &str = "an id";

/// A fact of organization `number`, such as `Kx007qallergies`.
#[must_use]
pub fn mark(number: usize, field: &str) -> String {
    format!("Kx{number:03}q{field}")
}

/// A telephone of organization `number`, in the block that rings nobody; `line` is 0 to 99.
#[must_use]
pub fn phone(number: usize, line: usize) -> String {
    format!("+1{}55501{line:02}", 200 + number)
}

/// Tells whose a fact is.
#[derive(Default)]
pub struct Detector {
    owners: HashMap<Uuid, usize>,
}

/// What was seen in one reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether it shows the asker's own facts: a detector that sees nothing proves nothing.
    pub own: bool,
    /// The first fact of somebody else.
    pub foreign: Option<Foreign>,
}

/// A fact of another organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Whose it is.
    pub owner: usize,
    /// What it is.
    pub kind: &'static str,
}

impl Detector {
    /// Knows ids too.
    #[must_use]
    pub const fn knowing(owners: HashMap<Uuid, usize>) -> Self {
        Self { owners }
    }

    /// Reads `text` for organization `asker`, who has named the ids `said`: an id that comes back as an echo is no leak.
    #[must_use]
    pub fn look(&self, text: &str, asker: usize, said: &[Uuid]) -> Seen {
        let bytes = text.as_bytes();
        let mut seen = Seen::default();
        let mut note = |owner: usize, kind: &'static str| {
            if owner == asker {
                seen.own = true;
            } else if seen.foreign.is_none() {
                seen.foreign = Some(Foreign { owner, kind });
            }
        };
        for (at, _) in text.match_indices('q') {
            if let Some(owner) = marked(bytes, at) {
                note(owner, "a marked fact");
            }
        }
        for (at, _) in text.match_indices("+1") {
            if let Some(owner) = rung(bytes, at) {
                note(owner, "a telephone");
            }
        }
        if !self.owners.is_empty() {
            for (at, _) in text.match_indices('-') {
                let Some(id) = named(bytes, at).filter(|id| !said.contains(id)) else { continue };
                if let Some(owner) = self.owners.get(&id) {
                    note(*owner, AN_ID);
                }
            }
        }
        seen
    }
}

/// The number of a mark whose `q` stands at `at`; e-mail addresses carry it in small letters.
fn marked(bytes: &[u8], at: usize) -> Option<usize> {
    let begin = at.checked_sub(5)?;
    let [k, x, digits @ ..] = bytes.get(begin..at)? else { return None };
    (k.eq_ignore_ascii_case(&b'k') && *x == b'x').then(|| number(digits)).flatten()
}

/// The number of a telephone that begins at `at`.
fn rung(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes.get(at.checked_add(2)?..at.checked_add(10)?)?;
    let (area, block) = digits.split_at_checked(3)?;
    (block == b"55501").then(|| number(area)).flatten()?.checked_sub(200)
}

/// An id whose first hyphen stands at `at`.
fn named(bytes: &[u8], at: usize) -> Option<Uuid> {
    let begin = at.checked_sub(8)?;
    if bytes.get(at.checked_add(5)?) != Some(&b'-') || bytes.get(at.checked_add(10)?) != Some(&b'-') {
        return None;
    }
    Uuid::try_parse_ascii(bytes.get(begin..begin.checked_add(36)?)?).ok()
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
