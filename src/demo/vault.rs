//! What the demo keeps in its folder between two starts: invented keys and passwords, readable by this user only, and how
//! far the town's clock has been put forward.

use super::nurse::Mishap;
use crate::adapters::key_file::KeyFile;
use rand::RngExt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Marks a folder as the demo's own, so that `--fresh` never empties anything else.
const MARK: &str = "careline-demo";
/// How long the database of a killed demo may take to leave before its folder is emptied all the same.
const TO_LEAVE: Duration = Duration::from_secs(5);

/// Where the vault keeps who Rosa is. It is written last, so a ward without it was cut off while it was made.
pub(super) const ROSA: &str = "rosa.json";

/// Keys and passwords of one demo folder.
#[derive(Clone, Serialize, Deserialize)]
pub struct Keys {
    /// The town's carrier account.
    pub account_sid: String,
    /// Its token.
    pub auth_token: String,
    /// Key of the town's model server.
    pub model_key: String,
    /// Key of the call codes.
    pub call_code_key: String,
    /// The text of a key file.
    pub sealing: String,
    /// Password by e-mail address.
    pub passwords: BTreeMap<String, String>,
}

/// The demo's folder, held by a lock until this is dropped or the process ends, however it ends.
pub struct Vault {
    folder: PathBuf,
    _lock: fs::File,
}

impl Vault {
    /// Opens the folder; makes it when it is not there, empties it first when it is to begin anew. A folder whose ward
    /// was never finished holds nothing, so it begins anew too.
    ///
    /// # Errors
    /// When the folder holds something that is not the demo's, belongs to a demo that runs, or cannot be written.
    pub fn open(folder: &Path, begin: Begin) -> Result<Self, Mishap> {
        let at = |fault: std::io::Error| {
            Mishap::at_the_start(format!(
                "the folder {} cannot be used: {fault}; choose another with --data",
                folder.display()
            ))
        };
        let ours = folder.join(MARK).exists();
        let holds_something = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if holds_something && !ours {
            return Err(Mishap::at_the_start(format!(
                "{} holds something that is not the demo's; choose another folder with --data",
                folder.display()
            )));
        }
        // Others may pass through, because PostgreSQL may run as another user; what is secret is closed by itself.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(folder).map_err(at)?;
        let folder = folder.canonicalize().map_err(at)?;
        let mark = folder.join(MARK);
        write_private(&mark, b"made by careline demo\n").map_err(at)?;
        let lock = fs::File::open(&mark).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Mishap::at_the_start(format!(
                    "a demo runs in {} already; stop it, or choose another folder with --data",
                    folder.display()
                )));
            }
            Err(fs::TryLockError::Error(fault)) => return Err(at(fault)),
        }
        if begin == Begin::Anew || !folder.join(ROSA).exists() {
            empty(&folder).map_err(at)?;
        }
        Ok(Self { folder, _lock: lock })
    }

    /// Where something of the demo lives.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The keys, invented at the first start.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn keys(&self, emails: impl Iterator<Item = &'static str>) -> Result<Keys, Mishap> {
        if let Some(keys) = self.read("keys.json") {
            return Ok(keys);
        }
        let keys = Keys {
            account_sid: format!("AC{}", secret::<16>()),
            auth_token: secret::<16>(),
            model_key: secret::<24>(),
            call_code_key: secret::<32>(),
            sealing: KeyFile::fresh().into_revealed(),
            passwords: emails.map(|email| (email.to_owned(), invented_password())).collect(),
        };
        self.write("keys.json", &keys)?;
        Ok(keys)
    }

    /// Reads a small JSON file, if it is there and whole.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(&fs::read_to_string(self.path(name)).ok()?).ok()
    }

    /// Writes a small JSON file, for this user only.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Mishap> {
        let text = serde_json::to_vec_pretty(value).map_err(|fault| Mishap::of(fault.to_string()))?;
        let path = self.path(name);
        write_private(&path, &text)
            .map_err(|fault| Mishap::of(format!("{} cannot be written: {fault}", path.display())))
    }
}

/// How to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With what is there.
    Again,
    /// With nothing.
    Anew,
}

/// Empties the folder but for its mark, whose lock must go on saying that somebody is here.
fn empty(folder: &Path) -> std::io::Result<()> {
    wait_for_old_database(folder);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The database of a demo that was killed notices by itself and leaves; until then it still writes here.
fn wait_for_old_database(folder: &Path) {
    let until = Instant::now() + TO_LEAVE;
    while folder.join("postgres/cluster/postmaster.pid").exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

fn secret<const BYTES: usize>() -> String {
    hex::encode(rand::random::<[u8; BYTES]>())
}

/// Twelve letters in three groups, without those that look alike: more than 58 bits.
fn invented_password() -> String {
    const LETTERS: [char; 31] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y',
        'z', '2', '3', '4', '5', '6', '7', '8', '9',
    ];
    let mut dice = rand::rng();
    let mut password = String::new();
    for place in 0..12 {
        if place > 0 && place % 4 == 0 {
            password.push('-');
        }
        password.extend(LETTERS.get(dice.random_range(0..LETTERS.len())));
    }
    password
}
