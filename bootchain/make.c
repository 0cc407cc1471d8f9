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

/* What a bootspec names, owned until the image is made. */
struct parts {
	const struct ih_bootspec *spec;
	const struct ih_make *how;
	struct ih_diag *diag;
	struct ih_image stub, kernel, initrd, devicetree;
	struct ih_text cmdline, osrel;
	struct ih_uki_part list[IH_UKI_PARTS_MAX];
	size_t n;
};

static void parts_done(struct parts *p)
{
	free(p->stub.data);
	free(p->kernel.data);
	free(p->initrd.data);
	free(p->devicetree.data);
	ih_text_done(&p->cmdline);
	ih_text_done(&p->osrel);
}

static int read_whole(const char *root, const char *path, size_t max, struct ih_image *ret,
		      struct ih_diag *diag)
{
	_free_ char *full = NULL;
	char *data;
	size_t len;
	int r;

	if (asprintf(&full, "%s%s", root, path) < 0) {
		full = NULL;
		return -ENOMEM;
	}
	r = ih_read_file(AT_FDCWD, full, max, &data, &len, diag);
	if (r < 0)
		return r;
	*ret = (struct ih_image){ (uint8_t *)data, len };
	return 0;
}

static int read_initrds(struct parts *p)
{
	struct ih_initrd *list = calloc(p->spec->n_initrds + 1, sizeof(*list));
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < p->spec->n_initrds && !r; i++) {
		struct ih_image one;

		r = read_whole(p->how->root, p->spec->initrds[i], IH_INITRD_MAX, &one, p->diag);
		if (!r)
			list[i] = (struct ih_initrd){ p->spec->initrds[i], { one.data, one.len } };
	}
	if (!r && p->spec->n_initrds)
		r = ih_initrd_join(list, p->spec->n_initrds, &p->initrd, p->diag);
	for (size_t i = 0; list && i < p->spec->n_initrds; i++)
		free((void *)list[i].content.data);
	free(list);
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
	if (!p->initrd.data)
		return ih_fail(p->diag, -EINVAL,
			       "the generation has a program for secrets but no"
			       " initrd to put them in");
	if (asprintf(&program, "%s%s", p->how->root, p->spec->initrd_secrets) < 0) {
		program = NULL;
		return -ENOMEM;
	}
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

	r = read_whole("", p->how->stub, IH_KERNEL_MAX, &p->stub, p->diag);
	if (!r)
		r = read_whole(p->how->root, spec->kernel, IH_KERNEL_MAX, &p->kernel, p->diag);
	if (!r && tree)
		r = read_whole(p->how->root, tree, IH_KERNEL_MAX, &p->devicetree, p->diag);
	if (!r)
		r = read_initrds(p);
	if (!r)
		r = add_secrets(p);
	if (!r)
		r = ih_bootspec_cmdline(spec, &p->cmdline, p->diag);
	return r ? r : make_osrel(p);
}

static void add_part(struct parts *p, const char *name, const void *data, size_t len)
{
	if (len)
		p->list[p->n++] = (struct ih_uki_part){ name, { data, len } };
}

static int build_parts(const char *name, struct parts *p, struct ih_image *ret)
{
	struct ih_recipe recipe = {
		.name = name,
		.stub_name = p->how->stub,
		.stub = { p->stub.data, p->stub.len },
		.parts = p->list,
		.key = p->how->key,
		.pcr_key = p->how->pcr_key,
	};

	add_part(p, ".osrel", p->osrel.data, p->osrel.len);
	add_part(p, ".cmdline", p->cmdline.data, p->cmdline.len);
	add_part(p, ".dtb", p->devicetree.data, p->devicetree.len);
	add_part(p, ".initrd", p->initrd.data, p->initrd.len);
	add_part(p, ".linux", p->kernel.data, p->kernel.len);
	recipe.n = p->n;
	return ih_recipe_make(&recipe, ret, p->diag);
}

int ih_make_image(const char *name, const struct ih_bootspec *spec, const struct ih_make *how,
		  struct ih_image *ret, struct ih_diag *diag)
{
	struct ih_diag why = { "" };
	struct parts p = { .spec = spec, .how = how, .diag = &why };
	int r;

	r = read_parts(&p);
	if (!r)
		r = build_parts(name, &p, ret);
	parts_done(&p);
	if (r < 0)
		return ih_fail(diag, r, "cannot make '%s': %s", name,
			       why.text[0] ? why.text : strerror(-r));
	return 0;
}
