//! How often somebody may knock: counted over every replica, closed where guesses are made when nobody counts, and never in
//! the way of care.

use crate::support::{
    database::Database,
    office::{Office, PASSWORD},
    statements::Cost,
    wiring,
};
use careline::{
    adapters::system_clock::SystemClock,
    app::{App, Settings},
    domain::{
        ids::OrgId,
        pace::{Drawer, Drawn, Pace, Patience},
        people::{Actor, Role},
    },
    flows::keep_pace,
    web,
};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use std::{net::IpAddr, sync::Arc};

/// One replica of the product, on a port of its own, at the pace of production.
struct Replica {
    app: Arc<App>,
    base: String,
}

impl Replica {
    async fn open(database: &Database, proxies: usize) -> Self {
        let mut app = wiring::app(database, 4, Arc::new(SystemClock), &wiring::NO_LINE).await;
        app.settings = Settings { patience: Patience(1), trusted_proxies: proxies, ..app.settings };
        let app = Arc::new(app);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let served = web::serve(Arc::clone(&app), listener, std::future::pending());
        tokio::spawn(async move { served.await.unwrap() });
        Self { app, base }
    }

    /// A guess at a password by a machine, as the proxies in front tell it.
    async fn guess(&self, password: &str, forwarded: &str) -> Response {
        let body = serde_json::json!({
            "organization": "riverside", "email": "nurse@example.org", "password": password,
        });
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut request = client.post(format!("{}/api/sign-in", self.base)).json(&body);
        if !forwarded.is_empty() {
            request = request.header("x-forwarded-for", forwarded);
        }
        request.send().await.unwrap()
    }

    async fn page(&self, path: &str) -> Response {
        Client::new().get(format!("{}{path}", self.base)).send().await.unwrap()
    }
}

async fn staffed() -> (Office, Actor) {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let nurse = office.add(&operator, Role::Nurse).await;
    (office, nurse)
}

#[tokio::test]
async fn two_replicas_share_one_bucket_and_without_sharing_twice_as_many_pass() {
    let (office, _) = staffed().await;
    let (one, other) = (Replica::open(&office.database, 0).await, Replica::open(&office.database, 0).await);
    let shared = alternately(&one, &other, || async {}).await;
    assert_eq!(shared, 3, "three guesses at once are allowed, over both");
    // The control: each replica counts for itself, as if it had a table of its own.
    forget(&office).await;
    let mut apart = 0;
    for replica in [&one, &other] {
        apart += alternately(replica, replica, || async {}).await;
        forget(&office).await;
    }
    assert_eq!(apart, 6);
}

/// Eight wrong guesses, in turn at two replicas; how many were looked at.
async fn alternately<F: Future>(one: &Replica, other: &Replica, between: impl Fn() -> F) -> usize {
    let mut looked_at = 0;
    for turn in 0..8 {
        let replica = if turn % 2 == 0 { one } else { other };
        match replica.guess("not the password", "").await.status() {
            StatusCode::UNAUTHORIZED => looked_at += 1,
            StatusCode::TOO_MANY_REQUESTS => {}
            status => panic!("a guess was answered {status}"),
        }
        between().await;
    }
    looked_at
}

async fn forget(office: &Office) {
    sqlx::query("delete from rate_bucket").execute(&mut office.database.superuser().await).await.unwrap();
}

#[tokio::test]
async fn whoever_guesses_too_often_is_told_how_long_to_wait_and_a_right_password_costs_nothing() {
    let (office, _) = staffed().await;
    let replica = Replica::open(&office.database, 0).await;
    for _ in 0..6 {
        assert_eq!(replica.guess(PASSWORD, "").await.status(), StatusCode::NO_CONTENT, "a shift begins at one desk");
    }
    for _ in 0..3 {
        assert_eq!(replica.guess("wrong", "").await.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = replica.guess("wrong", "").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=180).contains(&seconds), "{seconds}");
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "too-many");
    assert!(problem["detail"].as_str().unwrap().contains(&format!("wait {seconds} seconds")), "{problem}");
    let form = [("organization", "riverside"), ("email", "nurse@example.org"), ("password", "wrong")];
    let page = Client::new().post(format!("{}/sign-in", replica.base)).form(&form).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(page.text().await.unwrap().contains("try again"), "a person reads a page");
    assert_eq!(replica.page("/sign-in").await.status(), StatusCode::OK, "the control: the page itself stays open");
}

#[tokio::test]
async fn guesses_stop_when_nobody_counts_and_care_goes_on() {
    let (office, nurse) = staffed().await;
    let replica = Replica::open(&office.database, 0).await;
    let mut superuser = office.database.superuser().await;
    sqlx::raw_sql("begin; lock table rate_bucket in access exclusive mode").execute(&mut superuser).await.unwrap();
    assert_eq!(replica.guess(PASSWORD, "").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(replica.page("/sign-in").await.status(), StatusCode::OK);
    sqlx::raw_sql("rollback").execute(&mut superuser).await.unwrap();
    assert_eq!(replica.guess(PASSWORD, "").await.status(), StatusCode::NO_CONTENT, "the control: it counts again");
    let drawn = keep_pace::draw(&replica.app, nurse.org, Pace::Ordinary, &Drawer::Organization).await.unwrap();
    assert_eq!(drawn, Drawn::Granted);
}

#[tokio::test]
async fn a_stranger_cannot_choose_their_address() {
    let (office, _) = staffed().await;
    let plain = Replica::open(&office.database, 0).await;
    let behind_one = Replica::open(&office.database, 1).await;
    for (replica, forged, expected) in [
        // No proxy: whatever the header claims, it is one socket.
        (&plain, true, 3),
        // One proxy: what stands left of its own entry is the stranger's claim.
        (&behind_one, true, 3),
        // The control: entries of the proxy itself are different people.
        (&behind_one, false, 8),
    ] {
        forget(&office).await;
        let mut looked_at = 0;
        for number in 0..8 {
            let forwarded =
                if forged { format!("203.0.113.{number}, 198.51.100.7") } else { format!("203.0.113.{number}") };
            looked_at += usize::from(replica.guess("wrong", &forwarded).await.status() == StatusCode::UNAUTHORIZED);
        }
        assert_eq!(looked_at, expected, "forged: {forged}");
    }
    // One household has one bucket, however many addresses its network has.
    forget(&office).await;
    for number in 0..4 {
        let status = behind_one.guess("wrong", &format!("2001:db8:1:2::{number}")).await.status();
        let expected = if number < 3 { StatusCode::UNAUTHORIZED } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(status, expected);
    }
}

#[tokio::test]
async fn addresses_are_kept_as_marks_and_full_buckets_are_forgotten() {
    let (office, _) = staffed().await;
    let replica = Replica::open(&office.database, 1).await;
    replica.guess("wrong", "203.0.113.77").await;
    let mut superuser = office.database.superuser().await;
    let rows: Vec<String> =
        sqlx::query_scalar("select b::text from rate_bucket b").fetch_all(&mut superuser).await.unwrap();
    assert!(!rows.is_empty() && !rows.iter().any(|row| row.contains("203.0.113")), "{rows:?}");
    assert_eq!(keep_pace::sweep(&replica.app, OrgId::NOBODYS).await.unwrap(), 0, "they are not full yet");
    sqlx::query("update rate_bucket set full_at = now() - interval '1 second'").execute(&mut superuser).await.unwrap();
    assert!(keep_pace::sweep(&replica.app, OrgId::NOBODYS).await.unwrap() >= 2);
}

#[tokio::test]
async fn messages_of_a_provider_are_counted_by_twenty_five_and_guesses_one_by_one() {
    let (office, nurse) = staffed().await;
    let replica = Replica::open(&office.database, 0).await;
    let cost = Cost::listen();
    let looks = async |pace: Pace, drawer: Drawer, draws: usize| {
        cost.take();
        for _ in 0..draws {
            assert_eq!(keep_pace::draw(&replica.app, nurse.org, pace, &drawer).await.unwrap(), Drawn::Granted);
        }
        cost.take().iter().filter(|step| step.starts_with("insert into rate_bucket")).count()
    };
    assert_eq!(looks(Pace::Webhook, Drawer::Organization, 25).await, 1);
    assert_eq!(looks(Pace::Webhook, Drawer::Organization, 26).await, 2, "the next twenty-five, and one of those after");
    let stranger = Drawer::Address(IpAddr::from([203, 0, 113, 9]));
    assert_eq!(looks(Pace::SignIn, stranger, 3).await, 6, "the control: two buckets, each time");
}

#[tokio::test]
async fn a_hundred_at_once_draw_no_more_than_the_bucket_holds() {
    let (office, _) = staffed().await;
    let replica = Replica::open(&office.database, 0).await;
    let stranger = Drawer::Address(IpAddr::from([203, 0, 113, 9]));
    let draws = (0..100).map(|_| keep_pace::draw(&replica.app, OrgId::NOBODYS, Pace::SignIn, &stranger));
    let drawn = futures_util::future::join_all(draws).await;
    assert_eq!(drawn.into_iter().filter(|drawn| matches!(drawn, Ok(Drawn::Granted))).count(), 3);
}
