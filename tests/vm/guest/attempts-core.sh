# SPDX-License-Identifier: LGPL-2.1-or-later
# A short cross-section of the attempts, with the interpreters that most of
# them are about: tests/vm/guest/attempts.sh is all of it.
# packages: python3 perl ruby nodejs lua5.4 gawk mawk zsh mksh busybox-static expect sqlite3 make git sed findutils bsdutils util-linux binutils
# files: build:tests/tools/ih-gated=/usr/bin/ih-gated build:cli/ihard=/usr/bin/ihard build:cli/ihard-verbs=/usr/bin/ihard-verbs
# files: tests/attempts=/run/lab/attempts tests/vm/guest/attempts.sh=/run/lab/attempts.sh
# files: policy/profiles/server.json=/run/lab/server.json
# hook: tests/vm/attempts-store
# memory: 2048
# limit: 300
IH_ATTEMPTS=${IH_ATTEMPTS:-0/24}
. /run/lab/attempts.sh
