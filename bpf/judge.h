/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a file is to the kernel's side, and what is said when it is not good enough. The hot path
 * is one look-up in inode storage.
 */
#pragma once

#include "bpf/maps.h"

static __always_inline const struct ih_gate_config *ih_gate(void)
{
	__u32 zero = 0, slot = 0;
	__u32 *active = bpf_map_lookup_elem(&ih_active, &zero);

	if (active)
		slot = *active & 1;
	return bpf_map_lookup_elem(&ih_config, &slot);
}

/* Threads of a process that is older than the gates are what its leader is: the guard marks that.
 */
static __always_inline struct ih_task_state *ih_me(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct ih_task_state *me = bpf_task_storage_get(&ih_tasks, task, NULL, 0);

	return me ? me : bpf_task_storage_get(&ih_tasks, task->group_leader, NULL, 0);
}

/* cron and at hand over what a table says: unless it is root's, it is a person's text. */
static __always_inline bool ih_is_by_table(const struct ih_task_state *me)
{
	return (me->flags & IH_SEED_TABLES) && (__u32)bpf_get_current_uid_gid();
}

/* By the program that it runs, so that a guard that was restarted is known at once. */
static __always_inline bool ih_is_guard(void)
{
	struct ih_task_state *me = ih_me();

	return me && (me->flags & IH_SEED_GUARD);
}

/* Does a config exist that this object understands? Everything is refused until it does. */
static __always_inline bool ih_is_ready(const struct ih_gate_config *config)
{
	return config && config->version == IH_GATE_VERSION;
}

/* Change time: any write, chmod, chown, rename or new xattr moves it. */
static __always_inline void ih_ctime(struct inode *inode, __s64 *ret_s, __u32 *ret_ns)
{
	struct inode___split_ctime *split = (void *)inode;
	struct inode___under_ctime *under = (void *)inode;
	struct inode___ctime *plain = (void *)inode;

	if (bpf_core_field_exists(split->i_ctime_sec)) {
		*ret_s = split->i_ctime_sec;
		*ret_ns = split->i_ctime_nsec;
	} else if (bpf_core_field_exists(under->__i_ctime)) {
		*ret_s = under->__i_ctime.tv_sec;
		*ret_ns = (__u32)under->__i_ctime.tv_nsec;
	} else {
		*ret_s = plain->i_ctime.tv_sec;
		*ret_ns = (__u32)plain->i_ctime.tv_nsec;
	}
}

/* By reading through the pointer, which need not be a hook's argument. */
static __always_inline struct ih_file_key ih_key_of(struct inode *inode)
{
	struct ih_file_key key = { 0 };

	key.inode = BPF_CORE_READ(inode, i_ino);
	key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	return key;
}

/* What the guard wrote down of it, changed since or not; NULL: nothing. */
static __always_inline struct ih_seed *ih_seed_of(struct inode *inode)
{
	struct ih_file_key key = ih_key_of(inode);

	return bpf_map_lookup_elem(&ih_seeds, &key);
}

/* First sight of an inode in this epoch: is it the file that the guard looked at? */
static __always_inline struct ih_inode_state *ih_seed_inode(struct inode *inode, __u32 epoch)
{
	struct ih_file_key key = { .inode = inode->i_ino, .device = inode->i_sb->s_dev };
	struct ih_inode_state *state;
	struct ih_seed *seed;
	__u32 ns;
	__s64 s;

	seed = bpf_map_lookup_elem(&ih_seeds, &key);
	if (!seed)
		return NULL;
	ih_ctime(inode, &s, &ns);
	if (seed->ctime_s != s || seed->ctime_ns != ns || seed->size != (__u64)inode->i_size)
		return NULL;
	state = bpf_inode_storage_get(&ih_inodes, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!state)
		return NULL;
	state->ctime_s = s;
	state->ctime_ns = ns;
	state->grammar = seed->grammar;
	state->flags = seed->flags;
	state->trust = seed->trust;
	state->unbound = seed->bound;
	state->epoch = epoch;
	return state;
}

/* NULL: nobody vouches for it. */
static __always_inline struct ih_inode_state *ih_inode(struct inode *inode, __u32 epoch)
{
	struct ih_inode_state *state;
	__u32 ns;
	__s64 s;

	if (!inode || (inode->i_mode & S_IFMT) != S_IFREG)
		return NULL;
	state = bpf_inode_storage_get(&ih_inodes, inode, NULL, 0);
	if (!state || state->epoch != epoch)
		return ih_seed_inode(inode, epoch);
	ih_ctime(inode, &s, &ns);
	if (state->ctime_s == s && state->ctime_ns == ns && state->trust > IH_TRUST_UNTRUSTED)
		return state;
	return ih_seed_inode(inode, epoch); /* it changed; the guard may have looked again */
}

/* Somebody changes the file. Its change time moves as well, but root sets clocks: what was vouched
 * for is taken back for good. Only the guard can vouch again. */
static __always_inline void ih_forget(struct inode *inode)
{
	struct ih_inode_state *state;
	struct ih_file_key key;

	if (!inode)
		return;
	key = ih_key_of(inode);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return;
	bpf_map_delete_elem(&ih_seeds, &key);
	state = bpf_inode_storage_get(&ih_inodes, inode, NULL, 0);
	if (state)
		state->trust = IH_TRUST_UNTRUSTED;
}

static __always_inline void ih_count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&ih_counts, &which);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* A full ring loses the event and counts it; the verdict is the same. */
static __always_inline struct ih_event *ih_event_begin(__u16 act, __u16 reason)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct ih_event *e = bpf_ringbuf_reserve(&ih_events, sizeof(*e), 0);
	__u64 ids = bpf_get_current_pid_tgid(), who = bpf_get_current_uid_gid();

	if (!e) {
		ih_count(1);
		return NULL;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->version = IH_EVENT_VERSION;
	e->size = sizeof(*e);
	e->time_ns = bpf_ktime_get_boot_ns();
	e->tgid = (__u32)(ids >> 32);
	e->pid = (__u32)ids;
	e->parent = (__u32)task->real_parent->tgid;
	e->uid = (__u32)who;
	e->gid = (__u32)(who >> 32);
	e->act = act;
	e->reason = reason;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	return e;
}

static __always_inline void ih_event_file(struct ih_event *e, struct file *file)
{
	struct inode *inode = file->f_inode;

	e->file.inode = inode->i_ino;
	e->file.device = inode->i_sb->s_dev;
}

static __always_inline int ih_event_end(struct ih_event *e, const struct ih_gate_config *config)
{
	if (e) {
		e->enforced = !config->audit;
		ih_count(0);
		bpf_ringbuf_submit(e, 0);
	}
	return config->audit ? 0 : -EPERM;
}

/* For what has no file to name. */
static __always_inline int ih_refuse(const struct ih_gate_config *config, __u16 act, __u16 reason)
{
	return ih_event_end(ih_event_begin(act, reason), config);
}

/* Why an unvouched file is refused: an unlinked one has no name for anybody to have looked at. */
static __always_inline __u16 ih_reason_of_file(struct inode *inode)
{
	struct inode___nlink *links = (void *)inode;

	if ((inode->i_mode & S_IFMT) != S_IFREG)
		return IH_REASON_IRREGULAR;
	return links->i_nlink == 0 ? IH_REASON_NO_NAME : IH_REASON_PROGRAM;
}

/*
 * Is the first argument NULL? The verifier of some kernels (seen on 6.12) takes a hook's pointers
 * for never NULL and deletes a plain test, and anonymous memory then brings the kernel down: the
 * bits are read as a number instead. Later kernels know better, and want the plain test as well.
 */
static __always_inline bool ih_first_is_null(void *context)
{
	__u64 bits = 0;

	return bpf_probe_read_kernel(&bits, sizeof(bits), context) || !bits;
}
