-- Recordings, made by us from the forked audio while consent to record stands: a row for each call, a row for each chunk,
-- holds that keep one from being erased, and how long a class of what is kept stays.

create table recording (
  org_id     uuid not null,
  call_id    uuid not null,
  patient_id uuid not null,
  began_at   timestamptz not null,          -- of the chunk that was known first
  erased_at  timestamptz,                   -- then keys and audio are gone, and this row says so
  erased_why text check (erased_why in ('retention', 'consent_withdrawn')),
  primary key (org_id, call_id),
  foreign key (org_id, call_id) references call (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  check ((erased_at is null) = (erased_why is null))
);
create index recording_by_age on recording (org_id, began_at) where erased_at is null;
select isolate('recording', 'select, insert, update');
select reach_by_call('recording');

-- A stretch of one leg without a hole, at most some seconds of it: sealed, an object of its own.
create table recording_chunk (
  org_id    uuid not null,
  id        uuid not null,                  -- also the name of the object
  call_id   uuid not null,
  leg_id    uuid not null,
  stream_id uuid not null,
  track     text not null check (track in ('patient', 'nurse', 'others')),
  number    int not null check (number >= 0),        -- of its stream
  from_at   timestamptz not null,           -- instant of its first sample
  samples   int not null check (samples > 0),        -- 8 kHz, a byte each
  peaks     smallint[] not null,            -- loudness of each quarter of a second, 0 to 100
  sealed    bytea,                          -- wrapped data key and preamble; null once erased
  kept_at   timestamptz not null,
  read_at   timestamptz not null,           -- when its tag was last verified
  fault     text,                           -- what was found then, a code; null is nothing
  gone_at   timestamptz,                    -- when its object was removed after it was erased
  primary key (org_id, id),
  unique (org_id, stream_id, number),
  foreign key (org_id, call_id) references recording (org_id, call_id),
  foreign key (org_id, leg_id) references leg (org_id, id),
  foreign key (org_id, stream_id) references media_stream (org_id, id),
  check (gone_at is null or sealed is null)
);
create index recording_chunk_by_call on recording_chunk (org_id, call_id, from_at);
create index recording_chunk_to_read on recording_chunk (org_id, read_at) where sealed is not null;
select isolate('recording_chunk', 'select, insert, update');
select reach_by_call('recording_chunk');

-- Facts: who keeps a recording from being erased, why, since when, and until when.
create table recording_hold (
  org_id    uuid not null,
  id        uuid not null,
  call_id   uuid not null,
  why       text not null check (length(why) between 1 and 300),
  placed_by uuid not null,
  since     timestamptz not null,
  lifted_by uuid,
  lifted_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, call_id) references recording (org_id, call_id),
  foreign key (org_id, placed_by) references staff_member (org_id, id),
  foreign key (org_id, lifted_by) references staff_member (org_id, id),
  check ((lifted_by is null) = (lifted_at is null))
);
create unique index recording_hold_now on recording_hold (org_id, call_id) where lifted_at is null;
select isolate('recording_hold', 'select, insert, update');
select reach_by_call('recording_hold');

-- How long a class of what is kept stays; without a row, what domain/recording.rs says.
create table retention_rule (
  org_id           uuid not null,
  class            text not null check (class in ('recording')),
  days             int not null check (days between 1 and 3650),
  after_withdrawal text not null check (after_withdrawal in ('keep', 'erase')),
  set_by           uuid,
  set_at           timestamptz not null,
  primary key (org_id, class),
  foreign key (org_id, set_by) references staff_member (org_id, id)
);
select isolate('retention_rule', 'select, insert, update');

-- Audio that was heard and could not be kept is a gap too, of the recording.
alter table gap drop constraint gap_reason_check;
alter table gap add constraint gap_reason_check
  check (reason in ('frames_lost', 'stream_lost', 'careline_restarted', 'not_recorded'));
