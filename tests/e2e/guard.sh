#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the guard would vouch for, without a kernel that enforces: next to each file that is stands the same
# file that others can write, is being written, or is not what was signed. And how its verbs fail.
# usage: guard.sh IHARD-GUARD IHARD PROFILE
# shellcheck disable=SC2034,SC2154 # variables are used by, and come from, tap.sh
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=tests/lib/nix-store.sh
. "$here/../lib/nix-store.sh"

guard=$(realpath "$1")
ihard=$(realpath "$2")
profile=$(realpath "$3")
missing=$(nix_store_missing) || tap_skip_all "missing:$missing (Debian: nix-bin sqlite3 attr acl libcap2-bin)"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root, to make files that belong to root"
top=$(mktemp -d /tmp/ih-guard-XXXXXX)
chmod 0755 "$top"
cleanup() {
	chmod -R u+w "$top" 2>/dev/null
	rm -rf "$top"
}
trap cleanup EXIT

# policy FILE PROVIDERS: the profile with other providers
policy() {
	python3 - "$profile" "$2" >"$top/$1" <<'P'
import json
import sys
with open(sys.argv[1]) as f:
    policy = json.load(f)
policy["trust"] = json.loads(sys.argv[2])
json.dump(policy, sys.stdout)
P
}
vouched() { # PATH: its class, or nothing
	printf '%s\n' "$tap_out" | sed -n "s,^\([a-z]*\) $1\$,\1,p"
}

T=$top/tree
mkdir -p "$T"/{good,open,owned,sticky}/sub
for dir in good open owned sticky; do printf '#!/bin/sh\n' >"$T/$dir/sub/run"; done
chmod 0755 "$T"/*/sub/run
chmod 0775 "$T/open"
chown 1000 "$T/owned/sub"
chmod 1777 "$T/sticky"
cp "$T/good/sub/run" "$T/good/group"; chmod 0775 "$T/good/group"
cp "$T/good/sub/run" "$T/good/others"; chmod 0757 "$T/good/others"
cp "$T/good/sub/run" "$T/good/user"; chown 1000 "$T/good/user"
cp "$T/good/sub/run" "$T/good/written"
mkfifo "$T/good/fifo"
ln -s /etc/passwd "$T/good/link"
policy trees.json "[{\"provider\": \"paths\", \"trees\": [\"$T\", \"$top/nowhere\"]}]"
exec 9>>"$T/good/written"
tap_run 0 "a tree is looked at" "$guard" --dry-run --policy "$top/trees.json"
exec 9>&-
tap_is "$(vouched "$T/good/sub/run")" owned "a file of root's is vouched for"
for what in good/group good/others good/user good/fifo good/link open/sub/run owned/sub/run; do
	tap_is "$(vouched "$T/$what")" "" "$what is not"
done
tap_is "$(vouched "$T/good/written")" "" "nor is one that is open for writing"
tap_like "$tap_err" ' 1 files are being written' "which is counted"
tap_run 0 "and looked at again" "$guard" --dry-run --policy "$top/trees.json"
tap_is "$(vouched "$T/good/written")" owned "it is vouched for when nobody writes it"
chmod 0777 "$T"
tap_run 0 "a tree that others can write" "$guard" --dry-run --policy "$top/trees.json"
tap_is "$tap_out" "" "is worth nothing"
tap_like "$tap_err" "nothing in '$T' is vouched for: others than root can write" "and that is said"
chmod 0755 "$T"
tap_run 0 "with room for one file" "$guard" --dry-run --files 1 --policy "$top/trees.json"
tap_like "$tap_err" 'found no room' "it is said that there is no room"

S=$top/store
nix_store_new "$S" >/dev/null 2>&1
nix_store_key "$S" lab-1 lab >/dev/null 2>&1
for name in other good bad unsigned; do
	mkdir -p "$top/$name/bin"
	printf '#!/bin/sh\necho %s\n' "$name" >"$top/$name/bin/run"
	chmod 0755 "$top/$name/bin/run"
	refs=
	[ $name = good ] && refs=$(nix_store_path other)
	# shellcheck disable=SC2086
	nix_store_put "$S" $name "$top/$name" $refs >/dev/null 2>&1
	[ $name = unsigned ] || nix_store_sign "$S" lab "$(nix_store_path $name)" >/dev/null 2>&1
done
bad=$S$(nix_store_path bad)
chmod -R u+w "$bad"
echo "echo worse" >>"$bad/bin/run"
chmod 0555 "$bad" "$bad/bin" "$bad/bin/run"
policy store.json "[{\"provider\": \"nix\", \"root\": \"$S\", \"keys\": [\"$(nix_store_public "$S" lab)\"]}]"
tap_run 0 "a store is looked at" "$guard" --dry-run --policy "$top/store.json" --all
tap_is "$(vouched "$S$(nix_store_path good)/bin/run")" verified "what was signed is vouched for"
tap_is "$(vouched "$bad/bin/run")" "" "what was changed is not"
tap_is "$(vouched "$S$(nix_store_path unsigned)/bin/run")" "" "nor what nobody signed"
tap_like "$tap_err" "not vouched for: .*-bad' was modified" "the first is named"
tap_like "$tap_err" "not vouched for: .*-unsigned' has 0 of 1 signatures" "and the other"
ln -s "$(nix_store_path good)" "$S/current"
tap_run 0 "a root of the store is looked at" "$guard" --dry-run --policy "$top/store.json" --root /current
tap_is "$(vouched "$S$(nix_store_path other)/bin/run")" "" "a link that leads out of the store counts for nothing"
rm "$S/current"
ln -s "$S$(nix_store_path good)" "$S/current"
tap_run 0 "a root of the store is looked at" "$guard" --dry-run --policy "$top/store.json" --root /current
tap_is "$(vouched "$S$(nix_store_path good)/bin/run")" verified "it is vouched for"
tap_is "$(vouched "$S$(nix_store_path other)/bin/run")" verified "and what it references"
tap_like "$tap_err" ' 2 store objects' "and nothing else"

echo '{ "version": 1, "rules": 7 }' >"$top/broken.json"
tap_run 125 "a policy that is none" "$guard" --dry-run --policy "$top/broken.json"
tap_like "$tap_err" 'broken.json: line 1: the field' "is refused with its place"
chmod 0666 "$top/trees.json"
tap_run 125 "a policy that others can write" "$guard" --dry-run --policy "$top/trees.json"
tap_run 2 "an unknown option" "$guard" --frobnicate
tap_run 2 "an option twice" "$guard" --lock --lock
tap_run 2 "two policies" "$guard" --profile server --policy "$top/store.json"
tap_run 2 "no number" "$guard" --files many
tap_run 125 "a guard that is not there" "$ihard" guard --socket "$top/no.socket" status
tap_like "$tap_err" 'does ihard-guard run' "is said to be missing"
tap_run 2 "two requests" "$ihard" guard status reload
tap_run 125 "no events" "$ihard" events --file "$top/none.jsonl"

cat >"$top/events.jsonl" <<'E'
{"version":1,"time":"2026-01-01T00:00:00.000000Z","event":"denied","gate":"kernel","act":"exec","sentence":"'/a' may not be executed: no","reason":"program","program":"/a","pid":1,"uid":0,"gid":0,"comm":"sh"}
{"version":1,"time":"2026-01-02T00:00:00.000000Z","event":"audit","gate":"kernel","act":"arguments","sentence":"'/b' was not started","reason":"inline","program":"/b","pid":2,"uid":33,"gid":0,"comm":"cron","rule":"r"}
{"version":1,"time":"2026-01-03T00:00:0
{"version":1,"time":"2026-01-04T00:00:00.000000Z","event":"lost","gate":"kernel","lost":7}
E
printf '%s\n' '{"version":1,"time":"2025-12-31T00:00:00.000000Z","event":"denied","gate":"kernel","act":"map","sentence":"old","reason":"program","program":"/old.so","pid":3,"uid":0,"gid":0,"comm":"x"}' >"$top/events.jsonl.1"
events() { "$ihard" events --file "$top/events.jsonl" "$@"; }
tap_run 0 "events are printed" events
tap_is "$(printf '%s\n' "$tap_out" | grep -c .)" 4 "all that are whole, those of the file before, too"
tap_like "$tap_out" "denied sh, pid 1, user 0: '/a' may not be executed" "as sentences"
tap_like "$tap_out" "lost +7 events" "and how many were lost"
for filter in "--event audit" "--act arguments" "--reason inline" "--rule r" "--program ?b" "--comm cr?n" "--uid 33" "--pid 2" "--since 2026-01-02 --event audit"; do
	# shellcheck disable=SC2086
	tap_run 0 "events $filter" events --json $filter
	tap_is "$(printf '%s' "$tap_out" | grep -c 'cron')$(printf '%s\n' "$tap_out" | grep -c .)" 11 "$filter: that one and no other"
done
tap_run 0 "the last event" events --lines 1
tap_like "$tap_out" 'lost' "is the last one"
tap_done
