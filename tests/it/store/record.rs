//! Promise 5 at speed and against thieves: one chain whatever runs at once, marks that only Careline can make, checkpoints
//! that agree with each other, and an export that strangers verify.

use crate::support::{database::Database, office::Office, wiring};
use careline::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        chain::{ChainFault, CheckpointFault},
        checkpoint::{Checkpoint, NO_CHECKPOINT, note_hash},
        people::{Actor, Role},
    },
    error::Error,
    flows::{
        chain_record::chain, export_record, keep_checkpoints::keep, open_record, verify_record::verify, watch_record,
    },
    store::{audit, checkpoints},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

const WRITERS: usize = 64;
const EACH: usize = 12;

/// One deed in a transaction of its own; every fifth is given up, which must leave nothing.
async fn write(app: &App, actor: &Actor, number: usize) -> usize {
    let mut tx = app.db.begin(actor).await.unwrap();
    let deed = Deed::of(DeedKind::OpenedWorklist).with("number", number);
    let _receipt = audit::record(&mut tx, actor, &deed, app.clock.now()).await.unwrap();
    if number % 5 == 4 {
        return 0;
    }
    tx.commit().await.unwrap();
    1
}

async fn count(superuser: &mut PgConnection, what: &str, actor: &Actor) -> i64 {
    let statement = format!("select {what} where org_id = $1");
    sqlx::query_scalar(AssertSqlSafe(statement)).bind(actor.org.0).fetch_one(superuser).await.unwrap()
}

/// Transactions of other tests hold the sequencer back for a moment.
async fn chain_all(app: &App, superuser: &mut PgConnection, actor: &Actor) {
    for _ in 0..600 {
        chain(app, actor).await.unwrap();
        let entries = count(superuser, "count(*) from audit_entry", actor).await;
        if entries == count(superuser, "count(*) from audit_chain", actor).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a transaction elsewhere held the sequencer back for too long");
}

/// Starts sequencers and kills each at another point of its work; returns how many.
async fn kill_sequencers(app: Arc<App>, actors: Vec<Actor>, over: Arc<AtomicBool>) -> usize {
    let mut kills = 0_usize;
    while !over.load(Ordering::Relaxed) {
        let (app, actor) = (Arc::clone(&app), actors[kills % actors.len()]);
        let victim = tokio::spawn(async move { chain(&app, &actor).await });
        for _ in 0..kills % 23 {
            tokio::task::yield_now().await;
        }
        victim.abort();
        kills += 1;
    }
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_two_sequencers_and_one_that_is_killed_again_and_again_write_one_chain_each() {
    let office = Office::open().await;
    let mut actors = Vec::new();
    for code in ["riverside", "hillside", "lakeside"] {
        actors.push(office.found(code).await);
    }
    let mut superuser = office.database.superuser().await;
    let before: i64 = sqlx::query_scalar("select count(*) from audit_entry").fetch_one(&mut superuser).await.unwrap();
    let app = Arc::new(wiring::app(&office.database, 20, office.clock.clone(), &wiring::NO_LINE).await);
    let over = Arc::new(AtomicBool::new(false));
    let mut sequencers = JoinSet::new();
    for _ in 0..2 {
        let (app, actors, over) = (Arc::clone(&app), actors.clone(), Arc::clone(&over));
        sequencers.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                for actor in &actors {
                    chain(&app, actor).await.unwrap();
                }
            }
        });
    }
    let killing = tokio::spawn(kill_sequencers(Arc::clone(&app), actors.clone(), Arc::clone(&over)));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (app, actor) = (Arc::clone(&app), actors[writer % actors.len()]);
        writers.spawn(async move {
            let mut written = 0;
            for number in 0..EACH {
                written += write(&app, &actor, writer + number).await;
            }
            written
        });
    }
    let written: usize = writers.join_all().await.into_iter().sum();
    over.store(true, Ordering::Relaxed);
    sequencers.join_all().await;
    assert!(killing.await.unwrap() > 0, "the control: sequencers were killed");
    let mut chained = 0;
    for actor in &actors {
        chain_all(&app, &mut superuser, actor).await;
        let entries = count(&mut superuser, "count(*) from audit_entry", actor).await;
        for what in
            ["count(*) from audit_chain", "max(seq) from audit_chain", "count(distinct entry_id) from audit_chain"]
        {
            assert_eq!(count(&mut superuser, what, actor).await, entries, "{what}");
        }
        let forks = "count(*) - count(distinct previous) from audit_chain";
        assert_eq!(count(&mut superuser, forks, actor).await, 0, "no two links follow the same one");
        let report = verify(&app, actor).await.unwrap();
        assert_eq!((report.fault, report.entries), (None, entries));
        chained += entries;
    }
    assert_eq!(chained, before + i64::try_from(written).unwrap(), "each entry once, and none that was given up");
}

/// The control of the one before: what looks for forks finds those of a chain that reads its end without a lock.
#[tokio::test]
async fn a_chain_that_reads_its_end_without_a_lock_forks() {
    let database = Database::lease().await;
    let (mut one, mut other) = (database.superuser().await, database.superuser().await);
    one.execute("create table scratch_chain (id int, previous int)").await.unwrap();
    one.execute("insert into scratch_chain values (1, 0)").await.unwrap();
    let end = "select max(id) from scratch_chain";
    let (mut first, mut second) = (one.begin().await.unwrap(), other.begin().await.unwrap());
    let seen: i32 = sqlx::query_scalar(end).fetch_one(&mut *first).await.unwrap();
    let seen_too: i32 = sqlx::query_scalar(end).fetch_one(&mut *second).await.unwrap();
    let append = "insert into scratch_chain values ($1, $2)";
    sqlx::query(append).bind(2).bind(seen).execute(&mut *first).await.unwrap();
    sqlx::query(append).bind(3).bind(seen_too).execute(&mut *second).await.unwrap();
    first.commit().await.unwrap();
    second.commit().await.unwrap();
    let forks: i64 = sqlx::query_scalar("select count(*) - count(distinct previous) from scratch_chain")
        .fetch_one(&mut one)
        .await
        .unwrap();
    one.execute("drop table scratch_chain").await.unwrap();
    assert_eq!(forks, 1);
}

#[tokio::test]
async fn an_entry_written_or_changed_behind_our_back_is_never_chained_and_is_named() {
    let office = Office::open().await;
    let actor = office.found("riverside").await;
    let mut superuser = office.database.superuser().await;
    chain_all(&office.app, &mut superuser, &actor).await;
    let columns = "actor_kind, actor_id, actor_role, deed, patient_id, subject, detail, at, mark_key, nonce, mark";
    let forge = format!(
        "insert into audit_entry (org_id, {columns}) select org_id, {columns} from audit_entry limit 1 returning id"
    );
    let before = count(&mut superuser, "count(*) from audit_chain", &actor).await;
    let forged: i64 = sqlx::query_scalar(AssertSqlSafe(forge)).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(write(&office.app, &actor, 0).await, 1);
    for _ in 0..600 {
        chain(&office.app, &actor).await.unwrap();
        if count(&mut superuser, "count(*) from audit_chain", &actor).await > before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let links = count(&mut superuser, "count(*) from audit_chain", &actor).await;
    assert_eq!(links, before + 1, "the control: what Careline wrote after it is chained");
    let fault = verify(&office.app, &actor).await.unwrap().fault;
    assert_eq!(fault, Some(ChainFault::WrongMark { seq: None, entry: forged }));
    superuser.execute("set session_replication_role = replica").await.unwrap();
    let gone = sqlx::query("delete from audit_entry where id = $1").bind(forged).execute(&mut superuser).await.unwrap();
    assert_eq!(gone.rows_affected(), 1);
    assert_eq!(verify(&office.app, &actor).await.unwrap().fault, None, "the control: without it the record is whole");

    chain_all(&office.app, &mut superuser, &actor).await;
    assert_eq!(write(&office.app, &actor, 1).await, 1);
    let changed: i64 = sqlx::query_scalar(
        "update audit_entry set deed = 'signed_out' where id = (select max(id) from audit_entry) returning id",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    let fault = verify(&office.app, &actor).await.unwrap().fault;
    assert_eq!(fault, Some(ChainFault::WrongMark { seq: None, entry: changed }));
}

#[tokio::test]
async fn checkpoints_follow_each_other_and_a_second_place_that_is_away_is_tried_again_and_told() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let auditor = office.add(&operator, Role::Auditor).await;
    let mut superuser = office.database.superuser().await;
    chain_all(&office.app, &mut superuser, &operator).await;
    let (one, other) = tokio::join!(keep(&office.app, &operator), keep(&office.app, &operator));
    assert!(one.is_ok() && other.is_ok(), "two processes at once: {one:?} {other:?}");
    assert_eq!(count(&mut superuser, "count(*) from checkpoint", &operator).await, 1);
    keep(&office.app, &operator).await.unwrap();
    assert_eq!(count(&mut superuser, "count(*) from checkpoint", &operator).await, 1, "nothing new, nothing signed");

    let mut tx = office.app.db.begin(&operator).await.unwrap();
    let first = checkpoints::last(&mut tx).await.unwrap().unwrap();
    drop(tx);
    let keys = office.app.vault.keys().signers().await.unwrap();
    let (read, _) = Checkpoint::read(operator.org, &first.note, &keys).unwrap();
    assert_eq!((read.size, read.previous), (first.size, NO_CHECKPOINT));
    let folder = office.database.folder().join("witness").join(operator.org.to_string());
    let written = fs::read_to_string(folder.join(format!("checkpoints/{:019}", first.size))).unwrap();
    assert_eq!(written, first.note);
    let altered = first.note.replacen(&format!("\n{}\n", first.size), &format!("\n{}\n", first.size + 1), 1);
    assert_eq!(Checkpoint::read(operator.org, &altered, &keys).unwrap_err(), CheckpointFault::NotOurs);

    // A file where its folder was: the second place cannot be written.
    let aside = folder.with_extension("aside");
    fs::rename(&folder, &aside).unwrap();
    fs::write(&folder, "in the way").unwrap();
    office.clock.advance(Duration::from_secs(61));
    write(&office.app, &operator, 0).await;
    chain_all(&office.app, &mut superuser, &operator).await;
    assert!(keep(&office.app, &operator).await.is_err());
    let letters = "select count(*) from job where body->>'kind' = 'send_notice'";
    assert_eq!(sqlx::query_scalar::<_, i64>(letters).fetch_one(&mut superuser).await.unwrap(), 0, "not yet");
    office.clock.advance(Duration::from_secs(11 * 60));
    assert!(keep(&office.app, &operator).await.is_err());
    assert!(keep(&office.app, &operator).await.is_err());
    assert_eq!(sqlx::query_scalar::<_, i64>(letters).fetch_one(&mut superuser).await.unwrap(), 1, "one letter a day");
    let standing = open_record::open(&office.app, &auditor).await.unwrap();
    assert!(matches!(standing.second_place, open_record::SecondPlace::Away(_)));

    fs::remove_file(&folder).unwrap();
    fs::rename(&aside, &folder).unwrap();
    keep(&office.app, &operator).await.unwrap();
    let standing = open_record::open(&office.app, &auditor).await.unwrap();
    assert_eq!(standing.second_place, open_record::SecondPlace::HasAll);
    let last = standing.checkpoint.unwrap();
    let (read, _) = Checkpoint::read(operator.org, &last.note, &keys).unwrap();
    assert_eq!(read.previous, note_hash(&first.note), "each names the one before");
    assert_eq!(verify(&office.app, &operator).await.unwrap().fault, None);
}

#[tokio::test]
async fn a_verification_by_the_calendar_that_finds_a_fault_writes_to_auditors() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    office.add(&operator, Role::Auditor).await;
    let calendar = Actor::careline(operator.org);
    let mut superuser = office.database.superuser().await;
    chain_all(&office.app, &mut superuser, &operator).await;
    assert!(watch_record::is_due(&office.app, &calendar).await.unwrap());
    let report = verify(&office.app, &calendar).await.unwrap();
    watch_record::note(&office.app, &calendar, &report).await.unwrap();
    assert!(!watch_record::is_due(&office.app, &calendar).await.unwrap(), "an hour has not passed");
    let letters = "select count(*) from job where body->>'notice' = 'record_fault'";
    assert_eq!(sqlx::query_scalar::<_, i64>(letters).fetch_one(&mut superuser).await.unwrap(), 0, "the control");
    office.clock.advance(Duration::from_secs(3601));
    assert!(watch_record::is_due(&office.app, &calendar).await.unwrap());
    superuser.execute("set session_replication_role = replica").await.unwrap();
    superuser.execute("update audit_entry set deed = 'x' where id = (select min(id) from audit_entry)").await.unwrap();
    let report = verify(&office.app, &calendar).await.unwrap();
    assert!(report.fault.is_some());
    watch_record::note(&office.app, &calendar, &report).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(letters).fetch_one(&mut superuser).await.unwrap(), 1);
}

async fn export(app: &App, actor: &Actor, folder: &Path) {
    fs::create_dir(folder).unwrap();
    let begun = export_record::begin(app, actor).await.unwrap();
    let page = export_record::entries(app, actor, &begun, 0).await.unwrap();
    let signed = export_record::signed(app, actor, 0, page.last).await.unwrap();
    fs::write(folder.join("keys.txt"), begun.keys.join("\n")).unwrap();
    fs::write(folder.join("entries.jsonl"), page.lines.join("\n")).unwrap();
    fs::write(folder.join("checkpoints.jsonl"), signed.lines.join("\n")).unwrap();
    fs::write(folder.join("about.json"), export_record::about(actor, page.last, &page.head).unwrap()).unwrap();
}

/// The script's exit code and what it says. `after` runs first in the same interpreter, with the script as module `v`.
fn python(folder: &Path, before: &str, more: &[&str]) -> (i32, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/verify-record.py");
    let program = format!(
        "import importlib.util as i, json, sys, os, hashlib, uuid\n\
         s = i.spec_from_file_location('v', sys.argv.pop(1)); v = i.module_from_spec(s); s.loader.exec_module(v)\n\
         at = lambda name: os.path.join(sys.argv[1], name)\n\
         read = lambda name: [json.loads(line) for line in open(at(name), encoding='utf-8')]\n\
         def keep(name, lines): open(at(name), 'w', encoding='utf-8').write('\\n'.join(json.dumps(one) for one in lines))\n\
         about = json.load(open(at('about.json'))); links = read('entries.jsonl'); notes = read('checkpoints.jsonl')\n\
         def rechain():\n\
         \x20   before = bytes(32)\n\
         \x20   for seq, link in enumerate(links, 1):\n\
         \x20       link['seq'], link['previous'] = seq, before.hex()\n\
         \x20       before = v.entry_hash(uuid.UUID(about['organization']), seq, before, link['entry'])\n\
         \x20       link['hash'] = before.hex()\n\
         \x20   about['entries'], about['head'] = len(links), before.hex()\n\
         {before}\n\
         keep('entries.jsonl', links); keep('checkpoints.jsonl', notes); json.dump(about, open(at('about.json'), 'w'))\n\
         sys.exit(v.main())"
    );
    let mut command = Command::new("python3");
    command.arg("-c").arg(program).arg(script).arg(folder).args(more);
    let output = command.output().expect("python3 is here; bin/test installs it");
    let says = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap_or(-1), says)
}

#[tokio::test]
async fn a_stranger_verifies_an_export_with_python_alone_and_finds_every_change() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let mut superuser = office.database.superuser().await;
    for number in 0..12 {
        write(&office.app, &operator, number).await;
        if number % 5 == 0 {
            office.clock.advance(Duration::from_secs(61));
            chain_all(&office.app, &mut superuser, &operator).await;
            keep(&office.app, &operator).await.unwrap();
        }
    }
    chain_all(&office.app, &mut superuser, &operator).await;
    let folder = tempfile::tempdir().unwrap();
    let witness = office.database.folder().join("witness").join(format!("{}/checkpoints", operator.org));
    let key = office.app.vault.keys().signers().await.unwrap()[0].line();
    let with = ["--witness", witness.to_str().unwrap(), "--key", &key];
    let cases = [
        ("", 0),
        ("links[4]['entry']['deed'] = 'x'", 11),
        ("links[4]['entry']['detail']['number'] = '77'", 11),
        ("links[4]['entry']['at_micros'] += 1", 11),
        ("links[4]['entry']['mark'] = '00' * 32", 11),
        ("links[4]['entry']['xid'] += 1", 11),
        ("links[4]['entry'] = None", 10),
        ("links[4]['hash'] = links[3]['hash']", 11),
        ("links[3]['entry'], links[4]['entry'] = links[4]['entry'], links[3]['entry']", 11),
        ("del links[4]", 10),
        ("del links[4]; rechain()", 13),
        ("del links[-1]", 10),
        ("del links[-4:]; rechain()", 13),
        ("links[2]['entry']['deed'] = 'x'; rechain()", 13),
        ("notes[1]['note'] = notes[1]['note'].replace('previous ', 'previous A', 1)", 13),
        ("notes[0]['note'] = notes[1]['note']", 13),
        ("del notes[0]", 13),
        ("del notes[-1]", 13),
        ("del links[4]; rechain(); notes.clear()", 13),
    ];
    for (number, (change, code)) in cases.into_iter().enumerate() {
        let copy = folder.path().join(number.to_string());
        export(&office.app, &operator, &copy).await;
        let (ended, says) = python(&copy, change, &with);
        assert_eq!(ended, code, "{change}: {says}");
    }
    let copy = folder.path().join("control");
    export(&office.app, &operator, &copy).await;
    let (ended, says) = python(&copy, "del links[4]; rechain(); notes.clear()", &[]);
    assert_eq!(ended, 0, "the control: without checkpoints a rewritten chain looks whole: {says}");
    let auditor = office.add(&operator, Role::Auditor).await;
    assert!(matches!(export_record::begin(&office.app, &auditor).await, Err(Error::Conflict(_))), "not alone");
}
