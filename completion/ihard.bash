# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# bash completion for ihard(1): verbs from `ihard --help`, options from `ihard VERB --help`.

_ihard() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]-}

	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "--help --version $("$program" --help 2>/dev/null | awk '/^  [a-z]/ { print $1 }')" -- "$word")
		return
	fi
	case $before in
	--profile) mapfile -t COMPREPLY < <(compgen -W 'audit server developer appliance' -- "$word") && return ;;
	--provenance) mapfile -t COMPREPLY < <(compgen -W 'interactive verified unverified' -- "$word") && return ;;
	--stdin-kind) mapfile -t COMPREPLY < <(compgen -W 'pipe file tty null' -- "$word") && return ;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$program" "$verb" --help 2>/dev/null | grep -Eo '^ +--[a-z-]+')" -- "$word")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -o filenames -F _ihard ihard
