//! The law of the house, checked on every run: floors, caps, words, the map and the list of dependencies.
//! Each rule has a control below: a fixture it must catch. All faults of a run are reported together.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
};

const SOURCE_LINES: usize = 400;
const TEST_LINES: usize = 600;
const TEMPLATE_LINES: usize = 200;
const FUNCTION_LINES: usize = 60;

/// Which room may name which others. A name with `::` opens one part of a room only.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("ports", &["domain"]),
    ("adapters", &["domain", "ports"]),
    ("store", &["domain", "error"]),
    ("vault", &["domain", "ports", "store", "error"]),
    ("passwords", &["domain", "ports", "error", "vault"]),
    ("app", &["domain", "ports", "config", "store", "live", "vault", "passwords"]),
    ("factors", &["domain", "ports", "store", "vault", "error"]),
    ("error", &["domain", "ports", "config"]),
    ("live", &["domain", "ports", "config"]),
    ("telemetry", &["config"]),
    ("failpoint", &[]),
    ("flows", &["domain", "ports", "store", "app", "live", "error", "factors", "failpoint"]),
    ("jobs", &["domain", "flows", "app", "error", "failpoint", "store::jobs"]),
    ("web", &["domain", "flows", "app", "live", "error"]),
    ("web/hooks", &["domain", "flows", "app", "live", "error", "ports::phone", "ports::speech", "ports::texts"]),
    ("simulator", &["domain::ids", "domain::tones", "ports::clock"]),
    ("evals", &["domain", "flows", "app", "error", "ports"]),
];

/// Rooms at the top of the house: they put the others together and may name everything.
const TOP: &[&str] = &["bench", "boot", "main", "desk", "demo", "lib"];

/// Words that say nothing; in the name of a type or module all of them, in the name of a function the verbs.
const EMPTY_NOUNS: &[&str] = &["manager", "service", "helper", "util", "utils", "handler", "data", "info"];
const EMPTY_VERBS: &[&str] = &["process", "handle"];

#[test]
fn the_house_is_tidy() {
    let house = House::open();
    let mut faults = Vec::new();
    for file in &house.files {
        faults.extend(faults_of_file(&file.path, &file.text));
    }
    faults.extend(flows_that_name_flows(&house.files));
    faults.extend(faults_of_map(&house.read("docs/ARCHITECTURE.md"), &house.rooms(), |path| house.has(path)));
    faults.extend(faults_of_dependencies(&house.read("Cargo.toml"), &house.read("docs/decisions/dependencies.md")));
    assert!(faults.is_empty(), "the house is not tidy, {} faults:\n  {}\n", faults.len(), faults.join("\n  "));
}

/// The tracked files of the repository.
struct House {
    root: PathBuf,
    files: Vec<File>,
}

struct File {
    path: String,
    text: String,
}

impl House {
    fn open() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let files = tracked(&root)
            .into_iter()
            .filter_map(|path| Some(File { text: fs::read_to_string(root.join(&path)).ok()?, path }))
            .collect();
        Self { root, files }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Every room: a file directly in `src/` or a folder anywhere below it.
    fn rooms(&self) -> BTreeSet<String> {
        let rust = self.files.iter().filter(|file| file.path.starts_with("src/") && file.path.ends_with(".rs"));
        rust.map(|file| match file.path.rsplit_once('/') {
            Some(("src", _)) | None => file.path.clone(),
            Some((folder, _)) => format!("{folder}/"),
        })
        .collect()
    }
}

/// What git tracks or would track; without git, every file that is not built or private.
fn tracked(root: &Path) -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success());
    match listed {
        Some(output) => String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect(),
        None => walk(root, ""),
    }
}

fn walk(root: &Path, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(below)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if matches!(name.as_str(), "target" | ".git" | ".data" | ".env") {
            continue;
        }
        if entry.path().is_dir() { found.extend(walk(root, &path)) } else { found.push(path) }
    }
    found
}

fn faults_of_file(path: &str, text: &str) -> Vec<String> {
    let mut faults = faults_of_length(path, text);
    faults.extend(faults_of_place(path, text));
    if !path.ends_with(".rs") {
        return faults;
    }
    if !text.starts_with("//!") {
        faults.push(format!("{path}:1: a file opens with `//!`: what this is, for whom"));
    }
    let Ok(tokens) = TokenStream::from_str(text) else {
        faults.push(format!("{path}: cannot be read as Rust"));
        return faults;
    };
    let mut code = Code::default();
    code.read(tokens);
    for (name, line, lines) in &code.functions {
        if *lines > FUNCTION_LINES {
            faults.push(format!("{path}:{line}: fn {name} has {lines} lines, {FUNCTION_LINES} are allowed"));
        }
    }
    if path.starts_with("src/") {
        faults.extend(faults_of_names(path, &code));
        faults.extend(faults_of_floors(path, &code));
    }
    faults
}

fn faults_of_length(path: &str, text: &str) -> Vec<String> {
    let most = match path {
        _ if path.contains("/templates/") => TEMPLATE_LINES,
        _ if !path.ends_with(".rs") => return vec![],
        _ if path.starts_with("tests/") => TEST_LINES,
        _ => SOURCE_LINES,
    };
    let lines = text.lines().count();
    if lines > most { vec![format!("{path}: {lines} lines, {most} are allowed")] } else { vec![] }
}

/// Nothing of one machine or one network stays in the repository.
fn faults_of_place(path: &str, text: &str) -> Vec<String> {
    let marks = [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/wo", "rk/"),
        concat!("/tm", "p/wt/"),
        concat!("../sha", "red"),
        concat!("spa", "rse+http"),
        concat!("arti", "factory"),
        concat!("index", "-url"),
    ];
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for mark in marks.iter().filter(|mark| line.contains(**mark)) {
            faults.push(format!("{path}:{}: `{mark}` belongs to one machine or network", number + 1));
        }
        let foreign =
            path == "Cargo.lock" && line.starts_with("source = ") && !line.contains("rust-lang/crates.io-index");
        if foreign {
            faults.push(format!("{path}:{}: a source that is not crates.io", number + 1));
        }
    }
    faults
}

/// What a file says, as far as the rules ask.
#[derive(Default)]
struct Code {
    /// Paths that begin with `crate`, `careline` or `super`, flattened, with their lines.
    paths: Vec<(Vec<String>, usize)>,
    /// Functions: name, line, lines.
    functions: Vec<(String, usize, usize)>,
    /// Declared names: keyword, name, line.
    names: Vec<(String, String, usize)>,
    /// Every identifier, with its line.
    words: Vec<(String, usize)>,
}

impl Code {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) => self.read_word(&tokens, at, &ident.to_string(), ident.span().start().line),
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn read_word(&mut self, tokens: &[TokenTree], at: usize, word: &str, line: usize) {
        self.words.push((word.to_owned(), line));
        let after_path = at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(dots) if dots.as_char() == ':');
        match word {
            "crate" | "careline" | "super" if !after_path => {
                for path in paths_from(&tokens[at..]) {
                    self.paths.push((path, line));
                }
            }
            "struct" | "enum" | "trait" | "type" | "mod" | "fn" => {
                if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                    self.names.push((word.to_owned(), name.to_string(), line));
                    if word == "fn" {
                        self.read_function(&tokens[at + 1..], line);
                    }
                }
            }
            _ => {}
        }
    }

    fn read_function(&mut self, rest: &[TokenTree], line: usize) {
        for token in rest {
            match token {
                TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                    let last = body.span_close().end().line;
                    self.functions.push((rest[0].to_string(), line, last - line + 1));
                    return;
                }
                TokenTree::Punct(end) if end.as_char() == ';' => return,
                TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

/// The paths of one `a::b::{c, d::e}`, flattened.
fn paths_from(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let Some(TokenTree::Ident(first)) = tokens.first() else { return vec![] };
    let mut stem = vec![first.to_string()];
    let mut at = 1;
    while let (Some(TokenTree::Punct(one)), Some(TokenTree::Punct(two))) = (tokens.get(at), tokens.get(at + 1)) {
        if one.as_char() != ':' || one.spacing() != Spacing::Joint || two.as_char() != ':' {
            break;
        }
        match tokens.get(at + 2) {
            Some(TokenTree::Ident(next)) => stem.push(next.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                return branches(&stem, group.stream());
            }
            Some(_) | None => break,
        }
        at += 3;
    }
    vec![stem]
}

fn branches(stem: &[String], inside: TokenStream) -> Vec<Vec<String>> {
    let tokens: Vec<TokenTree> = inside.into_iter().collect();
    let parts = tokens.split(|token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ','));
    parts.flat_map(paths_from).map(|path| [stem, &path].concat()).collect()
}

fn faults_of_names(path: &str, code: &Code) -> Vec<String> {
    let mut faults = Vec::new();
    for (keyword, name, line) in &code.names {
        if keyword == "mod" && name == "tests" {
            faults.push(format!("{path}:{line}: tests live in tests/it/"));
        }
        let mut words = words_of(name);
        // "In process" is a place, not a verb.
        if let Some(at) = words.windows(2).position(|pair| pair == ["in", "process"]) {
            words.drain(at..at + 2);
        }
        let empty: Vec<&str> = match keyword.as_str() {
            "fn" => EMPTY_VERBS.to_vec(),
            _ => [EMPTY_NOUNS, EMPTY_VERBS].concat(),
        };
        for word in empty.iter().filter(|word| words.iter().any(|own| own == *word)) {
            faults.push(format!("{path}:{line}: `{name}`: the word \"{word}\" says nothing"));
        }
    }
    faults
}

fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            words.push(String::new());
        }
        if letter != '_' {
            words.last_mut().unwrap().extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The room of a file under `src/`, as the floor table names it.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    if inside.starts_with("web/hooks/") {
        return "web/hooks";
    }
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

fn faults_of_floors(path: &str, code: &Code) -> Vec<String> {
    let room = room_of(path);
    let mut faults = Vec::new();
    // A bench attacks and measures what is beneath the store, so it speaks SQL of its own.
    if room != "store" && room != "bench" && path != "src/error.rs" {
        let named = code.words.iter().find(|(word, _)| word == "sqlx");
        faults.extend(named.map(|(_, line)| format!("{path}:{line}: SQL lives in src/store")));
    }
    if TOP.contains(&room) {
        return faults;
    }
    let Some((_, may)) = FLOORS.iter().find(|(name, _)| *name == room) else {
        faults.push(format!("{path}: the room `{room}` is on no floor; add it to the table in tests/it/tidy.rs"));
        return faults;
    };
    let own = room.split('/').next().unwrap_or(room);
    for (named, line) in &code.paths {
        let Some(named) = from_root(path, named) else { continue };
        let Some(first) = named.first() else { continue };
        let is_room = FLOORS.iter().any(|(name, _)| name == first) || TOP.contains(&first.as_str());
        let whole = format!("{}::", named.join("::"));
        let allowed = first == own || may.iter().any(|door| whole.starts_with(&format!("{door}::")));
        if is_room && !allowed {
            faults.push(format!("{path}:{line}: {room} may not name crate::{}", named.join("::")));
        }
    }
    faults
}

/// A path as seen from the crate root; `None` when it stays inside the file's own room.
fn from_root(file: &str, named: &[String]) -> Option<Vec<String>> {
    let ups = named.iter().take_while(|part| *part == "super").count();
    if ups == 0 {
        return Some(named[1..].to_vec());
    }
    let module = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let depth = module.split('/').count();
    (ups >= depth).then(|| named[ups..].to_vec())
}

/// Flows never name flows: what two of them need is a rule of the domain or a row of the store.
fn flows_that_name_flows(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/flows/") && file.path != "src/flows/mod.rs") {
        let Ok(tokens) = TokenStream::from_str(&file.text) else { continue };
        let mut code = Code::default();
        code.read(tokens);
        for (named, line) in &code.paths {
            let words: Vec<&str> = named.iter().map(String::as_str).collect();
            let own =
                file.path.trim_start_matches("src/flows/").split('/').next().unwrap_or("").trim_end_matches(".rs");
            let another = match words.as_slice() {
                ["crate", "flows", other, ..] => *other != own,
                ["super", other, ..] => !file.path[10..].contains('/') && *other != "super",
                _ => false,
            };
            if another {
                faults.push(format!("{}:{line}: flows never name flows", file.path));
            }
        }
    }
    faults
}

/// Every room is on the map, and every path on the map exists.
fn faults_of_map(map: &str, rooms: &BTreeSet<String>, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    let ticked: Vec<&str> = map.split('`').skip(1).step_by(2).collect();
    for room in rooms {
        if !ticked.contains(&room.as_str()) {
            faults.push(format!("docs/ARCHITECTURE.md: the room `{room}` is not on the map"));
        }
    }
    for named in ticked {
        let path = named.split("::").next().unwrap_or(named);
        let plain = path.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter));
        let is_path = plain && (path.contains('/') || path.ends_with(".rs") || path.ends_with(".toml"));
        if is_path && !path.starts_with('/') && !exists(path) && !exists(&format!("src/{path}")) {
            faults.push(format!("docs/ARCHITECTURE.md: `{named}` is on the map and nowhere else"));
        }
    }
    faults
}

/// Every crate in `Cargo.toml` has a row in the list, and every row its crate.
fn faults_of_dependencies(manifest: &str, list: &str) -> Vec<String> {
    let mut crates = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && let Some((name, _)) = line.split_once('=') {
            crates.insert(name.trim().to_owned());
        }
    }
    let rows: BTreeSet<String> = list
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split([' ', '|']).next())
        .map(|name| name.trim_matches('`').to_owned())
        .filter(|name| name != "crate" && !name.starts_with('-'))
        .collect();
    let page = "docs/decisions/dependencies.md";
    let missing = crates.difference(&rows).map(|name| format!("{page}: `{name}` has no row"));
    let stale = rows.difference(&crates).map(|name| format!("{page}: `{name}` is in no Cargo.toml"));
    missing.chain(stale).collect()
}

// The controls: each rule catches what it is there for, and lets its counterpart pass.

#[track_caller]
fn caught(path: &str, text: &str, fault: &str) {
    let faults = faults_of_file(path, text);
    assert!(faults.iter().any(|found| found.contains(fault)), "expected {fault:?}, found {faults:?}");
}

#[track_caller]
fn passes(path: &str, text: &str) {
    assert_eq!(faults_of_file(path, text), Vec::<String>::new());
}

#[test]
fn an_upward_name_is_caught_however_it_is_written() {
    caught("src/domain/call.rs", "//! x\nuse crate::store::Db;", "domain may not name crate::store::Db");
    caught("src/domain/call.rs", "//! x\nuse crate::{error::Error};", "domain may not name crate::error");
    caught("src/domain/a/b.rs", "//! x\nuse super::super::super::ports::Outage;", "may not name crate::ports");
    caught("src/flows/a.rs", "//! x\nfn f() { g!(crate::web::x()) }", "flows may not name crate::web");
    caught("src/web/a.rs", "//! x\nuse crate::adapters::twilio;", "web may not name crate::adapters");
    caught("src/jobs/a.rs", "//! x\nuse crate::store::calls;", "jobs may not name crate::store::calls");
    caught("src/simulator/a.rs", "//! x\nuse crate::domain::people::Role;", "may not name crate::domain::people");
    caught("src/web/pages/a.rs", "//! x\nuse crate::ports::phone::Hook;", "may not name crate::ports::phone");
    caught("src/attic/a.rs", "//! x\n", "on no floor");
    passes("src/web/hooks/a.rs", "//! x\nuse crate::ports::phone::Hook;");
    passes("src/jobs/a.rs", "//! x\nuse crate::{domain::job::Job, store::jobs};");
    passes("src/simulator/a.rs", "//! x\nuse crate::{domain::{ids::CallId, tones}, ports::clock::Clock};");
    passes("src/boot.rs", "//! x\nuse crate::{adapters::twilio, web};");
    passes("src/domain/a/b.rs", "//! x\nuse super::super::people::Role;");
}

#[test]
fn sql_outside_the_store_is_caught() {
    caught("src/flows/a.rs", "//! x\nfn f() { sqlx::query!(\"select 1\") }", "SQL lives in src/store");
    caught("src/boot.rs", "//! x\nuse sqlx::PgPool;", "SQL lives in src/store");
    passes("src/store/a.rs", "//! x\nuse sqlx::PgPool;");
}

#[test]
fn a_flow_that_names_a_flow_is_caught() {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let caught = flows_that_name_flows(&[
        file("src/flows/a.rs", "use crate::flows::b;"),
        file("src/flows/c.rs", "use super::b;"),
        file("src/flows/calls/d.rs", "use super::own_rows;"),
        file("src/flows/mod.rs", "pub mod a;"),
    ]);
    assert_eq!(caught, ["src/flows/a.rs:1: flows never name flows", "src/flows/c.rs:1: flows never name flows"]);
}

#[test]
fn a_file_without_an_opening_line_is_caught() {
    caught("src/domain/a.rs", "use std::fmt;", "opens with `//!`");
    caught("tests/it/a.rs", "use std::fmt;", "opens with `//!`");
}

#[test]
fn long_files_and_functions_are_caught() {
    caught("src/domain/a.rs", &format!("//! x\n{}", "// y\n".repeat(400)), "401 lines, 400");
    caught("tests/it/a.rs", &format!("//! x\n{}", "// y\n".repeat(600)), "601 lines, 600");
    caught("src/web/templates/a.html", &"<p>\n".repeat(201), "201 lines, 200");
    let body = "    let a = \"}\";\n";
    caught("src/domain/a.rs", &format!("//! x\nfn f() {{\n{}}}\n", body.repeat(59)), "fn f has 61 lines");
    passes("src/domain/a.rs", &format!("//! x\nfn f() {{\n{}}}\n", body.repeat(58)));
}

#[test]
fn empty_names_and_test_modules_are_caught() {
    caught("src/domain/a.rs", "//! x\nstruct CallManager;", "\"manager\" says nothing");
    caught("src/domain/a.rs", "//! x\nfn handle_call() {}", "\"handle\" says nothing");
    caught("src/domain/a.rs", "//! x\nmod utils {}", "\"utils\" says nothing");
    caught("src/domain/a.rs", "//! x\nmod tests {}", "tests live in tests/it/");
    passes("src/domain/a.rs", "//! x\nstruct Datable; struct InProcessIndex; fn inform() {}");
}

#[test]
fn a_machine_or_a_network_in_a_file_is_caught() {
    caught("README.md", concat!("see /ho", "me/somebody/careline"), "belongs to one machine");
    caught("bin/test", concat!("--index", "-url http://mirror"), "belongs to one machine");
    caught("Cargo.lock", "source = \"registry+https://mirror.example/index\"", "not crates.io");
    passes("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
}

#[test]
fn a_map_that_lies_is_caught() {
    let rooms = BTreeSet::from(["src/boot.rs".to_owned(), "src/web/".to_owned()]);
    let faults = faults_of_map("`src/web/` holds `web/routes.rs` and `web/gone.rs`, `/sign-in`", &rooms, |path| {
        path == "src/web/routes.rs" || path == "src/web/"
    });
    assert_eq!(
        faults,
        [
            "docs/ARCHITECTURE.md: the room `src/boot.rs` is not on the map",
            "docs/ARCHITECTURE.md: `web/gone.rs` is on the map and nowhere else",
        ]
    );
}

#[test]
fn a_dependency_without_a_reason_is_caught() {
    let manifest =
        "[package]\nname = \"x\"\n[dependencies]\naxum = \"1\"\nnix = \"1\"\n[lints.rust]\nunsafe_code = \"forbid\"";
    let faults =
        faults_of_dependencies(manifest, "| crate | why |\n| --- | --- |\n| axum | the web |\n| `gone` | left |\n");
    assert_eq!(
        faults,
        [
            "docs/decisions/dependencies.md: `nix` has no row",
            "docs/decisions/dependencies.md: `gone` is in no Cargo.toml",
        ]
    );
}
