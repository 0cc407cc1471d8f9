/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What fill.c asks of the kinds of providers. */
#pragma once

#include "bpf/fill.h"

int ih_fill_tree(struct ih_fill *f, struct ih_trust *trust, const char *tree);
int ih_fill_seals(struct ih_fill *f, struct ih_trust *trust, const struct ih_provider *p);
int ih_fill_store(struct ih_fill *f, const struct ih_provider *p);

void ih_fill_note(const struct ih_fill *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
