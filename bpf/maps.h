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

struct ih_map_tasks {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ih_task_state);
};
extern struct ih_map_tasks ih_tasks SEC(".maps");

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
