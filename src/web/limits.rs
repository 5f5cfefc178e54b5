//! How often a door may be opened: whoever knocks is counted before anything is done for them. A guess at a secret that
//! cannot be counted is refused; care goes on uncounted, and the log says so.

use crate::{
    app::App,
    domain::{
        ids::OrgId,
        pace::{Drawer, Drawn, Pace, Unanswered},
    },
    error::Error,
    flows::{keep_pace, sign_in::Identity},
};
use axum::{
    extract::{ConnectInfo, Request},
    http::HeaderMap,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
};

/// Requests that were let in uncounted since this process began.
static UNCOUNTED: AtomicU64 = AtomicU64::new(0);

/// Counts a request by the address it comes from.
///
/// # Errors
/// `TooMany` with how long to wait; an outage when a guess cannot be counted.
pub async fn visitor(app: &App, pace: Pace, address: IpAddr) -> Result<(), Error> {
    count(app, OrgId::NOBODYS, pace, &Drawer::Address(address)).await
}

/// Counts a request of somebody signed in, for their session or token and for their organization.
///
/// # Errors
/// `TooMany` with how long to wait; an outage when a guess cannot be counted.
pub async fn person(app: &App, pace: Pace, person: &Identity) -> Result<(), Error> {
    let drawer = person.session.map(Drawer::Session).or_else(|| person.actor.token().map(Drawer::Token));
    if let Some(drawer) = drawer {
        count(app, person.actor.org, pace, &drawer).await?;
    }
    count(app, person.actor.org, pace, &Drawer::Organization).await
}

/// Counts a message of a provider that has proven itself.
///
/// # Errors
/// `TooMany` with how long to wait.
pub async fn provider(app: &App, org: OrgId) -> Result<(), Error> {
    count(app, org, Pace::Webhook, &Drawer::Organization).await
}

/// Counts a guess at an organization of this code, whatever address it comes from.
///
/// # Errors
/// `TooMany` with how long to wait; an outage when it cannot be counted.
pub async fn organization(app: &App, pace: Pace, code: &str) -> Result<(), Error> {
    settle(pace, keep_pace::draw_for_code(app, code, pace).await)
}

/// Gives a guess back that was none, as far as that can be done.
pub async fn forgive(app: &App, pace: Pace, address: IpAddr) {
    let given = keep_pace::give_back(app, OrgId::NOBODYS, pace, &Drawer::Address(address)).await;
    if let Err(error) = given {
        tracing::warn!(cause = %error.cause(), "a draw was not given back");
    }
}

/// The address a request comes from: the socket's, or what the nearest `hops` proxies of the operator say of it. Each of
/// them appends the address it saw to `X-Forwarded-For`, so anything further to the left is a stranger's own claim.
#[must_use]
pub fn address_of(request: &Request, hops: usize) -> IpAddr {
    let socket = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip());
    forwarded(request.headers(), hops).unwrap_or(socket)
}

fn forwarded(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    let nearest = hops.checked_sub(1)?;
    let lines = headers.get_all("x-forwarded-for").iter();
    let seen: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("")).flat_map(|line| line.split(',')).collect();
    let named = seen.iter().rev().nth(nearest)?.trim();
    named.parse::<IpAddr>().ok().or_else(|| named.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

async fn count(app: &App, org: OrgId, pace: Pace, drawer: &Drawer) -> Result<(), Error> {
    settle(pace, keep_pace::draw(app, org, pace, drawer).await)
}

fn settle(pace: Pace, drawn: Result<Drawn, Error>) -> Result<(), Error> {
    match (drawn, pace.unanswered()) {
        (Ok(Drawn::Granted), _) => Ok(()),
        (Ok(Drawn::Wait { seconds }), _) => Err(Error::TooMany { seconds }),
        (Err(error), Unanswered::Refuse) => {
            tracing::warn!(pace = pace.word(), cause = %error.cause(), "a guess could not be counted and was refused");
            Err(Error::Outage(crate::error::limiter_is_away()))
        }
        (Err(error), Unanswered::Admit) => {
            let uncounted = UNCOUNTED.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            tracing::warn!(pace = pace.word(), uncounted, cause = %error.cause(), "a request was let in uncounted");
            Ok(())
        }
    }
}
