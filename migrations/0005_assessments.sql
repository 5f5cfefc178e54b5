-- Guidance that was shown, assessments, follow-ups.

create table guidance (
  org_id    uuid not null,
  id        uuid not null,
  call_id   uuid not null,
  asked_by  uuid not null,
  question  text not null,
  outcome   text not null check (outcome in ('quoted', 'refused', 'passages_only')),
  shown     jsonb not null,                 -- exactly what the nurse saw
  evidence  jsonb not null,                 -- prompt hash, model, retrieved passages with hashes, rejected statements
  asked_at  timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, asked_by) references staff_member (org_id, id)
);
create index guidance_by_call on guidance (org_id, call_id, asked_at);
select isolate('guidance', 'select, insert');

create table assessment (
  org_id             uuid not null,
  id                 uuid not null,
  call_id            uuid not null,
  patient_id         uuid not null,
  protocol_id        text not null,
  protocol_version   text not null,
  protocol_sha256    bytea not null,
  state              text not null check (state in ('draft', 'signed')),
  answers            jsonb not null,        -- question id to answer; an absent id is "not asked"
  facts              jsonb not null,        -- chart facts the nurse confirmed
  confirmed          jsonb not null,        -- confirmations of the goals-of-care overlay
  evaluation         jsonb not null,        -- what the evaluator found, rules fired and undecided
  engine_disposition text,
  disposition        text,                  -- what the nurse decided
  override_reason    text,
  agreed_plan        text not null default '',
  revision           int not null default 0,
  created_at         timestamptz not null,
  updated_at         timestamptz not null,
  signed_by          uuid,
  signed_at          timestamptz,
  primary key (org_id, id),
  unique (org_id, call_id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, signed_by) references staff_member (org_id, id),
  check (state = 'draft' or (signed_by is not null and signed_at is not null and disposition is not null))
);
select isolate('assessment', 'select, insert, update');

-- A signed assessment is final.
create function signed_is_final() returns trigger language plpgsql as $$
begin
  if old.state = 'signed' then
    raise exception 'a signed assessment is final';
  end if;
  return new;
end $$;
create trigger signed_is_final before update on assessment for each row execute function signed_is_final();

create table follow_up (
  org_id        uuid not null,
  id            uuid not null,
  patient_id    uuid not null,
  call_id       uuid,
  assessment_id uuid,
  reason        text not null,              -- a code: disposition, missed_call, identity_not_proven, ...
  summary       text not null,
  urgency       text not null,              -- a disposition code
  owner_id      uuid not null,
  due_at        timestamptz not null,
  escalations   int not null default 0,
  state         text not null check (state in ('open', 'done')),
  outcome       text,
  done_by       uuid,
  done_at       timestamptz,
  created_at    timestamptz not null,
  once_key      text not null,              -- a cause makes one follow-up, however often its job runs
  primary key (org_id, id),
  unique (org_id, once_key),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, assessment_id) references assessment (org_id, id),
  foreign key (org_id, owner_id) references staff_member (org_id, id),
  foreign key (org_id, done_by) references staff_member (org_id, id)
);
create index follow_up_open on follow_up (org_id, state, due_at);
select isolate('follow_up', 'select, insert, update');
