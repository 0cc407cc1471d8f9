/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Generations of a NixOS machine and what they want to boot. Reads only. */
#include "bootchain/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/dir.h"
#include "common/fd.h"

#define DEFAULT_SORT_KEY "nixos"

struct link {
	char *path;
	char *profile; /* NULL: the system's own */
	uint64_t number;
};

struct links {
	struct link *items;
	size_t n;
};

static void links_done(struct links *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->items[i].path);
		free(l->items[i].profile);
	}
	free(l->items);
	*l = (struct links){ 0 };
}

/* "system-12-link" → "system", 12. */
static bool parse_link(const char *name, size_t *ret_len, uint64_t *ret_number)
{
	static const char tail[] = "-link";
	size_t len = strlen(name);
	char digits[21] = "";
	size_t at, n;

	if (len <= sizeof(tail) - 1 || strcmp(name + len - (sizeof(tail) - 1), tail) != 0)
		return false;
	len -= sizeof(tail) - 1;
	for (at = len; at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9'; at--)
		;
	n = len - at;
	if (n == 0 || n >= sizeof(digits) || at < 2 || name[at - 1] != '-')
		return false;
	memcpy(digits, name + at, n);
	*ret_len = at - 1;
	return ih_parse_u64(digits, UINT64_MAX, ret_number) == 0;
}

static int add_link(struct links *l, const char *folder, const char *name, const char *profile,
		    uint64_t number)
{
	struct ih_text path = { 0 };
	struct link *grown;

	if (l->n >= IH_GENERATIONS_MAX)
		return -E2BIG;
	grown = reallocarray(l->items, l->n + 1, sizeof(*grown));
	if (!grown || ih_text_addf(&path, "%s/%s", folder, name) < 0) {
		l->items = grown ? grown : l->items;
		return -ENOMEM;
	}
	l->items = grown;
	grown[l->n++] = (struct link){ path.data, profile ? strdup(profile) : NULL, number };
	return 0;
}

/* @only: the one profile wanted, or NULL for every name. */
static int scan(const char *folder, const char *only, struct links *l)
{
	_closedir_ DIR *d = NULL;
	const struct dirent *e;
	int r;

	r = ih_dir_openat(AT_FDCWD, folder, 0, &d);
	while (r == 0 && (e = ih_dir_next(d, &r)) != NULL) {
		char profile[256];
		uint64_t number;
		size_t len;

		if (!parse_link(e->d_name, &len, &number) || len >= sizeof(profile))
			continue;
		memcpy(profile, e->d_name, len);
		profile[len] = '\0';
		if (only && strcmp(profile, only) != 0)
			continue;
		r = add_link(l, folder, e->d_name, only ? NULL : profile, number);
	}
	return r;
}

static int compare_links(const void *a, const void *b)
{
	const struct link *x = a;
	const struct link *y = b;
	int r = strcmp(x->profile ? x->profile : "", y->profile ? y->profile : "");

	if (r)
		return r;
	return (x->number < y->number) - (x->number > y->number);
}

static int find_links(const char *profiles, struct links *ret, struct ih_diag *diag)
{
	struct ih_text more = { 0 };
	int r;

	r = scan(profiles, "system", ret);
	if (r < 0)
		return ih_fail(diag, r, "cannot list the generations in '%s': %s", profiles,
			       strerror(-r));
	if (ih_text_addf(&more, "%s/system-profiles", profiles) < 0)
		return ih_fail(diag, -ENOMEM, "out of memory");
	r = scan(more.data, NULL, ret);
	if (r < 0 && r != -ENOENT)
		r = ih_fail(diag, r, "cannot list the generations in '%s': %s", more.data,
			    strerror(-r));
	else
		r = 0;
	ih_text_done(&more);
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_links);
	return r;
}

/* One item from one specification */

static void item_done(struct ih_boot_item *i)
{
	size_t k;

	free(i->title);
	free(i->version);
	free(i->sort_key);
	free(i->cmdline);
	free(i->kernel);
	for (k = 0; k < i->n_initrds; k++)
		free(i->initrds[k]);
	free(i->initrds);
	free(i->initrd_secrets);
	free(i->devicetree);
	free(i->toplevel);
	*i = (struct ih_boot_item){ 0 };
}

void ih_boot_items_done(struct ih_boot_items *items)
{
	size_t i;

	for (i = 0; i < items->n; i++)
		item_done(&items->items[i]);
	free(items->items);
	ih_text_done(&items->warnings);
	*items = (struct ih_boot_items){ 0 };
}

struct naming {
	const struct link *link;
	const char *specialisation; /* "a/b" when nested; NULL for the generation itself */
};

static int copy_optional(char **where, const char *s)
{
	if (!s)
		return 0;
	*where = strdup(s);
	return *where ? 0 : -ENOMEM;
}

static int copy_initrds(struct ih_boot_item *item, const struct ih_bootspec *spec)
{
	size_t i;

	item->initrds = calloc(spec->n_initrds + 1, sizeof(*item->initrds));
	if (!item->initrds)
		return -ENOMEM;
	for (i = 0; i < spec->n_initrds; i++) {
		item->initrds[i] = strdup(spec->initrds[i]);
		if (!item->initrds[i])
			return -ENOMEM;
		item->n_initrds++;
	}
	return 0;
}

static int name_item(struct ih_boot_item *item, const struct ih_bootspec *spec,
		     const struct naming *n)
{
	struct ih_text title = { 0 }, version = { 0 };

	(void)ih_text_addf(&title, "%s", spec->label);
	if (n->link->profile)
		(void)ih_text_addf(&title, " [%s]", n->link->profile);
	if (n->specialisation)
		(void)ih_text_addf(&title, " (%s)", n->specialisation);
	(void)ih_text_addf(&version, "Generation %llu", (unsigned long long)n->link->number);
	/* '~' sorts a specialisation behind its generation, and before the one that is older */
	if (n->specialisation)
		(void)ih_text_addf(&version, "~%s", n->specialisation);
	item->title = title.data;
	item->version = version.data;
	return title.oom || version.oom ? -ENOMEM : 0;
}

static int make_item(const struct ih_bootspec *spec, const struct naming *n,
		     struct ih_boot_item *ret, struct ih_diag *diag)
{
	const char *devicetree = spec->devicetree ? spec->devicetree : spec->extension_devicetree;
	struct ih_boot_item item = { .generation = n->link->number };
	struct ih_text cmdline = { 0 };
	int r;

	r = ih_bootspec_cmdline(spec, &cmdline, diag);
	item.cmdline = cmdline.data;
	if (r < 0) {
		item_done(&item);
		return r;
	}
	r = name_item(&item, spec, n);
	if (r == 0)
		r = copy_optional(&item.sort_key,
				  spec->sort_key ? spec->sort_key : DEFAULT_SORT_KEY);
	if (r == 0)
		r = copy_optional(&item.kernel, spec->kernel);
	if (r == 0)
		r = copy_optional(&item.initrd_secrets, spec->initrd_secrets);
	if (r == 0)
		r = copy_optional(&item.devicetree, devicetree);
	if (r == 0)
		r = copy_optional(&item.toplevel, spec->toplevel);
	if (r == 0)
		r = copy_initrds(&item, spec);
	if (r < 0) {
		item_done(&item);
		return ih_fail(diag, r, "out of memory");
	}
	*ret = item;
	return 0;
}

static int add_item(struct ih_boot_items *items, const struct ih_boot_item *item)
{
	struct ih_boot_item *grown;

	if (items->n >= IH_BOOT_ITEMS_MAX)
		return -E2BIG;
	grown = reallocarray(items->items, items->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	items->items = grown;
	grown[items->n++] = *item;
	return 0;
}

static int add_spec(struct ih_boot_items *items, const struct ih_bootspec *spec,
		    const struct naming *n, struct ih_diag *diag)
{
	struct ih_boot_item item;
	size_t i;
	int r;

	if (spec->n_secrets)
		return ih_fail(
			diag, -EOPNOTSUPP,
			"'%s' wants secrets by the extension '%s', which everybody could read on "
			"the boot partition; use credentials, or initrdSecrets",
			spec->label, IH_BOOTSPEC_SECRETS);
	r = make_item(spec, n, &item, diag);
	if (r < 0)
		return r;
	if (spec->fdtdir && !item.devicetree)
		(void)ih_text_addf(&items->warnings, IH_BOOTSPEC_NO_FDTDIR "\n", item.version,
				   spec->fdtdir);
	r = add_item(items, &item);
	if (r < 0) {
		item_done(&item);
		return ih_fail(diag, r, "too many things to boot");
	}
	for (i = 0; i < spec->n_specialisations && r == 0; i++) {
		struct ih_text name = { 0 };
		struct naming inner = { n->link, NULL };

		(void)ih_text_addf(&name, "%s%s%s", n->specialisation ? n->specialisation : "",
				   n->specialisation ? "/" : "", spec->specialisations[i].name);
		inner.specialisation = ih_text_get(&name);
		r = add_spec(items, &spec->specialisations[i].spec, &inner, diag);
		ih_text_done(&name);
	}
	return r;
}

/* Generations */

/* A file of the generation, or -ENOENT. */
static int read_boot_json(const char *toplevel, char **ret, size_t *ret_len, struct ih_diag *diag)
{
	struct ih_text path = { 0 };
	struct stat st;
	int r;

	if (ih_text_addf(&path, "%s/boot.json", toplevel) < 0)
		return ih_fail(diag, -ENOMEM, "out of memory");
	if (stat(path.data, &st) < 0 && errno == ENOENT)
		r = -ENOENT;
	else
		r = ih_read_file(AT_FDCWD, path.data, IH_JSON_SIZE_MAX, ret, ret_len, diag);
	ih_text_done(&path);
	return r;
}

static int add_synthesized(struct ih_boot_items *items, const char *toplevel,
			   const struct naming *n, struct ih_diag *diag)
{
	struct ih_bootspec spec = { 0 };
	int r;

	r = ih_bootspec_synthesize(toplevel, &spec, diag);
	if (r == 0)
		r = add_spec(items, &spec, n, diag);
	ih_bootspec_done(&spec);
	return r;
}

/* All of a generation or nothing: half a generation would be collected as garbage. */
static int add_generation(struct ih_boot_items *items, const struct link *link,
			  struct ih_diag *diag)
{
	struct ih_bootspec_problems problems = { 0 };
	struct naming naming = { link, NULL };
	struct ih_bootspec_doc *doc = NULL;
	_free_ char *toplevel = realpath(link->path, NULL);
	_free_ char *text = NULL;
	size_t before = items->n;
	size_t len = 0;
	int r;

	if (!toplevel)
		return ih_fail(diag, -errno, "cannot follow '%s': %s", link->path, strerror(errno));
	r = read_boot_json(toplevel, &text, &len, diag);
	if (r == -ENOENT) {
		r = add_synthesized(items, toplevel, &naming, diag);
	} else if (r == 0) {
		r = ih_bootspec_parse(link->path, text, len, IH_BOOTSPEC_TOLERANT, &problems, &doc,
				      diag);
		if (r == 0)
			r = add_spec(items, &doc->spec, &naming, diag);
	}
	ih_bootspec_problems_done(&problems);
	ih_bootspec_doc_free(doc);
	while (r < 0 && items->n > before)
		item_done(&items->items[--items->n]);
	return r;
}

static bool is_same_file(const char *a, const char *b)
{
	_free_ char *x = realpath(a, NULL);
	_free_ char *y = realpath(b, NULL);

	return x && y && strcmp(x, y) == 0;
}

/* Marks the item of the wanted toplevel. */
static bool mark_default(struct ih_boot_items *items, const char *toplevel)
{
	_free_ char *real = toplevel ? realpath(toplevel, NULL) : NULL;
	size_t i;

	if (!toplevel && items->n) {
		items->items[0].is_default = true;
		return true;
	}
	for (i = 0; real && i < items->n; i++) {
		_free_ char *its = realpath(items->items[i].toplevel, NULL);

		if (strcmp(its ? its : items->items[i].toplevel, real) != 0)
			continue;
		items->items[i].is_default = true;
		return true;
	}
	return false;
}

static void skip(struct ih_boot_items *items, const struct link *link, const struct ih_diag *why)
{
	items->skipped++;
	(void)ih_text_addf(&items->warnings, "generation '%s' is left out: %s\n", link->path,
			   why->text);
}

static int add_all(struct ih_boot_items *items, const struct links *links,
		   const struct ih_generation_request *rq, struct ih_diag *diag)
{
	const char *profile = NULL;
	unsigned int taken = 0;
	size_t i;
	int r;

	for (i = 0; i < links->n; i++) {
		const struct link *l = &links->items[i];
		struct ih_diag why = { 0 };

		if (i && strcmp(profile ? profile : "", l->profile ? l->profile : "") != 0)
			taken = 0;
		profile = l->profile;
		if (rq->limit && taken >= rq->limit &&
		    !(rq->toplevel && is_same_file(l->path, rq->toplevel)))
			continue;
		r = add_generation(items, l, &why);
		if (r == -ENOMEM)
			return ih_fail(diag, r, "out of memory");
		if (r < 0)
			skip(items, l, &why);
		else
			taken++;
	}
	return 0;
}

int ih_generations_read(const struct ih_generation_request *request, struct ih_boot_items *ret,
			struct ih_diag *diag)
{
	const char *profiles = request->profiles ? request->profiles : IH_PROFILES;
	struct ih_boot_items items = { 0 };
	struct links links = { 0 };
	struct ih_diag why = { 0 };
	int r;

	r = find_links(profiles, &links, diag);
	if (r == 0)
		r = add_all(&items, &links, request, diag);
	if (r == 0 && !mark_default(&items, request->toplevel)) {
		struct link own = { (char *)(uintptr_t)request->toplevel, NULL, 0 };

		/* the newest number, since it is about to become a generation */
		own.number = links.n ? links.items[0].number : 0;
		if (!request->toplevel)
			r = ih_fail(diag, -ENOENT, "no generation in '%s' can be read%s%s",
				    profiles, items.warnings.len ? ": " : "",
				    items.warnings.len ? items.warnings.data : "");
		else if (add_generation(&items, &own, &why) < 0)
			r = ih_fail(diag, -ENODATA,
				    "the generation that shall be the default, '%s', "
				    "cannot be read: %s",
				    request->toplevel, why.text);
		else
			(void)mark_default(&items, request->toplevel);
	}
	links_done(&links);
	if (r < 0) {
		ih_boot_items_done(&items);
		return r;
	}
	*ret = items;
	return 0;
}
