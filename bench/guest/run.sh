#!/usr/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What bench/machine lets a machine do, each kind twice: the first finds files that nobody asked for yet, the second
# finds them known. Prints "NAME HUNDREDTHS" for each, of seconds that the processor was busy, whoever had it; and beside
# it, untimed, whether a program that nobody vouched for ran or was refused just then. Lies in the machine's store, with
# all that it calls.
here=/etc/site/bench

build() {
	rm -rf /root/out
	mkdir /root/out
	make -s -j2 -C /root/src -f "$here/build.mk" >/dev/null
}
suite() {
	python3 "$here/suite.py" >/dev/null 2>&1
}
web() {
	python3 "$here/web.py" >/dev/null
}

# Since the machine was switched on: neither idle nor waiting for the disk.
busy() {
	local up idle wait
	read -r up _ </proc/uptime
	read -r _ _ _ _ idle wait _ </proc/stat
	echo $((10#${up/./} - idle - wait))
}

# A copy is a new file each time: nobody has an old answer about it.
probe() {
	rm -f /root/probe
	cp /usr/bin/true /root/probe
	/root/probe 2>/dev/null && echo ran || echo refused
}

mkdir -p /root/src
for n in $(seq 12); do
	{
		echo '#include <stdio.h>'
		echo '#include <stdlib.h>'
		echo '#include <string.h>'
		for f in $(seq 12); do
			echo "int f${n}_$f(char *s, int n) { int sum = 0; for (int i = 0; i < n; i++) sum += s[i] * $f; return sum + (int)strlen(s); }"
		done
	} >"/root/src/part$n.c"
done
echo 'int main(void) { return 0; }' >/root/src/main.c
for what in build suite web; do
	for turn in first again; do
		start=$(busy)
		"$what" || echo "$what failed"
		echo "$what-$turn $(($(busy) - start)) $(probe)"
	done
done
