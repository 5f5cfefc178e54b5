//! Codes of an authenticator app (TOTP, RFC 6238): SHA-1, six digits, steps of 30 seconds, one step to either side. What
//! every app on every telephone understands; HMAC-SHA-1 is not touched by collisions of SHA-1 (RFC 4226, appendix B.2).

use super::private::Private;
use chrono::{DateTime, Utc};
use totp_rs::{Algorithm, Builder, Totp};

/// Bytes of a secret (RFC 4226, section 4: 160 bits).
pub const SECRET_BYTES: usize = 20;
/// Seconds of a step.
const STEP_SECONDS: u64 = 30;

/// What a person needs to bring a secret into their app.
pub struct Enrolment {
    /// The `otpauth://` address that the picture spells.
    pub address: Private<String>,
    /// The secret in base 32, in groups of four, for typing.
    pub text: Private<String>,
    /// A QR code of the address as SVG, dark on white in either colour scheme, because cameras expect it so.
    pub picture: Private<String>,
}

/// The step whose code was typed, if it is this one or one beside it; `None` is a wrong code. Spaces in it count nothing.
#[must_use]
pub fn step_of(secret: &Private<Vec<u8>>, typed: &str, now: DateTime<Utc>) -> Option<i64> {
    let digits: String = typed.chars().filter(|letter| !letter.is_whitespace()).collect();
    let seconds = u64::try_from(now.timestamp()).ok()?;
    i64::try_from(app(secret, "", "")?.check(&digits, seconds)?).ok()
}

/// The code of an instant: what the app of somebody who holds the secret shows.
#[must_use]
pub fn code_at(secret: &Private<Vec<u8>>, at: DateTime<Utc>) -> Option<String> {
    let seconds = u64::try_from(at.timestamp()).ok()?;
    Some(app(secret, "", "")?.generate(seconds).to_string())
}

/// How a secret is shown, once, to whom it belongs.
#[must_use]
pub fn enrolment(secret: &Private<Vec<u8>>, organization: &str, email: &str) -> Option<Enrolment> {
    let totp = app(secret, &format!("Careline {organization}"), email)?;
    let address = totp.to_url().ok()?;
    let code = qrcode::QrCode::new(address.as_bytes()).ok()?;
    let picture = code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(200, 200).build();
    // Inside a page the picture is an element, so the prologue of a file of its own goes.
    let picture = picture.split_once("?>").map_or(picture.as_str(), |(_, element)| element).to_owned();
    let text: Vec<char> = totp.secret().to_base32().chars().collect();
    let text = text.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ");
    Some(Enrolment { address: address.into(), text: text.into(), picture: picture.into() })
}

fn app(secret: &Private<Vec<u8>>, issuer: &str, email: &str) -> Option<Totp> {
    // A colon separates issuer and account in the address, so neither may have one.
    let plain = |text: &str| text.replace(':', " ");
    let builder = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(STEP_SECONDS)
        .with_secret(secret.reveal().clone())
        .with_account_name(plain(email));
    let issuer = (!issuer.is_empty()).then(|| plain(issuer));
    builder.with_issuer(issuer).build().ok()
}
