//! Our own public origin, kept letter by letter as configured: signatures are made over text, so nothing here passes
//! through a URL library that would lower-case or re-encode it.

use crate::domain::ids::{AttemptId, OrgId, TextId};
use std::net::IpAddr;

/// An origin with an optional path before ours, such as `https://ward.example.org` or `https://example.org/careline`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicOrigin {
    text: String,
}

/// How a callback may be repeated when we do not answer: three times, for connection faults, time-outs and 5xx, and
/// never because we refused it (Twilio, connection overrides). A fragment is not sent and not signed.
const REPEATS: &str = "#rc=3&rp=ct,rt,5xx";

impl PublicOrigin {
    /// Reads an origin. `None` when it has a query, fragment or user, an underscore in its host (the provider refuses
    /// those), or is `http` anywhere but on this machine.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let text = text.trim_end_matches('/');
        let parsed = url::Url::parse(text).ok()?;
        let host = parsed.host_str()?;
        let safe = match parsed.scheme() {
            "https" => true,
            "http" => is_loopback(host),
            _ => false,
        };
        let plain = parsed.query().is_none()
            && parsed.fragment().is_none()
            && parsed.username().is_empty()
            && parsed.password().is_none()
            && !host.contains('_')
            && text.contains("://");
        (safe && plain).then(|| Self { text: text.to_owned() })
    }

    /// The origin as configured, without a slash at its end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The address of a hook of an attempt: `voice`, `status` or `conference`.
    #[must_use]
    pub fn hook(&self, org: OrgId, attempt: AttemptId, kind: &str) -> String {
        format!("{}/hooks/phone/{org}/{attempt}/{kind}{REPEATS}", self.text)
    }

    /// The address at which the fate of a text is reported.
    #[must_use]
    pub fn text_hook(&self, org: OrgId, text: TextId) -> String {
        format!("{}/hooks/text/{org}/{text}/status{REPEATS}", self.text)
    }

    /// The address that answers an organization's number: `inbound`, or `inbound/status` when it is over.
    #[must_use]
    pub fn inbound(&self, org: OrgId, kind: &str) -> String {
        format!("{}/hooks/phone/{org}/{kind}{REPEATS}", self.text)
    }

    /// The address that hears what a caller without an attempt has typed; `step` differs from question to question.
    #[must_use]
    pub fn inbound_step(&self, org: OrgId, step: &str) -> String {
        format!("{}/hooks/phone/{org}/inbound?step={step}{REPEATS}", self.text)
    }

    /// The address to which texts to an organization's number go.
    #[must_use]
    pub fn text_in(&self, org: OrgId) -> String {
        format!("{}/hooks/text/{org}/in{REPEATS}", self.text)
    }

    /// The address of a prompt's answer. `step` differs from prompt to prompt, so that two silences in a row are two
    /// messages while a repeat of one is known as a repeat, by signed material alone.
    #[must_use]
    pub fn step(&self, org: OrgId, attempt: AttemptId, step: &str) -> String {
        format!("{}/hooks/phone/{org}/{attempt}/voice?step={step}{REPEATS}", self.text)
    }

    /// The media socket of an organization: `wss`, or `ws` where the origin is `http`.
    #[must_use]
    pub fn media(&self, org: OrgId) -> String {
        format!("{}/hooks/media/{org}", self.socket())
    }

    /// The texts over which the carrier may have signed a request for `path_and_query`: as configured, and, because its
    /// signers are not of one mind about ports, with the port left out or the usual one written.
    pub(super) fn signed_forms(&self, path_and_query: &str) -> [String; 2] {
        [format!("{}{path_and_query}", self.text), format!("{}{path_and_query}", with_port_flipped(&self.text))]
    }

    /// The same for the upgrade to a websocket, where the scheme may be that of the socket or of the upgrade, and the
    /// path may end in a slash.
    pub(super) fn signed_socket_forms(&self, path: &str) -> Vec<String> {
        let mut forms = Vec::new();
        for origin in [self.socket(), self.text.clone()] {
            for origin in [with_port_flipped(&origin), origin] {
                forms.push(format!("{origin}{path}"));
                forms.push(format!("{origin}{path}/"));
            }
        }
        forms
    }

    fn socket(&self) -> String {
        // `http` becomes `ws` and `https` becomes `wss`.
        self.text.replacen("http", "ws", 1)
    }
}

/// The text with its port taken away, or with the scheme's usual port if it has none.
fn with_port_flipped(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let port = if matches!(scheme, "https" | "wss") { "443" } else { "80" };
    // The last colon parts the port, unless it stands inside the brackets of an IPv6 address.
    match authority.rsplit_once(':') {
        Some((host, given)) if !given.contains(']') => {
            format!("{scheme}://{host}{}{path}", given.get(..0).unwrap_or(""))
        }
        _ => format!("{scheme}://{authority}:{port}{path}"),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
