/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sentence to the terminal of a process that cannot say anything any more. */
#pragma once

#include <sys/types.h>

/**
 * ih_terminal_tell() - write a line to the controlling terminal of a process
 * @pid: who was stopped; it may be gone, and then its @parent's terminal is taken
 *
 * Best effort: no terminal, or one that does not take the line at once, loses it.
 */
void ih_terminal_tell(pid_t pid, pid_t parent, const char *sentence);
