-- How far each process manager has finished: the highest position of its name. Rows are added and old ones deleted; a row that
-- is updated again and again would rot under a long snapshot.
--
-- It saves work after a restart and decides nothing. Only one thing hangs on it: what a manager was answered is kept while it may
-- ask again, that is, for every position behind its checkpoint.

create table journal.process_checkpoints (
    process  text   not null,
    position bigint not null,
    primary key (process, position)
);

grant select, insert, delete on journal.process_checkpoints to lumbung_app;
