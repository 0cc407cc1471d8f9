# SPDX-License-Identifier: LGPL-2.1-or-later
# A root shell on the console, for a person: tests/vm/run --shell
# packages: python3-minimal perl-base strace procps
exec setsid -c /bin/bash -l < /dev/ttyS0 > /dev/ttyS0 2>&1
