# SPDX-License-Identifier: LGPL-2.1-or-later
# What the kernel gate adds to an exec and to an open, in instructions: the guest's clock counts them, one
# is a nanosecond. Printed by bench/gate --guest. The same load without and with the programs; then once more with the kernel's own
# statistics, which say what each program took. Times under emulation say nothing; these are counts.
# files: build:tests/tools/ih-gated=/usr/bin/ih-gated build:tests/tools/ih-load=/usr/bin/ih-load
# counted: yes
# limit: 300
. /run/lab/tap.sh

mkdir -p /usr/programs /usr/files /home/files
for i in $(seq 40); do cp /usr/bin/true "/usr/programs/$i"; done
for i in $(seq 200); do echo "text $i" | tee "/usr/files/$i" > "/home/files/$i"; done
echo 'true' > /usr/bin/lab-empty
cat > /usr/bin/lab-load << 'LOAD'
ih-load exec /usr/programs 3 > "$1.exec"
ih-load open /usr/files 3 > "$1.open"
ih-load open /home/files 3 > "$1.data"
ih-load run 4 -- /usr/bin/bash /usr/bin/lab-empty > "$1.bash"
LOAD
gated() { ih-gated "$@" /usr -- /usr/bin/bash /usr/bin/lab-load "$out" 2> /run/gated; }

out=/run/bare
bash /usr/bin/lab-load $out
tap_is $? 0 "the load runs without the programs"
out=/run/gate
gated
tap_is $? 0 "and with them"
echo 1 > /proc/sys/kernel/bpf_stats_enabled
out=/run/counted
gated --cost /run/cost
tap_is $? 0 "and with statistics"
tap_like "$(cat /run/gated)" attached "they were attached"

# of NAME LINE: thousands of instructions of one, in that pass (microseconds of the guest's clock)
of() { sed -n "$2p" "/run/$1"; }
# row NAME LINE WHAT LIMIT: what was added, and at most so many in a hundred
row() {
	local bare gate
	bare=$(of "bare.$1" "$2") gate=$(of "gate.$1" "$2")
	tap_note "$3: $bare thousand instructions bare, $gate gated: $(awk -v a="$bare" -v b="$gate" 'BEGIN { printf "+%.2f, %.2f %%", b - a, (b / a - 1) * 100 }')"
	tap_is "$(awk -v a="$bare" -v b="$gate" -v l="$4" 'BEGIN { print b <= a * (1 + l / 100) }')" 1 "$3: at most $4 % more"
}
row exec 1 "a program's first exec" 5
row exec 3 "its exec again" 5
row open 1 "a trusted file's first open" 40
row open 3 "its open again" 40
row data 3 "an open of data" 40
row bash 4 "bash on an empty script" 30
while read -r name runs ns; do
	[ "$runs" = 0 ] || tap_note "$name: $runs runs, $((ns / runs)) instructions each"
done < /run/cost
tap_is "$(($(awk '$1 == "ih_bprm_check" { print $2 }' /run/cost) > 120))" 1 "each exec was looked at"
tap_done
