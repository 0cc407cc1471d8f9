# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A root directory of one's own: everything as on the machine, and a directory of ours as /nix. The
# machine gets no /nix, and nothing is left when the command ends. Source it.
#
#   private_root NIX CMD…   run CMD with NIX as /nix; without root in a user namespace in which the
#                           caller is root, so that what belongs to him is root's there

private_root() {
	local flags=(--mount --propagation private)
	local root status
	[ "$(id -u)" -eq 0 ] || flags+=(--user --map-root-user)
	if ! mountpoint -q /; then
		echo "error: in a chroot whose / is no mount point nothing can be mounted privately; make it one" \
			"before you enter it ('mount --bind DIR DIR'), or enter it with systemd-nspawn" >&2
		return 1
	fi
	root=$(mktemp -d)
	# shellcheck disable=SC2016 # for the inner shell
	unshare "${flags[@]}" bash -c '
		set -e
		nix=$1 root=$2 cwd=$PWD
		shift 2
		mount -t tmpfs -o mode=755 tmpfs "$root"
		mkdir "$root/nix"
		mount --bind "$nix" "$root/nix"
		for d in /* ; do
			[ "$d" != /nix ] || continue
			if [ -L "$d" ]; then
				cp -P "$d" "$root$d"
			elif [ -d "$d" ]; then
				mkdir "$root$d"
				mount --rbind "$d" "$root$d"
			fi
		done
		exec chroot "$root" sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$cwd" "$@"
	' private_root "$1" "$root" "${@:2}"
	status=$?
	rmdir "$root"
	return $status
}
