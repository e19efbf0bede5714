#!/bin/bash
# PostgreSQL keeps a cluster with checksums on the mount, pgbench writes to it, and the postmaster is killed in the
# middle, more than once and with several ways of syncing its log. After each recovery everything is there that a client
# was told was committed; at the end the cluster is whole to pg_amcheck, and to pg_checksums behind the mount.
# shellcheck source=tests/programs/on_mount.sh
. "$(dirname "$0")/on_mount.sh"

binaries=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
[ -x "$binaries/pg_amcheck" ] || skip "no PostgreSQL"
readonly binaries clients=4 user=postgres data=$mnt/cluster
id -u $user >/dev/null 2>&1 || skip "no user $user"

scale=1 transactions=400
rounds=("fdatasync replica" "open_datasync minimal")  # wal_sync_method and wal_level
long && scale=10 transactions=5000 rounds+=("fsync replica" "open_sync minimal" "fdatasync minimal" "open_datasync replica")

# What runs a program of PostgreSQL; no function, so that in the background its process is the program.
readonly as_user=(env -C / PATH="$binaries" PGHOST="$mnt/run" PGDATABASE=postgres PGDATA="$data" LC_ALL=C
  /usr/bin/setpriv --reuid "$user" --regid "$user" --init-groups --pdeathsig QUIT)
ask() { "${as_user[@]}" psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }

postmaster=
start_server() {  # METHOD LEVEL
  local senders=10
  [ "$2" = minimal ] && senders=0
  # Little room for the log makes for many checkpoints.
  "${as_user[@]}" postgres -c listen_addresses= -c unix_socket_directories="$mnt/run" -c wal_sync_method="$1" \
    -c wal_level="$2" -c max_wal_senders=$senders -c checkpoint_timeout=30s -c max_wal_size=32MB \
    -c min_wal_size=32MB >>"$scratch/postgres.log" 2>&1 &
  postmaster=$!
  wait_until 120 "${as_user[@]}" pg_isready -q || die "no server"
}

# The postmaster's children see that it has gone and follow it.
children_gone() {
  local pid
  for pid in "$@"; do [ -d "/proc/$pid" ] && return 1; done
  return 0
}
kill_server() {
  local children
  mapfile -t children < <(tr ' ' '\n' <"/proc/$postmaster/task/$postmaster/children" | grep .)
  kill -KILL "$postmaster"
  wait "$postmaster" 2>/dev/null
  postmaster=
  wait_until 60 children_gone "${children[@]}" || die "processes of a killed server live on"
}
stop_server() {
  kill -INT "$postmaster"
  wait "$postmaster" || die "the server did not stop well"
  postmaster=
}
before_clean_up() {
  [ -z "$postmaster" ] || { kill -QUIT "$postmaster" && wait "$postmaster"; }
  [ "$1" -eq 0 ] || { echo "What PostgreSQL said:" && tail -n 40 "$scratch/postgres.log"; } >&2
}

# pgbench's own transaction, which also leaves its number. pgbench's log says which of them a client was told of.
cat >"$scratch/transaction.sql" <<'END'
\set n :n + 1
\set aid random(1, 100000 * :scale)
\set tid random(1, 10 * :scale)
\set bid random(1, :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, now());
INSERT INTO told VALUES (:round, :client_id, :n);
COMMIT;
END

# Prints "CLIENT COUNT" for each client that was told of commits.
told_by() { cat "$scratch/bench/told.$1".* | awk '{ count[$1]++ } END { for (client in count) print client, count[client] }'; }

# Fails unless all that the clients of a round were told of is there, and of each at most one more.
check_told() {  # ROUND
  local client count problems=0
  while read -r client count; do
    ask "SELECT count(*) BETWEEN $count AND $count + 1 AND max(n) = count(*) AND min(n) = 1
         FROM told WHERE round = $1 AND client = $client" | grep -qx t || problems=1
  done < <(told_by "$1")
  return $problems
}

readonly sums="SELECT count(DISTINCT sum) FROM (SELECT sum(abalance) FROM pgbench_accounts UNION ALL
  SELECT sum(tbalance) FROM pgbench_tellers UNION ALL SELECT sum(bbalance) FROM pgbench_branches UNION ALL
  SELECT coalesce(sum(delta), 0) FROM pgbench_history) AS all_sums"

enough_told() {  # ROUND
  [ "$(ask "SELECT count(*) >= $transactions FROM told WHERE round = $1")" = t ]
}
# Clients at work, a server killed under them, and its recovery.
crash() {  # ROUND METHOD LEVEL
  local bench status
  "${as_user[@]}" pgbench -n -c $clients -j 2 -T 600 -f "$scratch/transaction.sql" -D n=0 -D round="$1" \
    -l --log-prefix="$scratch/bench/told.$1" >>"$scratch/pgbench.log" 2>&1 &
  bench=$!
  wait_until 300 enough_told "$1" || die "pgbench does not get on"
  kill_server
  wait $bench
  status=$?
  [ $status -eq 2 ] || { tail "$scratch/pgbench.log" >&2; die "pgbench exited with status $status"; }
  start_server "$2" "$3"
}

install -d -o $user -g $user "$scratch/bench"
start_mount
install -d -o $user -g $user -m 700 "$data" "$mnt/run"
"${as_user[@]}" initdb --data-checksums --auth=trust --no-locale --encoding=UTF8 --no-instructions >>"$scratch/postgres.log" 2>&1 ||
  die "initdb"
start_server fdatasync replica
"${as_user[@]}" pgbench -i -q -s $scale >>"$scratch/pgbench.log" 2>&1 || die "pgbench -i"
ask "CREATE TABLE told (round int, client int, n int, PRIMARY KEY (round, client, n))"
round=0
for way in "${rounds[@]}"; do
  round=$((round + 1))
  read -r method level <<<"$way"
  stop_server
  start_server "$method" "$level"
  crash $round "$method" "$level"
  for ((before = 1; before <= round; before++)); do
    check_told $before || die "$method: what was committed in round $before is missing"
  done
  echo "$method, $level: $(told_by $round | awk '{ sum += $2 } END { print sum }') commits were told of"
  [ "$(ask "$sums")" = 1 ] || die "$method: a transaction was done in part"
done
"${as_user[@]}" pg_amcheck --install-missing --heapallindexed --parent-check --all --jobs=2 >"$scratch/amcheck.log" 2>&1 ||
  { cat "$scratch/amcheck.log" >&2; die "pg_amcheck"; }

# One more than there is, as if a commit had been lost.
file=$(set -- "$scratch/bench/told.1".*; echo "$1")
cp "$file" "$scratch/whole" && { tail -n 1 "$scratch/whole"; tail -n 1 "$scratch/whole"; } >>"$file"
must_notice check_told 1
table=$(ask "SELECT pg_relation_filepath('pgbench_accounts')")
stop_server
diff -r "$data" "$source/cluster" || die "mount and source differ"
stop_mount

check_sums() { "$binaries/pg_checksums" --check --pgdata="$source/cluster" >"$scratch/checksums.log" 2>&1; }
check_sums || { cat "$scratch/checksums.log" >&2; die "pg_checksums behind the mount"; }
damage "$source/cluster/$table" 20000
must_notice check_sums
