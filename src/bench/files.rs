//! Promise P20: whatever happens to a stored file, it is noticed, and no byte that was not written is ever released. Counts
//! faults of every kind, and measures how fast files are sealed and opened.

use super::{Broken, machine};
use crate::{
    adapters::key_file::KeyFile,
    domain::{
        file_format::{CHUNK, FileKind, FilePlace, PREAMBLE, TAG},
        ids::{FileId, OrgId, PatientId},
        sealed::Sealed,
    },
    vault::Vault,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{fmt::Write, sync::Arc, time::Instant};
use uuid::Uuid;

/// Lengths of files, in bytes: none, one, around one chunk, exactly two, a few.
const LENGTHS: [usize; 7] = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77];
/// Bytes of a chunk as it is stored.
const STORED_CHUNK: usize = CHUNK + TAG;

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// How many faults are made.
    #[arg(long, default_value_t = 10_000)]
    faults: u32,
    /// How many MiB are sealed and opened to measure speed.
    #[arg(long, default_value_t = 256)]
    mib: usize,
    /// Repeats an earlier run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What happens to a stored file, its header, or the question of whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One bit anywhere is turned over.
    Bit,
    /// The end is missing: anywhere, at the edge of a chunk, inside the preamble, all of it.
    Cut,
    /// Something follows the end.
    Appended,
    /// Two chunks change places, one is left out, or one comes twice.
    Moved,
    /// A chunk of another file of the same patient takes the place of one.
    Foreign,
    /// The preamble is another file's.
    Preamble,
    /// The whole object is another file's.
    Object,
    /// The row's header is another file's.
    Header,
    /// One bit of the row's header is turned over.
    HeaderBit,
    /// It is read as another patient's file.
    Patient,
    /// It is read as another organization's file.
    Organization,
    /// It is read as another file of the same patient.
    File,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Bit,
        Self::Cut,
        Self::Appended,
        Self::Moved,
        Self::Foreign,
        Self::Preamble,
        Self::Object,
        Self::Header,
        Self::HeaderBit,
        Self::Patient,
        Self::Organization,
        Self::File,
    ];
}

/// A file as it is stored, and what was written.
#[derive(Clone)]
pub struct Stored {
    /// Whose it is.
    pub place: FilePlace,
    /// The header of its row.
    pub header: Sealed,
    /// The object.
    pub object: Vec<u8>,
    /// What was written.
    pub plain: Vec<u8>,
}

/// What became of a reading after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Refused, and what was released before is a beginning of what was written.
    Noticed,
    /// Read to the end as if nothing had happened.
    Missed,
    /// A byte that was never written came out.
    Wrong,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Faults that were noticed.
    pub noticed: u32,
    /// Faults that were not.
    pub missed: u32,
    /// Faults after which wrong bytes were released.
    pub wrong: u32,
}

impl Tally {
    /// Counts one.
    pub const fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Noticed => self.noticed += 1,
            Outcome::Missed => self.missed += 1,
            Outcome::Wrong => self.wrong += 1,
        }
    }
}

/// Makes the faults and measures.
///
/// # Errors
/// When a fault was missed or a wrong byte released.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let mut says = format!("files, seed {} ({})\n", args.seed, machine());
    let mut all = Tally::default();
    for (fault, tally) in trial(args.seed, args.faults).await? {
        let _written = writeln!(
            says,
            "  {fault:?}: {} noticed, {} missed, {} with wrong bytes",
            tally.noticed, tally.missed, tally.wrong
        );
        all.noticed += tally.noticed;
        all.missed += tally.missed;
        all.wrong += tally.wrong;
    }
    let _written =
        writeln!(says, "  all: {} noticed, {} missed, {} with wrong bytes", all.noticed, all.missed, all.wrong);
    if all.missed + all.wrong > 0 {
        return Err(Broken(says));
    }
    says.push_str(&speed(args).await?);
    Ok(says)
}

/// Makes faults of each kind in turn on files of several lengths.
///
/// # Errors
/// When an unharmed file could not be sealed or opened.
pub async fn trial(seed: u64, faults: u32) -> Result<Vec<(Fault, Tally)>, Broken> {
    let mut dice = StdRng::seed_from_u64(seed);
    let vault = vault()?;
    let (org, patient) = (OrgId(Uuid::from_u128(dice.random())), PatientId(Uuid::from_u128(dice.random())));
    let mut files = Vec::new();
    for length in LENGTHS {
        let one = store(&vault, place(org, patient, &mut dice), bytes(length, &mut dice)).await?;
        let other = store(&vault, place(org, patient, &mut dice), bytes(length, &mut dice)).await?;
        for whole in [&one, &other] {
            if read(&vault, whole, &mut dice).await != (whole.plain.clone(), Ended::Whole) {
                return Err(Broken(format!("a file of {length} bytes does not open")));
            }
        }
        files.push((one, other));
    }
    let mut tallies: Vec<(Fault, Tally)> = Fault::ALL.iter().map(|fault| (*fault, Tally::default())).collect();
    let mut made = 0;
    while made < faults {
        for (fault, tally) in &mut tallies {
            let Some((one, other)) = files.get(dice.random_range(0..files.len())) else { continue };
            let Some(harmed) = harm(*fault, one, other, &mut dice) else { continue };
            let (released, ended) = read(&vault, &harmed, &mut dice).await;
            tally.add(judge(&one.plain, &released, ended));
            made += 1;
        }
    }
    Ok(tallies)
}

/// How a reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With the last chunk.
    Whole,
    /// With a refusal.
    Refused,
}

/// Judges what a reader released of a file to which something happened.
#[must_use]
pub fn judge(written: &[u8], released: &[u8], ended: Ended) -> Outcome {
    match ended {
        _ if !written.starts_with(released) => Outcome::Wrong,
        Ended::Whole => Outcome::Missed,
        Ended::Refused => Outcome::Noticed,
    }
}

/// The file after the fault; `None` when it has no place for this kind.
#[must_use]
pub fn harm(fault: Fault, one: &Stored, other: &Stored, dice: &mut StdRng) -> Option<Stored> {
    let mut harmed = one.clone();
    match fault {
        Fault::Bit => flip(&mut harmed.object, dice),
        Fault::Cut => cut(&mut harmed.object, dice),
        Fault::Appended => append(&mut harmed.object, dice),
        Fault::Moved => harmed.object = moved(&one.object, dice)?,
        Fault::Foreign => harmed.object = foreign(&one.object, &other.object, dice)?,
        Fault::Preamble => {
            harmed.object = [other.object.get(..PREAMBLE)?, one.object.get(PREAMBLE..)?].concat();
        }
        Fault::Object => harmed.object.clone_from(&other.object),
        Fault::Header => harmed.header = other.header.clone(),
        Fault::HeaderBit => flip(&mut harmed.header.0, dice),
        Fault::Patient => harmed.place.patient = PatientId(Uuid::from_u128(dice.random())),
        Fault::Organization => harmed.place.org = OrgId(Uuid::from_u128(dice.random())),
        Fault::File => harmed.place.file = other.place.file,
    }
    Some(harmed)
}

fn flip(bytes: &mut [u8], dice: &mut StdRng) {
    let at = dice.random_range(0..bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << dice.random_range(0..8);
    }
}

fn cut(object: &mut Vec<u8>, dice: &mut StdRng) {
    let whole = object.len();
    let chunks = (whole - PREAMBLE) / STORED_CHUNK;
    let length = match dice.random_range(0..5) {
        0 => 0,
        1 => dice.random_range(0..PREAMBLE),
        2 => PREAMBLE + dice.random_range(0..=chunks) * STORED_CHUNK,
        3 => whole - 1,
        _ => dice.random_range(0..whole),
    };
    object.truncate(length.min(whole - 1));
}

fn append(object: &mut Vec<u8>, dice: &mut StdRng) {
    let tail = match dice.random_range(0..3) {
        0 => bytes(1, dice),
        1 => bytes(STORED_CHUNK, dice),
        _ => object.get(PREAMBLE..).unwrap_or_default().to_vec(),
    };
    object.extend(tail);
}

fn moved(object: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let (preamble, body) = object.split_at_checked(PREAMBLE)?;
    let mut chunks: Vec<&[u8]> = body.chunks(STORED_CHUNK).collect();
    if chunks.len() < 2 {
        return None;
    }
    let from = dice.random_range(0..chunks.len());
    let to = (from + dice.random_range(1..chunks.len())) % chunks.len();
    match dice.random_range(0..4) {
        0 => chunks.swap(from, to),
        1 => drop(chunks.remove(from)),
        2 => chunks.insert(to, chunks.get(from)?),
        _ => chunks.reverse(),
    }
    Some([preamble, &chunks.concat()].concat())
}

fn foreign(object: &[u8], other: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let (preamble, body) = object.split_at_checked(PREAMBLE)?;
    let mut chunks: Vec<&[u8]> = body.chunks(STORED_CHUNK).collect();
    let theirs: Vec<&[u8]> = other.get(PREAMBLE..)?.chunks(STORED_CHUNK).collect();
    let at = dice.random_range(0..chunks.len());
    *chunks.get_mut(at)? = theirs.get(at)?;
    Some([preamble, &chunks.concat()].concat())
}

/// A vault with fresh keys.
///
/// # Errors
/// Never; fresh keys can be read.
pub fn vault() -> Result<Vault, Broken> {
    let keys = KeyFile::read(KeyFile::fresh().reveal()).map_err(Broken::of)?;
    Ok(Vault::over(Arc::new(keys)))
}

fn place(org: OrgId, patient: PatientId, dice: &mut StdRng) -> FilePlace {
    FilePlace { org, patient, file: FileId(Uuid::from_u128(dice.random())), kind: FileKind::Document }
}

fn bytes(length: usize, dice: &mut StdRng) -> Vec<u8> {
    let mut bytes = vec![0; length];
    dice.fill(bytes.as_mut_slice());
    bytes
}

/// Seals a file.
///
/// # Errors
/// When the vault refuses.
pub async fn store(vault: &Vault, place: FilePlace, plain: Vec<u8>) -> Result<Stored, Broken> {
    let (mut writer, header) = vault.begin_file(place).await.map_err(Broken::of)?;
    let mut object = writer.write(&plain).map_err(Broken::of)?;
    object.extend(writer.finish().map_err(Broken::of)?);
    Ok(Stored { place, header, object, plain })
}

/// Reads a file in pieces of any length; returns everything that was released, and how it ended.
pub async fn read(vault: &Vault, stored: &Stored, dice: &mut StdRng) -> (Vec<u8>, Ended) {
    let mut released = Vec::new();
    let Ok(mut reader) = vault.open_file(stored.place, &stored.header).await else {
        return (released, Ended::Refused);
    };
    let piece = dice.random_range(1..=2 * STORED_CHUNK).max(stored.object.len() / 50);
    for piece in stored.object.chunks(piece) {
        match reader.read(piece) {
            Ok(plain) => released.extend_from_slice(&plain),
            Err(_) => return (released, Ended::Refused),
        }
    }
    match reader.finish() {
        Ok(plain) => {
            released.extend_from_slice(&plain);
            (released, Ended::Whole)
        }
        Err(_) => (released, Ended::Refused),
    }
}

async fn speed(args: &Args) -> Result<String, Broken> {
    let mut dice = StdRng::seed_from_u64(args.seed);
    let vault = vault()?;
    let place = place(OrgId(Uuid::from_u128(1)), PatientId(Uuid::from_u128(2)), &mut dice);
    let plain = bytes(1024 * 1024, &mut dice);
    let (mut writer, header) = vault.begin_file(place).await.map_err(Broken::of)?;
    let mut reader = vault.open_file(place, &header).await.map_err(Broken::of)?;
    let (mut sealing, mut opening) = (0, 0);
    for _ in 0..args.mib {
        let began = Instant::now();
        let stored = writer.write(&plain).map_err(Broken::of)?;
        sealing += began.elapsed().as_micros();
        let began = Instant::now();
        let _plain = reader.read(&stored).map_err(Broken::of)?;
        opening += began.elapsed().as_micros();
    }
    let rate = |micros: u128| u128::from(u64::try_from(args.mib).unwrap_or(0)) * 1_048_576 / micros.max(1);
    Ok(format!("  {} MiB: sealed at {} MB/s, opened at {} MB/s, on one core\n", args.mib, rate(sealing), rate(opening)))
}
