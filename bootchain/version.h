/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Versions as boot loaders order them, and the patterns of loader.conf. Pure functions.
 */
#pragma once

#include <stdbool.h>

/**
 * ih_version_compare() - which of two versions is newer
 * @a: NULL counts as ""
 *
 * UAPI.10 (Version Format Specification), which is systemd's strverscmp_improved(): segments of
 * digits or of letters; '~' makes a string older than its end, '-' '^' '.' separate, in this
 * order from old to new; digits are newer than letters; other characters only separate.
 *
 * Return: negative, 0 or positive.
 */
int ih_version_compare(const char *a, const char *b);

/**
 * ih_glob_match() - does an entry's id match a pattern of loader.conf?
 *
 * As systemd-boot does it (src/boot/efi/efi-string.c, efi_fnmatch()): '?', '*', '[…]' with ranges
 * and '\' to escape; no negated sets, no classes. Both sides must be in lower case already.
 * Linear in pattern times text, so that no pattern can stall the caller.
 */
bool ih_glob_match(const char *pattern, const char *text);
