//! Thieves with every right on the database, and some with the marking key: each changes one thing about a record, and
//! verification must notice. Shared by `careline bench audit` and the tests (P13).

use super::{Broken, record_ground::Kept};
use crate::{
    app::App,
    domain::{
        chain::{ChainWalk, ChainedEntry, EntryMark, GENESIS, Hash, KeyRing, Link, Marking},
        people::Actor,
    },
    error::Error,
    flows::verify_record::{self, Against},
    ports::objects::{ObjectKey, ObjectKind},
    store::chain_pages,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::PgConnection;
use std::{collections::BTreeMap, sync::Arc};

/// What a thief does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// Changes one column of an entry.
    FlipEntry,
    /// Changes one column of a link.
    FlipLink,
    /// Changes one column of a checkpoint.
    FlipCheckpoint,
    /// Removes an entry, a link, both, or a checkpoint.
    Delete,
    /// Adds an entry, a link, or both with valid hashes.
    Insert,
    /// Exchanges two entries or what two links name.
    Swap,
    /// Cuts off the end.
    Truncate,
    /// Removes, exchanges or, with the marking key, alters an entry and computes every later hash again.
    Rewrite,
    /// Removes or changes an object in the second place.
    Witness,
}

impl Mutation {
    const ALL: [Self; 9] = [
        Self::FlipEntry,
        Self::FlipLink,
        Self::FlipCheckpoint,
        Self::Delete,
        Self::Insert,
        Self::Swap,
        Self::Truncate,
        Self::Rewrite,
        Self::Witness,
    ];
}

/// How often a mutation was made and found.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Made.
    pub made: u32,
    /// Found by verification.
    pub found: u32,
    /// Found by the control, which looks at entries and links but at no checkpoint.
    pub found_blindly: u32,
    /// What was missed, for whoever must find out why.
    pub missed: Vec<String>,
}

/// Makes mutations, one after the other, each on a record that was whole before.
///
/// # Errors
/// When the database fails, or a record that nobody touched does not verify.
pub async fn trial(
    app: &App,
    actor: &Actor,
    superuser: &mut PgConnection,
    seed: u64,
    mutations: u32,
) -> Result<BTreeMap<Mutation, Tally>, Broken> {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut kept = Kept::make(app, actor, superuser).await?;
    let mut tallies: BTreeMap<Mutation, Tally> = BTreeMap::new();
    for number in 0..mutations {
        if number % 500 == 0 {
            let whole = verify_record::verify(app, actor).await.map_err(Broken::of)?;
            if let Some(fault) = whole.fault {
                return Err(Broken(format!("the control: an untouched record does not verify: {fault}")));
            }
            kept.restore(superuser).await?;
        }
        let kind = *super::pick(&mut dice, &Mutation::ALL).ok_or_else(|| Broken("nothing to do".to_owned()))?;
        let did = mutate(app, actor, &mut kept, superuser, kind, &mut dice).await?;
        let blind = walk_blindly(app, actor, &kept).await?;
        let found = verify(app, actor, kind).await.map_err(|why| Broken(format!("{did}: {why}")))?;
        let tally = tallies.entry(kind).or_default();
        tally.made += 1;
        tally.found += u32::from(found);
        tally.found_blindly += u32::from(blind);
        if !found {
            tally.missed.push(did);
        }
        kept.restore(superuser).await?;
        kept.restore_witness(app).await?;
    }
    Ok(tallies)
}

/// Whether verification finds a fault. What was done to a second place is found by its list or by reading all of it.
async fn verify(app: &App, actor: &Actor, kind: Mutation) -> Result<bool, Error> {
    let report = verify_record::verify(app, actor).await?;
    if report.fault.is_some() || kind != Mutation::Witness {
        return Ok(report.fault.is_some());
    }
    let copy = Against::Copy(Arc::clone(&app.witness));
    Ok(verify_record::verify_against(app, actor, &copy).await?.fault.is_some())
}

async fn mutate(
    app: &App,
    actor: &Actor,
    kept: &mut Kept,
    superuser: &mut PgConnection,
    kind: Mutation,
    dice: &mut StdRng,
) -> Result<String, Broken> {
    let statement = match kind {
        Mutation::FlipEntry => flip_entry(kept, dice),
        Mutation::FlipLink => flip_link(kept, dice),
        Mutation::FlipCheckpoint => flip_checkpoint(kept, dice),
        Mutation::Delete => delete(kept, dice),
        Mutation::Insert => return insert(kept, superuser, dice).await,
        Mutation::Swap => swap(kept, dice),
        Mutation::Truncate => {
            let from = dice.random_range(1..=kept.size());
            format!(
                "delete from audit_entry where org_id = '{org}' and id in
                   (select entry_id from audit_chain where org_id = '{org}' and seq >= {from});
                 delete from audit_chain where org_id = '{org}' and seq >= {from}",
                org = kept.org
            )
        }
        Mutation::Rewrite => return rewrite(app, actor, kept, superuser, dice).await,
        Mutation::Witness => return rob_witness(app, kept, dice).await,
    };
    kept.tamper(superuser, &statement).await?;
    Ok(statement)
}

/// A change of one bit of a column.
fn bit(column: &str, length: u32, dice: &mut StdRng) -> String {
    let (byte, bit) = (dice.random_range(0..length), 1 << dice.random_range(0..8));
    format!("{column} = set_byte({column}, {byte}, get_byte({column}, {byte}) # {bit})")
}

fn flip_entry(kept: &Kept, dice: &mut StdRng) -> String {
    let change = match dice.random_range(0..13) {
        0 => "actor_kind = case actor_kind when 'staff' then 'carrier' else 'staff' end".to_owned(),
        1 => "actor_id = gen_random_uuid()".to_owned(),
        2 => "actor_role = coalesce(actor_role, '') || 'x'".to_owned(),
        3 => "deed = deed || 'x'".to_owned(),
        4 => "patient_id = gen_random_uuid()".to_owned(),
        5 => "subject = gen_random_uuid()".to_owned(),
        6 => "detail = detail || '{\"x\": \"1\"}'".to_owned(),
        7 => "at = at + interval '1 microsecond'".to_owned(),
        8 => "xid = ((xid::text)::numeric + 1)::text::xid8".to_owned(),
        9 => "mark_key = mark_key || 'x'".to_owned(),
        10 => bit("nonce", 16, dice),
        11 => bit("mark", 32, dice),
        _ => "id = id + 1000000000".to_owned(),
    };
    format!("update audit_entry set {change} where org_id = '{}' and id = {}", kept.org, kept.any_entry(dice))
}

fn flip_link(kept: &Kept, dice: &mut StdRng) -> String {
    let change = match dice.random_range(0..4) {
        0 => "seq = seq + 1000000000".to_owned(),
        1 => "entry_id = entry_id + 1000000000".to_owned(),
        2 => bit("previous", 32, dice),
        _ => bit("hash", 32, dice),
    };
    let seq = dice.random_range(1..=kept.size());
    format!("update audit_chain set {change} where org_id = '{}' and seq = {seq}", kept.org)
}

fn flip_checkpoint(kept: &Kept, dice: &mut StdRng) -> String {
    let at = dice.random_range(1..=kept.note_length());
    let change = match dice.random_range(0..8) {
        0 => "size = size + 1".to_owned(),
        1 => bit("root", 32, dice),
        2 => bit("previous", 32, dice),
        3 => "signed_by = signed_by || 'x'".to_owned(),
        4 => bit("public_key", 32, dice),
        5 => "made_at = made_at + interval '1 microsecond'".to_owned(),
        _ => format!(
            "note = overlay(note placing case substr(note, {at}, 1) when 'x' then 'y' else 'x' end from {at} for 1)"
        ),
    };
    format!("update checkpoint set {change} where org_id = '{}' and size = {}", kept.org, kept.any_checkpoint(dice))
}

fn delete(kept: &Kept, dice: &mut StdRng) -> String {
    let (org, entry) = (kept.org, kept.any_entry_but_last(dice));
    let (gone, link) = (
        format!("delete from audit_entry where org_id = '{org}' and id = {entry}"),
        format!("delete from audit_chain where org_id = '{org}' and entry_id = {entry}"),
    );
    match dice.random_range(0..4) {
        0 => gone,
        // A link alone that is taken from the end comes back as it was, so the last one is left out.
        1 => link,
        2 => format!("{link}; {gone}"),
        _ => {
            let size = kept.any_checkpoint(dice);
            format!(
                "delete from checkpoint_witness where org_id = '{org}' and size = {size};
                 delete from checkpoint where org_id = '{org}' and size = {size}"
            )
        }
    }
}

fn swap(kept: &Kept, dice: &mut StdRng) -> String {
    let (one, other) = kept.two_entries(dice);
    let (table, column) = if dice.random() { ("audit_entry", "id") } else { ("audit_chain", "entry_id") };
    let set = |to: i64, from: i64| {
        format!("update {table} set {column} = {to} where org_id = '{}' and {column} = {from};", kept.org)
    };
    [set(-1, one), set(one, other), set(other, -1)].concat()
}

async fn insert(kept: &Kept, superuser: &mut PgConnection, dice: &mut StdRng) -> Result<String, Broken> {
    let like = kept.any_entry(dice);
    let (org, next) = (kept.org, kept.size() + 1);
    let columns = "actor_kind, actor_id, actor_role, deed, patient_id, subject, detail, at, mark_key, nonce, mark";
    let entry = format!(
        "insert into audit_entry (org_id, id, {columns})
         select org_id, id + 1000000000, {columns} from audit_entry where org_id = '{org}' and id = {like};"
    );
    let statement = match dice.random_range(0..3) {
        0 => entry,
        1 => format!(
            "insert into audit_chain (org_id, seq, entry_id, previous, hash)
             select org_id, {next}, 1000000000, hash, sha256(hash) from audit_chain
              where org_id = '{org}' and seq = {}",
            kept.size()
        ),
        _ => {
            let mut links = kept.links.clone();
            let Some(mut forged) = links.iter().find(|link| link.entry_id == like).cloned() else {
                return Err(Broken("no such entry".to_owned()));
            };
            forged.entry_id += 1_000_000_000;
            if let Some(entry) = forged.entry.as_mut() {
                entry.id = forged.entry_id;
            }
            links.push(forged.clone());
            let xid = forged.entry.as_ref().map_or(0, |entry| entry.xid);
            let links = rechained(kept, links, next);
            let set =
                format!("update audit_entry set xid = '{xid}' where org_id = '{org}' and id = {};", forged.entry_id);
            [entry, set, kept.replace_links(&links, next)].concat()
        }
    };
    kept.tamper(superuser, &statement).await?;
    Ok(statement)
}

/// Changes the record from a place on and computes every hash behind it.
async fn rewrite(
    app: &App,
    actor: &Actor,
    kept: &Kept,
    superuser: &mut PgConnection,
    dice: &mut StdRng,
) -> Result<String, Broken> {
    let mut links = kept.links.clone();
    let place = dice.random_range(0..links.len().saturating_sub(1));
    let from = i64::try_from(place).unwrap_or(0) + 1;
    let (org, mut statement) = (kept.org, String::new());
    match dice.random_range(0..3) {
        0 => {
            let gone = links.remove(place);
            statement = format!("delete from audit_entry where org_id = '{org}' and id = {};", gone.entry_id);
        }
        1 => links.swap(place, place + 1),
        _ => {
            let Some(entry) = links.get_mut(place).and_then(|link| link.entry.as_mut()) else {
                return Err(Broken("no entry there".to_owned()));
            };
            "signed_out_too".clone_into(&mut entry.deed);
            let mark = stolen_mark(app, actor, entry).await?;
            statement = format!(
                "update audit_entry set deed = '{}', mark = '\\x{}' where org_id = '{org}' and id = {};",
                entry.deed,
                hex::encode(&mark.bytes),
                entry.id
            );
            entry.mark = Some(mark);
        }
    }
    let links = rechained(kept, links, from);
    statement.push_str(&kept.replace_links(&links, from));
    kept.tamper(superuser, &statement).await?;
    Ok(format!("rewrite from {from}"))
}

/// What a thief with the marking key makes.
async fn stolen_mark(app: &App, actor: &Actor, entry: &ChainedEntry) -> Result<EntryMark, Broken> {
    let Some(mark) = entry.mark.clone() else { return Err(Broken("an entry without a mark".to_owned())) };
    let key = app.db.entry_key(actor.org, &mark.key).await.map_err(Broken::of)?;
    let key = key.ok_or_else(|| Broken("the marking key is not there".to_owned()))?;
    let bytes = key.mark(actor.org, entry, &mark.nonce);
    Ok(EntryMark { bytes, ..mark })
}

/// The links with their places and hashes as they must be.
fn rechained(kept: &Kept, links: Vec<Link>, from: i64) -> Vec<Link> {
    let mut head: Hash = GENESIS;
    (1..)
        .zip(links)
        .map(|(seq, mut link)| {
            if let Some(entry) = &link.entry {
                link.seq = seq;
                link.previous = head.to_vec();
                head = entry.hash(kept.actor.org, seq, &head);
                link.hash = head.to_vec();
            }
            link
        })
        .filter(|link| link.seq >= from)
        .collect()
}

async fn rob_witness(app: &App, kept: &mut Kept, dice: &mut StdRng) -> Result<String, Broken> {
    let size = kept.any_checkpoint(dice);
    let key = ObjectKey { org: kept.actor.org, kind: ObjectKind::Checkpoint, name: format!("{size:019}") };
    let Some(whole) = app.witness.get(&key).await.map_err(Broken::of)? else {
        return Err(Broken(format!("the second place lacks the checkpoint of {size}")));
    };
    kept.robbed = Some((key.clone(), whole.clone()));
    if dice.random() {
        app.witness.remove(&key).await.map_err(Broken::of)?;
        return Ok(format!("removed the checkpoint of {size} from the second place"));
    }
    let mut changed = whole;
    let at = dice.random_range(0..changed.len());
    if let Some(byte) = changed.get_mut(at) {
        *byte ^= 1;
    }
    app.witness.put(&key, changed).await.map_err(Broken::of)?;
    Ok(format!("changed byte {at} of the checkpoint of {size} in the second place"))
}

/// The control: entries, marks and links as verification walks them, and no checkpoint.
async fn walk_blindly(app: &App, actor: &Actor, kept: &Kept) -> Result<bool, Broken> {
    let mut tx = app.db.begin(actor).await.map_err(Broken::of)?;
    let links = chain_pages::after(&mut tx, 0).await.map_err(Broken::of)?;
    let loose = chain_pages::loose(&mut tx).await.map_err(Broken::of)?;
    let mut walk = ChainWalk::new(actor.org);
    let keys: &KeyRing = &kept.keys;
    let broken = links.iter().any(|link| walk.step(link, keys).is_err());
    let strange = loose.iter().any(|entry| Marking::Begun.after(actor.org, entry, keys).is_none());
    Ok(broken || strange || walk.seq() == 0)
}
