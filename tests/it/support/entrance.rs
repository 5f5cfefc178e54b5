//! The web entrance on a port of its own, over a leased database with two organizations, and a visitor who speaks HTTP.

use super::{database::Database, teams::everybody_in_the_first_team, wiring};
use careline::{
    adapters::system_clock::SystemClock,
    app::App,
    domain::{
        ids::OrgId,
        people::{Actor, Role, Who},
    },
    flows::import_protocol,
    web::{self, forms},
};
use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::{collections::BTreeMap, path::Path, sync::Arc};
use uuid::Uuid;

/// A served entrance.
pub struct Entrance {
    pub app: Arc<App>,
    pub base: String,
    pub superuser: PgConnection,
    pub home: Town,
    pub other: Town,
    client: Client,
    database: Database,
}

/// One organization's rows.
#[derive(Clone, Copy)]
pub struct Town {
    pub org: Uuid,
    pub patient: Uuid,
    pub call: Uuid,
    pub follow_up: Uuid,
    /// The care team that serves the patient.
    pub team: Uuid,
}

impl Entrance {
    pub async fn open() -> Self {
        Self::open_on(&wiring::NO_LINE).await
    }

    /// With something at the other end of its line.
    pub async fn open_on(line: &wiring::Line<'_>) -> Self {
        Self::open_with(line, |app| app).await
    }

    /// With something else in the place of a port.
    pub async fn open_with(line: &wiring::Line<'_>, change: impl FnOnce(App) -> App) -> Self {
        let database = Database::lease().await;
        let mut superuser = database.superuser().await;
        let home = seed(&mut superuser, "harbor", "Margaret").await;
        let other = seed(&mut superuser, "summit", "Walter").await;
        let app = Arc::new(change(wiring::app(&database, 4, Arc::new(SystemClock), line).await));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let served = web::serve(Arc::clone(&app), listener, std::future::pending());
        tokio::spawn(async move { served.await.unwrap() });
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { app, base, superuser, home, other, client, database }
    }

    /// Imports the shipped sample protocol into the home organization and puts its call on the line.
    pub async fn bridge_with_protocol(&mut self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols/dyspnea");
        let mut files = BTreeMap::new();
        for name in
            ["protocol.yaml", "guidance.md", "scenarios.yaml", "changelog.md", "i18n/en-US.yaml", "i18n/es-US.yaml"]
        {
            files.insert(name.to_owned(), std::fs::read_to_string(folder.join(name)).unwrap());
        }
        let operator = Actor { org: OrgId(self.home.org), who: Who::Operator };
        import_protocol::import(&self.app, &operator, files).await.unwrap();
        self.run("update call set state = 'bridged', bridged_at = now(), speaker = 'patient' where org_id = $1").await;
    }

    /// The folder of its files, letters and checkpoints.
    pub fn folder(&self) -> &Path {
        self.database.folder()
    }

    /// Runs a statement about the home organization (`$1`) as a superuser.
    pub async fn run(&mut self, statement: &'static str) {
        sqlx::query(statement).bind(self.home.org).execute(&mut self.superuser).await.unwrap();
    }

    /// A patient of the home organization whose team nobody signed in serves, on a call, with a follow-up.
    pub async fn other_team(&mut self) -> Town {
        let [patient, call, follow_up, team] = std::array::from_fn(|_| Uuid::now_v7());
        let across = Town { org: self.home.org, patient, call, follow_up, team };
        for statement in [
            "insert into care_team (org_id, id, name, created_at) select $1, $2, 'Other team', now()
              where $3 <> $4 and $5 <> $6",
            "insert into patient (org_id, id, given_name, family_name, date_of_birth, phone, language, time_zone,
                                  call_code_hash, created_at, team_id)
             select org_id, $3, 'Across', 'Town', '1940-01-02', phone, language, time_zone, call_code_hash, now(), $2
               from patient where org_id = $1 and id = $4 and $5 <> $6",
            "insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, created_at,
                               bridged_at, idem_key)
             select org_id, $5, $3, purpose, protocol_id, now(), 'bridged', script, now(), now(), 'across'
               from call where org_id = $1 and patient_id = $4 and $2 <> $6",
            "insert into follow_up (org_id, id, patient_id, call_id, reason, summary, urgency, owner_id, due_at, state,
                                    created_at, once_key)
             select org_id, $6, $3, $5, reason, summary, urgency, owner_id, due_at, 'open', now(), 'across'
               from follow_up where org_id = $1 and patient_id = $4 and $2 <> $5",
        ] {
            sqlx::query(statement)
                .bind(across.org)
                .bind(across.team)
                .bind(across.patient)
                .bind(self.home.patient)
                .bind(across.call)
                .bind(across.follow_up)
                .execute(&mut self.superuser)
                .await
                .unwrap();
        }
        across
    }

    /// Gives the nurse of the home organization urgent access to a patient.
    pub async fn break_glass(&mut self, patient: Uuid) {
        let begun = "insert into break_glass (org_id, id, staff_id, patient_id, reason, words, began_at, ends_at)
                     select org_id, gen_random_uuid(), id, $2, 'covering', 'for a test', now(), now() + interval '1 hour'
                       from staff_member where org_id = $1 and role = 'nurse'";
        sqlx::query(begun).bind(self.home.org).bind(patient).execute(&mut self.superuser).await.unwrap();
    }

    /// Ends it.
    pub async fn end_break_glass(&mut self) {
        self.run(
            "update break_glass set ended_at = now(), ended_how = 'given_back' where org_id = $1 and ended_at is null",
        )
        .await;
    }

    /// A request by nobody.
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A request by somebody of the home organization.
    pub fn ask_as(&self, role: Role, method: Method, path: &str) -> RequestBuilder {
        let cookie = self.cookie(role);
        let token = forms::token_for(cookie.split_once('=').unwrap().1);
        self.ask(method, path).header(forms::HEADER, token).header("cookie", cookie)
    }

    /// The session cookie of somebody of the home organization.
    pub fn cookie(&self, role: Role) -> String {
        format!("careline={}.{}", self.home.org, token("harbor", role))
    }

    /// A ticket for one live socket.
    pub async fn ticket(&self, role: Role) -> String {
        let reply: serde_json::Value = self.post(role, "/api/live/ticket", &[]).await.json().await.unwrap();
        reply["ticket"].as_str().unwrap().to_owned()
    }

    /// A request by somebody of the other organization.
    pub fn ask_as_other(&self, role: Role, method: Method, path: &str) -> RequestBuilder {
        let session = format!("{}.{}", self.other.org, token("summit", role));
        let request = self.ask(method, path).header(forms::HEADER, forms::token_for(&session));
        request.header("cookie", format!("careline={session}"))
    }

    pub async fn get(&self, role: Role, path: &str) -> Response {
        self.ask_as(role, Method::GET, path).send().await.unwrap()
    }

    pub async fn post(&self, role: Role, path: &str, form: &[(&str, &str)]) -> Response {
        self.ask_as(role, Method::POST, path).form(form).send().await.unwrap()
    }
}

/// 64 hexadecimal digits, as a session's token has.
fn token(code: &str, role: Role) -> String {
    hex::encode(Sha256::digest(format!("{code} {}", role.word())))
}

/// An organization with a signed-in member of each role, a consenting patient, a call and a follow-up.
async fn seed(superuser: &mut PgConnection, code: &str, given_name: &str) -> Town {
    let [org, patient, call, follow_up, team] = std::array::from_fn(|_| Uuid::now_v7());
    let mut town = Town { org, patient, call, follow_up, team };
    let nurse = Uuid::now_v7();
    for statement in [
        "insert into organization_directory values ($1, $2)",
        "insert into organization (org_id, name, time_zone, caller_number, created_at)
         select $1, $2, 'America/New_York', '+12125550100', now()",
    ] {
        sqlx::query(statement).bind(town.org).bind(code).execute(&mut *superuser).await.unwrap();
    }
    seed_staff(superuser, code, town.org, nurse).await;
    seed_patient(superuser, town, nurse, given_name).await;
    everybody_in_the_first_team(superuser).await;
    let served = "select team_id from patient where org_id = $1 and id = $2";
    town.team = sqlx::query_scalar(served).bind(town.org).bind(town.patient).fetch_one(&mut *superuser).await.unwrap();
    town
}

async fn seed_staff(superuser: &mut PgConnection, code: &str, org: Uuid, nurse: Uuid) {
    for role in Role::ALL {
        let id = if role == Role::Nurse { nurse } else { Uuid::now_v7() };
        sqlx::query(
            "insert into staff_member (org_id, id, email, full_name, role, password_hash, on_duty, created_at)
             values ($1, $2, $3 || '@example.com', initcap($3) || ' Example', $3, 'x', true, now())",
        )
        .bind(org)
        .bind(id)
        .bind(role.word())
        .execute(&mut *superuser)
        .await
        .unwrap();
        sqlx::query(
            "insert into session (org_id, id, token_hash, staff_id, created_at, seen_at, proven_at, expires_at)
             values ($1, $2, $3, $4, now(), now(), now(), now() + interval '1 hour')",
        )
        .bind(org)
        .bind(Uuid::now_v7())
        .bind(Sha256::digest(token(code, role)).to_vec())
        .bind(id)
        .execute(&mut *superuser)
        .await
        .unwrap();
    }
}

async fn seed_patient(superuser: &mut PgConnection, town: Town, nurse: Uuid, given_name: &str) {
    for statement in [
        "insert into patient (org_id, id, given_name, family_name, date_of_birth, phone, language, time_zone, nurse_id,
                              call_code_hash, created_at)
         select $1, $2, $6, 'Ellis', '1941-03-14', '+12125550101', 'en-US', 'America/New_York', $5, '\\x00', now()
          where $3 <> $4",
        "insert into call (org_id, id, patient_id, purpose, protocol_id, nurse_id, due_at, state, script, created_at,
                           idem_key)
         select $1, $3, $2, 'check_in', 'dyspnea', $5, now() + interval '1 hour', 'scheduled', '{}', now(), 'seed'
          where $4 is not null and $6 is not null",
        "insert into follow_up (org_id, id, patient_id, call_id, reason, summary, urgency, owner_id, due_at, state,
                                created_at, once_key)
         select $1, $4, $2, $3, 'missed_call', 'Try again for ' || $6, 'same_day', $5, now() + interval '1 hour',
                'open', now(), 'seed'",
    ] {
        sqlx::query(statement)
            .bind(town.org)
            .bind(town.patient)
            .bind(town.call)
            .bind(town.follow_up)
            .bind(nurse)
            .bind(given_name)
            .execute(&mut *superuser)
            .await
            .unwrap();
    }
}
