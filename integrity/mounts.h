/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where what is mounted comes from: a folder or a file can be bound to another place, and then has
 * a name that says nothing about it.
 */
#pragma once

#include <stdint.h>

/**
 * ih_mount_source() - the name that something bound to another place has where it lies
 * @id: of the mount, as statx(2) tells (STATX_MNT_ID); of this process's mount namespace
 * @ret: the name, which may be hidden below another mount by now: whoever uses it compares; NULL
 *	when a whole file system is mounted, or nothing here shows the place that it comes from
 *	(a subvolume of btrfs, a mount that somebody made elsewhere and handed in)
 *
 * Source: proc(5), mountinfo: the root of a mount within its file system.
 *
 * Return: 0, -ENOENT when there is no such mount any more, another negative errno.
 */
int ih_mount_source(uint64_t id, char **ret);

/* A name as mountinfo writes it, in place: blank, tab, newline and backslash are \ooo there. */
void ih_mount_unescape(char *name);
