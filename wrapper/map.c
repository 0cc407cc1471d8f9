/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the arguments of mmap(2) and mprotect(2). */
#include "wrapper/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

/* A process that does not let us look (PR_SET_DUMPABLE) is -EACCES, a number for nothing -ENOENT.
 */
static int open_theirs(pid_t pid, int number)
{
	char name[48];
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/%d/fd/%d", pid, number);
	fd = open(name, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void ih_map_read(pid_t pid, const struct __ptrace_syscall_info *call, struct ih_map *ret)
{
	const uint64_t *args = call->seccomp.args;

	*ret = (struct ih_map){
		.pid = pid,
		.is_change = call->seccomp.nr != SYS_mmap,
		.is_written = args[2] & PROT_WRITE,
		.fd = -EBADF,
	};
	if (!ret->is_change && !(args[3] & MAP_ANONYMOUS))
		ret->fd = open_theirs(pid, (int)args[4]);
}

void ih_map_done(struct ih_map *map)
{
	if (map->fd >= 0)
		(void)close(map->fd);
	map->fd = -EBADF;
}
