# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab itself: does the guest have what the other tests build on?
# packages: python3-minimal perl-base fsverity
. /run/lab/tap.sh


grep -q bpf /sys/kernel/security/lsm
tap_ok $? "bpf is an active security module ($(cat /sys/kernel/security/lsm))"
test -r /sys/kernel/btf/vmlinux
tap_ok $? "the kernel describes its types"
[ "$(stat -f -c %T /)" = ext2/ext3 ]
tap_ok $? "the root is a real ext4"
echo data > /root/file && fsverity enable /root/file && fsverity measure /root/file >&2
tap_ok $? "fs-verity works on it"
[ "$(python3 -c 'print(6*7)')" = 42 ] && [ "$(perl -e 'print 6*7')" = 42 ]
tap_ok $? "interpreters run"
[ "$(stat -c %u:%g:%a /usr/bin/env)" = 0:0:755 ]
tap_ok $? "the system's files belong to root"
tap_done
