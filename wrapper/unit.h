/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which systemd unit a process belongs to: by its control group, which the kernel knows and only
 * root changes. Asks no service manager.
 */
#pragma once

#include <sys/types.h>

#define IH_UNIT_NAME_MAX 256 /* systemd.unit(5): 255 bytes */

/**
 * ih_unit_of() - the system's unit that a process runs in
 * @pid: 0: this process
 *
 * The outermost one: a user's own service manager makes control groups with names of its user's
 * choice, but only below "user@UID.service".
 *
 * Return: 0, or -ENOENT when it is in none, or a negative errno when that cannot be read.
 */
int ih_unit_of(pid_t pid, char ret[IH_UNIT_NAME_MAX]);

/* The same from the text of /proc/PID/cgroup, see cgroups(7). */
int ih_unit_parse(const char *text, char ret[IH_UNIT_NAME_MAX]);
