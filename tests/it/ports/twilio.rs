//! The Twilio adapter without a network: signatures, forms, TwiML, media messages.

use base64::{Engine, engine::general_purpose::STANDARD};
use careline::{
    adapters::twilio::{BadTwilioSettings, Twilio, TwilioSettings, address::PublicOrigin, webhook::Seal},
    domain::{
        ids::{AttemptId, OrgId, StreamId},
        people::Language,
        private::Private,
        script::Speech,
    },
    ports::phone::{CarrierNews, CarrierStatus, ConferenceEvent, Fork, Hook, HookRefusal, MediaNews, MediaWire, Phone},
};
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use quick_xml::{events::Event, reader::Reader};
use serde_json::json;
use sha1::Sha1;
use uuid::Uuid;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a-token-of-nobody";
const ORIGIN: &str = "https://ward.example.org";
const CALL: &str = "CA0123456789abcdef0123456789abcdef";
const PATH: &str = "/hooks/phone/o/a/voice?step=77";

fn settings(public_url: &str, token: &str) -> TwilioSettings {
    TwilioSettings {
        api_base: "https://api.twilio.com".into(),
        account_sid: ACCOUNT.into(),
        auth_token: Private::new(token.to_owned()),
        other_auth_token: Private::default(),
        public_url: public_url.into(),
    }
}

fn twilio() -> Twilio {
    Twilio::new(settings(ORIGIN, TOKEN)).unwrap()
}

fn hmac(token: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Signs as the provider's page says, in the plainest way there is.
fn sign(token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    hmac(token, &sorted.iter().fold(url.to_owned(), |text, (name, value)| text + name + value))
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn keys_pressed() -> Vec<(&'static str, &'static str)> {
    vec![
        ("AccountSid", ACCOUNT),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", CALL),
        ("CallStatus", "in-progress"),
        ("Called", "+12125550101"),
        ("Caller", "+12125550100"),
        ("Digits", "04121948"),
        ("Direction", "outbound-api"),
        ("From", "+12125550100"),
        ("FriendlyName", " "),
        ("SequenceNumber", "3"),
        ("To", "+12125550101"),
        ("Unheard of", ""),
    ]
}

fn hear(twilio: &Twilio, path: &str, body: &str, signature: Option<&str>) -> Result<CarrierNews, HookRefusal> {
    twilio.hear(&Hook { path_and_query: path, signature, body: body.as_bytes() })
}

/// Everything a flow reads of a message.
fn gist(news: &CarrierNews) -> (String, Option<CarrierStatus>, Option<String>, bool, Option<ConferenceEvent>) {
    let digits = news.digits.as_ref().map(|digits| digits.reveal().clone());
    (news.sid.0.clone(), news.status, digits, news.answered_by.is_some(), news.conference)
}

#[test]
fn the_published_signatures_hold() {
    let seal = Seal::new(Private::new("12345".to_owned()), ACCOUNT.into());
    let origin = PublicOrigin::parse("https://mycompany.com").unwrap();
    let vectors = [("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="), ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")];
    for (number, signature) in vectors {
        let body = form(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", number),
            ("Digits", "1234"),
            ("From", number),
            ("To", "+18005551212"),
        ]);
        let holds = |path, body: &str, given| seal.holds_over_form(&origin, path, body.as_bytes(), given);
        assert!(holds("/myapp.php?foo=1&bar=2", &body, Some(signature)));
        assert!(!holds("/myapp.php?foo=1&bar=3", &body, Some(signature)));
        assert!(!holds("/myapp.php?foo=1&bar=2", &body.replace("1234", "1235"), Some(signature)));
        assert!(!holds("/myapp.php?foo=1&bar=2", &body, Some("")));
        assert!(!holds("/myapp.php?foo=1&bar=2", &body, None));
    }
}

/// The vectors of the provider's published libraries whose address can be ours: https, no user in it. Token 12345.
#[test]
fn the_signatures_of_the_providers_libraries_hold() {
    let call = "Digits=1234&CallSid=CA1234567890ABCDE&To=%2B18005551212&Caller=%2B14158675309&From=%2B14158675309";
    let sorted = format!("{call}&ReasonConferenceEnded=test&Reason=Participant");
    let repeated = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234";
    let json = r#"{"property": "value", "boolean": true}"#;
    let hash = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let usual = "/myapp.php?foo=1&bar=2";
    let (plain, port) = ("https://mycompany.com", "https://mycompany.com:1234");
    let (with_hash, only_hash) = (format!("{usual}&{hash}"), format!("/myapp.php?{hash}"));
    for (origin, path, body, signature) in [
        (plain, usual, call, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (port, usual, call, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (plain, usual, call, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (port, usual, call, "CYn1h0gLBdNxDGkKJg6hYohgeD8="),
        (plain, usual, &sorted, "vOEb5UThFn24KEfnOFLQY2AE5FY="),
        (port, usual, &sorted, "vOEb5UThFn24KEfnOFLQY2AE5FY="),
        (plain, usual, repeated, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (plain, usual, "property=value&boolean=true", "NBdBDr/T/lgjI+tlgpXjKZQZs/k="),
        (plain, &with_hash, json, "a9nBmqA0ju/hNViExpshrM61xv4="),
        (plain, &only_hash, json, "y77kIzt2vzLz71DgmJGsen2scGs="),
    ] {
        let seal = Seal::new(Private::new("12345".to_owned()), ACCOUNT.into());
        let origin = PublicOrigin::parse(origin).unwrap();
        assert!(seal.holds_over_form(&origin, path, body.as_bytes(), Some(signature)), "{path} {body} {signature}");
        assert!(!seal.holds_over_form(&origin, path, b"property=other", Some(signature)), "{path} {body} {signature}");
    }
    let seal = Seal::new(Private::new("12345".to_owned()), ACCOUNT.into());
    let origin = PublicOrigin::parse(plain).unwrap();
    let wrongly_sorted = "95+Bu0JVPi0r/SsESZCVf0dWAjw=";
    assert!(!seal.holds_over_form(&origin, usual, sorted.as_bytes(), Some(wrongly_sorted)));
    assert!(!seal.holds_over_form(&origin, usual, json.as_bytes(), Some("RSOYDt4T1cUTdK1PDd93/VVr8B8=")));
}

#[test]
fn while_tokens_are_changed_both_sign_and_afterwards_one() {
    let (old, new) = ("the-token-that-was", "the-token-to-come");
    let signed = |token| sign(token, &format!("{ORIGIN}{PATH}"), &keys_pressed());
    let hears = |token: &str, other: &str, signature: &str| {
        let both = TwilioSettings { other_auth_token: Private::new(other.to_owned()), ..settings(ORIGIN, token) };
        hear(&Twilio::new(both).unwrap(), PATH, &form(&keys_pressed()), Some(signature)).is_ok()
    };
    for (token, other) in [(old, new), (new, old)] {
        assert!(hears(token, other, &signed(old)) && hears(token, other, &signed(new)));
        assert!(!hears(token, other, &signed("another")));
    }
    assert!(hears(new, "", &signed(new)) && !hears(new, "", &signed(old)));
    assert!(!hears(new, "", &signed("")) && !hears(new, " ", &signed(" ")), "no token is no key");
}

#[test]
fn the_port_may_be_written_or_not() {
    let fields = keys_pressed();
    for (public, signed, is_ours) in [
        ("https://ward.example.org", "https://ward.example.org:443", true),
        ("https://ward.example.org", "https://ward.example.org", true),
        ("https://ward.example.org:8443", "https://ward.example.org", true),
        ("https://ward.example.org:8443", "https://ward.example.org:8443", true),
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000", true),
        ("http://[::1]:4000/careline", "http://[::1]:4000/careline", true),
        ("https://Ward.example.org/careline/", "https://Ward.example.org/careline", true),
        ("https://Ward.example.org", "https://ward.example.org", false),
        ("https://ward.example.org", "https://ward.example.org:8443", false),
        ("https://ward.example.org", "http://ward.example.org", false),
        ("https://ward.example.org", "https://other.example.org", false),
    ] {
        let twilio = Twilio::new(settings(public, TOKEN)).unwrap();
        let signature = sign(TOKEN, &format!("{signed}{PATH}"), &fields);
        assert_eq!(hear(&twilio, PATH, &form(&fields), Some(&signature)).is_ok(), is_ours, "{public} {signed}");
    }
}

#[test]
fn a_json_body_is_held_by_the_hash_in_its_signed_query() {
    let seal = Seal::new(Private::new(TOKEN.to_owned()), ACCOUNT.into());
    let origin = PublicOrigin::parse(ORIGIN).unwrap();
    let body = br#"{"a": 1}"#;
    let path = format!("/hooks?bodySHA256={}", hex::encode(<sha2::Sha256 as sha2::Digest>::digest(body)));
    let signature = hmac(TOKEN, &format!("{ORIGIN}{path}"));
    assert!(seal.holds_over_form(&origin, &path, body, Some(&signature)));
    assert!(!seal.holds_over_form(&origin, &path, br#"{"a": 2}"#, Some(&signature)));
}

#[test]
fn a_repeated_field_counts_once_for_each_value() {
    let seal = Seal::new(Private::new(TOKEN.to_owned()), ACCOUNT.into());
    let origin = PublicOrigin::parse(ORIGIN).unwrap();
    let signature = hmac(TOKEN, &format!("{ORIGIN}/x{}", "A1A2B "));
    assert!(seal.holds_over_form(&origin, "/x", b"B=+&A=2&A=1&A=2", Some(&signature)));
    // Read by a flow, two values of one name would let somebody choose.
    let mut fields = keys_pressed();
    fields.push(("Digits", "1111"));
    let signature = sign(TOKEN, &format!("{ORIGIN}{PATH}"), &fields);
    assert!(matches!(hear(&twilio(), PATH, &form(&fields), Some(&signature)), Err(HookRefusal::Unreadable)));
}

#[test]
fn a_socket_is_admitted_only_by_its_signature() {
    let path = "/hooks/media/o";
    for signed in ["wss://ward.example.org", "https://ward.example.org", "wss://ward.example.org:443"] {
        for end in ["", "/"] {
            let signature = hmac(TOKEN, &format!("{signed}{path}{end}"));
            assert_eq!(twilio().admit(path, Some(&signature)), Ok(()), "{signed}{end}");
        }
    }
    let other = hmac(TOKEN, &format!("wss://ward.example.org{path}x"));
    assert_eq!(twilio().admit(path, Some(&other)), Err(HookRefusal::NotTheCarrier));
    assert_eq!(twilio().admit(path, None), Err(HookRefusal::NotTheCarrier));
}

#[test]
fn unsafe_settings_do_not_start() {
    let refused = |settings| Twilio::new(settings).err();
    assert_eq!(refused(settings(ORIGIN, " ")), Some(BadTwilioSettings::AuthToken));
    for public in [
        "http://ward.example.org",
        "https://ward_1.example.org",
        "https://ward.example.org?a=b",
        "https://u:p@ward.example.org",
        "ward.example.org",
        "https://ward.example.org/a b",
        "ftp://ward.example.org",
        "http://127.0.0.1.example.org",
    ] {
        assert_eq!(refused(settings(public, TOKEN)), Some(BadTwilioSettings::PublicUrl), "{public}");
    }
    let no_account = TwilioSettings { account_sid: String::new(), ..settings(ORIGIN, TOKEN) };
    assert_eq!(refused(no_account), Some(BadTwilioSettings::AccountSid));
    let plain_api = TwilioSettings { api_base: "http://api.twilio.com".into(), ..settings(ORIGIN, TOKEN) };
    assert_eq!(refused(plain_api), Some(BadTwilioSettings::ApiBase));
}

#[test]
fn a_message_is_known_again_by_what_is_signed() {
    let key = |path: &str, fields: &[(&str, &str)]| {
        let signature = sign(TOKEN, &format!("{ORIGIN}{path}"), fields);
        hear(&twilio(), path, &form(fields), Some(&signature)).unwrap().dedupe_key
    };
    let fields = keys_pressed();
    let mut shuffled = fields.clone();
    shuffled.reverse();
    assert_eq!(key(PATH, &fields), key(PATH, &shuffled));
    let silence: Vec<_> = fields.iter().copied().filter(|(name, _)| *name != "Digits").collect();
    assert_ne!(key(PATH, &fields), key(PATH, &silence));
    assert_ne!(key(PATH, &silence), key("/hooks/phone/o/a/voice?step=78", &silence));
    let later: Vec<_> = fields.iter().map(|(n, v)| (*n, if *n == "SequenceNumber" { "4" } else { *v })).collect();
    assert_ne!(key(PATH, &fields), key(PATH, &later));
    assert!(!key(PATH, &fields).contains("04121948"));
}

#[test]
fn a_conference_tells_who_came_and_went() {
    let news = |event: &str, own: &[(&str, &str)]| {
        let mut fields = vec![
            ("AccountSid", ACCOUNT),
            ("ConferenceSid", "CF1"),
            ("StatusCallbackEvent", event),
            ("SequenceNumber", "1"),
        ];
        fields.extend(own);
        let signature = sign(TOKEN, &format!("{ORIGIN}{PATH}"), &fields);
        let news = hear(&twilio(), PATH, &form(&fields), Some(&signature)).unwrap();
        (news.sid.0, news.conference)
    };
    assert_eq!(news("participant-join", &[("CallSid", CALL)]), (CALL.to_owned(), Some(ConferenceEvent::Joined)));
    assert_eq!(news("participant-leave", &[("CallSid", CALL)]), (CALL.to_owned(), Some(ConferenceEvent::Left)));
    assert_eq!(
        news("conference-end", &[("CallSidEndingConference", CALL)]),
        (CALL.to_owned(), Some(ConferenceEvent::Ended))
    );
    assert_eq!(news("participant-mute", &[("CallSid", CALL)]), (CALL.to_owned(), Some(ConferenceEvent::Reseated)));
    assert_eq!(news("participant-speech-start", &[("CallSid", CALL)]), (CALL.to_owned(), None));
}

/// One way to forge a message.
#[derive(Clone, Debug)]
enum Forgery {
    FlipBody(usize, u8),
    FlipPath(usize, u8),
    FlipSignature(usize, u8),
    CutSignature(usize),
    OtherToken(String),
    OtherHost(String),
    Drop(usize),
    Add(String, String),
    Change(usize, String),
    SwapValues(usize, usize),
    SwallowNext(usize),
    SplitValue(usize, usize),
    NoSignature,
}

fn forgery() -> impl Strategy<Value = Forgery> {
    prop_oneof![
        (any::<usize>(), 0..8_u8).prop_map(|(at, bit)| Forgery::FlipBody(at, bit)),
        (any::<usize>(), 0..7_u8).prop_map(|(at, bit)| Forgery::FlipPath(at, bit)),
        (any::<usize>(), 0..7_u8).prop_map(|(at, bit)| Forgery::FlipSignature(at, bit)),
        (0..28_usize).prop_map(Forgery::CutSignature),
        "[ -~]{0,40}".prop_map(Forgery::OtherToken),
        "[a-z]{1,12}\\.example\\.(org|com)".prop_map(Forgery::OtherHost),
        any::<usize>().prop_map(Forgery::Drop),
        ("[A-Za-z]{1,12}", "[ -~]{0,12}").prop_map(|(name, value)| Forgery::Add(name, value)),
        (any::<usize>(), "[ -~]{0,12}").prop_map(|(at, value)| Forgery::Change(at, value)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Forgery::SwapValues(a, b)),
        any::<usize>().prop_map(Forgery::SwallowNext),
        (any::<usize>(), any::<usize>()).prop_map(|(at, cut)| Forgery::SplitValue(at, cut)),
        Just(Forgery::NoSignature),
    ]
}

fn flipped(text: &str, at: usize, bit: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    bytes[at] ^= 1 << bit;
    String::from_utf8(bytes).ok()
}

/// A forged message: path, body, signature. `None` where the forgery would change nothing.
fn forge(forgery: &Forgery) -> Option<(String, String, Option<String>)> {
    let mut fields: Vec<(String, String)> =
        keys_pressed().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let honest = sign(TOKEN, &format!("{ORIGIN}{PATH}"), &keys_pressed());
    let body = form(&keys_pressed());
    let count = fields.len();
    let forged = match forgery {
        Forgery::FlipBody(at, bit) => return Some((PATH.into(), flipped(&body, *at, *bit)?, Some(honest))),
        Forgery::FlipPath(at, bit) => return Some((flipped(PATH, *at, *bit)?, body, Some(honest))),
        Forgery::FlipSignature(at, bit) => return Some((PATH.into(), body, Some(flipped(&honest, *at, *bit)?))),
        Forgery::CutSignature(at) => return Some((PATH.into(), body, Some(honest[..*at].to_owned()))),
        Forgery::NoSignature => return Some((PATH.into(), body, None)),
        Forgery::OtherToken(token) => {
            let forged = sign(token, &format!("{ORIGIN}{PATH}"), &keys_pressed());
            return (token != TOKEN).then_some((PATH.into(), body, Some(forged)));
        }
        Forgery::OtherHost(host) => {
            let forged = sign(TOKEN, &format!("https://{host}{PATH}"), &keys_pressed());
            return Some((PATH.into(), body, Some(forged)));
        }
        Forgery::Drop(at) => {
            fields.remove(at % count);
            fields
        }
        Forgery::Add(name, value) => {
            fields.push((name.clone(), value.clone()));
            fields
        }
        Forgery::Change(at, value) => {
            fields[at % count].1.clone_from(value);
            fields
        }
        Forgery::SwapValues(a, b) => {
            let (a, b) = (a % count, b % count);
            let first = fields[a].1.clone();
            fields[a].1 = std::mem::replace(&mut fields[b].1, first);
            fields
        }
        Forgery::SwallowNext(at) => {
            let at = at % (count - 1);
            let (name, value) = fields.remove(at + 1);
            fields[at].1 += &format!("{name}{value}");
            fields
        }
        Forgery::SplitValue(at, cut) => {
            let value = fields[at % count].1.clone();
            let (kept, moved) = value.split_at(cut % (value.len() + 1));
            fields[at % count].1 = kept.to_owned();
            fields.push((moved.to_owned(), String::new()));
            fields
        }
    };
    let fields: Vec<(&str, &str)> = forged.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Some((PATH.into(), form(&fields), Some(honest)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12_000, ..ProptestConfig::default() })]

    /// A forged message is refused, or it says letter for letter what the carrier said.
    #[test]
    fn no_forged_message_changes_what_is_heard(forgery in forgery()) {
        let twilio = twilio_once();
        let honest = sign(TOKEN, &format!("{ORIGIN}{PATH}"), &keys_pressed());
        let said = gist(&hear(twilio, PATH, &form(&keys_pressed()), Some(&honest)).unwrap());
        if let Some((path, body, signature)) = forge(&forgery)
            && let Ok(news) = hear(twilio, &path, &body, signature.as_deref())
        {
            prop_assert_eq!(gist(&news), said);
            prop_assert_eq!(&path, PATH);
        }
    }
}

fn twilio_once() -> &'static Twilio {
    static ONE: std::sync::OnceLock<Twilio> = std::sync::OnceLock::new();
    ONE.get_or_init(twilio)
}

/// The control of the property above: without the seal the same forgeries do change what is heard, so that the property
/// could fail.
#[test]
fn forgeries_would_change_what_is_heard_if_nobody_checked() {
    let forged = forge(&Forgery::Change(6, "11111111".into())).unwrap();
    let resealed = {
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(forged.1.as_bytes()).into_owned().collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        sign(TOKEN, &format!("{ORIGIN}{PATH}"), &fields)
    };
    assert!(matches!(hear(&twilio(), &forged.0, &forged.1, forged.2.as_deref()), Err(HookRefusal::NotTheCarrier)));
    let news = hear(&twilio(), &forged.0, &forged.1, Some(&resealed)).unwrap();
    assert_eq!(news.digits.unwrap().reveal(), "11111111");
}

#[test]
fn a_swallowed_field_is_refused_although_its_signature_holds() {
    let (path, body, signature) = forge(&Forgery::SwallowNext(5)).unwrap();
    assert!(body.contains("Caller=%2B12125550100Digits04121948"), "{body}");
    let seal = Seal::new(Private::new(TOKEN.to_owned()), ACCOUNT.into());
    let origin = PublicOrigin::parse(ORIGIN).unwrap();
    assert!(seal.holds_over_form(&origin, &path, body.as_bytes(), signature.as_deref()));
    assert!(matches!(hear(&twilio(), &path, &body, signature.as_deref()), Err(HookRefusal::Unreadable)));
}

/// Elements in order, with attributes, and the text of each `Say`.
fn outline(xml: &str) -> (Vec<String>, Vec<String>) {
    let (mut elements, mut said) = (Vec::new(), Vec::new());
    let mut reader = Reader::from_str(xml);
    let mut words: Option<String> = None;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(one) | Event::Empty(one) => {
                let name = one.name().as_ref().to_owned();
                words = (name == "Say").then(String::new);
                elements.push(name);
            }
            Event::Text(text) => words.iter_mut().for_each(|words| words.push_str(&text.xml10_content())),
            Event::GeneralRef(one) => {
                let sign = quick_xml::escape::unescape(&format!("&{};", one.xml10_content())).unwrap().into_owned();
                words.iter_mut().for_each(|words| words.push_str(&sign));
            }
            Event::End(_) => said.extend(words.take()),
            Event::Eof => return (elements, said),
            other => panic!("{other:?}"),
        }
    }
}

fn ids() -> (OrgId, AttemptId) {
    (OrgId(Uuid::from_u128(1)), AttemptId(Uuid::from_u128(2)))
}

fn instruct(speech: &Speech, fork: Option<&Fork>) -> String {
    let (org, attempt) = ids();
    let told = twilio_once().instruct(org, attempt, speech, fork);
    assert_eq!(told.content_type, "application/xml");
    told.body
}

fn join(text: &str, conference: &str) -> Speech {
    Speech::Join { language: Language::English, text: text.into(), conference: conference.into(), ends_on_exit: true }
}

fn fork() -> Fork {
    Fork { org: ids().0, stream: StreamId(Uuid::from_u128(3)), token: "secret\"><Hangup/>".into() }
}

#[test]
fn a_prompt_gathers_and_asks_again_when_nobody_presses() {
    let ask = Speech::Ask { language: Language::Spanish, text: "¿Quién habla?".into(), digits: 1, wait_seconds: 8 };
    let told = instruct(&ask, None);
    let step = told.split("step=").nth(1).unwrap().get(..16).unwrap();
    let address = "https://ward.example.org/hooks/phone/00000000-0000-0000-0000-000000000001/\
                   00000000-0000-0000-0000-000000000002/voice?step=STEP#rc=3&amp;rp=ct,rt,5xx";
    assert_eq!(
        told.replace(step, "STEP"),
        format!(
            "<Response><Gather input=\"dtmf\" numDigits=\"1\" timeout=\"8\" action=\"{address}\" method=\"POST\">\
             <Say language=\"es-US\">¿Quién habla?</Say></Gather><Redirect method=\"POST\">{address}</Redirect></Response>"
        )
    );
    assert_ne!(told, instruct(&ask, None), "two prompts have two addresses");
}

#[test]
fn joining_forks_the_voice_first_and_hangs_up_last() {
    let (elements, _) = outline(&instruct(&join("One moment.", "call-1"), Some(&fork())));
    let expected = ["Response", "Start", "Stream", "Parameter", "Say", "Dial", "Conference", "Hangup"];
    assert_eq!(elements, expected);
    let (elements, _) = outline(&instruct(&join("", "call-1"), None));
    assert_eq!(elements, ["Response", "Dial", "Conference", "Hangup"]);
    assert_eq!(instruct(&Speech::silence(), None), "<Response><Hangup/></Response>");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// No text becomes an instruction, and what is said is what was meant, but for signs XML cannot carry.
    #[test]
    fn a_hostile_text_is_only_ever_said(text in r#"(<|>|&|"|'|]]>|<!--|\PC|\p{Cc}|<Dial>|<Hangup/>|&lt;|\u{FFFE}){1,30}"#) {
        let farewell = instruct(&Speech::Farewell { language: Language::English, text: text.clone() }, None);
        let (elements, said) = outline(&farewell);
        let is_speakable = |sign: char| matches!(sign, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        let meant: String = text.chars().map(|sign| if is_speakable(sign) { sign } else { ' ' }).collect();
        if meant.trim().is_empty() {
            prop_assert_eq!(elements, ["Response", "Hangup"]);
        } else {
            prop_assert_eq!(elements, ["Response", "Say", "Hangup"]);
            prop_assert_eq!(said, [meant]);
        }
        let (elements, _) = outline(&instruct(&join(&text, &text), Some(&fork())));
        prop_assert!(!elements.iter().skip(1).any(|name| name == "Response"));
        prop_assert_eq!(elements.iter().filter(|name| *name == "Dial").count(), 1);
        prop_assert_eq!(elements.iter().filter(|name| *name == "Hangup").count(), 1);
    }
}

fn media(payload: &str) -> String {
    json!({
        "event": "media", "sequenceNumber": "4", "streamSid": "MZ1",
        "media": {"track": "inbound", "chunk": "2", "timestamp": "20", "payload": payload},
    })
    .to_string()
}

fn start(encoding: &str) -> String {
    json!({
        "event": "start", "sequenceNumber": "1", "streamSid": "MZ1",
        "start": {
            "streamSid": "MZ1", "accountSid": ACCOUNT, "callSid": CALL, "tracks": ["inbound"],
            "customParameters": {"token": "t"},
            "mediaFormat": {"encoding": encoding, "sampleRate": 8000, "channels": 1},
        },
    })
    .to_string()
}

#[test]
fn media_messages_are_read_as_the_provider_sends_them() {
    let read = |text: &str| twilio_once().read(text);
    assert_eq!(read(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#), Ok(MediaNews::Connected));
    let begun = MediaNews::Start { stream_sid: "MZ1".into(), sid: CALL.into(), token: "t".into() };
    assert_eq!(read(&start("audio/x-mulaw")), Ok(begun));
    let audio = MediaNews::Audio { sequence: 4, chunk: 2, timestamp_ms: 20, ulaw: vec![255; 160] };
    assert_eq!(read(&media(&STANDARD.encode([255; 160]))), Ok(audio));
    assert_eq!(read(r#"{"event":"mark","mark":{"name":"x"}}"#), Ok(MediaNews::Other));
    assert_eq!(read(r#"{"event":"stop","stop":{}}"#), Ok(MediaNews::Stop));
    let outbound = media(&STANDARD.encode([255; 160])).replace("inbound", "outbound");
    assert_eq!(read(&outbound), Ok(MediaNews::Other));
}

#[test]
fn media_messages_that_are_too_large_or_strange_are_unreadable() {
    let read = |text: &str| twilio_once().read(text);
    assert!(read(&media(&STANDARD.encode([255; 4096]))).is_ok());
    for text in [
        media(&STANDARD.encode([255; 4097])),
        media(&"A".repeat(70_000)),
        media("not base64!"),
        media(""),
        start("audio/x-alaw"),
        start("audio/x-mulaw").replace("\"token\":\"t\"", "\"other\":\"t\""),
        media("AAAA").replace("\"chunk\":\"2\"", "\"chunk\":\"-2\""),
        media("AAAA").replace("\"sequenceNumber\":\"4\",", ""),
        r#"{"event":"unheard-of"}"#.to_owned(),
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        String::new(),
    ] {
        assert_eq!(read(&text), Err(HookRefusal::Unreadable), "{}", text.get(..120).unwrap_or(&text));
    }
}
