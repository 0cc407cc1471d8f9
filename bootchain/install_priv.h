/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What install.c and install_want.c share: how the content of a wanted file is made. */
#pragma once

#include "bootchain/install.h"

enum ih_recipe_kind {
	IH_RECIPE_COPY = 1, /* of a file in the store */
	IH_RECIPE_INITRD,   /* joined, with secrets */
	IH_RECIPE_TEXT,	    /* a type 1 entry */
	IH_RECIPE_UKI,
};

struct ih_recipe {
	enum ih_recipe_kind kind;
	const struct ih_boot_item *item;
	struct ih_rope content; /* made already; empty for what is made anew when it is written */
};

/* An image made for the plan. */
struct ih_made {
	int result;
	struct ih_diag diag;
	char hex[IH_ESP_HEX]; /* SHA-256 of all of it */
	uint64_t size;
	struct ih_rope image; /* empty when a program makes a part of it anew each time */
};

/* One for each of the request's items. Return: 0 or -ENOMEM; how each went is in it. */
int ih_install_make(const struct ih_install *install, struct ih_made **ret);
void ih_install_made_done(struct ih_made *made, size_t n);

/* Calls @check for each file that is there, from several threads. */
void ih_install_check(struct ih_install *install,
		      void (*check)(const struct ih_install *in, struct ih_present_file *p));

/* Fills wanted and recipes. */
int ih_install_want(struct ih_install *install, struct ih_diag *diag);

/* What is made anew: the content of a wanted file that has a secrets program. */
int ih_install_content(const struct ih_install *install, size_t i, struct ih_rope *ret,
		       struct ih_diag *diag);

int ih_install_hash(const struct ih_rope *content, char ret[IH_ESP_HEX], struct ih_diag *diag);
