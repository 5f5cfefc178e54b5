//! Where the private cluster lives and who owns it.

use super::PrivatePostgresFault;
use nix::unistd::{Gid, Uid, User, geteuid};
use sha2::{Digest, Sha256};
use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
};

/// Where the cluster goes when root's data folder is closed to everybody else.
const ELSEWHERE: &str = "/var/lib/careline";

/// The file that says whose data folder a cluster elsewhere belongs to.
const BELONGS_TO: &str = "belongs-to";

/// The cluster's folder, prepared.
pub struct Folder {
    /// `postgres` in the data folder; a link when the cluster must live elsewhere.
    entry: PathBuf,
    /// Where it really is.
    home: PathBuf,
    /// Who runs the server, when root must not.
    runs_as: Option<(Uid, Gid)>,
}

impl Folder {
    /// Makes the folder private and gives it to whoever will run the server.
    pub fn prepare(data: &Path) -> Result<Self, PrivatePostgresFault> {
        let at = |why| PrivatePostgresFault::Folder { folder: data.to_owned(), why };
        std::fs::create_dir_all(data).map_err(at)?;
        let data = data.canonicalize().map_err(at)?;
        let entry = data.join("postgres");
        let runs_as = runs_as()?;
        let home = match runs_as {
            Some((uid, _)) if !reachable(&data, uid) => elsewhere(&entry),
            Some(_) | None => entry.clone(),
        };
        let folder = Self { entry, home, runs_as };
        let fault = |why| folder.fault(why);
        DirBuilder::new().recursive(true).create(folder.home.parent().unwrap_or(&data)).map_err(fault)?;
        match DirBuilder::new().mode(0o700).create(&folder.home) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(folder.fault(why)),
            Ok(()) | Err(_) => {}
        }
        folder.own(&folder.home)?;
        Ok(folder)
    }

    /// A cluster that lives elsewhere goes with its data folder: when that was emptied, it is made anew, and those whose
    /// data folder is gone for good are removed.
    pub fn forget_what_lost_its_data_folder(&self) -> Result<(), PrivatePostgresFault> {
        if self.home == self.entry {
            return Ok(());
        }
        sweep(&self.home);
        if self.entry.is_symlink() {
            return Ok(());
        }
        let remove = |path: PathBuf| match std::fs::remove_dir_all(&path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(self.fault(why)),
            Ok(()) | Err(_) => Ok(()),
        };
        remove(self.cluster())?;
        remove(self.unfinished())?;
        std::fs::write(self.home.join(BELONGS_TO), self.entry.as_os_str().as_encoded_bytes())
            .map_err(|why| self.fault(why))?;
        symlink(&self.home, &self.entry).map_err(|why| self.fault(why))
    }

    /// The cluster.
    pub fn cluster(&self) -> PathBuf {
        self.home.join("cluster")
    }

    /// A cluster being made; renamed once it is whole.
    pub fn unfinished(&self) -> PathBuf {
        self.home.join("cluster.unfinished")
    }

    /// The passwords of its roles.
    pub fn passwords(&self) -> PathBuf {
        self.home.join("passwords")
    }

    /// What the server says.
    pub fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// Where the server's unix socket goes; `None` when the path is longer than a socket's may be.
    pub fn socket_folder(&self) -> Option<&Path> {
        (self.home.as_os_str().len() < 80).then_some(self.home.as_path())
    }

    /// The major version that made the cluster, if there is a whole one.
    pub fn made_by(&self) -> Option<u32> {
        std::fs::read_to_string(self.cluster().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Who runs the server, when root must not.
    pub const fn runs_as(&self) -> Option<(Uid, Gid)> {
        self.runs_as
    }

    /// The file whose lock says who owns the server.
    pub fn lock_file(&self) -> Result<File, PrivatePostgresFault> {
        private_file(&self.home.join("lock"), Truncate::No).map_err(|why| self.fault(why))
    }

    /// The end of the server's log.
    pub fn last_words(&self) -> String {
        let bytes = std::fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        last.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }

    /// Gives a file or folder to whoever runs the server.
    pub fn own(&self, path: &Path) -> Result<(), PrivatePostgresFault> {
        if let Some((uid, gid)) = self.runs_as {
            chown(path, Some(uid.as_raw()), Some(gid.as_raw())).map_err(|why| self.fault(why))?;
        }
        if path.is_dir() {
            std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|why| self.fault(why))?;
        }
        Ok(())
    }

    /// What went wrong with it.
    pub fn fault(&self, why: io::Error) -> PrivatePostgresFault {
        PrivatePostgresFault::Folder { folder: self.home.clone(), why }
    }
}

/// Whether what a file held is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Truncate {
    /// It is emptied.
    Yes,
    /// It is kept.
    No,
}

/// Opens a file that only its owner reads.
pub fn private_file(path: &Path, truncate: Truncate) -> io::Result<File> {
    OpenOptions::new().create(true).read(true).write(true).truncate(truncate == Truncate::Yes).mode(0o600).open(path)
}

/// Root runs the server as `postgres` where that user exists, else as `nobody`; anybody else runs it as themself.
fn runs_as() -> Result<Option<(Uid, Gid)>, PrivatePostgresFault> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let known = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    known.map(|user| Some((user.uid, user.gid))).ok_or(PrivatePostgresFault::NobodyToRunAs)
}

/// Whether an unprivileged user can walk down to a folder.
fn reachable(folder: &Path, uid: Uid) -> bool {
    folder.ancestors().all(|step| {
        step.metadata()
            .is_ok_and(|about| about.mode() & 0o001 != 0 || (about.uid() == uid.as_raw() && about.mode() & 0o100 != 0))
    })
}

/// Removes the neighbours of a cluster that nobody's data folder points to and nobody holds. It is tidying only: what
/// cannot be removed stays.
fn sweep(home: &Path) {
    for neighbour in std::fs::read_dir(ELSEWHERE).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Ok(belongs_to) = std::fs::read_to_string(neighbour.join(BELONGS_TO)) else { continue };
        let wanted = std::fs::read_link(belongs_to).is_ok_and(|target| target == neighbour);
        let held = File::open(neighbour.join("lock")).is_ok_and(|lock| lock.try_lock().is_err());
        if neighbour != home && !wanted && !held {
            let _removed = std::fs::remove_dir_all(neighbour);
        }
    }
}

/// One place for each data folder.
fn elsewhere(entry: &Path) -> PathBuf {
    let name = hex::encode(Sha256::digest(entry.as_os_str().as_encoded_bytes()));
    Path::new(ELSEWHERE).join(name.get(..16).unwrap_or(&name))
}
