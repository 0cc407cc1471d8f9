/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which of the policy's units a task belongs to: the outermost one in the path of its control
 * group, as wrapper/unit.c reads it from /proc/PID/cgroup. Names are compared by hash, and only
 * when the policy names units. Hierarchies of version 1 alone have none.
 */
#pragma once

#include "bpf/maps.h"

#include "common/abi/grammar.h"

#define UNIT_LEVELS_MAX 32
#define UNIT_NAME_MAX	255

struct ih_map_units {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ih_gate_units);
};
struct ih_map_units ih_units SEC(".maps");

struct ih_unit_walk {
	struct kernfs_node *at;
	const char *name;
	__u64 full, ending;
	__u64 found; /* of the outermost unit so far; 0: none */
};

static __always_inline __u64 hash_of(const char *text, int len)
{
	__u64 hash = IH_HASH_START;

	for (int i = 0; i < len; i++)
		hash = ih_hash_byte(hash, (__u8)text[i]);
	return hash;
}

#define IH_ENDING(text) hash_of(text, sizeof(text) - 1)

static int unit_byte(__u32 index, struct ih_unit_walk *w)
{
	__u8 c = 0;

	if (bpf_probe_read_kernel(&c, 1, w->name + index) || !c)
		return 1;
	w->full = ih_hash_byte(w->full, c);
	w->ending = c == '.' && index ? IH_HASH_START : ih_hash_byte(w->ending, c);
	return 0;
}

static int unit_level(__u32 index, struct ih_unit_walk *w)
{
	struct kernfs_node *at = w->at;
	struct kernfs_node___rcu *later = (void *)at;

	(void)index;
	if (!at)
		return 1;
	w->name = BPF_CORE_READ(at, name);
	w->full = IH_HASH_START;
	w->ending = 0;
	bpf_loop(UNIT_NAME_MAX, unit_byte, w, 0);
	if (w->ending == IH_ENDING("service") || w->ending == IH_ENDING("scope") ||
	    w->ending == IH_ENDING("socket") || w->ending == IH_ENDING("mount") ||
	    w->ending == IH_ENDING("swap"))
		w->found = w->full;
	w->at = bpf_core_field_exists(later->__parent) ? BPF_CORE_READ(later, __parent)
						       : BPF_CORE_READ(at, parent);
	return 0;
}

/* Return: place in the policy's list of units, from 1; 0: it is in none of them. */
__attribute__((noinline)) int ih_unit_now(__u32 slot)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const struct ih_gate_units *units = bpf_map_lookup_elem(&ih_units, &slot);
	struct ih_unit_walk walk = { 0 };
	__u32 found = 0;

	if (!units || !units->n)
		return 0;
	walk.at = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	bpf_loop(UNIT_LEVELS_MAX, unit_level, &walk, 0);
	for (__u32 i = 0; walk.found && i < IH_UNITS_MAX; i++)
		if (units->names[i] == walk.found)
			found = i + 1;
	return (int)found;
}
