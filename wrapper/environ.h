/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The environment a command is started with: built anew from what passes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/diag.h"
#include "wrapper/gather.h"

#define IH_ENVIRON_MAX 16384 /* variables; a larger environment is refused */

/* A variable that was changed or taken out, and why. */
struct ih_environ_note {
	char *name, *why;
};

struct ih_environ {
	char **envp; /* NULL-terminated; owned */
	size_t n;
	struct ih_environ_note *notes;
	size_t n_notes;
};

/**
 * ih_environ_build() - take out what carries untrusted code to any known interpreter
 * @in: with the environment as it was given
 * @ret: to be given to ih_environ_done()
 *
 * What passes: well-formed entries (NAME=VALUE), the first of each name, that no grammar knows as
 * carrying code, or whose code is trusted, or that the policy keeps. Path lists lose their
 * untrusted elements where the policy says filter, and go where nothing is left. Variables go where
 * the policy says drop; where it says refuse they stay, and the judge refuses. Every known
 * interpreter is asked, not only the outermost program: what that starts gets the same environment.
 *
 * PYTHONNOUSERSITE=1 is added, so that Python does not load code from ~/.local.
 *
 * Return: 0, -E2BIG, -ENOMEM.
 */
int ih_environ_build(const struct ih_gather_input *in, struct ih_environ *ret,
		     struct ih_diag *diag);

/* Set a variable, or replace it. @entry is "NAME=VALUE". Return: 0 or -ENOMEM. */
int ih_environ_set(struct ih_environ *e, const char *entry);

void ih_environ_done(struct ih_environ *e);
