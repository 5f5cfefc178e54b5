//! Signed requests from the carrier to whoever uses it. This signer shares nothing with the product's verifier, so
//! that a mistake in one is not repeated in the other.

use super::{Carrier, calm::InHand, faults::Delivery, fresh_sid};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::{collections::VecDeque, time::Duration};
use tokio::sync::mpsc;

/// Form fields in sending order.
pub(super) type Fields = Vec<(String, String)>;

/// GET or POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

impl Method {
    /// POST unless it says GET.
    pub(super) fn read(text: Option<&str>) -> Self {
        if text.is_some_and(|text| text.eq_ignore_ascii_case("GET")) { Self::Get } else { Self::Post }
    }
}

/// Before the first repeat of a request; each later one waits three times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Room for callbacks that wait for a slow receiver.
const WAITING: usize = 128;

/// Delivers the callbacks of one call in order; it ends when its call drops it and the last one is sent.
#[derive(Clone)]
pub(super) struct Courier {
    carrier: Carrier,
    hand: mpsc::Sender<(InHand, Letter)>,
}

/// A callback to be delivered.
struct Letter {
    url: String,
    method: Method,
    fields: Fields,
}

impl Courier {
    pub(super) fn of(carrier: &Carrier) -> Self {
        let (hand, letters) = mpsc::channel(WAITING);
        tokio::spawn(rounds(carrier.clone(), letters));
        Self { carrier: carrier.clone(), hand }
    }

    pub(super) async fn send(&self, url: &str, method: Method, fields: Fields) {
        let letter = Letter { url: url.to_owned(), method, fields };
        // A courier ends only after its last sender, so this cannot fail.
        let _ = self.hand.send((self.carrier.in_hand(), letter)).await;
    }
}

/// A courier's rounds: one letter after the other. While a late one waits for the town's clock, those behind it are put down
/// too, for the clock is driven on only when nothing is in hand.
async fn rounds(carrier: Carrier, mut letters: mpsc::Receiver<(InHand, Letter)>) {
    while let Some((mut in_hand, first)) = letters.recv().await {
        let mut bag = VecDeque::from([first]);
        while let Some(letter) = bag.pop_front() {
            let Delivery { copies, late } = carrier.next_delivery();
            let rest = late.pass_with(in_hand);
            tokio::pin!(rest);
            in_hand = loop {
                tokio::select! {
                    biased;
                    in_hand = &mut rest => break in_hand,
                    Some((put_down, behind)) = letters.recv() => {
                        bag.push_back(behind);
                        drop(put_down);
                    }
                }
            };
            let token = fresh_sid("");
            for _ in 0..copies {
                carrier.deliver(&letter.url, letter.method, &letter.fields, &token).await;
            }
        }
    }
}

impl Carrier {
    /// One callback, repeated as the address's `#rc=` and `#rp=` ask.
    pub(super) async fn deliver(&self, url: &str, method: Method, fields: &Fields, token: &str) {
        if self
            .request_again(url, method, fields, token)
            .await
            .is_err_and(|fault| !matches!(fault, Fault::Status(..=499)))
        {
            tracing::warn!("the town's carrier could not deliver a callback");
        }
    }

    /// Asks for a document, again as the address asks.
    ///
    /// # Errors
    /// What went wrong in words: no connection, too slow, or a status that is not 2xx.
    pub(super) async fn fetch(&self, url: &str, method: Method, fields: &Fields) -> Result<String, String> {
        self.request_again(url, method, fields, &fresh_sid("")).await.map_err(|fault| match fault {
            Fault::Status(status) => format!("got HTTP {status} response"),
            Fault::NoConnection => "no connection".to_owned(),
            Fault::TimedOut => "timed out".to_owned(),
        })
    }

    /// The same request until it is answered 2xx, as often and for what reasons its address wishes.
    async fn request_again(&self, url: &str, method: Method, fields: &Fields, token: &str) -> Result<String, Fault> {
        let _in_hand = self.in_hand();
        let wishes = Wishes::of(url);
        let mut repeats = 0;
        loop {
            let fault = match self.request(url, method, fields, token).await {
                Ok((status, body)) if (200..300).contains(&status) => return Ok(body),
                Ok((status, _)) => Fault::Status(status),
                Err(fault) => fault,
            };
            if repeats == wishes.repeats || !wishes.includes(fault) {
                return Err(fault);
            }
            tokio::time::sleep(FIRST_PAUSE.saturating_mul(3_u32.saturating_pow(repeats))).await;
            repeats += 1;
        }
    }

    async fn request(&self, url: &str, method: Method, fields: &Fields, token: &str) -> Result<(u16, String), Fault> {
        let address = url.split('#').next().unwrap_or(url);
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = match method {
            Method::Post => self
                .0
                .web
                .post(address)
                .header("X-Twilio-Signature", self.sign(address, fields))
                .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
                .body(form),
            Method::Get => {
                let joined = format!("{address}{}{form}", if address.contains('?') { '&' } else { '?' });
                let signature = self.sign(&joined, &Vec::new());
                self.0.web.get(joined).header("X-Twilio-Signature", signature)
            }
        };
        let fault = |fault: reqwest::Error| if fault.is_timeout() { Fault::TimedOut } else { Fault::NoConnection };
        let reply = request.header("I-Twilio-Idempotency-Token", token).send().await.map_err(fault)?;
        let status = reply.status().as_u16();
        Ok((status, reply.text().await.map_err(fault)?))
    }

    /// The signature over an address and its fields: base64(HMAC-SHA1(token, url + each distinct name and value, in
    /// order of name and then value)).
    pub(super) fn sign(&self, url: &str, fields: &Fields) -> String {
        let mut sorted: Vec<&(String, String)> = fields.iter().collect();
        sorted.sort();
        sorted.dedup();
        let mut text = url.to_owned();
        for (name, value) in sorted {
            text.push_str(name);
            text.push_str(value);
        }
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(self.0.auth_token.as_bytes()) else { return String::new() };
        mac.update(text.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// Why a request was not answered as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoConnection,
    TimedOut,
    Status(u16),
}

/// How an address wants to be asked again (Twilio, connection overrides).
#[derive(Clone, Debug)]
struct Wishes {
    /// 0 to 5; once when not said.
    repeats: u32,
    /// Of ct, rt, 4xx, 5xx, all; ct when not said.
    reasons: Vec<String>,
}

impl Wishes {
    fn of(url: &str) -> Self {
        let wishes = url.split_once('#').map_or("", |(_, fragment)| fragment);
        let wish = |name: &str| url::form_urlencoded::parse(wishes.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v);
        Self {
            repeats: wish("rc").and_then(|rc| rc.parse().ok()).unwrap_or(1).min(5),
            reasons: wish("rp").unwrap_or("ct".into()).split(',').map(str::to_owned).collect(),
        }
    }

    fn includes(&self, fault: Fault) -> bool {
        let reason = match fault {
            Fault::NoConnection => "ct",
            Fault::TimedOut => "rt",
            Fault::Status(500..) => "5xx",
            Fault::Status(400..=499) => "4xx",
            Fault::Status(_) => return false,
        };
        self.reasons.iter().any(|own| own == reason || own == "all")
    }
}
