// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The exec gate: what execve() may start, layer by layer (the script, then its interpreter), with
 * a clean EPERM for the caller. Does not look at arguments (args.bpf.c does), and does not see
 * libraries: ld.so called by hand shows here as ld.so only (memory.bpf.c has the rest).
 */
#include "bpf/judge.h"

static __always_inline int exec_file(struct file *file, __u16 act)
{
	const struct ih_gate_config *config = ih_gate();
	struct ih_inode_state *state;
	struct ih_event *e;

	if (!ih_is_ready(config))
		return -EPERM;
	state = ih_inode(file->f_inode, config->epoch);
	if (state && state->trust >= config->min_trust)
		return 0;
	e = ih_event_begin(act, ih_reason_of_file(file->f_inode));
	if (e) {
		e->trust = state ? state->trust : IH_TRUST_UNKNOWN;
		ih_event_file(e, file);
		bpf_d_path(&file->f_path, e->path, sizeof(e->path));
	}
	return ih_event_end(e, config);
}

/* Once for each layer; memfd, O_TMPFILE, deleted and noexec files are nobody's seed. */
SEC("lsm/bprm_check_security")
int BPF_PROG(ih_bprm_check, struct linux_binprm *bprm, int ret)
{
	if (ret)
		return ret;
	return exec_file(bprm->file, IH_ACT_EXEC);
}

/* The only exec hook that AT_EXECVE_CHECK reaches (fs/exec.c, from 6.14). */
SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(ih_bprm_creds, struct linux_binprm *bprm, int ret)
{
	struct linux_binprm___check *check = (void *)bprm;

	if (ret)
		return ret;
	if (bpf_core_field_exists(check->is_check) && BPF_CORE_READ_BITFIELD(check, is_check))
		return exec_file(bprm->file, IH_ACT_CHECK);
	return 0;
}

SEC("lsm/task_alloc")
int BPF_PROG(ih_task_alloc, struct task_struct *task, unsigned long clone_flags, int ret)
{
	struct ih_task_state *mine, *child;

	if (ret)
		return ret;
	mine = bpf_task_storage_get(&ih_tasks, bpf_get_current_task_btf(), NULL, 0);
	if (!mine)
		return 0;
	child = bpf_task_storage_get(&ih_tasks, task, mine, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return child ? 0 : -EPERM; /* without memory for it nobody would know what the child is */
}
