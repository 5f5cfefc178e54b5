-- Isolation first. Every table that follows is handed to isolate(), which forces row-level security on it, so the
-- database and not the query writer keeps organizations apart.

-- The organization of the present transaction; unset and '' both give null, hence no rows.
create function app_org() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.org', true), '')::uuid $$;

-- Forces row-level security on a table whose first key column is org_id, and grants the application role its rights.
create function isolate(target regclass, rights text) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format(
    'create policy org on %s using (org_id = (select app_org())) with check (org_id = (select app_org()))', target);
  if exists (select from pg_roles where rolname = 'app_rw') then
    execute format('grant %s on %s to app_rw', rights, target);
  end if;
end $$;

do $$ begin
  if exists (select from pg_roles where rolname = 'app_rw') then
    execute 'grant usage on schema public to app_rw';
  end if;
end $$;

-- Which organizations exist: a code for the sign-in page and nothing else. It is the one table readable without an
-- organization, because the organization is what is being looked up.
create table organization_directory (
  org_id uuid not null,
  code   text not null check (code ~ '^[a-z0-9-]{2,40}$'),
  primary key (org_id),
  unique (code)
);
alter table organization_directory enable row level security;
alter table organization_directory force row level security;
create policy directory_read  on organization_directory for select using (true);
create policy directory_write on organization_directory for insert with check (org_id = (select app_org()));
do $$ begin
  if exists (select from pg_roles where rolname = 'app_rw') then
    grant select, insert on organization_directory to app_rw;
  end if;
end $$;

create table organization (
  org_id          uuid not null,
  name            text not null,
  country         text not null default 'US',
  time_zone       text not null,
  caller_number   text not null,           -- E.164, the organization's own number
  calling_from    time not null default '08:00',   -- calling hours, in the patient's zone
  calling_until   time not null default '20:00',
  most_attempts   int  not null default 3 check (most_attempts between 1 and 3),
  retry_minutes   int  not null default 15 check (retry_minutes between 1 and 240),
  created_at      timestamptz not null,
  primary key (org_id)
);
select isolate('organization', 'select, insert, update');
