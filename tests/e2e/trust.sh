#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What trust says of files in a store that real Nix made and signed, and of root's own trees: next to
# each object that is verified stands the same object damaged, refused with its reason.
# usage: trust.sh IH-TRUST IH-STORE
# shellcheck disable=SC2034 # variables are used by tap.sh
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=tests/lib/nix-store.sh
. "$here/../lib/nix-store.sh"

trust=$(realpath "$1")
store=$(realpath "$2")
missing=$(nix_store_missing) || tap_skip_all "missing:$missing (Debian: nix-bin sqlite3 attr acl libcap2-bin)"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root, to make objects that belong to root"
top=$(mktemp -d /tmp/ih-trust-XXXXXX)
chmod 0755 "$top"
cleanup() {
	cd / || exit
	umount -q "$top"/mounted/nix/store/*/bin 2>/dev/null
	chmod -R u+w "$top" 2>/dev/null
	rm -rf "$top"
}
trap cleanup EXIT
D=$top/store

make_tree() { # NAME [TEXT]: a script and a link beside it
	mkdir -p "$top/trees/$1/bin"
	printf '#!/bin/sh\necho %s\n' "${2:-hello}" >"$top/trees/$1/bin/run"
	chmod 0755 "$top/trees/$1/bin/run"
	ln -s run "$top/trees/$1/bin/link"
	printf '%s' "$top/trees/$1"
}

judge() { # OPTIONS…: with both keys trusted
	"$trust" --root "$D" --key "$K1" --key "$K2" "$@"
}

is_verified() { # NAME PATH [OPTION…]
	local name=$1 path=$2
	shift 2
	tap_run 0 "$name" judge "$@" "$path"
	tap_like "$tap_out" "^verified " "$name: verified"
}

is_refused() { # NAME CLASS REGEX PATH [OPTION…]
	local name=$1 class=$2 regex=$3 path=$4
	shift 4
	tap_run 1 "$name" judge "$@" "$path"
	tap_like "$(printf '%s' "$tap_out" | head -1)" "^$class " "$name: $class"
	tap_like "$tap_out" "^  reason: .*$regex" "$name: why"
}

# One object per fault, all signed by k1 before anything happens to them.
faults="byte setuid setgid sticky mode capability owner xattr acl acl-default file dir-mode extra missing unsigned ultimate badsize badhash reference sigflip escape dotdot mount"
nix_store_new "$D"
for k in k1 k2 rogue; do
	nix_store_key "$D" $k
done
nix_store_rename_key "$D" k1-again k1 alias
K1=$(nix_store_public "$D" k1)
K2=$(nix_store_public "$D" k2)
ALIAS=$(nix_store_public "$D" alias)
make_tree plain >/dev/null
{
	printf 'good\t%s\t\n' "$top/trees/plain"
	for f in $faults unsigned-too rogue two one aliased; do
		printf '%s\t%s\t%s\n' "$f" "$top/trees/plain" "$(nix_store_path good)"
	done
} >"$top/list"
nix_store_put_many "$D" "$top/list" || tap_skip_all "nix-store --load-db failed"
P() { nix_store_path "$1"; }
R() { printf '%s%s' "$D" "$(nix_store_path "$1")"; }
# shellcheck disable=SC2046 # paths are words
nix_store_sign "$D" k1 $(P good) $(for f in $faults two one aliased; do P $f; echo; done) 2>/dev/null
nix_store_sign "$D" k2 "$(P two)" 2>/dev/null
nix_store_sign "$D" alias "$(P aliased)" 2>/dev/null
nix_store_sign "$D" rogue "$(P rogue)" 2>/dev/null

# What is good
is_verified "a signed script" "$(R good)/bin/run"
tap_like "$tap_out" "^  signer: k1$" "and who signed it"
is_verified "through a link inside" "$(R good)/bin/link"
tap_like "$tap_out" "^verified .*/bin/run$" "the link's end is named"
is_verified "the object itself" "$(R good)"
is_verified "an object with a reference" "$(R byte)/bin/run"
for f in $faults; do
	judge "$(R "$f")/bin/run" >/dev/null || tap_note "$f is not verified before its fault"
done

chmod 0755 "$D" "$D/nix" "$D/nix/store" "$D/nix/var" "$D/nix/var/nix" "$D/nix/var/nix/db"
cp "$trust" "$top/ih-trust"
tap_run 0 "for a user who is nobody" setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$top/ih-trust" --root "$D" --key "$K1" "$(R good)/bin/run"
tap_like "$tap_out" "^verified " "for nobody: verified"

# Keys
printf 'trusted-public-keys = %s\n' "$K1" >"$top/nix.conf"
tap_run 0 "keys from nix.conf" "$trust" --root "$D" --keys-from "$top/nix.conf" "$(R good)/bin/run"
chmod g+w "$top/nix.conf"
tap_run 1 "keys from a nix.conf that others can write" "$trust" --root "$D" --keys-from "$top/nix.conf" "$(R good)/bin/run"
tap_like "$tap_out" "problem: others can write .*nix.conf" "are not trusted"
tap_run 0 "keys from a key file" "$trust" --root "$D" --keys-from "$D/keys/k1.pub" "$(R good)/bin/run"
tap_run 1 "no key" "$trust" --root "$D" "$(R good)/bin/run"
tap_like "$tap_out" "reason: .*is signed by 'k1', but no key is trusted" "no key: why"
is_refused "nobody signed it" store "nobody signed" "$(R unsigned-too)/bin/run"
is_refused "a foreign key" store "signed by 'rogue', whose key is not trusted" "$(R rogue)/bin/run"
is_verified "two keys, two needed" "$(R two)/bin/run" --needed 2
is_refused "one key, two needed" store "signed by 1 distinct trusted key, 2 are needed" "$(R one)/bin/run" --needed 2
is_refused "one key under two names, two needed" store "by 1 distinct trusted key, 2 are needed.*'k1.*'k1" \
	"$(R aliased)/bin/run" --needed 2 --key "$ALIAS"
is_verified "one key under two names, one needed" "$(R aliased)/bin/run" --key "$ALIAS"
# Nix itself counts the names
tap_run 0 "(nix store verify takes one key under two names for two)" \
	_nix "$D" store verify --sigs-needed 2 --trusted-public-keys "$K1 $ALIAS" "$(P aliased)"
tap_run 1 "a bad key among good ones" judge --key "broken:AAAA" "$(R unsigned-too)/bin/run"
tap_like "$tap_out" "problem: 'broken:AAAA' is no public key" "is named where something is not verified"
is_verified "and does not spoil the others" "$(R good)/bin/run" --key "broken:AAAA"

# Content and metadata
nix_tamper_byte "$D" "$(P byte)/bin/run"
is_refused "one bit" store "content of .* was changed" "$(R byte)/bin/run"
is_refused "one bit, asked for another file of it" store "content of .* was changed" "$(R byte)/bin"
nix_tamper_setuid "$D" "$(P setuid)/bin/run"
is_refused "set-user-id" store "bin/run' has the set-user-id bit" "$(R setuid)/bin/run"
tap_run 0 "(nix store verify takes a set-user-id file)" \
	_nix "$D" store verify --sigs-needed 1 --trusted-public-keys "$K1" "$(P setuid)"
nix_tamper_mode "$D" "$(P setgid)/bin/run" 2555
is_refused "set-group-id" store "has the set-group-id bit" "$(R setgid)/bin/run"
nix_tamper_mode "$D" "$(P sticky)/bin/run" 1555
is_refused "sticky" store "has the sticky bit" "$(R sticky)/bin/run"
nix_tamper_mode "$D" "$(P mode)/bin/run" 0755
is_refused "a file that its owner can write" store "has mode 0755 instead of 0444 or 0555" "$(R mode)/bin/run"
nix_tamper_mode "$D" "$(P dir-mode)/bin" 0755
is_refused "a directory that its owner can write" store "bin' has mode 0755 instead of 0555" "$(R dir-mode)/bin/run"
if nix_tamper_capability "$D" "$(P capability)/bin/run" 2>/dev/null; then
	is_refused "file capability" store "has file capabilities" "$(R capability)/bin/run"
else
	tap_skip "file capability" "this file system takes none"
fi
nix_tamper_owner "$D" "$(P owner)/bin/link" 65534
is_refused "a link of another user" store "bin/link' belongs to user 65534 instead of 0" "$(R owner)/bin/run"
if nix_tamper_xattr "$D" "$(P xattr)/bin/run" security.ima x 2>/dev/null ||
	nix_tamper_xattr "$D" "$(P xattr)/bin/run" security.test x 2>/dev/null; then
	is_refused "security attribute" store "has the attribute 'security\." "$(R xattr)/bin/run"
else
	tap_skip "security attribute" "this file system takes none"
fi
if nix_tamper_acl "$D" "$(P acl)/bin/run" u:65534:rx 2>/dev/null; then
	is_refused "access control list" store "access control list" "$(R acl)/bin/run"
	setfacl -d -m u:65534:rx "$(R acl-default)/bin"
	is_refused "default access control list" store "bin' has an access control list" "$(R acl-default)/bin/run"
else
	tap_skip "access control list" "this file system takes none"
fi
touch "$(R extra)/bin/extra"
is_refused "an additional file" store "content of .* was changed" "$(R extra)/bin/run"
rm "$(R missing)/bin/link"
is_refused "a missing link" store "content of .* was changed" "$(R missing)/bin/run"
rm "$(R file)/bin/link" && mkfifo "$(R file)/bin/link"
is_refused "a FIFO in it" store "no file, directory or symbolic link" "$(R file)/bin/run"
nix_tamper_setuid "$D" "$(P badsize)/bin/run"
nix_tamper_owner "$D" "$(P badsize)/bin/link" 1
nix_tamper_byte "$D" "$(P badsize)/bin/run"
tap_run 1 "three faults at once" judge "$(R badsize)/bin/run"
tap_is "$(printf '%s\n' "$tap_out" | grep -c '^  problem:')" 3 "are three problems"

# The database
nix_tamper_unsign "$D" "$(P unsigned)"
is_refused "signatures dropped" store "nobody signed" "$(R unsigned)/bin/run"
nix_tamper_ultimate "$D" "$(P unsigned)"
is_refused "'ultimate' counts for nothing" store "nobody signed" "$(R unsigned)/bin/run"
nix_tamper_byte "$D" "$(P badhash)/bin/run"
nix_store_rehash "$D" "$(P badhash)"
is_refused "content and hash changed together" store "does not fit what the database says" "$(R badhash)/bin/run"
nix_store_sql "$D" "DELETE FROM Refs WHERE referrer=(SELECT id FROM ValidPaths WHERE path='$(P reference)')"
is_refused "a reference dropped" store "does not fit what the database says" "$(R reference)/bin/run"
nix_store_sql "$D" "UPDATE ValidPaths SET sigs=replace(sigs,'k1:','k1:A') WHERE path='$(P sigflip)'"
is_refused "a broken signature" store "does not fit" "$(R sigflip)/bin/run"
cp -a "$(R good)" "$D/nix/store/$(basename "$(nix_store_path stranger)")"
is_refused "not in the database" store "is not in the database" "$(R stranger)/bin/run"
mkdir "$D/nix/store/not-an-object"
is_refused "no store object" untrusted "is no store object" "$D/nix/store/not-an-object"
is_refused "the store itself" store "is the store itself" "$D/nix/store"
is_refused "another database is missing" store "cannot open the database" "$(R good)/bin/run" --database /nothing

# Content-addressed objects
make_tree source "source" >/dev/null
ca=$(nix_store_add "$D" "$top/trees/source" source)
is_refused "content-addressed, not accepted" store "nobody signed" "$D$ca/bin/run"
tap_like "$tap_out" "content address of .* holds, but the policy wants signatures" "and what holds is said"
is_verified "content-addressed, accepted" "$D$ca/bin/run" --ca
tap_like "$tap_out" "its own content address says" "and says by what"
text=$(nix_store_add_text "$D" a-text "some text")
is_verified "text, accepted" "$D$text" --ca
printf 'flat\n' >"$top/flat"
flat=$(nix_store_add_file "$D" "$top/flat" a-flat)
is_verified "flat, accepted" "$D$flat" --ca
chmod 0555 "$D$flat"
nix_store_rehash "$D" "$flat"
is_refused "flat, made executable" store "not executable, as its content address covers no more" "$D$flat" --ca
mkdir "$top/trees/self"
self=$(nix_store_path self)
printf '%s %s %s' "$self" "$self/x" "$(P good)" >"$top/trees/self/f"
nix_store_put "$D" self "$top/trees/self" "$self" "$(P good)" >/dev/null
addressed=$(_nix "$D" store make-content-addressed "$self" 2>&1 | sed -n "s/^rew.*-self' to '\(.*-self\)'$/\1/p" | tail -1)
is_verified "content-addressed with references to itself" "$D$addressed/f" --ca
nix_tamper_ca "$D" "$addressed" "$addressed/f"
is_refused "content changed under a claim with references" store "content address of .* lies" "$D$addressed/f" --ca
nix_tamper_ca "$D" "$ca" "$ca/bin/run"
is_refused "a claim that lies" store "content address of .* lies" "$D$ca/bin/run" --ca
tap_run 0 "(nix store verify takes a claim that lies)" \
	_nix "$D" store verify --sigs-needed 1 --trusted-public-keys "$K1" "$ca"
nix_store_sql "$D" "UPDATE ValidPaths SET ca=(SELECT ca FROM ValidPaths WHERE path='$text') WHERE path='$(P unsigned-too)'"
is_refused "somebody else's claim" store "does not belong to it" "$(R unsigned-too)/bin/run" --ca
nix_store_sql "$D" "UPDATE ValidPaths SET ca='fixed:git:sha1:kpcd173cq987hw957sx6m0868wv3x6d9' WHERE path='$(P unsigned-too)'"
is_refused "a git tree" store "git tree are unsupported" "$(R unsigned-too)/bin/run" --ca

# Names that lead out
printf 'evil\n' >"$top/evil"
nix_tamper_link "$D" "$(P escape)/bin/run" "$top/evil"
is_refused "a link that leaves the store" untrusted "lies in no store and in no directory" "$(R escape)/bin/run"
tap_like "$tap_out" "^untrusted $top/evil$" "its end is named"
tap_run 1 "dots that leave the store" judge "$(R dotdot)/../../../../evil"
tap_like "$tap_out" "^untrusted $top/evil$" "their end is named"
is_verified "dots that stay in the store" "$(R dotdot)/../$(basename "$(P good)")/bin/run"
ln -s "$(R good)/bin/run" "$top/outside"
is_verified "a link from outside into the store" "$top/outside"
mkdir "$top/theirs"
chown 65534 "$top/theirs"
ln -s "$(R good)/bin/run" "$top/theirs/link"
tap_run 0 "a link in somebody's directory" judge "$top/theirs/link"
tap_like "$tap_out" "^  unstable: user 65534 can change where 'link' in '.*/theirs' leads" "is said to be unstable"
tap_run 0 "the same in root's" judge "$top/outside"
tap_is "$(printf '%s' "$tap_out" | grep -c unstable)" 0 "is not"

# Mounts
if unshare -m true 2>/dev/null; then
	tap_run 1 "tmpfs over a directory of an object" unshare -m bash -c "mount -t tmpfs none $(R mount)/bin &&
		cp $(R good)/bin/run $(R mount)/bin/ && exec $trust --root $D --key $K1 $(R mount)/bin/run"
	tap_like "$tap_out" "^untrusted " "is untrusted"
	tap_like "$tap_out" "another file system is mounted over it" "and named"
	tap_run 1 "the same file bound over itself" unshare -m bash -c "mount --bind $(R good)/bin/run $(R mount)/bin/run &&
		exec $trust --root $D --key $K1 $(R mount)/bin/run"
	tap_like "$tap_out" "another file system is mounted over it" "is named"
	tap_run 1 "a mount elsewhere in the object" unshare -m bash -c "mount --bind $(R good)/bin/run $(R mount)/bin/run &&
		exec $trust --root $D --key $K1 $(R mount)"
	tap_like "$tap_out" "bin/run' is not the store's own" "is named"
	tap_run 0 "the whole store bound elsewhere" unshare -m bash -c "mkdir -p $top/mounted && mount --bind $D $top/mounted &&
		exec $trust --root $top/mounted --key $K1 $top/mounted$(P good)/bin/run"
else
	tap_skip "mounts" "no mount namespace can be made here"
fi

# Descriptors
tap_run 0 "a descriptor" bash -c "exec $trust --root $D --key $K1 --fd 9 9<$(R good)/bin/run"
tap_like "$tap_out" "^verified .*/bin/run$" "is the file it is open on"
tap_run 0 "/proc/self/fd" bash -c "exec $trust --root $D --key $K1 /proc/self/fd/9 9<$(R good)/bin/run"
tap_run 0 "/dev/stdin" bash -c "exec $trust --root $D --key $K1 /dev/stdin <$(R good)/bin/run"
tap_run 1 "a pipe" bash -c "cat $(R good)/bin/run | $trust --root $D --key $K1 --fd 0"
tap_like "$tap_out" "^untrusted" "is untrusted"
tap_run 1 "/dev/stdin that is a pipe" bash -c "cat $(R good)/bin/run | $trust --root $D --key $K1 /dev/stdin"
cp "$(R good)/bin/run" "$top/gone"
tap_run 1 "a deleted file" bash -c "exec 9<$top/gone; rm $top/gone; exec $trust --root $D --key $K1 --fd 9"
tap_like "$tap_out" "no name in the file system" "is untrusted and why"
cp "$(R good)/bin/run" "$top/moved"
tap_run 1 "a file that was replaced" bash -c "exec 9<$top/moved; rm $top/moved; ln -s $(R good)/bin/run $top/moved; exec $trust --root $D --key $K1 --fd 9"

# Trees that only root can write
T=$top/tree
mkdir -p "$T/sub"
echo x >"$T/sub/f"
own() { "$trust" --tree "$T" "$T/sub/f"; }
tap_run 0 "root's tree" own
tap_like "$tap_out" "^owned .*" "is owned"
tap_like "$tap_out" "nobody signed it" "which is said to be weaker"
tap_run 1 "outside of it" "$trust" --tree "$T/sub" "$top/evil"
for place in sub/f sub .; do
	mode=$(stat -c %a "$T/$place")
	chmod g+w "$T/$place"
	tap_run 1 "$place: the group can write it" own
	tap_like "$tap_out" "^  reason: others than root can write '.*" "and that is why"
	chmod "$mode" "$T/$place"
	chown 65534 "$T/$place"
	tap_run 1 "$place: somebody else's" own
	tap_like "$tap_out" "^  reason: '.*' belongs to user 65534" "and that is why"
	chown 0 "$T/$place"
done
chmod 1777 "$T/sub"
tap_run 0 "a sticky directory of root's is no harm to root's files" own
chown 65534 "$T/sub/f"
tap_run 1 "but to others'" own
chown 0 "$T/sub/f"
chmod 0755 "$T/sub"
if setfacl -m u:65534:rw "$T/sub/f" 2>/dev/null; then
	tap_run 1 "a list that lets somebody write" own
	setfacl -b "$T/sub/f"
	setfacl -m u:65534:r "$T/sub/f"
	tap_run 0 "a list that lets somebody read" own
fi
tap_run 0 "root's tree once more" own
ln -s /etc/passwd "$T/sub/link"
tap_run 1 "a link out of the tree" "$trust" --tree "$T" "$T/sub/link"
mkfifo "$T/fifo"
tap_run 1 "a FIFO in the tree" timeout 5 "$trust" --tree "$T" "$T/fifo"
tap_like "$tap_out" "is a FIFO" "is named"
tap_run 1 "a name that is too long" "$trust" --tree "$T" "$T/$(printf '%0300d' 0)"
tap_like "$tap_out" "ENAMETOOLONG" "is refused"
ln -s loop "$T/loop"
tap_run 1 "a link to itself" "$trust" --tree "$T" "$T/loop"
tap_like "$tap_out" "ELOOP" "is refused"
tap_run 1 "file/" "$trust" --tree "$T" "$T/sub/f/"
tap_like "$tap_out" "ENOTDIR" "is refused"

# Nix's signatures are ours: the fingerprints are the same bytes
wrong=0
for p in $(P good) $(P two) $(P one); do
	fingerprint=$("$store" row "$D/nix/var/nix/db/db.sqlite" /nix/store "$p")
	ours=$("$store" sign "$D/keys/k1.sec" "$fingerprint")
	nix_store_sql "$D" "SELECT sigs FROM ValidPaths WHERE path='$p'" | tr ' ' '\n' | grep -Fxq "$ours" || wrong=1
done
tap_ok $wrong "signatures over our fingerprints are those that Nix made"
chmod 0644 "$D/keys/k1.sec"
tap_run 1 "a secret key that others can read" "$store" sign "$D/keys/k1.sec" x
tap_like "$tap_err" "others can read the secret key" "is refused"
tap_done
