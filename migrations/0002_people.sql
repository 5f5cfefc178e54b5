-- Staff, sessions, patients, contacts, consents, care plans.

create table staff_member (
  org_id        uuid not null,
  id            uuid not null,
  email         text not null check (email = lower(email)),
  full_name     text not null,
  role          text not null check (role in ('nurse', 'coordinator', 'physician', 'admin', 'auditor')),
  password_hash text not null,
  phone         text,                       -- E.164, where a nurse takes calls
  on_duty       boolean not null default false,
  active        boolean not null default true,
  created_at    timestamptz not null,
  primary key (org_id, id),
  unique (org_id, email)
);
select isolate('staff_member', 'select, insert, update');

create table session (
  org_id      uuid not null,
  id          uuid not null,
  token_hash  bytea not null,               -- SHA-256 of the 256-bit token in the cookie
  staff_id    uuid not null,
  created_at  timestamptz not null,
  seen_at     timestamptz not null,
  expires_at  timestamptz not null,
  ended_at    timestamptz,
  primary key (org_id, id),
  unique (org_id, token_hash),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
select isolate('session', 'select, insert, update');

create table patient (
  org_id            uuid not null,
  id                uuid not null,
  given_name        text not null,
  family_name       text not null,
  date_of_birth     date not null,
  phone             text not null,          -- E.164
  language          text not null check (language in ('en-US', 'es-US')),
  time_zone         text not null,          -- IANA name
  status            text not null default 'active'
                      check (status in ('active', 'admitted', 'deceased', 'withdrawn', 'transferred')),
  nurse_id          uuid,
  call_code_hash    bytea not null,         -- HMAC of the 4-digit code agreed at enrolment
  programme         text not null default 'general',
  comfort_only_plan boolean,                -- null is "not known"
  actively_dying    boolean,
  home_oxygen       boolean,
  allergies         text not null default '',
  medications       text not null default '',
  created_at        timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, nurse_id) references staff_member (org_id, id)
);
create index patient_family_name on patient (org_id, family_name, given_name);
select isolate('patient', 'select, insert, update');

create table contact (
  org_id         uuid not null,
  id             uuid not null,
  patient_id     uuid not null,
  full_name      text not null,
  relation       text not null,
  phone          text not null,
  call_code_hash bytea not null,
  created_at     timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id)
);
select isolate('contact', 'select, insert, update');

-- Facts over flags: the newest row for (patient or contact, purpose, channel) is what is in force.
create table consent (
  org_id      uuid not null,
  id          uuid not null,
  patient_id  uuid not null,
  contact_id  uuid,                         -- whom it is about; null is the patient themself
  purpose     text not null check (purpose in ('be_called', 'discuss_health', 'record_call')),
  channel     text not null check (channel in ('voice', 'sms', 'any')),
  given       boolean not null,
  evidence    text not null,
  author      uuid,                         -- staff member; null is the person on the line
  call_id     uuid,
  at          timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, patient_id) references patient (org_id, id),
  foreign key (org_id, contact_id) references contact (org_id, id)
);
create index consent_newest on consent (org_id, patient_id, purpose, at desc);
select isolate('consent', 'select, insert');
