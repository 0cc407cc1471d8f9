// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The argument gate: what argv and environment mean to an interpreter, read from the kernel's own
 * copy on the new stack, where nobody can change them any more (exec_update_lock is held from
 * exec_mmap() to setup_new_exec(), fs/exec.c). By then execve() cannot fail: a refusal kills the
 * process before its first instruction, and the guard explains it. Files that carry code are not
 * looked at here; file.bpf.c judges them when they are opened.
 */
#define IH_SCAN_IN_KERNEL

#include "bpf/judge.h"

#include "common/abi/grammar.h"

#define STEPS_MAX    16384 /* strings, and 4 KiB parts of long ones; more is cut off */
#define SIGKILL	     9
#define ENV_NAME_MAX 80

struct ih_map_tables {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ih_tables);
};
struct ih_map_tables ih_grammars SEC(".maps");

static __always_inline const struct ih_tables *ih_tables_now(void)
{
	__u32 zero = 0, slot = 0;
	__u32 *active = bpf_map_lookup_elem(&ih_active, &zero);

	if (active)
		slot = *active & 1;
	return bpf_map_lookup_elem(&ih_grammars, &slot);
}

#define IH_SCAN_TABLES(s)    ((void)(s), ih_tables_now())
#define IH_SCAN_RULE(t, i)   (&(t)->rules[(i) & (IH_TABLES_RULES - 1)])
#define IH_SCAN_GRAM(t, i)   (&(t)->grammars[(i) & (IH_TABLES_GRAMMARS - 1)])
#define IH_SCAN_SLOT(t, i)   (&(t)->slots[(i) & (IH_TABLES_SLOTS - 1)])
#define IH_SCAN_STRING(t, i) ((t)->strings[(i) & (IH_TABLES_STRINGS - 1)])

#include "common/abi/scan.h"

/* One reading of a command line: too large for the stack, so it lives with the task. */
struct ih_reading {
	struct ih_scan scan;
	char rest[IH_SCAN_TEXT_MAX]; /* what is skipped of a long string */
	__u64 start, at, end;	     /* the new stack */
	__u32 argc, number;	     /* of arguments; of the string at hand */
	__u32 first;		     /* where the walk begins: 0 when argv[0] is a word (busybox) */
	__u32 variables;	     /* 1: look at the environment as well */
	__u32 skipping, failed;
	__u32 facts; /* IH_FACT_… */
	__u32 name;  /* length of the variable's name at hand */
};

struct ih_map_reading {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ih_reading);
};
struct ih_map_reading ih_readings SEC(".maps");

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

#define EXPANSION_MAX 512 /* bytes of a value that are looked at; a longer one counts */

/* 1 or 0, in a way that the compiler does not make a branch of again. */
static __always_inline __u32 is_same(__u32 a, __u32 b)
{
	__u32 same = ((a ^ b) - 1) >> 31;

	asm volatile("" : "+r"(same));
	return same;
}

/* For @b up to 2^31. */
static __always_inline __u32 is_below(__u32 a, __u32 b)
{
	__u32 below = ((a - b) & ~a) >> 31;

	asm volatile("" : "+r"(below));
	return below;
}

/* Would a shell run something when it expands the value that begins at @i? Without branches, which
 * the verifier would all follow. */
__attribute__((noinline)) int ih_has_expansion(struct ih_reading *r)
{
	__u32 found = 0, len, i;
	struct ih_scan *s;

	if (!r)
		return 1;
	s = &r->scan;
	len = s->text.len;
	i = r->name + 1;
	if (len > i + EXPANSION_MAX)
		return 1;
	for (__u32 n = 0; n < EXPANSION_MAX; n++, i++) {
		__u32 within = is_below(i, len), c = (__u8)IH_SCAN_BYTE(s, i);

		found |= within & (is_same(c, '`') |
				   (is_same(c, '$') & is_same((__u8)IH_SCAN_BYTE(s, i + 1), '(')));
	}
	return found;
}

/* What the variable with the name's length in r->name carries. */
__attribute__((noinline)) int ih_judge_variable(struct ih_reading *r)
{
	const struct ih_tables *t = ih_tables_now();
	const struct ih_rule_entry *rule;
	struct ih_scan *s;
	int at;

	if (!r || !t)
		return -1;
	s = &r->scan;
	at = ih_scan_variable(s, s->grammar, r->name);
	if (at < 0)
		return 0;
	rule = IH_SCAN_RULE(t, IH_SCAN_SLOT(t, at)->rule);
	if (!ih_scan_applies(rule, s->flags))
		return 0;
	if (rule->role == IH_ROLE_UNCLEAR)
		r->facts |= IH_FACT_ENV_UNCLEAR;
	/* A shell expands names of files, too: BASH_ENV='$(…)'. */
	if (rule->role == IH_ROLE_FILE || rule->test == IH_TEST_EXPANSION) {
		if (ih_has_expansion(r))
			r->facts |= IH_FACT_ENV_CODE;
		return 0;
	}
	if (rule->role != IH_ROLE_INLINE && rule->role != IH_ROLE_SHELL)
		return 0;
	if (rule->test != IH_TEST_FUNCTION || IH_SCAN_BYTE(s, r->name + 1) == '(')
		r->facts |= IH_FACT_ENV_CODE;
	return 0;
}

/* A variable that is code itself, or nobody knows. Files and paths are judged when opened. In
 * functions of its own, so that the verifier forgets how long the name was. */
__attribute__((noinline)) int ih_read_variable(struct ih_reading *r)
{
	__u32 name;

	if (!r)
		return -1;
	name = ih_scan_equals(&r->scan, ENV_NAME_MAX);
	r->name = name;
	if (name == 0 || name >= ENV_NAME_MAX || name + 1 >= r->scan.text.len)
		return 0; /* no name that any rule has, or an empty value */
	return ih_judge_variable(r);
}

#define ARGV0_MAX  256
#define APPLET_MAX 64

/* argv[0] of a multi-call program is the first word of its command line, without a directory.
 * Return: 1 when it is to be read as such. */
__attribute__((noinline)) int ih_read_name(struct ih_reading *r)
{
	__u32 begin = 0, len, i;
	struct ih_scan *s;

	if (!r)
		return -1;
	s = &r->scan;
	if (IH_SCAN_BYTE(s, 0) == '-')
		s->flags |= IH_FLAG_LOGIN;
	if (r->first)
		return 0;
	len = s->text.len;
	for (i = 0; i < ARGV0_MAX; i++) {
		__u32 here = -(is_same((__u8)IH_SCAN_BYTE(s, i), '/') & is_below(i, len));

		begin = (begin & ~here) | ((i + 1) & here);
	}
	if (len > ARGV0_MAX || len - begin > APPLET_MAX)
		return ih_scan_unclear(s, IH_SCAN_WHY_OPERAND, 0, 0);
	for (i = 0; i < APPLET_MAX; i++)
		IH_SCAN_BYTE(s, i) = IH_SCAN_BYTE(s, begin + i);
	s->text.len = len - begin;
	s->state = IH_SCAN_OPERANDS;
	return 1;
}

#define MODULE_MAX 128

/* Text that is pasted into code (perl -M) is harmless while it is the name of a module, and its
 * list of plain words. */
__attribute__((noinline)) int ih_judge_pasted(struct ih_reading *r)
{
	const struct ih_tables *t = ih_tables_now();
	__u32 odd = 0, len, at;

	if (!r || !t || r->scan.hit.rule == IH_SCAN_NONE)
		return 0;
	if (IH_SCAN_RULE(t, r->scan.hit.rule)->role != IH_ROLE_PASTED)
		return 0;
	len = r->scan.hit.len;
	at = r->scan.hit.offset;
	for (__u32 i = 0; i < MODULE_MAX; i++) {
		__u32 c = (__u8)IH_SCAN_BYTE(&r->scan, at + i);
		__u32 letter = is_below((c | 32) - 'a', 26), digit = is_below(c - '0', 10);
		__u32 other = is_same(c, ':') | is_same(c, '_') | is_same(c, '=') |
			      is_same(c, ',') | is_same(c, '.') | is_same(c, '-');

		odd |= is_below(i, len) & ~(letter | digit | other) & 1;
	}
	if (odd || len > MODULE_MAX)
		r->scan.seen |= IH_SEEN_INLINE;
	return 0;
}

static __always_inline void read_string(struct ih_reading *r)
{
	if (r->number >= r->argc) {
		if (r->variables)
			(void)ih_read_variable(r);
		return;
	}
	if (r->number == 0 && ih_read_name(r) <= 0)
		return;
	if (r->scan.state != IH_SCAN_STOPPED)
		(void)ih_scan_read(&r->scan); /* scan.why says when it is unclear */
	(void)ih_judge_pasted(r);
}

/* One string of the new stack, or 4 KiB of one. Return: 1 ends the loop. */
static int step(__u32 index, struct ih_reading **context)
{
	struct ih_reading *r = *context;
	long n;

	if (r->at >= r->end || r->failed)
		return 1;
	if (!r->variables && r->number >= r->argc)
		return 1;
	if (r->skipping)
		n = bpf_probe_read_user_str(r->rest, sizeof(r->rest), (void *)r->at);
	else
		n = bpf_probe_read_user_str(r->scan.text.bytes, IH_SCAN_TEXT_MAX, (void *)r->at);
	if (n <= 0) {
		r->failed = 1;
		return 1;
	}
	if (!r->skipping) {
		r->scan.text.len = (__u32)n - 1;
		read_string(r);
		r->number++;
	}
	r->skipping = n == IH_SCAN_TEXT_MAX;
	r->at += r->skipping ? n - 1 : n;
	return 0;
}

/* One walk over argv, and the environment when @final says what operands mean. */
static __always_inline void walk(struct ih_reading *r, __u32 grammar, __u32 flags, __u32 final)
{
	struct ih_reading *context = r;

	r->at = r->start;
	r->number = 0;
	r->skipping = 0;
	r->variables = final != 0;
	ih_scan_reset(&r->scan, grammar, flags);
	r->scan.final = final;
	bpf_loop(STEPS_MAX, step, &context, 0);
	if (r->at < r->end && r->variables)
		r->failed = 1;
	(void)ih_scan_end(&r->scan);
}

static __always_inline bool stdin_is_terminal(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct file **table, *file = NULL;
	struct inode *inode;
	__u32 device;

	table = BPF_CORE_READ(task, files, fdt, fd);
	if (!table || bpf_probe_read_kernel(&file, sizeof(file), table) || !file)
		return false;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFCHR)
		return false;
	device = BPF_CORE_READ(inode, i_rdev) >> 20;
	return device == 4 || device == 5 || (device >= 136 && device <= 143);
}

/* A multi-call program called by another name than its own. */
static __always_inline bool is_called_otherwise(const struct ih_tables *t, __u32 grammar)
{
	const struct ih_grammar_entry *g = IH_SCAN_GRAM(t, grammar);

	return (g->style & IH_STYLE_MULTI) && g->n_slots &&
	       IH_SCAN_RULE(t, g->first_slot)->role == IH_ROLE_SUBCOMMAND;
}

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

static __always_inline __u32 active_slot(void)
{
	__u32 zero = 0, *active = bpf_map_lookup_elem(&ih_active, &zero);

	return active ? *active & 1 : 0;
}

static __always_inline void decide(const struct ih_gate_config *config, struct ih_ruling *ruling)
{
	if (ih_decide_begin(&ruling->decision, &ruling->facts))
		bpf_loop(config->n_rules & 2047, rule_step, ruling, 0);
	ih_decide_end(&ruling->decision, &ruling->facts);
}

static __always_inline void report(const struct ih_gate_config *config,
				   const struct ih_ruling *ruling, struct linux_binprm *bprm)
{
	struct ih_event *e = ih_event_begin(IH_ACT_ARGUMENTS, ruling->decision.answer.reason);

	if (e) {
		e->verdict = ruling->decision.answer.verdict;
		e->rule = ruling->decision.answer.rule;
		e->trust = ruling->facts.program;
		e->provenance = ruling->facts.provenance;
		e->mode = ruling->facts.mode;
		ih_event_file(e, bprm->file);
		bpf_d_path(&bprm->file->f_path, e->path, sizeof(e->path));
	}
	(void)ih_event_end(e, config);
}

/* What the task is from now on, given what it is allowed to run. */
static __always_inline void become(struct ih_task_state *me, const struct ih_inode_state *state,
				   __u32 mode)
{
	me->grammar = state->grammar;
	me->flags = state->flags;
	me->phase = mode == IH_MODE_SCRIPT || mode == IH_MODE_MODULE ? IH_PHASE_START
								     : IH_PHASE_RUN;
	if (state->flags & IH_SEED_LOGIN || mode == IH_MODE_INTERACTIVE)
		me->provenance = IH_PROVENANCE_INTERACTIVE;
	else if (!(state->flags & IH_SEED_LAUNCHER))
		me->provenance = IH_PROVENANCE_VERIFIED;
}

static __always_inline __u8 read_arguments(struct ih_reading *r, const struct ih_tables *t,
					   __u32 grammar)
{
	__u32 flags = stdin_is_terminal() ? IH_FLAG_TTY : 0;

	r->facts = 0;
	r->failed = 0;
	r->first = !is_called_otherwise(t, grammar);
	walk(r, grammar, flags, 0);
	walk(r, grammar, flags, r->scan.flags | IH_FLAG_FINAL);
	if (r->failed)
		r->facts |= IH_FACT_CUT_OFF;
	return r->failed ? IH_MODE_UNCLEAR : (__u8)ih_scan_mode(&r->scan);
}

SEC("lsm.s/bprm_committing_creds")
int BPF_PROG(ih_args, struct linux_binprm *bprm)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const struct ih_gate_config *config = ih_gate();
	const struct ih_tables *t = ih_tables_now();
	struct ih_ruling ruling = { .slot = active_slot() };
	struct ih_inode_state *state;
	struct ih_task_state *me;
	struct ih_reading *r;
	__u32 name;
	__u16 *named;

	if (!ih_is_ready(config) || !t)
		return 0; /* exec.bpf.c has refused it */
	me = bpf_task_storage_get(&ih_tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	state = ih_inode(bprm->file->f_inode, config->epoch);
	if (!me || !state) {
		if (me)
			__builtin_memset(me, 0, sizeof(*me));
		if (!config->audit)
			bpf_send_signal(SIGKILL);
		return 0;
	}
	if (!state->grammar) {
		become(me, state, IH_MODE_PROGRAM);
		return 0;
	}
	r = bpf_task_storage_get(&ih_readings, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!r) {
		bpf_send_signal(SIGKILL);
		return 0;
	}
	r->start = bprm->p;
	r->end = bprm->exec;
	r->argc = (__u32)bprm->argc;
	ruling.facts.mode = read_arguments(r, t, state->grammar - 1);
	name = ruling.slot * IH_TABLES_GRAMMARS +
	       (IH_SCAN_GRAM(t, r->scan.grammar)->parent & (IH_TABLES_GRAMMARS - 1));
	named = bpf_map_lookup_elem(&ih_names, &name);
	ruling.facts.interpreter = named ? *named : 0;
	ruling.facts.flags = r->facts;
	ruling.facts.provenance = me->provenance;
	ruling.facts.program = state->trust;
	ruling.facts.sources = state->trust; /* the files are judged when they are opened */
	ruling.facts.n_sources = 1;
	ruling.facts.uid = (__u32)bpf_get_current_uid_gid();
	ruling.facts.gid = (__u32)(bpf_get_current_uid_gid() >> 32);
	bpf_task_storage_delete(&ih_readings, task);
	decide(config, &ruling);
	if (ruling.decision.answer.verdict != IH_ALLOW)
		report(config, &ruling, bprm);
	if (ih_answer_stops(&ruling.decision.answer) && !config->audit)
		bpf_send_signal(SIGKILL);
	become(me, state, ruling.facts.mode);
	return 0;
}
