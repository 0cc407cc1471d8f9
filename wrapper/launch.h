/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last steps: supervisor, confinement, exec of the very file that was judged. Decides nothing.
 */
#pragma once

#include <stdbool.h>

#include "common/diag.h"
#include "common/provider.h"
#include "wrapper/confine.h"
#include "wrapper/tree.h"

struct ih_launch {
	int program;	  /* descriptor of the file that was judged; O_PATH will do */
	const char *name; /* for messages */
	char *const *argv, *const *envp;
	struct ih_confine confine;
	const struct ih_tree *tree; /* NULL: only this exec was judged */
};

/**
 * ih_launch() - put the process under its supervisor, confine it, and become the program
 * @notes: called with one sentence for each thing that was lost; may be NULL
 *
 * Returns only on failure: a negative errno with a sentence. Nothing has run then; the process may
 * be confined already, so the caller can only leave.
 */
int ih_launch(const struct ih_launch *l, void (*notes)(const char *sentence), struct ih_diag *diag);

/* Names of directories and files; most point into the providers. */
struct ih_trees {
	const char **names;
	size_t n;
	size_t n_code; /* so many at the end: nothing is started there */
	char **owned;
	size_t n_owned;
};

/**
 * ih_execute_trees() - the directories below which a policy's providers can vouch for files
 * @providers: must outlive @ret
 * @ret: to be given to ih_execute_trees_done() in any case
 *
 * Return: 0 or -ENOMEM.
 */
int ih_execute_trees(const struct ih_provider *providers, size_t n, struct ih_trees *ret);
void ih_execute_trees_done(struct ih_trees *trees);

/**
 * ih_execve_check() - ask the kernel whether a file may be interpreted (AT_EXECVE_CHECK,
 * Linux 6.14)
 * @fd: the file whose text is about to be interpreted
 *
 * Files that nobody may execute by their mode (0444, as most modules in a Nix store are) get no
 * answer from the kernel and pass. See Documentation/userspace-api/check_exec.rst.
 *
 * Return: 0 for yes or no answer, -EACCES, -EPERM or -ETXTBSY with a sentence for no.
 */
int ih_execve_check(int fd, const char *name, struct ih_diag *diag);
