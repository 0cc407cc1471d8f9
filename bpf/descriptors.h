/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the descriptors of a task lead to at exec: standard input, and those that argv names as
 * files of code. Those that execve() closes are closed by then (begin_new_exec(), fs/exec.c), and
 * the table is the task's own.
 */
#pragma once

#include "bpf/reading.h"

/* What ih_look_at_descriptor() finds, beside a trust class. */
#define FOUND_TRUST	0xff
#define FOUND_IRREGULAR 0x100
#define FOUND_NO_NAME	0x200
#define FOUND_STDIN	0x400 /* whatever is written to standard input is code */
#define FOUND_NOTHING	0x800 /* and nothing comes from it */

static __always_inline struct inode *inode_at(__u32 number)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (!files || number >= BPF_CORE_READ(table, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), files + number) || !file)
		return NULL;
	return BPF_CORE_READ(file, f_inode);
}

static __always_inline __u32 stdin_kind(void)
{
	struct inode *inode = inode_at(0);
	__u32 device, type;

	if (!inode)
		return IH_STDIN_EMPTY;
	type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	if (type == S_IFREG)
		return IH_STDIN_FILE;
	if (type != S_IFCHR)
		return 0;
	device = BPF_CORE_READ(inode, i_rdev);
	if (device == (1 << 20 | 3))
		return IH_STDIN_EMPTY;
	device >>= 20;
	return device == 4 || device == 5 || (device >= 136 && device <= 143) ? IH_STDIN_TTY : 0;
}

/* Did the file change since the guard looked? Pointers out of a table are no hook's arguments: they
 * are read through, and have no inode storage. */
static __always_inline bool is_as_seeded(struct inode *inode, const struct ih_seed *seed)
{
	struct inode___split_ctime *split = (void *)inode;
	struct inode___under_ctime *under = (void *)inode;
	struct inode___ctime *plain = (void *)inode;
	struct timespec64 time = { 0 };

	if (bpf_core_field_exists(split->i_ctime_sec)) {
		time.tv_sec = BPF_CORE_READ(split, i_ctime_sec);
		time.tv_nsec = BPF_CORE_READ(split, i_ctime_nsec);
	} else if (bpf_core_field_exists(under->__i_ctime)) {
		time = BPF_CORE_READ(under, __i_ctime);
	} else {
		time = BPF_CORE_READ(plain, i_ctime);
	}
	return seed->ctime_s == time.tv_sec && seed->ctime_ns == (__u32)time.tv_nsec &&
	       seed->size == (__u64)BPF_CORE_READ(inode, i_size);
}

static __always_inline __u32 trust_of(struct inode *inode)
{
	const struct ih_seed *seed = ih_seed_of(inode);

	return seed && is_as_seeded(inode, seed) ? seed->trust : IH_TRUST_UNTRUSTED;
}

/* @kind: of standard input. Return: a trust class and FOUND_…. */
__attribute__((noinline)) int ih_look_at_descriptor(__u32 number, __u32 kind)
{
	struct inode___nlink *links;
	struct inode *inode;

	if (!number && kind != IH_STDIN_FILE)
		return kind == IH_STDIN_EMPTY ? FOUND_NOTHING : FOUND_STDIN;
	inode = inode_at(number);
	if (!inode)
		return IH_TRUST_UNKNOWN;
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return IH_TRUST_UNTRUSTED | FOUND_IRREGULAR;
	links = (void *)inode;
	if (!BPF_CORE_READ(links, i_nlink))
		return IH_TRUST_UNTRUSTED | FOUND_NO_NAME;
	return (int)trust_of(inode);
}

/* Adds what the named descriptors are to the facts. What is only checked does not run. */
static __always_inline void judge_descriptors(const struct ih_reading *r, __u32 kind,
					      struct ih_facts *facts)
{
	for (__u32 i = 0; i < DESCRIPTORS_MAX; i++) {
		__u32 number = r->descriptors[i], found;

		if (i >= r->n_descriptors)
			break;
		if ((number & DESCRIPTOR_MAIN) && facts->mode == IH_MODE_NONE)
			continue;
		found = (__u32)ih_look_at_descriptor(number & ~DESCRIPTOR_MAIN, kind);
		if (found & FOUND_NOTHING)
			continue;
		if (found & FOUND_STDIN) {
			if (facts->mode == IH_MODE_SCRIPT)
				facts->mode = IH_MODE_STDIN;
			continue;
		}
		facts->flags |= found & FOUND_IRREGULAR ? IH_FACT_IRREGULAR : 0;
		facts->flags |= found & FOUND_NO_NAME ? IH_FACT_NO_NAME : 0;
		if ((found & FOUND_TRUST) < facts->sources)
			facts->sources = (__u8)(found & FOUND_TRUST);
	}
}
