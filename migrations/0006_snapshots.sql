-- States of long streams, so that one opens without reading every event it ever had. Whatever is in here can be computed from
-- the events, and any row may be deleted at any time. Nothing is taken from a row whose MAC is not the ledger's.

create table journal.snapshots (
    aggregate_type text        not null,
    aggregate_id   text        not null,
    -- The fold that made the state: other software neither reads nor replaces it.
    fingerprint    text        not null,
    -- The last event in the state, and its hash.
    sequence       bigint      not null,
    event_hash     bytea       not null,
    -- Personal values in it are sealed, as in the events.
    state          json        not null,
    mac            bytea       not null,
    written_at     timestamptz not null default now(),
    primary key (aggregate_id, aggregate_type, fingerprint)
);

-- A newer one replaces an older one by delete and insert: no right to change a row is needed.
grant select, insert, delete on journal.snapshots to lumbung_app;
