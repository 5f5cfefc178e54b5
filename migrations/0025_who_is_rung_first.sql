-- Whose telephone rings first: the patient's, or a nurse's who then waits for the patient.

alter table call drop constraint call_state_check;
alter table call add constraint call_state_check
  check (state in ('scheduled', 'asking_nurse', 'nurse_ready', 'placing', 'placed', 'waiting_for_nurse', 'bridged',
                   'done', 'missed', 'cancelled', 'needs_person'));
alter table call
  add column nurse_rounds int not null default 0,   -- how often nurses were asked before the patient was rung
  add column nurse_since  timestamptz;              -- since when a nurse waits for a patient who is not there yet

-- Purpose 'any' holds where a purpose has no row of its own; where there is no row at all, the patient is rung first.
create table first_rung (
  org_id  uuid not null,
  purpose text not null check (purpose in ('any', 'check_in', 'assessment', 'follow_up', 'medication_check')),
  first   text not null check (first in ('patient', 'nurse')),
  primary key (org_id, purpose)
);
select isolate('first_rung', 'select, insert, update, delete');

-- A round in which no nurse took the call is an outcome like the others.
alter table retry_rule drop constraint retry_rule_outcome_check;
alter table retry_rule add constraint retry_rule_outcome_check
  check (outcome in ('busy', 'no_answer', 'failed', 'no_keys', 'hung_up', 'no_nurse'));

-- Nurses who are reached in the browser. The identity is made for the carrier alone and names nobody; a row without
-- `chosen` is one who went back to the telephone. `ready_until` is database time.
create table browser_line (
  org_id      uuid not null,
  staff_id    uuid not null,
  identity    text not null check (identity ~ '^n[0-9a-f]{32}$'),
  chosen      boolean not null,
  ready_until timestamptz,                  -- until then a page of theirs can ring
  primary key (org_id, staff_id),
  unique (org_id, identity),
  foreign key (org_id, staff_id) references staff_member (org_id, id)
);
select isolate('browser_line', 'select, insert, update');

alter table integration_credential drop constraint integration_credential_kind_check;
alter table integration_credential add constraint integration_credential_kind_check
  check (kind in ('carrier_account', 'model_api', 'speech_api', 'browser_voice'));
