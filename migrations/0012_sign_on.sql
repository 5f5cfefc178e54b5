-- Single sign-on per organization, and tokens by which programs act for a staff member.

-- The provider an organization trusts with its sign-ins. Its secret is sealed; the key is not in the database.
create table single_sign_on (
  org_id        uuid not null,
  issuer        text not null check (length(issuer) between 8 and 300),
  client_id     text not null check (length(client_id) between 1 and 200),
  client_secret bytea not null,
  group_claim   text not null check (length(group_claim) between 1 and 100),
  required      boolean not null default false,   -- whether passwords are refused to everybody but the one below
  break_glass   uuid,                             -- the admin who may always come in by password
  changed_at    timestamptz not null,
  primary key (org_id),
  foreign key (org_id, break_glass) references staff_member (org_id, id),
  check (not required or break_glass is not null)
);
select isolate('single_sign_on', 'select, insert, update, delete');

-- What membership of a provider's group means here. 'admin' lets an admin of ours keep the role; it never makes one.
create table group_role (
  org_id     uuid not null,
  group_name text not null check (length(group_name) between 1 and 200),
  role       text not null check (role in ('nurse', 'coordinator', 'physician', 'admin', 'auditor')),
  team       text,                                -- the care team whoever is new through it begins in
  primary key (org_id, group_name),
  foreign key (org_id, team) references care_team (org_id, name)
);
select isolate('group_role', 'select, insert, delete');

-- Who of a provider is who here. One person of a provider is one staff member, and the reverse.
create table identity_link (
  org_id     uuid not null,
  issuer     text not null,
  subject    text not null check (length(subject) between 1 and 255),
  staff_id   uuid not null,
  created_at timestamptz not null,
  closed_at  timestamptz,                         -- when lost groups closed the login; null while they have not
  primary key (org_id, issuer, subject),
  unique (org_id, issuer, staff_id),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
select isolate('identity_link', 'select, insert, update, delete');

-- A sign-in on its way through a provider: opened once, by the browser that began it, within ten minutes.
create table sign_on_attempt (
  org_id       uuid not null,
  id           uuid not null,
  state_hash   bytea not null,                    -- SHA-256 of the state
  browser_hash bytea not null,                    -- SHA-256 of the cookie it is bound to
  issuer       text not null,
  secrets      bytea not null,                    -- sealed: nonce and PKCE verifier
  wish         text not null,                     -- the path the reader wanted
  expires_at   timestamptz not null,
  primary key (org_id, id),
  unique (org_id, state_hash)
);
create index sign_on_attempt_expired on sign_on_attempt (org_id, expires_at);
select isolate('sign_on_attempt', 'select, insert, delete');

create table api_token (
  org_id     uuid not null,
  id         uuid not null,
  staff_id   uuid not null,
  name       text not null check (length(name) between 1 and 60),
  token_hash bytea not null,                      -- SHA-256 of 256 random bits
  scopes     text[] not null check (cardinality(scopes) > 0),
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at and expires_at <= created_at + interval '366 days'),
  used_at    timestamptz,
  revoked_at timestamptz,
  primary key (org_id, id),
  unique (org_id, token_hash),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
create index api_token_by_staff on api_token (org_id, staff_id, created_at);
select isolate('api_token', 'select, insert, update');
