/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One sentence of diagnosis: set where something fails, carried up, printed once by main().
 */
#pragma once

#include <stdarg.h>

#define IH_DIAG_MAX 1024

struct ih_diag {
	char text[IH_DIAG_MAX];
};

/**
 * ih_fail() - leave a sentence and pass an error on
 * @diag: where the sentence goes; may be NULL
 * @error: negative errno, returned as it is
 * @format: lower case, no full stop, names in '…': what was tried and why it failed
 *
 * Control characters in the result are replaced by '?', so that a hostile name cannot write to
 * the terminal. A sentence that is too long ends in "…".
 *
 * Return: @error.
 */
int ih_fail(struct ih_diag *diag, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * ih_fail_within() - put context in front of the sentence that is there
 * @format: where it happened, for example a file name; ": " is put between
 *
 * Return: @error.
 */
int ih_fail_within(struct ih_diag *diag, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
