-- Second factors: authenticator apps, recovery codes, passkeys, and what lies between a password and a session.

-- Organizations that are there already are offered second factors; those founded from here on require them.
alter table organization
  add column second_factor text not null default 'offered' check (second_factor in ('required', 'offered'));

-- How a session was begun. Where a second factor is required, a password alone opens only the page that adds one.
alter table session
  add column begun_by text not null default 'password'
    check (begun_by in ('password', 'second_factor', 'passkey', 'single_sign_on'));

create table authenticator_app (
  org_id        uuid not null,
  id            uuid not null,
  staff_id      uuid not null,
  secret_sealed bytea not null,              -- 20 bytes (RFC 6238), sealed for this row
  confirmed_at  timestamptz,                 -- null until a first code proved that the secret arrived
  last_step     bigint not null default 0,   -- the newest 30-second step whose code was used
  created_at    timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
create unique index authenticator_app_in_force on authenticator_app (org_id, staff_id) where confirmed_at is not null;
create index authenticator_app_by_staff on authenticator_app (org_id, staff_id);
select isolate('authenticator_app', 'select, insert, update, delete');

create table recovery_code (
  org_id     uuid not null,
  id         uuid not null,
  staff_id   uuid not null,
  mark       bytea not null,                 -- HMAC under a key outside the database
  mark_key   text not null,                  -- name of that key
  used_at    timestamptz,
  created_at timestamptz not null,
  primary key (org_id, id),
  unique (org_id, staff_id, mark),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
select isolate('recovery_code', 'select, insert, update, delete');

create table passkey (
  org_id        uuid not null,
  id            uuid not null,
  staff_id      uuid not null,
  credential_id bytea not null,              -- WebAuthn credential id, chosen by the authenticator
  credential    jsonb not null,              -- public key and flags; nothing in it is secret
  counter       bigint not null,             -- the newest signature counter; 0 for authenticators that have none
  name          text not null check (length(name) between 1 and 60),
  created_at    timestamptz not null,
  used_at       timestamptz,
  primary key (org_id, id),
  unique (org_id, credential_id),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
create index passkey_by_staff on passkey (org_id, staff_id);
select isolate('passkey', 'select, insert, update, delete');

-- A challenge that waits for a passkey's answer: taken once, gone after five minutes.
create table passkey_ceremony (
  org_id     uuid not null,
  id         uuid not null,
  purpose    text not null check (purpose in ('register', 'sign_in', 'prove')),
  staff_id   uuid,                           -- null while it is not known who signs in
  state      jsonb not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
create index passkey_ceremony_by_end on passkey_ceremony (org_id, expires_at);
select isolate('passkey_ceremony', 'select, insert, delete');

-- A password was right and a second factor is still owed. It opens nothing but the page that asks for it.
create table half_sign_in (
  org_id     uuid not null,
  id         uuid not null,
  token_hash bytea not null,                 -- SHA-256 of the 256-bit token in its own cookie
  staff_id   uuid not null,
  tries      integer not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at   timestamptz,
  primary key (org_id, id),
  unique (org_id, token_hash),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
create index half_sign_in_by_end on half_sign_in (org_id, expires_at);
select isolate('half_sign_in', 'select, insert, update, delete');
