//! The table of the verification standard: nothing missing, nothing twice, and every file and test it points to exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Requirements of each chapter at level 1 and level 2 (OWASP ASVS 5.0.0).
const CHAPTERS: [(u32, usize, usize); 17] = [
    (1, 8, 19),
    (2, 4, 7),
    (3, 8, 11),
    (4, 2, 8),
    (5, 4, 5),
    (6, 13, 22),
    (7, 6, 12),
    (8, 4, 3),
    (9, 4, 3),
    (10, 5, 24),
    (11, 3, 11),
    (12, 3, 6),
    (13, 1, 12),
    (14, 2, 7),
    (15, 3, 10),
    (16, 0, 16),
    (17, 0, 7),
];

/// Faults of the table: `has` tells whether a file or a test of that name exists.
fn faults(table: &str, has: &impl Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut counted: BTreeMap<(u32, char), usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for line in table.lines().filter(|line| line.starts_with("| V")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, level, answer, words, places] = cells[..] else {
            faults.push(format!("not five cells: {line}"));
            continue;
        };
        if !seen.insert(number.to_owned()) {
            faults.push(format!("{number} stands twice"));
        }
        let chapter = number[1..].split('.').next().unwrap().parse().unwrap();
        *counted.entry((chapter, level.chars().next().unwrap())).or_default() += 1;
        if !["yes", "no", "n/a", "deploy"].contains(&answer) || words.is_empty() {
            faults.push(format!("{number}: {answer:?} {words:?}"));
        }
        let named: Vec<&str> = places.split('`').skip(1).step_by(2).collect();
        if named.is_empty() && matches!(answer, "yes" | "deploy") {
            faults.push(format!("{number}: nothing shows it"));
        }
        faults.extend(named.iter().filter(|name| !has(name)).map(|name| format!("{number}: there is no {name}")));
    }
    for (chapter, first, second) in CHAPTERS {
        let found = |level| counted.get(&(chapter, level)).copied().unwrap_or(0);
        if (found('1'), found('2')) != (first, second) {
            faults.push(format!("V{chapter}: {} and {} rows, not {first} and {second}", found('1'), found('2')));
        }
    }
    faults
}

fn names_of_tests(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names_of_tests(&path, names);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let words = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            names.extend(words.map(str::to_owned));
        }
    }
}

#[test]
fn every_requirement_is_answered_and_every_place_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/asvs.md")).unwrap();
    let mut tests = BTreeSet::new();
    names_of_tests(&root.join("tests/it"), &mut tests);
    let has = |name: &str| if name.contains(['/', '.']) { root.join(name).exists() } else { tests.contains(name) };
    assert_eq!(faults(&table, &has), Vec::<String>::new());
    let lost = table.replacen("| V3.4.3 |", "| V3.4.4 |", 1);
    assert!(!faults(&lost, &has).is_empty(), "the control: a requirement that stands twice while another is lost");
    let named = faults(&table, &|name: &str| name != "src/vault/");
    assert!(!named.is_empty(), "the control: a place that does not exist");
}
