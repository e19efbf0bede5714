#!/bin/bash
# Several SQLite processes write one database at once through the mount, with a rollback journal and with a WAL, and one
# of them is killed in the middle. Afterwards the database is whole, also as seen through the backing directory, and
# every row that was committed is there.
# shellcheck source=tests/programs/on_mount.sh
. "$(dirname "$0")/on_mount.sh"

readonly writers=4 rows=20
readonly text="printf('%d-%d-%.*c', writer, number, number * 37 % 900, 'x')"

# A transaction for each row. Whoever finds the database locked waits.
rows_of() {  # WRITER ROWS
  local number
  echo ".timeout 120000"
  echo "PRAGMA synchronous=FULL;"
  for ((number = 1; number <= $2; number++)); do
    echo "INSERT INTO entry SELECT writer, number, $text FROM (SELECT $1 AS writer, $number AS number);"
  done
}

# What a whole database answers; a row that is there must be as it was written.
expected() { printf 'ok\n%d\n0\n' $((writers * rows)); }
ask() {  # DATABASE
  sqlite3 -bail "$1" "PRAGMA integrity_check;
                      SELECT count(*) FROM entry WHERE writer <= $writers;
                      SELECT count(*) FROM entry WHERE text IS NOT $text;"
}

is_whole() { diff <(expected) <(ask "$1"); }  # DATABASE

write_at_once() {  # DATABASE
  local pids=() pid writer
  sqlite3 -bail "$1" <"$scratch/victim.sql" &
  local victim=$!
  until [ "$(sqlite3 -bail "$1" ".timeout 120000" "SELECT count(*) >= 5 FROM entry")" = 1 ]; do
    kill -0 "$victim" || die "the victim of $1 has ended by itself"
  done
  for ((writer = 1; writer <= writers; writer++)); do
    sqlite3 -bail "$1" <"$scratch/$writer.sql" &
    pids+=($!)
  done
  kill -KILL "$victim" || die "the victim of $1 has ended by itself"
  wait "$victim" 2>/dev/null
  for pid in "${pids[@]}"; do wait "$pid" || die "a writer of $1 failed"; done
}

rows_of $((writers + 1)) 20000 >"$scratch/victim.sql"
for ((writer = 1; writer <= writers; writer++)); do rows_of $writer $rows >"$scratch/$writer.sql"; done

start_mount
for journal in delete wal; do
  database=$mnt/$journal.db
  sqlite3 -bail "$database" "PRAGMA journal_mode=$journal; CREATE TABLE entry (writer, number, text);" >/dev/null ||
    die "cannot make $database"
  write_at_once "$database"
  is_whole "$database" || die "$journal: not what was written, through the mount"
  is_whole "$source/$journal.db" || die "$journal: not what was written, behind the mount"
done
stop_mount
for journal in delete wal; do
  is_whole "$source/$journal.db" || die "$journal: not what was written, after the stop"
done

cp "$source/delete.db" "$scratch/damaged.db"
damage "$scratch/damaged.db" 5000 30000
must_notice is_whole "$scratch/damaged.db"
