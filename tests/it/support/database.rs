//! Databases for tests: one per running test, cloned from a template that is named after the hash of `migrations/`,
//! leased by an advisory lock so that parallel test processes never share one, and cleaned when it is leased again, or made anew
//! when somebody who was killed left its guards changed.

use super::listening;
use careline::{
    adapters::{
        key_file::KeyFile,
        private_postgres::{Durability, PrivatePostgres, PrivatePostgresSettings},
    },
    domain::private::Private,
    store::Db,
    vault::Vault,
};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tokio::sync::OnceCell;
use url::Url;

/// Slots looked at before something is wrong.
const MOST_SLOTS: usize = 64;
/// Key of the lock under which the template is made.
const TEMPLATE_LOCK: i64 = 0x6361_7265_6c69_6e65;

/// A database that belongs to one test. Dropping it closes the connection that holds its lease.
pub struct Database {
    /// The application role's address, subject to row-level security.
    pub url: String,
    /// The superuser's address of the same database, to look at what no organization may see, and to tamper.
    pub superuser_url: String,
    /// The text of the lease's key file.
    pub keys: Private<String>,
    folder: tempfile::TempDir,
    _lease: PgConnection,
}

impl Database {
    /// Leases an empty, migrated database.
    pub async fn lease() -> Self {
        listening::begin();
        let server = server().await;
        let mut lease = PgConnection::connect(&server).await.expect("the test server accepts connections");
        let files = migrations();
        let template = template_name(&files);
        make_template(&mut lease, &server, &template, &files).await;
        for slot in 0..MOST_SLOTS {
            let name = format!("{template}_{slot}");
            let free: bool = sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended($1, 0))")
                .bind(&name)
                .fetch_one(&mut lease)
                .await
                .unwrap();
            if free {
                if !exists(&mut lease, &name).await {
                    // Copies of one template are made one after another; a copy under way is no failure.
                    lock(&mut lease).await;
                    run(&mut lease, &format!("create database {name} template {template}")).await;
                    unlock(&mut lease).await;
                }
                let superuser_url = address(&server, None, &name);
                if shape(&superuser_url).await != template_shape(&mut lease, &address(&server, None, &template)).await {
                    lock(&mut lease).await;
                    run(&mut lease, &format!("drop database {name} with (force)")).await;
                    run(&mut lease, &format!("create database {name} template {template}")).await;
                    unlock(&mut lease).await;
                }
                clean(&superuser_url).await;
                return Self {
                    url: address(&server, Some("app_rw"), &name),
                    superuser_url,
                    keys: KeyFile::fresh(),
                    folder: tempfile::tempdir().unwrap(),
                    _lease: lease,
                };
            }
        }
        panic!("all {MOST_SLOTS} test databases are leased");
    }

    /// A folder that goes with the lease: files, letters, checkpoints.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The product's own door to it.
    pub async fn open(&self, connections: u32) -> Db {
        Db::open(&self.url, connections, self.entry_keys()).await.expect("the leased database opens")
    }

    /// What marks entries in it.
    pub fn entry_keys(&self) -> Arc<Vault> {
        Arc::new(Vault::over(Arc::new(KeyFile::read(self.keys.reveal()).unwrap())))
    }

    /// A superuser's connection: sees every organization, may tamper.
    pub async fn superuser(&self) -> PgConnection {
        PgConnection::connect(&self.superuser_url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        listening::keep_letters(&self.folder.path().join("mail"));
    }
}

/// The superuser's address of the server: the one given, else a private cluster of this process, kept in the target folder
/// for the next run.
async fn server() -> String {
    static OURS: OnceCell<PrivatePostgres> = OnceCell::const_new();
    #[allow(clippy::disallowed_methods)] // The harness has no settings; bin/test names the server here.
    if let Ok(given) = std::env::var("TEST_DATABASE_SUPERUSER_URL") {
        return given;
    }
    let ours = OURS.get_or_init(|| async {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cluster");
        let settings = PrivatePostgresSettings { folder, durability: Durability::Forgone };
        let ours = PrivatePostgres::start(settings).await.unwrap_or_else(|fault| panic!("{fault}"));
        let url = ours.superuser_url().into_revealed();
        let password = Url::parse(&url).unwrap().password().unwrap_or_default().to_owned();
        let mut superuser = PgConnection::connect(&url).await.unwrap();
        for role in ["own_mig", "app_rw", "app_jobs", "audit_ro", "backup"] {
            // The addresses of all differ in the role alone.
            run(&mut superuser, &format!("alter role {role} password '{password}'")).await;
        }
        ours
    });
    ours.await.superuser_url().into_revealed()
}

fn migrations() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

fn template_name(files: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (name, text) in files {
        hash.update(name);
        hash.update(text);
    }
    format!("careline_test_{}", &hex::encode(hash.finalize())[..12])
}

async fn make_template(lease: &mut PgConnection, server: &str, template: &str, files: &BTreeMap<String, String>) {
    if exists(lease, template).await {
        return;
    }
    lock(lease).await;
    if !exists(lease, template).await {
        run(lease, include_str!("../../../deploy/roles.sql")).await;
        // Made under another name, so that a template which exists is whole.
        let raw = format!("{template}_raw");
        run(lease, &format!("drop database if exists {raw} with (force)")).await;
        run(lease, &format!("create database {raw} owner own_mig")).await;
        let mut owner = PgConnection::connect(&address(server, Some("own_mig"), &raw)).await.unwrap();
        for (name, text) in files {
            owner
                .execute(sqlx::raw_sql(AssertSqlSafe(text.clone())))
                .await
                .unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }
        owner.close().await.unwrap();
        run(lease, &format!("alter database {raw} rename to {template}")).await;
    }
    unlock(lease).await;
}

async fn exists(lease: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(lease)
        .await
        .unwrap()
}

async fn lock(lease: &mut PgConnection) {
    sqlx::query("select pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(lease).await.unwrap();
}

async fn unlock(lease: &mut PgConnection) {
    sqlx::query("select pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(lease).await.unwrap();
}

async fn run(lease: &mut PgConnection, statement: &str) {
    lease
        .execute(sqlx::raw_sql(AssertSqlSafe(statement.to_owned())))
        .await
        .unwrap_or_else(|fault| panic!("{statement}: {fault}"));
}

/// The shape of the template. Nobody may look while a copy of it is made.
async fn template_shape(lease: &mut PgConnection, superuser_url: &str) -> &'static str {
    static SHAPE: OnceCell<String> = OnceCell::const_new();
    SHAPE
        .get_or_init(|| async {
            lock(lease).await;
            let shape = shape(superuser_url).await;
            unlock(lease).await;
            shape
        })
        .await
}

/// What stands guard in a database, in one word: triggers, policies, functions. A test that tampers with them may have been
/// killed before it mended them.
async fn shape(superuser_url: &str) -> String {
    let mut superuser = PgConnection::connect(superuser_url).await.unwrap();
    let shape = sqlx::query_scalar(
        "select md5(string_agg(guard, '|' order by guard))
           from (select pg_get_triggerdef(oid) || tgenabled::text as guard from pg_trigger where not tgisinternal
                 union all
                 select concat_ws(' ', polrelid::regclass, polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid),
                                  pg_get_expr(polwithcheck, polrelid))
                   from pg_policy
                 union all
                 select concat_ws(' ', relname, relrowsecurity, relforcerowsecurity) from pg_class
                  where relnamespace = 'public'::regnamespace and relkind = 'r'
                 union all
                 select concat_ws(' ', oid::regprocedure, prosrc) from pg_proc
                  where pronamespace = 'public'::regnamespace) guards",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    superuser.close().await.unwrap();
    shape
}

/// Empties every table, past triggers and foreign keys, as only a superuser can.
async fn clean(superuser_url: &str) {
    let mut superuser = PgConnection::connect(superuser_url).await.unwrap();
    let statement = "
        do $$
        declare name text;
        begin
          perform pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid();
          set local session_replication_role = replica;
          for name in select format('%I.%I', schemaname, tablename) from pg_tables
                       where schemaname = 'public' and tablename not like '%migrations' loop
            execute 'delete from ' || name;
          end loop;
        end $$";
    run(&mut superuser, statement).await;
    superuser.close().await.unwrap();
}

/// The server's address with another role or database.
fn address(server: &str, role: Option<&str>, database: &str) -> String {
    let mut url = Url::parse(server).expect("TEST_DATABASE_SUPERUSER_URL is a URL");
    url.set_path(database);
    if let Some(role) = role {
        url.set_username(role).unwrap();
    }
    url.into()
}
