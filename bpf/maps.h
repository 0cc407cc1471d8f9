/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that all programs share (bpf/maps.bpf.c defines them), and the look-up of what a file
 * is. Map names fit 15 bytes.
 */
#pragma once

#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "common/abi/decide.h"
#include "common/abi/gate.h"

/* A verdict kept with the inode: it goes when the inode goes, and no other inode can have it. */
struct ih_inode_state {
	__s64 ctime_s;
	__u32 ctime_ns;
	__u32 epoch;
	__u32 grammar;
	__u8 trust;
	__u8 flags;
	__u8 unbound; /* under fs-verity, and not measured yet */
	__u8 pad;
};

/* What bpf_get_fsverity_digest() writes: struct fsverity_digest and room for the longest digest. */
struct ih_measured {
	__u16 algorithm, size;
	__u8 digest[64];
};

#define IH_CODE_NAMES_MAX 12
#define IH_CODE_ALSO_MAX  4
#define IH_CODE_ANY	  1 /* no hash of a name: any name */
#define IH_CODE_AWAITED	  1 /* in a name: no hash has this bit */

/* Which names an interpreter was given for code, and how far it is in opening it. A process has
 * one, with its leader; a child that is forked has its own. */
struct ih_code_state {
	__u32 names[IH_CODE_NAMES_MAX]; /* 0: none; with IH_CODE_AWAITED: not opened yet */
	__u32 link;			/* a name of code that was a symbolic link … */
	__u32 target;			/* … and what it leads to; IH_CODE_ANY: not known */
	__u8 phase;			/* enum ih_task_phase */
	__u8 n;				/* names; 255: more than there is room for */
	__u8 by_itself;			/* none was given: it finds its file (make) */
	__u8 left;			/* that are still awaited: the script, or all of them */
	__u32 argc;			/* of a loader: all words, and … */
	__u32 inner;			/* … which one names what it will map; 0: none */
	__u32 also[IH_CODE_ALSO_MAX];	/* given to the interpreter whose name the script bears */
};

/* A script that bears an interpreter's name (R, irb), on its way through execve(). */
struct ih_namesake {
	__u32 grammar; /* that its name says, from 1; 0: none */
	__u8 argument; /* its first line hands an argument to its interpreter */
	__u8 provenance;
	__u8 pad[2];
};

struct ih_map_active {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};
extern struct ih_map_active ih_active SEC(".maps");

struct ih_map_config {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ih_gate_config);
};
extern struct ih_map_config ih_config SEC(".maps");

struct ih_map_inodes {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ih_inode_state);
};
extern struct ih_map_inodes ih_inodes SEC(".maps");

struct ih_map_measure {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ih_measured);
};
extern struct ih_map_measure ih_measures SEC(".maps");

struct ih_map_tasks {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ih_task_state);
};
extern struct ih_map_tasks ih_tasks SEC(".maps");

struct ih_map_codes {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ih_code_state);
};
extern struct ih_map_codes ih_codes SEC(".maps");

struct ih_map_alike {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ih_namesake);
};
extern struct ih_map_alike ih_namesakes SEC(".maps");

struct ih_map_seeds {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024); /* sized by the loader */
	__type(key, struct ih_file_key);
	__type(value, struct ih_seed);
};
extern struct ih_map_seeds ih_seeds SEC(".maps");

struct ih_map_events {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};
extern struct ih_map_events ih_events SEC(".maps");

struct ih_map_counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2); /* 0: events sent, 1: events lost */
	__type(key, __u32);
	__type(value, __u64);
};
extern struct ih_map_counts ih_counts SEC(".maps");
