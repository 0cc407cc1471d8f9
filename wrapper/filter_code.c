/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small assembler, and the machine to try its programs on. libseccomp's programs are right, but
 * it compares 64 bits where 32 count and needs a rule a bit for "any of these": half as long again,
 * which the kernel converts, compiles and tries at each exec.
 */
#include "wrapper/filter_code.h"

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#define LEAF	   3 /* so many numbers are compared one by one */
#define LABELS_MAX 512
#define X32_BIT	   0x40000000U

#define OP_LOAD	    (BPF_LD | BPF_W | BPF_ABS)
#define OP_AND	    (BPF_ALU | BPF_AND | BPF_K)
#define OP_JUMP(op) ((uint16_t)(BPF_JMP | BPF_##op | BPF_K))

/* Jumps go forwards only, to labels that are put somewhere behind; NEXT is the next instruction. */
enum label { NEXT = 0, ALLOW, KILL, FIRST_FREE };

struct program {
	struct sock_filter *code;
	int n;
	struct {
		int yes, no;
	} jumps[IH_FILTER_MAX];
	int labels[LABELS_MAX];
	int n_labels;
	bool too_long;
};

struct action {
	uint32_t what;
	int label;
};

struct actions {
	struct action list[16];
	size_t n;
};

static void put(struct program *p, uint16_t op, uint32_t k, int yes, int no)
{
	if (p->n == IH_FILTER_MAX) {
		p->too_long = true;
		return;
	}
	p->code[p->n] = (struct sock_filter){ .code = op, .k = k };
	p->jumps[p->n].yes = yes;
	p->jumps[p->n].no = no;
	p->n++;
}

static int new_label(struct program *p)
{
	if (p->n_labels == LABELS_MAX) {
		p->too_long = true;
		return NEXT;
	}
	return p->n_labels++;
}

static void put_label(struct program *p, int label)
{
	p->labels[label] = p->n;
}

/* One return instruction for each action. */
static int action_label(struct program *p, struct actions *a, uint32_t what)
{
	if (what == SECCOMP_RET_ALLOW)
		return ALLOW;
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].what == what)
			return a->list[i].label;
	if (a->n == sizeof(a->list) / sizeof(a->list[0])) {
		p->too_long = true;
		return KILL;
	}
	a->list[a->n] = (struct action){ what, new_label(p) };
	return a->list[a->n++].label;
}

static size_t same_number(const struct ih_filter_call calls[], size_t n)
{
	size_t i = 1;

	while (i < n && calls[i].number == calls[0].number)
		i++;
	return i;
}

/* The rules of one call that looks at its arguments; it does not come out at its end. */
static void put_call(struct program *p, struct actions *a, const struct ih_filter_call calls[],
		     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ih_filter_call *c = &calls[i];
		const int then = action_label(p, a, c->action), or_else = i + 1 < n ? NEXT : ALLOW;
		const bool masked = c->test == IH_FILTER_EQUAL && c->mask != UINT32_MAX;

		put(p, OP_LOAD, (uint32_t)offsetof(struct seccomp_data, args[c->arg]), NEXT, NEXT);
		if (masked)
			put(p, OP_AND, c->mask, NEXT, NEXT);
		if (c->test == IH_FILTER_EQUAL)
			put(p, OP_JUMP(JEQ), c->value, then, or_else);
		else if (c->test == IH_FILTER_ANY)
			put(p, OP_JUMP(JSET), c->mask, then, or_else);
		else
			put(p, OP_JUMP(JSET), c->mask, or_else, then);
	}
}

/* Where each number's rules begin. */
struct group {
	const struct ih_filter_call *calls;
	size_t n;
	int label;
};

static void put_search(struct program *p, const struct group groups[], size_t n)
{
	int above;

	if (n <= LEAF) {
		for (size_t i = 0; i < n; i++)
			put(p, OP_JUMP(JEQ), (uint32_t)groups[i].calls->number, groups[i].label,
			    i + 1 < n ? NEXT : ALLOW);
		return;
	}
	above = new_label(p);
	put(p, OP_JUMP(JGE), (uint32_t)groups[n / 2].calls->number, above, NEXT);
	put_search(p, groups, n / 2);
	put_label(p, above);
	put_search(p, groups + n / 2, n - n / 2);
}

static int offset_of(const struct program *p, int at, int label)
{
	return label == NEXT ? 0 : p->labels[label] - at - 1;
}

static int resolve(struct program *p)
{
	for (int i = 0; i < p->n && !p->too_long; i++) {
		int yes = offset_of(p, i, p->jumps[i].yes), no = offset_of(p, i, p->jumps[i].no);

		if (yes < 0 || yes > UINT8_MAX || no < 0 || no > UINT8_MAX)
			p->too_long = true;
		p->code[i].jt = (uint8_t)yes;
		p->code[i].jf = (uint8_t)no;
	}
	return p->too_long ? -E2BIG : p->n;
}

/* -1 is what a tracer puts in place of a call that shall not be made, and no number of x32. */
static void put_head(struct program *p, uint32_t native)
{
	const int is_call = new_label(p);

	put(p, OP_LOAD, offsetof(struct seccomp_data, arch), NEXT, NEXT);
	put(p, OP_JUMP(JEQ), native, NEXT, KILL);
	put(p, OP_LOAD, offsetof(struct seccomp_data, nr), NEXT, NEXT);
	if (native == AUDIT_ARCH_X86_64) {
		put(p, OP_JUMP(JGE), X32_BIT, NEXT, is_call);
		put(p, OP_JUMP(JEQ), UINT32_MAX, ALLOW, KILL);
	}
	put_label(p, is_call);
}

int ih_filter_compile(const struct ih_filter_call calls[], size_t n, uint32_t native,
		      struct sock_filter ret[IH_FILTER_MAX])
{
	struct program p = { .code = ret, .n_labels = FIRST_FREE };
	struct group groups[IH_FILTER_MAX];
	struct actions actions = { .n = 0 };
	size_t n_groups = 0;

	if (n > IH_FILTER_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i += groups[n_groups++].n) {
		struct group *g = &groups[n_groups];

		g->calls = &calls[i];
		g->n = same_number(&calls[i], n - i);
		g->label = calls[i].test == IH_FILTER_ALWAYS
				   ? action_label(&p, &actions, calls[i].action)
				   : new_label(&p);
	}
	put_head(&p, native);
	put_search(&p, groups, n_groups);
	for (size_t i = 0; i < n_groups; i++) {
		if (groups[i].calls->test == IH_FILTER_ALWAYS)
			continue;
		put_label(&p, groups[i].label);
		put_call(&p, &actions, groups[i].calls, groups[i].n);
	}
	put_label(&p, ALLOW);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, NEXT, NEXT);
	put_label(&p, KILL);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, NEXT, NEXT);
	for (size_t i = 0; i < actions.n; i++) {
		put_label(&p, actions.list[i].label);
		put(&p, BPF_RET | BPF_K, actions.list[i].what, NEXT, NEXT);
	}
	return resolve(&p);
}

static bool jumps(const struct sock_filter *i, uint32_t a)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return a == i->k;
	case BPF_JGT:
		return a > i->k;
	case BPF_JGE:
		return a >= i->k;
	case BPF_JSET:
		return a & i->k;
	default:
		return false;
	}
}

uint32_t ih_filter_answer(const struct sock_filter code[], size_t n,
			  const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &code[pc];

		if (i->code == (BPF_RET | BPF_K))
			return i->k;
		if (i->code == OP_LOAD && i->k <= sizeof(*data) - sizeof(a))
			memcpy(&a, (const char *)data + i->k, sizeof(a));
		else if (i->code == OP_AND)
			a &= i->k;
		else if (i->code == (BPF_JMP | BPF_JA))
			pc += i->k;
		else if (BPF_CLASS(i->code) == BPF_JMP && BPF_SRC(i->code) == BPF_K)
			pc += jumps(i, a) ? i->jt : i->jf;
		else
			break;
	}
	return SECCOMP_RET_KILL_PROCESS;
}
