/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The '#!' line, read exactly as Linux reads it. Pure: opens nothing, follows nothing.
 */
#pragma once

#include <stddef.h>

#include "common/diag.h"

#define IH_SHEBANG_NIX_MAX 65536 /* longer scripts of nix-shell are not looked at */
#define IH_SHEBANG_MAX	   256	 /* BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h */

struct ih_shebang {
	char interpreter[IH_SHEBANG_MAX];
	char argument[IH_SHEBANG_MAX]; /* all that follows, as one argument; "": none */
};

/**
 * ih_shebang_parse() - who interprets a file that begins like this
 * @head: its first bytes; no more than IH_SHEBANG_MAX of them are looked at
 * @ret: written on success only
 *
 * As load_script() in fs/binfmt_script.c (Linux 5.7 and later): blanks around the interpreter's
 * name are skipped, a NUL ends it, an interpreter's name that may be cut off is refused, an
 * argument that is cut off is not.
 *
 * Return: 0, -ENOENT when there is no '#!', -ENOEXEC with a sentence when Linux refuses the line (a
 * shell would then try the file as a script of its own).
 */
int ih_shebang_parse(const void *head, size_t len, struct ih_shebang *ret, struct ih_diag *diag);

/**
 * ih_shebang_nix_shell() - who interprets a script that nix-shell was given
 * @text: the whole script
 * @ret: what follows -i in its '#! nix-shell' lines: a program and perhaps options, plain words
 *
 * Source: Nix, src/nix-build/nix-build.cc: the first line must begin with '#!'; every line after it
 * that has the form '#! nix-shell WORDS' is more of nix-shell's command line; the last -i counts,
 * and is pasted into a command for a shell.
 * Return: 0, -ENOENT when no line names an interpreter, -EBADMSG with a sentence when it cannot be
 * told, -EFBIG, -ENOMEM.
 */
int ih_shebang_nix_shell(const char *text, size_t len, char ret[IH_SHEBANG_MAX],
			 struct ih_diag *diag);
