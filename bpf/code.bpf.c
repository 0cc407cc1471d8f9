// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The code-open gate: an interpreter opens code only from trusted files. What is code: the names
 * that it was given (args.bpf.c wrote them down), what they lead to, and what its grammar knows by
 * name or ending. Until it has opened its script it opens nothing untrusted at all, settings
 * excepted. What a trusted script reads as data, and then runs, is that script's doing.
 */
#include "bpf/judge.h"
#include "bpf/tables.h"

#define NAME_MAX     256
#define FOLDERS_MAX  4 /* how far up a folder of settings is looked for */
#define CLONE_THREAD 0x00010000

#define PROC_SUPER_MAGIC    0x9fa0
#define SYSFS_MAGIC	    0x62656572
#define CGROUP_SUPER_MAGIC  0x27e0eb
#define CGROUP2_SUPER_MAGIC 0x63677270

/* The last part of a path: what it hashes to, plain and as the tables have it. */
struct ih_name {
	__u64 address; /* of its bytes, in the kernel */
	__u64 full;    /* in the tables */
	__u64 ending;  /* "*" and what stands behind the last dot, in the tables */
	__u32 grammar;
	__u32 plain;
};

/* For all of 32 bits: 1 or 0. */
static __always_inline __u32 differs(__u32 a, __u32 b)
{
	__u32 other = a ^ b;

	other = (other | (0 - other)) >> 31;
	asm volatile("" : "+r"(other));
	return other;
}

/* Of bytes: 1 or 0, in a way that the compiler does not make a branch of again. */
static __always_inline __u64 is_same(__u32 a, __u32 b)
{
	__u32 same = ((a ^ b) - 1) >> 31;

	asm volatile("" : "+r"(same));
	return same;
}

/* Without branches, which the verifier would all follow. */
__attribute__((noinline)) int ih_name_look(struct ih_name *name)
{
	__u64 scope, full, plain = IH_HASH_START, star, ending = 0;
	char bytes[NAME_MAX] = { 0 };
	__u64 live = ~0ULL;

	if (!name || bpf_probe_read_kernel_str(bytes, sizeof(bytes), (void *)name->address) < 0)
		return -1;
	scope = full = ih_hash_scope(name->grammar, IH_SCOPE_FILE);
	star = ih_hash_byte(scope, '*');
	for (__u32 i = 0; i < NAME_MAX; i++) {
		__u32 c = (__u8)bytes[i];
		__u64 dot;

		live &= is_same(c, 0) - 1;
		dot = (0 - is_same(c, '.')) & live;
		ending = (ending & ~dot) | (star & dot);
		plain = (plain & ~live) | (ih_hash_byte(plain, (__u8)c) & live);
		full = (full & ~live) | (ih_hash_byte(full, (__u8)c) & live);
		ending = (ending & ~live) | (ih_hash_byte(ending, (__u8)c) & live);
	}
	name->full = full;
	name->ending = ending;
	name->plain = ih_name_hash(plain);
	return 0;
}

/* Is there an entry with this hash? A name that only shares it is refused with it. */
__attribute__((noinline)) int ih_is_known(__u64 hash)
{
	const struct ih_tables *t = ih_tables_now();

	if (!t)
		return 1;
	for (__u32 i = 0; i < IH_GRAMMAR_PROBES_MAX; i++) {
		const struct ih_grammar_slot *slot =
			IH_SCAN_SLOT(t, (__u32)(hash + i) & (t->n_slots - 1));

		if (slot->hash == 0)
			return 0;
		if (slot->hash == hash)
			return 1;
	}
	return 0;
}

/* @create: for an interpreter that is older than the gates; what it was given, it has opened. */
static __always_inline struct ih_code_state *code_of_process(__u64 create)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return bpf_task_storage_get(&ih_codes, task->group_leader, NULL, create);
}

static __always_inline bool is_known(const struct ih_name *name)
{
	return ih_is_known(name->full) || ih_is_known(name->ending);
}

__attribute__((noinline)) int ih_is_given(struct ih_code_state *code, __u32 plain)
{
	__u64 others;

	if (!code)
		return 1;
	others = differs(code->target, IH_CODE_ANY) & differs(code->target, plain);
	for (int i = 0; i < IH_CODE_NAMES_MAX; i++)
		others &= differs(code->names[i] & ~IH_CODE_AWAITED, plain);
	for (int i = 0; i < IH_CODE_ALSO_MAX; i++)
		others &= differs(code->also[i], plain);
	return others ? 0 : 1;
}

/* A file of code was opened, and is trusted; or a folder, in which code is known by its name. A
 * name stays given: a library can bear the script's name, and is opened before it. */
__attribute__((noinline)) int ih_take_name(struct ih_code_state *code, __u32 plain)
{
	__u32 link = 0;

	if (!code)
		return 0;
	if (code->target == IH_CODE_ANY || code->target == plain)
		link = code->link;
	code->link = 0;
	code->target = 0;
	for (int i = 0; i < IH_CODE_NAMES_MAX; i++) {
		__u32 awaited = plain | IH_CODE_AWAITED, linked = link | IH_CODE_AWAITED;

		if (code->names[i] != awaited && (!link || code->names[i] != linked))
			continue;
		code->names[i] &= ~IH_CODE_AWAITED;
		if (code->left && code->left != 255)
			code->left--;
		break;
	}
	if (code->phase == IH_PHASE_START && !code->left)
		code->phase = IH_PHASE_RUN;
	return 0;
}

/* Files of the kernel's own, and those in folders of settings. */
static __always_inline bool is_setting(struct file *file)
{
	unsigned long magic = file->f_inode->i_sb->s_magic;
	struct dentry *dentry = file->f_path.dentry;

	if (magic == PROC_SUPER_MAGIC || magic == SYSFS_MAGIC || magic == CGROUP_SUPER_MAGIC ||
	    magic == CGROUP2_SUPER_MAGIC)
		return true;
	for (int i = 0; i < FOLDERS_MAX; i++) {
		const struct ih_seed *seed;

		dentry = BPF_CORE_READ(dentry, d_parent);
		seed = ih_seed_of(BPF_CORE_READ(dentry, d_inode));
		if (seed && (seed->flags & IH_SEED_DATA))
			return true;
	}
	return false;
}

static __always_inline bool is_terminal_or_input(struct inode *inode)
{
	__u32 major = inode->i_rdev >> 20;

	return major != 1; /* null, zero, random */
}

static __always_inline int refuse_open(const struct ih_gate_config *config, struct file *file,
				       __u32 phase)
{
	struct inode *inode = file->f_inode;
	__u16 reason = ih_reason_of_file(inode);
	struct ih_event *e;

	e = ih_event_begin(IH_ACT_OPEN, reason == IH_REASON_PROGRAM ? IH_REASON_SOURCE : reason);
	if (e) {
		e->mode = phase == IH_PHASE_START ? IH_MODE_SCRIPT : IH_MODE_UNCLEAR;
		ih_event_file(e, file);
		bpf_d_path(&file->f_path, e->path, sizeof(e->path));
	}
	return ih_event_end(e, config);
}

/* What an interpreter may open, given what the file's name says. */
static __always_inline bool may_open(struct file *file, struct ih_code_state *code,
				     const struct ih_name *name, bool trusted)
{
	__u32 type = file->f_inode->i_mode & S_IFMT, phase = code->phase;
	int given = ih_is_given(code, name->plain);

	if (trusted || type == S_IFDIR) {
		if (given || (code->by_itself && is_known(name)))
			(void)ih_take_name(code, name->plain);
		return true;
	}
	if (given)
		return type == S_IFCHR && !is_terminal_or_input(file->f_inode);
	if (type != S_IFREG)
		return phase != IH_PHASE_START || type == S_IFCHR;
	if (phase == IH_PHASE_CHECK)
		return true;
	if (is_known(name))
		return false;
	/* An interpreter does not write its script. */
	return phase != IH_PHASE_START || (file->f_mode & FMODE_WRITE) || is_setting(file);
}

SEC("lsm/file_open")
int BPF_PROG(ih_code_open, struct file *file, int ret)
{
	const struct ih_gate_config *config;
	struct ih_inode_state *state;
	struct ih_code_state *code;
	struct ih_task_state *me;
	struct ih_name name = { 0 };
	bool trusted;

	if (ret || !(file->f_mode & FMODE_READ) || (file->f_flags & FMODE_EXEC))
		return ret;
	me = ih_me();
	if (!me || !me->grammar)
		return 0;
	config = ih_gate();
	if (!ih_is_ready(config))
		return -EPERM;
	state = ih_inode(file->f_inode, config->epoch);
	trusted = state && state->trust >= config->min_trust;
	code = code_of_process(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!code)
		return -EPERM; /* no memory to know it by */
	if (trusted && code->phase != IH_PHASE_START && !code->target)
		return 0;
	name.grammar = me->grammar - 1;
	name.address = (__u64)file->f_path.dentry->d_name.name;
	if (ih_name_look(&name) < 0)
		return -EPERM;
	if (may_open(file, code, &name, trusted))
		return 0;
	return refuse_open(config, file, code->phase);
}

/* The last part of where a link leads, given the address of its text. */
__attribute__((noinline)) int ih_name_target(__u64 address)
{
	char bytes[NAME_MAX] = { 0 };
	__u64 hash = IH_HASH_START;
	long n;

	n = bpf_probe_read_kernel_str(bytes, sizeof(bytes), (void *)address);
	if (n <= 1 || n >= (long)sizeof(bytes))
		return IH_CODE_ANY;
	for (__u32 i = 0; i < NAME_MAX; i++) {
		__u32 c = (__u8)bytes[i];
		__u64 slash = 0 - is_same(c, '/'), live = is_same(c, 0) - 1;
		__u64 next = (ih_hash_byte(hash, (__u8)c) & ~slash) | (IH_HASH_START & slash);

		/* bytes behind the end are all 0, so that nothing follows it */
		hash = (next & live) | (hash & ~live);
	}
	return (int)ih_name_hash(hash);
}

/* A link with a name of code: what is opened next by the target's name is code as well. */
static __always_inline void note_link(struct dentry *dentry, struct inode *inode,
				      struct ih_code_state *code, __u32 grammar)
{
	struct inode___link *link = (void *)inode;
	struct ih_name name = { 0 };
	bool is_next;
	char *text;

	name.grammar = grammar - 1;
	name.address = (__u64)BPF_CORE_READ(dentry, d_name.name);
	if (ih_name_look(&name) < 0)
		return;
	is_next = code->target && code->target == name.plain;
	if (!is_next && !ih_is_given(code, name.plain) && !is_known(&name))
		return;
	if (!is_next)
		code->link = name.plain;
	/* Links whose text is not kept with the inode: nobody knows where they lead. */
	text = BPF_CORE_READ(link, i_link);
	code->target = text ? (__u32)ih_name_target((__u64)text) : IH_CODE_ANY;
}

static __always_inline int see_link(struct dentry *dentry, struct inode *inode, bool start_only)
{
	struct ih_task_state *me = ih_me();
	struct ih_code_state *code;

	if (!me || !me->grammar)
		return 0;
	code = code_of_process(0);
	if (code && (start_only ? code->phase == IH_PHASE_START : code->phase != IH_PHASE_CHECK))
		note_link(dentry, inode, code, me->grammar);
	return 0;
}

SEC("lsm/inode_follow_link")
int BPF_PROG(ih_follow, struct dentry *dentry, struct inode *inode, bool rcu, int ret)
{
	return ret ? ret : see_link(dentry, inode, false);
}

/* node finds out by itself where its script is, and opens it by that name. */
SEC("lsm/inode_readlink")
int BPF_PROG(ih_readlink, struct dentry *dentry, int ret)
{
	return ret ? ret : see_link(dentry, BPF_CORE_READ(dentry, d_inode), true);
}

/* What a child is: the same, until it executes something. */
SEC("lsm/task_alloc")
int BPF_PROG(ih_task_alloc, struct task_struct *task, unsigned long clone_flags, int ret)
{
	struct ih_task_state *mine, *child;
	struct ih_code_state *code;

	if (ret)
		return ret;
	mine = ih_me();
	if (!mine)
		return 0;
	child = bpf_task_storage_get(&ih_tasks, task, mine, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!child)
		return -EPERM; /* without memory for it nobody would know what the child is */
	if (!mine->grammar || (clone_flags & CLONE_THREAD))
		return 0;
	code = code_of_process(0);
	if (!code)
		return 0;
	code = bpf_task_storage_get(&ih_codes, task, code, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return code ? 0 : -EPERM;
}
