-- What is asked before every ring, or written with every entry, keeps its plan: a function in SQL is planned anew at each call,
-- one in plpgsql once in a session. What they say is as before.
create or replace function newest_consent(org uuid, patient uuid, phone text, way text) returns boolean
language plpgsql stable as $$
begin
  return (select c.given from consent c
           where c.org_id = org and c.patient_id = patient and c.contact_id is null and c.purpose = 'be_called'
             and c.channel in (way, 'any') and (c.number is null or c.number = phone)
           order by c.at desc, c.given, c.id desc limit 1);   -- of one instant, no wins
end $$;
create or replace function newest_leave(org uuid, patient uuid, what text) returns boolean language plpgsql stable as $$
begin
  return (select c.given from consent c
           where c.org_id = org and c.patient_id = patient and c.contact_id is null and c.purpose = what
             and c.channel in ('voice', 'any')
           order by c.at desc, c.given, c.id desc limit 1);
end $$;
create or replace function newest_text_leave(org uuid, patient uuid, what text) returns boolean language plpgsql stable as $$
begin
  return (select c.given from consent c
           where c.org_id = org and c.patient_id = patient and c.contact_id is null and c.purpose = what
             and c.channel in ('sms', 'any')
           order by c.at desc, c.given, c.id desc limit 1);
end $$;
create or replace function newest_opt_out(org uuid, phone text, way text) returns boolean language plpgsql stable as $$
begin
  return (select s.stopped from opt_out s
           where s.org_id = org and s.number = phone and s.channel in (way, 'any')
           order by s.at desc, s.stopped desc, s.id desc limit 1);
end $$;
create or replace function this_server() returns bigint language plpgsql stable parallel safe as $$
begin
  return (select system_identifier from pg_control_system());
end $$;

-- A call's attempts and follow-ups, and a patient's contacts, are found without reading those of everybody else.
create index attempt_by_call on attempt (org_id, call_id);
create index follow_up_by_call on follow_up (org_id, call_id) where call_id is not null;
create index contact_by_patient on contact (org_id, patient_id);
