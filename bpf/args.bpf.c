// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The argument gate: what argv and environment mean to an interpreter, read from the kernel's own
 * copy on the new stack, where nobody can change them any more (exec_update_lock is held from
 * exec_mmap() to setup_new_exec(), fs/exec.c). By then execve() cannot fail: a refusal kills the
 * process before its first instruction, and the guard explains it. Files that carry code are not
 * looked at here: their names are written down, and code.bpf.c judges them when they are opened.
 */
#include "bpf/arguments.h"
#include "bpf/descriptors.h"
#include "bpf/unit.h"

#define SIGKILL 9

struct ih_map_rules {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * IH_RULES_MAX);
	__type(key, __u32);
	__type(value, struct ih_rule);
};
struct ih_map_rules ih_rules SEC(".maps");

/* What a policy calls the interpreter of a grammar: struct ih_facts.interpreter. */
struct ih_map_names {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * IH_TABLES_GRAMMARS);
	__type(key, __u32);
	__type(value, __u16);
};
struct ih_map_names ih_names SEC(".maps");

struct ih_ruling {
	struct ih_facts facts;
	struct ih_decision decision;
	__u32 slot;
};

static int rule_step(__u32 index, struct ih_ruling *ruling)
{
	__u32 key = ruling->slot * IH_RULES_MAX + index;
	struct ih_rule *rule;

	if (ruling->decision.done)
		return 1;
	rule = bpf_map_lookup_elem(&ih_rules, &key);
	return !rule || ih_decide_step(&ruling->decision, &ruling->facts, rule, index + 1);
}

static __always_inline void decide(const struct ih_gate_config *config, struct ih_ruling *ruling)
{
	if (ih_decide_begin(&ruling->decision, &ruling->facts))
		bpf_loop(config->n_rules & 2047, rule_step, ruling, 0);
	ih_decide_end(&ruling->decision, &ruling->facts);
}

static __always_inline void report(const struct ih_gate_config *config,
				   const struct ih_ruling *ruling, struct file *file)
{
	struct ih_event *e = ih_event_begin(IH_ACT_ARGUMENTS, ruling->decision.answer.reason);

	if (e) {
		e->verdict = ruling->decision.answer.verdict;
		e->rule = ruling->decision.answer.rule;
		e->trust = ruling->facts.program;
		e->provenance = ruling->facts.provenance;
		e->mode = ruling->facts.mode;
		ih_event_file(e, file);
		bpf_d_path(&file->f_path, e->path, sizeof(e->path));
	}
	(void)ih_event_end(e, config);
}

/* A service manager of somebody who is not root: that person writes its units. */
static __always_inline bool is_own_manager(const struct ih_inode_state *state)
{
	return (state->flags & IH_SEED_MANAGER) && (__u32)bpf_get_current_uid_gid();
}

/* What the task is from now on, given what it is allowed to run. */
static __always_inline void become(struct ih_task_state *me, const struct ih_inode_state *state,
				   __u32 mode)
{
	me->grammar = state->grammar;
	me->flags = state->flags;
	if ((state->flags & IH_SEED_LOGIN) || is_own_manager(state) || mode == IH_MODE_INTERACTIVE)
		me->provenance = IH_PROVENANCE_INTERACTIVE;
	else if (!(state->flags & IH_SEED_LAUNCHER))
		me->provenance = IH_PROVENANCE_VERIFIED;
}

static __always_inline void facts_of(struct ih_facts *facts, const struct ih_reading *r,
				     __u8 provenance, __u8 trust)
{
	facts->flags = r->facts;
	facts->provenance = provenance;
	facts->program = trust;
	facts->sources = trust; /* the files are judged when they are opened */
	facts->n_sources = 1;
	facts->uid = (__u32)bpf_get_current_uid_gid();
	facts->gid = (__u32)(bpf_get_current_uid_gid() >> 32);
}

static __always_inline void begin_reading(struct ih_reading *r, struct linux_binprm *bprm,
					  __u32 grammar, __u32 before)
{
	r->start = bprm->p;
	r->end = bprm->exec;
	r->before = before;
	r->argc = (__u32)bprm->argc - before;
	r->grammar = grammar - 1;
}

/* struct ih_facts.interpreter */
static __always_inline __u16 name_of(const struct ih_tables *t, const struct ih_reading *r,
				     __u32 slot)
{
	__u32 name = slot * IH_TABLES_GRAMMARS + owner_of(t, &r->scan);
	__u16 *named = bpf_map_lookup_elem(&ih_names, &name);

	return named ? *named : 0;
}

static __always_inline bool has_namesake(void)
{
	struct ih_namesake *namesake =
		bpf_task_storage_get(&ih_namesakes, bpf_get_current_task_btf(), NULL, 0);

	return namesake && namesake->grammar;
}

/* What a loader will map stands in its words. */
static __always_inline void note_inner(const struct ih_tables *t, struct ih_reading *r,
				       const struct ih_inode_state *state)
{
	const struct ih_grammar_entry *g = IH_SCAN_GRAM(t, state->grammar - 1);

	r->code.argc = r->argc + r->before;
	if (!(g->style & IH_STYLE_LOADER))
		r->code.inner = 0;
}

/* What the policy says about an interpreter. Return: false when it must not run. */
static __always_inline bool judge_interpreter(struct ih_reading *r, struct file *file,
					      struct ih_task_state *me,
					      const struct ih_inode_state *state)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const struct ih_gate_config *config = ih_gate();
	struct ih_ruling ruling = { .slot = ih_slot_now() };
	const struct ih_tables *t = ih_tables_now();
	struct ih_code_state *code;
	__u8 before = me->provenance;
	bool stays;
	__u32 kind;

	code = bpf_task_storage_get(&ih_codes, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!code || !config || !t)
		return false;
	r->by_table = ih_is_by_table(me) && (state->flags & IH_SEED_SHELL);
	kind = stdin_kind();
	ruling.facts.mode = read_arguments(r, t, kind);
	ruling.facts.interpreter = name_of(t, r, ruling.slot);
	facts_of(&ruling.facts, r, me->provenance, state->trust);
	judge_descriptors(r, kind, &ruling.facts);
	/* "/usr/bin/x y" in a crontab: cron's own way to start what that person may start */
	if (ruling.facts.mode == IH_MODE_INLINE && r->command && !r->impure)
		ruling.facts.provenance = IH_PROVENANCE_VERIFIED;
	ruling.facts.unit = (__u32)ih_unit_now(ruling.slot);
	note_inner(t, r, state);
	/* what ih_named wrote stays, whichever of the two runs first */
	__builtin_memcpy(code, &r->code, __builtin_offsetof(struct ih_code_state, also));
	if (!has_namesake())
		__builtin_memset(code->also, 0, sizeof(code->also));
	/* cmake -E env sh -c …, and text: what comes of it is the doing of who handed it over */
	stays = (r->scan.seen & IH_SEEN_COMMAND) || ruling.facts.mode == IH_MODE_INLINE ||
		ruling.facts.mode == IH_MODE_STDIN;
	bpf_task_storage_delete(&ih_readings, task);
	decide(config, &ruling);
	if (ruling.decision.answer.verdict != IH_ALLOW)
		report(config, &ruling, file);
	become(me, state, ruling.facts.mode);
	if (stays && before < me->provenance)
		me->provenance = before;
	return !ih_answer_stops(&ruling.decision.answer);
}

/* Return: false when it must not run. */
static __always_inline bool judge_exec(struct linux_binprm *bprm, struct ih_task_state *me,
				       const struct ih_inode_state *state)
{
	struct ih_reading *r = bpf_task_storage_get(&ih_readings, bpf_get_current_task_btf(), NULL,
						    BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!r)
		return false;
	begin_reading(r, bprm, state->grammar, 0);
	return judge_interpreter(r, bprm->file, me, state);
}

SEC("lsm.s/bprm_committing_creds")
int BPF_PROG(ih_args, struct linux_binprm *bprm)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const struct ih_gate_config *config = ih_gate();
	struct ih_inode_state *state;
	struct ih_task_state *me;
	bool may = true;

	if (!ih_is_ready(config) || !ih_tables_now())
		return 0; /* exec.bpf.c has refused it */
	me = bpf_task_storage_get(&ih_tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	state = ih_inode(bprm->file->f_inode, config->epoch);
	if (me && ih_is_by_table(me))
		me->provenance = IH_PROVENANCE_INTERACTIVE;
	if (!me || !state) {
		if (me)
			__builtin_memset(me, 0, sizeof(*me));
		may = false;
	} else if (!state->grammar) {
		become(me, state, IH_MODE_PROGRAM);
	} else {
		may = judge_exec(bprm, me, state);
	}
	if (!may && !config->audit)
		bpf_send_signal(SIGKILL);
	return 0;
}

/* A script with an interpreter's name: the same words once more, by that interpreter's grammar. */
SEC("lsm.s/bprm_committing_creds")
int BPF_PROG(ih_named, struct linux_binprm *bprm)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const struct ih_gate_config *config = ih_gate();
	const struct ih_tables *t = ih_tables_now();
	struct ih_ruling ruling = { .slot = ih_slot_now() };
	struct ih_namesake *namesake;
	struct ih_code_state *code;
	struct ih_reading *r;
	__u32 kind;

	namesake = bpf_task_storage_get(&ih_namesakes, task, NULL, 0);
	if (!namesake || !namesake->grammar || !ih_is_ready(config) || !t)
		return 0;
	r = bpf_task_storage_get(&ih_readings, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	code = bpf_task_storage_get(&ih_codes, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!r || !code) {
		bpf_send_signal(SIGKILL);
		return 0;
	}
	begin_reading(r, bprm, namesake->grammar, 1 + (namesake->argument & 1));
	kind = stdin_kind();
	ruling.facts.mode = read_arguments(r, t, kind);
	ruling.facts.interpreter = name_of(t, r, ruling.slot);
	facts_of(&ruling.facts, r, namesake->provenance, IH_TRUST_SEALED);
	judge_descriptors(r, kind, &ruling.facts);
	ruling.facts.unit = (__u32)ih_unit_now(ruling.slot);
	if (r->code.n > IH_CODE_ALSO_MAX)
		ruling.facts.mode = IH_MODE_UNCLEAR;
	for (int i = 0; i < IH_CODE_ALSO_MAX; i++)
		code->also[i] = r->code.names[i] & ~IH_CODE_AWAITED;
	bpf_task_storage_delete(&ih_readings, task);
	decide(config, &ruling);
	if (ruling.decision.answer.verdict != IH_ALLOW)
		report(config, &ruling, bprm->file);
	if (ih_answer_stops(&ruling.decision.answer) && !config->audit)
		bpf_send_signal(SIGKILL);
	return 0;
}

/* Where the words and variables of a process lie once its exec is done. Return: false before. */
static __always_inline bool begin_again(struct ih_reading *r, const struct ih_code_state *code,
					__u32 grammar)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	r->start = BPF_CORE_READ(mm, arg_start);
	r->end = BPF_CORE_READ(mm, env_end);
	r->before = code->inner;
	r->argc = code->argc - code->inner;
	r->grammar = grammar - 1;
	return r->end != 0;
}

/*
 * `ld.so /usr/bin/python3 -c …`: no exec follows the loader. It maps what it was told to run, and
 * the words behind that are then read as if it had been executed. Nothing but the loader has run in
 * this process by then, so that nobody changed them.
 */
SEC("lsm.s/mmap_file")
int BPF_PROG(ih_loaded, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const struct ih_gate_config *config = ih_gate();
	struct ih_inode_state *state;
	struct ih_code_state *code;
	struct ih_task_state *me;
	struct ih_reading *r;

	if (ret || !(prot & PROT_EXEC) || ih_first_is_null(ctx) || !file || !ih_is_ready(config))
		return ret;
	me = bpf_task_storage_get(&ih_tasks, task, NULL, 0);
	code = me && me->grammar ? bpf_task_storage_get(&ih_codes, task, NULL, 0) : NULL;
	if (!code || !code->inner)
		return 0;
	state = ih_inode(file->f_inode, config->epoch);
	if (!state || !state->grammar)
		return 0; /* memory.bpf.c refuses what nobody vouches for */
	r = bpf_task_storage_get(&ih_readings, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!r)
		return -EPERM;
	if (!begin_again(r, code, state->grammar)) { /* the kernel maps the loader itself */
		bpf_task_storage_delete(&ih_readings, task);
		return 0;
	}
	return judge_interpreter(r, file, me, state) || config->audit ? 0 : -EPERM;
}
