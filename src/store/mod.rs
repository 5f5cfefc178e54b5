//! Floor 1: SQL, one file per table family. `OrgTx` is the only way to a connection, and it is always inside one
//! organization: row-level security compares every row with the setting made here.

pub mod access;
pub mod approvals;
pub mod asking;
pub mod assessments;
pub mod attempts;
pub mod audit;
pub mod break_glass;
pub mod brief;
pub mod browser_lines;
pub mod by_text;
pub mod call_page;
pub mod caller_lines;
pub mod callers;
pub mod calling_off;
pub mod calls;
pub mod care_plans;
pub mod chain;
pub mod chain_pages;
pub mod chart;
pub mod check_ins;
pub mod checkpoints;
pub mod covers;
pub mod credentials;
pub mod devices;
pub mod dialling;
pub mod errands;
pub mod factors;
pub mod files;
pub mod first_rung;
pub mod follow_ups;
pub mod gaps;
pub mod guests;
pub mod guidance;
pub mod half_sign_ins;
pub mod hand_overs;
pub mod hold_back;
pub mod house_rules;
pub mod identity;
pub mod identity_links;
pub mod inbox;
pub mod jobs;
pub mod ladders;
pub mod legs;
pub mod limits;
pub mod listenings;
pub mod marks;
pub mod matching;
pub mod migrations;
pub mod opt_outs;
pub mod organizations;
pub mod orphans;
pub mod outreach;
pub mod outside_numbers;
pub mod passkeys;
pub mod people;
pub mod planning;
pub mod progress;
pub mod protocols;
pub mod pulses;
pub mod recordings;
pub mod reminders;
pub mod replays;
pub mod resets;
pub mod retention;
pub mod retry;
pub mod reviews;
pub mod rights;
pub mod rosters;
pub mod sealed;
pub mod seats;
pub mod sessions;
pub mod sign_on;
pub mod staff;
pub mod standing;
pub mod status_changes;
pub mod streams;
pub mod summaries;
pub mod sweeps;
pub mod teams;
pub mod text_check_ins;
pub mod text_tidings;
pub mod texts;
pub mod tidings;
pub mod tokens;
pub mod transcript_retention;
pub mod transcripts;
pub mod voicemail;
pub mod worklist;

use crate::{
    domain::{
        entry::EntryKey,
        ids::OrgId,
        line::Line,
        people::{Actor, PhoneNumber, Who},
    },
    error::Error,
};
use limits::Draws;
use marks::{EntryKeys, Numbers};
use pulses::Beats;
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{sync::Arc, time::Duration};

/// The database. The pool inside is private to this floor.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
    keys: Arc<dyn EntryKeys>,
    numbers: Numbers,
    draws: Draws,
    beats: Beats,
    due_by: DueBy,
}

/// How the runner learns which organizations have work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DueBy {
    /// As `app_jobs`, in one look.
    Role,
    /// By visiting each: the database has no such role, or ours may not become it.
    Visit,
}

/// Statements that a connection keeps prepared: more than are asked in an hour of work, because preparing one again costs more
/// than running it thirty times.
const PREPARED: usize = 300;
/// A connection that rested for less than this is believed to be there; one that is not is found out by its first statement.
const FRESH: Duration = Duration::from_secs(1);

impl Db {
    /// Opens the pool. The role must be subject to row-level security: a superuser or a BYPASSRLS role is refused. `keys`
    /// mark what is recorded.
    ///
    /// # Errors
    /// When the database cannot be reached or the role could see every organization.
    pub async fn open(url: &str, connections: u32, keys: Arc<dyn EntryKeys>) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > FRESH {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _meta| {
                Box::pin(async move {
                    // Whoever was killed in the middle of a statement lets go of what they held within a second, not when
                    // the statement would have ended.
                    sqlx::query!("set client_connection_check_interval = '1s'").execute(connection).await.map(drop)
                })
            })
            .connect_with(options.statement_cache_capacity(PREPARED))
            .await?;
        let unbound = sqlx::query_scalar!(
            r#"select rolsuper or rolbypassrls as "unbound!" from pg_roles where rolname = current_user"#
        )
        .fetch_one(&pool)
        .await?;
        if unbound {
            return Err(Error::Invalid(
                "DATABASE_URL names a role that row-level security does not bind (superuser or BYPASSRLS); \
                 use a plain role such as app_rw"
                    .to_owned(),
            ));
        }
        let may_become = sqlx::query_scalar!(
            r#"select exists (select
                                from pg_auth_members m
                                join pg_roles jobs on jobs.oid = m.roleid
                                join pg_roles us on us.oid = m.member
                               where jobs.rolname = 'app_jobs'
                                 and us.rolname = current_user) as "may_become!""#
        )
        .fetch_one(&pool)
        .await?;
        let due_by = if may_become { DueBy::Role } else { DueBy::Visit };
        Ok(Self { pool, keys, numbers: Numbers::default(), draws: Draws::default(), beats: Beats::default(), due_by })
    }

    /// Begins a transaction inside the actor's organization, with the actor's reach.
    ///
    /// # Errors
    /// When no connection is free, or the database or the keys are away.
    pub async fn begin(&self, actor: &Actor) -> Result<OrgTx, Error> {
        self.begin_with(actor, "").await
    }

    /// The same, cheap and short, for what counts who knocks: a crash may forget a draw, and a counter that does not answer
    /// within a second is no counter.
    ///
    /// # Errors
    /// As `begin`.
    pub async fn begin_hurried(&self, actor: &Actor) -> Result<OrgTx, Error> {
        self.begin_with(actor, "; set local synchronous_commit = off; set local statement_timeout = 1000").await
    }

    async fn begin_with(&self, actor: &Actor, besides: &'static str) -> Result<OrgTx, Error> {
        // Before the transaction, because the keys may be behind a network.
        let key = self.keys.entry_key(actor.org, None).await?;
        let key = key.ok_or_else(|| Error::Fault("there is no key to mark entries with".to_owned()))?;
        // One message begins it and says whose it is. Both words are our own: the text of an id, or a constant. A caller who
        // goes away in the middle of this leaves it begun, so nothing that another one set may hold in ours.
        let (org, reach) = (actor.org, reach(actor));
        let begin = format!(
            "begin; set local role none; set local synchronous_commit to default; set local statement_timeout to default; \
             set local app.org = '{org}'; set local app.reach = '{reach}'{besides}"
        );
        let tx = self.pool.begin_with(AssertSqlSafe(begin)).await?;
        Ok(OrgTx { tx, org: actor.org, key, numbers: self.numbers.clone(), last_number: 0 })
    }

    /// The key under a name that marks entries of an organization; `None` when no key has that name.
    ///
    /// # Errors
    /// When the keys cannot be reached.
    pub async fn entry_key(&self, org: OrgId, name: &str) -> Result<Option<EntryKey>, Error> {
        self.keys.entry_key(org, Some(name)).await
    }

    /// The organization of a code, if there is one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn organization(&self, code: &str) -> Result<Option<OrgId>, Error> {
        let found = sqlx::query_scalar!("select org_id from organization_directory where code = $1", code)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.map(OrgId))
    }

    /// Every organization's id and code, from the one table that is readable without an organization.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn organizations(&self) -> Result<Vec<(OrgId, String)>, Error> {
        let rows =
            sqlx::query!("select org_id, code from organization_directory order by code").fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|row| (OrgId(row.org_id), row.code)).collect())
    }

    /// Closes every connection; used at shutdown.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Whose patients the database lets a transaction see: a staff member's own, everybody's for what runs without one,
/// nobody's before sign-in.
fn reach(actor: &Actor) -> String {
    match actor.who {
        Who::Staff { id, .. } => id.to_string(),
        Who::Careline | Who::Carrier | Who::Operator => "all".to_owned(),
        Who::Visitor => String::new(),
    }
}

/// A transaction inside one organization. Dropping it without `commit` rolls back.
pub struct OrgTx {
    tx: Transaction<'static, Postgres>,
    org: OrgId,
    key: EntryKey,
    numbers: Numbers,
    last_number: i64,
}

impl OrgTx {
    /// The organization every statement is bound to.
    #[must_use]
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The connection, for this floor only.
    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Makes everything done in it true at once.
    ///
    /// # Errors
    /// When the database did not confirm it.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}

/// A line as it was stored.
fn stored_line(text: &str) -> Result<Line, Error> {
    Line::stored(text).map_err(|_| Error::Fault("a stored line is neither a telephone nor a browser".to_owned()))
}

/// A telephone number as it was stored.
fn stored_number(text: &str) -> Result<PhoneNumber, Error> {
    PhoneNumber::from_e164(text).map_err(|_| Error::Fault("a stored telephone number is not E.164".to_owned()))
}
