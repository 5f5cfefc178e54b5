//! `careline protocol check`: reads packages from folders, runs their tests, and says in words what was found.

use crate::domain::protocol::{
    Fault, Package, Report, check,
    check::{LEAST_KILLED_PERCENT, MOST_WORDS},
    read_package,
};
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

/// The folder the universal screen lives in; it is part of every package and no package of its own.
const UNIVERSAL: &str = "universal";

/// Reads every file of a package's folder, named by its path within it.
///
/// # Errors
/// When a file cannot be read or is not UTF-8.
pub fn read_folder(folder: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else if !name.starts_with('.') {
                files.insert(name, fs::read_to_string(entry.path())?);
            }
        }
    }
    Ok(files)
}

/// Every package folder within a folder, in order of name: those with a `protocol.yaml`, and the folder itself if it
/// has one.
///
/// # Errors
/// When the folder cannot be read.
pub fn package_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if folder.join("protocol.yaml").is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with(UNIVERSAL) {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// What was found in one folder.
pub struct Checked {
    /// The folder.
    pub folder: PathBuf,
    /// The examiner's report, or what is wrong with the files.
    pub result: Result<Report, Vec<Fault>>,
}

impl Checked {
    /// Whether the protocol may be used.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.result.as_ref().is_ok_and(Report::has_passed)
    }
}

/// Checks every package in some folders.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn check_folders(folders: &[PathBuf]) -> io::Result<Vec<Checked>> {
    let mut checked = Vec::new();
    for folder in folders {
        for folder in package_folders(folder)? {
            let files = read_folder(&folder)?;
            let result = read_package(&files).map(|package: Package| check(&package));
            checked.push(Checked { folder, result });
        }
    }
    Ok(checked)
}

/// What a person reads about one package.
#[must_use]
pub fn words(checked: &Checked) -> String {
    let mut text = String::new();
    let folder = checked.folder.display();
    // Writing to a text cannot fail.
    let _ = match &checked.result {
        Ok(report) => write_report(&mut text, report),
        Err(faults) => write_faults(&mut text, &folder.to_string(), faults),
    };
    text
}

fn write_faults(text: &mut String, folder: &str, faults: &[Fault]) -> std::fmt::Result {
    writeln!(text, "{folder}: REFUSED, {} faults", faults.len())?;
    faults.iter().try_for_each(|fault| writeln!(text, "  {fault}"))
}

fn write_report(text: &mut String, report: &Report) -> std::fmt::Result {
    let verdict = if report.has_passed() { "passed" } else { "FAILED" };
    writeln!(text, "{}: {verdict}", report.protocol)?;
    writeln!(text, "  sha256 {}", report.sha256)?;
    let passed = report.scenarios.saturating_sub(report.failed.len());
    writeln!(text, "  scenarios            {passed} of {} as expected", report.scenarios)?;
    section(text, "coverage", "every rule fires and does not fire", &report.not_covered)?;
    section(text, "gaps", "no complete answers without a disposition", &report.gaps)?;
    section(text, "worse is never calmer", "urgency never falls", &report.not_monotone)?;
    section(text, "missing is never no", "floors and signatures hold", &report.missing_read_as_no)?;
    section(text, "universal screen", "every flag leads to emergency services", &report.universal_weakened)?;
    section(text, "read aloud", &format!("no question over {MOST_WORDS} words"), &report.too_long)?;
    let (killed, made) = (report.killed(), report.mutants);
    writeln!(text, "  deliberate mistakes  {killed} of {made} noticed (at least {LEAST_KILLED_PERCENT} % needed)")?;
    for line in report.failed.iter().chain(&report.survivors) {
        writeln!(text, "    {line}")?;
    }
    writeln!(text, "  passages             {}", report.passages)?;
    writeln!(text, "  evaluations          {}", report.evaluations)
}

fn section(text: &mut String, name: &str, good: &str, faults: &[String]) -> std::fmt::Result {
    if faults.is_empty() {
        return writeln!(text, "  {name:<20} {good}");
    }
    writeln!(text, "  {name:<20} {} faults", faults.len())?;
    faults.iter().take(20).try_for_each(|fault| writeln!(text, "    {fault}"))
}
