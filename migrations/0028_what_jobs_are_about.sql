-- What an open job is about, as a column: the sweeps ask whether anything will look after a call or an attempt, and beside a
-- backlog of a million jobs that is a question for an index. An index on the text inside the JSON would not be used: reading
-- JSON may leak what a row holds, so row-level security has it done last.
alter table job add column about uuid
  generated always as (coalesce(body ->> 'attempt', body ->> 'call')::uuid) stored;
create index job_about on job (org_id, about) where state in ('queued', 'running');
