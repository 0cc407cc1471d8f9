// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Self-protection, in force while the lock is on: root does not take the gates away. Programs stay
 * attached through pins in bpffs, so the guard's death opens nothing; nobody but the guard uses
 * bpf(2), removes a pin (unmounting bpffs: mount.bpf.c), loads code into the kernel, or signals and
 * traces the guard (tracing: memory.bpf.c). Does not help against code that runs in the kernel
 * already.
 */
#include "bpf/judge.h"

#define BPF_FS_MAGIC 0xcafe4a11
#define IH_INIT_TGID 1 /* may end the guard: the gates stay closed without it */

/* enum kernel_load_data_id of include/linux/kernel_read_file.h */
#define LOADING_FIRMWARE 1
#define LOADING_MODULE	 2
#define LOADING_POLICY	 5

/* Is the lock on, and the caller somebody else? */
static __always_inline bool is_locked(const struct ih_gate_config *config)
{
	return config && config->lock && !ih_is_guard();
}

SEC("lsm/bpf")
int BPF_PROG(ih_bpf, int cmd, union bpf_attr *attr, unsigned int size, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret)
		return ret;
	return is_locked(config) ? ih_refuse(config, IH_ACT_BPF, IH_REASON_SUBJECT) : 0;
}

static __always_inline bool is_pin(struct inode *inode)
{
	return inode->i_sb->s_magic == BPF_FS_MAGIC;
}

SEC("lsm/inode_unlink")
int BPF_PROG(ih_unlink, struct inode *dir, struct dentry *dentry, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret)
		return ret;
	if (is_locked(config) && is_pin(dir))
		return ih_refuse(config, IH_ACT_BPF, IH_REASON_SUBJECT);
	ih_forget(dentry->d_inode);
	return 0;
}

SEC("lsm/inode_rename")
int BPF_PROG(ih_rename, struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir,
	     struct dentry *new_dentry, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret)
		return ret;
	if (is_locked(config) && is_pin(old_dir))
		return ih_refuse(config, IH_ACT_BPF, IH_REASON_SUBJECT);
	ih_forget(old_dentry->d_inode);
	return 0;
}

/* chmod, chown, truncate, utimes. The hook of later kernels has one argument more: the loader looks
 * which of the two fits. */
SEC("lsm/inode_setattr")
int BPF_PROG(ih_setattr, struct dentry *dentry, struct iattr *attr, int ret)
{
	if (!ret)
		ih_forget(dentry->d_inode);
	return ret;
}

SEC("lsm/inode_setattr")
int BPF_PROG(ih_setattr_map, void *idmap, struct dentry *dentry, struct iattr *attr, int ret)
{
	if (!ret)
		ih_forget(dentry->d_inode);
	return ret;
}

SEC("lsm/task_kill")
int BPF_PROG(ih_kill, struct task_struct *target, struct kernel_siginfo *info, int sig,
	     const struct cred *cred, int ret)
{
	const struct ih_gate_config *config = ih_gate();
	struct ih_task_state *state;

	if (ret || !sig || !is_locked(config))
		return ret;
	if (bpf_get_current_pid_tgid() >> 32 == IH_INIT_TGID)
		return 0;
	state = bpf_task_storage_get(&ih_tasks, target, NULL, 0);
	if (!state || !(state->flags & IH_SEED_GUARD))
		return 0;
	return ih_refuse(config, IH_ACT_SIGNAL, IH_REASON_SUBJECT);
}

/* Modules, kexec images: from verified files only. */
SEC("lsm/kernel_read_file")
int BPF_PROG(ih_read_file, struct file *file, int id, bool contents, int ret)
{
	const struct ih_gate_config *config = ih_gate();
	struct ih_inode_state *state;

	if (ret || !config || !config->lock || id == LOADING_FIRMWARE)
		return ret;
	state = ih_inode(file->f_inode, config->epoch);
	if (state && state->trust >= config->min_trust)
		return 0;
	return ih_refuse(config, IH_ACT_KERNEL, IH_REASON_PROGRAM);
}

/* init_module(2) and kexec_load(2): bytes without a file that anybody could have signed. */
SEC("lsm/kernel_load_data")
int BPF_PROG(ih_load_data, int id, bool contents, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret || !config || !config->lock || id < LOADING_MODULE || id >= LOADING_POLICY)
		return ret;
	return ih_refuse(config, IH_ACT_KERNEL, IH_REASON_NO_NAME);
}
