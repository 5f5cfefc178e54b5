//! Who may open which door: the whole table as a person reads it, and every row tried.

use crate::support::entrance::Entrance;
use axum::{Router, routing::get};
use careline::{
    domain::{api_token::Scope, people::Role},
    web::{self, routes},
};
use reqwest::{Method, StatusCode};
use std::{fmt::Write, sync::Arc};

const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";

/// A door's path with every name in it filled in.
fn address(path: &str) -> String {
    path.replace("{protocol}", "dyspnea")
        .replace("{id}", NOBODYS)
        .replace("{part}", "state")
        .replace("{document}", NOBODYS)
        .replace("{session}", NOBODYS)
        .replace("{link}", "nobodys")
        .replace("{version}", "1")
        .replace("{name}", "live.js")
}

fn permits(door: &routes::Door, role: Role) -> bool {
    match door.permit {
        routes::Permit::Anyone => true,
        routes::Permit::Roles(roles) => roles.contains(&role),
    }
}

#[test]
fn the_table_of_permissions() {
    let mut table = String::from(
        "method path                                   nurse coord physi admin audit anyone proof token\n",
    );
    for door in routes::DOORS {
        write!(table, "{:<6} {:<38}", door.method.as_str(), door.path).unwrap();
        for role in Role::ALL {
            write!(table, " {:<5}", if permits(door, role) { "yes" } else { "-" }).unwrap();
        }
        let anyone = if door.permit == routes::Permit::Anyone { "yes" } else { "-" };
        let proof = if door.proof == routes::Proof::Fresh { "fresh" } else { "-" };
        writeln!(table, " {anyone:<6} {proof:<5} {}", door.scope.map_or("-", Scope::word)).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn every_closed_door_turns_a_stranger_away() {
    let entrance = Entrance::open().await;
    for door in routes::DOORS {
        let routes::Permit::Roles(_) = door.permit else { continue };
        let reply = entrance.ask(door.method.clone(), &address(door.path)).send().await.unwrap();
        let wanted = if door.path.starts_with("/api") { StatusCode::UNAUTHORIZED } else { StatusCode::SEE_OTHER };
        assert_eq!(reply.status(), wanted, "{} {}", door.method, door.path);
    }
}

#[tokio::test]
async fn a_role_opens_its_own_doors_and_no_other() {
    let entrance = Entrance::open().await;
    for role in Role::ALL {
        // Signing out ends the session, so it comes last.
        let (last, first): (Vec<_>, Vec<_>) = routes::DOORS.iter().partition(|door| door.path.ends_with("sign-out"));
        for door in first.into_iter().chain(last.into_iter().take(1)) {
            let request = entrance.ask_as(role, door.method.clone(), &address(door.path));
            let request = if door.method == Method::POST && door.path.starts_with("/api") {
                request.header("content-type", "application/json").body("{}")
            } else if door.method == Method::GET {
                request
            } else {
                request.header("content-type", "application/x-www-form-urlencoded").body("")
            };
            let status = request.send().await.unwrap().status();
            let opened = status != StatusCode::FORBIDDEN && status != StatusCode::UNAUTHORIZED;
            let may = permits(door, role) || door.path == "/api/sign-in";
            let stranger = door.path == "/api/sign-in";
            assert!(opened == may || stranger, "{role:?} {} {}: {status}", door.method, door.path);
            assert!(!status.is_server_error(), "{role:?} {} {}: {status}", door.method, door.path);
        }
    }
}

#[tokio::test]
async fn a_route_without_a_row_stays_closed() {
    let entrance = Entrance::open().await;
    let fixture = Router::new().route("/fixture", get(|| async { "open" }));
    let served = web::guarded(&entrance.app, fixture).with_state(Arc::clone(&entrance.app));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, served).await.unwrap() });
    let reply = reqwest::get(format!("http://{address}/fixture")).await.unwrap();
    assert_eq!(reply.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let mut entrance = Entrance::open().await;
    let path = format!("/follow-ups/{}/done", entrance.home.follow_up);
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        let forged = entrance.ask_as(Role::Nurse, Method::POST, &path).header(name, value).form(&[("outcome", "done")]);
        assert_eq!(forged.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let open: i64 = sqlx::query_scalar("select count(*) from follow_up where org_id = $1 and state = 'open'")
        .bind(entrance.home.org)
        .fetch_one(&mut entrance.superuser)
        .await
        .unwrap();
    assert_eq!(open, 1);
    let own = entrance.ask_as(Role::Nurse, Method::POST, &path).header("sec-fetch-site", "same-origin");
    assert_eq!(own.form(&[("outcome", "spoke")]).send().await.unwrap().status(), StatusCode::SEE_OTHER);
}
