/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which modules does the text of a script ask for by name? Only what is spelled out is found: a
 * name that the script makes up while it runs is not, and what its modules ask for is in them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define IH_REQUIRED_NAME_MAX 128 /* longer names are no modules */

struct ih_required {
	const char *at, *end;
};

/**
 * ih_required_next() - the next module that a Lua script asks for
 * @r: begin with the whole text
 * @ret: its name as a relative file name, without suffix: "a.b" is "a/b"
 *
 * Source: Lua 5.4 manual, 3.1 (literal strings), 6.3 (require, package.path). A mention in a
 * comment counts as well.
 * Return: false when there is none any more.
 */
bool ih_required_next(struct ih_required *r, char ret[IH_REQUIRED_NAME_MAX]);
