# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# For an initrd that is a shell script: source it after the system's root is mounted and before
# switch_root, with the root's mount point as $1. Returns only when the boot may go on.
ihard_stage2() {
	if ihard-stage2 --sysroot "$1"; then
		return 0
	fi
	# Not "exit": when process 1 ends, the kernel panics and says nothing of why.
	echo "ihard: the boot ends here" >/dev/console
	while :; do
		sleep 3600
	done
}
