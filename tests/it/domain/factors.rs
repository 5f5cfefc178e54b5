//! Codes of apps and recovery codes, against the numbers of their standards.

use careline::domain::{
    factor::{BegunBy, FactorPolicy},
    ids::StaffId,
    passkey::{NoPasskeys, RelyingParty},
    private::Private,
    recovery_code::{LENGTH, RecoveryCode},
    totp,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// The seed of RFC 6238, appendix B.
fn seed() -> Private<Vec<u8>> {
    Private::new(b"12345678901234567890".to_vec())
}

#[test]
fn codes_are_those_of_rfc_6238() {
    for (seconds, eight_digits) in [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ] {
        let six_digits = &eight_digits[2..];
        assert_eq!(totp::code_at(&seed(), at(seconds)).as_deref(), Some(six_digits));
        assert_eq!(totp::step_of(&seed(), six_digits, at(seconds)), Some(seconds / 30));
        let spaced = format!(" {} {} ", &six_digits[..3], &six_digits[3..]);
        assert_eq!(totp::step_of(&seed(), &spaced, at(seconds)), Some(seconds / 30), "as apps print them");
    }
}

#[test]
fn a_code_fits_its_own_step_and_the_ones_beside_it_and_no_other() {
    let now = at(1_800_000_015);
    let code = totp::code_at(&seed(), now).unwrap();
    for (seconds, fits) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
        let found = totp::step_of(&seed(), &code, now + TimeDelta::seconds(seconds));
        assert_eq!(found.is_some(), fits, "{seconds} s");
    }
    for wrong in ["", "12345", "1234567", "abcdef", "+12345", "١٢٣٤٥٦"] {
        assert_eq!(totp::step_of(&seed(), wrong, now), None, "{wrong:?}");
    }
}

#[test]
fn a_secret_is_shown_as_an_address_as_text_and_as_a_picture_without_script() {
    let shown = totp::enrolment(&seed(), "Riverside: Hospice", "maya@riverside.example").unwrap();
    assert_eq!(shown.text.reveal(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    let address = url::Url::parse(shown.address.reveal()).unwrap();
    assert_eq!((address.scheme(), address.host_str()), ("otpauth", Some("totp")));
    assert!(address.query_pairs().any(|(name, value)| name == "secret" && value == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    assert!(address.query_pairs().any(|(name, value)| name == "issuer" && value == "Careline Riverside  Hospice"));
    let picture = shown.picture.reveal();
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>"));
    assert!(!picture.contains("<script") && !picture.contains("style"), "the content security policy forbids both");
}

#[test]
fn a_recovery_code_is_read_as_people_type_it() {
    let code = RecoveryCode::of([0, 1, 2, 3, 4, 5, 6, 7, 8, 31]);
    assert_eq!(code.shown(), "01234-5678Z");
    let somebody = StaffId(Uuid::from_u128(1));
    for typed in ["01234-5678Z", "012345678z", " o l234 5678 z "] {
        let read = RecoveryCode::parse(typed).unwrap();
        assert!(read.bound_to(somebody) == code.bound_to(somebody), "{typed:?}");
    }
    for wrong in ["", "01234-5678", "01234-5678ZZ", "01234-5678U", "123456", "01234-5678é"] {
        assert!(RecoveryCode::parse(wrong).is_none(), "{wrong:?}");
    }
    assert!(code.bound_to(somebody) != code.bound_to(StaffId(Uuid::from_u128(2))), "another person's is another code");
}

proptest! {
    #[test]
    fn every_recovery_code_reads_back_and_has_no_look_alikes(random in any::<[u8; LENGTH]>()) {
        let code = RecoveryCode::of(random);
        let shown = code.shown();
        prop_assert!(!shown.contains(['O', 'I', 'L', 'U']), "{shown}");
        let somebody = StaffId(Uuid::nil());
        let read = RecoveryCode::parse(&shown).map(|read| read.bound_to(somebody));
        prop_assert_eq!(read, Some(code.bound_to(somebody)));
    }
}

#[test]
fn passkeys_need_a_name_and_https_or_this_machine() {
    for (origin, why) in [
        ("http://127.0.0.1:8080", Some(NoPasskeys::Numeric)),
        ("https://192.0.2.7", Some(NoPasskeys::Numeric)),
        ("https://[2001:db8::1]", Some(NoPasskeys::Numeric)),
        ("http://ward.example.org", Some(NoPasskeys::Open)),
        ("http://localhost:8080", None),
        ("https://ward.example.org", None),
    ] {
        assert_eq!(RelyingParty::of(origin).err(), why, "{origin}");
    }
}

#[test]
fn only_a_password_alone_owes_a_factor_and_only_where_one_is_required() {
    for by in [BegunBy::Password, BegunBy::SecondFactor, BegunBy::Passkey, BegunBy::SingleSignOn] {
        assert!(!by.owes_a_factor(FactorPolicy::Offered));
        assert_eq!(by.owes_a_factor(FactorPolicy::Required), by == BegunBy::Password);
    }
}
