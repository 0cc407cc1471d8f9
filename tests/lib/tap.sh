# SPDX-License-Identifier: LGPL-2.1-or-later
# TAP from shell tests. Source it; no plan needs counting by hand:
#   tap_ok STATUS NAME          ok when STATUS is 0
#   tap_is GOT WANTED NAME      equal strings; prints both when not
#   tap_like TEXT REGEX NAME    grep -E
#   tap_run WANTED NAME CMD…    runs CMD; its exit status must be WANTED. Output: $tap_out, $tap_err
#   tap_fits FILE SCHEMA NAME   JSON in FILE is what the JSON schema says
#   tap_skip NAME REASON        a test that cannot be done here
#   tap_skip_all REASON         ends the file: all of it is skipped
#   tap_done                    prints the plan; exit status 0, or 1 when a test failed
tap_count=0
tap_failed=0
tap_out=
tap_err=

tap_line() {
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
	else
		echo "not ok $tap_count - $2"
		tap_failed=$((tap_failed + 1))
	fi
}

tap_note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

tap_ok() {
	tap_line "$1" "$2"
}

tap_is() {
	if [ "$1" = "$2" ]; then
		tap_line 0 "$3"
	else
		tap_line 1 "$3"
		tap_note "got:    $1"
		tap_note "wanted: $2"
	fi
}

tap_like() {
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		tap_line 0 "$3"
	else
		tap_line 1 "$3"
		tap_note "no match for /$2/ in:"
		tap_note "$1"
	fi
}

tap_fits() {
	if ! python3 -c 'import jsonschema' 2>/dev/null; then
		tap_skip "$3" "python3-jsonschema is missing"
		return
	fi
	tap_run 0 "$3" python3 -c '
import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$1" "$2"
}

tap_run() {
	local wanted=$1 name=$2 status errors
	shift 2
	errors=$(mktemp)
	tap_out=$("$@" 2>"$errors")
	status=$?
	tap_err=$(cat "$errors")
	rm -f "$errors"
	if [ $status = "$wanted" ]; then
		tap_line 0 "$name"
	else
		tap_line 1 "$name"
		tap_note "exit status $status, wanted $wanted: $*"
		tap_note "stdout: $tap_out"
		tap_note "stderr: $tap_err"
	fi
}

tap_skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_skip_all() {
	echo "1..0 # SKIP $*"
	exit 0 # in TAP the plan says it; meson takes another status for an error
}

tap_done() {
	echo "1..$tap_count"
	[ $tap_failed = 0 ]
	exit $?
}
