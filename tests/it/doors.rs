//! What every door says and asks, whoever knocks: headers on every reply, no script in any page, and a form that comes back
//! with the token it left with.

use crate::support::entrance::Entrance;
use careline::{
    domain::people::Role,
    web::{
        forms,
        routes::{DOORS, Door, Permit},
    },
};
use reqwest::{Method, StatusCode, header::HeaderMap};
use scraper::{Html, Selector};

/// Headers that no reply goes without, and what stands in them.
const EVERYWHERE: [(&str, &str); 9] = [
    ("content-security-policy", "frame-ancestors 'none'"),
    ("content-security-policy", "default-src 'self'"),
    ("content-security-policy", "object-src 'none'"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "microphone=()"),
];

/// A door's path about something that exists.
fn address(entrance: &Entrance, door: &Door) -> String {
    let id = match door.path.trim_start_matches("/api").split('/').nth(1) {
        Some("patients") => entrance.home.patient,
        Some("calls") => entrance.home.call,
        Some("follow-ups") => entrance.home.follow_up,
        _ => uuid::Uuid::nil(),
    };
    let mut path = door.path.replace("{id}", &id.to_string()).replace("{part}", "state").replace("{version}", "1");
    path = path.replace("{name}", "live.js");
    while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, &id.to_string());
    }
    path
}

fn lacks(headers: &HeaderMap, wanted: &[(&'static str, impl AsRef<str>)]) -> Vec<&'static str> {
    let has = |name: &str, part: &str| headers.get(name).is_some_and(|value| value.to_str().unwrap().contains(part));
    wanted.iter().filter(|(name, part)| !has(name, part.as_ref())).map(|(name, _)| *name).collect()
}

/// What the content security policy would refuse to run or paint, and what would ask for it.
fn inline(html: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    let mut found = Vec::new();
    for element in page.select(&Selector::parse("*").unwrap()) {
        let name = element.value().name();
        let has_source = element.value().attr("src").is_some();
        let is_text = element.value().attr("type").is_some_and(|kind| kind == "application/json");
        if name == "style" || (name == "script" && !has_source && !is_text) {
            found.push(format!("<{name}>"));
        }
        for (attribute, value) in element.value().attrs() {
            if attribute.starts_with("on") || attribute == "style" || value.trim().starts_with("javascript:") {
                found.push(format!("<{name} {attribute}>"));
            }
        }
    }
    found
}

#[tokio::test]
async fn every_door_says_how_to_treat_what_comes_out_of_it() {
    let entrance = Entrance::open().await;
    let mut forms_seen = 0;
    for door in DOORS.iter().filter(|door| !door.path.ends_with("/live") && !door.path.ends_with("sign-out")) {
        for role in [None, Some(Role::Nurse), Some(Role::Admin)] {
            let path = address(&entrance, door);
            let request = match role {
                Some(role) => entrance.ask_as(role, door.method.clone(), &path),
                None => entrance.ask(door.method.clone(), &path),
            };
            let reply = request.send().await.unwrap();
            let (status, headers) = (reply.status(), reply.headers().clone());
            // A nurse's line needs the microphone, and nothing else that the others do without.
            let is_line = door.path == "/line" && status.is_success();
            let wanted = EVERYWHERE
                .map(|(name, part)| (name, if is_line { part.replace("=()", "=(self)") } else { part.into() }));
            assert_eq!(lacks(&headers, &wanted), Vec::<&str>::new(), "{} {path} {role:?} {status}", door.method);
            let kept = headers["cache-control"].to_str().unwrap();
            assert!(kept == "no-store" || door.path.starts_with("/static") || door.path.contains("favicon"), "{path}");
            if headers.get("content-type").is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html")) {
                let html = reply.text().await.unwrap();
                assert_eq!(inline(&html), Vec::<String>::new(), "{path} {role:?}");
                forms_seen += tokens(&html, role.is_some());
            }
        }
    }
    assert!(forms_seen > 20, "{forms_seen} forms were seen");
    // The controls: each detector finds what it is for.
    assert_eq!(lacks(&HeaderMap::new(), &EVERYWHERE).len(), EVERYWHERE.len());
    let bad = "<p onclick='x()' style='a'>x</p><script>y</script><style>z</style><a href=' javascript:1'>b</a>";
    assert_eq!(inline(bad).len(), 5);
}

/// Counts the forms of a signed-in page, each of which must carry a token.
fn tokens(html: &str, signed_in: bool) -> usize {
    let page = Html::parse_document(html);
    let mut seen = 0;
    for form in page.select(&Selector::parse("form[method=post i]").unwrap()) {
        let own = Selector::parse(&format!("input[name={}]", forms::FIELD)).unwrap();
        let to = form.value().attr("action").unwrap_or_default();
        // What a stranger may send belongs to no session.
        let strangers = DOORS.iter().filter(|door| door.permit == Permit::Anyone && door.method == Method::POST);
        let open = strangers.into_iter().any(|door| to.starts_with(door.path.split('{').next().unwrap()));
        assert!(!signed_in || open || form.select(&own).count() == 1, "{to} has no token");
        seen += 1;
    }
    seen
}

#[tokio::test]
async fn a_form_without_its_sessions_token_changes_nothing() {
    let mut entrance = Entrance::open().await;
    let path = format!("/follow-ups/{}/done", entrance.home.follow_up);
    let cookie = entrance.cookie(Role::Nurse);
    let own = forms::token_for(cookie.split_once('=').unwrap().1);
    let others = forms::token_for(entrance.cookie(Role::Coordinator).split_once('=').unwrap().1);
    assert_ne!(own, others);
    let form = |token: Option<&str>| {
        let mut fields = vec![("outcome", "spoke")];
        fields.extend(token.map(|token| (forms::FIELD, token)));
        entrance.ask(Method::POST, &path).header("cookie", &cookie).form(&fields)
    };
    for (what, request) in [
        ("no token", form(None)),
        ("another session's token", form(Some(&others))),
        ("an empty token", form(Some(""))),
        ("a cut token", form(Some(&own[..63]))),
        ("a wrong header", form(None).header(forms::HEADER, &others)),
        ("no body", entrance.ask(Method::POST, &path).header("cookie", &cookie)),
        (
            "plain text, as a form of another site may send it",
            entrance
                .ask(Method::POST, &path)
                .header("cookie", &cookie)
                .header("content-type", "text/plain")
                .body("outcome=spoke"),
        ),
        (
            "an upload without the field",
            entrance
                .ask(Method::POST, &path)
                .header("cookie", &cookie)
                .header("content-type", "multipart/form-data; boundary=x")
                .body("--x\r\nContent-Disposition: form-data; name=\"outcome\"\r\n\r\nspoke\r\n--x--\r\n"),
        ),
    ] {
        let status = request.send().await.unwrap().status();
        assert!(status == StatusCode::CONFLICT || status == StatusCode::UNSUPPORTED_MEDIA_TYPE, "{what}: {status}");
    }
    // A form of another site at the API: the browser would send the cookie along, but not JSON.
    let api = format!("/api/follow-ups/{}/done", entrance.home.follow_up);
    let request = entrance.ask(Method::POST, &api).header("cookie", &cookie).form(&[("outcome", "spoke")]);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(open_follow_ups(&mut entrance).await, 1, "nothing was changed");
    // The control: with the token of the session the same form does its work.
    let fields = [("outcome", "spoke"), (forms::FIELD, own.as_str())];
    let reply = entrance.ask(Method::POST, &path).header("cookie", &cookie).form(&fields).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::SEE_OTHER);
    assert_eq!(open_follow_ups(&mut entrance).await, 0);
}

async fn open_follow_ups(entrance: &mut Entrance) -> i64 {
    sqlx::query_scalar("select count(*) from follow_up where org_id = $1 and state = 'open'")
        .bind(entrance.home.org)
        .fetch_one(&mut entrance.superuser)
        .await
        .unwrap()
}

#[test]
fn a_token_is_planted_in_every_form_that_changes_something_and_in_no_other() {
    let page =
        "<form method=\"post\" action=\"/a\"><b>x</b></form><form action=\"/s\"></form><form class=x METHOD=\"POST\">";
    let field = "<input type=\"hidden\" name=\"form_token\" value=\"t\">";
    let planted = forms::planted(page, "t");
    assert_eq!(planted.matches(field).count(), 2);
    assert!(planted.starts_with(&format!("<form method=\"post\" action=\"/a\">{field}<b>")));
    assert_eq!(planted.replace(field, ""), page);
}

#[tokio::test]
async fn whoever_signs_out_leaves_nothing_behind_in_the_browser() {
    let entrance = Entrance::open().await;
    let reply = entrance.post(Role::Nurse, "/sign-out", &[]).await;
    assert_eq!(reply.headers().get("clear-site-data").unwrap(), "\"cache\", \"storage\"");
    assert!(reply.headers().get("set-cookie").unwrap().to_str().unwrap().contains("Max-Age=0"));
    let page = entrance.get(Role::Nurse, "/today").await;
    assert_eq!(page.headers().get("cache-control").unwrap(), "no-store");
    assert!(page.headers().get("location").unwrap().to_str().unwrap().starts_with("/sign-in"), "the session is over");
}
