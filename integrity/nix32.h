/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nix's base 32: 5 bits a digit, least significant first and written last, digits without e, o, t,
 * u.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Digits for @n bytes (@n > 0), without the NUL: 52 for SHA-256, 32 for a store path's 20 bytes. */
#define IH_NIX32_LEN(n) (((n)*8 - 1) / 5 + 1)

/* True for a digit of the alphabet. */
bool ih_nix32_is_digit(char c);

/**
 * ih_nix32_encode() - write bytes as text
 * @ret: room for IH_NIX32_LEN(@n) + 1 characters; ends in NUL
 */
void ih_nix32_encode(const void *bytes, size_t n, char *ret);

/**
 * ih_nix32_decode() - read text back
 * @text: exactly @len characters, need not end in NUL
 * @ret: room for @n bytes, written on success only
 *
 * One text for one value: bits of the first digit that do not fit into @n bytes must be zero.
 *
 * Return: 0, or -EINVAL: @len is not IH_NIX32_LEN(@n), a foreign digit, or spilt bits.
 */
int ih_nix32_decode(const char *text, size_t len, void *ret, size_t n);
