-- A record goes on after it was restored on another server, and its reader sees what was signed about it.

-- Transactions are numbered by each server for itself, so an entry says on which server it was written. Entries from
-- before this column have none: they were all committed when it was added.
create function this_server() returns bigint language sql stable parallel safe
  as $$ select system_identifier from pg_control_system() $$;
alter table audit_entry add column written_on bigint;
alter table audit_entry alter column written_on set default this_server();

create or replace function grant_roles() returns void language plpgsql as $$
begin
  if exists (select from pg_roles where rolname = 'app_jobs') then
    grant usage on schema public to app_jobs;
    grant select (org_id, id, run_at, state) on job to app_jobs;
    -- Of no organization, this role sees which of them have work: queued, or claimed by a process that died.
    drop policy if exists open_jobs on job;
    create policy open_jobs on job for select to app_jobs
      using (state = 'queued' or (state = 'running' and lease_until < clock_timestamp()));
  end if;
  if exists (select from pg_roles where rolname = 'audit_ro') then
    grant usage on schema public to audit_ro;
    grant select on audit_entry, audit_chain, checkpoint, checkpoint_witness, record_check to audit_ro;
  end if;
  if exists (select from pg_roles where rolname = 'backup') then
    grant usage on schema public to backup;
  end if;
end $$;
select grant_roles();

-- What was allowed and not done in time is allowed no more, and may be asked for again.
alter table approval drop constraint approval_state_check;
alter table approval add constraint approval_state_check
  check (state in ('open', 'granted', 'refused', 'used', 'lapsed'));

-- What opens an organization's own accounts at providers. It is written here and never read back on a page.
create table integration_credential (
  org_id     uuid not null,
  id         uuid not null,                 -- new with each value, bound into the sealed bytes
  kind       text not null check (kind in ('carrier_account', 'model_api', 'speech_api')),
  sealed     bytea not null,
  changed_by uuid not null,
  changed_at timestamptz not null,
  primary key (org_id, id),
  unique (org_id, kind),
  foreign key (org_id, changed_by) references staff_member (org_id, id)
);
select isolate('integration_credential', 'select, insert, update, delete');
