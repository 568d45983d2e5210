-- Which read schemas exist and which one is read, per fingerprint of the read models' definitions. Software of
-- two versions has two fingerprints, so old and new nodes run side by side, each with a live schema of its own.
--
-- Only the owner's role writes here and creates read schemas; the application reads, and writes rows into read
-- tables alone.

create table projection.read_schemas (
    name        text        not null primary key,
    fingerprint text        not null,
    generation  bigint      not null,
    live        boolean     not null,
    created_at  timestamptz not null default now(),
    live_since  timestamptz,
    unique (fingerprint, generation)
);
create unique index read_schemas_live on projection.read_schemas (fingerprint) where live;

grant usage on schema projection to lumbung_app;
grant select on projection.read_schemas to lumbung_app;
