//! Finding PostgreSQL's programs: what the path offers first, then where packages put them, newest first.

use super::PrivatePostgresFault;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest major version that is supported.
const OLDEST: u32 = 15;
/// Where packages put versions side by side: Debian and Ubuntu, Fedora and its kin, Homebrew on both chips.
const SIDE_BY_SIDE: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
];
/// Where there is one version.
const SINGLE: [&str; 5] = [
    "/usr/bin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/bin",
    "/Applications/Postgres.app/Contents/Versions/latest/bin",
];

/// A folder with `initdb` and `postgres` of one version.
pub struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The newest that is supported, or exactly the version a cluster was made by.
    pub fn find(made_by: Option<u32>) -> Result<Self, PrivatePostgresFault> {
        let mut found: Vec<Self> = candidates().into_iter().filter_map(|folder| Self::at(&folder)).collect();
        // The sort is stable, so of two folders with one version the one on the path stays first.
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        let wanted = |binaries: &Self| made_by.is_none_or(|major| major == binaries.major);
        match (found.into_iter().find(wanted), made_by) {
            (Some(binaries), _) => Ok(binaries),
            (None, Some(made_by)) => Err(PrivatePostgresFault::OtherVersion { made_by }),
            (None, None) => Err(PrivatePostgresFault::NotInstalled),
        }
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn at(folder: &Path) -> Option<Self> {
        // The server finds its libraries by its own real place, so links are followed first.
        let server = folder.join("postgres").canonicalize().ok()?;
        let folder = server.parent()?.to_owned();
        folder.join("initdb").exists().then_some(())?;
        let major = major(&folder)?;
        (major >= OLDEST).then_some(Self { folder, major })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian ...)`, also `16beta1`.
fn major(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_once("(PostgreSQL)")?.1.trim();
    version.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.extend(String::from_utf8(output.stdout).ok().map(|text| PathBuf::from(text.trim())));
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    for (parent, prefix) in SIDE_BY_SIDE {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version =
                name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|rest| rest.parse::<u32>().ok());
            if version.is_some() {
                folders.push(entry.path().join("bin"));
            }
        }
    }
    folders.extend(SINGLE.map(PathBuf::from));
    folders
}
