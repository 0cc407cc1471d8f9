# SPDX-License-Identifier: LGPL-2.1-or-later
# Stores made and signed by real Nix (Debian: nix-bin, sqlite3, attr, libcap2-bin), and every way to
# damage one. Source it. DIR is the root of a chroot store (objects lie in DIR/nix/store, the database
# in DIR/nix/var/nix/db); PATH is logical, /nix/store/<hash>-<name>. Needs root, or a user namespace
# in which one is root (nix_store_as_root).
#
#   nix_store_missing              names of missing programs; status 0 when nothing is missing
#   nix_store_new DIR              an empty store
#   nix_store_path NAME            the path that nix_store_put gives to NAME; known before it is there,
#                                  so that files can name each other
#   nix_store_put DIR NAME TREE [REF…]
#                                  copy TREE (file, directory or link) in as nix_store_path NAME with
#                                  canonical metadata, and register it with these references
#   nix_store_put_many DIR LIST    the same for many at once (much faster): LIST has a line
#                                  "NAME<TAB>TREE<TAB>REF REF…" each, trees in the order of references
#   nix_store_add DIR TREE [NAME]  add as content-addressed source (fixed:r:sha256); prints the path
#   nix_store_add_file DIR FILE [NAME]  … as fixed:sha256 (flat)
#   nix_store_add_text DIR NAME TEXT    … as text:sha256 (builtins.toFile)
#   nix_store_key DIR NAME [FILE]  make the key pair DIR/keys/FILE.sec and .pub, called NAME in Nix
#   nix_store_rename_key DIR NAME FILE NEW  the key pair FILE once more as NEW, called NAME
#   nix_store_sign DIR FILE PATH…  sign with DIR/keys/FILE.sec
#   nix_store_public DIR FILE      the public key, name:base64
#   nix_store_closure DIR PATH     PATH and all that it refers to
#   nix_store_sql DIR SQL          change the database by hand
#   nix_store_rehash DIR PATH      put hash and size of what lies there now into its row, as an
#                                  attacker who can write the disk would
#   nix_store_real DIR PATH        where it really lies
#   nix_store_enter DIR CMD…       run CMD with DIR/nix as /nix (a mount namespace of its own)
#   nix_store_as_root CMD…         run CMD as root, in a user namespace when we are not
#
#   nix_tamper_byte DIR FILE       flip the lowest bit of FILE's last byte (FILE: logical, in an object)
#   nix_tamper_setuid DIR FILE     mode 4555
#   nix_tamper_mode DIR FILE MODE
#   nix_tamper_capability DIR FILE cap_net_raw+ep
#   nix_tamper_owner DIR FILE UID
#   nix_tamper_xattr DIR FILE NAME VALUE
#   nix_tamper_acl DIR FILE ENTRY  setfacl -m ENTRY
#   nix_tamper_unsign DIR PATH     drop all signatures
#   nix_tamper_ultimate DIR PATH   "built here", says the database
#   nix_tamper_ca DIR PATH FILE    append a line to FILE, keep `ca`, fix hash and size in the database:
#                                  `nix store verify --sigs-needed 1` accepts it
#   nix_tamper_link DIR LINK TARGET  replace LINK by a symbolic link to TARGET

_nix() {
	local dir=$1
	shift
	NIX_REMOTE='' NIX_CONF_DIR=$dir/etc NIX_USER_CONF_FILES='' \
		nix --extra-experimental-features 'nix-command ca-derivations' --store "$dir" "$@"
}

_nix_store() {
	local dir=$1
	shift
	NIX_REMOTE='' NIX_CONF_DIR=$dir/etc NIX_USER_CONF_FILES='' nix-store --store "$dir" "$@"
}

nix_store_missing() {
	local p missing=
	for p in nix nix-store nix-hash sqlite3 setcap setfattr setfacl; do
		command -v "$p" >/dev/null || missing="$missing $p"
	done
	printf '%s' "$missing"
	[ -z "$missing" ]
}

nix_store_new() {
	mkdir -p "$1/etc" "$1/keys" "$1/nix/store"
	printf 'build-users-group =\nsandbox = false\nsubstitute = false\n' >"$1/etc/nix.conf"
	chmod 0700 "$1/keys"
	_nix_store "$1" --init
	# Nix makes this when it first writes; a store that is mounted read only must have it.
	mkdir -p "$1/nix/store/.links"
}

nix_store_path() {
	local hash
	hash=$(printf '%s' "$1" | nix-hash --type sha256 --base32 --flat --truncate /dev/stdin)
	printf '/nix/store/%s-%s' "$hash" "$1"
}

nix_store_real() {
	printf '%s%s' "$1" "$2"
}

# Reads "NAME<TAB>TREE<TAB>REF REF…", copies the trees in, makes their metadata canonical, and prints
# what --load-db reads: path, hash, size, deriver, number of references, they. The hashes are Nix's.
_nix_place() {
	python3 -c '
import os, subprocess, sys
root = sys.argv[1]
pad = lambda n: 8 + (n + 7) // 8 * 8
def canonical(p):
    st = os.lstat(p)
    os.chown(p, 0, 0, follow_symlinks=False)
    if not os.path.islink(p):
        os.chmod(p, 0o555 if os.path.isdir(p) or st.st_mode & 0o100 else 0o444)
    os.utime(p, (1, 1), follow_symlinks=False)
def nar(p):
    n = pad(1) + pad(4)
    if os.path.islink(p):
        n += pad(7) + pad(6) + pad(len(os.readlink(os.fsencode(p))))
    elif os.path.isdir(p):
        n += pad(9)
        for e in os.scandir(os.fsencode(p)):
            n += pad(5) + pad(1) + pad(4) + pad(len(e.name)) + pad(4) + nar(e.path) + pad(1)
    else:
        n += pad(7) + pad(8) + pad(os.lstat(p).st_size)
        n += pad(10) + pad(0) if os.lstat(p).st_mode & 0o100 else 0
    return n + pad(1)
rows = [line.rstrip("\n").split("\t") for line in sys.stdin]
paths = []
for name, tree, *refs in rows:
    h = subprocess.run(["nix-hash", "--type", "sha256", "--base32", "--flat", "--truncate", "/dev/stdin"],
                       input=name.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().strip() \
        if not name.startswith("/") else None
    path = name if h is None else "/nix/store/%s-%s" % (h, name)
    real = root + path
    subprocess.run(["rm", "-rf", real], check=True)
    subprocess.run(["cp", "-a", "--no-preserve=ownership,xattr", tree, real], check=True)
    for d, subs, files in os.walk(os.fsencode(real), topdown=False):
        for f in files + subs:
            canonical(os.path.join(d, f))
    canonical(real)
    paths.append((path, real, refs[0].split() if refs else []))
hashes = []
for i in range(0, len(paths), 500):
    hashes += subprocess.run(["nix-hash", "--type", "sha256"] + [p[1] for p in paths[i:i + 500]],
                             stdout=subprocess.PIPE, check=True).stdout.decode().split()
for (path, real, refs), h in zip(paths, hashes):
    print("\n".join([path, h, str(pad(13) + nar(real)), "", str(len(refs))] + refs))
' "$1"
}

nix_store_put_many() {
	_nix_place "$1" <"$2" | _nix_store "$1" --load-db
}

nix_store_put() {
	local dir=$1 path tree=$3
	path=$(nix_store_path "$2")
	shift 3
	printf '%s\t%s\t%s\n' "$path" "$tree" "$*" | _nix_place "$dir" | _nix_store "$dir" --load-db || return
	printf '%s\n' "$path"
}

nix_store_add() {
	_nix "$1" store add-path --name "${3:-$(basename "$2")}" "$2"
}

nix_store_add_file() {
	_nix "$1" store add-file --name "${3:-$(basename "$2")}" "$2"
}

nix_store_add_text() {
	NAME=$2 TEXT=$3 _nix "$1" eval --raw --impure --expr \
		'builtins.toFile (builtins.getEnv "NAME") (builtins.getEnv "TEXT")'
	echo
}

nix_store_key() {
	local file=$1/keys/${3:-$2}
	_nix_store "$1" --generate-binary-cache-key "$2" "$file.sec" "$file.pub" # else it opens /nix
	chmod 0600 "$file.sec"
}

nix_store_rename_key() {
	local suffix
	for suffix in sec pub; do
		printf '%s:%s' "$2" "$(cut -d: -f2 "$1/keys/$3.$suffix")" >"$1/keys/$4.$suffix"
		chmod 0600 "$1/keys/$4.$suffix"
	done
}

nix_store_sign() {
	local dir=$1 key=$2
	shift 2
	_nix "$dir" store sign -k "$dir/keys/$key.sec" "$@"
}

nix_store_public() {
	cat "$1/keys/$2.pub"
}

nix_store_closure() {
	_nix_store "$1" -qR "$2"
}

nix_store_sql() {
	sqlite3 -cmd '.timeout 5000' "$1/nix/var/nix/db/db.sqlite" "$2"
}

nix_store_rehash() {
	local real=$1$2 hash size
	hash=$(nix-hash --type sha256 "$real")
	size=$(nix-store --dump "$real" | wc -c)
	nix_store_sql "$1" "UPDATE ValidPaths SET hash='sha256:$hash', narSize=$size WHERE path='$2'"
}

nix_store_enter() {
	local dir=$1
	shift
	mkdir -p /nix
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m bash -c 'mount --bind "$0/nix" /nix && exec "$@"' "$dir" "$@"
}

nix_store_as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		unshare -r "$@"
	fi
}

nix_tamper_byte() {
	python3 -c '
import os, sys
p = sys.argv[1]
mode = os.stat(p).st_mode
os.chmod(p, 0o644)
with open(p, "r+b") as f:
    f.seek(-1, 2)
    b = f.read(1)[0] ^ 1
    f.seek(-1, 2)
    f.write(bytes([b]))
os.chmod(p, mode & 0o7777)' "$1$2"
}

nix_tamper_mode() {
	chmod "$3" "$1$2"
}

nix_tamper_setuid() {
	chmod 4555 "$1$2"
}

nix_tamper_capability() {
	setcap cap_net_raw+ep "$1$2"
}

nix_tamper_owner() {
	chown -h "$3" "$1$2"
}

nix_tamper_xattr() {
	setfattr -n "$3" -v "$4" "$1$2"
}

nix_tamper_acl() {
	setfacl -m "$3" "$1$2"
}

nix_tamper_unsign() {
	nix_store_sql "$1" "UPDATE ValidPaths SET sigs=NULL WHERE path='$2'"
}

nix_tamper_ultimate() {
	nix_store_sql "$1" "UPDATE ValidPaths SET ultimate=1 WHERE path='$2'"
}

nix_tamper_ca() {
	chmod u+w "$1$3"
	echo '# changed' >>"$1$3"
	chmod u-w "$1$3"
	nix_store_rehash "$1" "$2"
}

nix_tamper_link() {
	local parent mode
	parent=$(dirname "$1$2")
	mode=$(stat -c %a "$parent")
	chmod u+w "$parent"
	rm -rf "$1$2"
	ln -s "$3" "$1$2"
	chmod "$mode" "$parent"
}
