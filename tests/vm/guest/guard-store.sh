# SPDX-License-Identifier: LGPL-2.1-or-later
# A store under the guard: objects are verified when they are first wanted, while the caller waits;
# what is not what was signed does not run; what Nix adds later does; what it removes is forgotten.
# files: build:cli/ihard-guard=/usr/sbin/ihard-guard build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs
# hook: tests/vm/guard-store.sh
# limit: 240
. /run/lab/tap.sh
trap 'rm -rf /sys/fs/bpf/ihard' EXIT

path() { echo "$(< "/usr/share/$1.path")"; }
run() {
	"$(path "$1")/bin/run" > /dev/null 2>&1
	echo "$1 $?"
}
got() { awk -v n="$2" '$1 == n { print $2 }' "/run/out/$1"; }
files() {
	local line
	ihard guard metrics > /run/out/m
	while read -r line; do [ "${line% *}" = ihard_guard_files ] && echo "${line#* }"; done < /run/out/m
}
mkdir /run/out
for name in good bad unsigned tool late gone; do run $name; done > /run/out/before
late=$(path late)
mv "$late" /root/late

/usr/sbin/ihard-guard 2> /run/out/log &
pid=$!
for _ in $(seq 900); do
	grep -q ' by BPF' /run/out/log && break
	kill -0 $pid 2> /dev/null || break
	sleep 0.3
done
files > /run/out/files-start
for name in good bad unsigned tool gone; do run $name; done > /run/out/during
for name in good tool; do run $name; done > /run/out/again
files > /run/out/files-wanted
mv /root/late "$late"
run late > /run/out/late
gone=$(path gone)
chmod -R u+w "$gone"
rm -rf "$gone"
sleep 2
files > /run/out/files-gone
good=$(path good)
touch -r "$good/bin/run" /run/out/time
printf x >> "$good/bin/run"
touch -r /run/out/time "$good/bin/run"
run good > /run/out/changed
ihard guard unload
wait $pid
for name in good bad unsigned tool late; do run $name; done > /run/out/after

cat /run/out/log >&2
for name in good bad unsigned tool late gone; do
	tap_is "$(got before $name)" 0 "$name runs without the guard"
done
for name in good tool; do
	tap_is "$(got during $name)" 0 "$name is verified when it is wanted, and its caller need not try twice"
	tap_is "$(got again $name)" 0 "$name runs again"
done
tap_is "$(got during bad)" 126 "what was changed after it was signed is refused"
tap_like "$(cat /run/out/log)" "not vouched for: .*-bad' was modified" "and the guard says so"
tap_is "$(got during unsigned)" 126 "what nobody signed is refused"
tap_like "$(cat /run/out/log)" "not vouched for: .*-unsigned' has 0 of 1 signatures" "and the guard says so"
tap_is "$(got late late)" 0 "what comes into the store later is verified, too"
tap_is "$(got changed good)" 126 "what is changed afterwards is refused"
tap_is "$(($(cat /run/out/files-wanted) > $(cat /run/out/files-start)))" 1 "files of the store are vouched for once they are wanted"
tap_is "$(($(cat /run/out/files-gone) < $(cat /run/out/files-wanted) + 2))" 1 "and no longer when they are gone"
for name in bad unsigned tool late; do
	tap_is "$(got after $name)" 0 "$name runs when the guard is gone"
done
tap_done
