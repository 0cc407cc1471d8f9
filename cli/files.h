/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which files of a tree are worth judging: those that are executable or begin with '#!'. Only
 * names are collected; whoever judges them opens and looks again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/diag.h"

#define IH_FILES_MAX 4000000

struct ih_files {
	char **names; /* owned */
	size_t n, size;
	size_t skipped; /* regular files that are neither */
};

/**
 * ih_files_collect() - add a file, or all that is worth judging below a directory, in name order
 *
 * A file that is named itself is added whatever it is. Symbolic links below a directory are taken
 * for what they lead to, but not descended into.
 *
 * Return: 0, or a negative errno: something could not be read, the rest is there.
 */
int ih_files_collect(struct ih_files *files, const char *path, struct ih_diag *diag);
void ih_files_done(struct ih_files *files);

bool ih_is_directory(const char *path);
