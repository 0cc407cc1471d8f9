/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ih-load exec|open FOLDER PASSES, ih-load run PASSES -- PROGRAM ARG…
 * Executes (spawn and wait) or opens and closes every file of a folder, again and again, or runs
 * one command again and again; prints for each pass the microseconds that one took. For bench/gate.
 */
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 4096

extern char **environ;

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool spawn(char **argv)
{
	int status = -1;
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0)
		return false;
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool open_one(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && close(fd) == 0;
}

static size_t list(const char *folder, char **ret)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t n = 0;

	while (dir && n < FILES_MAX && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    asprintf(&ret[n], "%s/%s", folder, entry->d_name) > 0)
			n++;
	if (dir)
		(void)closedir(dir);
	return n;
}

static int pass(bool execute, char **files, size_t n)
{
	double start = now_us();

	for (size_t i = 0; i < n; i++) {
		char *argv[] = { files[i], NULL };

		if (!(execute ? spawn(argv) : open_one(files[i]))) {
			fprintf(stderr, "ih-load: '%s' fails\n", files[i]);
			return 1;
		}
	}
	printf("%.2f\n", (now_us() - start) / (double)n);
	return 0;
}

static int run(long passes, char **argv)
{
	for (long i = 0; i < passes; i++) {
		double start = now_us();

		if (!spawn(argv))
			return 1;
		printf("%.2f\n", now_us() - start);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char *files[FILES_MAX];
	size_t n;

	if (argc > 4 && strcmp(argv[1], "run") == 0)
		return run(strtol(argv[2], NULL, 10), argv + 4);
	if (argc != 4)
		return 2;
	n = list(argv[2], files);
	for (long i = strtol(argv[3], NULL, 10); n && i > 0; i--)
		if (pass(strcmp(argv[1], "exec") == 0, files, n) != 0)
			return 1;
	return n ? 0 : 1;
}
