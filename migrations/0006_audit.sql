-- The record: entries are inserted in the transaction of the deed, chained afterwards by one sequencer per
-- organization, and never changed.

create table audit_entry (
  org_id     uuid not null,
  id         bigint generated always as identity,
  xid        xid8 not null default pg_current_xact_id(),
  actor_kind text not null check (actor_kind in ('staff', 'careline', 'carrier', 'operator', 'visitor')),
  actor_id   uuid,
  actor_role text,
  deed       text not null,
  patient_id uuid,
  subject    uuid,
  detail     jsonb not null,
  at         timestamptz not null,
  primary key (org_id, id)
);
create index audit_entry_by_xid on audit_entry (org_id, xid, id);
create index audit_entry_by_patient on audit_entry (org_id, patient_id, id desc);
select isolate('audit_entry', 'select, insert');

create table audit_chain (
  org_id   uuid not null,
  seq      bigint not null,
  entry_id bigint not null,
  previous bytea not null,
  hash     bytea not null,
  primary key (org_id, seq),
  unique (org_id, entry_id),
  foreign key (org_id, entry_id) references audit_entry (org_id, id)
);
select isolate('audit_chain', 'select, insert');

create function record_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the record is append-only';
end $$;
create trigger append_only before update or delete on audit_entry
  for each row execute function record_is_append_only();
create trigger append_only before update or delete on audit_chain
  for each row execute function record_is_append_only();
create trigger append_only_all before truncate on audit_entry execute function record_is_append_only();
create trigger append_only_all before truncate on audit_chain execute function record_is_append_only();
