/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the BPF programs and the guard tell each other: keys and values of the maps, events.
 * Fixed widths, explicit padding, sizes asserted; new members go at the end and raise the version.
 */
#pragma once

#include "common/abi/types.h"

#define IH_GATE_VERSION	    1
#define IH_GATE_DEVICES_MAX 8
#define IH_GATE_DIGEST	    32

/* Who a file is, until the kernel has it in inode storage. The kernel's dev_t is
 * major << 20 | minor: see ih_gate_device(). Inode numbers come back, so the seed is held against
 * change time and size as well. */
struct ih_file_key {
	__u64 inode;
	__u32 device;
	__u32 pad;
};
_Static_assert(sizeof(struct ih_file_key) == 16, "map key");

#define IH_GATE_TREES_MAX 256

/* The name of a tree that a policy trusts, as its text is hashed, and the policy's slot. */
struct ih_tree_key {
	__u64 hash; /* ih_hash_byte() of each byte, from IH_HASH_START */
	__u32 slot;
	__u32 pad;
};
_Static_assert(sizeof(struct ih_tree_key) == 16, "map key");

enum ih_seed_flag {
	IH_SEED_JIT = 1 << 0,	   /* an interpreter that writes machine code at run time */
	IH_SEED_SCRIPTS = 1 << 1,  /* an interpreter: what it opens as code is gated */
	IH_SEED_GUARD = 1 << 2,	   /* the guard itself: may use bpf(2) while the lock is on */
	IH_SEED_LOGIN = 1 << 3,	   /* lets people in: what it starts has provenance interactive */
	IH_SEED_LAUNCHER = 1 << 4, /* env, nice, xargs: what it starts is its caller's doing */
	IH_SEED_MANAGER = 1 << 5,  /* systemd: run by anybody but root, it is a person's */
	IH_SEED_TABLES = 1 << 6,   /* cron: what it starts for anybody but root is that person's */
	IH_SEED_SHELL = 1 << 7,	   /* sh and its kind: text may but start a program */
	/* of directories, which are told by device and inode alone */
	IH_SEED_DATA = 1 << 5,	/* settings, /etc: an interpreter reads them before its script */
	IH_SEED_STORE = 1 << 6, /* the store: nothing is mounted over it, or in it */
	IH_SEED_ABOVE = 1 << 7, /* the store lies below: nothing is mounted over it */
};

/* What the guard knows of a file. */
struct ih_seed {
	__s64 ctime_s;
	__u32 ctime_ns;
	__u32 grammar; /* place in the grammar tables, from 1; 0: no interpreter and no launcher */
	__u64 size;
	__u8 trust; /* enum ih_trust_class */
	__u8 flags; /* enum ih_seed_flag */
	__u8 bound; /* not 0: the file is under fs-verity, and measures … */
	__u8 pad[5];
	__u8 digest[IH_GATE_DIGEST]; /* … this; what is longer is cut off */
};
_Static_assert(sizeof(struct ih_seed) == 64, "map value");

enum ih_task_phase {
	IH_PHASE_NONE = 0,
	IH_PHASE_START, /* an interpreter before it opened its script: opens nothing untrusted */
	IH_PHASE_RUN,
	IH_PHASE_CHECK, /* it looks at code and does not run it */
};

/* Inherited by fork, set at exec. */
struct ih_task_state {
	__u32 grammar;	 /* of the interpreter that it runs, from 1 */
	__u8 provenance; /* enum ih_provenance */
	__u8 flags;	 /* enum ih_seed_flag of its program */
	__u8 pad[2];
};
_Static_assert(sizeof(struct ih_task_state) == 8, "map value");

/* Knobs that change at run time. All zero enforces and trusts nothing, which is what a guard that
 * has not finished starting must do. */
struct ih_gate_config {
	__u32 version;	 /* IH_GATE_VERSION, or the programs deny everything they gate */
	__u32 epoch;	 /* inode storage of another epoch is looked up anew */
	__u32 audit;	 /* report only */
	__u32 lock;	 /* 1: only the guard uses bpf(2), loads modules, touches bpffs */
	__u32 min_trust; /* enum ih_trust_class that programs, libraries and code files need */
	__u32 n_rules;
	__u32 n_devices; /* block devices that nobody may open for writing while the lock is on */
	__u32 mounts;	 /* number of the mount namespace that is protected; 0: all are */
	__u32 devices[IH_GATE_DEVICES_MAX];
};
_Static_assert(sizeof(struct ih_gate_config) == 64, "map value");

/* The units that a policy names, by the hash of their names (ih_hash_byte()); unused ones are 0. */
#define IH_GATE_UNITS_MAX 256
struct ih_gate_units {
	__u32 n;
	__u32 pad;
	__u64 names[IH_GATE_UNITS_MAX];
};
_Static_assert(sizeof(struct ih_gate_units) == 2056, "map value");

/* What a gate was asked. */
enum ih_gate_act {
	IH_ACT_NONE = 0,
	IH_ACT_EXEC,	  /* execve of a program or script */
	IH_ACT_CHECK,	  /* execveat(AT_EXECVE_CHECK) */
	IH_ACT_ARGUMENTS, /* argv and environment of an interpreter */
	IH_ACT_OPEN,	  /* an interpreter opens code */
	IH_ACT_MAP,	  /* a file becomes executable memory */
	IH_ACT_MEMORY,	  /* memory becomes executable after it was written, or both at once */
	IH_ACT_TRACE,	  /* ptrace, /proc/PID/mem */
	IH_ACT_MOUNT,
	IH_ACT_BPF,
	IH_ACT_KERNEL, /* modules, kexec */
	IH_ACT_SIGNAL, /* to the guard */
	IH_ACT_DEVICE, /* raw writes to a disk */
	IH_ACT_MAX_,
};

#define IH_EVENT_VERSION  1
#define IH_EVENT_PATH_MAX 256

struct ih_event {
	__u32 version; /* IH_EVENT_VERSION */
	__u32 size;    /* sizeof(struct ih_event) as the sender knows it */
	__u64 time_ns; /* since boot */
	struct ih_file_key file;
	__u32 tgid, pid, parent;
	__u32 uid, gid;
	__u16 act;	 /* enum ih_gate_act */
	__u16 reason;	 /* enum ih_reason of common/abi/decide.h */
	__u8 verdict;	 /* enum ih_verdict */
	__u8 enforced;	 /* 0: audit only */
	__u8 trust;	 /* enum ih_trust_class of the file */
	__u8 provenance; /* enum ih_provenance of the task */
	__u8 mode;	 /* enum ih_mode */
	__u8 pad[3];
	__u32 rule; /* from 1 */
	__u32 pad2;
	char comm[16];
	char path[IH_EVENT_PATH_MAX]; /* as the kernel sees it; empty when it has none */
};
_Static_assert(sizeof(struct ih_event) == 344, "event is wire format");

/* The kernel's encoding of a device, from what statx(2) tells. */
static inline __u32 ih_gate_device(__u32 major, __u32 minor)
{
	return major << 20 | minor;
}
