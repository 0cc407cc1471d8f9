/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which files a boot partition shall have. Names come from content, so that a file that is there
 * under its name and has that content need not be written, whoever wrote it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bootchain/entry.h"
#include "bootchain/install_priv.h"
#include "common/cleanup.h"
#include "integrity/hash.h"

/* Files of the store that were hashed already: many generations share a kernel. */
struct known_file {
	const char *path; /* of a recipe, or of an item */
	char hex[IH_ESP_HEX];
	uint64_t size;
};

struct wanting {
	struct ih_install *in;
	struct known_file *known;
	size_t n_known;
};

int ih_install_hash(const void *data, size_t len, char ret[IH_ESP_HEX])
{
	char hex[IH_DIGEST_HEX_SIZE];
	struct ih_digest d;
	int r;

	r = ih_hash_once(IH_HASH_SHA256, data, len, &d);
	if (r < 0)
		return r;
	ih_digest_hex(&d, hex);
	memcpy(ret, hex, IH_ESP_HEX - 1);
	ret[IH_ESP_HEX - 1] = '\0';
	return 0;
}

bool ih_install_name_fits(const char *name, const void *data, size_t len)
{
	const char *dash = strchr(name, '-');
	char hex[IH_ESP_HEX];

	return dash && ih_install_hash(data, len, hex) == 0 &&
	       strncasecmp(dash + 1, hex, IH_ESP_HEX - 1) == 0;
}

static void *grow(void *items, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return items; /* by powers of two */
	return reallocarray(items, n ? 2 * n : 1, size);
}

static void recipe_done(struct ih_recipe *recipe)
{
	free(recipe->path);
	free(recipe->text);
	free(recipe->kept.data);
}

/* Adds a wanted file, or finds that it is wanted already. Takes @recipe over. */
static int want(struct wanting *w, const struct ih_wanted_file *file, struct ih_recipe *recipe)
{
	struct ih_install *in = w->in;
	void *files, *recipes;
	size_t i;

	for (i = 0; i < in->n_wanted; i++) {
		if (in->wanted[i].folder != file->folder ||
		    strcmp(in->wanted[i].name, file->name) != 0)
			continue;
		in->wanted[i].is_default |= file->is_default;
		free(file->name);
		recipe_done(recipe);
		return 0;
	}
	files = grow(in->wanted, in->n_wanted, sizeof(*in->wanted));
	in->wanted = files ? files : in->wanted;
	recipes = grow(in->recipes, in->n_wanted, sizeof(*in->recipes));
	in->recipes = recipes ? recipes : in->recipes;
	if (!files || !recipes) {
		free(file->name);
		recipe_done(recipe);
		return -ENOMEM;
	}
	in->wanted[in->n_wanted] = *file;
	in->recipes[in->n_wanted++] = *recipe;
	return 0;
}

static char *file_name(const char *prefix, const char *hex, const char *suffix)
{
	struct ih_text t = { 0 };

	(void)ih_text_addf(&t, "%s%s%s", prefix, hex, suffix);
	return t.oom ? NULL : t.data;
}

/* Hash and size of a file of the store, read once. */
static int look_at(struct wanting *w, const char *path, struct known_file *ret,
		   struct ih_diag *diag)
{
	struct ih_image image = { 0 };
	struct known_file *grown;
	size_t i;
	int r;

	for (i = 0; i < w->n_known; i++) {
		if (strcmp(w->known[i].path, path) == 0) {
			*ret = w->known[i];
			return 0;
		}
	}
	r = ih_compose_file(path, &image, diag);
	if (r < 0)
		return r;
	ret->path = path;
	ret->size = image.len;
	r = ih_install_hash(image.data, image.len, ret->hex);
	free(image.data);
	grown = r < 0 ? NULL : grow(w->known, w->n_known, sizeof(*grown));
	if (!grown)
		return ih_fail(diag, r < 0 ? r : -ENOMEM, "cannot hash '%s'", path);
	w->known = grown;
	grown[w->n_known++] = *ret;
	return 0;
}

/* A copy of a store file; *ret_name is its path on the partition. */
static int want_copy(struct wanting *w, const char *path, const char *prefix, const char *suffix,
		     char **ret_path, struct ih_diag *diag)
{
	struct ih_wanted_file file = { .folder = IH_FOLDER_FILES };
	struct ih_recipe recipe = { .kind = IH_RECIPE_COPY };
	struct known_file known;
	struct ih_text on_disk = { 0 };
	int r;

	r = look_at(w, path, &known, diag);
	if (r < 0)
		return r;
	file.size = known.size;
	file.name = file_name(prefix, known.hex, suffix);
	recipe.path = strdup(path);
	if (!file.name || !recipe.path ||
	    ih_text_addf(&on_disk, "/%s/%s", ih_folder_path(IH_FOLDER_FILES), file.name) < 0) {
		free(file.name);
		free(recipe.path);
		return ih_fail(diag, -ENOMEM, "out of memory");
	}
	*ret_path = on_disk.data;
	r = want(w, &file, &recipe);
	return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
}

/* A name for what cannot be named by its content, because a program may make it anew each time. */
static int hash_inputs(const struct wanting *w, const struct ih_boot_item *item,
		       char ret[IH_ESP_HEX])
{
	const struct ih_composer *c = w->in->request->composer;
	struct ih_text t = { 0 };
	size_t i;
	int r;

	(void)ih_text_addf(&t, "%s\n%s\n%s\n%s\n%s\n%s\n", item->title, item->version,
			   item->sort_key, item->cmdline, item->kernel, item->initrd_secrets);
	for (i = 0; i < item->n_initrds; i++)
		(void)ih_text_addf(&t, "%s\n", item->initrds[i]);
	(void)ih_text_addf(&t, "%s\n", item->devicetree ? item->devicetree : "");
	if (c)
		(void)ih_text_add(&t, c->stub.data, c->stub.len);
	if (c && c->key)
		(void)ih_text_add(&t, c->key->certificate, c->key->certificate_len);
	r = t.oom ? -ENOMEM : ih_install_hash(t.data, t.len, ret);
	ih_text_done(&t);
	return r;
}

static int want_secret_initrd(struct wanting *w, const struct ih_boot_item *item, char **ret_path,
			      struct ih_diag *diag)
{
	static const struct ih_composer bare = { .private_folder = "/run" };
	struct ih_wanted_file file = { .folder = IH_FOLDER_FILES, .renew = true };
	struct ih_recipe recipe = { .kind = IH_RECIPE_INITRD, .item = item };
	struct ih_image initrd = { 0 };
	struct ih_text on_disk = { 0 };
	char hex[IH_ESP_HEX];
	int r;

	r = ih_compose_initrd(&bare, item, &initrd, diag);
	free(initrd.data);
	if (r < 0)
		return r;
	r = hash_inputs(w, item, hex);
	file.size = initrd.len;
	file.name = r < 0 ? NULL : file_name("initrd-", hex, ".img");
	if (!file.name ||
	    ih_text_addf(&on_disk, "/%s/%s", ih_folder_path(IH_FOLDER_FILES), file.name) < 0) {
		free(file.name);
		return ih_fail(diag, r < 0 ? r : -ENOMEM, "out of memory");
	}
	*ret_path = on_disk.data;
	r = want(w, &file, &recipe);
	return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
}

static int want_initrds(struct wanting *w, const struct ih_boot_item *item, struct ih_entry *e,
			struct ih_diag *diag)
{
	size_t n = item->initrd_secrets ? 1 : item->n_initrds;
	size_t i;
	int r = 0;

	e->initrds = calloc(n + 1, sizeof(*e->initrds));
	if (!e->initrds)
		return ih_fail(diag, -ENOMEM, "out of memory");
	for (i = 0; i < n && r == 0; i++) {
		if (item->initrd_secrets)
			r = want_secret_initrd(w, item, &e->initrds[i], diag);
		else
			r = want_copy(w, item->initrds[i], "initrd-", ".img", &e->initrds[i], diag);
		e->n_initrds += r == 0;
	}
	return r;
}

/* Strings of an item lent to an entry that only formats them. */
static int format_entry(const struct ih_boot_item *item, struct ih_entry *e, struct ih_text *ret,
			struct ih_diag *diag)
{
	int r;

	e->type = IH_ENTRY_LINUX;
	e->title = item->title;
	e->version = item->version;
	e->sort_key = item->sort_key;
	e->options = item->cmdline;
	r = ih_entry_format(e, ret, diag);
	e->title = e->version = e->sort_key = e->options = NULL;
	return r;
}

static int want_type1(struct wanting *w, const struct ih_boot_item *item, struct ih_diag *diag)
{
	struct ih_wanted_file file = { .folder = IH_FOLDER_TYPE1, .is_default = item->is_default };
	struct ih_recipe recipe = { .kind = IH_RECIPE_TEXT, .item = item };
	struct ih_text text = { 0 };
	struct ih_entry e = { 0 };
	char hex[IH_ESP_HEX];
	int r;

	r = want_copy(w, item->kernel, "kernel-", ".efi", &e.loader, diag);
	if (r == 0)
		r = want_initrds(w, item, &e, diag);
	if (r == 0 && item->devicetree)
		r = want_copy(w, item->devicetree, "devicetree-", ".dtb", &e.devicetree, diag);
	if (r == 0)
		r = format_entry(item, &e, &text, diag);
	ih_entry_done(&e);
	if (r == 0)
		r = ih_install_hash(text.data, text.len, hex);
	if (r < 0) {
		ih_text_done(&text);
		return r;
	}
	file.size = text.len;
	file.name = file_name("ihard-", hex, ".conf");
	recipe.text = text.data;
	if (!file.name) {
		free(recipe.text);
		return ih_fail(diag, -ENOMEM, "out of memory");
	}
	r = want(w, &file, &recipe);
	return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
}

static int want_type2(struct wanting *w, const struct ih_boot_item *item, struct ih_made *made,
		      struct ih_diag *diag)
{
	struct ih_wanted_file file = { .folder = IH_FOLDER_TYPE2,
				       .is_default = item->is_default,
				       .renew = item->initrd_secrets != NULL,
				       .size = made->size };
	struct ih_recipe recipe = { .kind = IH_RECIPE_UKI, .item = item };
	char hex[IH_ESP_HEX];
	int r = made->result;

	if (r < 0)
		return ih_fail(diag, r, "%s", made->diag.text[0] ? made->diag.text : strerror(-r));
	if (file.renew)
		r = hash_inputs(w, item, hex);
	file.name = r < 0 ? NULL : file_name("ihard-", file.renew ? hex : made->hex, ".efi");
	if (!file.name)
		return ih_fail(diag, r < 0 ? r : -ENOMEM, "cannot hash an image");
	recipe.kept = made->image;
	made->image = (struct ih_image){ 0 };
	r = want(w, &file, &recipe);
	return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
}

int ih_install_want(struct ih_install *install, struct ih_diag *diag)
{
	const struct ih_boot_items *items = install->request->items;
	struct wanting w = { .in = install };
	struct ih_made *made = NULL;
	size_t i;
	int r = 0;

	if (install->request->composer)
		r = ih_install_make(install, &made);
	if (r < 0)
		return ih_fail(diag, r, "out of memory");
	for (i = 0; i < items->n && r == 0; i++) {
		const struct ih_boot_item *item = &items->items[i];

		if (install->request->composer)
			r = want_type2(&w, item, &made[i], diag);
		else
			r = want_type1(&w, item, diag);
		if (r < 0)
			(void)ih_fail_within(diag, r, "%s", item->toplevel);
	}
	free(w.known);
	ih_install_made_done(made, items->n);
	return r;
}

int ih_install_content(const struct ih_install *install, size_t i, struct ih_image *ret,
		       struct ih_diag *diag)
{
	static const struct ih_composer bare = { .private_folder = "/run" };
	const struct ih_composer *composer = install->request->composer;
	const struct ih_recipe *recipe = &install->recipes[i];
	char *text;

	switch (recipe->kind) {
	case IH_RECIPE_COPY:
		return ih_compose_file(recipe->path, ret, diag);
	case IH_RECIPE_INITRD:
		return ih_compose_initrd(composer ? composer : &bare, recipe->item, ret, diag);
	case IH_RECIPE_UKI:
		return ih_compose_uki(composer, recipe->item, ret, diag);
	case IH_RECIPE_TEXT:
		text = strdup(recipe->text);
		if (!text)
			return ih_fail(diag, -ENOMEM, "out of memory");
		*ret = (struct ih_image){ (uint8_t *)text, strlen(text) };
		return 0;
	}
	return -EINVAL;
}
