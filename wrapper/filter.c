/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp filter's table, and the program that turns it into BPF when ihard is built:
 * libseccomp needs 300 to 500 microseconds for that, more than a whole exec may cost, and a wrapper
 * that does not link it has less to be attacked through. No other file knows libseccomp. Decides
 * nothing about files: which file may run is the gate's matter.
 */
#include "wrapper/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

#include <seccomp.h>

#include "common/cleanup.h"
#include "wrapper/kernel.h"

#define IH_FILTER_MAX 1024 /* instructions; what a longer one would need is looked at then */

#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWCGROUP | CLONE_NEWTIME)

/* A rule without a mask matches always; with one, when any of these bits is set in the argument. */
struct call {
	int number;
	int error;
	unsigned int arg;
	uint64_t mask;
};

/*
 * ENOSYS where programs are known to fall back on it (libuv without io_uring, V8 without memory
 * protection keys, glibc without clone3), EPERM elsewhere.
 */
static const struct call calls[] = {
	/* Writing into another process, and escaping the tracer by having another one. */
	{ SCMP_SYS(ptrace), EPERM, 0, 0 },
	{ SCMP_SYS(process_vm_writev), EPERM, 0, 0 },
	{ SCMP_SYS(userfaultfd), EPERM, 0, 0 },

	/* CLONE_UNTRACED hides a child from the tracer. clone3 has its flags in memory. */
	{ SCMP_SYS(clone), EPERM, 0, IH_CLONE_UNTRACED },
	{ SCMP_SYS(clone3), ENOSYS, 0, 0 },

	/* Another meaning for trusted names. One bit a rule: any of them. */
	{ SCMP_SYS(clone), EPERM, 0, NAMESPACES },
	{ SCMP_SYS(unshare), EPERM, 0, NAMESPACES },
	{ SCMP_SYS(setns), EPERM, 0, 0 },
	{ SCMP_SYS(chroot), EPERM, 0, 0 },
	{ SCMP_SYS(pivot_root), EPERM, 0, 0 },
	{ SCMP_SYS(mount), EPERM, 0, 0 },
	{ SCMP_SYS(umount2), EPERM, 0, 0 },
	{ SCMP_SYS(move_mount), EPERM, 0, 0 },
	{ SCMP_SYS(open_tree), EPERM, 0, 0 },
	{ SCMP_SYS(fsopen), EPERM, 0, 0 },
	{ SCMP_SYS(fspick), EPERM, 0, 0 },
	{ SCMP_SYS(fsmount), EPERM, 0, 0 },
	{ SCMP_SYS(mount_setattr), EPERM, 0, 0 },
	{ SCMP_SYS(open_by_handle_at), EPERM, 0, 0 },

	/* io_uring opens and reads files without the calls that other filters look at. */
	{ SCMP_SYS(io_uring_setup), ENOSYS, 0, 0 },
	{ SCMP_SYS(io_uring_enter), ENOSYS, 0, 0 },
	{ SCMP_SYS(io_uring_register), ENOSYS, 0, 0 },

	/* Memory that data turns into code in. */
	{ SCMP_SYS(pkey_alloc), ENOSYS, 0, 0 },
	{ SCMP_SYS(pkey_mprotect), ENOSYS, 2, PROT_EXEC },
	{ SCMP_SYS(shmat), EPERM, 2, IH_SHM_EXEC },

	/* Code in the kernel, or under it. */
	{ SCMP_SYS(bpf), EPERM, 0, 0 },
	{ SCMP_SYS(perf_event_open), EPERM, 0, 0 },
	{ SCMP_SYS(init_module), EPERM, 0, 0 },
	{ SCMP_SYS(finit_module), EPERM, 0, 0 },
	{ SCMP_SYS(kexec_load), EPERM, 0, 0 },
	{ SCMP_SYS(kexec_file_load), EPERM, 0, 0 },
};

static int add_call(scmp_filter_ctx ctx, const struct call *c)
{
	int r;

	if (!c->mask)
		return seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)c->error), c->number, 0);

	/* One rule a bit: MASKED_EQ matches all bits of its value, and any one is enough. */
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t one = 1ULL << bit;

		if (!(c->mask & one))
			continue;
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)c->error), c->number, 1,
				     SCMP_CMP(c->arg, SCMP_CMP_MASKED_EQ, one, one));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Offsets in struct seccomp_data; the lower half of argument 0 comes first, as on every machine
 * that is little endian. */
#define LOAD(at)	     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, at))
#define JUMP(op, k, yes, no) BPF_JUMP(BPF_JMP | BPF_##op | BPF_K, k, yes, no)
#define RETURN(what)	     BPF_STMT(BPF_RET | BPF_K, what)

/*
 * personality(READ_IMPLIES_EXEC) makes every readable mapping executable. Asking is 0xffffffff,
 * which has that bit as well; so: refused when the bit is set and any other of the 32 is not. The
 * kernel looks at 32 bits of a 64-bit register, which a plain comparison with 0xffffffff would
 * miss. libseccomp can say that only with a rule a bit, a hundred instructions that the kernel
 * compiles at every exec; so these stand before what it makes. Any other call, and any other
 * architecture, goes on to that.
 */
static size_t put_personality(struct sock_filter code[])
{
	const struct sock_filter head[] = {
		LOAD(arch),
		JUMP(JEQ, seccomp_arch_native(), 0, 7),
		LOAD(nr),
		JUMP(JEQ, (uint32_t)SCMP_SYS(personality), 0, 5),
		LOAD(args[0]),
		JUMP(JEQ, 0xffffffff, 2, 0),
		JUMP(JSET, READ_IMPLIES_EXEC, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};

	memcpy(code, head, sizeof(head));
	return IH_ARRAY_SIZE(head);
}

/* A memfd is a file nobody signed; sealed against execution (Linux 6.3) it is only data. */
static int add_memfd(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(memfd_create), 1,
				SCMP_CMP(1, SCMP_CMP_MASKED_EQ, IH_MFD_NOEXEC_SEAL, 0));
}

/*
 * A process that shares its working directory with another could have it moved between the verdict
 * on
 * "./script" and the interpreter's open. Threads share it too, but exec leaves only one of them.
 */
static int add_shared_directory(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				SCMP_CMP(0, SCMP_CMP_MASKED_EQ, CLONE_FS | CLONE_THREAD, CLONE_FS));
}

/* What the supervisor looks at. Protections are registers: what it sees is what the kernel does. */
static int add_stops(scmp_filter_ctx ctx)
{
	static const struct {
		int number;
		enum ih_filter_stop stop;
	} stops[] = {
		{ SCMP_SYS(execve), IH_FILTER_EXEC },
		{ SCMP_SYS(execveat), IH_FILTER_EXEC },
		{ SCMP_SYS(mmap), IH_FILTER_MEMORY },
		{ SCMP_SYS(mprotect), IH_FILTER_MEMORY },
	};
	int r = 0;

	for (size_t i = 0; i < IH_ARRAY_SIZE(stops) && r >= 0; i++)
		r = stops[i].stop == IH_FILTER_EXEC
			    ? seccomp_rule_add(ctx, SCMP_ACT_TRACE(IH_FILTER_EXEC), stops[i].number,
					       0)
			    : seccomp_rule_add(
				      ctx, SCMP_ACT_TRACE(IH_FILTER_MEMORY), stops[i].number, 1,
				      SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	return r;
}

static int add_all(scmp_filter_ctx ctx, bool trace_exec)
{
	int r;

	for (size_t i = 0; i < IH_ARRAY_SIZE(calls); i++) {
		r = add_call(ctx, &calls[i]);
		if (r < 0)
			return r;
	}
	r = add_shared_directory(ctx);
	if (r < 0)
		return r;
	r = add_memfd(ctx);
	if (r < 0 || !trace_exec)
		return r;
	return add_stops(ctx);
}

/* Print one program as a C array of struct sock_filter. */
static int print_program(const char *name, bool trace_exec)
{
	struct sock_filter code[IH_FILTER_MAX];
	size_t first = put_personality(code);
	size_t room = sizeof(code) - first * sizeof(code[0]);
	scmp_filter_ctx ctx;
	ssize_t n = 0;
	FILE *f;
	int r;

	ctx = seccomp_init(SCMP_ACT_ALLOW);
	f = tmpfile();
	r = ctx && f ? add_all(ctx, trace_exec) : -ENOMEM;
	if (r >= 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r >= 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r >= 0)
		r = seccomp_export_bpf(ctx, fileno(f));
	if (r >= 0) {
		n = pread(fileno(f), code + first, room, 0);
		r = n <= 0 || n == (ssize_t)room ? -EIO : 0;
	}
	if (ctx)
		seccomp_release(ctx);
	if (f)
		(void)fclose(f);
	if (r < 0)
		return r;

	printf("static const struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < first + (size_t)n / sizeof(code[0]); i++)
		printf("\t{ %#x, %u, %u, %#x },\n", code[i].code, code[i].jt, code[i].jf,
		       code[i].k);
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
