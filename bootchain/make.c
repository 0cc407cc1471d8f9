/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One image from one specification. */
#include "bootchain/make.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/initrd.h"
#include "bootchain/uki.h"
#include "common/cleanup.h"
#include "common/fd.h"
#include "common/text.h"

/* What a bootspec names, until the image is made. */
struct parts {
	const struct ih_bootspec *spec;
	const struct ih_make *how;
	struct ih_diag *diag;
	struct ih_rope kernel, initrd, devicetree;
	struct ih_text cmdline, osrel;
	struct ih_uki_part list[IH_UKI_PARTS_MAX];
	size_t n;
};

static void parts_done(struct parts *p)
{
	ih_rope_done(&p->kernel);
	ih_rope_done(&p->initrd);
	ih_rope_done(&p->devicetree);
	ih_recipe_parts_done(p->list, p->n);
	ih_text_done(&p->cmdline);
	ih_text_done(&p->osrel);
}

static char *below_root(const struct parts *p, const char *path)
{
	char *full;

	return asprintf(&full, "%s%s", p->how->root, path) < 0 ? NULL : full;
}

static int add_file(struct parts *p, const char *path, struct ih_rope *to)
{
	_free_ char *full = below_root(p, path);

	return full ? ih_rope_add_file(to, full, IH_KERNEL_MAX, p->diag) : -ENOMEM;
}

static int add_initrds(struct parts *p)
{
	int r = 0;

	for (size_t i = 0; i < p->spec->n_initrds && !r; i++) {
		_free_ char *full = below_root(p, p->spec->initrds[i]);

		r = full ? ih_initrd_join_file(&p->initrd, full, p->diag) : -ENOMEM;
	}
	return r;
}

static int add_secrets(struct parts *p)
{
	_free_ char *program = NULL;

	if (p->spec->n_secrets)
		return ih_fail(
			p->diag, -EOPNOTSUPP,
			"the generation has secrets for its initrd (%s); in a signed image they"
			" would be readable by everybody, use credentials instead",
			IH_BOOTSPEC_SECRETS);
	if (!p->spec->initrd_secrets)
		return 0;
	if (!p->initrd.len)
		return ih_fail(p->diag, -EINVAL,
			       "the generation has a program for secrets but no"
			       " initrd to put them in");
	program = below_root(p, p->spec->initrd_secrets);
	if (!program)
		return -ENOMEM;
	return ih_initrd_add_secrets(program, p->how->directory, &p->initrd, p->diag);
}

/* A value of os-release: what a shell would take apart is left out. */
static int add_quoted(struct ih_text *out, const char *text)
{
	int r = 0;

	for (; *text && !r; text++)
		if (!strchr("\"\\$`", *text) && (unsigned char)*text >= ' ')
			r = ih_text_add(out, text, 1);
	return r;
}

/* The menu shows PRETTY_NAME and sorts by ID and VERSION_ID (systemd-boot(7), .osrel). */
static int make_osrel(struct parts *p)
{
	const struct ih_make *how = p->how;
	struct ih_text *out = &p->osrel;
	int r;

	r = ih_text_addf(out, "ID=\"");
	if (!r)
		r = add_quoted(out, p->spec->sort_key ? p->spec->sort_key : "nixos");
	if (!r)
		r = ih_text_addf(out, "\"\nPRETTY_NAME=\"");
	if (!r)
		r = add_quoted(out, p->spec->label);
	if (!r && how->generation)
		r = ih_text_addf(out, " (Generation %" PRIu64, how->generation);
	if (!r && how->generation && how->specialisation) {
		r = ih_text_addf(out, "-");
		if (!r)
			r = add_quoted(out, how->specialisation);
	}
	if (!r && how->generation)
		r = how->date ? ih_text_addf(out, ", %s)", how->date) : ih_text_addf(out, ")");
	if (!r && how->generation)
		r = ih_text_addf(out, "\"\nVERSION_ID=\"Generation %" PRIu64, how->generation);
	return r ? r : ih_text_addf(out, "\"\n");
}

static int read_parts(struct parts *p)
{
	const struct ih_bootspec *spec = p->spec;
	const char *tree = spec->devicetree ? spec->devicetree : spec->extension_devicetree;
	int r;

	r = add_file(p, spec->kernel, &p->kernel);
	if (!r && tree)
		r = add_file(p, tree, &p->devicetree);
	if (!r)
		r = add_initrds(p);
	if (!r)
		r = add_secrets(p);
	if (!r)
		r = ih_bootspec_cmdline(spec, &p->cmdline, p->diag);
	return r ? r : make_osrel(p);
}

static void add_part(struct parts *p, const char *name, struct ih_rope *content)
{
	if (content->len)
		p->list[p->n++] = (struct ih_uki_part){ name, *content };
	*content = (struct ih_rope){ 0 };
}

static int add_text(struct parts *p, const char *name, const struct ih_text *text)
{
	struct ih_rope content = { 0 };
	int r = ih_rope_add(&content, text->data, text->len);

	if (!r)
		add_part(p, name, &content);
	return r;
}

static int build_parts(const char *name, struct parts *p, struct ih_image *ret)
{
	_free_ char *stub = NULL;
	struct ih_rope image = { 0 };
	struct ih_recipe recipe = {
		.name = name,
		.stub_name = p->how->stub,
		.parts = p->list,
		.key = p->how->key,
		.pcr_key = p->how->pcr_key,
	};
	int r;

	r = ih_read_file(AT_FDCWD, p->how->stub, IH_KERNEL_MAX, &stub, &recipe.stub.len, p->diag);
	recipe.stub.data = (const uint8_t *)stub;
	if (!r)
		r = add_text(p, ".osrel", &p->osrel);
	if (!r)
		r = add_text(p, ".cmdline", &p->cmdline);
	if (r < 0)
		return r;
	add_part(p, ".dtb", &p->devicetree);
	add_part(p, ".initrd", &p->initrd);
	add_part(p, ".linux", &p->kernel);
	recipe.n = p->n;
	r = ih_recipe_make(&recipe, &image, p->diag);
	if (!r)
		r = ih_rope_flatten(&image, &ret->data, p->diag);
	ret->len = (size_t)image.len;
	ih_rope_done(&image);
	return r;
}

int ih_make_image(const char *name, const struct ih_bootspec *spec, const struct ih_make *how,
		  struct ih_image *ret, struct ih_diag *diag)
{
	struct ih_diag why = { "" };
	struct parts p = { .spec = spec, .how = how, .diag = &why };
	struct ih_image image = { 0 };
	int r;

	r = read_parts(&p);
	if (!r)
		r = build_parts(name, &p, &image);
	parts_done(&p);
	if (r < 0)
		return ih_fail(diag, r, "cannot make '%s': %s", name,
			       why.text[0] ? why.text : strerror(-r));
	*ret = image;
	return 0;
}
