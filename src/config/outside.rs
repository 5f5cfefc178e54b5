//! Settings for what is outside the database: keys, files, the second place of the record, letters, and how far out
//! requests may go.

use super::check::is_twilio;
use super::{BucketConfig, Faults, KeysConfig, MailConfig, ObjectsConfig, OutsideConfig, Settings};
use crate::domain::{
    destination::{Bounds, is_loopback},
    private::Private,
};
use std::path::{Path, PathBuf};
use url::Url;

/// Checks them all.
pub(super) fn outside(settings: &Settings, faults: &mut Faults) -> Option<OutsideConfig> {
    let keys = keys(settings, faults);
    let objects = objects("CARELINE_OBJECTS_URL", &settings.objects_url, settings, "objects", faults);
    let witness = objects_of_witness(settings, faults);
    let mail = mail(settings, faults);
    Some(OutsideConfig { keys: keys?, objects: objects?, witness: witness?, mail: mail? })
}

fn keys(settings: &Settings, faults: &mut Faults) -> Option<KeysConfig> {
    let text = settings.keys.trim();
    if text.is_empty() {
        faults.note(
            "CARELINE_KEYS",
            "it is missing; make a file with `careline keys new FILE`, keep a copy away from the database, and name it",
        );
        return None;
    }
    if text.starts_with('{') {
        return Some(KeysConfig::Text(Private::new(text.to_owned())));
    }
    if text.contains("://") {
        return transit(text, &settings.keys_token, faults);
    }
    Some(KeysConfig::File(PathBuf::from(text)))
}

fn transit(text: &str, token: &str, faults: &mut Faults) -> Option<KeysConfig> {
    if token.is_empty() {
        faults.note("CARELINE_KEYS_TOKEN", "it is missing; Vault asks for a token");
    }
    let address = Url::parse(text).ok().filter(|url| {
        let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        safe && url.query().is_none() && url.path().rsplit_once("/keys-").is_some_and(|(_, prefix)| !prefix.is_empty())
    });
    if address.is_none() {
        faults.note(
            "CARELINE_KEYS",
            "write https://vault.example.org:8200/v1/transit/keys-PREFIX; plain http is taken for a loopback address only",
        );
    }
    let token = Private::new(token.to_owned());
    address.filter(|_| !token.reveal().is_empty()).map(|address| KeysConfig::Transit { address, token })
}

fn objects_of_witness(settings: &Settings, faults: &mut Faults) -> Option<ObjectsConfig> {
    objects("CARELINE_WITNESS_URL", &settings.witness_url, settings, "witness", faults)
}

fn objects(
    variable: &str,
    text: &str,
    settings: &Settings,
    folder: &str,
    faults: &mut Faults,
) -> Option<ObjectsConfig> {
    if text.is_empty() {
        return Some(ObjectsConfig::Folder(Path::new(&settings.data).join(folder)));
    }
    match Url::parse(text) {
        Ok(url) if url.scheme() == "file" && url.to_file_path().is_ok() => {
            url.to_file_path().ok().map(ObjectsConfig::Folder)
        }
        Ok(url) if url.scheme() == "s3" && url.host_str().is_some() => {
            Some(ObjectsConfig::Bucket(BucketConfig { url, options: bucket_options(settings, faults)? }))
        }
        Ok(_) | Err(_) => {
            faults.note(variable, "write file:///folder or s3://bucket/path");
            None
        }
    }
}

/// Options of a bucket, in the words of `object_store`.
fn bucket_options(settings: &Settings, faults: &mut Faults) -> Option<Vec<(String, Private<String>)>> {
    let mut holds = true;
    for (variable, value) in [("CARELINE_S3_KEY_ID", &settings.s3_key_id), ("CARELINE_S3_SECRET", &settings.s3_secret)]
    {
        if value.is_empty() {
            faults.note(variable, "it is missing; an s3:// address needs the access key of its bucket");
            holds = false;
        }
    }
    let endpoint = Url::parse(&settings.s3_endpoint).ok();
    let plain = endpoint.as_ref().is_some_and(|url| url.scheme() == "http" && is_loopback(url));
    let safe = endpoint.as_ref().is_some_and(|url| url.scheme() == "https") || plain;
    if !settings.s3_endpoint.is_empty() && !safe {
        faults.note("CARELINE_S3_ENDPOINT", "write https://host; plain http is taken for a loopback address only");
        holds = false;
    }
    let option = |name: &str, value: &str| (name.to_owned(), Private::new(value.to_owned()));
    let mut options = vec![
        option("aws_region", &settings.s3_region),
        option("aws_access_key_id", &settings.s3_key_id),
        option("aws_secret_access_key", &settings.s3_secret),
        // Not every compatible server takes many deletions in one request, and one at a time is all that is done.
        option("aws_disable_bulk_delete", "true"),
    ];
    if !settings.s3_endpoint.is_empty() {
        options.push(option("aws_endpoint", settings.s3_endpoint.trim_end_matches('/')));
    }
    if plain {
        options.push(option("aws_allow_http", "true"));
    }
    holds.then_some(options)
}

fn mail(settings: &Settings, faults: &mut Faults) -> Option<MailConfig> {
    let from = settings.mail_from.clone();
    if !from.contains('@') {
        faults.note("CARELINE_MAIL_FROM", "write a mailbox such as Careline <careline@example.org>");
        return None;
    }
    if settings.mail_url.is_empty() {
        return Some(MailConfig::Spool { folder: Path::new(&settings.data).join("mail"), from });
    }
    if Url::parse(&settings.mail_url).is_ok_and(|url| matches!(url.scheme(), "smtp" | "smtps") && url.host().is_some())
    {
        return Some(MailConfig::Smtp { url: Private::new(settings.mail_url.clone()), from });
    }
    faults.note(
        "CARELINE_MAIL_URL",
        "write smtps://user:password@host:465 or smtp://user:password@host:587?tls=required",
    );
    None
}

/// Where addresses that people or peers wrote may lead.
pub(super) fn bounds(settings: &Settings, faults: &mut Faults) -> Option<Bounds> {
    let ports: Option<Vec<u16>> =
        listed(&settings.egress_ports).map(|port| port.parse().ok().filter(|port| *port > 0)).collect();
    if ports.as_ref().is_none_or(Vec::is_empty) {
        faults.note("CARELINE_EGRESS_PORTS", "write ports separated by commas, such as 443,8443");
    }
    let towns: Vec<String> = listed(&settings.egress_towns).map(str::to_owned).collect();
    let near = |town: &String| Url::parse(town).is_ok_and(|url| url.has_host() && is_loopback(&url));
    if !towns.iter().all(near) {
        faults.note("CARELINE_EGRESS_TOWNS", "write origins on a loopback address, such as http://127.0.0.1:4010");
        return None;
    }
    if !towns.is_empty() && Url::parse(&settings.twilio_api_url).is_ok_and(|url| is_twilio(&url)) {
        faults.note(
            "CARELINE_EGRESS_TOWNS",
            "a town beside the real carrier would open this machine to whoever writes an address; empty it",
        );
        return None;
    }
    Some(Bounds { ports: ports?, towns })
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// The host of the carrier's signalling: it goes into the policy of a page, so nothing but a host may stand here.
pub(super) fn signalling(settings: &Settings, faults: &mut Faults) -> Option<String> {
    let host = settings.browser_signalling.trim();
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'));
    let sound = plain && Url::parse(&format!("https://{host}/")).is_ok_and(|url| url.has_host());
    if !sound {
        faults
            .note("CARELINE_BROWSER_SIGNALLING", "write a host without a scheme, such as voice-js.roaming.twilio.com");
    }
    sound.then(|| host.to_owned())
}
