-- How often somebody may knock, shared by every replica. A bucket holds one instant: when it will be full again (the
-- generic cell rate algorithm, ITU-T I.371), so one upsert by the database's clock asks and draws. What happens before an
-- organization is known is kept under the nil organization, which nobody belongs to. Addresses are kept as marks only.
-- A crash may forget the buckets: they are worth no write-ahead log.
create unlogged table rate_bucket (
  org_id  uuid not null,
  pace    text not null,                    -- domain/pace.rs
  whom    text not null,                    -- a session, a mark of an address, or '' for the whole organization
  full_at timestamptz not null,             -- database time
  primary key (org_id, pace, whom)
);
create index rate_bucket_full on rate_bucket (org_id, full_at);
select isolate('rate_bucket', 'select, insert, update, delete');
