/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard` as people call it: runs the verb `run` itself and hands the others to ihard-verbs.
 * Static, so that the loader's variables reach nothing before `ihard run` has looked at them; and
 * ihard-verbs, which is not static, gets them under another name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "common/cleanup.h"

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

/* Would the loader, libc or a library that ihard-verbs is linked with load code by it? */
static bool is_dangerous(const char *entry)
{
	static const char *const prefixes[] = { "LD_",	    "GLIBC_TUNABLES=", "GCONV_PATH=",
						"LOCPATH=", "NLSPATH=",	       "OPENSSL_",
						"SSL_",	    "TSS2_",	       IH_SET_ASIDE };

	for (size_t i = 0; i < IH_ARRAY_SIZE(prefixes); i++)
		if (!strncmp(entry, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* Our environment with such variables renamed. NULL: no memory. */
static char **set_aside(void)
{
	size_t n = 0;
	char **made;

	while (environ && environ[n])
		n++;
	made = calloc(n + 1, sizeof(*made));
	for (size_t i = 0; made && i < n; i++) {
		made[i] = environ[i];
		if (is_dangerous(environ[i]) &&
		    asprintf(&made[i], IH_SET_ASIDE "%s", environ[i]) < 0)
			return NULL;
	}
	return made;
}

/* Beside this program (where it was built), else where it was installed. */
static void hand_over(char **argv)
{
	char **envp = set_aside();
	char path[PATH_MAX + sizeof("/ihard-verbs")];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	if (!envp)
		return;
	path[n < 0 ? 0 : n] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		memcpy(slash, "/ihard-verbs", sizeof("/ihard-verbs"));
		(void)execve(path, argv, envp);
	}
	if (!slash || errno == ENOENT)
		(void)execve(IH_LIBEXEC "/ihard-verbs", argv, envp);
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
