/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ways to start a program: ih-spawn HOW [N] -- PROGRAM ARG…
 * vfork, posix_spawn, thread (exec from another thread while more run), daemon (fork, setsid, fork,
 * the first two leave), fork (N children that only exit), loop (N times fork, exec, wait).
 * Prints how many microseconds the median turn took for fork and loop.
 */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char **command;

static int finish(pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int by_vfork(long n)
{
	pid_t pid = vfork();

	(void)n;
	if (pid == 0) {
		execv(command[0], command);
		_exit(127);
	}
	return finish(pid);
}

static int by_posix_spawn(long n)
{
	pid_t pid = -1;

	(void)n;
	if (posix_spawn(&pid, command[0], NULL, NULL, command, environ) != 0)
		return 126;
	return finish(pid);
}

static void *spin(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *run_it(void *unused)
{
	execv(command[0], command);
	_exit(126);
	return unused;
}

static int by_thread(long n)
{
	pthread_t t;

	(void)n;
	for (int i = 0; i < 4; i++)
		(void)pthread_create(&t, NULL, spin, NULL);
	(void)pthread_create(&t, NULL, run_it, NULL);
	(void)pthread_join(t, NULL);
	return 2;
}

static int by_daemon(long n)
{
	(void)n;
	if (fork() != 0)
		return 0;
	(void)setsid();
	if (fork() != 0)
		_exit(0);
	(void)usleep(200000);
	execv(command[0], command);
	_exit(126);
}

static long now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* N turns; prints the median, which a turn that others took the processor from does not move. */
static int repeat(long n, int (*turn)(long))
{
	long *took = calloc((size_t)n, sizeof(*took));
	int r = 0;

	if (!took)
		return 2;
	for (long i = 0; i < n; i++) {
		long start = now();

		r |= turn(0);
		took[i] = now() - start;
	}
	qsort(took, (size_t)n, sizeof(*took), compare);
	printf("%ld.%02ld\n", took[n / 2] / 1000, took[n / 2] % 1000 / 10);
	free(took);
	return r;
}

static int fork_once(long n)
{
	pid_t pid = fork();

	(void)n;
	if (pid == 0)
		_exit(0);
	return finish(pid);
}

static int by_fork(long n)
{
	return repeat(n, fork_once);
}

static int by_loop(long n)
{
	return repeat(n, by_posix_spawn);
}

static const struct {
	const char *name;
	int (*how)(long n);
} ways[] = {
	{ "vfork", by_vfork },	 { "posix_spawn", by_posix_spawn },
	{ "thread", by_thread }, { "daemon", by_daemon },
	{ "fork", by_fork },	 { "loop", by_loop },
};

int main(int argc, char **argv)
{
	long n = 1;
	int i = 2;

	if (argc > 2 && strcmp(argv[2], "--") != 0) {
		n = strtol(argv[2], NULL, 10);
		i = 3;
	}
	command = argv + (i < argc ? i + 1 : i);
	for (size_t w = 0; argc > 1 && w < sizeof(ways) / sizeof(ways[0]); w++)
		if (strcmp(ways[w].name, argv[1]) == 0)
			return ways[w].how(n < 1 ? 1 : n);
	return 2;
}
