//! Somebody at a browser, without the browser: cookies, forms and the live socket, and nothing a browser could not do.

use super::page::{Form, Page};
use futures_util::StreamExt;
use serde_json::Value;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Redirects followed before something is wrong.
const MOST_REDIRECTS: usize = 5;

/// A page or socket did not come as it should; the text is for the narration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{says}")]
pub struct Mishap {
    says: String,
    /// Whose turn it is.
    pub turn: Turn,
}

/// Who can do something about a mishap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Whoever started us: an option, a setting or the machine is not as it must be.
    Starter,
    /// Us: a step did not do what it should.
    Ours,
}

impl Mishap {
    /// A step that failed.
    pub fn of(text: impl Into<String>) -> Self {
        Self { says: text.into(), turn: Turn::Ours }
    }

    /// What whoever started us must change first.
    pub fn at_the_start(text: impl Into<String>) -> Self {
        Self { says: text.into(), turn: Turn::Starter }
    }
}

/// One signed-in person.
pub struct Nurse {
    web: reqwest::Client,
    origin: String,
    cookie: Mutex<Option<String>>,
}

impl Nurse {
    /// Opens a browser at `origin`, such as `http://127.0.0.1:4000`.
    ///
    /// # Errors
    /// When the machine cannot make requests.
    pub fn at(origin: &str) -> Result<Self, Mishap> {
        let web = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .map_err(|fault| Mishap::of(format!("no requests can be made here: {fault}")))?;
        Ok(Self { web, origin: origin.trim_end_matches('/').to_owned(), cookie: Mutex::new(None) })
    }

    /// Signs in and returns the page the day begins with.
    ///
    /// # Errors
    /// When the login is refused.
    pub async fn sign_in(&self, organization: &str, email: &str, password: &str) -> Result<Page, Mishap> {
        let fields = [("organization", organization), ("email", email), ("password", password), ("then", "")];
        let page = self.post("/sign-in", &fields.map(|(name, value)| (name.to_owned(), value.to_owned()))).await?;
        if page.status != 200 || page.at.starts_with("/sign-in") {
            return Err(Mishap::of(format!("sign-in was refused (status {})", page.status)));
        }
        Ok(page)
    }

    /// Fetches a page, whatever its status.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn get(&self, path: &str) -> Result<Page, Mishap> {
        self.follow(self.web.get(self.url(path)), path).await
    }

    /// Fetches a page that must be there.
    ///
    /// # Errors
    /// When its status is not 200.
    pub async fn open(&self, path: &str) -> Result<Page, Mishap> {
        let page = self.get(path).await?;
        if page.status == 200 { Ok(page) } else { Err(Mishap::of(format!("{path} answered {}", page.status))) }
    }

    /// Sends a form's fields, whatever the reply.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn post(&self, path: &str, fields: &[(String, String)]) -> Result<Page, Mishap> {
        let request = self.web.post(self.url(path)).header("origin", &self.origin).form(fields);
        self.follow(request, path).await
    }

    /// Sends a form of a page.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn send(&self, page: &Page, form: &Form) -> Result<Page, Mishap> {
        let path = if form.action.is_empty() { page.at.clone() } else { form.action.clone() };
        let reply = self.post(&path, &form.fields).await?;
        if reply.status < 400 {
            return Ok(reply);
        }
        let faults = reply.texts_of_class("fault").join("; ");
        Err(Mishap::of(format!("{path} answered {}: {faults}", reply.status)))
    }

    /// Opens the live socket of a path such as `/calls/{id}/live`.
    ///
    /// # Errors
    /// When the socket is refused.
    pub async fn listen(&self, path: &str) -> Result<LiveSocket, Mishap> {
        let address = self.url(path).replacen("http", "ws", 1);
        let mishap = |fault: String| Mishap::of(format!("the live socket was refused: {fault}"));
        let mut request = address.into_client_request().map_err(|fault| mishap(fault.to_string()))?;
        let origin = HeaderValue::from_str(&self.origin).map_err(|fault| mishap(fault.to_string()))?;
        request.headers_mut().insert("origin", origin);
        let asked = self.web.post(self.url("/api/live/ticket")).json(&serde_json::json!({}));
        let reply = asked.header("cookie", self.cookie().unwrap_or_default()).send().await;
        let ticket: Value = match reply {
            Ok(reply) => reply.json().await.map_err(|_| mishap("no ticket".to_owned()))?,
            Err(_) => return Err(mishap("no ticket".to_owned())),
        };
        let offered = format!("careline, {}", ticket.get("ticket").and_then(Value::as_str).unwrap_or_default());
        let offered = HeaderValue::from_str(&offered).map_err(|fault| mishap(fault.to_string()))?;
        request.headers_mut().insert("sec-websocket-protocol", offered);
        if let Some(cookie) = self.cookie() {
            let cookie = HeaderValue::from_str(&cookie).map_err(|fault| mishap(fault.to_string()))?;
            request.headers_mut().insert("cookie", cookie);
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.map_err(|fault| mishap(fault.to_string()))?;
        Ok(LiveSocket { socket })
    }

    async fn follow(&self, request: reqwest::RequestBuilder, path: &str) -> Result<Page, Mishap> {
        let mut request = request;
        let mut at = path.to_owned();
        for _ in 0..MOST_REDIRECTS {
            if let Some(cookie) = self.cookie() {
                request = request.header("cookie", cookie);
            }
            let unanswered =
                |fault: reqwest::Error| Mishap::of(format!("{at} did not answer: {}", fault.without_url()));
            let reply = request.send().await.map_err(unanswered)?;
            self.keep_cookie(&reply);
            let status = reply.status();
            let location = reply.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
            match location.filter(|_| status.is_redirection()) {
                Some(next) => {
                    let path = next.strip_prefix(&self.origin).unwrap_or(&next);
                    at = path.split('#').next().unwrap_or(path).to_owned();
                    request = self.web.get(self.url(&at));
                }
                None => {
                    let html = reply.text().await.map_err(|_| Mishap::of(format!("{at} broke off")))?;
                    return Ok(Page { status: status.as_u16(), at, html });
                }
            }
        }
        Err(Mishap::of(format!("{path} redirects in circles")))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep_cookie(&self, reply: &reqwest::Response) {
        let set = reply.headers().get("set-cookie").and_then(|value| value.to_str().ok());
        if let Some(pair) = set.and_then(|value| value.split(';').next()) {
            *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = Some(pair.to_owned());
        }
    }
}

/// An open live socket.
pub struct LiveSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl LiveSocket {
    /// The next piece of news, as the browser's script gets it.
    ///
    /// # Errors
    /// When nothing comes in time or the socket closed.
    pub async fn next(&mut self, within: Duration) -> Result<Value, Mishap> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            let message = tokio::time::timeout_at(deadline, self.socket.next())
                .await
                .map_err(|_| Mishap::of("nothing came over the live socket"))?;
            match message {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|_| Mishap::of("the live socket sent no JSON"));
                }
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Mishap::of("the live socket closed")),
            }
        }
    }
}
