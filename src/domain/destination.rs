//! Where a request may go whose address a person or a peer wrote: the name of a public host, by https, on a usual port.
//! Everything else is somebody asking us to knock at our own doors. Addresses are judged as text before they are parsed,
//! because a lenient parser is how most of these doors were opened elsewhere.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use url::{Host, Url};

/// Longest address.
const LONGEST: usize = 2048;
/// Names that mean a machine nearby (RFC 6761, RFC 6762, RFC 8375, and names that networks use among themselves).
const NEARBY: [&str; 9] = ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa"];

/// What the operator allows beyond the usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Ports that may be reached.
    pub ports: Vec<u16>,
    /// Origins of simulated towns on this machine, such as `http://127.0.0.1:4010`; empty outside demo and tests.
    pub towns: Vec<String>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { ports: vec![443], towns: Vec::new() }
    }
}

/// An address that was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    url: Url,
}

/// Why an address is not gone to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// It cannot be read as an address, or is spelled in a way that programs read differently.
    Spelling,
    /// It is not https.
    Scheme,
    /// It carries a user or a password.
    Credentials,
    /// It names no host on the public Internet.
    Host,
    /// Its port is not among those allowed.
    Port,
}

impl Barred {
    /// A code for errors and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Spelling => "address_spelling",
            Self::Scheme => "address_scheme",
            Self::Credentials => "address_credentials",
            Self::Host => "address_host",
            Self::Port => "address_port",
        }
    }
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spelling => {
                "write a plain address such as https://sign-in.example.org/path, in ASCII, without spaces"
            }
            Self::Scheme => "only https is allowed here",
            Self::Credentials => "leave user and password out of the address",
            Self::Host => "write the full name of a host on the public Internet, not a number or a name nearby",
            Self::Port => "this port is not allowed; the operator may add it to CARELINE_EGRESS_PORTS",
        })
    }
}

impl Destination {
    /// Judges an address.
    ///
    /// # Errors
    /// Why it is not gone to; the text says what to write instead.
    pub fn judge(text: &str, bounds: &Bounds) -> Result<Self, Barred> {
        // Parsers strip tabs and newlines, read backslashes as slashes and wide digits as digits; we read none of it.
        let plain = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !plain {
            return Err(Barred::Spelling);
        }
        let url = Url::parse(text).map_err(|_| Barred::Spelling)?;
        let (scheme, after) = text.split_once("://").ok_or(Barred::Spelling)?;
        let authority = after.split(['/', '?', '#']).next().unwrap_or("");
        if authority.contains('@') || !url.username().is_empty() || url.password().is_some() {
            return Err(Barred::Credentials);
        }
        if bounds.towns.iter().any(|town| is_of_town(&url, town)) {
            return Ok(Self { url });
        }
        if scheme != "https" || url.scheme() != "https" {
            return Err(Barred::Scheme);
        }
        if url.fragment().is_some() {
            return Err(Barred::Spelling);
        }
        match url.host() {
            Some(Host::Domain(name)) if is_public_name(name) && names_exactly(authority, name) => {}
            Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_)) | None => return Err(Barred::Host),
        }
        if !url.port_or_known_default().is_some_and(|port| bounds.ports.contains(&port)) {
            return Err(Barred::Port);
        }
        Ok(Self { url })
    }

    /// The address.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

/// Whether an address is one of this machine, by name or by number.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A town has a literal loopback address: no name that somebody could point elsewhere.
fn is_of_town(url: &Url, town: &str) -> bool {
    let is_literal = !matches!(url.host(), Some(Host::Domain(_)));
    is_literal && is_loopback(url) && Url::parse(town).is_ok_and(|town| town.origin() == url.origin())
}

/// The host stands in the text as the parser understood it, in any case of letters.
fn names_exactly(authority: &str, name: &str) -> bool {
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    host.eq_ignore_ascii_case(name)
}

fn is_public_name(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let spelled = labels.iter().all(|label| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    let last = labels.last().copied().unwrap_or("");
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    labels.len() >= 2 && name.len() <= 253 && spelled && !is_number && !NEARBY.contains(&last)
}

/// Whether an address belongs to the public Internet (IANA special-purpose registries, RFC 6890). Addresses that carry an
/// IPv4 address inside (mapped, 6to4, Teredo, NAT64, ISATAP) are not gone to at all: what is inside may be anything.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    let special = match (a, b, c) {
        // This network, private, loopback, multicast and everything above it.
        (0 | 10 | 127 | 224.., _, _)
        // Carrier-grade NAT, link-local with the clouds' metadata, private.
        | (100, 64..=127, _)
        | (169, 254, _)
        | (172, 16..=31, _)
        | (192, 168, _)
        // Protocol assignments, documentation, AMT, 6to4 relays, AS112, benchmarking.
        | (192, 0, 0 | 2)
        | (192, 31, 196)
        | (192, 52, 193)
        | (192, 88, 99)
        | (192, 175, 48)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => true,
        _ => false,
    };
    // One cloud keeps its metadata in the middle of the public space.
    !special && (a, b, c, d) != (168, 63, 129, 16)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, _, _, e, f, ..] = address.segments();
    let global = (0x2000..=0x3fff).contains(&a);
    let special = (a == 0x2001 && (b < 0x200 || b == 0xdb8))
        || a == 0x2002
        || (a == 0x3fff && b < 0x1000)
        || (a == 0x2620 && b == 0x4f);
    let isatap = matches!(e, 0 | 0x200) && f == 0x5efe;
    global && !special && !isatap
}
