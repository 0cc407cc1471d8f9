/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An interpreter that cooperates as Documentation/userspace-api/check_exec.rst asks it to; of a
 * language that says what would have run. ih-careful FILE      ih-careful -c TEXT      ih-careful <
 * FILE      ih-careful --bits Exits with 0 when it ran something, 1 when it refused (the errno's
 * name is printed), 2 when it could not try, 77 where the kernel has no AT_EXECVE_CHECK.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wrapper/kernel.h"

static int check(int fd)
{
	return (int)syscall(SYS_execveat, fd, "", NULL, NULL, AT_EMPTY_PATH | IH_AT_EXECVE_CHECK);
}

static int has_check(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && (check(fd) == 0 || errno != EINVAL);
}

static int refuse(const char *why)
{
	printf("%s\n", why);
	return 1;
}

static int run_file(int fd, int bits, const char *name)
{
	if (fd < 0)
		return 2;
	if (check(fd) < 0 && (bits & IH_SECBIT_EXEC_RESTRICT_FILE))
		return refuse(strerrorname_np(errno));
	printf("ran %s\n", name);
	return 0;
}

static int run_text(int bits, const char *text)
{
	if (bits & IH_SECBIT_EXEC_DENY_INTERACTIVE)
		return refuse("EPERM");
	printf("ran %s\n", text);
	return 0;
}

/* With DENY_INTERACTIVE, only an executable file on standard input. */
static int run_stdin(int bits)
{
	if ((bits & IH_SECBIT_EXEC_DENY_INTERACTIVE) && check(STDIN_FILENO) < 0)
		return refuse(strerrorname_np(errno));
	printf("ran standard input\n");
	return 0;
}

int main(int argc, char **argv)
{
	int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	if (bits < 0 || !has_check())
		return 77;
	if (argc == 1)
		return run_stdin(bits);
	if (strcmp(argv[1], "--bits") == 0) {
		printf("%#x\n", (unsigned int)bits);
		return 0;
	}
	if (strcmp(argv[1], "-c") == 0 && argc > 2)
		return run_text(bits, argv[2]);
	return run_file(open(argv[1], O_RDONLY | O_CLOEXEC), bits, argv[1]);
}
