/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is a text what it must be to do no harm? Each recogniser knows a small part of a language and
 * says no to everything else: a wrong no costs an explanation, a wrong yes would run code.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Would a shell run something, or look up something that can, when it expands this? */
bool ih_has_expansion(const char *text, size_t len);

/* bash's way to hand on a function: "() {…". */
bool ih_is_function(const char *text, size_t len);

/* A sed script that only edits the text going through: no e, w, W, r, R, F, and no such flag of s.
 */
bool ih_is_pure_sed(const char *text, size_t len);

/* An awk program that only computes and prints: no system(), getline, pipe, redirection, @. */
bool ih_is_pure_awk(const char *text, size_t len);

/* SQL without dot commands and without functions that load, read or write files. */
bool ih_is_pure_sql(const char *text, size_t len);

/* Letters, digits and harmless punctuation only. */
bool ih_is_plain_word(const char *text, size_t len);
bool ih_is_package(const char *text, size_t len); /* "app==1.0" */
bool ih_is_plain_words(const char *text, size_t len);

/* To a shell: a program by its path and plain words for it, and so nothing else. */
bool ih_is_plain_command(const char *text, size_t len);

/* A make goal, or NAME=VALUE whose value is no path: plain characters only. */
bool ih_is_plain_assignment(const char *text, size_t len);

/* Does make run or load something when it expands this? */
bool ih_has_make_function(const char *text, size_t len);

/* Options for less, as in $LESS: no commands ('+'), no file of keys ('-k'), no option by name that
 * could be one of those. */
bool ih_is_plain_less(const char *text, size_t len);

/* Does what a compiler hands on to ld load a plugin, or options from a file? */
bool ih_has_linker_plugin(const char *text, size_t len);
bool ih_is_number(const char *text, size_t len);

/* "| /usr/bin/lesspipe %s", with any directory: the program is judged when it starts. */
bool ih_is_lesspipe(const char *text, size_t len);

/* A module's name as perl takes it behind -M, "Name::Space" or "-Name" or "Name=a,b". */
bool ih_is_module_name(const char *text, size_t len);

/* perl -F: is it a pattern and nothing else? Text in quotes or slashes is pasted into code. */
bool ih_is_plain_pattern(const char *text, size_t len);

/* python -W: does a category name a module, which is then imported? */
bool ih_has_dotted_category(const char *text, size_t len);
