//! The operator and the record: verify every organization's, and write it out for outsiders.

use super::App;
use crate::{Ending, say};
use careline::{
    adapters::object_stores::ObjectStores,
    domain::{
        chain::{ChainFault, ChainReport},
        people::Actor,
    },
    flows::{
        export_record, found_organization,
        verify_record::{self, Against, Witness},
    },
    ports::objects::Objects,
};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How often verification looks again for entries that a transaction under way holds up, and how long it waits.
const LOOKS: u32 = 8;
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Verifies, says what was found, and exports if asked to.
pub async fn verify(
    app: App,
    org: Option<String>,
    from: Option<PathBuf>,
    export: Option<PathBuf>,
) -> Result<u8, Ending> {
    let against = match from {
        None => Against::Newest,
        Some(folder) => Against::Copy(copy_of_witness(&folder)?),
    };
    let actors = match org {
        Some(code) => vec![(found_organization::operator_in(&app, &code).await?, code)],
        None => found_organization::operator_everywhere(&app).await?,
    };
    let mut worst = 0;
    for (actor, code) in actors {
        let report = verify_patiently(&app, &actor, &against).await?;
        worst = worst.max(said(&code, &report));
        if let Some(folder) = &export {
            let folder = folder.join(&code);
            let entries = write_out(&app, &actor, &folder).await?;
            say(&format!("audit export: {entries} entries of org {code} in {}", folder.display()));
        }
    }
    Ok(worst)
}

/// Says what was found; returns the exit code.
fn said(code: &str, report: &ChainReport) -> u8 {
    let head = hex::encode(report.head);
    let (entries, head, signed) = (report.entries, head.get(..12).unwrap_or_default(), report.checkpoints);
    let found = match &report.fault {
        None => {
            say(&format!("audit verify: ok (org {code}: {entries} entries, head {head}, {signed} signed checkpoints)"));
            0
        }
        Some(fault) => {
            say(&format!("audit verify: FAILED (org {code}: {fault}; the {entries} entries before it hold)"));
            code_of(fault)
        }
    };
    if report.witness == Witness::Away {
        say(&format!("audit verify: the second place of org {code} could not be read; see CARELINE_WITNESS_URL"));
        return found.max(1);
    }
    found
}

fn copy_of_witness(folder: &Path) -> Result<Arc<dyn Objects>, Ending> {
    let unusable = |why: String| Ending {
        says: format!("--from {}: {why}; name a copy of the folder that CARELINE_WITNESS_URL names", folder.display()),
        code: 2,
    };
    if !folder.is_dir() {
        return Err(unusable("it is no folder".to_owned()));
    }
    let copy = ObjectStores::folder("copy of the witness", folder).map_err(|outage| unusable(outage.to_string()))?;
    Ok(Arc::new(copy))
}

/// A transaction under way holds back everything younger than itself for a moment; only what stays is a fault.
async fn verify_patiently(app: &App, actor: &Actor, against: &Against) -> Result<ChainReport, Ending> {
    for _ in 1..LOOKS {
        let report = verify_record::verify_against(app, actor, against).await?;
        match report.fault {
            Some(ChainFault::Unchained { .. }) => tokio::time::sleep(LOOK_EVERY).await,
            Some(
                ChainFault::Gap { .. }
                | ChainFault::Missing { .. }
                | ChainFault::Altered { .. }
                | ChainFault::WrongMark { .. }
                | ChainFault::Checkpoint { .. },
            )
            | None => return Ok(report),
        }
    }
    Ok(verify_record::verify_against(app, actor, against).await?)
}

const fn code_of(fault: &ChainFault) -> u8 {
    match fault {
        ChainFault::Gap { .. } | ChainFault::Missing { .. } => 10,
        ChainFault::Altered { .. } => 11,
        ChainFault::WrongMark { .. } => 12,
        ChainFault::Checkpoint { .. } => 13,
        ChainFault::Unchained { .. } => 14,
    }
}

/// Writes one organization's record into a new folder; returns its entries.
async fn write_out(app: &App, actor: &Actor, folder: &Path) -> Result<i64, Ending> {
    let unwritable = |why: std::io::Error| Ending {
        says: format!("--export: {} cannot be written: {why}; name a folder that is not there yet", folder.display()),
        code: 2,
    };
    let begun = export_record::begin(app, actor).await?;
    std::fs::create_dir_all(folder.parent().unwrap_or(folder)).map_err(unwritable)?;
    std::fs::create_dir(folder).map_err(unwritable)?;
    std::fs::write(folder.join("keys.txt"), begun.keys.join("\n") + "\n").map_err(unwritable)?;
    let (mut last, mut head) = (0, hex::encode([0; 32]));
    let mut file = BufWriter::new(File::create_new(folder.join("entries.jsonl")).map_err(unwritable)?);
    loop {
        let page = export_record::entries(app, actor, &begun, last).await?;
        if page.lines.is_empty() {
            break;
        }
        write_lines(&mut file, &page.lines).map_err(unwritable)?;
        (last, head) = (page.last, page.head);
    }
    file.flush().map_err(unwritable)?;
    let mut file = BufWriter::new(File::create_new(folder.join("checkpoints.jsonl")).map_err(unwritable)?);
    let mut size = 0;
    loop {
        let page = export_record::signed(app, actor, size, last).await?;
        if page.lines.is_empty() {
            break;
        }
        write_lines(&mut file, &page.lines).map_err(unwritable)?;
        size = page.last;
    }
    file.flush().map_err(unwritable)?;
    std::fs::write(folder.join("about.json"), export_record::about(actor, last, &head)? + "\n").map_err(unwritable)?;
    Ok(last)
}

fn write_lines(file: &mut impl Write, lines: &[String]) -> std::io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(file, "{line}"))
}
