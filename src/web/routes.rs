//! Every route with the roles it permits, in one list. `identity::guard` lets nothing through that has no row here.

use super::{layers::BODY_LIMIT, pages};
use crate::domain::{
    api_token::Scope::{
        self, AskGuidance, ReadAssessments, ReadCalls, ReadFollowUps, ReadGuidance, ReadPatients, ReadProfile,
        ReadRecord, ReadWorklist, WriteAssessments, WriteCalls, WriteFollowUps, WritePatients,
    },
    pace::Pace,
    people::Role::{self, Admin, Auditor, Coordinator, Nurse, Physician},
};
use axum::http::Method;

/// Whom a route lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Everybody, signed in or not.
    Anyone,
    /// Signed-in staff of these roles.
    Roles(&'static [Role]),
}

/// How recent the proof behind a session must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A session is enough.
    Session,
    /// Its person proved who they are within `session::FRESH`; else pages lead to `/prove`, and the API answers 403
    /// with the problem `prove_again`.
    Fresh,
}

/// One row: a route and whom it lets in.
#[derive(Clone, Debug)]
pub struct Door {
    /// The HTTP method; `GET` stands for `HEAD` too.
    pub method: Method,
    /// The route as axum names it.
    pub path: &'static str,
    /// Whom it lets in.
    pub permit: Permit,
    /// What a program's token needs to open it; no token opens a door without a scope.
    pub scope: Option<Scope>,
    /// What opening it costs.
    pub pace: Pace,
    /// Most bytes of a request's body.
    pub most_bytes: usize,
    /// How recent their proof must be.
    pub proof: Proof,
}

impl Door {
    /// Whether it opens to somebody who must add a second factor before anything else does.
    #[must_use]
    pub fn is_early(&self) -> bool {
        EARLY.contains(&self.path) || self.path.starts_with("/account/factors")
    }

    /// The same door, open to tokens of a scope too.
    const fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The same door, for whoever proved in the last minutes who they are.
    const fn fresh(mut self) -> Self {
        self.proof = Proof::Fresh;
        self
    }

    /// The same door for larger bodies.
    const fn most_bytes(mut self, most: usize) -> Self {
        self.most_bytes = most;
        self
    }

    /// The same door at another pace.
    const fn at(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }
}

/// What opens to somebody who owes a second factor, beside the page that adds one.
const EARLY: &[&str] =
    &["/sign-out", "/account/stay", "/prove", "/prove/ask", "/prove/passkey", "/api/sign-out", "/api/prove"];

const EVERY_ROLE: &[Role] = &[Nurse, Coordinator, Physician, Admin, Auditor];
/// Who reads charts.
const CARERS: &[Role] = &[Nurse, Coordinator, Physician];
/// Who admits, plans, asks and signs.
const CALLERS: &[Role] = &[Nurse, Coordinator];
/// Who asks for guidance, answers a protocol and signs.
const SIGNERS: &[Role] = &[Nurse, Physician];
/// Who reviews.
const REVIEWERS: &[Role] = &[Coordinator];
/// Who takes urgent access, and who reviews it.
const URGENT: &[Role] = &[Nurse, Coordinator, Physician, Admin];
/// Who answers what another asked for: clinical leads, admins, auditors.
const APPROVERS: &[Role] = &[Nurse, Physician, Admin, Auditor];
/// Who looks after staff and protocols, and sets the organization up.
const ADMINS: &[Role] = &[Admin];
const NURSES: &[Role] = &[Nurse];
/// Who reads the record.
const KEEPERS: &[Role] = &[Admin, Auditor];

/// Who learns who has seen a patient's record.
const WATCHERS: &[Role] = &[Coordinator, Admin, Auditor];

const fn open(method: Method, path: &'static str) -> Door {
    let (scope, pace, proof) = (None, Pace::Visit, Proof::Session);
    Door { method, path, permit: Permit::Anyone, scope, pace, most_bytes: BODY_LIMIT, proof }
}

const fn row(method: Method, path: &'static str, roles: &'static [Role]) -> Door {
    let (scope, pace, proof) = (None, Pace::Ordinary, Proof::Session);
    Door { method, path, permit: Permit::Roles(roles), scope, pace, most_bytes: BODY_LIMIT, proof }
}

/// The table of permissions.
pub const DOORS: &[Door] = &[
    open(Method::GET, "/health/live").at(Pace::Free),
    open(Method::GET, "/health/ready").at(Pace::Free),
    open(Method::GET, "/favicon.ico").at(Pace::Free),
    open(Method::GET, "/static/{version}/{name}").at(Pace::Free),
    open(Method::GET, "/sign-in"),
    open(Method::POST, "/sign-in").at(Pace::SignIn),
    open(Method::POST, "/sign-in/passkey/ask").at(Pace::SignIn),
    open(Method::POST, "/sign-in/passkey").at(Pace::SignIn),
    open(Method::GET, "/sign-in/factor"),
    open(Method::POST, "/sign-in/factor").at(Pace::SignIn),
    open(Method::POST, "/sign-in/factor/ask"),
    open(Method::POST, "/sign-in/factor/passkey").at(Pace::SignIn),
    open(Method::GET, "/sign-in/sso"),
    open(Method::POST, "/sign-in/sso"),
    open(Method::GET, "/sign-in/sso/return"),
    row(Method::POST, "/sign-out", EVERY_ROLE),
    open(Method::GET, "/forgot"),
    open(Method::POST, "/forgot").at(Pace::Reset),
    open(Method::GET, "/reset/{link}"),
    open(Method::POST, "/reset/{link}").at(Pace::SignIn),
    row(Method::GET, "/account", EVERY_ROLE),
    row(Method::GET, "/account/password", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/password", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/sessions/{id}/end", EVERY_ROLE),
    row(Method::POST, "/account/sessions/end-others", EVERY_ROLE),
    row(Method::POST, "/account/devices/{id}/end", EVERY_ROLE),
    row(Method::POST, "/account/stay", EVERY_ROLE),
    row(Method::GET, "/prove", EVERY_ROLE),
    row(Method::POST, "/prove", EVERY_ROLE).at(Pace::SignIn),
    row(Method::POST, "/prove/ask", EVERY_ROLE),
    row(Method::POST, "/prove/passkey", EVERY_ROLE).at(Pace::SignIn),
    row(Method::GET, "/", EVERY_ROLE),
    row(Method::GET, "/today", CARERS),
    row(Method::GET, "/today/parts/list", CARERS),
    row(Method::GET, "/patients", CARERS),
    row(Method::POST, "/patients", CARERS),
    row(Method::GET, "/patients/new", CALLERS),
    row(Method::POST, "/patients/new", CALLERS),
    row(Method::GET, "/patients/{id}", CARERS),
    row(Method::POST, "/patients/{id}/contacts", CALLERS),
    row(Method::POST, "/patients/{id}/consents", CALLERS),
    row(Method::POST, "/patients/{id}/team", REVIEWERS),
    row(Method::GET, "/patients/{id}/standing", CARERS),
    row(Method::POST, "/patients/{id}/standing/status", CARERS),
    row(Method::POST, "/patients/{id}/standing/opt-out", CALLERS),
    row(Method::POST, "/patients/{id}/standing/hours", CALLERS),
    row(Method::POST, "/patients/{id}/standing/voicemail", CALLERS),
    row(Method::GET, "/patients/{id}/calls/new", CARERS),
    row(Method::POST, "/patients/{id}/calls/new", CARERS),
    row(Method::GET, "/patients/{id}/words", CARERS),
    row(Method::POST, "/patients/{id}/words", CARERS),
    row(Method::GET, "/patients/{id}/plans", CARERS),
    row(Method::POST, "/patients/{id}/plans", CALLERS),
    row(Method::POST, "/patients/{id}/documents", CARERS).most_bytes(pages::documents::LARGEST_FORM),
    row(Method::GET, "/patients/{id}/documents/{document}", CARERS),
    row(Method::POST, "/patients/{id}/documents/{document}/remove", CARERS),
    row(Method::GET, "/patients/{id}/texts", CARERS),
    row(Method::POST, "/patients/{id}/texts", CALLERS),
    row(Method::POST, "/patients/{id}/texts/{text}/put", CALLERS),
    row(Method::GET, "/settings/texts", ADMINS),
    row(Method::POST, "/settings/texts", ADMINS).fresh(),
    row(Method::GET, "/texts", CARERS),
    row(Method::POST, "/texts/count", CALLERS),
    row(Method::POST, "/texts/{id}/read", CARERS),
    row(Method::GET, "/callers", CARERS),
    row(Method::POST, "/callers/{id}/done", CARERS),
    row(Method::GET, "/follow-ups", CARERS),
    row(Method::POST, "/follow-ups/{id}/done", CARERS),
    row(Method::GET, "/calls/{id}", CARERS),
    row(Method::GET, "/calls/{id}/parts/{part}", CARERS),
    row(Method::POST, "/calls/{id}/ask", SIGNERS),
    row(Method::POST, "/calls/{id}/answers", SIGNERS),
    row(Method::POST, "/calls/{id}/sign", SIGNERS),
    row(Method::POST, "/calls/{id}/summary/items/{item}", SIGNERS),
    row(Method::POST, "/calls/{id}/summary/sign", SIGNERS),
    row(Method::POST, "/calls/{id}/review", REVIEWERS),
    row(Method::GET, "/calls/{id}/live", CARERS),
    row(Method::GET, "/calls/{id}/listen", CALLERS),
    row(Method::POST, "/calls/{id}/listen", CALLERS),
    row(Method::GET, "/calls/{id}/recording", CARERS),
    row(Method::POST, "/calls/{id}/utterances/{utterance}/correct", CALLERS),
    row(Method::POST, "/calls/{id}/recording/hold", REVIEWERS),
    row(Method::POST, "/calls/{id}/recording/release", REVIEWERS),
    row(Method::POST, "/calls/{id}/cancel", CALLERS),
    row(Method::POST, "/calls/{id}/hang-up", CALLERS),
    row(Method::POST, "/calls/{id}/floor", CARERS),
    row(Method::POST, "/calls/{id}/guests", CARERS),
    row(Method::POST, "/calls/{id}/guests/{guest}/let-go", CARERS),
    row(Method::POST, "/calls/{id}/guests/{guest}/hand-over", CARERS),
    row(Method::POST, "/calls/{id}/supervise", REVIEWERS),
    row(Method::GET, "/calls/{id}/move", CALLERS),
    row(Method::POST, "/calls/{id}/move", CALLERS),
    row(Method::POST, "/calls/{id}/ring", CALLERS),
    row(Method::GET, "/planning", CALLERS),
    row(Method::POST, "/planning", CALLERS),
    row(Method::GET, "/outreach", REVIEWERS),
    row(Method::GET, "/account/factors", EVERY_ROLE),
    row(Method::POST, "/account/factors/app", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/factors/app/confirm", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/factors/app/remove", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/factors/passkeys/ask", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/factors/passkeys", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/factors/passkeys/{id}/remove", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/factors/codes", EVERY_ROLE).fresh(),
    row(Method::GET, "/settings/factors", ADMINS).fresh(),
    row(Method::POST, "/settings/factors/policy", ADMINS).fresh(),
    row(Method::POST, "/settings/factors/{id}/reset", ADMINS).fresh(),
    row(Method::GET, "/settings/sign-on", ADMINS).fresh(),
    row(Method::POST, "/settings/sign-on", ADMINS).fresh(),
    row(Method::POST, "/settings/sign-on/remove", ADMINS).fresh(),
    row(Method::GET, "/account/tokens", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/tokens", EVERY_ROLE).fresh(),
    row(Method::POST, "/account/tokens/{id}/revoke", EVERY_ROLE),
    row(Method::GET, "/reviews", REVIEWERS),
    row(Method::GET, "/break-glass", URGENT).fresh(),
    row(Method::POST, "/break-glass", SIGNERS).fresh(),
    row(Method::POST, "/break-glass/{id}/end", SIGNERS),
    row(Method::POST, "/break-glass/{id}/review", &[Coordinator, Admin]),
    row(Method::GET, "/protocols", EVERY_ROLE),
    row(Method::GET, "/protocols/{protocol}/{version}", EVERY_ROLE),
    row(Method::POST, "/protocols/{protocol}/{version}/submit", ADMINS),
    row(Method::POST, "/protocols/{protocol}/{version}/sign", SIGNERS).fresh(),
    row(Method::POST, "/protocols/{protocol}/{version}/activate", ADMINS).fresh(),
    row(Method::GET, "/approvals", APPROVERS),
    row(Method::POST, "/approvals", KEEPERS),
    row(Method::POST, "/approvals/{id}", APPROVERS).fresh(),
    row(Method::GET, "/staff", ADMINS),
    row(Method::POST, "/staff/teams", ADMINS).fresh(),
    row(Method::POST, "/staff/{id}", ADMINS).fresh(),
    row(Method::POST, "/staff/{id}/admin-role", ADMINS).fresh(),
    row(Method::GET, "/staff/{id}/sessions", ADMINS),
    row(Method::POST, "/staff/{id}/sessions/{session}/end", ADMINS).fresh(),
    row(Method::GET, "/settings/secrets", KEEPERS),
    row(Method::GET, "/settings/calling", ADMINS),
    row(Method::POST, "/settings/calling", ADMINS),
    row(Method::POST, "/settings/calling/first", ADMINS),
    row(Method::GET, "/line", NURSES),
    row(Method::POST, "/line", NURSES),
    row(Method::POST, "/voice/token", NURSES),
    row(Method::POST, "/voice/presence", NURSES),
    row(Method::POST, "/settings/calling/holidays", ADMINS),
    row(Method::POST, "/settings/calling/holidays/remove", ADMINS),
    row(Method::GET, "/settings/live-calls", ADMINS),
    row(Method::POST, "/settings/live-calls/numbers", ADMINS),
    row(Method::POST, "/settings/live-calls/numbers/remove", ADMINS),
    row(Method::POST, "/settings/live-calls/supervision", ADMINS),
    row(Method::POST, "/settings/live-calls/recordings", ADMINS),
    row(Method::POST, "/settings/live-calls/transcripts", ADMINS),
    row(Method::GET, "/settings/credentials", ADMINS).fresh(),
    row(Method::POST, "/settings/credentials", ADMINS).fresh(),
    row(Method::POST, "/settings/credentials/remove", ADMINS).fresh(),
    row(Method::GET, "/record", KEEPERS),
    row(Method::POST, "/record", KEEPERS),
    row(Method::GET, "/patients/{id}/access", WATCHERS),
    row(Method::POST, "/record/patient", KEEPERS),
    row(Method::POST, "/record/verify", KEEPERS),
    row(Method::POST, "/record/export", KEEPERS).fresh(),
    open(Method::GET, "/api/openapi.json"),
    open(Method::POST, "/api/sign-in").at(Pace::SignIn),
    row(Method::POST, "/api/sign-out", EVERY_ROLE),
    row(Method::POST, "/api/prove", EVERY_ROLE).at(Pace::SignIn),
    row(Method::POST, "/api/live/ticket", CARERS),
    row(Method::GET, "/api/session", EVERY_ROLE),
    row(Method::GET, "/api/account/sessions", EVERY_ROLE),
    row(Method::POST, "/api/account/sessions/{id}/end", EVERY_ROLE),
    row(Method::POST, "/api/account/sessions/end-others", EVERY_ROLE),
    row(Method::GET, "/api/me", EVERY_ROLE).scope(ReadProfile),
    row(Method::GET, "/api/tokens", EVERY_ROLE),
    row(Method::POST, "/api/tokens", EVERY_ROLE).fresh(),
    row(Method::POST, "/api/tokens/{id}/revoke", EVERY_ROLE),
    row(Method::GET, "/api/worklist", CARERS).scope(ReadWorklist),
    row(Method::POST, "/api/calls", CARERS).scope(WriteCalls),
    row(Method::GET, "/api/calls/{id}", CARERS).scope(ReadCalls),
    row(Method::POST, "/api/calls/{id}/cancel", CALLERS).scope(WriteCalls),
    row(Method::POST, "/api/calls/{id}/hang-up", CALLERS).scope(WriteCalls),
    row(Method::GET, "/api/calls/{id}/assessment", CARERS).scope(ReadAssessments),
    row(Method::POST, "/api/calls/{id}/assessment", SIGNERS).scope(WriteAssessments),
    row(Method::POST, "/api/calls/{id}/assessment/sign", SIGNERS),
    row(Method::GET, "/api/calls/{id}/guidance", CARERS).scope(ReadGuidance),
    row(Method::POST, "/api/calls/{id}/guidance", SIGNERS).scope(AskGuidance),
    row(Method::POST, "/api/patients/search", CARERS).scope(ReadPatients),
    row(Method::POST, "/api/patients", CALLERS).scope(WritePatients),
    row(Method::GET, "/api/patients/{id}", CARERS).scope(ReadPatients),
    row(Method::POST, "/api/patients/{id}/contacts", CALLERS).scope(WritePatients),
    row(Method::POST, "/api/patients/{id}/consents", CALLERS).scope(WritePatients),
    row(Method::POST, "/api/record/search", KEEPERS).scope(ReadRecord),
    row(Method::GET, "/api/patients/{id}/access", WATCHERS).scope(ReadRecord),
    row(Method::POST, "/api/record/patient", KEEPERS).scope(ReadRecord),
    row(Method::POST, "/api/record/verify", KEEPERS).scope(ReadRecord),
    row(Method::GET, "/api/break-glass", URGENT).fresh(),
    row(Method::POST, "/api/break-glass", SIGNERS).fresh(),
    row(Method::POST, "/api/break-glass/{id}/end", SIGNERS),
    row(Method::POST, "/api/break-glass/{id}/review", &[Coordinator, Admin]),
    row(Method::GET, "/api/reviews", REVIEWERS).scope(ReadAssessments),
    row(Method::POST, "/api/calls/{id}/review", REVIEWERS),
    row(Method::GET, "/api/follow-ups", CARERS).scope(ReadFollowUps),
    row(Method::POST, "/api/follow-ups/{id}/done", CARERS).scope(WriteFollowUps),
];

/// The scopes that open anything for a role, in the order the screens list them.
pub fn scopes_of(role: Option<Role>) -> Vec<Scope> {
    let opens = |scope: Scope, door: &Door| match door.permit {
        Permit::Anyone => false,
        Permit::Roles(roles) => door.scope == Some(scope) && role.is_some_and(|role| roles.contains(&role)),
    };
    Scope::ALL.iter().copied().filter(|scope| DOORS.iter().any(|door| opens(*scope, door))).collect()
}

/// The row of a route.
#[must_use]
pub fn door(method: &Method, path: &str) -> Option<&'static Door> {
    DOORS.iter().find(|door| door.method == *method && door.path == path)
}
