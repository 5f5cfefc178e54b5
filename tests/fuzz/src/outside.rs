//! One binary for every target, because linking it is what takes the time: `CARELINE_FUZZ` names the target. Each target
//! promises more than not to fall over; what it promises is said above it.

#![no_main]

mod carrier;
mod hearing;
mod record;
mod words;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// Every target, by name.
const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("carrier_form", carrier::form),
    ("carrier_media", carrier::media),
    ("carrier_twiml", carrier::twiml),
    ("model_reply", words::model_reply),
    ("protocol_yaml", words::protocol_yaml),
    ("telephone_and_zone", words::telephone_and_zone),
    ("egress_address", words::egress_address),
    ("page_forms", words::page_forms),
    ("settings", words::settings),
    ("tokens", record::tokens),
    ("key_file", record::key_file),
    ("sealed_value", record::sealed_value),
    ("file_preamble", record::file_preamble),
    ("chain_entry", record::chain_entry),
    ("checkpoint_note", record::checkpoint_note),
    ("deepgram_results", hearing::deepgram),
    ("realtime_events", hearing::realtime),
    ("transcript_reply", hearing::transcript),
];

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("CARELINE_FUZZ").unwrap_or_default();
    match TARGETS.iter().find(|(own, _)| *own == name) {
        Some((_, target)) => *target,
        None => panic!("set CARELINE_FUZZ to one of {:?}", TARGETS.iter().map(|(own, _)| *own).collect::<Vec<_>>()),
    }
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));

/// The parts of an input, parted by a byte that no text has.
fn parts(bytes: &[u8]) -> Vec<String> {
    bytes.split(|byte| *byte == 0xff).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}
