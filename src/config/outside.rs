//! Settings for what is outside the database: keys, files, the second place of the record, letters, and how far out
//! requests may go.

use super::check::{is_loopback, is_twilio};
use super::{BucketConfig, Faults, KeysConfig, MailConfig, ObjectsConfig, OutsideConfig, Settings};
use crate::domain::{destination::Bounds, private::Private};
use std::path::{Path, PathBuf};
use url::Url;

/// Checks them all.
pub(super) fn outside(settings: &Settings, faults: &mut Faults) -> Option<OutsideConfig> {
    let keys = keys(settings, faults);
    let objects = objects("CARELINE_OBJECTS_URL", &settings.objects_url, &settings.data, "objects", faults);
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
    Some(KeysConfig::File(PathBuf::from(text)))
}

fn objects_of_witness(settings: &Settings, faults: &mut Faults) -> Option<ObjectsConfig> {
    objects("CARELINE_WITNESS_URL", &settings.witness_url, &settings.data, "witness", faults)
}

fn objects(variable: &str, text: &str, data: &str, folder: &str, faults: &mut Faults) -> Option<ObjectsConfig> {
    if text.is_empty() {
        return Some(ObjectsConfig::Folder(Path::new(data).join(folder)));
    }
    match Url::parse(text) {
        Ok(url) if url.scheme() == "file" && url.to_file_path().is_ok() => {
            url.to_file_path().ok().map(ObjectsConfig::Folder)
        }
        Ok(url) if url.scheme() == "s3" && url.host_str().is_some() => {
            Some(ObjectsConfig::Bucket(BucketConfig { url, options: Vec::new() }))
        }
        Ok(_) | Err(_) => {
            faults.note(variable, "write file:///folder or s3://bucket/path");
            None
        }
    }
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
