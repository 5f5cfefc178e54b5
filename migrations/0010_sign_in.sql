-- Signing in: which pepper a password was hashed with, when a session was last proven, browsers a person signed in from
-- before, the ladder of refused tries, letters that let a forgotten password be chosen anew, tickets of live sockets.

-- Null is a hash made before there was a pepper; it opens once more and is then replaced.
alter table staff_member add column password_key text;

-- Null is a session from before this was kept: good for reading, not for anything that wants a fresh proof.
alter table session add column proven_at timestamptz;
alter table session add column device text not null default 'unknown'
  check (device in ('firefox', 'chrome', 'edge', 'safari', 'program', 'unknown'));
create index session_by_staff on session (org_id, staff_id) where ended_at is null;
-- A person on a live call is at work, whatever their keyboard does.
create index leg_by_staff on leg (org_id, staff_id, left_at) where staff_id is not null;

-- A browser somebody signed in from: it passes the lock of its account, so that a stranger cannot lock a nurse out.
create table trusted_device (
  org_id     uuid not null,
  id         uuid not null,
  token_hash bytea not null,                -- SHA-256 of the 256-bit token in the cookie
  staff_id   uuid not null,
  device     text not null check (device in ('firefox', 'chrome', 'edge', 'safari', 'program', 'unknown')),
  created_at timestamptz not null,
  seen_at    timestamptz not null,
  expires_at timestamptz not null,
  ended_at   timestamptz,
  primary key (org_id, id),
  unique (org_id, token_hash, staff_id),    -- colleagues share the browser of a ward
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
create index trusted_device_by_staff on trusted_device (org_id, staff_id) where ended_at is null;
select isolate('trusted_device', 'select, insert, update');

-- Refused tries in a row. An address nobody has climbs the same ladder, so the ladder tells nobody who works here.
create table sign_in_ladder (
  org_id       uuid not null,
  account      bytea not null,              -- mark of the address, device or session that was tried
  failures     int not null check (failures >= 0),
  failed_at    timestamptz not null,
  locked_until timestamptz,
  primary key (org_id, account)
);
create index sign_in_ladder_by_age on sign_in_ladder (org_id, failed_at);
select isolate('sign_in_ladder', 'select, insert, update, delete');

-- Somebody forgot a password. An address nobody has is asked for in the same way, and then nobody gets a letter.
create table password_reset (
  org_id     uuid not null,
  id         uuid not null,
  account    bytea not null,                -- mark of the address
  staff_id   uuid,
  asked_at   timestamptz not null,
  token_hash bytea,                         -- SHA-256 of the 256-bit token in the letter; null until it is written
  expires_at timestamptz,
  used_at    timestamptz,
  primary key (org_id, id),
  unique (org_id, token_hash),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
create index password_reset_by_account on password_reset (org_id, account, asked_at);
create index password_reset_by_age on password_reset (org_id, asked_at);
select isolate('password_reset', 'select, insert, update, delete');

-- Opens one live socket within a minute, once.
create table socket_ticket (
  org_id     uuid not null,
  token_hash bytea not null,
  session_id uuid not null,
  expires_at timestamptz not null,
  primary key (org_id, token_hash),
  foreign key (org_id, session_id) references session (org_id, id)
);
create index socket_ticket_by_session on socket_ticket (org_id, session_id);
select isolate('socket_ticket', 'select, insert, delete');
