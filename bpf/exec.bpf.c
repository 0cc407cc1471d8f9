// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The exec gate: what execve() may start, layer by layer (the script, then its interpreter), with
 * a clean EPERM for the caller. Does not look at arguments (args.bpf.c does), and does not see
 * libraries: ld.so called by hand shows here as ld.so only (args.bpf.c and memory.bpf.c have the
 * rest).
 */
#include "bpf/judge.h"

#define SHEBANG_MAX 256

struct ih_first_line {
	char bytes[SHEBANG_MAX];
	__u32 words; /* behind "#!" */
	__u32 within;
};

/* Return: 1 at the end of the line. */
static int line_byte(__u32 index, struct ih_first_line *line)
{
	char c = line->bytes[(index + 2) & (SHEBANG_MAX - 1)];

	if (c == '\n' || c == 0)
		return 1;
	if (c == ' ' || c == '\t') {
		line->within = 0;
	} else if (!line->within) {
		line->within = 1;
		line->words++;
	}
	return 0;
}

/* Does its first line hand an argument to the interpreter? -1: it is no script. */
static __always_inline int shebang_argument(struct linux_binprm *bprm)
{
	struct ih_first_line line = { 0 };

	bpf_probe_read_kernel(line.bytes, sizeof(line.bytes), bprm->buf);
	if (line.bytes[0] != '#' || line.bytes[1] != '!')
		return -1;
	bpf_loop(SHEBANG_MAX - 2, line_byte, &line, 0);
	return line.words > 1;
}

/* R and irb are scripts, and on NixOS python3 is one of makeWrapper's: what they are given is read
 * as the interpreter's, too, in args.bpf.c. */
static __always_inline int note_namesake(struct linux_binprm *bprm,
					 const struct ih_inode_state *state)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct ih_namesake *namesake;
	struct ih_task_state *me;
	int argument;

	if (!state->grammar)
		return 0;
	argument = shebang_argument(bprm);
	if (argument < 0)
		return 0;
	namesake = bpf_task_storage_get(&ih_namesakes, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!namesake)
		return -EPERM;
	me = ih_me();
	namesake->grammar = state->grammar;
	namesake->argument = argument == 1;
	namesake->provenance = me ? me->provenance : IH_PROVENANCE_UNVERIFIED;
	if (me && ih_is_by_table(me))
		namesake->provenance = IH_PROVENANCE_INTERACTIVE;
	return 0;
}

static __always_inline int exec_file(struct linux_binprm *bprm, struct file *file, __u16 act)
{
	const struct ih_gate_config *config = ih_gate();
	struct ih_inode_state *state;
	struct ih_event *e;

	if (!ih_is_ready(config))
		return -EPERM;
	state = ih_inode(file->f_inode, config->epoch);
	if (state && state->trust >= config->min_trust)
		return act == IH_ACT_EXEC ? note_namesake(bprm, state) : 0;
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
	return exec_file(bprm, bprm->file, IH_ACT_EXEC);
}

/* The only exec hook that AT_EXECVE_CHECK reaches (fs/exec.c, from 6.14). */
SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(ih_bprm_creds, struct linux_binprm *bprm, int ret)
{
	struct linux_binprm___check *check = (void *)bprm;
	struct ih_namesake *namesake;

	if (ret)
		return ret;
	namesake = bpf_task_storage_get(&ih_namesakes, bpf_get_current_task_btf(), NULL, 0);
	if (namesake)
		namesake->grammar = 0;
	if (bpf_core_field_exists(check->is_check) && BPF_CORE_READ_BITFIELD(check, is_check))
		return exec_file(bprm, bprm->file, IH_ACT_CHECK);
	return 0;
}
