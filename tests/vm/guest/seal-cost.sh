# SPDX-License-Identifier: LGPL-2.1-or-later
# What a seal spares: instructions, system calls and bytes of a full and of a sealed verification. The guest's
# clock counts instructions, of the kernel's, too: one is a nanosecond.
# packages: libssl3 libsodium23 libsqlite3-0 libjson-c5 libcap-ng0 libseccomp2 libtss2-esys-3.0.2-0 libtss2-tctildr0 libtss2-rc0 strace
# files: build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs
# hook: tests/vm/seal-cost-store.sh
# counted: yes
# limit: 600
# shellcheck disable=SC2154 # tap.sh sets tap_out and tap_err
. /run/lab/tap.sh
S=/lab-store
top=$(cat $S/toplevel)
key=$(cat $S/keys/one.pub)
full() { ihard verify --store $S --trusted-public-keys "$key" "$top" 2>/dev/null; }
sealed() { ihard seal --store $S --check $S/seal --trusted-public-keys "$key" "$top"; }

# cost NAME: once cold, once warm. Sets $disk (bytes that came from the disk when nothing was cached), $kilo
# (instructions, in thousands) and $read (bytes that calls copied), the last two of the warm run.
cost() {
	local before
	sync
	echo 3 >/proc/sys/vm/drop_caches
	before=$(awk '{ print $3 }' /sys/block/vda/stat)
	"$1" >/dev/null
	disk=$((($(awk '{ print $3 }' /sys/block/vda/stat) - before) * 512))
	(
		pid=$BASHPID # not of the substitution below
		begin=${EPOCHREALTIME/./}
		"$1" >/dev/null
		end=${EPOCHREALTIME/./}
		echo "$((end - begin)) $(sed -n 's/^rchar: //p' /proc/$pid/io)"
	) >/run/cost
	read -r kilo read </run/cost
}

# calls CMD…: sets $calls, and /run/calls for call()
calls() {
	strace -f -c -o /run/calls "$@" >/dev/null
	calls=$(awk '$NF == "total" { print $4 }' /run/calls)
}
call() { # NAME: how often
	awk -v n="$1" '$NF == n { k = $4 } END { print k + 0 }' /run/calls
}

cost full
full_disk=$disk full_kilo=$kilo full_read=$read
calls ihard verify --store $S --trusted-public-keys "$key" "$top"
full_calls=$calls
tap_run 0 "it is sealed" ihard seal --store $S --key $S/keys/one.sec --trusted-public-keys "$key" --generation 1 --output $S/seal "$top"
cost sealed
calls ihard seal --store $S --check $S/seal --trusted-public-keys "$key" "$top"
reads=$(($(call read) + $(call pread64) + $(call readv)))
data=$(find $S/nix/store -type f -exec cat {} + | wc -c)
files=$(find $S/nix/store -type f | wc -l)
size=$(stat -c %s $S/seal)
tap_note "$files files, $data bytes; the seal has $size"
tap_note "full:   $full_kilo thousand instructions, $full_calls system calls, $full_read bytes copied, $full_disk from the disk when cold"
tap_note "sealed: $kilo thousand instructions, $calls system calls ($reads to read), $read bytes copied, $disk from the disk when cold"
tap_is "$((kilo * 10 <= full_kilo))" 1 "at least ten times fewer instructions ($full_kilo and $kilo thousand)"
# What is cached is looked at where it lies (docs/decisions/0010), so only the disk tells.
tap_is "$((full_disk >= data))" 1 "full verification reads all data ($full_disk bytes from the disk when cold, $data of data)"
tap_is "$((read <= size + 262144))" 1 "a sealed one the seal and what the program itself is ($read bytes)"
tap_is "$((reads < 100))" 1 "no call to read a file of it ($reads in all, $files files)"
tap_is "$((full_disk - disk >= data / 100 * 95))" 1 "cold, the disk gives all but the data ($full_disk and $disk bytes, $data of data)"
tap_done
