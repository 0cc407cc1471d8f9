/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ih-distinct FOLDER N [FILE]
 * Makes N files, one after the other and each an inode of its own while the one before still lies
 * there, and executes each: all must be refused. Prints how many were; the first that is not takes
 * this process' place, and prints "ran". With FILE it says "ready" and waits until that is there:
 * for a time in which nobody can start it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char script[] = "#!/usr/bin/echo ran\n";

static int make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, script, sizeof(script) - 1);
	return close(fd) < 0 || n < 0 ? -1 : 0;
}

static void wait_for(const char *path)
{
	struct stat st;

	(void)puts("ready");
	(void)fflush(stdout);
	while (stat(path, &st) < 0)
		(void)usleep(10000);
}

int main(int argc, char **argv)
{
	char *none[] = { NULL };
	char path[2][256] = { "", "" };
	long n, refused = 0;

	if (argc < 3 || argc > 4)
		return 2;
	n = strtol(argv[2], NULL, 10);
	if (argc == 4)
		wait_for(argv[3]);
	for (long i = 0; i < n; i++) {
		char *this = path[i & 1];
		char *arguments[] = { this, NULL };

		if (this[0])
			(void)unlink(this);
		(void)snprintf(this, sizeof(path[0]), "%s/%ld", argv[1], i);
		if (make(this) < 0) {
			perror(this);
			return 1;
		}
		(void)execve(this, arguments, none);
		refused += errno == EPERM;
	}
	printf("%ld\n", refused);
	return 0;
}
