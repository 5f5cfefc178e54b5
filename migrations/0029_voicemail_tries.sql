-- How soon a patient is rung again after a voicemail answered is a rule of its own.

alter table retry_rule drop constraint retry_rule_outcome_check;
alter table retry_rule add constraint retry_rule_outcome_check
  check (outcome in ('busy', 'no_answer', 'failed', 'no_keys', 'hung_up', 'no_nurse', 'voicemail'));
