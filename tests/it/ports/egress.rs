//! The guarded way out: hundreds of ways to ask for a door nearby, names that change their mind, and redirects; none of
//! them reaches a listener that counts.

use async_trait::async_trait;
use axum::{Router, http::header, routing::get};
use careline::{
    adapters::egress::{GuardedEgress, LARGEST_REPLY, Names},
    domain::destination::{Barred, Bounds, Destination, is_public},
    ports::{OutageKind, egress::Egress},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::net::TcpListener;

/// A door nearby that counts who comes.
struct Trap {
    port: u16,
    visits: Arc<AtomicUsize>,
}

impl Trap {
    async fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let visits = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&visits);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                drop(socket);
            }
        });
        Self { port, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }

    /// The way out of production, which may use the trap's own port, and knows names from elsewhere.
    fn way_out(&self, names: Arc<dyn Names>) -> GuardedEgress {
        let bounds = Bounds { ports: vec![443, self.port], towns: vec![] };
        GuardedEgress::with_names(bounds, names).unwrap()
    }
}

/// A resolver that answers by turns; the last answer stays.
struct Turns {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Turns {
    fn of(answers: &[&[&str]]) -> Arc<Self> {
        let read = |one: &&[&str]| one.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(read).collect(), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Names for Turns {
    async fn look_up(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[turn.min(self.answers.len() - 1)].clone())
    }
}

fn request(address: &str) -> Option<http::Request<Vec<u8>>> {
    http::Request::get(address).body(Vec::new()).ok()
}

/// Addresses that belong to nobody outside, and some that carry one inside.
const NEARBY: [&str; 46] = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "169.254.169.254",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a9fe:a9fe",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
];

const PUBLIC: [&str; 9] = [
    "1.1.1.1",
    "9.255.255.255",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
];

/// Names that lead nearby, or are no names.
const ODD_NAMES: &[&str] = &[
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "a.b.localhost.",
    "printer",
    "printer.local",
    "db.internal",
    "metadata.google.internal",
    "router.lan",
    "nas.home",
    "1.0.0.127.in-addr.arpa",
    "intranet",
    "x.corp",
    "127.0.0.1.",
    "a..b",
    "-a.example.org",
    "a-.example.org",
    ".example.org",
    "example.org.",
    "ex\u{0430}mple.org",
    "loc\tal.host",
    "exa mple.org",
    "example.org\\@127.0.0.1",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "a.0x7f",
    "a.1",
    "xn--a.1",
];

/// Addresses that are none, or hide where they lead.
const ODD_ADDRESSES: &[&str] = &[
    "https:/\\127.0.0.1/",
    "https:127.0.0.1",
    "//127.0.0.1/",
    "https:///127.0.0.1/",
    " https://127.0.0.1/",
    "https://127.0.0.1\n/",
    "https://example.org:99999/",
    "https://example.org:25/",
    "https://example.org:0/",
    "https://user:word@example.org/",
    "https://@example.org/",
    "https://example.org#@127.0.0.1/",
    "https://",
    "https",
    "",
];

/// Every spelling of an address that some program somewhere reads as it.
fn spellings(address: &str) -> Vec<String> {
    let Ok(v4) = address.parse::<Ipv4Addr>() else { return vec![format!("[{address}]"), format!("[{address}%25lo]")] };
    let number = u32::from(v4);
    let [a, b, c, d] = v4.octets();
    let rest = number & 0x00ff_ffff;
    let wide: String = address
        .chars()
        .map(|letter| letter.to_digit(10).map_or(letter, |digit| char::from_u32(0xff10 + digit).unwrap()))
        .collect();
    vec![
        address.to_owned(),
        format!("{address}."),
        number.to_string(),
        format!("{number:#x}"),
        format!("0{number:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a}.{rest}"),
        format!("{a}.{b}.{}", u16::from_be_bytes([c, d])),
        format!("00000{a}.{b}.{c}.{d}"),
        format!("{a:#x}.{rest}"),
        wide,
        address.replace('.', "\u{3002}"),
        address.replace('.', "%2e"),
        format!("[::ffff:{address}]"),
        format!("[::{address}]"),
        format!("[64:ff9b::{address}]"),
        format!("[2002:{:02x}{:02x}:{:02x}{:02x}::1]", a, b, c, d),
        format!("user@{address}"),
        format!("sign-in.example.org@{address}"),
        format!("sign-in.example.org:443@{address}"),
    ]
}

/// Addresses to ask for, at least three hundred.
fn forms(port: u16) -> Vec<String> {
    let mut forms = Vec::new();
    for host in NEARBY.iter().flat_map(|address| spellings(address)) {
        forms.push(format!("https://{host}:{port}/"));
    }
    for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"] {
        for scheme in ["http", "ftp", "file", "gopher", "ws", "dict", "HTTP", "unix", "jar:https", "data"] {
            forms.push(format!("{scheme}://{host}:{port}/"));
        }
    }
    for host in ODD_NAMES {
        forms.push(format!("https://{host}:{port}/"));
    }
    for whole in ODD_ADDRESSES {
        forms.push((*whole).to_owned());
    }
    forms.push(format!("https://{}.example.org/", "a".repeat(64)));
    forms.push(format!("https://example.org/{}", "a".repeat(2048)));
    forms
}

#[tokio::test]
async fn hundreds_of_ways_to_ask_for_a_door_nearby_reach_none() {
    let trap = Trap::set().await;
    // Whatever a name is, here it leads nearby.
    let way_out = trap.way_out(Turns::of(&[&["127.0.0.1"]]));
    let bounds = Bounds { ports: vec![443, trap.port], towns: vec![] };
    let forms = forms(trap.port);
    assert!(forms.len() >= 300, "{}", forms.len());
    for form in &forms {
        assert!(Destination::judge(form, &bounds).is_err(), "{form:?} is gone to");
        if let Some(request) = request(form) {
            assert!(way_out.send(request).await.is_err(), "{form:?} was answered");
        }
    }
    assert_eq!(trap.visits(), 0);
    // The control: a client without a guard is led to the trap by a good many of them.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for form in forms.iter().filter(|form| form.contains(&format!(":{}/", trap.port)) && form.contains("127")) {
        let _ = client.get(form).timeout(std::time::Duration::from_millis(500)).send().await;
    }
    assert!(trap.visits() >= 8, "the trap counted {}", trap.visits());
}

#[tokio::test]
async fn a_name_that_leads_nearby_is_not_gone_to_whichever_address_it_has() {
    let trap = Trap::set().await;
    let address = format!("https://sign-in.example.org:{}/", trap.port);
    for nearby in NEARBY {
        assert!(!is_public(nearby.parse().unwrap()), "{nearby}");
        for answer in [vec![nearby], vec!["3ffe::1", nearby], vec![nearby, "3ffe::1"]] {
            let way_out = trap.way_out(Turns::of(&[&answer]));
            let outage = way_out.send(request(&address).unwrap()).await.unwrap_err();
            assert_eq!(outage.kind, OutageKind::Refused("address_nearby".to_owned()), "{answer:?}");
        }
    }
    assert_eq!(trap.visits(), 0);
    for public in PUBLIC {
        assert!(is_public(public.parse().unwrap()), "the control: {public}");
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_believed_once() {
    let trap = Trap::set().await;
    let address = format!("https://sign-in.example.org:{}/", trap.port);
    // First an address in public space that nobody has (RFC 3701), then the trap.
    let mind: &[&[&str]] = &[&["3ffe::1"], &["127.0.0.1"]];
    let names = Turns::of(mind);
    assert!(trap.way_out(names.clone()).send(request(&address).unwrap()).await.is_err());
    assert_eq!((names.asked.load(Ordering::SeqCst), trap.visits()), (1, 0));
    // The control: whoever looks the name up to judge it, and lets the connection look it up again, is led to the trap.
    let names = Turns::of(mind);
    let first = names.look_up("sign-in.example.org").await.unwrap();
    assert!(first.into_iter().all(is_public), "the filter is content");
    let second = names.look_up("sign-in.example.org").await.unwrap()[0];
    let client = reqwest::Client::builder()
        .no_proxy()
        .resolve("sign-in.example.org", (second, trap.port).into())
        .build()
        .unwrap();
    assert!(client.get(&address).send().await.is_err());
    assert_eq!(trap.visits(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_reply_has_an_end() {
    let trap = Trap::set().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let town = format!("http://{}", listener.local_addr().unwrap());
    let nearby = format!("http://127.0.0.1:{}/", trap.port);
    let away = move |status: u16| {
        let nearby = nearby.clone();
        get(move || async move { (http::StatusCode::from_u16(status).unwrap(), [(header::LOCATION, nearby)]) })
    };
    let mut routes = Router::new()
        .route("/large", get(|| async { vec![b'x'; LARGEST_REPLY + 1] }))
        .route("/whole", get(|| async { vec![b'x'; LARGEST_REPLY] }));
    for status in [301, 302, 303, 307, 308] {
        routes = routes.route(&format!("/{status}"), away(status));
    }
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let way_out = GuardedEgress::new(Bounds { towns: vec![town.clone()], ..Bounds::default() }).unwrap();
    for status in [301, 302, 303, 307, 308] {
        let reply = way_out.send(request(&format!("{town}/{status}")).unwrap()).await.unwrap();
        assert_eq!(reply.status().as_u16(), status);
    }
    assert_eq!(trap.visits(), 0);
    let outage = way_out.send(request(&format!("{town}/large")).unwrap()).await.unwrap_err();
    assert_eq!(outage.kind, OutageKind::Refused("reply_too_large".to_owned()));
    let whole = way_out.send(request(&format!("{town}/whole")).unwrap()).await.unwrap();
    assert_eq!(whole.body().len(), LARGEST_REPLY, "the control");
    // Another port of the same machine is no town.
    assert!(way_out.send(request(&format!("http://127.0.0.1:{}/", trap.port)).unwrap()).await.is_err());
    assert_eq!(trap.visits(), 0);
}

#[test]
fn an_honest_address_is_gone_to_and_each_refusal_says_what_to_write_instead() {
    let bounds = Bounds::default();
    for honest in [
        "https://sign-in.example.org",
        "https://login.example.com/tenant/v2.0/.well-known/openid-configuration?x=%20y",
        "https://SIGN-IN.Example.org:443/",
        "https://xn--bcher-kva.example/",
    ] {
        assert!(Destination::judge(honest, &bounds).is_ok(), "{honest}");
    }
    for (address, barred) in [
        ("http://sign-in.example.org/", Barred::Scheme),
        ("https://a:b@sign-in.example.org/", Barred::Credentials),
        ("https://8.8.8.8/", Barred::Host),
        ("https://sign-in.example.org:8443/", Barred::Port),
        ("https://sign in.example.org/", Barred::Spelling),
    ] {
        assert_eq!(Destination::judge(address, &bounds).unwrap_err(), barred, "{address}");
        assert!(barred.to_string().len() > 20);
    }
}
