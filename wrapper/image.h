/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image of a process that was stopped right after execve: what it will run, before it has run
 * one instruction of it. Reads, decides nothing.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "common/diag.h"

#define IH_IMAGE_BYTES_MAX (16UL << 20) /* the kernel allows 6 MiB of arguments and environment */

struct ih_image {
	pid_t pid;
	int proc; /* directory /proc/PID */
	int exe;  /* the file that was mapped, O_RDONLY; O_PATH where it cannot be read */
	int argc;
	char **argv; /* the kernel's own copy; NULL-terminated, at least one */
	char **envp;
	char *arg_bytes, *env_bytes;
};

/**
 * ih_image_read() - read a stopped process's image
 * @pid: in a PTRACE_EVENT_EXEC stop of the caller
 *
 * Exact, not raced: the kernel copied the vectors from the old image before it stopped, no other
 * thread is left, and nobody else shares the new memory (fs/exec.c: begin_new_exec(),
 * setup_new_exec()). /proc/PID/{cmdline,environ,exe} read that memory, see proc(5).
 *
 * Return: 0, or a negative errno with a sentence: -EACCES for a program that its user may run but
 * not read, -E2BIG, -ESRCH when the process was killed meanwhile.
 */
int ih_image_read(pid_t pid, struct ih_image *ret, struct ih_diag *diag);

void ih_image_done(struct ih_image *image);

/**
 * ih_image_say() - write a line to the standard error of that process
 *
 * Takes its descriptor 2 (pidfd_getfd(2), Linux 5.6), so that the sentence goes where the process's
 * own messages go and the supervisor keeps nobody's pipe open. Never blocks: what cannot be written
 * at once is not written.
 */
void ih_image_say(pid_t pid, const char *line);
