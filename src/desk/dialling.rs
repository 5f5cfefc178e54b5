//! The operator's switch of dialling: pause it, let it go on, ask. Each is recorded in every organization it touches.

use super::App;
use crate::{Ending, say};
use careline::{
    domain::people::{Actor, Who},
    error::Error,
    flows::{found_organization, pause_dialling},
};
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Dialling {
    /// Ring no patient until `resume`; who is on the line stays there.
    Pause(Which),
    /// Go on; calls that fell due meanwhile are rung at the usual pace. After a restore each of them is first looked for at
    /// the carrier, and one that was made already is left to a person.
    Resume(Which),
    /// Say whether patients are rung.
    State(Which),
}

#[derive(clap::Args)]
pub struct Which {
    /// Only the organization of this code; without it all of them.
    #[arg(long)]
    org: Option<String>,
}

pub async fn switch(app: App, what: Dialling) -> Result<u8, Ending> {
    let (Dialling::Pause(which) | Dialling::Resume(which) | Dialling::State(which)) = &what;
    for (code, actor) in actors(&app, which).await? {
        match &what {
            Dialling::Pause(_) => {
                pause_dialling::pause(&app, &actor).await?;
                say(&format!("{code}: no patient is rung from now on"));
            }
            Dialling::Resume(_) => match pause_dialling::resume(&app, &actor).await {
                Ok(due) => say(&format!("{code}: patients are rung again; {due} calls are due")),
                Err(Error::Conflict(_)) => say(&format!("{code}: was not paused")),
                Err(error) => return Err(error.into()),
            },
            Dialling::State(_) => match pause_dialling::state(&app, &actor).await? {
                Some(pause) => {
                    say(&format!("{code}: paused since {}: {}", pause.since.to_rfc3339(), pause.why.words()));
                }
                None => say(&format!("{code}: patients are rung")),
            },
        }
    }
    Ok(0)
}

async fn actors(app: &App, which: &Which) -> Result<Vec<(String, Actor)>, Ending> {
    if let Some(code) = &which.org {
        return Ok(vec![(code.clone(), found_organization::operator_in(app, code).await?)]);
    }
    let all = app.db.organizations().await?;
    Ok(all.into_iter().map(|(org, code)| (code, Actor { org, who: Who::Operator })).collect())
}
