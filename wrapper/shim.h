/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shims: names under which ihard-exec stands in an interpreter's place, and the interpreter that
 * each stands for. The table is written at install time; PATH has no say.
 */
#pragma once

#include "common/diag.h"

#define IH_SHIM_FILE	 "/etc/ihard/shims"
#define IH_SHIM_SIZE_MAX (64UL << 10)

/**
 * ih_shim_find() - which interpreter a name stands for
 * @file: lines "name /absolute/path"; '#' begins a comment. It must be root's or the caller's, and
 *	nobody else may be able to write it
 * @argv0: as execve(2) gave it; its last component counts, without a login shell's leading '-'
 * @ret: allocated; the caller frees it
 *
 * Return: 0; -ENOENT when the table has no such name; -EPERM, -EBADMSG or what opening gave, with a
 * sentence.
 */
int ih_shim_find(const char *file, const char *argv0, char **ret, struct ih_diag *diag);
