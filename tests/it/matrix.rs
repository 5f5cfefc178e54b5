//! The whole matrix of permissions, asked over HTTP: every route, every identity, the own patient, another team's and another
//! organization's. What must come out is written here by hand and not read from the product.

use crate::support::entrance::{Entrance, Town};
use careline::{
    domain::{people::Role, script::Script},
    web::routes,
};
use reqwest::{Method, StatusCode};
use std::collections::BTreeMap;

/// What must come out, for nurse, coordinator, physician, admin, auditor. `*` open to everybody, signed in or not; `o` open;
/// `t` open for the patients of one's own teams, as if there were no others; `-` closed. The last column is a nurse with
/// urgent access to another team's patient: `r` open, `x` closed, `.` no patient in it.
const EXPECTED: &str = include_str!("matrix.txt");

/// Identities that have no door yet: whatever they show, they are signed out.
const OUTSIDE: [&str; 5] = ["patient", "contact", "provider", "guest", "signed out"];
const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Opened,
    Closed,
    Nothing,
    SignedOut,
    /// We are at fault, which no cell allows.
    Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Own,
    OtherTeams,
    OtherOrganizations,
}

/// Open doors answer everybody, also that a code is wrong or that there is nothing; only that they answer is asked here.
const ANYTHING: &[Answer] = &[Answer::Opened, Answer::Closed, Answer::Nothing, Answer::SignedOut];

type Cell = (String, String, String, Whose);

struct Row {
    method: String,
    path: String,
    cells: Vec<char>,
}

fn expected() -> Vec<Row> {
    let rows = EXPECTED.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    rows.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let cells = words[2..].iter().map(|cell| cell.chars().next().unwrap()).collect();
        Row { method: words[0].to_owned(), path: words[1].to_owned(), cells }
    })
    .collect()
}

/// What each cell of the table means as answers.
fn answers(rows: &[Row]) -> BTreeMap<Cell, Vec<Answer>> {
    let mut wanted = BTreeMap::new();
    for row in rows {
        let mut put = |who: &str, whose, answers: &[Answer]| {
            wanted.insert((row.method.clone(), row.path.clone(), who.to_owned(), whose), answers.to_vec());
        };
        for (role, cell) in Role::ALL.iter().zip(&row.cells) {
            let own: &[Answer] = match cell {
                '-' => &[Answer::Closed],
                't' => &[Answer::Opened],
                '*' => ANYTHING,
                _ => &[Answer::Opened, Answer::Nothing],
            };
            put(role.word(), Whose::Own, own);
            let others = if *cell == 't' { Answer::Nothing } else { Answer::Closed };
            if row.path_has_patient() && matches!(cell, 't' | '-') {
                put(role.word(), Whose::OtherTeams, &[others]);
                put(role.word(), Whose::OtherOrganizations, &[others]);
            }
        }
        for who in OUTSIDE {
            let open = row.cells[0] == '*';
            put(who, Whose::Own, if open { ANYTHING } else { &[Answer::SignedOut] });
        }
        match row.cells[5] {
            'r' => put("urgent", Whose::OtherTeams, &[Answer::Opened]),
            'x' => put("urgent", Whose::OtherTeams, &[Answer::Closed]),
            _ => {}
        }
    }
    wanted
}

impl Row {
    fn path_has_patient(&self) -> bool {
        self.cells.iter().take(5).any(|cell| *cell == 't')
    }
}

/// Every cell that came out otherwise than it must, and every route without a row or row without a route.
fn differences(seen: &BTreeMap<Cell, Answer>, wanted: &BTreeMap<Cell, Vec<Answer>>) -> Vec<String> {
    let mut found = Vec::new();
    for (cell, answers) in wanted {
        match seen.get(cell) {
            Some(answer) if answers.contains(answer) => {}
            other => found.push(format!("{cell:?}: {other:?}, not {answers:?}")),
        }
    }
    found.extend(seen.keys().filter(|cell| !wanted.contains_key(*cell)).map(|cell| format!("{cell:?}: no such cell")));
    found
}

/// A door's address for one patient.
fn address(path: &str, town: &Town) -> String {
    let id = if path.contains("/patients/") {
        town.patient.to_string()
    } else if path.contains("/calls/") {
        town.call.to_string()
    } else if path.contains("/follow-ups/") {
        town.follow_up.to_string()
    } else {
        NOBODYS.to_owned()
    };
    path.replace("{id}", &id)
        .replace("{document}", NOBODYS)
        .replace("{guest}", NOBODYS)
        .replace("{item}", NOBODYS)
        .replace("{utterance}", NOBODYS)
        .replace("{text}", NOBODYS)
        .replace("{session}", NOBODYS)
        .replace("{part}", "state")
        .replace("{protocol}", "dyspnea")
        .replace("{version}", "1.0.0")
        .replace("{name}", "live.js")
        .replace("{link}", "nothing")
}

/// A body that a door would take, so that what turns the asker away is never the form.
fn body(method: &str, path: &str, town: &Town) -> String {
    let json = path.starts_with("/api/");
    if method == "GET" {
        return String::new();
    }
    match path {
        "/api/calls" => {
            format!(r#"{{"patient":"{}","purpose":"check_in","protocol":"dyspnea"}}"#, town.patient)
        }
        "/api/calls/{id}/assessment" => r#"{"revision":0}"#.to_owned(),
        "/api/calls/{id}/assessment/sign" => r#"{"revision":9,"disposition":"same_day"}"#.to_owned(),
        "/api/calls/{id}/guidance" => r#"{"question":"What helps with breathlessness?"}"#.to_owned(),
        "/api/calls/{id}/review" => r#"{"finding":"no_remark"}"#.to_owned(),
        "/api/follow-ups/{id}/done" => r#"{"outcome":"spoke"}"#.to_owned(),
        "/api/patients/{id}/contacts" => {
            r#"{"full_name":"Sam Example","relation":"son","phone":"212 555 0188","call_code":"1234"}"#.to_owned()
        }
        "/api/patients/{id}/consents" => {
            r#"{"purpose":"be_called","channel":"any","answer":"given","evidence":"form"}"#.to_owned()
        }
        "/patients/{id}/contacts" => "full_name=Sam&relation=son&phone=212+555+0188&call_code=1234".to_owned(),
        "/patients/{id}/consents" => "purpose=be_called&channel=any&answer=given&evidence=form".to_owned(),
        "/patients/{id}/texts" => "once_key=1&body=hello".to_owned(),
        "/patients/{id}/team" => format!("team={}", town.team),
        "/patients/{id}/standing/status" => "was=active&becomes=active&evidence=form".to_owned(),
        "/patients/{id}/standing/opt-out" => "wish=go_on&channel=any&evidence=said".to_owned(),
        "/patients/{id}/standing/hours" => "time_zone=America/New_York".to_owned(),
        "/patients/{id}/standing/voicemail" => "voicemail=none".to_owned(),
        "/settings/calling" => {
            "hours=08:00-20:00&most_rings_day=6&most_rings_week=20&emergency_number=911&voicemail=none&after_hours=ring"
                .to_owned()
        }
        "/line" => "by=telephone".to_owned(),
        "/voice/presence" => "is=gone".to_owned(),
        "/settings/calling/holidays" => "day=2031-12-25&name=Christmas".to_owned(),
        "/follow-ups/{id}/done" | "/callers/{id}/done" => "outcome=spoke".to_owned(),
        "/calls/{id}/floor" => "deed=hold".to_owned(),
        "/calls/{id}/guests" => format!("who=outside:{NOBODYS}"),
        "/calls/{id}/supervise" => "part=end".to_owned(),
        "/calls/{id}/summary/items/{item}" => "decided=accepted".to_owned(),
        "/calls/{id}/summary/sign" => "seen=0".to_owned(),
        "/calls/{id}/listen" => "part=begin".to_owned(),
        "/calls/{id}/utterances/{utterance}/correct" => "seen=0&text=hello".to_owned(),
        "/calls/{id}/ask" => "question=What+helps".to_owned(),
        "/calls/{id}/answers" | "/calls/{id}/sign" => "revision=0".to_owned(),
        "/calls/{id}/review" => "finding=no_remark".to_owned(),
        _ if json => "{}".to_owned(),
        _ => String::new(),
    }
}

async fn ask(entrance: &Entrance, who: &str, row: &Row, town: &Town) -> Answer {
    let method: Method = row.method.parse().unwrap();
    let path = address(&row.path, town);
    let role = Role::from_word(if who == "urgent" { "nurse" } else { who });
    let request = match (role, who) {
        (Some(role), _) => entrance.ask_as(role, method, &path),
        (None, "signed out") => entrance.ask(method, &path),
        // The nearest thing they could show: a session of this organization that nobody began.
        (None, _) => {
            let forged = hex::encode(format!("{who:<32}").as_bytes());
            entrance.ask(method, &path).header("cookie", format!("careline={}.{forged}", entrance.home.org))
        }
    };
    let kind = if row.path.starts_with("/api/") { "application/json" } else { "application/x-www-form-urlencoded" };
    let request = request.header("content-type", kind).body(body(&row.method, &row.path, town));
    let reply = request.send().await.unwrap();
    let status = reply.status();
    let led = reply.headers().get("location").map(|value| value.to_str().unwrap_or_default().to_owned());
    match status {
        StatusCode::UNAUTHORIZED => Answer::SignedOut,
        StatusCode::SEE_OTHER if role.is_none() && led.is_some_and(|to| to.starts_with("/sign-in")) => {
            Answer::SignedOut
        }
        StatusCode::FORBIDDEN if role.is_none() => Answer::SignedOut,
        StatusCode::FORBIDDEN => Answer::Closed,
        StatusCode::NOT_FOUND => Answer::Nothing,
        status if status.is_server_error() => Answer::Fault,
        _ => Answer::Opened,
    }
}

async fn observe(entrance: &mut Entrance, rows: &[Row]) -> BTreeMap<Cell, Answer> {
    let (home, across, other) = (entrance.home, entrance.other_team().await, entrance.other);
    let script = serde_json::to_string(&Script::default()).unwrap();
    let begun = "update call set script = $1::jsonb";
    sqlx::query(begun).bind(script).execute(&mut entrance.superuser).await.unwrap();
    entrance
        .run(
            "insert into staff_right (org_id, id, staff_id, entitles, granted_at)
             select org_id, gen_random_uuid(), id, 'clinical_lead', now() from staff_member
              where org_id = $1 and role in ('nurse', 'physician')",
        )
        .await;
    let mut seen = BTreeMap::new();
    // Leaving a session comes last, for it ends it.
    let (last, first): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.path.ends_with("sign-out"));
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
    for row in first.iter().chain(&last) {
        if row.path.ends_with("sign-out") {
            entrance.run("update session set ended_at = null where org_id = $1").await;
        }
        let cell = |who: &str, whose| (row.method.clone(), row.path.clone(), who.to_owned(), whose);
        for (who, mark) in roles.iter().zip(&row.cells) {
            if row.path_has_patient() && matches!(mark, 't' | '-') {
                seen.insert(cell(who, Whose::OtherTeams), ask(entrance, who, row, &across).await);
                seen.insert(cell(who, Whose::OtherOrganizations), ask(entrance, who, row, &other).await);
            }
            seen.insert(cell(who, Whose::Own), ask(entrance, who, row, &home).await);
        }
        for who in OUTSIDE {
            let answer = ask(entrance, who, row, &home).await;
            // A throttled stranger was let in no further than one who is told to sign in.
            seen.insert(cell(who, Whose::Own), answer);
        }
        if matches!(row.cells[5], 'r' | 'x') {
            entrance.break_glass(across.patient).await;
            seen.insert(cell("urgent", Whose::OtherTeams), ask(entrance, "urgent", row, &across).await);
            entrance.end_break_glass().await;
        }
    }
    seen
}

#[tokio::test]
async fn every_route_answers_every_identity_as_the_matrix_says() {
    let mut rows = expected();
    let (mut known, mut written): (Vec<_>, Vec<_>) = (
        routes::DOORS.iter().map(|door| format!("{} {}", door.method, door.path)).collect(),
        rows.iter().map(|row| format!("{} {}", row.method, row.path)).collect(),
    );
    known.sort();
    written.sort();
    assert_eq!(known, written, "every route has its row in tests/it/matrix.txt, and every row its route");
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    let seen = observe(&mut entrance, &rows).await;
    assert_eq!(differences(&seen, &answers(&rows)), Vec::<String>::new());
    // The control: one cell swapped, in either direction and in each way of reaching, and the comparison must notice.
    for (path, column, wrong) in [
        ("/patients/{id}", 3, 't'),
        ("/patients/{id}", 0, '-'),
        ("/staff", 0, 'o'),
        ("/record", 4, '-'),
        ("/calls/{id}/sign", 5, 'r'),
    ] {
        let row = rows.iter_mut().find(|row| row.path == path).unwrap();
        let right = std::mem::replace(&mut row.cells[column], wrong);
        assert!(!differences(&seen, &answers(&rows)).is_empty(), "the control: {path}, column {column} as {wrong}");
        rows.iter_mut().find(|row| row.path == path).unwrap().cells[column] = right;
    }
}
