/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An execve that is about to happen: what its caller asks for, read from the caller's memory. Other
 * threads can change that memory, so what is learnt here may refuse with a clean errno, and never
 * allows anything: the gate looks again when the image is complete (wrapper/image.h).
 */
#pragma once

#include "common/diag.h"
#include "wrapper/image.h"

struct __ptrace_syscall_info; /* sys/ptrace.h */

struct ih_attempt {
	struct ih_image image; /* exe is -EBADF: nothing is mapped yet */
	char *path;	       /* as the caller gave it, relative to @directory */
	char directory[64];    /* "/proc/PID/cwd", or "/proc/PID/fd/N" for execveat(2) */
};

/**
 * ih_attempt_read() - read the execve or execveat that a tracee was stopped at
 * @pid: in a PTRACE_EVENT_SECCOMP stop of the caller
 * @call: what PTRACE_GET_SYSCALL_INFO says of it
 *
 * Return: 0; -ENODATA when there is nothing to say beforehand (no exec; a name in /proc or /dev/fd,
 * which means something else to us; a descriptor without a name; AT_EXECVE_CHECK); another negative
 * errno when it cannot be read.
 */
int ih_attempt_read(pid_t pid, const struct __ptrace_syscall_info *call, struct ih_attempt *ret);
void ih_attempt_done(struct ih_attempt *a);

/**
 * ih_attempt_refuse() - have a system call return -EACCES instead of being done
 *
 * Return: 0, or -EOPNOTSUPP where the machine's registers are not known here.
 */
int ih_attempt_refuse(pid_t pid);
