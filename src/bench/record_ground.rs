//! A record that can be tampered with and mended again: what it was is kept beside it.

use super::Broken;
use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        chain::{Hash, KeyRing, Link},
        checkpoint::{Checkpoint, NO_CHECKPOINT, PublicKey, note_hash},
        people::Actor,
    },
    flows::chain_record,
    ports::objects::{ObjectKey, ObjectKind},
    store::{audit, chain_pages, checkpoints},
};
use chrono::DateTime;
use rand::{RngExt, rngs::StdRng};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use std::fmt::Write;
use uuid::Uuid;

/// Entries between two checkpoints, and checkpoints.
const BETWEEN: usize = 12;
const CHECKPOINTS: usize = 3;
/// How often we look again while a transaction elsewhere holds the sequencer back, and how long we wait.
const LOOKS: u32 = 600;
const WAIT: std::time::Duration = std::time::Duration::from_millis(20);

/// What the record was.
pub(super) struct Kept {
    pub(super) actor: Actor,
    pub(super) org: Uuid,
    pub(super) links: Vec<Link>,
    pub(super) keys: KeyRing,
    pub(super) robbed: Option<(ObjectKey, Vec<u8>)>,
    notes: Vec<(i64, String)>,
}

impl Kept {
    /// Writes a record of some entries with checkpoints, the last at its end, and keeps a copy.
    pub(super) async fn make(app: &App, actor: &Actor, superuser: &mut PgConnection) -> Result<Self, Broken> {
        let mut kept = Self {
            actor: *actor,
            org: actor.org.0,
            links: Vec::new(),
            keys: KeyRing::new(),
            robbed: None,
            notes: Vec::new(),
        };
        for number in 0..CHECKPOINTS {
            for entry in 0..BETWEEN {
                let mut tx = app.db.begin(actor).await.map_err(Broken::of)?;
                let deed = Deed::of(DeedKind::OpenedWorklist).with("number", number * BETWEEN + entry);
                let _receipt = audit::record(&mut tx, actor, &deed, app.clock.now()).await.map_err(Broken::of)?;
                tx.commit().await.map_err(Broken::of)?;
            }
            kept.links = chained(app, actor).await?;
            let note = sign(app, actor, &kept).await?;
            kept.notes.push((kept.size(), note));
        }
        for mark in kept.links.iter().filter_map(|link| link.entry.as_ref()?.mark.as_ref()) {
            if !kept.keys.contains_key(&mark.key) {
                let key = app.db.entry_key(actor.org, &mark.key).await.map_err(Broken::of)?;
                kept.keys.insert(mark.key.clone(), key);
            }
        }
        for table in TABLES {
            let copy = format!("create temp table kept_{table} as select * from {table} where org_id = '{}'", kept.org);
            superuser.execute(sqlx::raw_sql(AssertSqlSafe(copy))).await.map_err(Broken::of)?;
        }
        Ok(kept)
    }

    /// Does what only a superuser can: triggers, keys and policies do not count.
    pub(super) async fn tamper(&self, superuser: &mut PgConnection, statement: &str) -> Result<(), Broken> {
        let whole =
            format!("set session_replication_role = replica; {statement}; set session_replication_role = origin");
        superuser
            .execute(sqlx::raw_sql(AssertSqlSafe(whole)))
            .await
            .map(|_| ())
            .map_err(|why| Broken(format!("{statement}: {why}")))
    }

    /// Puts everything back as it was.
    pub(super) async fn restore(&self, superuser: &mut PgConnection) -> Result<(), Broken> {
        let mut statement = String::new();
        for table in TABLES {
            let _written = write!(
                statement,
                "delete from {table} where org_id = '{}'; insert into {table} overriding system value select * from kept_{table};",
                self.org
            );
        }
        self.tamper(superuser, &statement).await
    }

    /// Puts back what was taken from the second place.
    pub(super) async fn restore_witness(&mut self, app: &App) -> Result<(), Broken> {
        match self.robbed.take() {
            Some((key, whole)) => app.witness.put(&key, whole).await.map_err(Broken::of),
            None => Ok(()),
        }
    }

    /// The statements that put these links from a place on into the chain.
    pub(super) fn replace_links(&self, links: &[Link], from: i64) -> String {
        let mut statement = format!("delete from audit_chain where org_id = '{}' and seq >= {from};", self.org);
        for link in links {
            let _written = write!(
                statement,
                "insert into audit_chain (org_id, seq, entry_id, previous, hash)
                 values ('{}', {}, {}, '\\x{}', '\\x{}');",
                self.org,
                link.seq,
                link.entry_id,
                hex::encode(&link.previous),
                hex::encode(&link.hash)
            );
        }
        statement
    }

    pub(super) fn size(&self) -> i64 {
        i64::try_from(self.links.len()).unwrap_or(i64::MAX)
    }

    pub(super) fn note_length(&self) -> usize {
        self.notes.iter().map(|(_, note)| note.chars().count()).min().unwrap_or(1)
    }

    pub(super) fn any_entry(&self, dice: &mut StdRng) -> i64 {
        super::pick(dice, &self.links).map_or(0, |link| link.entry_id)
    }

    pub(super) fn any_entry_but_last(&self, dice: &mut StdRng) -> i64 {
        let but_last = self.links.split_last().map_or([].as_slice(), |(_, before)| before);
        super::pick(dice, but_last).map_or(0, |link| link.entry_id)
    }

    pub(super) fn two_entries(&self, dice: &mut StdRng) -> (i64, i64) {
        let one = dice.random_range(0..self.links.len());
        let other = (one + dice.random_range(1..self.links.len())) % self.links.len();
        let entry = |place: usize| self.links.get(place).map_or(0, |link| link.entry_id);
        (entry(one), entry(other))
    }

    pub(super) fn any_checkpoint(&self, dice: &mut StdRng) -> i64 {
        super::pick(dice, &self.notes).map_or(0, |(size, _)| *size)
    }
}

const TABLES: [&str; 4] = ["audit_entry", "audit_chain", "checkpoint", "checkpoint_witness"];

/// Chains everything and reads the chain.
async fn chained(app: &App, actor: &Actor) -> Result<Vec<Link>, Broken> {
    for _ in 0..LOOKS {
        chain_record::chain(app, actor).await.map_err(Broken::of)?;
        let mut tx = app.db.begin(actor).await.map_err(Broken::of)?;
        if chain_pages::loose(&mut tx).await.map_err(Broken::of)?.is_empty() {
            return chain_pages::after(&mut tx, 0).await.map_err(Broken::of);
        }
        drop(tx);
        tokio::time::sleep(WAIT).await;
    }
    Err(Broken("a transaction elsewhere held the sequencer back for too long".to_owned()))
}

/// Signs the end of the chain now, however short the time since the last checkpoint.
async fn sign(app: &App, actor: &Actor, kept: &Kept) -> Result<String, Broken> {
    let head = kept.links.last().ok_or_else(|| Broken("the chain is empty".to_owned()))?;
    let root = Hash::try_from(head.hash.as_slice()).map_err(|_| Broken("a hash is not 32 bytes".to_owned()))?;
    let previous = kept.notes.last().map_or(NO_CHECKPOINT, |(_, note)| note_hash(note));
    let now = app.clock.now();
    let at = DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now);
    let checkpoint = Checkpoint { org: actor.org, size: head.seq, root, previous, at };
    let signature = app.vault.keys().sign(checkpoint.text().as_bytes()).await.map_err(Broken::of)?;
    let bytes = signature.public.try_into().map_err(|_| Broken("the key is not one of Ed25519".to_owned()))?;
    let key = PublicKey { name: signature.key, bytes };
    let note = checkpoint.note(&key, &signature.bytes);
    let mut tx = app.db.begin(actor).await.map_err(Broken::of)?;
    checkpoints::keep(&mut tx, &checkpoint, &note, &key).await.map_err(Broken::of)?;
    checkpoints::witnessed(&mut tx, checkpoint.size, at).await.map_err(Broken::of)?;
    tx.commit().await.map_err(Broken::of)?;
    let name = format!("{:019}", checkpoint.size);
    let object = ObjectKey { org: actor.org, kind: ObjectKind::Checkpoint, name };
    app.witness.put_once(&object, note.clone().into_bytes()).await.map_err(Broken::of)?;
    Ok(note)
}
