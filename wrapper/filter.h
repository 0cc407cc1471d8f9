/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp filter: system calls with which code could get past the gate. It looks at numbers and
 * registers only, never at memory, so nothing here can be raced.
 */
#pragma once

#include <stdbool.h>

#include "common/diag.h"

/* How the filter is told apart. All zero is the plain one. */
struct ih_filter {
	bool trace_exec; /* stop for a tracer (PTRACE_EVENT_SECCOMP), see enum ih_filter_stop */
};

/* What a tracer is stopped for: the filter's data. */
enum ih_filter_stop {
	IH_FILTER_EXEC = 0, /* execve, execveat */
	IH_FILTER_MEMORY,   /* mmap, mprotect of memory that shall be executable */
};

/**
 * ih_filter_load() - put the process under the filter, for ever and for all its children
 *
 * no_new_privs must be set. Foreign ABIs (i386, x32) end the process at their first system call.
 * See the table in filter.c for each call, its errno and the attack it answers; seccomp(2).
 *
 * Return: 0, or a negative errno with a sentence: -ENOSYS, -EINVAL when the kernel has no seccomp
 * filters.
 */
int ih_filter_load(const struct ih_filter *filter, struct ih_diag *diag);
