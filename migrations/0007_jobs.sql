-- Background work, enqueued in the transaction that causes it. Leases run by the database's clock.

create table job (
  org_id      uuid not null,
  id          uuid not null,
  body        jsonb not null,               -- domain/job.rs
  unique_key  text not null,
  run_at      timestamptz not null,         -- business time
  state       text not null check (state in ('queued', 'running', 'done', 'discarded')),
  tries       int not null default 0,
  lease_until timestamptz,                  -- database time
  last_error  text,
  created_at  timestamptz not null,
  finished_at timestamptz,
  primary key (org_id, id),
  unique (org_id, unique_key)
);
create index job_due on job (org_id, state, run_at);
select isolate('job', 'select, insert, update, delete');
