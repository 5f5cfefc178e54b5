//! P2: everything a signed-in person, a socket, a search or a job can ask for, over HTTP and through the product's own
//! ports, by members of every role of every organization, with ids swapped between organizations.

use super::{
    doors::{Body, Knock, Whose, knock},
    found_at::FoundAt,
    founding::{Founded, Organization, refresh},
    marks::{AN_ID, Foreign, Seen},
    sockets,
};
use crate::{
    app::App,
    bench::Broken,
    domain::{pace::Pace, private::Private},
    jobs::calendar,
    ports::vectors::Question,
    web::{
        self, forms,
        routes::{DOORS, Door, Permit},
    },
};
use http::{StatusCode, header};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{Connection, PgConnection};
use std::{fmt::Write, sync::Arc};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Visitors at once.
const AT_ONCE: usize = 8;
/// After how many requests what they wear out is put back.
const REFRESH_EVERY: u64 = 500;

/// The product, served on a port of its own, and everybody who asks.
pub struct Visit {
    /// The product.
    pub app: Arc<App>,
    /// Where it is served, without a slash at the end.
    pub base: String,
    /// The organizations.
    pub founded: Arc<Founded>,
    client: reqwest::Client,
    stop: CancellationToken,
}

impl Visit {
    /// Serves the product on a loopback port, and chains its record as it goes.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn begin(app: Arc<App>, founded: &Arc<Founded>) -> Result<Self, Broken> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Broken::of)?;
        let base = format!("http://{}", listener.local_addr().map_err(Broken::of)?);
        let stop = CancellationToken::new();
        let served = web::serve(Arc::clone(&app), listener, stop.clone().cancelled_owned());
        tokio::spawn(async move {
            if let Err(why) = served.await {
                tracing::error!(error = %why, "serving ended");
            }
        });
        tokio::spawn(calendar::run(Arc::clone(&app), stop.clone()));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(Broken::of)?;
        Ok(Self { app, base, founded: Arc::clone(founded), client, stop })
    }

    /// Asks `most` times; returns what was found.
    ///
    /// # Errors
    /// When the product does not answer at all.
    pub async fn ask(
        self: &Arc<Self>,
        superuser_url: &Private<String>,
        seed: u64,
        most: u64,
        found: FoundAt,
    ) -> Result<FoundAt, Broken> {
        let mut superuser = PgConnection::connect(superuser_url.reveal()).await.map_err(Broken::of)?;
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (visit, found) = (Arc::clone(self), found.clone());
            tasks.spawn(async move {
                while let Some(number) = found.next(most) {
                    visit.ask_once(number, seed, &found).await?;
                }
                Ok::<(), Broken>(())
            });
        }
        let mut refreshed = 0;
        while !tasks.is_empty() {
            let ended = tokio::time::timeout(std::time::Duration::from_millis(100), tasks.join_next()).await;
            if let Ok(Some(ended)) = ended {
                ended.map_err(Broken::of)??;
            }
            if found.done() >= refreshed + REFRESH_EVERY {
                refreshed = found.done();
                refresh(&mut superuser).await?;
            }
        }
        superuser.close().await.map_err(Broken::of)?;
        Ok(found)
    }

    /// A ticket for one live socket, as the page of a call fetches it; empty when there is none for this cookie.
    ///
    /// # Errors
    /// When the product does not answer at all.
    pub async fn ticket(&self, cookie: &str) -> Result<String, Broken> {
        let knock = Knock {
            method: http::Method::POST,
            path: "/api/live/ticket".to_owned(),
            body: Body::Empty,
            said: Vec::new(),
            names_foreign_row: Whose::Allowed,
        };
        let (_, text) = self.send(&knock, cookie).await?;
        let ticket = text.split_once("\"ticket\":\"").and_then(|(_, rest)| rest.split_once('"'));
        Ok(ticket.map_or_else(String::new, |(ticket, _)| ticket.to_owned()))
    }

    /// Ends serving.
    pub async fn end(&self) {
        self.stop.cancel();
        self.app.db.close().await;
    }

    async fn ask_once(&self, number: u64, seed: u64, found: &FoundAt) -> Result<(), Broken> {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(number));
        let organizations = &self.founded.organizations;
        let Some(own) = organizations.get(rng.random_range(0..organizations.len())) else { return Ok(()) };
        let (what, sight) = match rng.random_range(0..100) {
            0..3 => sockets::watch(self, &mut rng, own).await?,
            3..7 => self.search(&mut rng, own).await?,
            7..9 => self.borrow_a_cookie(&mut rng, own).await?,
            _ => self.knock(&mut rng, own).await?,
        };
        if let Some(foreign) = sight.foreign {
            let what = format!("organization {} saw {} of {}: {what}", own.number, foreign.kind, foreign.owner);
            found.leak(number, what);
        }
        found.seen(sight.own);
        Ok(())
    }

    /// A request at any door, by somebody of any role.
    async fn knock(&self, rng: &mut StdRng, own: &Organization) -> Result<(String, Seen), Broken> {
        let door = choose_door(rng);
        let (role, cookie) = member(rng, own, door);
        let knock = knock(rng, door, own, &self.founded.organizations);
        let (status, text) = self.send(&knock, cookie).await?;
        let mut seen = self.founded.detector.look(&text, own.number, &knock.said);
        // Whoever is sent to sign in, or to prove who they are, got nothing yet, whatever the address names.
        let sent_away = ["location: /sign-in", "location: /prove"].iter().any(|place| text.contains(place));
        let done = status.is_success() || (status == StatusCode::SEE_OTHER && !sent_away);
        match knock.names_foreign_row {
            Whose::Foreign(owner) if done && seen.foreign.is_none() => {
                seen.foreign = Some(Foreign { owner, kind: "a row it could reach" });
            }
            Whose::Foreign(_) | Whose::Allowed => {}
        }
        // The record keeps which ids were asked for, by whoever asked; only what they stand for would be a leak.
        if door.path.contains("record") && seen.foreign.as_ref().is_some_and(|foreign| foreign.kind == AN_ID) {
            seen.foreign = None;
        }
        Ok((format!("{role} {} {} was answered {status}", knock.method, door.path), seen))
    }

    /// One organization's id with another's secret: nobody is signed in by that.
    async fn borrow_a_cookie(&self, rng: &mut StdRng, own: &Organization) -> Result<(String, Seen), Broken> {
        let organizations = &self.founded.organizations;
        let other = organizations.get(rng.random_range(0..organizations.len())).unwrap_or(own);
        let door = choose_door(rng);
        let (role, cookie) = member(rng, other, door);
        let secret = cookie.split_once('.').map_or("", |(_, secret)| secret);
        let forged = if other.number == own.number { "nobody".to_owned() } else { format!("{}.{secret}", own.org) };
        let knock = knock(rng, door, own, organizations);
        let (status, text) = self.send(&knock, &forged).await?;
        let mut seen = self.founded.detector.look(&text, other.number, &knock.said);
        let shown = self.founded.detector.look(&text, own.number, &knock.said);
        // To whom the cookie says it belongs, nothing may be shown either; sign-in repeats what was typed.
        if door.permit != Permit::Anyone && (shown.own || status.is_success()) {
            seen.foreign = Some(Foreign { owner: own.number, kind: "what a forged cookie opened" });
        } else if door.permit == Permit::Anyone {
            seen.foreign = None;
        }
        Ok((format!("{role} {} {} with a forged cookie was answered {status}", knock.method, door.path), seen))
    }

    /// The passage index, asked as guidance asks it.
    async fn search(&self, rng: &mut StdRng, own: &Organization) -> Result<(String, Seen), Broken> {
        let text = ["breathlessness at night", "open window and fan", "oxygen", "Kx passage"];
        let question = Question {
            text: text.get(rng.random_range(0..text.len())).copied().unwrap_or_default().to_owned(),
            vector: None,
            protocol: None,
            most: 12,
        };
        let hits = self.app.vectors.nearest(own.org, &question).await.map_err(Broken::of)?;
        let mut anchors = String::new();
        for hit in hits {
            writeln!(anchors, "{} {}", hit.protocol, hit.anchor).map_err(Broken::of)?;
        }
        Ok(("a search".to_owned(), self.founded.detector.look(&anchors, own.number, &[])))
    }

    /// Sends a request and reads all of the answer: status, headers, body.
    async fn send(&self, knock: &Knock, cookie: &str) -> Result<(StatusCode, String), Broken> {
        let request = self
            .client
            .request(knock.method.clone(), format!("{}{}", self.base, knock.path))
            .header(header::COOKIE, format!("careline={cookie}"))
            .header(header::ORIGIN, &self.base)
            .header("sec-fetch-site", "same-origin")
            .header(forms::HEADER, forms::token_for(cookie));
        let request = match &knock.body {
            Body::Empty => request,
            Body::Form(fields) => request.form(fields),
            Body::Json(value) => request.json(value),
        };
        let reply = request.send().await.map_err(Broken::of)?;
        let status = reply.status();
        let mut text = String::new();
        for (name, value) in reply.headers() {
            writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes())).map_err(Broken::of)?;
        }
        let body = reply.bytes().await.map_err(Broken::of)?;
        text.push_str(&String::from_utf8_lossy(&body));
        Ok((status, text))
    }
}

/// Any door, the costly ones seldom: a password takes a fifth of a second, and signing out ends a session for the run.
fn choose_door(rng: &mut StdRng) -> &'static Door {
    loop {
        let Some(door) = DOORS.get(rng.random_range(0..DOORS.len())) else { continue };
        let open = door.permit == Permit::Anyone || door.pace == Pace::SignIn;
        let costly =
            ["verify", "sign-out", "password", "end-others", "prove"].iter().any(|word| door.path.contains(word));
        let seldom = open || costly;
        if !seldom || rng.random_ratio(1, 25) {
            return door;
        }
    }
}

/// Somebody of the organization: in nine of ten cases of a role that the door lets in.
fn member<'a>(rng: &mut StdRng, own: &'a Organization, door: &Door) -> (&'static str, &'a str) {
    let fits = |role| match door.permit {
        Permit::Anyone => true,
        Permit::Roles(roles) => roles.contains(&role),
    };
    let fitting: Vec<_> = own.cookies.iter().filter(|(role, _)| fits(*role)).collect();
    let everybody: Vec<_> = own.cookies.iter().collect();
    let from = if rng.random_ratio(9, 10) && !fitting.is_empty() { fitting } else { everybody };
    from.get(rng.random_range(0..from.len().max(1))).map_or(("nobody", ""), |(role, cookie)| (role.word(), cookie))
}
