/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp filter's table, and the program that turns it into BPF when ihard is built:
 * libseccomp needs 300 to 500 microseconds for that, more than a whole exec may cost, and a wrapper
 * that does not link it has less to be attacked through. No other file knows libseccomp. What is
 * loaded is the shorter program of filter_code.c; it is used only if libseccomp's, made from the
 * same table, says the same about every number and every bit. Decides nothing about files: which
 * file may run is the gate's matter.
 */
#include "wrapper/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

#include <seccomp.h>

#include "common/cleanup.h"
#include "wrapper/filter_code.h"
#include "wrapper/kernel.h"

#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWCGROUP | CLONE_NEWTIME)

#define ALWAYS(name, error)                                                            \
	{                                                                              \
		SCMP_SYS(name), SECCOMP_RET_ERRNO | (error), 0, IH_FILTER_ALWAYS, 0, 0 \
	}
#define IF_ANY(name, error, arg, mask)                                                   \
	{                                                                                \
		SCMP_SYS(name), SECCOMP_RET_ERRNO | (error), arg, IH_FILTER_ANY, mask, 0 \
	}

/*
 * ENOSYS where programs are known to fall back on it (libuv without io_uring, V8 without memory
 * protection keys, glibc without clone3), EPERM elsewhere.
 */
static const struct ih_filter_call calls[] = {
	/* Writing into another process, and escaping the tracer by having another one. */
	ALWAYS(ptrace, EPERM),
	ALWAYS(process_vm_writev, EPERM),
	ALWAYS(userfaultfd, EPERM),

	/*
	 * CLONE_UNTRACED hides a child from the tracer, and a namespace gives trusted names another
	 * meaning. clone3 has its flags in memory.
	 */
	IF_ANY(clone, EPERM, 0, IH_CLONE_UNTRACED | NAMESPACES),
	ALWAYS(clone3, ENOSYS),

	/*
	 * A process that shares its working directory with another could have it moved between the
	 * verdict on "./script" and the interpreter's open. Threads share it too, but exec leaves
	 * only one of them.
	 */
	{ SCMP_SYS(clone), SECCOMP_RET_ERRNO | EPERM, 0, IH_FILTER_EQUAL, CLONE_FS | CLONE_THREAD,
	  CLONE_FS },

	/* Another meaning for trusted names. */
	IF_ANY(unshare, EPERM, 0, NAMESPACES),
	ALWAYS(setns, EPERM),
	ALWAYS(chroot, EPERM),
	ALWAYS(pivot_root, EPERM),
	ALWAYS(mount, EPERM),
	ALWAYS(umount2, EPERM),
	ALWAYS(move_mount, EPERM),
	ALWAYS(open_tree, EPERM),
	ALWAYS(fsopen, EPERM),
	ALWAYS(fspick, EPERM),
	ALWAYS(fsmount, EPERM),
	ALWAYS(mount_setattr, EPERM),
	ALWAYS(open_by_handle_at, EPERM),

	/* io_uring opens and reads files without the calls that other filters look at. */
	ALWAYS(io_uring_setup, ENOSYS),
	ALWAYS(io_uring_enter, ENOSYS),
	ALWAYS(io_uring_register, ENOSYS),

	/* Memory that data turns into code in. */
	ALWAYS(pkey_alloc, ENOSYS),
	IF_ANY(pkey_mprotect, ENOSYS, 2, PROT_EXEC),
	IF_ANY(shmat, EPERM, 2, IH_SHM_EXEC),

	/* A memfd is a file nobody signed; sealed against execution (Linux 6.3) it is only data. */
	{ SCMP_SYS(memfd_create), SECCOMP_RET_ERRNO | EPERM, 1, IH_FILTER_NONE, IH_MFD_NOEXEC_SEAL,
	  0 },

	/*
	 * personality(READ_IMPLIES_EXEC) makes every readable mapping executable. Asking is
	 * 0xffffffff, which has that bit as well. The kernel looks at 32 bits of a 64-bit register.
	 */
	{ SCMP_SYS(personality), SECCOMP_RET_ALLOW, 0, IH_FILTER_EQUAL, UINT32_MAX, UINT32_MAX },
	IF_ANY(personality, EPERM, 0, READ_IMPLIES_EXEC),

	/* Code in the kernel, or under it. */
	ALWAYS(bpf, EPERM),
	ALWAYS(perf_event_open, EPERM),
	ALWAYS(init_module, EPERM),
	ALWAYS(finit_module, EPERM),
	ALWAYS(kexec_load, EPERM),
	ALWAYS(kexec_file_load, EPERM),
};

/* What the supervisor looks at. Protections are registers: what it sees is what the kernel does. */
static const struct ih_filter_call stops[] = {
	{ SCMP_SYS(execve), SECCOMP_RET_TRACE | IH_FILTER_EXEC, 0, IH_FILTER_ALWAYS, 0, 0 },
	{ SCMP_SYS(execveat), SECCOMP_RET_TRACE | IH_FILTER_EXEC, 0, IH_FILTER_ALWAYS, 0, 0 },
	{ SCMP_SYS(mmap), SECCOMP_RET_TRACE | IH_FILTER_MEMORY, 2, IH_FILTER_ANY, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), SECCOMP_RET_TRACE | IH_FILTER_MEMORY, 2, IH_FILTER_ANY, PROT_EXEC,
	  0 },
};

#define CALLS_MAX (IH_ARRAY_SIZE(calls) + IH_ARRAY_SIZE(stops))

static uint32_t reference_action(uint32_t action)
{
	const uint32_t data = action & SECCOMP_RET_DATA;

	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE ? SCMP_ACT_TRACE(data)
								       : SCMP_ACT_ERRNO(data);
}

/* @mask of the argument is @value, in libseccomp's words. */
static int refer(scmp_filter_ctx ctx, const struct ih_filter_call *c, uint32_t mask, uint32_t value)
{
	return seccomp_rule_add(ctx, reference_action(c->action), c->number, 1,
				SCMP_CMP(c->arg, SCMP_CMP_MASKED_EQ, mask, value));
}

/*
 * One rule a bit: MASKED_EQ matches all bits of its value, and any one is enough. After "what is
 * all ones is allowed" it has to be that bit, and another bit that is not set.
 */
static int refer_any(scmp_filter_ctx ctx, const struct ih_filter_call *c, bool not_all)
{
	int r = 0;

	for (unsigned int bit = 0; bit < 32 && r >= 0; bit++) {
		const uint32_t one = 1U << bit;

		if (not_all && !(c->mask & one))
			r = refer(ctx, c, c->mask | one, c->mask);
		else if (!not_all && (c->mask & one))
			r = refer(ctx, c, one, one);
	}
	return r;
}

/* libseccomp's program for the same table, which ours has to agree with. */
static int add_reference(scmp_filter_ctx ctx, const struct ih_filter_call list[], size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct ih_filter_call *c = &list[i];

		if (c->action == SECCOMP_RET_ALLOW)
			continue;
		switch (c->test) {
		case IH_FILTER_ALWAYS:
			r = seccomp_rule_add(ctx, reference_action(c->action), c->number, 0);
			break;
		case IH_FILTER_NONE:
			r = refer(ctx, c, c->mask, 0);
			break;
		case IH_FILTER_EQUAL:
			r = refer(ctx, c, c->mask, c->value);
			break;
		case IH_FILTER_ANY:
			r = refer_any(ctx, c, i && c[-1].action == SECCOMP_RET_ALLOW);
			break;
		}
	}
	return r;
}

static int make_reference(const struct ih_filter_call list[], size_t n,
			  struct sock_filter ret[IH_FILTER_MAX])
{
	const size_t room = IH_FILTER_MAX * sizeof(ret[0]);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	FILE *f = tmpfile();
	ssize_t len = 0;
	int r = ctx && f ? add_reference(ctx, list, n) : -ENOMEM;

	if (r >= 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r >= 0)
		r = seccomp_export_bpf(ctx, fileno(f));
	if (r >= 0) {
		len = pread(fileno(f), ret, room, 0);
		r = len <= 0 || (size_t)len == room ? -EIO : (int)((size_t)len / sizeof(ret[0]));
	}
	if (ctx)
		seccomp_release(ctx);
	if (f)
		(void)fclose(f);
	return r;
}

struct pair {
	struct sock_filter ours[IH_FILTER_MAX], reference[IH_FILTER_MAX];
	size_t n_ours, n_reference;
};

static bool agrees(const struct pair *p, const struct seccomp_data *d)
{
	const uint32_t ours = ih_filter_answer(p->ours, p->n_ours, d);
	const uint32_t reference = ih_filter_answer(p->reference, p->n_reference, d);

	if (ours == reference)
		return true;
	fprintf(stderr, "call %d of %#x with %#llx, %#llx, %#llx: %#x here, %#x by libseccomp\n",
		d->nr, d->arch, (unsigned long long)d->args[0], (unsigned long long)d->args[1],
		(unsigned long long)d->args[2], ours, reference);
	return false;
}

/* Each argument with nothing, everything, and any two bits set or not set. */
static bool agrees_on_arguments(const struct pair *p, struct seccomp_data d)
{
	bool same = true;

	for (size_t arg = 0; arg < 3; arg++)
		for (unsigned int a = 0; a < 64; a++)
			for (unsigned int b = a; b < 64; b++) {
				const uint64_t bits = 1ULL << a | 1ULL << b;

				memset(d.args, 0, sizeof(d.args));
				same = same && agrees(p, &d);
				d.args[arg] = bits;
				same = same && agrees(p, &d);
				memset(d.args, 0xff, sizeof(d.args));
				same = same && agrees(p, &d);
				d.args[arg] = ~bits;
				same = same && agrees(p, &d);
			}
	return same;
}

static bool is_listed(const struct ih_filter_call list[], size_t n, int number)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].number == number)
			return true;
	return false;
}

static bool agree(const struct pair *p, const struct ih_filter_call list[], size_t n)
{
	const uint32_t foreign = AUDIT_ARCH_I386, native = seccomp_arch_native();
	const int odd[] = { -1, -2, 0x40000000, 0x4000003b, 0x7fffffff, (int)0x80000000 };
	bool same = true;

	for (int nr = 0; nr < 1024; nr++) {
		const struct seccomp_data d = { nr, native, 0, { 0 } };

		same = same && agrees(p, &d);
		same = same && agrees(p, &(struct seccomp_data){ nr, foreign, 0, { 0 } });
		if (is_listed(list, n, nr))
			same = same && agrees_on_arguments(p, d);
	}
	for (size_t i = 0; i < IH_ARRAY_SIZE(odd); i++)
		same = same && agrees(p, &(struct seccomp_data){ odd[i], native, 0, { 0 } });
	return same;
}

/* By number; rules of one number stay in the table's order. Calls that this machine lacks go. */
static size_t sort_calls(bool trace_exec, struct ih_filter_call ret[])
{
	size_t n = 0;

	for (size_t i = 0; i < CALLS_MAX; i++) {
		const bool is_stop = i >= IH_ARRAY_SIZE(calls);
		const struct ih_filter_call *c = is_stop ? &stops[i - IH_ARRAY_SIZE(calls)]
							 : &calls[i];
		size_t at = n;

		if (c->number < 0 || (is_stop && !trace_exec))
			continue;
		for (; at && ret[at - 1].number > c->number; at--)
			ret[at] = ret[at - 1];
		ret[at] = *c;
		n++;
	}
	return n;
}

/* Print one program as a C array of struct sock_filter. */
static int print_program(const char *name, bool trace_exec)
{
	static struct pair p;
	struct ih_filter_call list[CALLS_MAX];
	const size_t n = sort_calls(trace_exec, list);
	int ours = ih_filter_compile(list, n, seccomp_arch_native(), p.ours);
	int reference = make_reference(list, n, p.reference);

	if (ours < 0 || reference < 0)
		return ours < 0 ? ours : reference;
	p.n_ours = (size_t)ours;
	p.n_reference = (size_t)reference;
	if (!agree(&p, list, n))
		return -EBADMSG;

	printf("static const struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < p.n_ours; i++)
		printf("\t{ %#x, %u, %u, %#x },\n", p.ours[i].code, p.ours[i].jt, p.ours[i].jf,
		       p.ours[i].k);
	printf("};\n");
	return 0;
}

int main(void)
{
	int r;

	printf("/* Made by wrapper/filter.c at build time. */\n");
	r = print_program("filter_plain", false);
	if (r == 0)
		r = print_program("filter_trace", true);
	if (r == 0 && fflush(stdout) != 0)
		r = -errno;
	if (r < 0) {
		fprintf(stderr, "cannot make the system call filter: %s\n", strerror(-r));
		return 1;
	}
	return 0;
}
