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

int ih_compose_file(const char *path, struct ih_image *ret, struct ih_diag *diag)
{
	char *data = NULL;
	size_t len = 0;
	int r;

	r = ih_read_file(AT_FDCWD, path, IH_COMPOSE_FILE_MAX, &data, &len, diag);
	if (r < 0)
		return r;
	*ret = (struct ih_image){ (uint8_t *)data, len };
	return 0;
}

static int join(const struct ih_boot_item *item, struct ih_image *ret, struct ih_diag *diag)
{
	_free_ struct ih_initrd *parts = calloc(item->n_initrds, sizeof(*parts));
	size_t i, n = 0;
	int r = 0;

	if (!parts)
		return ih_fail(diag, -ENOMEM, "out of memory");
	for (i = 0; i < item->n_initrds && r == 0; i++) {
		struct ih_image one = { 0 };

		r = ih_compose_file(item->initrds[i], &one, diag);
		if (r == 0)
			parts[n++] = (struct ih_initrd){ item->initrds[i], { one.data, one.len } };
	}
	if (r == 0)
		r = ih_initrd_join(parts, n, ret, diag);
	for (i = 0; i < n; i++)
		free((void *)(uintptr_t)parts[i].content.data);
	return r;
}

int ih_compose_initrd(const struct ih_composer *composer, const struct ih_boot_item *item,
		      struct ih_image *ret, struct ih_diag *diag)
{
	struct ih_image initrd = { 0 };
	int r = 0;

	if (item->n_initrds)
		r = join(item, &initrd, diag);
	if (r == 0 && item->initrd_secrets)
		r = ih_initrd_add_secrets(item->initrd_secrets, composer->private_folder, &initrd,
					  diag);
	if (r < 0) {
		free(initrd.data);
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

/* Everything that goes into an image, held until it is built. */
struct ingredients {
	struct ih_image kernel, initrd, devicetree;
	struct ih_text osrel;
};

static void ingredients_done(struct ingredients *in)
{
	free(in->kernel.data);
	free(in->initrd.data);
	free(in->devicetree.data);
	ih_text_done(&in->osrel);
}

static int gather(const struct ih_composer *composer, const struct ih_boot_item *item,
		  struct ingredients *in, struct ih_diag *diag)
{
	int r;

	r = ih_compose_osrel(item, &in->osrel);
	if (r < 0)
		return ih_fail(diag, r, "out of memory");
	r = ih_compose_file(item->kernel, &in->kernel, diag);
	if (r == 0)
		r = ih_compose_initrd(composer, item, &in->initrd, diag);
	if (r == 0 && item->devicetree)
		r = ih_compose_file(item->devicetree, &in->devicetree, diag);
	return r;
}

static int build(const struct ih_composer *composer, const struct ih_boot_item *item,
		 const struct ingredients *in, struct ih_image *ret, struct ih_diag *diag)
{
	struct ih_uki_part parts[5];
	struct ih_recipe recipe = {
		.name = item->version,
		.stub_name = composer->stub_name,
		.stub = composer->stub,
		.parts = parts,
		.key = composer->key,
		.pcr_key = composer->pcr_key,
	};
	size_t n = 0;

	parts[n++] = (struct ih_uki_part){ ".osrel",
					   { (const uint8_t *)in->osrel.data, in->osrel.len } };
	parts[n++] =
		(struct ih_uki_part){ ".cmdline",
				      { (const uint8_t *)item->cmdline, strlen(item->cmdline) } };
	if (in->devicetree.len)
		parts[n++] =
			(struct ih_uki_part){ ".dtb", { in->devicetree.data, in->devicetree.len } };
	if (in->initrd.len)
		parts[n++] = (struct ih_uki_part){ ".initrd", { in->initrd.data, in->initrd.len } };
	parts[n++] = (struct ih_uki_part){ ".linux", { in->kernel.data, in->kernel.len } };
	recipe.n = n;
	return ih_recipe_make(&recipe, ret, diag);
}

int ih_compose_uki(const struct ih_composer *composer, const struct ih_boot_item *item,
		   struct ih_image *ret, struct ih_diag *diag)
{
	struct ingredients in = { 0 };
	struct ih_image image = { 0 };
	int r;

	r = gather(composer, item, &in, diag);
	if (r == 0)
		r = build(composer, item, &in, &image, diag);
	ingredients_done(&in);
	if (r < 0)
		return ih_fail_within(diag, r, "%s", item->version);
	*ret = image;
	return 0;
}
