//! Promise P16: what belongs to a patient stays in its stores. A call is lived from the ring to the signature with a token
//! of its own in every field that names or quotes somebody, through refusals, faults and a panic, while every log line at
//! the finest level, every request to the town, every error body, header and address, every job and entry of the record and
//! every file is kept. Then all of it is searched for the tokens.

use crate::support::{
    listening,
    recorder::{self, Lines},
    ward::{Ward, Watch},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    routing::get,
};
use careline::{
    demo::{nurse::Nurse, page::Page},
    domain::people::{Actor, Role},
    flows::keep_document,
    web,
};
use std::{path::Path, sync::Arc};
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;

/// What nobody but carers may read. The numbers and words of the town's people are as unmistakable as the made-up names.
const CANARIES: &[(&str, &[&str])] = &[
    ("given name", &["zqgiven"]),
    ("family name", &["zqfamily"]),
    ("allergies", &["zqallergy"]),
    ("medicines", &["zqmedicine"]),
    ("name of a contact", &["zqcontact"]),
    ("relation of a contact", &["zqrelation"]),
    ("evidence of a consent", &["zqevidence"]),
    ("question", &["zqquestion"]),
    ("agreed plan", &["zqplan"]),
    ("what was done", &["zqdone"]),
    ("what was searched for", &["zqsearch"]),
    ("summary of a follow-up", &["zqsummary"]),
    ("name of a document", &["zqdocument"]),
    ("remark of a review", &["zqremark"]),
    ("why urgent access", &["zqurgent"]),
    ("why otherwise decided", &["zqoverride"]),
    ("date of birth", &["1948-04-12", "04121948", "19480412", "4/12/1948"]),
    ("words that were said", &["Six out of ten", "harder than usual", "in whole sentences"]),
    ("telephone number", &["2125550101", "212-555-0101", "(212) 555-0101"]),
    ("telephone number of a contact", &["2125550177"]),
];

/// Fields that a model may read: the question, whose names are taken out, is what it is asked.
const FOR_THE_MODEL: [&str; 1] = ["question"];
/// The carrier must be told whom to ring, and hears what is said.
const FOR_THE_CARRIER: [&str; 1] = ["telephone number"];

/// Every canary in a text, but those that belong there.
fn found(text: &str, allowed: &[&str]) -> Vec<&'static str> {
    let text = text.to_lowercase();
    let escaped = text.replace("%20", " ").replace('+', " ");
    CANARIES
        .iter()
        .filter(|(field, _)| !allowed.contains(field))
        .filter(|(_, tokens)| {
            tokens.iter().any(|token| {
                let token = token.to_lowercase();
                text.contains(&token) || escaped.contains(&token)
            })
        })
        .map(|(field, _)| *field)
        .collect()
}

/// Lines with a canary in them, cut to where it shows.
fn leaks(place: &str, lines: &[String], allowed: &[&str]) -> Vec<String> {
    let leak = |line: &String| {
        let found = found(line, allowed);
        (!found.is_empty()).then(|| format!("{place}: {found:?} in {}", line.chars().take(600).collect::<String>()))
    };
    lines.iter().filter_map(leak).collect()
}

async fn plant(ward: &Ward) {
    ward.change(
        "update patient set given_name = 'Zqgiven', family_name = 'Zqfamily', allergies = 'zqallergy',
                medications = 'zqmedicine'
          where family_name = 'Delgado'",
    )
    .await;
}

/// Fills in a form of a page and sends it, whatever the reply.
async fn fill(maya: &Nurse, page: &str, form: &str, filled: &[(&str, &str)]) -> u16 {
    let page = maya.open(page).await.unwrap();
    let mut form = page.form(form).unwrap_or_else(|| panic!("no {form} on:\n{}", page.html));
    for (name, value) in filled {
        form = form.with(name, value);
    }
    maya.post(&form.action, &form.fields).await.unwrap().status
}

/// A whole call, with everything a nurse writes.
async fn live_through(ward: &Ward, maya: &Nurse) -> String {
    let chart = ward.chart("Delgado");
    let contact = [
        ("full_name", "Zqcontact Zqfamily"),
        ("relation", "zqrelation"),
        ("phone", "+12125550177"),
        ("call_code", "7391"),
    ];
    assert!(fill(maya, &chart, "/contacts", &contact).await < 400);
    let consent =
        [("purpose", "be_called"), ("channel", "voice"), ("given", "yes"), ("evidence", "zqevidence on paper")];
    assert!(fill(maya, &chart, "/consents", &consent).await < 500);
    assert!(fill(maya, "/patients", "/patients", &[("name", "zqsearch")]).await < 400);
    let call = ward.ring_now(maya, "Delgado").await;
    ward.until_state(&call, "bridged").await;
    ward.until_heard(&call, "patient", "Six out of ten right now").await;
    let question = "Does a fan help zqquestion for Zqgiven Zqfamily, born 4/12/1948, at 212-555-0101?";
    assert!(fill(maya, &call, "/ask", &[("question", question)]).await < 400);
    let answers = [("a.sob_now", "6"), ("a.sob_usual", "3"), ("a.chest_pain", "no"), ("agreed_plan", "zqplan")];
    assert!(fill(maya, &call, "/answers", &answers).await < 500);
    let sign = maya.open(&call).await.unwrap().form("/answers").unwrap().with("agreed_plan", "zqplan");
    maya.post(&format!("{call}/sign"), &sign.fields).await.unwrap();
    maya.open(&format!("{call}/parts/transcript")).await.unwrap();
    call
}

/// Sends a form that no page of the test has open; whatever the reply.
async fn send(browser: &Nurse, path: &str, fields: &[(&str, &str)]) -> Page {
    let token = browser.open("/account").await.unwrap().form("/sign-out").unwrap().fields;
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    browser.post(path, &token.into_iter().chain(fields).collect::<Vec<_>>()).await.unwrap()
}

/// What follows a call: work that is owed, a review, a document, an urgent access.
async fn live_on(ward: &Ward, maya: &Nurse, call: &str, said: &Lines) {
    let summary = "update follow_up set summary = 'zqsummary'";
    ward.change(summary).await;
    let owed = "insert into follow_up (org_id, id, patient_id, reason, summary, urgency, owner_id, due_at, state, created_at, once_key)
                select p.org_id, p.id, p.id, 'missed_call', 'zqsummary', 'same_day', s.id, now(), 'open', now(), 'zq'
                  from patient p join staff_member s on s.org_id = p.org_id and s.email = 'maya@riverside.example'
                 where p.family_name = 'Zqfamily'";
    ward.change(owed).await;
    let list = maya.open("/follow-ups").await.unwrap();
    assert!(list.html.contains("zqsummary"), "the control: it is read on its page");
    let patient = ward.organizations[0].patients["Delgado"];
    assert!(send(maya, &format!("/follow-ups/{patient}/done"), &[("outcome", "zqdone")]).await.status < 400);
    let clara = ward.sign_in("clara@riverside.example").await;
    send(&clara, &format!("{call}/review"), &[("finding", "talk_about_it"), ("remark", "zqremark")]).await;
    let urgent = [
        ("family_name", "Zqfamily"),
        ("date_of_birth", "1948-04-13"),
        ("reason", "other"),
        ("words", "zqurgent, somebody rang"),
    ];
    assert_eq!(send(maya, "/break-glass", &urgent).await.status, 422, "nobody has this date of birth");
    let sign = [("revision", "9"), ("disposition", "routine"), ("override_reason", "zqoverride")];
    send(maya, &format!("{call}/sign"), &sign).await;
    let (place, bytes) = (&ward.organizations[0], b"%PDF-1.7 zqdocument".to_vec());
    let actor = Actor::staff(place.operator.org, place.staff["maya@riverside.example"], Role::Nurse);
    let app = ward.app();
    let source = futures_util::stream::iter([Ok(bytes)]);
    let kept = keep_document::keep(&app, &actor, patient, "zqdocument.pdf", source);
    kept.with_subscriber(recorder::subscriber(said)).await.unwrap();
    assert!(maya.open(&ward.chart("Delgado")).await.unwrap().html.contains("zqdocument"), "the control: on its chart");
}

/// Everything that goes wrong, each with canaries in what was sent; returns the replies, head and body.
async fn go_wrong(ward: &Ward, maya: &Nurse, call: &str, said: &Lines) -> Vec<String> {
    ward.misbehave(r#"{"create": "500_refused", "times": 1}"#).await;
    ward.ring_now(maya, "Marlow").await;
    ward.settle().await;
    let mut replies = Vec::new();
    for (path, fields) in [
        // A byte that the database refuses.
        ("/patients", vec![("name", "zqsearch\0zqfamily")]),
        (&*format!("{call}/ask"), vec![("question", "zqquestion\0")]),
        ("/patients/zqfamily", vec![("name", "zqgiven")]),
        ("/follow-ups/01890000-0000-7000-8000-000000000000/done", vec![("outcome", "zqdone")]),
        ("/calls/01890000-0000-7000-8000-000000000000/ask", vec![("question", "zqquestion")]),
    ] {
        let reply = send(maya, path, &fields).await;
        // A form that comes back with its faults is the nurse's own page.
        if reply.status >= 400 && reply.status != 422 {
            replies.push(format!("{} {}", reply.status, reply.html));
        }
    }
    replies.push(panicking(ward, said).await);
    replies
}

/// A page that falls over with a patient on its lips.
async fn panicking(ward: &Ward, said: &Lines) -> String {
    let app = ward.app();
    let fixture = Router::new().route("/sign-in", get(|| async { assert_eq!("Zqgiven Zqfamily", "somebody else") }));
    let served = web::guarded(&app, fixture).with_state(Arc::clone(&app));
    let request = Request::get("/sign-in").body(Body::empty()).unwrap();
    let reply = served.oneshot(request).with_subscriber(recorder::subscriber(said)).await.unwrap();
    assert_eq!(reply.status(), 500);
    let headers = format!("{:?}", reply.headers());
    let body = to_bytes(reply.into_body(), usize::MAX).await.unwrap();
    format!("{headers} {}", String::from_utf8_lossy(&body))
}

/// What the database keeps where nothing private belongs.
async fn kept_in_passing(ward: &Ward) -> Vec<String> {
    let mut superuser = ward.superuser().await;
    let mut rows = Vec::new();
    for statement in [
        "select 'job ' || j::text from job j",
        "select 'entry ' || a::text from audit_entry a",
        "select 'bucket ' || b::text from rate_bucket b",
        "select 'statement ' || coalesce(query, '') from pg_stat_activity where datname = current_database()",
    ] {
        rows.extend(sqlx::query_scalar::<_, String>(statement).fetch_all(&mut superuser).await.unwrap());
    }
    rows
}

/// Every file in a folder and below it, as text.
fn files(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            texts.extend(files(&entry.path()));
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            texts.push(format!("{} {}", entry.path().display(), String::from_utf8_lossy(&bytes)));
        }
    }
    texts
}

#[tokio::test]
async fn what_belongs_to_a_patient_stays_in_its_stores() {
    let watch = Watch::default();
    let ward = Ward::open_watched(watch.clone()).await;
    plant(&ward).await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = live_through(&ward, &maya).await;
    live_on(&ward, &maya, &call, &watch.said).await;
    let replies = go_wrong(&ward, &maya, &call, &watch.said).await;
    ward.settle().await;

    let (to_model, to_carrier): (Vec<String>, Vec<String>) =
        watch.sent.all().into_iter().partition(|line| line.contains("/v1/"));
    assert!(to_model.iter().any(|line| line.contains("zqquestion")), "the model was asked");
    assert!(to_carrier.iter().any(|line| line.contains("12125550101")), "the carrier was told whom to ring");
    assert!(watch.said.all().len() > 20, "{} lines were kept", watch.said.all().len());
    assert!(replies.len() >= 4, "{} replies are errors: {replies:?}", replies.len());
    let spoken: Vec<String> = ward.town.carrier().calls().iter().flat_map(|call| call.spoken.clone()).collect();

    let mut all = leaks("log", &watch.said.all(), &[]);
    all.extend(leaks("model", &to_model, &FOR_THE_MODEL));
    all.extend(leaks("carrier", &to_carrier, &FOR_THE_CARRIER));
    all.extend(leaks("spoken by the carrier", &spoken, &[]));
    all.extend(leaks("error", &replies, &[]));
    all.extend(leaks("database", &kept_in_passing(&ward).await, &[]));
    all.extend(leaks("file", &files(ward.folder()), &[]));
    assert!(all.is_empty(), "{} leaks:\n{}", all.len(), all.join("\n"));
}

#[test]
fn the_search_finds_what_it_is_for() {
    let said = Lines::default();
    let name = "Zqgiven";
    tracing::dispatcher::with_default(&recorder::subscriber(&said), || {
        tracing::info!(target: "careline::flows", ?name, "one careless line");
        tracing::trace_span!(target: "careline::web", "request", words = "it is harder than usual").in_scope(|| {});
        tracing::trace!(target: "tungstenite", "frame: zqplan");
        tracing::error!(target: "async_openai::error", "failed deserialization of: zqplan");
        tracing::warn!(target: "sqlx::query", "slow statement");
    });
    let lines = said.all();
    assert_eq!(leaks("log", &lines, &[]).len(), 2, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("slow statement")), "warnings of libraries are written");
    for leak in [
        "GET /patients?name=zqfamily HTTP/1.1",
        "GET /chart?words=six%20out%20of%20ten",
        "POST Calls.json [(\"To\", \"+12125550101\")]",
        "{\"born\": \"1948-04-12\"}",
    ] {
        assert_eq!(found(leak, &[]).len(), 1, "{leak}");
    }
    assert_eq!(found("+12125550101", &FOR_THE_CARRIER), Vec::<&str>::new());
}

/// Names of fields that our own lines may have: ids, codes, counts, and causes that `Error::cause` and `Outage` write.
const FIELDS: &[&str] = &[
    "attempt",
    "call",
    "cause",
    "code",
    "error",
    "fault",
    "file",
    "hook",
    "job",
    "key",
    "kind",
    "leg",
    "message",
    "method",
    "milliseconds",
    "ms",
    "org",
    "outage",
    "pace",
    "passages",
    "place",
    "refusal",
    "refused",
    "request",
    "route",
    "status",
    "stream",
    "tries",
    "uncounted",
    "waiting",
];

/// The names of the fields of every line that a source file writes.
fn fields(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in source.split("tracing::").skip(1) {
        let Some((level, rest)) = line.split_once("!(") else { continue };
        if !["trace", "debug", "info", "warn", "error"].contains(&level) {
            continue;
        }
        // The fields stand before the words, which come last.
        let fields = rest.split(");").next().unwrap().split('"').next().unwrap();
        for field in fields.split(',') {
            let name = field.split('=').next().unwrap().trim().trim_start_matches(['%', '?']).to_owned();
            if !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.')
            {
                names.push(name);
            }
        }
    }
    names
}

#[test]
fn a_line_in_the_log_has_fields_of_a_known_list_only() {
    let sources = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let own: Vec<(String, String)> = sources
        .iter()
        .filter(|text| !text.contains("src/simulator/") && !text.contains("src/demo/"))
        .flat_map(|text| fields(text).into_iter().map(|field| (text.lines().next().unwrap_or("").to_owned(), field)))
        .collect();
    assert!(own.len() > 20, "{} fields", own.len());
    let strange: Vec<_> = own.iter().filter(|(_, field)| !FIELDS.contains(&field.as_str())).collect();
    assert!(strange.is_empty(), "{strange:#?}");
    // The control.
    let careless = "tracing::info!(patient = %name, ?words, \"x\"); tracing::warn!(error = %error, \"y\");";
    assert_eq!(fields(careless), ["patient", "words", "error"]);
}

/// The exit code of the search over a whole run, in a folder with these lines.
fn said(lines: &[&str]) -> Option<i32> {
    let folder = tempfile::tempdir().unwrap();
    if !lines.is_empty() {
        std::fs::write(folder.path().join("1.log"), lines.join("\n") + "\n").unwrap();
    }
    let search = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/said");
    std::process::Command::new(search).arg(folder.path()).output().unwrap().status.code()
}

#[test]
fn the_search_over_a_whole_run_finds_one_planted_line() {
    let clean = ["log INFO careline::web message=answered route=/patients/{id}", "letter Subject: A follow-up is due"];
    assert_eq!(said(&clean), Some(0));
    assert_eq!(said(&[]), Some(2), "a run that was not listened to proves nothing");
    for planted in
        ["log WARN careline name=Zqfamily", "prompt was MARLOW in pain?", "spoken +12125550101", "born 1948-04-12"]
    {
        assert_eq!(said(&[clean[0], planted, clean[1]]), Some(1), "{planted}");
    }
    let listened = std::fs::read_dir(listening::folder()).is_ok_and(|mut files| files.next().is_some());
    listening::begin();
    tracing::trace!(target: "careline::flows", "one line of this test");
    assert!(listened || listening::folder().is_dir(), "the run is listened to");
}

/// What is a patient's own, by the names such fields have.
const PERSONAL: [&str; 12] = [
    "given_name",
    "family_name",
    "date_of_birth",
    "relation",
    "allergies",
    "medications",
    "summary",
    "agreed_plan",
    "override_reason",
    "evidence",
    "remark",
    "call_code",
];
/// Files whose fields are what callers type and readers read, on the way in or out, or what providers' wires have.
const DOORS: [&str; 5] = ["src/web/", "src/simulator/", "src/demo/", "src/bench/", "src/main.rs"];

/// Fields of a source that could be printed.
fn bare(source: &str) -> Vec<&str> {
    let field = |line: &&str| {
        let Some((name, of)) = line.trim().trim_start_matches("pub ").split_once(": ") else { return false };
        PERSONAL.contains(&name) && ["String,", "Option<String>,", "Vec<String>,"].contains(&of)
    };
    // A row as the database gives it lives for one statement and has no words of its own.
    let rows = |line: &&str| line.starts_with("struct ") && line.contains("Row");
    let mut inside = false;
    source
        .lines()
        .filter(|line| {
            inside = (inside || rows(line)) && *line != "}";
            !inside
        })
        .filter(field)
        .collect()
}

#[test]
fn what_is_a_patients_own_has_a_type_that_cannot_be_printed() {
    let sources = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let inside =
        sources.iter().filter(|text| !DOORS.iter().any(|door| text.lines().next().unwrap_or("").contains(door)));
    let found: Vec<_> =
        inside.flat_map(|text| bare(text).into_iter().map(|line| (text.lines().next(), line))).collect();
    assert!(found.is_empty(), "{found:#?}");
    let planted =
        "pub struct Contact {\n    pub relation: String,\n    summary: Option<String>,\n    pub title: String,\n}";
    assert_eq!(bare(planted).len(), 2, "the control");
}
