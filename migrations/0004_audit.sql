-- Attempts that left no event: what was denied, logins that failed, and looks of the staff at people and their files.
--
-- Insert-only for the application but for old rows, which it deletes: these rows are bounded in age and number. Nothing
-- in them is personal in clear: people are named by id, e-mails, addresses and user agents by keyed hashes.

create schema audit;

create table audit.attempts (
    -- Drawn by the node, ordered by time: a batch that is sent again after a lost answer goes in once.
    id           uuid        not null primary key,
    at           timestamptz not null,
    kind         text        not null,
    actor        uuid,
    session      uuid,
    -- Whom it is about: who was looked at, or whose login failed.
    person       uuid,
    subject_kind text,
    subject_id   text,
    method       text        not null,
    -- The template, never the path: /api/loans/{id}.
    route        text        not null,
    status       smallint,
    code         text,
    request_id   text        not null,
    email_hash   bytea,
    client_hash  bytea,
    agent_hash   bytea
);
create index attempts_by_age on audit.attempts (kind, at, id);

create function audit.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit.% is insert-only', tg_table_name using errcode = 'LB002';
end $$;

create trigger insert_only before update or truncate on audit.attempts
    for each statement execute function audit.refuse_change();

grant usage on schema audit to lumbung_app;
grant select, insert, delete on audit.attempts to lumbung_app;
