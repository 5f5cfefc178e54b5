//! A real OpenID Connect provider in a process of its own, and a person with a browser who signs in there.

use super::{
    entrance::Entrance,
    wiring::{self, Line},
};
use careline::domain::people::Role;
use reqwest::{Client, Method, Response, StatusCode, redirect::Policy};
use scraper::{Html, Selector};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};
use url::Url;

/// Where the provider sends people back to; nobody listens there, the browser of these tests takes the address itself.
const RETURN: &str = "http://127.0.0.1:1/sign-in/sso/return";

/// The provider's process; it ends with this.
pub struct OpenIdProvider {
    pub origin: String,
    child: Child,
    web: Client,
}

impl OpenIdProvider {
    /// Starts one.
    pub fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc");
        assert!(
            folder.join("node_modules/oidc-provider").exists(),
            "the provider of these stories is not installed: run `npm ci` in tests/oidc, or bin/test, which does it"
        );
        let mut child = Command::new("node")
            .arg("server.mjs")
            .arg(RETURN)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(
                "Node.js runs the provider of these stories: install node 18 or newer, or run bin/test, which does it",
            );
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.find_map(|line| line.ok().filter(|line| line.starts_with('{')));
        let said = said.expect("the provider says where it listens; run `node tests/oidc/server.mjs x` to see why not");
        let said: Value = serde_json::from_str(&said).unwrap();
        let web = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { origin: said["origin"].as_str().unwrap().to_owned(), child, web }
    }

    /// Pulls a lever of `tests/oidc/server.mjs`.
    pub async fn lever(&self, name: &str, what: Value) -> Value {
        let url = format!("{}/lever/{name}", self.origin);
        self.web.post(url).body(what.to_string()).send().await.unwrap().json().await.unwrap()
    }

    /// What a person's groups are from now on.
    pub async fn groups(&self, person: &str, groups: &[&str]) {
        self.lever("groups", json!({ "person": person, "groups": groups })).await;
    }

    /// How tokens are forged from now on.
    pub async fn forge(&self, how: &str) {
        self.lever("forge", json!({ "how": how })).await;
    }

    /// How often the keys of an issuer were fetched.
    pub async fn key_fetches(&self, issuer: &str) -> u64 {
        self.lever("fetched", json!({ "issuer": issuer })).await["keys"].as_u64().unwrap()
    }

    /// An entrance that may reach it.
    pub async fn entrance(&self) -> Entrance {
        let origin = "http://127.0.0.1:1";
        Entrance::open_on(&Line { api: &self.origin, origin, ..wiring::NO_LINE }).await
    }

    /// The address of one of its two issuers.
    pub fn issuer(&self, name: &str) -> String {
        format!("{}/{name}", self.origin)
    }

    /// What an admin types to trust one of its issuers.
    pub fn settings(&self, issuer: &str) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("issuer", self.issuer(issuer)),
            ("client_id", "careline".to_owned()),
            ("client_secret", format!("secret-of-{issuer}")),
            ("group_claim", "groups".to_owned()),
            ("groups", "nurses = nurse\nphysicians = physician\nadmins = admin".to_owned()),
            ("passwords", "everybody".to_owned()),
            ("break_glass", String::new()),
        ])
    }

    /// An admin of the home organization trusts one of its issuers.
    pub async fn trusted_by(&self, entrance: &Entrance, issuer: &str) {
        let form = self.settings(issuer);
        let saved = entrance.ask_as(Role::Admin, Method::POST, "/settings/sign-on").form(&form).send().await.unwrap();
        let status = saved.status();
        assert_eq!(status, StatusCode::SEE_OTHER, "{}", saved.text().await.unwrap());
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody sent to a provider.
pub struct SetOut {
    /// Where their browser goes.
    pub url: Url,
    /// The cookie their browser keeps.
    pub cookie: String,
}

/// Types an organization's code; on to the provider.
pub async fn set_out(entrance: &Entrance, organization: &str) -> SetOut {
    let form = [("organization", organization), ("then", "/follow-ups")];
    let reply = entrance.ask(Method::POST, "/sign-in/sso").form(&form).send().await.unwrap();
    let cookie = cookie_of(&reply, "careline-sign-on").expect("the browser is given a cookie");
    let page = Html::parse_document(&reply.text().await.unwrap());
    let link = page.select(&Selector::parse("a.main").unwrap()).next().expect("the page leads to the provider");
    SetOut { url: link.attr("href").unwrap().parse().unwrap(), cookie }
}

/// Comes back with what the provider gave.
pub async fn come_back(entrance: &Entrance, cookie: &str, back: &Url) -> Response {
    let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
    entrance.ask(Method::GET, &path).header("cookie", cookie).send().await.unwrap()
}

/// The whole way of a person who is let in; returns the cookie of their session.
pub async fn sign_in(entrance: &Entrance, organization: &str, person: &str) -> Result<String, StatusCode> {
    let out = set_out(entrance, organization).await;
    let back = at_the_provider(&out.url, person).await;
    let reply = come_back(entrance, &out.cookie, &back).await;
    if reply.status() == StatusCode::SEE_OTHER {
        assert_eq!(reply.headers()["location"], "/follow-ups", "on to where they wanted to go");
        return Ok(cookie_of(&reply, "careline").unwrap());
    }
    assert!(cookie_of(&reply, "careline").is_none(), "no session comes with a refusal");
    Err(reply.status())
}

/// Signs in at the provider as a person does, by its own forms; returns the address it sends them back to.
pub async fn at_the_provider(url: &Url, person: &str) -> Url {
    let web = Client::builder().redirect(Policy::none()).build().unwrap();
    let mut jar: BTreeMap<String, String> = BTreeMap::new();
    let (mut url, mut form): (Url, Option<Vec<(String, String)>>) = (url.clone(), None);
    for _ in 0..12 {
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = match form.take() {
            None => web.get(url.clone()),
            Some(form) => web.post(url.clone()).form(&form),
        };
        let reply = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for set in reply.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            jar.insert(name.to_owned(), value.to_owned());
        }
        if let Some(next) = reply.headers().get("location") {
            url = url.join(next.to_str().unwrap()).unwrap();
            if url.as_str().starts_with(RETURN) {
                return url;
            }
            continue;
        }
        let text = reply.text().await.unwrap();
        let page = Html::parse_document(&text);
        let found = page.select(&Selector::parse("form").unwrap()).next();
        let found = found.unwrap_or_else(|| panic!("the provider shows no form: {text}"));
        url = url.join(found.attr("action").unwrap()).unwrap();
        let prompt = found.select(&Selector::parse("input[name=prompt]").unwrap()).next().unwrap();
        let prompt = prompt.attr("value").unwrap().to_owned();
        let typed = [("prompt", prompt.as_str()), ("login", person), ("password", "any")];
        form = Some(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
    }
    panic!("the provider never sent {person} back");
}

/// The value of a cookie that a reply sets, with its name; none when it clears it.
pub fn cookie_of(reply: &Response, name: &str) -> Option<String> {
    let sets = reply.headers().get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
    let pair = sets.filter_map(|set| set.split(';').next()).find(|pair| pair.split('=').next() == Some(name))?;
    (!pair.ends_with('=')).then(|| pair.to_owned())
}
