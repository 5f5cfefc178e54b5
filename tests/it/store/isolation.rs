//! The catalogue itself: what every table must be, read from the database and not from our files. Each rule has a
//! control, a table that breaks it and must be named.

use crate::support::database::Database;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

/// Keys that may begin with something else than the organization, and why.
const EXCEPTIONS: [(&str, &str); 1] = [(
    "organization_directory_code_key",
    "a sign-in code must be unique among organizations; the table holds nothing else and is the one read without one",
)];

/// Tables without `org_id = app_org()` on both sides, columns that leak, keys that do not begin with the organization.
async fn faults(superuser: &mut PgConnection) -> Vec<String> {
    let mut faults = Vec::new();
    let tables = "select c.relname::text, c.relrowsecurity, c.relforcerowsecurity,
                         coalesce(bool_or(p.polcmd = '*' and p.polpermissive
                                          and pg_get_expr(p.polqual, p.polrelid) like '%org_id = %app_org()%'
                                          and pg_get_expr(p.polwithcheck, p.polrelid) like '%org_id = %app_org()%'),
                                  false),
                         count(p.*)
                    from pg_class c
                    left join pg_policy p on p.polrelid = c.oid
                   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
                     and c.relname <> '_sqlx_migrations'
                   group by c.oid order by 1";
    for row in sqlx::query(tables).fetch_all(&mut *superuser).await.unwrap() {
        let (name, on, forced): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
        let (bound, policies): (bool, i64) = (row.get(3), row.get(4));
        if !on || !forced {
            faults.push(format!("{name}: row-level security is not enabled and forced"));
        }
        if name != "organization_directory" && (!bound || policies != 1) {
            faults.push(format!("{name}: its one policy does not compare org_id when reading and when writing"));
        }
    }
    let keys = "select i.indexrelid::regclass::text
                  from pg_index i
                  join pg_class c on c.oid = i.indrelid
                 where c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations' and i.indisunique
                   and pg_get_indexdef(i.indexrelid, 1, true) <> 'org_id' order by 1";
    for name in sqlx::query_scalar::<_, String>(keys).fetch_all(&mut *superuser).await.unwrap() {
        if !EXCEPTIONS.iter().any(|(exception, _)| *exception == name) {
            faults.push(format!("{name}: a unique key that does not begin with org_id"));
        }
    }
    let foreign = "select k.conname::text
                     from pg_constraint k
                     join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
                    where k.contype = 'f' and k.connamespace = 'public'::regnamespace and a.attname <> 'org_id'";
    for name in sqlx::query_scalar::<_, String>(foreign).fetch_all(&mut *superuser).await.unwrap() {
        faults.push(format!("{name}: a foreign key that does not begin with org_id"));
    }
    let definers = "select p.proname::text from pg_proc p
                     where p.pronamespace = 'public'::regnamespace and p.prosecdef";
    for name in sqlx::query_scalar::<_, String>(definers).fetch_all(superuser).await.unwrap() {
        faults.push(format!("{name}: a function with its owner's rights"));
    }
    faults
}

#[tokio::test]
async fn every_table_key_and_function_keeps_organizations_apart() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    assert_eq!(faults(&mut superuser).await, Vec::<String>::new());
    for (table, broken) in [
        ("create table stray (org_id uuid primary key)", "stray: row-level security"),
        (
            "create table stray (org_id uuid primary key); alter table stray enable row level security;
             alter table stray force row level security;
             create policy org on stray using (true) with check (org_id = app_org())",
            "stray: its one policy",
        ),
        ("create table stray (id uuid primary key, org_id uuid); select isolate('stray', 'select')", "stray_pkey"),
        (
            "create table stray (org_id uuid, id uuid, patient uuid, primary key (org_id, id));
             alter table patient add constraint lone unique (id);
             alter table stray add constraint stray_fkey foreign key (patient) references patient (id)",
            "stray_fkey",
        ),
        ("create view stray as select * from patient", "stray: row-level security"),
        ("create function stray() returns int language sql security definer as 'select 1'", "stray: a function"),
    ] {
        superuser.execute("begin").await.unwrap();
        superuser.execute(sqlx::raw_sql(AssertSqlSafe(table.to_owned()))).await.unwrap();
        let found = faults(&mut superuser).await;
        superuser.execute("rollback").await.unwrap();
        assert!(found.iter().any(|fault| fault.starts_with(broken)), "the control: {table}\n  gives {found:?}");
    }
}

#[tokio::test]
async fn the_application_role_is_bound_owns_nothing_and_cannot_change_the_record() {
    let database = Database::lease().await;
    let mut superuser = database.superuser().await;
    let row = sqlx::query(
        "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication,
                (select count(*) from pg_class where relowner = r.oid) + (select count(*) from pg_proc where proowner = r.oid),
                (select count(*) from pg_auth_members where member = r.oid)
           from pg_roles r where rolname = 'app_rw'",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    assert!(!row.get::<bool, _>(0), "app_rw has a right that row-level security does not bind");
    assert_eq!((row.get::<i64, _>(1), row.get::<i64, _>(2)), (0, 0), "app_rw owns something or is member of something");
    let allowed = "select array_agg(privilege_type::text order by privilege_type::text)
                     from information_schema.role_table_grants
                    where grantee in ('app_rw', 'PUBLIC') and table_name = $1";
    for table in ["audit_entry", "audit_chain", "utterance", "consent", "guidance"] {
        let rights: Vec<String> = sqlx::query_scalar(allowed).bind(table).fetch_one(&mut superuser).await.unwrap();
        assert_eq!(rights, ["INSERT", "SELECT"], "{table} is written once and never changed");
    }
    let rights: Vec<String> = sqlx::query_scalar(allowed).bind("patient").fetch_one(&mut superuser).await.unwrap();
    assert_eq!(rights, ["INSERT", "SELECT", "UPDATE"], "the control: a table that may change");
}
