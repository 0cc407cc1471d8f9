/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From one thing to boot to the bytes that boot it. Writes nothing but what a secrets program does.
 */
#include "bootchain/compose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/initrd.h"
#include "bootchain/make.h"
#include "common/cleanup.h"
#include "common/fd.h"

int ih_compose_initrd(const struct ih_composer *composer, const struct ih_boot_item *item,
		      struct ih_rope *ret, struct ih_diag *diag)
{
	struct ih_rope initrd = { 0 };
	int r = 0;

	for (size_t i = 0; i < item->n_initrds && r == 0; i++)
		r = ih_initrd_join_file(&initrd, item->initrds[i], diag);
	if (r == 0 && item->initrd_secrets)
		r = ih_initrd_add_secrets(item->initrd_secrets, composer->private_folder, &initrd,
					  diag);
	if (r < 0) {
		ih_rope_done(&initrd);
		return r;
	}
	*ret = initrd;
	return 0;
}

static void add_quoted(struct ih_text *t, const char *key, const char *value)
{
	const char *c;

	(void)ih_text_addf(t, "%s=\"", key);
	for (c = value; *c; c++)
		(void)ih_text_add(t, strchr("\"\\$`", *c) || *c == '\n' ? "_" : c, 1);
	(void)ih_text_add(t, "\"\n", 2);
}

int ih_compose_osrel(const struct ih_boot_item *item, struct ih_text *ret)
{
	add_quoted(ret, "ID", item->sort_key);
	add_quoted(ret, "PRETTY_NAME", item->title);
	add_quoted(ret, "VERSION_ID", item->version);
	return ret->oom ? -ENOMEM : 0;
}

/* What goes into an image. */
struct ingredients {
	struct ih_uki_part parts[5];
	size_t n;
};

static struct ih_rope *part(struct ingredients *in, const char *name)
{
	in->parts[in->n].name = name;
	return &in->parts[in->n++].content;
}

static int gather(const struct ih_composer *composer, const struct ih_boot_item *item,
		  struct ingredients *in, struct ih_diag *diag)
{
	struct ih_text osrel = { 0 };
	int r;

	r = ih_compose_osrel(item, &osrel);
	if (r == 0)
		r = ih_rope_add_copy(part(in, ".osrel"), osrel.data, osrel.len);
	ih_text_done(&osrel);
	if (r == 0)
		r = ih_rope_add(part(in, ".cmdline"), item->cmdline, strlen(item->cmdline));
	if (r < 0)
		return ih_fail(diag, r, "out of memory");
	if (item->devicetree)
		r = ih_rope_add_file(part(in, ".dtb"), item->devicetree, IH_COMPOSE_FILE_MAX, diag);
	if (r == 0 && item->n_initrds)
		r = ih_compose_initrd(composer, item, part(in, ".initrd"), diag);
	if (r == 0)
		r = ih_rope_add_file(part(in, ".linux"), item->kernel, IH_COMPOSE_FILE_MAX, diag);
	return r;
}

static int build(const struct ih_composer *composer, const char *name, struct ingredients *in,
		 struct ih_rope *ret, struct ih_diag *diag)
{
	const struct ih_recipe recipe = {
		.name = name,
		.stub_name = composer->stub_name,
		.stub = composer->stub,
		.parts = in->parts,
		.n = in->n,
		.key = composer->key,
		.pcr_key = composer->pcr_key,
	};

	return ih_recipe_make(&recipe, ret, diag);
}

int ih_compose_uki(const struct ih_composer *composer, const struct ih_boot_item *item,
		   struct ih_rope *ret, struct ih_diag *diag)
{
	struct ingredients in = { 0 };
	int r;

	r = gather(composer, item, &in, diag);
	if (r == 0)
		r = build(composer, item->version, &in, ret, diag);
	ih_recipe_parts_done(in.parts, in.n);
	return r < 0 ? ih_fail_within(diag, r, "%s", item->version) : 0;
}

int ih_compose_trial(const struct ih_composer *composer, struct ih_image *ret, struct ih_diag *diag)
{
	struct ingredients in = { 0 };
	struct ih_rope image = { 0 };
	int r;

	r = ih_rope_add(part(&in, ".linux"), "none", 4);
	if (r == 0)
		r = build(composer, "a trial image", &in, &image, diag);
	if (r == 0)
		r = ih_rope_flatten(&image, &ret->data, diag);
	ret->len = (size_t)image.len;
	ih_rope_done(&image);
	ih_recipe_parts_done(in.parts, in.n);
	return r;
}
