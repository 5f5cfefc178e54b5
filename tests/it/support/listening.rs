//! Promise P16 over everything that is tested: while any test runs, every line that production would write at its finest
//! setting is kept in a file of this process, with what simulated providers were told and the letters that were spooled.
//! `bin/said` searches these files for `tests/it/canaries.txt` when all tests have run; `bin/test` calls it.

use super::recorder::{self, Lines};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

/// The folder of these files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("said")
}

/// Keeps everything from now on, whoever speaks; a second call changes nothing. Tests that listen by themselves on a thread
/// hear that thread instead.
pub fn begin() {
    file();
    // Another subscriber was there first: then that test binary listens in its own way.
    let _ours =
        tracing::dispatcher::set_global_default(recorder::subscriber(&Lines::handing_on(|line| keep("log", line))));
}

/// Keeps one line under what it is.
pub fn keep(what: &str, line: &str) {
    let line = line.replace('\n', " ");
    // A line that cannot be kept would be a leak that nobody sees.
    writeln!(file().lock().unwrap(), "{what} {line}").unwrap();
}

/// Keeps every letter of a spool folder.
pub fn keep_letters(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if let Ok(letter) = fs::read(entry.path()) {
            keep("letter", &String::from_utf8_lossy(&letter));
        }
    }
}

fn file() -> &'static Mutex<File> {
    static FILE: OnceLock<Mutex<File>> = OnceLock::new();
    FILE.get_or_init(|| {
        fs::create_dir_all(folder()).unwrap();
        let path = folder().join(format!("{}.log", std::process::id()));
        Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap())
    })
}
