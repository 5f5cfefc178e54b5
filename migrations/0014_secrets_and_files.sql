-- Encrypted files of patients, and the means to find what an older key still wraps.

-- The name of the key that wraps a sealed value: after a version byte, one byte of length and the name.
create function sealed_key(sealed bytea) returns text language sql immutable parallel safe
  as $$ select convert_from(substring(sealed from 3 for get_byte(sealed, 1)), 'UTF8') $$;

create table stored_file (
  org_id      uuid not null,
  id          uuid not null,                -- also the name of the object
  patient_id  uuid not null,
  kind        text not null check (kind in ('document')),
  name        text not null check (length(name) between 1 and 200),
  media_type  text not null check (media_type in ('application/pdf', 'image/png', 'image/jpeg')),
  bytes       bigint not null check (bytes >= 0),
  sealed      bytea,                        -- wrapped data key and preamble; null once the object was erased
  kept_by     uuid not null,
  kept_at     timestamptz not null,
  removed_by  uuid,
  removed_at  timestamptz,
  removed_why text,
  erased_at   timestamptz,
  read_at     timestamptz not null,         -- when every tag was last verified
  fault       text,                         -- what was found then, a code; null is nothing
  primary key (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, kept_by) references staff_member (org_id, id),
  foreign key (org_id, removed_by) references staff_member (org_id, id),
  check ((removed_by is null) = (removed_at is null) and (removed_at is null) = (removed_why is null)),
  check ((erased_at is null) = (sealed is not null) and (erased_at is null or removed_at is not null))
);
create index stored_file_by_patient on stored_file (org_id, patient_id, kept_at desc);
create index stored_file_to_read on stored_file (org_id, read_at);
select isolate('stored_file', 'select, insert, update');
select reach_by_patient('stored_file', 'team');

-- What waits at a provider is wrapped anew like everything else that is sealed.
do $$ begin
  if exists (select from pg_roles where rolname = 'app_rw') then
    grant update (secrets) on sign_on_attempt to app_rw;
  end if;
end $$;
