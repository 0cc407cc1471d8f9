/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which modules does the text of a script ask for by name? Only what is spelled out is found: a
 * name that the script makes up while it runs is not, and what its modules ask for is in them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define IH_REQUIRED_NAME_MAX 128 /* longer names are no modules */

enum ih_required_style {
	IH_REQUIRED_NONE = 0,
	IH_REQUIRED_LUA,  /* require 'x' */
	IH_REQUIRED_JAVA, /* every identifier may be the name of a class or the first of a package
			   */
};

struct ih_required {
	const char *at, *end;
	enum ih_required_style style;
};

/**
 * ih_required_next() - the next module that a script asks for
 * @r: begin with the whole text
 * @ret: its name as a relative file name, without suffix: "a.b" is "a/b"
 *
 * Source: Lua 5.4 manual, 3.1 (literal strings), 6.3 (require, package.path); The Java Language
 * Specification 17, 3.8 (identifiers), 6.4.1 (a class of the unnamed package goes before
 * java.lang). A mention in a comment counts as well; an identifier spelled with \u escapes is not
 * found. Return: false when there is none any more.
 */
bool ih_required_next(struct ih_required *r, char ret[IH_REQUIRED_NAME_MAX]);
