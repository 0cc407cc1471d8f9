/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cron UID SHELL TEXT
 * What cron does with a line of a table: becomes the user and executes "SHELL -c TEXT". To be put
 * into place under the name of cron, by which it is known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	pid_t child;
	uid_t uid;
	int status;

	if (argc != 4)
		return 2;
	uid = (uid_t)strtoul(argv[1], NULL, 10);
	child = fork();
	if (child == 0) {
		if (setgid(uid) == 0 && setuid(uid) == 0)
			(void)execl(argv[2], argv[2], "-c", argv[3], (char *)NULL);
		_exit(126);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
