// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Opens: whoever opens a trusted file for writing makes it untrusted; nobody writes memory through
 * /proc, and while the lock is on nobody writes the disks that the store lies on.
 */
#include "bpf/judge.h"

#define PROC_SUPER_MAGIC 0x9fa0
#define S_IFBLK		 0060000

/* /proc/PID/mem by name: self access skips the ptrace hook, and FOLL_FORCE skips mprotect's. */
static __always_inline bool is_proc_mem(struct file *file)
{
	char name[4] = { 0 };

	if (file->f_inode->i_sb->s_magic != PROC_SUPER_MAGIC ||
	    file->f_path.dentry->d_name.len != 3)
		return false;
	bpf_probe_read_kernel(name, 3, file->f_path.dentry->d_name.name);
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm';
}

static __always_inline bool is_store_disk(const struct ih_gate_config *config, struct inode *inode)
{
	if (!config->lock || (inode->i_mode & S_IFMT) != S_IFBLK)
		return false;
	for (int i = 0; i < IH_GATE_DEVICES_MAX; i++)
		if ((__u32)i < config->n_devices && config->devices[i] == inode->i_rdev)
			return true;
	return false;
}

SEC("lsm/file_open")
int BPF_PROG(ih_file_open, struct file *file, int ret)
{
	const struct ih_gate_config *config;

	if (ret || !(file->f_mode & FMODE_WRITE))
		return ret;
	config = ih_gate();
	if (!ih_is_ready(config))
		return -EPERM;
	if (is_proc_mem(file))
		return ih_is_guard() ? 0 : ih_refuse(config, IH_ACT_TRACE, IH_REASON_WRITABLE);
	if (is_store_disk(config, file->f_inode))
		return ih_refuse(config, IH_ACT_DEVICE, IH_REASON_WRITABLE);
	ih_forget(file->f_inode);
	return 0;
}
