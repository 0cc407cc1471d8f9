# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The store of tools/demo: interpreters, scripts, wrappers, and objects that were damaged each in one
# way after (or before) real Nix signed them. Source it after nix-store.sh.
#
#   demo_store_make DIR    make it. Needs root or a user namespace.
#   demo_path NAME         the path of an object

demo_path() {
	nix_store_path "$1"
}

_demo_script() { # FILE INTERPRETER TEXT
	mkdir -p "$(dirname "$1")"
	printf '#!%s\n%s\n' "$2" "$3" >"$1"
	chmod 755 "$1"
}

# Interpreters as objects of the store: the machine's own, copied.
_demo_interpreters() { # TREES
	local t=$1 bash python perl env
	mkdir -p "$t"/{bash-5.2,python3-3.11,perl-5.36,nodejs-18,coreutils-9.1}/bin "$t/python3-3.11/lib/python3.11"
	bash=$(command -v bash) python=$(readlink -f /usr/bin/python3) perl=$(command -v perl)
	cp -L "$bash" "$t/bash-5.2/bin/bash"
	ln -sf bash "$t/bash-5.2/bin/sh"
	cp -L "$python" "$t/python3-3.11/bin/python3.11"
	ln -sf python3.11 "$t/python3-3.11/bin/python3"
	cp -L /usr/lib/"$(basename "$python")"/*.py "$t/python3-3.11/lib/python3.11/"
	cp -L "$perl" "$t/perl-5.36/bin/perl"
	cp -L "$(command -v node)" "$t/nodejs-18/bin/node"
	for env in env nice cat ls; do
		cp -L "$(command -v $env)" "$t/coreutils-9.1/bin/$env"
	done
}

_demo_scripts() { # TREES
	local t=$1 bash python perl node i
	bash=$(demo_path bash-5.2)/bin/bash
	python=$(demo_path python3-3.11)/bin/python3
	perl=$(demo_path perl-5.36)/bin/perl
	node=$(demo_path nodejs-18)/bin/node

	_demo_script "$t/hello-1.0/bin/hello.sh" "$bash" 'echo "hello from bash"'
	_demo_script "$t/hello-1.0/bin/hello.py" "$python" 'print("hello from python")'
	_demo_script "$t/hello-1.0/bin/hello.pl" "$perl" 'print "hello from perl\n";'
	_demo_script "$t/hello-1.0/bin/hello.js" "$node" 'console.log("hello from node")'
	_demo_script "$t/hello-1.0/bin/hello-env" "$(demo_path coreutils-9.1)/bin/env python3" 'print("hello")'

	# as makeWrapper writes it: the variable is the wrapper's own, and trusted
	_demo_script "$t/backup-2.1/bin/backup" "$bash -e" \
		"export PYTHONPATH='$(demo_path greeting-0.3)/lib'\${PYTHONPATH:+':'}\$PYTHONPATH
exec -a \"\$0\" \"$(demo_path backup-2.1)/bin/.backup-wrapped\" \"\$@\""
	_demo_script "$t/backup-2.1/bin/.backup-wrapped" "$python" 'import greeting
print(greeting.text)'
	mkdir -p "$t/greeting-0.3/lib"
	echo 'text = "backed up"' >"$t/greeting-0.3/lib/greeting.py"

	# a few hundred small programs, as a system has them
	for i in $(seq 100); do
		_demo_script "$t/applications-1.0/bin/app-$i.sh" "$bash" "echo $i"
		_demo_script "$t/applications-1.0/bin/app-$i.py" "$python" "print($i)"
		_demo_script "$t/applications-1.0/bin/app-$i.pl" "$perl" "print $i;"
		_demo_script "$t/applications-1.0/bin/app-$i.js" "$node" "console.log($i)"
	done
}

# One object for each way to be wrong; what is damaged later starts out right.
_demo_suspects() { # TREES
	local t=$1 name python
	python=$(demo_path python3-3.11)/bin/python3
	for name in changed unsigned stranger two-names two-keys; do
		_demo_script "$t/$name-1.0/bin/tool" "$python" "print('$name')"
	done
	mkdir -p "$t"/{setuid,capability}-1.0/bin "$t/escape-1.0/bin"
	cp -L "$(command -v cat)" "$t/setuid-1.0/bin/tool"
	cp -L "$(command -v cat)" "$t/capability-1.0/bin/tool"
	ln -sf /tmp/ihard-demo-outside/tool "$t/escape-1.0/bin/tool"
}

_demo_damage() { # DIR
	local dir=$1 lying honest
	nix_store_sign "$dir" stranger-1 "$(demo_path stranger-1.0)"
	nix_store_sign "$dir" demo-1 "$(demo_path two-names-1.0)" "$(demo_path two-keys-1.0)"
	nix_store_sign "$dir" demo-1-again "$(demo_path two-names-1.0)"
	nix_store_sign "$dir" demo-2 "$(demo_path two-keys-1.0)" "$(demo_path python3-3.11)"
	nix_tamper_byte "$dir" "$(demo_path changed-1.0)/bin/tool"
	nix_tamper_setuid "$dir" "$(demo_path setuid-1.0)/bin/tool"
	nix_tamper_capability "$dir" "$(demo_path capability-1.0)/bin/tool"

	# content-addressed objects need no signature: one that is what its name says, one that lies
	mkdir -p "$dir/trees/honest" "$dir/trees/lying"
	_demo_script "$dir/trees/honest/tool" "$(demo_path bash-5.2)/bin/bash" 'echo honest'
	_demo_script "$dir/trees/lying/tool" "$(demo_path bash-5.2)/bin/bash" 'echo lying'
	honest=$(nix_store_add "$dir" "$dir/trees/honest")
	lying=$(nix_store_add "$dir" "$dir/trees/lying")
	nix_tamper_ca "$dir" "$lying" "$lying/tool"
	ln -sfn "$honest" "$dir/honest"
	ln -sfn "$lying" "$dir/lying"
}

demo_store_make() {
	local dir=$1 t name list signed=()
	rm -rf "$dir"
	nix_store_new "$dir"
	t=$dir/trees list=$dir/list
	_demo_interpreters "$t"
	_demo_scripts "$t"
	_demo_suspects "$t"
	nix_store_key "$dir" demo-1
	nix_store_key "$dir" demo-2
	nix_store_key "$dir" stranger-1
	nix_store_rename_key "$dir" demo-1-again demo-1 demo-1-again
	for name in bash-5.2 python3-3.11 perl-5.36 nodejs-18 coreutils-9.1 greeting-0.3; do
		printf '%s\t%s\t\n' "$name" "$t/$name"
	done >"$list"
	for name in hello-1.0 applications-1.0; do
		printf '%s\t%s\t%s\n' "$name" "$t/$name" \
			"$(demo_path bash-5.2) $(demo_path python3-3.11) $(demo_path perl-5.36) $(demo_path nodejs-18)"
	done >>"$list"
	printf '%s\t%s\t%s\n' backup-2.1 "$t/backup-2.1" \
		"$(demo_path bash-5.2) $(demo_path python3-3.11) $(demo_path greeting-0.3)" >>"$list"
	for name in changed unsigned stranger two-names two-keys; do
		printf '%s\t%s\t%s\n' "$name-1.0" "$t/$name-1.0" "$(demo_path python3-3.11)"
	done >>"$list"
	for name in setuid capability escape; do
		printf '%s\t%s\t\n' "$name-1.0" "$t/$name-1.0"
	done >>"$list"
	nix_store_put_many "$dir" "$list"
	for name in bash-5.2 python3-3.11 perl-5.36 nodejs-18 coreutils-9.1 greeting-0.3 hello-1.0 \
		applications-1.0 backup-2.1 changed-1.0 setuid-1.0 capability-1.0 escape-1.0; do
		signed+=("$(demo_path $name)")
	done
	nix_store_sign "$dir" demo-1 "${signed[@]}"
	_demo_damage "$dir"
	rm -rf "$t" "$list"
}
