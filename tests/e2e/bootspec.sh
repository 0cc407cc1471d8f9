#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ihard bootspec over files and generations: what is accepted and, beside it, what is refused and why.
# usage: bootspec.sh IHARD
set -u
ihard=$1
here=$(dirname "$0")
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

core='"system":"x86_64-linux","label":"NixOS X (Linux 6.6)","kernel":"/k","init":"/t/init","toplevel":"/t","kernelParams":["a"]'
echo "{\"org.nixos.bootspec.v1\":{$core}}" >"$dir/good.json"
echo "{\"org.nixos.bootspec.v1\":{$core,\"initrd\":null}}" >"$dir/null.json"
echo "{\"org.nixos.bootspec.v2\":{$core,\"initrds\":[\"/a\",\"/b\"]}}" >"$dir/v2.json"
echo '{"org.nixos.bootspec.v1":{"label":7}' >"$dir/cut.json"
printf '{"org.nixos.bootspec.v1":{"label":7,\n"kernel":"x"}}' >"$dir/bad.json"

tap_run 0 "a good document" "$ihard" bootspec check "$dir/good.json"
tap_is "$tap_out" "$dir/good.json: version 1, 0 specialisations, 0 extensions: good" "says what it is"
tap_run 1 "null, strictly" "$ihard" bootspec check "$dir/null.json"
tap_is "$tap_out" "$dir/null.json:1: error: org.nixos.bootspec.v1.initrd must not be null: leave it out" "says where"
tap_run 0 "null, tolerantly" "$ihard" bootspec check --tolerant "$dir/null.json"
tap_run 1 "several problems" "$ihard" bootspec check "$dir/bad.json"
tap_is "$(printf '%s\n' "$tap_out" | grep -c ': error: ')" 6 "all at once"
tap_like "$tap_out" "bad.json:2: error: org.nixos.bootspec.v1.kernel must be an absolute path" "with their lines"
tap_run 1 "text that is cut off" "$ihard" bootspec check "$dir/cut.json"
tap_like "$tap_out" "cut.json: line 2" "has a sentence with the place"
tap_run 125 "a file that is not there" "$ihard" bootspec check "$dir/none.json"
tap_run 2 "no file" "$ihard" bootspec check
tap_run 2 "an unknown verb" "$ihard" bootspec frobnicate
tap_run 2 "convert needs --to" "$ihard" bootspec convert "$dir/good.json"
tap_run 2 "v3 does not exist" "$ihard" bootspec convert --to v3 "$dir/good.json"

tap_run 0 "convert to v2" "$ihard" bootspec convert --to v2 "$dir/good.json"
printf '%s\n' "$tap_out" >"$dir/converted.json"
tap_run 0 "means the same" "$ihard" bootspec diff "$dir/good.json" "$dir/converted.json"
tap_run 0 "is valid" "$ihard" bootspec check "$dir/converted.json"
tap_run 1 "two initrds do not fit v1" "$ihard" bootspec convert --to v1 "$dir/v2.json"
tap_like "$tap_err" "more than one initrd, which version 1 cannot say" "and says so"
tap_run 1 "diff" "$ihard" bootspec diff "$dir/good.json" "$dir/v2.json"
tap_is "$tap_out" "$(printf '+ initrd /a\n+ initrd /b')" "names what differs"

# a generation of the time before boot.json
top=$dir/system
mkdir -p "$top/specialisation" "$dir/modules/lib/modules/6.6.1" "$dir/inner"
echo bzImage >"$dir/bzImage"
echo initrd >"$dir/ramdisk"
for g in "$top" "$dir/inner"; do
	ln -s "$dir/bzImage" "$g/kernel"
	ln -s "$dir/modules" "$g/kernel-modules"
	printf '23.05' >"$g/nixos-version"
	printf 'x86_64-linux' >"$g/system"
	printf 'loglevel=4 root=UUID=ab' >"$g/kernel-params"
	: >"$g/init"
done
ln -s "$dir/ramdisk" "$top/initrd"
ln -s "$dir/inner" "$top/specialisation/gui"
tap_run 0 "synthesize" "$ihard" bootspec synthesize "$top"
printf '%s\n' "$tap_out" >"$top/boot.json"
tap_run 0 "is strictly valid: a generation can be named, too" "$ihard" bootspec check "$top"
tap_run 0 "show it" "$ihard" bootspec show "$top"
tap_like "$tap_out" "label +NixOS 23.05 \(Linux 6.6.1\)" "label from the versions"
tap_like "$tap_out" "kernel +$dir/bzImage" "kernel where the link leads"
tap_like "$tap_out" "specialisation +gui" "specialisations, too"
tap_run 0 "synthesize v2" "$ihard" bootspec synthesize --to v2 "$top"
rm "$top/kernel-params"
tap_run 125 "a generation without parameters is refused" "$ihard" bootspec synthesize "$top"
tap_like "$tap_err" "kernel-params" "and named"

# The largest documents: ten times the text may not take a hundred times as long
python3 - "$dir" <<'PY'
import json, sys
def spec(n):
    return {"system": "x86_64-linux", "label": "NixOS", "kernel": "/k", "initrd": "/i", "kernelParams": ["quiet", "x" * 1350],
            "init": f"/t{n}/init", "toplevel": f"/t{n}"}
def write(name, count, last):
    more = {f"s{i}": {"org.nixos.bootspec.v1": spec(i), "org.example.x": {"a": [1, 2]}} for i in range(count)}
    more[f"s{count - 1}"]["org.nixos.bootspec.v1"]["label"] = last
    with open(f"{sys.argv[1]}/{name}.json", "w") as f:
        json.dump({"org.nixos.bootspec.v1": spec(0), "org.nixos.specialisation.v1": more}, f)
write("thousand", 1000, "x")
write("most", 10000, "x")
write("other", 10000, "y")
write("too-long", 11000, "x")
PY
tap_run 0 "10,000 specialisations in 15 MiB" "$ihard" bootspec check "$dir/most.json"
tap_run 1 "two such documents differ in one word" "$ihard" bootspec diff "$dir/most.json" "$dir/other.json"
tap_is "$(printf '%s\n' "$tap_out" | grep -c '^[-+]')" 2 "which is found"
tap_run 125 "more than 16 MiB" "$ihard" bootspec check "$dir/too-long.json"
tap_like "$tap_err" "more than the limit of 16777216" "are not read"
for verb in "check" "convert --to v2" "diff $dir/good.json"; do
	# shellcheck disable=SC2016
	grown=$(python3 -c 'import resource, subprocess, sys
def seconds(document):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(sys.argv[3:] + [document], stdout=subprocess.DEVNULL)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
small = seconds(sys.argv[1])
print(round(seconds(sys.argv[2]) / max(small, 0.01)))' "$dir/thousand.json" "$dir/most.json" "$ihard" bootspec $verb)
	tap_ok $((grown > 40)) "${verb%% /*}: ten times the specialisations take about ten times as long ($grown)"
done
tap_done
