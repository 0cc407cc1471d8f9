// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Mounts, while the lock is on: nothing is mounted over the store, in it or on what leads to it,
 * and it is not taken away or made writable. Trust is the inode's, so a mount makes no foreign code
 * trusted; but who looks things up by name would find other things. A bind of a folder to itself
 * (what systemd does for ReadOnlyPaths=) and changes of propagation go through. So does what stays
 * in a mount namespace of its own, which services have: nobody else sees it.
 */
#include "bpf/judge.h"

#define FOLDERS_MAX  16 /* how far below the store a mount point is looked for */
#define PATH_MAX     128
#define BPF_FS_MAGIC 0xcafe4a11
#define IH_INIT_TGID 1

/* Does the caller live in another mount namespace than the guard? */
static __always_inline bool is_elsewhere(const struct ih_gate_config *config)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return config->mounts && BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) != config->mounts;
}

/* Is it about a mount that only the caller's own namespace knows? */
static __always_inline bool is_private(const struct ih_gate_config *config, struct mount *mount)
{
	return is_elsewhere(config) && !BPF_CORE_READ(mount, mnt_group_id);
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* May the caller do as it likes? Process 1 takes everything down at the end. */
static __always_inline bool is_free(const struct ih_gate_config *config)
{
	return !config || !config->lock || bpf_get_current_pid_tgid() >> 32 == IH_INIT_TGID ||
	       ih_is_guard();
}

static __always_inline __u8 flags_of(struct inode *inode)
{
	const struct ih_seed *seed = ih_seed_of(inode);

	return seed ? seed->flags : 0;
}

/* Is the folder the store, above it or below it? */
static __always_inline bool touches_store(struct dentry *dentry)
{
	if (flags_of(BPF_CORE_READ(dentry, d_inode)) & (IH_SEED_STORE | IH_SEED_ABOVE))
		return true;
	for (int i = 0; i < FOLDERS_MAX; i++) {
		dentry = BPF_CORE_READ(dentry, d_parent);
		if (flags_of(BPF_CORE_READ(dentry, d_inode)) & IH_SEED_STORE)
			return true;
	}
	return false;
}

static __always_inline bool is_store_disk(const struct ih_gate_config *config, __u32 device)
{
	for (int i = 0; i < IH_GATE_DEVICES_MAX; i++)
		if ((__u32)i < config->n_devices && config->devices[i] == device)
			return true;
	return false;
}

struct ih_two_paths {
	char from[PATH_MAX], to[PATH_MAX];
};

__attribute__((noinline)) int ih_same_path(struct ih_two_paths *p)
{
	__u32 differ = 0, live = ~0u;

	if (!p)
		return 0;
	for (int i = 0; i < PATH_MAX; i++) {
		__u32 c = (__u8)p->from[i];

		differ |= (c ^ (__u8)p->to[i]) & live;
		live &= 0 - ((0 - c) >> 31); /* up to the end */
	}
	return !differ && !live;
}

/* mount --rbind /x /x; without what is mounted below it would hide that */
static __always_inline bool is_bind_to_itself(const char *name, const struct path *path)
{
	struct ih_two_paths p = { 0 };

	if (!name || bpf_probe_read_kernel_str(p.from, sizeof(p.from), name) < 0 ||
	    bpf_d_path((struct path *)path, p.to, sizeof(p.to)) < 0)
		return false;
	return ih_same_path(&p);
}

SEC("lsm/sb_mount")
int BPF_PROG(ih_mount, const char *name, const struct path *path, const char *type,
	     unsigned long flags, void *data, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret || is_free(config))
		return ret;
	if (flags & MS_PROPAGATION)
		return 0;
	if (!touches_store(path->dentry) || is_private(config, mount_of(path->mnt)))
		return 0;
	/* Flags of one mount in one namespace: nix-daemon makes its own view writable. */
	if ((flags & MS_REMOUNT) && (flags & MS_BIND) &&
	    ((flags & MS_RDONLY) || is_elsewhere(config)))
		return 0;
	if ((flags & MS_BIND) && (flags & MS_REC) && !(flags & MS_REMOUNT) &&
	    is_bind_to_itself(name, path))
		return 0;
	return ih_refuse(config, IH_ACT_MOUNT, IH_REASON_SUBJECT);
}

SEC("lsm/move_mount")
int BPF_PROG(ih_move_mount, const struct path *from, const struct path *to, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret || is_free(config))
		return ret;
	if (from->dentry == to->dentry || !touches_store(to->dentry) ||
	    is_private(config, mount_of(to->mnt)))
		return 0;
	return ih_refuse(config, IH_ACT_MOUNT, IH_REASON_SUBJECT);
}

/* Everybody's root would be another one. */
SEC("lsm/sb_pivotroot")
int BPF_PROG(ih_pivot, const struct path *old_path, const struct path *new_path, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret || is_free(config) || is_private(config, mount_of(new_path->mnt)))
		return ret;
	return ih_refuse(config, IH_ACT_MOUNT, IH_REASON_SUBJECT);
}

SEC("lsm/sb_remount")
int BPF_PROG(ih_remount, struct super_block *sb, void *options, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret || is_free(config) || !is_store_disk(config, sb->s_dev))
		return ret;
	return ih_refuse(config, IH_ACT_MOUNT, IH_REASON_SUBJECT);
}

SEC("lsm/sb_umount")
int BPF_PROG(ih_umount, struct vfsmount *mnt, int flags, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret || is_free(config))
		return ret;
	if (mnt->mnt_sb->s_magic != BPF_FS_MAGIC &&
	    !(flags_of(BPF_CORE_READ(mnt, mnt_root, d_inode)) & (IH_SEED_STORE | IH_SEED_ABOVE)))
		return 0;
	/* it goes wherever the mount that it lies on is shared */
	if (is_private(config, BPF_CORE_READ(mount_of(mnt), mnt_parent)))
		return 0;
	return ih_refuse(config, IH_ACT_MOUNT, IH_REASON_SUBJECT);
}
