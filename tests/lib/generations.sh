# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# NixOS generations made of small files, for tests of the boot chain. Source it.
#
#   generation DIR N [SPECIALISATION]   DIR/profiles/system-N-link to DIR/store/gen-N
#   generation_drop DIR N
#   esp_verify ESP                      every entry of ours is whole: its files are there, and each
#                                       has the content that its name says; prints what is wrong

generation() {
	local dir=$1 n=$2 spec=${3-} top=$1/store/gen-$2 nested=""
	mkdir -p "$dir/profiles" "$top/$spec"
	if [ ! -e "$dir/store/bzImage-$((n % 2))" ]; then
		head -c $((200000 + n)) /dev/urandom >"$dir/store/bzImage-$((n % 2))"
	fi
	if [ ! -e "$dir/store/initrd-$n" ]; then
		(cd "$dir/store" && echo "generation $n" >"content-$n" && head -c 30000 /dev/urandom >>"content-$n" &&
			echo "content-$n" | cpio -o -H newc --quiet >"initrd-$n")
	fi
	[ -z "$spec" ] || nested="\"$spec\":$(generation_json "$dir" "$n" "$top/$spec" ',"'"$spec"'"' "")"
	generation_json "$dir" "$n" "$top" "" "$nested" >"$top/boot.json"
	ln -sfn "$top" "$dir/profiles/system-$n-link"
	ln -sfn "system-$n-link" "$dir/profiles/system"
}

# generation_json DIR N TOPLEVEL PARAMETERS SPECIALISATIONS
generation_json() {
	printf '{"org.nixos.bootspec.v1":{"system":"x86_64-linux","label":"NixOS test","kernel":"%s","initrd":"%s",' \
		"$1/store/bzImage-$(($2 % 2))" "$1/store/initrd-$2"
	printf '"kernelParams":["quiet"%s],"init":"%s/init","toplevel":"%s"},"org.nixos.specialisation.v1":{%s}}\n' \
		"$4" "$3" "$3" "$5"
}

generation_drop() {
	rm -f "$1/profiles/system-$2-link"
}

esp_verify() {
	local esp=$1 bad=0 f base want path
	for f in "$esp"/EFI/ihard/* "$esp"/loader/entries/ihard-*.conf "$esp"/EFI/Linux/ihard-*.efi; do
		[ -e "$f" ] || continue
		base=${f##*/}
		want=${base#*-}
		want=${want%%[.+]*}
		[[ $want =~ ^[0-9a-f]{64}$ ]] || continue
		if [ "$(sha256sum <"$f" | cut -d' ' -f1)" != "$want" ]; then
			echo "$base: has other content than its name says"
			bad=1
		fi
	done
	for f in "$esp"/loader/entries/ihard-*.conf; do
		[ -e "$f" ] || continue
		while read -r path; do
			if [ ! -f "$esp$path" ]; then
				echo "${f##*/}: $path is not there"
				bad=1
			fi
		done < <(sed -n 's/^\(linux\|initrd\|devicetree\) //p' "$f")
	done
	return $bad
}
