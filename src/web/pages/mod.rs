//! Pages: server-rendered, working without JavaScript. A handler reads its input, calls a flow and renders.

pub mod access;
pub mod account;
pub mod approvals;
pub mod assets;
pub mod break_glass;
pub mod call;
pub mod callers;
pub mod calling;
pub mod chart;
pub mod colleagues;
pub mod colleagues_sessions;
pub mod credentials;
pub mod documents;
pub mod esas;
pub mod factors;
pub mod faults;
pub mod follow_ups;
pub mod health;
pub mod icons;
pub mod line;
pub mod live_calls;
pub mod move_call;
pub mod outreach;
pub mod patients;
pub mod planning;
pub mod plans;
pub mod protocols;
pub mod prove;
pub mod record;
pub mod recording;
pub mod reset;
pub mod reviews;
pub mod schedule;
pub mod second_step;
pub mod secrets;
pub mod sign_in;
pub mod sign_on_settings;
pub mod spoken;
pub mod sso;
pub mod staff;
pub mod standing;
pub mod texting;
pub mod texts;
pub mod today;
pub mod tokens;
pub mod words;

use super::identity::SignedIn;
use crate::domain::{people::Role, session};

/// The head of a page without a signed-in person.
pub struct Bare {
    /// The page's title.
    pub title: &'static str,
}

/// The head of every other page: title, navigation, who is signed in.
pub struct Frame {
    /// The page's title.
    pub title: String,
    /// The navigation a role has.
    pub links: Vec<Link>,
    /// Who is signed in.
    pub person: String,
    /// Their role, in words.
    pub role: &'static str,
    /// Their organization.
    pub org: String,
    /// When their session ends.
    pub rest: String,
}

/// One entry of the navigation.
pub struct Link {
    /// Where it leads.
    pub path: &'static str,
    /// What it says.
    pub words: &'static str,
    /// Whether it is this page's own part.
    pub here: bool,
}

impl Frame {
    /// The frame of a page in the part `here`, such as `/patients`.
    #[must_use]
    pub fn of(person: &SignedIn, title: impl Into<String>, here: &str) -> Self {
        let role = person.0.actor.role();
        let paths: &[(&str, &str)] = match role {
            Some(Role::Nurse) => &[
                ("/today", "Today"),
                ("/patients", "Patients"),
                ("/follow-ups", "Follow-ups"),
                ("/texts", "Texts"),
                ("/callers", "Callers"),
                ("/planning", "Planning"),
                ("/protocols", "Protocols"),
            ],
            Some(Role::Physician) => &[
                ("/today", "Today"),
                ("/patients", "Patients"),
                ("/follow-ups", "Follow-ups"),
                ("/texts", "Texts"),
                ("/callers", "Callers"),
                ("/protocols", "Protocols"),
            ],
            Some(Role::Coordinator) => &[
                ("/today", "Today"),
                ("/patients", "Patients"),
                ("/follow-ups", "Follow-ups"),
                ("/texts", "Texts"),
                ("/callers", "Callers"),
                ("/reviews", "Reviews"),
                ("/planning", "Planning"),
                ("/break-glass", "Urgent access"),
            ],
            Some(Role::Admin) => &[
                ("/staff", "Staff"),
                ("/protocols", "Protocols"),
                ("/approvals", "Approvals"),
                ("/break-glass", "Urgent access"),
                ("/record", "Record"),
                ("/settings/calling", "Calling"),
                ("/settings/sign-on", "Sign-on"),
                ("/settings/secrets", "Secrets"),
            ],
            Some(Role::Auditor) => &[
                ("/record", "Record"),
                ("/settings/secrets", "Secrets"),
                ("/approvals", "Approvals"),
                ("/protocols", "Protocols"),
            ],
            None => &[],
        };
        let links = paths.iter().map(|&(path, words)| Link { path, words, here: path == here }).collect();
        Self {
            title: title.into(),
            links,
            person: person.0.full_name.clone(),
            role: role.map_or("", words::role),
            org: person.0.org_name.clone(),
            rest: rest(role),
        }
    }
}

/// When a session ends, for whoever has no script to say it in time.
fn rest(role: Option<Role>) -> String {
    let hours = role.map_or(0, |role| session::longest(role).num_hours());
    let whole = if hours == 1 { "an hour".to_owned() } else { format!("a shift of {hours} hours") };
    format!("You are signed out after {} minutes without use, and after {whole}.", session::IDLE.num_minutes())
}
