# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for ihard(1): verbs from `ihard --help`, options from `ihard VERB --help`.

function __ihard_verbs
    ihard --help 2>/dev/null | string match -r '^  [a-z-]+ .*' | string trim | string replace -r ' +' \t
end

function __ihard_options
    set -l words (commandline -opc)
    ihard $words[2] --help 2>/dev/null | string match -r -g '^ +(--[a-z-]+)'
end

complete -c ihard -f -n __fish_use_subcommand -a '(__ihard_verbs)'
complete -c ihard -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -a '(__ihard_options)'
complete -c ihard -l profile -x -a 'audit server developer appliance'
complete -c ihard -l provenance -x -a 'interactive verified unverified'
complete -c ihard -l stdin-kind -x -a 'pipe file tty null'
