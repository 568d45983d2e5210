-- The journal: the only source of truth. Insert-only by rights (the application's role may not change a row)
-- and by triggers (neither may the owner, by accident).

create table journal.events (
    position       bigint      not null primary key,
    aggregate_type text        not null,
    aggregate_id   text        not null,
    sequence       bigint      not null,
    event_type     text        not null,
    event_version  text        not null,
    payload        json        not null,
    metadata       json        not null,
    recorded_at    timestamptz not null,
    hash           bytea       not null,
    -- The id first: it tells streams apart at the first comparison, the type almost never does.
    unique (aggregate_id, aggregate_type, sequence)
);

-- Copies of the head, so that a log whose tail was cut off is found out up to the last of them.
create table journal.anchors (
    position    bigint      not null primary key,
    hash        bytea       not null,
    anchored_at timestamptz not null default now()
);

-- What a client was answered, by the keyed hash of actor, route and Idempotency-Key.
create table journal.idempotency (
    key         bytea       not null primary key,
    body        bytea       not null,
    outcome     bytea       not null,
    recorded_at timestamptz not null
);
create index idempotency_recorded_at on journal.idempotency using brin (recorded_at);

-- One data key per person, wrapped by the master key.
create table journal.person_keys (
    person     uuid        not null primary key,
    wrapped    bytea       not null,
    created_at timestamptz not null
);

-- The ledger's own keys, wrapped by the master key. A node with another master key cannot unwrap them and stops.
create table journal.ledger_keys (
    name    text  not null primary key,
    wrapped bytea not null
);

create sequence journal.user_number;
create sequence journal.loan_number;
create sequence journal.plafond_number;

create function journal.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'journal.% is insert-only', tg_table_name using errcode = 'LB002';
end $$;

create trigger insert_only before update or delete or truncate on journal.events
    for each statement execute function journal.refuse_change();
create trigger insert_only before update or delete or truncate on journal.anchors
    for each statement execute function journal.refuse_change();

-- Appends one batch, or says why not. One call in autocommit is one transaction.
--
-- Every read stands in a statement of its own after the lock: a statement that locks and reads sees the log as it
-- was before it got the lock. There is no head row: a row updated per batch rots under a long snapshot.
-- Arrays are taken apart by subscript, which inside plpgsql costs the same at any index: unnest of several arrays
-- first writes every one of them into a store of its own.
create function journal.append(
    expected_position bigint, expected_hash bytea, last_position bigint, last_hash bytea, batch_at timestamptz,
    aggregate_types text[], aggregate_ids text[], sequences bigint[], event_types text[], event_versions text[],
    payloads text[], metadatas text[], hashes bytea[],
    keys bytea[], bodies bytea[], outcomes bytea[],
    persons uuid[], wrapped_keys bytea[],
    out verdict text, out head_position bigint, out head_hash bytea
) language plpgsql volatile as $$
declare
    inserted bigint;
    head_at  timestamptz;
begin
    perform pg_advisory_xact_lock(5492307);

    select e.position, e.hash, e.recorded_at into head_position, head_hash, head_at
        from journal.events e order by e.position desc limit 1;
    head_position := coalesce(head_position, 0);
    head_hash := coalesce(head_hash, decode(repeat('00', 32), 'hex'));

    if head_position >= last_position and last_position > expected_position then
        if exists (select from journal.events e where e.position = last_position and e.hash = last_hash) then
            verdict := 'already';
            return;
        end if;
    end if;
    if head_position <> expected_position or head_hash <> expected_hash then
        verdict := 'moved';
        return;
    end if;

    -- Time never falls, so one node with a fast clock would drag the whole ledger into its future.
    if batch_at > greatest(head_at, clock_timestamp() + interval '1 minute') then
        raise exception 'the clock of this node is ahead: %', batch_at using errcode = 'LB004';
    end if;

    -- No look-up by "key = any(keys)": its plan is made once, on the empty table, and rots with it. A key that is
    -- answered already violates the primary key, which undoes everything; "on conflict" would search every key twice.
    if cardinality(keys) > 0 then
        insert into journal.idempotency (key, body, outcome, recorded_at)
            select keys[n], bodies[n], outcomes[n], batch_at from generate_series(1, cardinality(keys)) as n;
    end if;

    if cardinality(persons) > 0 then
        insert into journal.person_keys (person, wrapped, created_at)
            select p.person, p.wrapped, batch_at from unnest(persons, wrapped_keys) as p (person, wrapped);
    end if;

    if last_position > expected_position then
        insert into journal.events (position, aggregate_type, aggregate_id, sequence, event_type, event_version,
                payload, metadata, recorded_at, hash)
            select expected_position + n, aggregate_types[n], aggregate_ids[n], sequences[n], event_types[n],
                event_versions[n], payloads[n]::json, metadatas[n]::json, batch_at, hashes[n]
            from generate_series(1, cardinality(hashes)) as n;
        get diagnostics inserted = row_count;
        if inserted <> last_position - expected_position then
            raise exception 'batch of % events for positions % to %', inserted, expected_position + 1, last_position
                using errcode = 'LB003';
        end if;
        perform pg_notify('lumbung_events', last_position::text);
    end if;

    verdict := 'appended';
    head_position := last_position;
    head_hash := last_hash;
end $$;

grant usage on schema journal to lumbung_app;
grant select, insert on journal.events, journal.anchors, journal.person_keys, journal.ledger_keys to lumbung_app;
grant select, insert, delete on journal.idempotency to lumbung_app;
grant usage on all sequences in schema journal to lumbung_app;
