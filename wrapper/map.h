/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A call that makes memory executable, from the registers of a process that was stopped at it. All
 * that is read here are registers and the table of descriptors, so no other process can change it
 * under us. Reads, decides nothing.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct __ptrace_syscall_info; /* sys/ptrace.h */

struct ih_map {
	pid_t pid;
	bool is_change;	 /* mprotect: of memory that is there, and may have been written */
	bool is_written; /* may be written as well as executed */
	int fd; /* the file to be mapped, O_PATH; -EBADF: none; another errno: not to be seen */
};

/**
 * ih_map_read() - what would become executable
 * @pid: in a PTRACE_EVENT_SECCOMP stop of the caller, at mmap(2) or mprotect(2)
 * @call: what PTRACE_GET_SYSCALL_INFO says of it
 * @ret: given to ih_map_done()
 *
 * The descriptor's number is a register, what it stands for is not: another thread of the same
 * process can put another file there until the kernel takes it. Who has a thread do that runs its
 * own native code already.
 */
void ih_map_read(pid_t pid, const struct __ptrace_syscall_info *call, struct ih_map *ret);
void ih_map_done(struct ih_map *map);
