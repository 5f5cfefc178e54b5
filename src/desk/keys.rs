//! The operator's errands with the keys that stay outside the database: make them, put a newer one in front, let it take
//! over everything, retire the older one once nothing needs it.

use super::{App, at_the_desk};
use crate::{Ending, say};
use careline::{
    adapters::key_file::{BadKeyFile, Haste, KeyFile},
    boot,
    config::{self, Settings},
    domain::private::Private,
    error::Error,
    flows::{found_organization, rewrap_secrets},
    ports::clock::Clock,
};
use clap::Subcommand;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

#[derive(Subcommand)]
pub enum Keys {
    /// Write a new file with fresh keys; one that is there is never touched.
    New {
        /// The file.
        file: PathBuf,
    },
    /// Put a new wrapping key in front. The older ones stay and still open what they wrap; a running Careline notices.
    Rotate {
        /// The file.
        file: PathBuf,
    },
    /// Print the public keys that signed checkpoints verify with, newest first.
    Public,
    /// Let the newest key take over everything the older ones wrap. It may be stopped anywhere and run again.
    Rewrap,
    /// Remove an older wrapping key, once nothing in the database needs it.
    Retire {
        /// The file.
        file: PathBuf,
        /// The key's name.
        name: String,
        /// No Careline is running, so nothing can be on its way: do not wait an hour after the rotation.
        #[arg(long)]
        nothing_runs: bool,
    },
}

/// Runs one.
pub async fn run(settings: &Settings, which: Keys) -> Result<u8, Ending> {
    match which {
        Keys::New { file } => new(&file),
        Keys::Rotate { file } => rotate(&file),
        Keys::Public => public(settings).await,
        Keys::Rewrap => at_the_desk(settings, rewrap).await,
        Keys::Retire { file, name, nothing_runs } => {
            let haste = if nothing_runs { Haste::NothingRuns } else { Haste::None };
            at_the_desk(settings, |app| retire(app, file, name, haste)).await
        }
    }
}

fn new(file: &Path) -> Result<u8, Ending> {
    write_new(file, &KeyFile::fresh()).map_err(|why| unwritten(file, &why))?;
    say(&format!("{} holds new keys; keep a copy where no copy of the database is", file.display()));
    Ok(0)
}

fn rotate(file: &Path) -> Result<u8, Ending> {
    let now = careline::adapters::system_clock::SystemClock.now();
    let (text, name) = KeyFile::rotated(read(file)?.reveal(), now).map_err(|fault| refused(file, &fault))?;
    replace(file, &text).map_err(|why| unwritten(file, &why))?;
    say(&format!("{name} wraps from now on; keep a copy of the file, then run `careline keys rewrap`"));
    Ok(0)
}

async fn public(settings: &Settings) -> Result<u8, Ending> {
    let config = config::check_desk(settings, &config::names_present())?;
    for key in boot::signers(&config.outside.keys).await? {
        say(&key.line());
    }
    Ok(0)
}

async fn rewrap(app: App) -> Result<u8, Ending> {
    let began = Instant::now();
    let mut all = 0;
    for (actor, code) in found_organization::operator_everywhere(&app).await? {
        let done = rewrap_secrets::rewrap(&app, &actor).await?;
        say(&format!("{code}: {done} values are wrapped anew"));
        all += done;
    }
    let newest = app.vault.keys().wrapping_key();
    say(&format!("{all} values in {} ms; {newest} wraps everything", began.elapsed().as_millis()));
    Ok(0)
}

async fn retire(app: App, file: PathBuf, name: String, haste: Haste) -> Result<u8, Ending> {
    let now = careline::adapters::system_clock::SystemClock.now();
    let text = KeyFile::retired(read(&file)?.reveal(), &name, now, haste).map_err(|fault| refused(&file, &fault))?;
    let mut uses = 0;
    for (actor, _code) in found_organization::operator_everywhere(&app).await? {
        uses += rewrap_secrets::uses(&app, &actor, &name).await?;
    }
    if uses > 0 {
        let says = format!("{name} still wraps {uses} values, which would be lost; run `careline keys rewrap` first");
        return Err(Ending { says, code: 2 });
    }
    replace(&file, &text).map_err(|why| unwritten(&file, &why))?;
    say(&format!("{name} is retired; a copy of the database from before needs a copy of this file from before"));
    Ok(0)
}

fn read(file: &Path) -> Result<Private<String>, Ending> {
    std::fs::read_to_string(file)
        .map(Private::new)
        .map_err(|why| Ending { says: format!("{} cannot be read: {why}", file.display()), code: 2 })
}

fn write_new(file: &Path, text: &Private<String>) -> io::Result<()> {
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    open.write_all(text.reveal().as_bytes())?;
    open.sync_all()
}

/// Writes beside the file and renames, so that whoever reads it finds the old or the new one, whole.
fn replace(file: &Path, text: &Private<String>) -> io::Result<()> {
    let beside = file.with_extension("next");
    match std::fs::remove_file(&beside) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        Ok(()) | Err(_) => {}
    }
    write_new(&beside, text)?;
    std::fs::rename(&beside, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn refused(file: &Path, fault: &BadKeyFile) -> Ending {
    Error::Invalid(format!("{}: {fault}", file.display())).into()
}

fn unwritten(file: &Path, why: &io::Error) -> Ending {
    Ending { says: format!("{} cannot be written: {why}; name a new file", file.display()), code: 2 }
}
