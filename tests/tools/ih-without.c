/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes system calls away, to see what a program does without them:
 * ih-without CALL[:ARG0]=ERRNO… -- PROGRAM ARG…
 * CALL is a name or a number; with :ARG0 only calls with that first argument fail. Runs the program
 * under no_new_privs, as an ordinary user may.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE_MAX 256

static const struct {
	const char *name;
	int number;
} calls[] = {
	{ "prctl", SYS_prctl },
	{ "seccomp", SYS_seccomp },
	{ "landlock_create_ruleset", SYS_landlock_create_ruleset },
	{ "landlock_add_rule", SYS_landlock_add_rule },
	{ "landlock_restrict_self", SYS_landlock_restrict_self },
	{ "capset", SYS_capset },
	{ "capget", SYS_capget },
	{ "setrlimit", SYS_setrlimit },
	{ "prlimit64", SYS_prlimit64 },
	{ "openat", SYS_openat },
	{ "openat2", SYS_openat2 },
	{ "open", SYS_open },
	{ "execve", SYS_execve },
	{ "execveat", SYS_execveat },
	{ "statx", SYS_statx },
	{ "newfstatat", SYS_newfstatat },
	{ "fstat", SYS_fstat },
	{ "readlinkat", SYS_readlinkat },
	{ "readlink", SYS_readlink },
	{ "getdents64", SYS_getdents64 },
	{ "clone", SYS_clone },
	{ "clone3", SYS_clone3 },
	{ "ptrace", SYS_ptrace },
	{ "pipe2", SYS_pipe2 },
	{ "socketpair", SYS_socketpair },
	{ "pidfd_open", SYS_pidfd_open },
	{ "pidfd_getfd", SYS_pidfd_getfd },
	{ "wait4", SYS_wait4 },
	{ "fcntl", SYS_fcntl },
	{ "close_range", SYS_close_range },
	{ "pread64", SYS_pread64 },
	{ "read", SYS_read },
	{ "dup2", SYS_dup2 },
	{ "setsid", SYS_setsid },
	{ "process_vm_readv", SYS_process_vm_readv },
	{ "faccessat2", SYS_faccessat2 },
	{ "fgetxattr", SYS_fgetxattr },
	{ "fstatfs", SYS_fstatfs },
	{ "rt_sigaction", SYS_rt_sigaction },
};

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "ENOSYS", ENOSYS }, { "EPERM", EPERM },	    { "EINVAL", EINVAL },
	{ "EMFILE", EMFILE }, { "ENOMEM", ENOMEM },	    { "EACCES", EACCES },
	{ "EIO", EIO },	      { "EOPNOTSUPP", EOPNOTSUPP },
};

static struct sock_filter code[CODE_MAX];
static unsigned short n_code;

static void emit(uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (n_code >= CODE_MAX)
		exit(2);
	code[n_code++] = (struct sock_filter){ op, jt, jf, k };
}

static int number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	fprintf(stderr, "ih-without does not know '%s'\n", name);
	exit(2);
}

static int error_of(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	fprintf(stderr, "ih-without does not know '%s'\n", name);
	exit(2);
}

static void take_away(char *what)
{
	char *error = strchr(what, '='), *arg = strchr(what, ':');

	if (!error)
		exit(2);
	*error++ = '\0';
	if (arg)
		*arg++ = '\0';

	emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number_of(what), 0, arg ? 3 : 1);
	if (arg) {
		emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]), 0, 0);
		emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)strtoul(arg, NULL, 0), 0, 1);
	}
	emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error_of(error), 0, 0);
}

int main(int argc, char **argv)
{
	struct sock_fprog prog = { .filter = code };
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		take_away(argv[i]);
	if (i + 1 >= argc)
		return 2;
	emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);

	prog.len = n_code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0) {
		perror("seccomp");
		return 2;
	}
	execv(argv[i + 1], argv + i + 1);
	/* execve itself may be what was taken away: the last way out is fexecve's system call. */
	syscall(SYS_execveat, -100L, argv[i + 1], argv + i + 1, environ, 0L);
	perror("exec");
	return 2;
}
