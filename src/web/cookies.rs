//! The cookies we set: what each is called, how long a browser keeps it, and the text of its header. All are for this host
//! alone and closed to scripts.

use crate::{app::App, domain::session};
use axum::http::{HeaderMap, header};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Names a session; it goes with the browser.
    Session,
    /// By it a browser is known again.
    Device,
    /// A sign-in that waits for its second step.
    Half,
    /// Binds a sign-in at a provider to its browser.
    SignOn,
}

impl Cookie {
    /// Its value in a request, if there is one.
    #[must_use]
    pub fn of<'a>(self, app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.name(app);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The `Set-Cookie` text that a browser keeps.
    #[must_use]
    pub fn kept(self, app: &App, value: &str) -> String {
        self.text(app, value, self.seconds())
    }

    /// The `Set-Cookie` text that makes a browser forget it.
    #[must_use]
    pub fn forgotten(self, app: &App) -> String {
        self.text(app, "", Some(0))
    }

    fn text(self, app: &App, value: &str, seconds: Option<i64>) -> String {
        let until = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if app.settings.secure_cookies { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{until}{secure}", self.name(app))
    }

    /// How long a browser keeps it; what ends on the server ends there before.
    const fn seconds(self) -> Option<i64> {
        match self {
            Self::Session => None,
            Self::Device => Some(session::TRUSTED.num_seconds()),
            Self::Half => Some(300),
            Self::SignOn => Some(600),
        }
    }

    /// `__Host-` binds a cookie to this host and to TLS; a loopback address has no TLS, so there it has a plain name.
    const fn name(self, app: &App) -> &'static str {
        match (self, app.settings.secure_cookies) {
            (Self::Session, true) => "__Host-careline",
            (Self::Session, false) => "careline",
            (Self::Device, true) => "__Host-careline-device",
            (Self::Device, false) => "careline-device",
            (Self::Half, true) => "__Host-careline-half",
            (Self::Half, false) => "careline-half",
            (Self::SignOn, true) => "__Host-careline-sign-on",
            (Self::SignOn, false) => "careline-sign-on",
        }
    }
}
