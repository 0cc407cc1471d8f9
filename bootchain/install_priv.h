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
	char *path; /* IH_RECIPE_COPY */
	char *text; /* IH_RECIPE_TEXT */
};

/* Fills wanted and recipes. */
int ih_install_want(struct ih_install *install, struct ih_diag *diag);

/* The content of a wanted file. The caller frees @ret->data. */
int ih_install_content(const struct ih_install *install, size_t i, struct ih_image *ret,
		       struct ih_diag *diag);

/* Does content have the hash that is in the name? */
bool ih_install_name_fits(const char *name, const void *data, size_t len);
