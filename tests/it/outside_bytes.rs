//! The fuzz targets of `tests/fuzz/`, a few thousand inputs each: what `bin/nightly` tries for minutes is tried here for a
//! moment with every change, from the same seeds, by the same chance.

#[path = "../fuzz/src/carrier.rs"]
mod carrier;
#[path = "../fuzz/src/hearing.rs"]
mod hearing;
#[path = "../fuzz/src/record.rs"]
mod record;
#[path = "../fuzz/src/words.rs"]
mod words;

/// Inputs for each target.
const INPUTS: usize = 3000;

/// The parts of an input, parted by a byte that no text has.
fn parts(bytes: &[u8]) -> Vec<String> {
    bytes.split(|byte| *byte == 0xff).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// Chance that is the same every time (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// Pieces that parsers care about.
const PIECES: &[&[u8]] = &[
    b"https://",
    b"://",
    b"@",
    b"#",
    b"\\",
    b"127.0.0.1",
    b"[::1]",
    b"example.org",
    b":443",
    b"..",
    b"%2e",
    b"\xff",
    b"\0",
    b"&",
    b"=",
    b"+",
    b"<",
    b">",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"1e999",
    b"-1",
    b"<form method=\"post\">",
    b"&amp;",
    b"]]>",
    b"<!--",
    b"\n",
    b"\r\n",
    b"\t",
    b"- ",
    b": ",
    b"*a",
    b"&a",
    b"\xe2\x80\x8b",
    b"\xf0\x9f\x98\x80",
    b"\xc0\x80",
];

/// A seed, changed in a few places.
fn changed(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.insert(at, u8::try_from(chance.below(256)).unwrap()),
            3 => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, PIECES[chance.below(PIECES.len())].iter().copied())),
        }
    }
    bytes
}

fn try_out(target: fn(&[u8]), seeds: &[&[u8]]) {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut tried = 0;
    for seed in seeds {
        target(seed);
    }
    while tried < INPUTS {
        let mut input = seeds[chance.below(seeds.len())].to_vec();
        // Changes on changes go further from the seed.
        for _ in 0..=chance.below(4) {
            input = changed(&input, &mut chance);
            target(&input);
            tried += 1;
        }
    }
}

#[test]
fn whatever_the_carrier_sends_is_proven_read_or_refused() {
    try_out(
        carrier::form,
        &[b"CallSid\xffCA1\xffCallStatus\xffringing", b"a=b&a=b&c=%zz", b"\xff\xffForged\xff1\xff", b""],
    );
    try_out(
        carrier::media,
        &[
            br#"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1","customParameters":{"token":"t"}}}"#,
            br#"{"event":"media","media":{"chunk":"1","timestamp":"20","payload":"////"}}"#,
            br#"{"event":"connected"}"#,
        ],
    );
    try_out(carrier::twiml, &[b"Good morning.\xffroom\xfftoken", b"</Say><Dial>+1</Dial>", b"\x01\x02"]);
}

#[test]
fn whatever_an_engine_that_hears_sends_is_read_or_refused() {
    try_out(
        hearing::deepgram,
        &[
            br#"{"type":"Results","start":1.5,"duration":0.5,"is_final":true,"channel":{"alternatives":[{"transcript":"Six","confidence":0.98,"words":[{"word":"six","start":1.6,"end":1.9,"confidence":0.9}]}]}}"#,
            br#"{"type":"Metadata"}"#,
            br#"{"type":"Error","variant":"NET-0001"}"#,
            br#"{"type":"Results","start":-1,"duration":1e999,"channel":{"alternatives":[]}}"#,
        ],
    );
    try_out(
        hearing::realtime,
        &[
            b"{\"type\":\"input_audio_buffer.speech_started\",\"item_id\":\"a\",\"audio_start_ms\":900}\xff{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":\"a\",\"transcript\":\"Six\"}",
            br#"{"type":"input_audio_buffer.committed","item_id":"a"}"#,
            br#"{"type":"error","error":{"code":"session_expired"}}"#,
        ],
    );
    try_out(
        hearing::transcript,
        &[br#"{"text":"Six right now","words":[{"word":"Six","start":0.1,"end":0.4}]}"#, br#"{"text":""}"#],
    );
}

#[test]
fn whatever_a_model_or_a_person_writes_is_verified_read_or_refused() {
    let quoted = br#"{"statements":[{"text":"Sit the patient upright.","quotes":[{"anchor":"a1","span":"Sit the patient upright."}]}],"abstain":false}"#;
    try_out(words::model_reply, &[quoted, b"Open a window and use a fan.\xffOpen a window and use a fan.", b"{}"]);
    try_out(words::telephone_and_zone, &[b"+12125550101\xffUS", b"(212) 555-0101\xffUS", b"\x60\0\0\0\0\x10\x10\x28"]);
    try_out(words::egress_address, &[b"https://sign-in.example.org/path?x=1", b"https://a.b:443", b"https://0x7f.1/"]);
    try_out(words::page_forms, &[b"<form method=\"post\" action=\"/a\"><b>x</b></form>", b"<form", b"<form>"]);
}

#[test]
fn whatever_a_protocol_package_holds_is_read_or_its_faults_are_named() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols/dyspnea");
    let names =
        ["protocol.yaml", "guidance.md", "scenarios.yaml", "changelog.md", "i18n/en-US.yaml", "i18n/es-US.yaml"];
    let files: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
    let whole = files.join(&0xff);
    words::protocol_yaml(&whole);
    // A whole package is long; its beginnings meet the same reader.
    try_out(
        words::protocol_yaml,
        &[&files[0][..600.min(files[0].len())], b"id: x\nversion: 1.0.0\n", b"a: &a [*a, *a]\n"],
    );
}

#[test]
fn whatever_an_operator_sets_holds_or_is_named() {
    try_out(
        words::settings,
        &[b"ABCDEFGH\xff127.0.0.1:1\xffhttps://a.b\xffpostgres://h/d\xffhttp://127.0.0.1:1", b"\xff\xff"],
    );
}

#[test]
fn whatever_was_kept_comes_back_as_it_was_or_not_at_all() {
    let token = format!("{}.{}", uuid::Uuid::nil(), "0f".repeat(32));
    try_out(record::tokens, &[token.as_bytes(), b"abcd-efgh", b""]);
    let keys = careline::adapters::key_file::KeyFile::fresh();
    try_out(record::key_file, &[keys.reveal().as_bytes(), b"{}"]);
    try_out(record::sealed_value, &[b"\x01\x02w1\0\x04abcdrest", b"\x01\0\0\0", b""]);
    try_out(record::file_preamble, &[&[0; 96], b"CARE", b""]);
    try_out(
        record::chain_entry,
        &[
            b"1\xffstaff\xff2\xffnurse\xffsigned_in\xff\xff\xff9\xff1\xffstaff\xff2\xffnurse\xffsigned_in\xff\xff\xff9",
            b"1\xffa\xffa\xff1\xff\xff\xff\xff\xffk\xffn\xffb\xffx\xffy",
            b"",
        ],
    );
    try_out(record::checkpoint_note, &[b"careline/record\n1\nAAAA\n\n\xe2\x80\x94 s1 AAAA\n", b""]);
}
