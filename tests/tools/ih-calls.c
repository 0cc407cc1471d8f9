/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands behind a program's system calls, by seccomp notification:
 *   ih-calls list EXE -- PROGRAM ARG…                  prints "NUMBER[:ARG0] COUNT" a line, to
 * standard error ih-calls fail EXE NUMBER[:ARG0]=ERRNO@K -- PROGRAM ARG…   the K-th such call
 * fails, all others are done Only calls of processes whose executable is EXE count. ARG0 is told
 * apart where it selects what the call does (prctl, ptrace, seccomp, fcntl's second argument).
 * Exits as the program does; 99 is a failure of its own.
 */
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KINDS_MAX 512
#define OWN_ERROR 99

struct kind {
	int number;
	uint32_t arg;
	unsigned int count;
};

struct fault {
	int number, error;
	uint32_t arg;
	int has_arg;
	unsigned int which; /* from 1; 0: none fails */
};

static struct kind kinds[KINDS_MAX];
static size_t n_kinds;

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(OWN_ERROR);
}

static int selects(int number)
{
	switch (number) {
	case SYS_prctl:
	case SYS_ptrace:
	case SYS_seccomp:
		return 0;
	case SYS_fcntl:
		return 1;
	default:
		return -1;
	}
}

static uint32_t selector(const struct seccomp_data *d)
{
	int at = selects(d->nr);

	return at < 0 ? 0 : (uint32_t)d->args[at];
}

/* How often this one was called, with this time. */
static unsigned int count(const struct seccomp_data *d)
{
	uint32_t arg = selector(d);
	size_t i = 0;

	while (i < n_kinds && (kinds[i].number != d->nr || kinds[i].arg != arg))
		i++;
	if (i == KINDS_MAX)
		exit(OWN_ERROR);
	if (i == n_kinds)
		kinds[n_kinds++] = (struct kind){ .number = d->nr, .arg = arg };
	return ++kinds[i].count;
}

static int is_of(uint32_t pid, const char *exe)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return 0;
	path[n] = '\0';
	return strcmp(path, exe) == 0;
}

static void parse(char *text, struct fault *f)
{
	char *end;

	f->number = (int)strtol(text, &end, 10);
	if (*end == ':') {
		f->has_arg = 1;
		f->arg = (uint32_t)strtoul(end + 1, &end, 10);
	}
	if (*end != '=')
		exit(OWN_ERROR);
	f->error = (int)strtol(end + 1, &end, 10);
	if (*end != '@')
		exit(OWN_ERROR);
	f->which = (unsigned int)strtoul(end + 1, NULL, 10);
}

/* Installs the filter, leaves the listener's number in shared memory, and waits for its go. */
static _Noreturn void child(const struct fault *f, volatile int *shared, char **argv)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF) };
	struct sock_filter one[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)f->number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = f->which ? 4 : 1, .filter = f->which ? one : all };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("no_new_privs");
	shared[0] = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				 SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	if (shared[0] < 0)
		fail("seccomp");
	while (!shared[1]) /* exec closes the listener; no call, for each is answered by the parent
			    */
		;
	execv(argv[0], argv);
	fail(argv[0]);
}

static int take_listener(pid_t pid, volatile int *shared)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd;

	while (!shared[0])
		if (waitpid(pid, NULL, WNOHANG) != 0)
			exit(OWN_ERROR);
	fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, shared[0], 0);
	if (fd < 0)
		fail("listener");
	shared[1] = 1;
	return fd;
}

/* Until nobody is left below the filter. */
static void serve(int listener, const char *exe, const struct fault *f)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	while (poll(&p, 1, -1) > 0 && (p.revents & POLLIN)) {
		struct seccomp_notif in = { 0 };
		struct seccomp_notif_resp out = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in) < 0)
			continue;
		out.id = in.id;
		if (is_of(in.pid, exe)) {
			unsigned int nth = count(&in.data);

			if (f->which && in.data.nr == f->number && nth == f->which &&
			    (!f->has_arg || selector(&in.data) == f->arg)) {
				out.flags = 0;
				out.error = -f->error;
			}
		}
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &out);
	}
}

static void print_list(void)
{
	for (size_t i = 0; i < n_kinds; i++) {
		fprintf(stderr, "%d", kinds[i].number);
		if (selects(kinds[i].number) >= 0)
			fprintf(stderr, ":%u", kinds[i].arg);
		fprintf(stderr, " %u\n", kinds[i].count);
	}
}

int main(int argc, char **argv)
{
	volatile int *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fault f = { 0 };
	int list = argc > 4 && strcmp(argv[1], "list") == 0, status = 0, listener;
	char **command = argv + (list ? 4 : 5);
	pid_t pid;

	if (argc < 6 - list || shared == MAP_FAILED)
		return OWN_ERROR;
	if (!list)
		parse(argv[3], &f);
	pid = fork();
	if (pid < 0)
		return OWN_ERROR;
	if (pid == 0)
		child(&f, shared, command);
	listener = take_listener(pid, shared);
	serve(listener, argv[2], &f);
	if (waitpid(pid, &status, 0) != pid)
		return OWN_ERROR;
	if (list)
		print_list();
	if (WIFSIGNALED(status)) {
		(void)signal(WTERMSIG(status), SIG_DFL);
		(void)raise(WTERMSIG(status));
	}
	return WEXITSTATUS(status);
}
