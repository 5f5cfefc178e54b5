//! One request at one door, with every place for an id filled from the caller's own rows, another organization's or
//! nobody's. A door that is added tomorrow is knocked at too: its path and the words in its form say what it asks for.

use super::{
    founding::Organization,
    marks::{mark, phone},
};
use crate::web::routes::Door;
use http::Method;
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

/// A request, filled in.
pub struct Knock {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// What is sent along.
    pub body: Body,
    /// Ids it names: they may come back as an echo.
    pub said: Vec<Uuid>,
    /// Whether its path names a row of another organization, which nothing may be done with.
    pub names_foreign_row: Whose,
}

/// Whose row the path of a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// No row, or the caller's own, or nobody's.
    Allowed,
    /// The organization's of this number.
    Foreign(usize),
}

/// What is sent along.
pub enum Body {
    /// Nothing.
    Empty,
    /// A form.
    Form(Vec<(&'static str, String)>),
    /// JSON.
    Json(Value),
}

/// Chooses ids, and remembers what it has chosen.
struct Ids<'a> {
    rng: &'a mut StdRng,
    own: &'a Organization,
    organizations: &'a [Organization],
    said: Vec<Uuid>,
}

impl Ids<'_> {
    /// A row of a table: the caller's own in half of the cases, another organization's in most others.
    fn choose(&mut self, table: &str) -> (Uuid, Whose) {
        let (from, whose) = match self.rng.random_range(0..10) {
            0..5 => (self.own, Whose::Allowed),
            5..9 => {
                let other = self.organizations.get(self.rng.random_range(0..self.organizations.len()));
                match other.filter(|other| other.number != self.own.number) {
                    Some(other) => (other, Whose::Foreign(other.number)),
                    None => (self.own, Whose::Allowed),
                }
            }
            _ => return (self.nobodys(), Whose::Allowed),
        };
        let rows = from.rows.get(table).filter(|rows| !rows.is_empty());
        match rows.and_then(|rows| rows.get(self.rng.random_range(0..rows.len()))) {
            Some(id) => (self.keep(*id), whose),
            None => (self.nobodys(), Whose::Allowed),
        }
    }

    fn any(&mut self, table: &str) -> String {
        self.choose(table).0.to_string()
    }

    fn nobodys(&mut self) -> Uuid {
        let id = Uuid::from_u128(self.rng.random());
        self.keep(id)
    }

    fn keep(&mut self, id: Uuid) -> Uuid {
        self.said.push(id);
        id
    }
}

/// Fills in a request at a door.
pub fn knock(rng: &mut StdRng, door: &Door, own: &Organization, organizations: &[Organization]) -> Knock {
    let mut ids = Ids { rng, own, organizations, said: Vec::new() };
    let mut names_foreign_row = Whose::Allowed;
    let mut path = String::new();
    let mut noun = "";
    for part in door.path.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => {
                noun = part;
                path.push_str(part);
            }
            Some("part") => path.push_str(choose(ids.rng, &["state", "transcript", "decision", "guidance"])),
            Some("version") => path.push('1'),
            Some("name") => path.push_str("live.js"),
            Some("provider" | "code" | "organization") => path.push_str(&own.code),
            Some(_) => {
                let (id, whose) = ids.choose(table_of(noun));
                path.push_str(&id.to_string());
                if whose != Whose::Allowed {
                    names_foreign_row = whose;
                }
            }
        }
    }
    let body = match door.method {
        Method::GET => Body::Empty,
        _ if door.path.starts_with("/api") => Body::Json(json(&mut ids, door.path)),
        _ => Body::Form(form(&mut ids, door.path)),
    };
    Knock { method: door.method.clone(), path, body, said: ids.said, names_foreign_row }
}

/// The table of what a path names; what is not known here is tried with patients.
fn table_of(noun: &str) -> &'static str {
    match noun {
        "calls" => "call",
        "follow-ups" => "follow_up",
        "staff" | "members" => "staff_member",
        "sessions" => "session",
        "contacts" => "contact",
        "assessments" => "assessment",
        _ => "patient",
    }
}

fn choose<'a>(rng: &mut StdRng, of: &[&'a str]) -> &'a str {
    of.get(rng.random_range(0..of.len().max(1))).copied().unwrap_or_default()
}

/// Every field that some form of ours reads; a form passes over those of others.
fn form(ids: &mut Ids<'_>, path: &str) -> Vec<(&'static str, String)> {
    let own = ids.own.number;
    let texts = [
        ("given_name", mark(own, "typed")),
        ("family_name", mark(own, "typed")),
        ("full_name", mark(own, "typed")),
        ("relation", mark(own, "typed")),
        ("allergies", mark(own, "typed")),
        ("medications", mark(own, "typed")),
        ("evidence", mark(own, "typed")),
        ("agreed_plan", mark(own, "typed")),
        ("reason", mark(own, "typed")),
        ("title", mark(own, "typed")),
        ("question", format!("What helps against breathlessness at night {}", mark(own, "typed"))),
        ("phone", phone(own, 7)),
        ("date_of_birth", "1944-03-09".to_owned()),
        ("language", "en-US".to_owned()),
        ("time_zone", "America/Chicago".to_owned()),
        ("call_code", "4711".to_owned()),
        ("protocol", "dyspnea".to_owned()),
        ("when", choose(ids.rng, &["now", "planned"]).to_owned()),
        ("due", "2031-05-05T12:00".to_owned()),
        ("channel", "any".to_owned()),
        ("answer", "given".to_owned()),
        ("outcome", "spoke".to_owned()),
        ("disposition", "routine".to_owned()),
        ("revision", "1".to_owned()),
        ("idem_key", Uuid::from_u128(ids.rng.random()).to_string()),
        ("purpose", purpose(path).to_owned()),
        // Marks begin alike in every organization, so this asks for everybody's.
        ("name", choose(ids.rng, &["Kx", "", "q"]).to_owned()),
        ("organization", ids.own.code.clone()),
        ("email", "nobody@example.org".to_owned()),
        ("password", "wrong horse".to_owned()),
        ("page", "0".to_owned()),
        ("deed", String::new()),
    ];
    let mut fields = texts.to_vec();
    for (name, table) in ROWS {
        fields.push((name, ids.any(table)));
    }
    fields
}

/// Fields that name a row.
const ROWS: [(&str, &str); 7] = [
    ("patient", "patient"),
    ("nurse", "staff_member"),
    ("staff", "staff_member"),
    ("contact", "contact"),
    ("call", "call"),
    ("follow_up", "follow_up"),
    ("session", "session"),
];

/// The same for the interface of programs. A field that an operation does not know is passed over.
fn json(ids: &mut Ids<'_>, path: &str) -> Value {
    let own = ids.own.number;
    let mut value = json!({
        "given_name": mark(own, "typed"), "family_name": mark(own, "typed"), "full_name": mark(own, "typed"),
        "relation": mark(own, "typed"), "allergies": mark(own, "typed"), "medications": mark(own, "typed"),
        "evidence": mark(own, "typed"), "agreed_plan": mark(own, "typed"), "reason": mark(own, "typed"),
        "question": format!("What helps against breathlessness at night {}", mark(own, "typed")),
        "phone": phone(own, 8), "date_of_birth": "1944-03-09", "language": "en-US",
        "time_zone": "America/Chicago", "call_code": "4711", "protocol": "dyspnea", "channel": "any",
        "answer": "given", "outcome": "spoke", "disposition": "routine", "revision": 1,
        "purpose": purpose(path), "name": choose(ids.rng, &["Kx", "", "q"]),
        "organization": ids.own.code.clone(), "email": "nobody@example.org", "password": "wrong horse", "page": 0,
        "due_at": "2031-05-05T17:00:00Z", "answers": {}, "facts": {}, "confirmed": [], "scopes": []
    });
    if let Some(fields) = value.as_object_mut() {
        for (name, table) in ROWS {
            fields.insert(name.to_owned(), Value::from(ids.any(table)));
        }
    }
    value
}

fn purpose(path: &str) -> &'static str {
    if path.contains("consents") { "discuss_health" } else { "check_in" }
}
