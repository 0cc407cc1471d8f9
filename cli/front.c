/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard` as people call it: runs the verb `run` itself and hands the others to ihard-verbs.
 * Static, so that the loader's variables reach nothing before `ihard run` has looked at them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"

/* A descriptor 0, 1 or 2 that is closed would be given to the next file that is opened. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

/* Beside this program (where it was built), else where it was installed. */
static void hand_over(char **argv)
{
	char path[PATH_MAX + sizeof("/ihard-verbs")];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	path[n < 0 ? 0 : n] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		memcpy(slash, "/ihard-verbs", sizeof("/ihard-verbs"));
		(void)execv(path, argv);
	}
	if (!slash || errno == ENOENT)
		(void)execv(IH_LIBEXEC "/ihard-verbs", argv);
}

int main(int argc, char **argv)
{
	fill_standard_descriptors();
	if (argc > 1 && strcmp(argv[1], "run") == 0)
		return ih_cmd_run(argc - 1, argv + 1);
	hand_over(argv);
	fprintf(stderr, "ihard: cannot run '%s': %s\n", IH_LIBEXEC "/ihard-verbs", strerror(errno));
	return IH_EXIT_FAILED;
}
