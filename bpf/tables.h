/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The grammar tables as the programs see them: one array element, all indices masked. */
#pragma once

#define IH_SCAN_IN_KERNEL

#include "bpf/maps.h"

#include "common/abi/grammar.h"

struct ih_map_tables {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ih_tables);
};
extern struct ih_map_tables ih_grammars SEC(".maps");

struct ih_map_trees {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2 * IH_GATE_TREES_MAX);
	__type(key, struct ih_tree_key);
	__type(value, __u8);
};
extern struct ih_map_trees ih_trees SEC(".maps");

static __always_inline __u32 ih_slot_now(void)
{
	__u32 zero = 0, *active = bpf_map_lookup_elem(&ih_active, &zero);

	return active ? *active & 1 : 0;
}

static __always_inline const struct ih_tables *ih_tables_now(void)
{
	__u32 slot = ih_slot_now();

	return bpf_map_lookup_elem(&ih_grammars, &slot);
}

#define IH_SCAN_TABLES(s)    ((void)(s), ih_tables_now())
#define IH_SCAN_RULE(t, i)   (&(t)->rules[(i) & (IH_TABLES_RULES - 1)])
#define IH_SCAN_GRAM(t, i)   (&(t)->grammars[(i) & (IH_TABLES_GRAMMARS - 1)])
#define IH_SCAN_SLOT(t, i)   (&(t)->slots[(i) & (IH_TABLES_SLOTS - 1)])
#define IH_SCAN_STRING(t, i) ((t)->strings[(i) & (IH_TABLES_STRINGS - 1)])

/* Names of files as an interpreter's state keeps them: 32 bits, never 0 or IH_CODE_ANY. */
static __always_inline __u32 ih_name_hash(__u64 hash)
{
	return ((__u32)(hash ^ hash >> 32) & ~3u) | 2;
}
