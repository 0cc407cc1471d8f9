// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files under fs-verity are bound by what the kernel measures of them, not only by inode, size and
 * change time: whoever writes to a disk below its file system leaves all of these as they were. The
 * kernel hands out the digest of a file that is open (from 6.8), so it is asked for behind every
 * open that leads to code: at exec, at the mapping, and behind an interpreter's open (from 6.9; the
 * loader leaves these programs out before). What measures something else is taken back for good.
 */
#include "bpf/judge.h"

/* linux/fs/verity/measure.c */
extern int bpf_get_fsverity_digest(struct file *file, struct bpf_dynptr *digest) __ksym __weak;

static __always_inline bool is_measured(struct file *file, struct ih_measured *measured)
{
	struct bpf_dynptr digest;
	struct ih_seed *seed;
	__u8 differ = 0;

	if (bpf_dynptr_from_mem(measured, sizeof(*measured), 0, &digest) < 0 ||
	    bpf_get_fsverity_digest(file, &digest) < 0)
		return false;
	seed = ih_seed_of(file->f_inode);
	if (!seed || seed->bound != (__u8)measured->algorithm)
		return false;
	for (int i = 0; i < IH_GATE_DIGEST; i++)
		differ |= measured->digest[i] ^ seed->digest[i];
	return !differ;
}

/* Is a file that is vouched for the one that was looked at? Others refuse what nobody vouches for.
 */
static __always_inline int measure(struct file *file, __u16 act)
{
	const struct ih_gate_config *config = ih_gate();
	struct ih_measured *measured;
	struct ih_inode_state *state;
	struct ih_event *e;

	if (!ih_is_ready(config))
		return -EPERM;
	state = ih_inode(file->f_inode, config->epoch);
	if (!state || !state->unbound)
		return 0;
	measured = bpf_inode_storage_get(&ih_measures, file->f_inode, NULL,
					 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (measured && is_measured(file, measured)) {
		state->unbound = 0;
		return 0;
	}
	ih_forget(file->f_inode);
	e = ih_event_begin(act, act == IH_ACT_OPEN ? IH_REASON_SOURCE : IH_REASON_PROGRAM);
	if (e) {
		ih_event_file(e, file);
		bpf_d_path(&file->f_path, e->path, sizeof(e->path));
	}
	return ih_event_end(e, config);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(ih_bound_exec, struct linux_binprm *bprm, int ret)
{
	return ret ? ret : measure(bprm->file, IH_ACT_EXEC);
}

SEC("lsm/mmap_file")
int BPF_PROG(ih_bound_map, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	if (ret || !(prot & PROT_EXEC) || ih_first_is_null(ctx) || !file)
		return ret;
	return measure(file, IH_ACT_MAP);
}

SEC("lsm/file_post_open")
int BPF_PROG(ih_bound_open, struct file *file, int mask, int ret)
{
	struct ih_task_state *me;

	if (ret || !(file->f_mode & FMODE_READ))
		return ret;
	me = ih_me();
	return me && me->grammar ? measure(file, IH_ACT_OPEN) : 0;
}
