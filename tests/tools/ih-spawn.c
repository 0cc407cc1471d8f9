/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ways to start a program: ih-spawn HOW [N] -- PROGRAM ARG…
 * vfork, posix_spawn, thread (exec from another thread while more run), daemon (fork, setsid, fork,
 * the first two leave), fork (N children that only exit), loop (N times fork, exec, wait).
 * Prints how many microseconds a turn took for fork and loop.
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

static long since(const struct timespec *start)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000000 + (now.tv_nsec - start->tv_nsec) / 1000;
}

static int by_fork(long n)
{
	struct timespec start;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (finish(pid) != 0)
			return 1;
	}
	printf("%ld.%02ld\n", since(&start) / n, since(&start) * 100 / n % 100);
	return 0;
}

static int by_loop(long n)
{
	struct timespec start;
	int r = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < n; i++)
		r |= by_posix_spawn(0);
	printf("%ld.%02ld\n", since(&start) / n, since(&start) * 100 / n % 100);
	return r;
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
