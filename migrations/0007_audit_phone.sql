-- The number that somebody tried to log in by, as the keyed hash of its claim.
set local lock_timeout = '5s';
alter table audit.attempts add column phone_hash bytea;
