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
	const char *path; /* of an item */
	char hex[IH_ESP_HEX];
};

struct wanting {
	struct ih_install *in;
	struct known_file *known;
	size_t n_known;
};

int ih_install_hash(const struct ih_rope *content, char ret[IH_ESP_HEX], struct ih_diag *diag)
{
	char hex[IH_DIGEST_HEX_SIZE];
	struct ih_digest d;
	int r;

	r = ih_rope_hash(content, IH_HASH_SHA256, &d, diag);
	if (r < 0)
		return r;
	ih_digest_hex(&d, hex);
	memcpy(ret, hex, IH_ESP_HEX - 1);
	ret[IH_ESP_HEX - 1] = '\0';
	return 0;
}

static void *grow(void *items, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return items; /* by powers of two */
	return reallocarray(items, n ? 2 * n : 1, size);
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
		ih_rope_done(&recipe->content);
		return 0;
	}
	files = grow(in->wanted, in->n_wanted, sizeof(*in->wanted));
	in->wanted = files ? files : in->wanted;
	recipes = grow(in->recipes, in->n_wanted, sizeof(*in->recipes));
	in->recipes = recipes ? recipes : in->recipes;
	if (!files || !recipes) {
		free(file->name);
		ih_rope_done(&recipe->content);
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

/* A file of the store, and its hash, for which it is read once. */
static int look_at(struct wanting *w, const char *path, struct ih_rope *content,
		   char hex[IH_ESP_HEX], struct ih_diag *diag)
{
	struct known_file *grown;
	size_t i;
	int r;

	r = ih_rope_add_file(content, path, IH_COMPOSE_FILE_MAX, diag);
	for (i = 0; i < w->n_known && r == 0; i++) {
		if (strcmp(w->known[i].path, path) == 0) {
			memcpy(hex, w->known[i].hex, IH_ESP_HEX);
			return 0;
		}
	}
	if (r == 0)
		r = ih_install_hash(content, hex, diag);
	if (r < 0)
		return r;
	grown = grow(w->known, w->n_known, sizeof(*grown));
	if (!grown)
		return ih_fail(diag, -ENOMEM, "out of memory");
	w->known = grown;
	grown[w->n_known].path = path;
	memcpy(grown[w->n_known++].hex, hex, IH_ESP_HEX);
	return 0;
}

/* A file in our folder; *ret_path is its path on the partition. Takes the recipe's content over. */
static int want_in_folder(struct wanting *w, struct ih_wanted_file *file, struct ih_recipe *recipe,
			  char **ret_path, struct ih_diag *diag)
{
	struct ih_text on_disk = { 0 };
	int r;

	file->folder = IH_FOLDER_FILES;
	if (!file->name ||
	    ih_text_addf(&on_disk, "/%s/%s", ih_folder_path(IH_FOLDER_FILES), file->name) < 0) {
		free(file->name);
		ih_rope_done(&recipe->content);
		return ih_fail(diag, -ENOMEM, "out of memory");
	}
	*ret_path = on_disk.data;
	r = want(w, file, recipe);
	return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
}

static int want_copy(struct wanting *w, const char *path, const char *prefix, const char *suffix,
		     char **ret_path, struct ih_diag *diag)
{
	struct ih_wanted_file file = { 0 };
	struct ih_recipe recipe = { .kind = IH_RECIPE_COPY };
	char hex[IH_ESP_HEX];
	int r;

	r = look_at(w, path, &recipe.content, hex, diag);
	if (r < 0) {
		ih_rope_done(&recipe.content);
		return r;
	}
	file.size = recipe.content.len;
	file.name = file_name(prefix, hex, suffix);
	return want_in_folder(w, &file, &recipe, ret_path, diag);
}

static int hash_text(const struct ih_text *text, char ret[IH_ESP_HEX])
{
	struct ih_rope rope = { 0 };
	int r = text->oom ? -ENOMEM : ih_rope_add(&rope, text->data, text->len);

	if (r == 0)
		r = ih_install_hash(&rope, ret, NULL);
	ih_rope_done(&rope);
	return r;
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
	r = hash_text(&t, ret);
	ih_text_done(&t);
	return r;
}

static int want_secret_initrd(struct wanting *w, const struct ih_boot_item *item, char **ret_path,
			      struct ih_diag *diag)
{
	static const struct ih_composer bare = { .private_folder = "/run" };
	struct ih_wanted_file file = { .renew = true };
	struct ih_recipe recipe = { .kind = IH_RECIPE_INITRD, .item = item };
	struct ih_rope initrd = { 0 };
	char hex[IH_ESP_HEX];
	int r;

	r = ih_compose_initrd(&bare, item, &initrd, diag);
	file.size = initrd.len;
	ih_rope_done(&initrd);
	if (r < 0)
		return r;
	r = hash_inputs(w, item, hex);
	file.name = r < 0 ? NULL : file_name("initrd-", hex, ".img");
	return want_in_folder(w, &file, &recipe, ret_path, diag);
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
		r = hash_text(&text, hex);
	if (r < 0) {
		ih_text_done(&text);
		return r;
	}
	file.size = text.len;
	file.name = file_name("ihard-", hex, ".conf");
	r = ih_rope_add_taken(&recipe.content, text.data, text.len);
	if (!file.name || r < 0) {
		free(file.name);
		ih_rope_done(&recipe.content);
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
	recipe.content = made->image;
	made->image = (struct ih_rope){ 0 };
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

int ih_install_content(const struct ih_install *install, size_t i, struct ih_rope *ret,
		       struct ih_diag *diag)
{
	static const struct ih_composer bare = { .private_folder = "/run" };
	const struct ih_composer *composer = install->request->composer;
	const struct ih_recipe *recipe = &install->recipes[i];

	if (recipe->kind == IH_RECIPE_UKI)
		return ih_compose_uki(composer, recipe->item, ret, diag);
	return ih_compose_initrd(composer ? composer : &bare, recipe->item, ret, diag);
}
