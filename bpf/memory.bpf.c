// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The memory gate: executable memory comes from verified files and was never written. Closes
 * `ld.so ./x`, LD_PRELOAD and dlopen() of foreign libraries, shellcode in anonymous, copied or
 * shared memory, /proc/PID/mem and ptrace. An interpreter with a JIT is exempt from the anonymous
 * part, and so is the weak spot: its policy should say so.
 */
#include "bpf/judge.h"

#define PROC_SUPER_MAGIC   0x9fa0
#define PTRACE_MODE_ATTACH 2

static __always_inline bool has_jit(void)
{
	struct ih_task_state *me = ih_me();

	return me && (me->flags & IH_SEED_JIT);
}

/* Where verity.bpf.c is loaded. */
static __always_inline bool can_measure(void)
{
	struct super_block___verity *sb = NULL;
	union security_list_options *hooks = NULL;

	return bpf_core_field_exists(hooks->file_post_open) && bpf_core_field_exists(sb->s_vop);
}

/* prot, not reqprot: personality(READ_IMPLIES_EXEC) adds to prot only. ld.so and libraries are seen
 * here and nowhere else. */
SEC("lsm/mmap_file")
int BPF_PROG(ih_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	const struct ih_gate_config *config = ih_gate();
	struct ih_inode_state *state;
	struct ih_event *e;

	if (ret || !(prot & PROT_EXEC))
		return ret;
	if (!ih_is_ready(config))
		return -EPERM;
	if (ih_first_is_null(ctx) || !file)
		return has_jit() ? 0 : ih_refuse(config, IH_ACT_MEMORY, IH_REASON_WRITABLE);
	state = ih_inode(file->f_inode, config->epoch);
	if (state && state->trust >= config->min_trust)
		return prot & PROT_WRITE ? ih_refuse(config, IH_ACT_MEMORY, IH_REASON_WRITABLE) : 0;
	e = ih_event_begin(IH_ACT_MAP, ih_reason_of_file(file->f_inode));
	if (e) {
		ih_event_file(e, file);
		bpf_d_path(&file->f_path, e->path, sizeof(e->path));
	}
	return ih_event_end(e, config);
}

/* Never sleepable (mmap lock held), so no path in the event. anon_vma is there once a page was
 * written or copied, and stays. */
SEC("lsm/file_mprotect")
int BPF_PROG(ih_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot,
	     int ret)
{
	const struct ih_gate_config *config = ih_gate();
	struct ih_inode_state *state;
	struct file *file;

	if (ret || !(prot & PROT_EXEC))
		return ret;
	if (!ih_is_ready(config))
		return -EPERM;
	file = vma->vm_file;
	if (!file)
		return has_jit() ? 0 : ih_refuse(config, IH_ACT_MEMORY, IH_REASON_WRITABLE);
	if ((prot & PROT_WRITE) || vma->anon_vma)
		return ih_refuse(config, IH_ACT_MEMORY, IH_REASON_WRITABLE);
	state = ih_inode(file->f_inode, config->epoch);
	/* what was never mapped to be executed was never measured (verity.bpf.c) */
	return state && state->trust >= config->min_trust && !(state->unbound && can_measure())
		       ? 0
		       : ih_refuse(config, IH_ACT_MAP, IH_REASON_PROGRAM);
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(ih_ptrace, struct task_struct *child, unsigned int mode, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret || !(mode & PTRACE_MODE_ATTACH))
		return ret;
	if (!ih_is_ready(config))
		return -EPERM;
	return ih_is_guard() ? 0 : ih_refuse(config, IH_ACT_TRACE, IH_REASON_WRITABLE);
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(ih_traceme, struct task_struct *parent, int ret)
{
	const struct ih_gate_config *config = ih_gate();

	if (ret)
		return ret;
	if (!ih_is_ready(config))
		return -EPERM;
	return ih_refuse(config, IH_ACT_TRACE, IH_REASON_WRITABLE);
}
