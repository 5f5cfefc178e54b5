-- Calls, attempts, legs, media streams, utterances, and the inbox that makes webhooks count once.

create table call (
  org_id       uuid not null,
  id           uuid not null,
  patient_id   uuid not null,
  purpose      text not null check (purpose in ('check_in', 'assessment', 'follow_up', 'medication_check')),
  protocol_id  text not null,
  nurse_id     uuid,                        -- who is to talk; null is anybody on duty
  due_at       timestamptz not null,
  state        text not null check (state in ('scheduled', 'placing', 'placed', 'waiting_for_nurse', 'bridged',
                                              'done', 'missed', 'cancelled', 'needs_person')),
  outcome      text,                        -- why it ended or waits, a code
  attempts     int not null default 0,
  speaker      text check (speaker in ('patient', 'caregiver')),
  contact_id   uuid,                        -- the caregiver who proved who they are
  script       jsonb not null,              -- where the call script stands (domain/script.rs)
  may_record   boolean,                     -- consent to record on this call; null is "not asked yet"
  nurses_asked uuid[] not null default '{}',
  created_by   uuid,
  created_at   timestamptz not null,
  bridged_at   timestamptz,
  ended_at     timestamptz,
  idem_key     text not null,               -- two posts of one form are one call
  primary key (org_id, id),
  unique (org_id, idem_key),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, nurse_id) references staff_member (org_id, id)
);
create index call_by_due on call (org_id, state, due_at);
create index call_by_patient on call (org_id, patient_id, due_at desc);
select isolate('call', 'select, insert, update');

create table attempt (
  org_id      uuid not null,
  id          uuid not null,
  call_id     uuid not null,
  party       text not null check (party in ('patient', 'nurse')),
  staff_id    uuid,
  ordinal     int not null,
  from_e164   text not null,
  to_e164     text not null,
  state       text not null check (state in ('intent', 'dialing', 'bound', 'rejected', 'unknown', 'abandoned',
                                             'not_placed', 'needs_person')),
  live        boolean generated always as (state in ('intent', 'dialing', 'unknown')) stored,
  sid         text,
  status_rank int not null default 0,       -- how far the carrier says it came; never moves back
  outcome     text,
  clean_lists int not null default 0,
  posted_at   timestamptz,
  answered_at timestamptz,
  ended_at    timestamptz,
  created_at  timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
create unique index one_live_per_call on attempt (org_id, call_id, party) where live;
create unique index sid_once on attempt (org_id, sid) where sid is not null;
select isolate('attempt', 'select, insert, update');

create table leg (
  org_id     uuid not null,
  id         uuid not null,
  call_id    uuid not null,
  attempt_id uuid not null,
  party      text not null check (party in ('patient', 'nurse')),
  staff_id   uuid,
  sid        text not null,
  joined_at  timestamptz not null,
  left_at    timestamptz,
  primary key (org_id, id),
  unique (org_id, attempt_id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, attempt_id) references attempt (org_id, id)
);
create index leg_by_call on leg (org_id, call_id);
select isolate('leg', 'select, insert, update');

create table media_stream (
  org_id      uuid not null,
  id          uuid not null,
  call_id     uuid not null,
  leg_id      uuid not null,
  token_hash  bytea not null,
  stream_sid  text,
  opened_at   timestamptz not null,         -- when we asked for it
  started_at  timestamptz,                  -- when the token was burnt
  heard_at    timestamptz,                  -- last audio, written every second or so
  ended_at    timestamptz,
  frames      bigint not null default 0,
  lost_frames bigint not null default 0,
  primary key (org_id, id),
  foreign key (org_id, leg_id) references leg (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id)
);
create index media_stream_by_leg on media_stream (org_id, leg_id);
select isolate('media_stream', 'select, insert, update');

-- Audio that never reached us: shown to the nurse, part of the record.
create table gap (
  org_id   uuid not null,
  id       uuid not null,
  call_id  uuid not null,
  leg_id   uuid not null,
  from_at  timestamptz not null,
  to_at    timestamptz not null,
  reason   text not null check (reason in ('frames_lost', 'stream_lost', 'careline_restarted')),
  primary key (org_id, id),
  foreign key (org_id, leg_id) references leg (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id)
);
select isolate('gap', 'select, insert');

create table utterance (
  org_id     uuid not null,
  id         uuid not null,
  call_id    uuid not null,
  leg_id     uuid not null,
  speaker    text not null check (speaker in ('patient', 'caregiver', 'nurse')),
  text       text not null,
  from_at    timestamptz not null,
  to_at      timestamptz not null,
  lost_words int not null default 0,
  primary key (org_id, id),
  foreign key (org_id, leg_id) references leg (org_id, id),
  foreign key (org_id, call_id) references call (org_id, id)
);
create index utterance_by_call on utterance (org_id, call_id, from_at);
select isolate('utterance', 'select, insert');

create table carrier_inbox (
  org_id     uuid not null,
  dedupe_key text not null,
  attempt_id uuid not null,
  kind       text not null,
  at         timestamptz not null,
  primary key (org_id, dedupe_key)
);
select isolate('carrier_inbox', 'select, insert');
