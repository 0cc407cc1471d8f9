/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bpf/arguments.h as a program that is attached to nothing and run by BPF_PROG_TEST_RUN on strings
 * of the process that runs it: the very text of the argument gate, on a kernel that needs no LSM.
 */
#include "bpf/arguments.h"

#include "tests/bpf/arguments.h"

struct ih_map_active ih_active SEC(".maps");
struct ih_map_config ih_config SEC(".maps");
struct ih_map_inodes ih_inodes SEC(".maps");
struct ih_map_tasks ih_tasks SEC(".maps");
struct ih_map_codes ih_codes SEC(".maps");
struct ih_map_alike ih_namesakes SEC(".maps");
struct ih_map_tables ih_grammars SEC(".maps");
struct ih_map_trees ih_trees SEC(".maps");
struct ih_map_seeds ih_seeds SEC(".maps");
struct ih_map_events ih_events SEC(".maps");
struct ih_map_counts ih_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ih_reading);
} reading SEC(".maps");

SEC("syscall")
int read_strings(struct question *q)
{
	const struct ih_tables *t = ih_tables_now();
	struct ih_reading *r;
	__u32 zero = 0;

	r = bpf_map_lookup_elem(&reading, &zero);
	if (!r || !t)
		return -1;
	r->start = q->start;
	r->end = q->end;
	r->before = 0;
	r->argc = q->argc;
	r->grammar = q->grammar;
	q->mode = read_arguments(r, t, q->kind);
	q->facts = r->facts;
	q->n = r->code.n;
	q->outside = r->outside;
	for (int i = 0; i < QUESTION_NAMES; i++)
		q->names[i] = r->code.names[i] & ~IH_CODE_AWAITED;
	return 0;
}

char LICENSE[] SEC("license") = "GPL"; /* LGPL-2.1-or-later may be taken as GPL */
