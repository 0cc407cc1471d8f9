# SPDX-License-Identifier: LGPL-2.1-or-later
# Every program loads, and none has grown by more than a tenth since tests/vm/gate-programs was
# written: KERNEL PROGRAM INSTRUCTIONS VERIFIED, the last being what the verifier walked. A program
# that was made larger on purpose gets its new row from what this test prints.
# files: build:tests/tools/ih-gated=/usr/bin/ih-gated tests/vm/gate-programs=/run/lab/gate-programs
# limit: 120
. /run/lab/tap.sh

line=$(uname -r | cut -d. -f1,2)
/usr/bin/ih-gated --programs > /run/lab/programs
tap_is $? 0 "all programs load on $line"
sed "s/^/# $line /" /run/lab/programs
while read -r name instructions verified; do
	row=$(awk -v k="$line" -v n="$name" '$1 == k && $2 == n { print $3, $4 }' /run/lab/gate-programs)
	read -r was was_verified <<< "${row:-0 0}"
	good=$((instructions * 10 <= was * 11 && verified * 10 <= was_verified * 11))
	tap_is $good 1 "$name: $instructions instructions, $verified verified (table: $was, $was_verified)"
done < /run/lab/programs
tap_is "$(awk -v k="$line" '$1 == k' /run/lab/gate-programs | wc -l)" "$(wc -l < /run/lab/programs)" "the table has no other rows"
tap_done
