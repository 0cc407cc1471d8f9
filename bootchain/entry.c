/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot entries: reading what systemd-boot reads, the way it reads it, and writing type 1 entries.
 * Opens no file.
 */
#include "bootchain/entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

/* A piece of the text. */
struct span {
	const char *p;
	size_t len;
};

struct lines {
	struct span rest;
	const char *separators;
};

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static struct span trim(struct span s)
{
	while (s.len > 0 && is_one_of(*s.p, " \t")) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_one_of(s.p[s.len - 1], " \t"))
		s.len--;
	return s;
}

static struct lines lines_of(const char *text, size_t len, const char *separators)
{
	return (struct lines){ { text, strnlen(text, len) }, separators };
}

/* The next line that has a key and a value; false at the end. */
static bool next_line(struct lines *l, struct span *key, struct span *value)
{
	while (l->rest.len > 0) {
		struct span line = l->rest;
		size_t n = 0;

		while (n < line.len && !is_one_of(line.p[n], "\n\r"))
			n++;
		l->rest.p += n + (n < line.len);
		l->rest.len -= n + (n < line.len);
		line.len = n;
		line = trim(line);
		if (line.len == 0 || *line.p == '#')
			continue;

		n = 0;
		while (n < line.len && !is_one_of(line.p[n], l->separators))
			n++;
		if (n == line.len)
			continue;
		*key = (struct span){ line.p, n };
		while (n < line.len && is_one_of(line.p[n], l->separators))
			n++;
		*value = (struct span){ line.p + n, line.len - n };
		if (value->len >= 2 && value->p[0] == '"' && value->p[value->len - 1] == '"') {
			value->p++;
			value->len -= 2;
		}
		return true;
	}
	return false;
}

static bool key_is(struct span key, const char *name)
{
	return key.len == strlen(name) && memcmp(key.p, name, key.len) == 0;
}

/* Later lines win. */
static int set_string(char **where, struct span value)
{
	char *copy = strndup(value.p, value.len);

	if (!copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

/* A path as the firmware takes it: '\' and '/' are the same, one between each two names. */
static int set_path(char **where, struct span value)
{
	char *copy = malloc(value.len + 2);
	size_t n = 0;
	size_t i;

	if (!copy)
		return -ENOMEM;
	copy[n++] = '/';
	for (i = 0; i < value.len; i++) {
		char c = value.p[i] == '\\' ? '/' : value.p[i];

		if (c != '/' || copy[n - 1] != '/')
			copy[n++] = c;
	}
	copy[n] = '\0';
	free(*where);
	*where = copy;
	return 0;
}

static int set_loader(struct ih_entry *e, enum ih_entry_type type, struct span value)
{
	if (e->type != IH_ENTRY_NONE && e->type != type)
		e->mixed = true;
	e->type = type;
	return set_path(&e->loader, value);
}

static int add_options(struct ih_entry *e, struct span value)
{
	struct ih_text t = { 0 };

	if (!e->options)
		return set_string(&e->options, value);
	(void)ih_text_addf(&t, "%s ", e->options);
	(void)ih_text_add(&t, value.p, value.len);
	if (t.oom) {
		ih_text_done(&t);
		return -ENOMEM;
	}
	free(e->options);
	e->options = t.data;
	return 0;
}

static int add_initrd(struct ih_entry *e, struct span value)
{
	char **grown;
	int r;

	if (e->n_initrds >= IH_ENTRY_INITRDS_MAX)
		return -E2BIG;
	grown = reallocarray(e->initrds, e->n_initrds + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	e->initrds = grown;
	grown[e->n_initrds] = NULL;
	r = set_path(&grown[e->n_initrds], value);
	if (r == 0)
		e->n_initrds++;
	return r;
}

static int conf_line(struct ih_entry *e, struct span key, struct span value)
{
	if (key_is(key, "title"))
		return set_string(&e->title, value);
	if (key_is(key, "sort-key"))
		return set_string(&e->sort_key, value);
	if (key_is(key, "version"))
		return set_string(&e->version, value);
	if (key_is(key, "machine-id"))
		return set_string(&e->machine_id, value);
	if (key_is(key, "architecture"))
		return set_string(&e->architecture, value);
	if (key_is(key, "linux"))
		return set_loader(e, IH_ENTRY_LINUX, value);
	if (key_is(key, "efi"))
		return set_loader(e, IH_ENTRY_EFI, value);
	if (key_is(key, "uki"))
		return set_loader(e, IH_ENTRY_UKI_LINE, value);
	if (key_is(key, "devicetree"))
		return set_path(&e->devicetree, value);
	if (key_is(key, "initrd"))
		return add_initrd(e, value);
	if (key_is(key, "options"))
		return add_options(e, value);
	return 0;
}

static int begin(const char *name, struct ih_entry *e, struct ih_diag *diag)
{
	int r = ih_count_parse(name, &e->count);

	if (r < 0)
		return ih_fail(diag, r, "'%s' is not the name of a boot entry", name);
	memcpy(e->name, name, strlen(name) + 1);
	return 0;
}

static int finish(struct ih_entry *e, int r, struct ih_entry *ret, struct ih_diag *diag)
{
	if (r < 0) {
		(void)ih_fail(diag, r, "cannot read boot entry '%s': %s", e->name, strerror(-r));
		ih_entry_done(e);
		return r;
	}
	*ret = *e;
	return 0;
}

int ih_entry_parse_conf(const char *name, const char *text, size_t len, struct ih_entry *ret,
			struct ih_diag *diag)
{
	struct lines lines = lines_of(text, len, " \t");
	struct ih_entry e = { 0 };
	struct span key, value;
	int r;

	r = begin(name, &e, diag);
	if (r < 0)
		return r;
	if (len > IH_ENTRY_SIZE_MAX)
		r = -E2BIG;
	while (r == 0 && next_line(&lines, &key, &value))
		r = conf_line(&e, key, value);
	return finish(&e, r, ret, diag);
}

/* The fields of os-release(5) that decide title, version and sort key, best first. */
enum {
	OS_PRETTY,
	OS_IMAGE_ID,
	OS_NAME,
	OS_ID,
	OS_IMAGE_VERSION,
	OS_VERSION,
	OS_VERSION_ID,
	OS_BUILD_ID,
	OS_COUNT
};

static const char *const os_keys[OS_COUNT] = {
	"PRETTY_NAME",	 "IMAGE_ID", "NAME",	   "ID",
	"IMAGE_VERSION", "VERSION",  "VERSION_ID", "BUILD_ID",
};

static char *take_first(char *os[], const int *order, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (os[order[i]])
			return strdup(os[order[i]]);
	return NULL;
}

static int pick_names(struct ih_entry *e, char *os[])
{
	static const int title[] = { OS_PRETTY, OS_IMAGE_ID, OS_NAME, OS_ID };
	static const int version[] = { OS_IMAGE_VERSION, OS_VERSION, OS_VERSION_ID, OS_BUILD_ID };
	static const int sort_key[] = { OS_IMAGE_ID, OS_ID };
	bool has_version = os[OS_IMAGE_VERSION] || os[OS_VERSION] || os[OS_VERSION_ID] ||
			   os[OS_BUILD_ID];

	if (!os[OS_PRETTY] && !os[OS_IMAGE_ID] && !os[OS_NAME] && !os[OS_ID])
		return 0; /* no title: not an entry */
	e->title = take_first(os, title, IH_ARRAY_SIZE(title));
	e->version = take_first(os, version, IH_ARRAY_SIZE(version));
	e->sort_key = take_first(os, sort_key, IH_ARRAY_SIZE(sort_key));
	if (!e->title || (has_version && !e->version) ||
	    ((os[OS_IMAGE_ID] || os[OS_ID]) && !e->sort_key))
		return -ENOMEM;
	e->type = IH_ENTRY_UKI;
	return 0;
}

static int set_type2(struct ih_entry *e, const char *cmdline)
{
	struct ih_text path = { 0 };

	if (ih_text_addf(&path, "/EFI/Linux/%s", e->name) < 0)
		return -ENOMEM;
	e->loader = path.data;
	if (cmdline) {
		e->options = strdup(cmdline);
		if (!e->options)
			return -ENOMEM;
	}
	return 0;
}

int ih_entry_parse_osrel(const char *name, const char *text, size_t len, const char *cmdline,
			 struct ih_entry *ret, struct ih_diag *diag)
{
	struct lines lines = lines_of(text, len, "=");
	char *os[OS_COUNT] = { 0 };
	struct ih_entry e = { 0 };
	struct span key, value;
	size_t i;
	int r;

	r = begin(name, &e, diag);
	if (r < 0)
		return r;
	if (len > IH_ENTRY_SIZE_MAX)
		r = -E2BIG;
	while (r == 0 && next_line(&lines, &key, &value))
		for (i = 0; i < OS_COUNT && r == 0; i++)
			if (key_is(key, os_keys[i]))
				r = set_string(&os[i], value);
	if (r == 0)
		r = pick_names(&e, os);
	if (r == 0)
		r = set_type2(&e, cmdline);
	for (i = 0; i < OS_COUNT; i++)
		free(os[i]);
	return finish(&e, r, ret, diag);
}

/* One line; a value that the loader would read back differently is refused. */
static int put_line(struct ih_text *t, const char *key, const char *value, struct ih_diag *diag)
{
	size_t len;

	if (!value)
		return 0;
	len = strlen(value);
	if (len == 0 || value[strcspn(value, "\n\r")] != '\0' || is_one_of(value[0], " \t\"") ||
	    is_one_of(value[len - 1], " \t"))
		return ih_fail(diag, -EINVAL,
			       "'%s' cannot be the %s of a boot entry: the loader would read "
			       "something else",
			       value, key);
	return ih_text_addf(t, "%s %s\n", key, value);
}

int ih_entry_format(const struct ih_entry *entry, struct ih_text *ret, struct ih_diag *diag)
{
	const char *what = entry->type == IH_ENTRY_EFI	      ? "efi"
			   : entry->type == IH_ENTRY_UKI_LINE ? "uki"
							      : "linux";
	size_t i;
	int r;

	if (entry->type == IH_ENTRY_NONE || entry->type == IH_ENTRY_UKI || !entry->loader)
		return ih_fail(diag, -EINVAL, "'%s' names nothing that could be booted",
			       entry->name);
	r = put_line(ret, "title", entry->title, diag);
	if (r == 0)
		r = put_line(ret, "version", entry->version, diag);
	if (r == 0)
		r = put_line(ret, "sort-key", entry->sort_key, diag);
	if (r == 0)
		r = put_line(ret, "machine-id", entry->machine_id, diag);
	if (r == 0)
		r = put_line(ret, what, entry->loader, diag);
	for (i = 0; i < entry->n_initrds && r == 0; i++)
		r = put_line(ret, "initrd", entry->initrds[i], diag);
	if (r == 0)
		r = put_line(ret, "devicetree", entry->devicetree, diag);
	if (r == 0)
		r = put_line(ret, "options", entry->options, diag);
	return r;
}

void ih_entry_done(struct ih_entry *entry)
{
	size_t i;

	free(entry->title);
	free(entry->version);
	free(entry->sort_key);
	free(entry->machine_id);
	free(entry->architecture);
	free(entry->loader);
	free(entry->options);
	free(entry->devicetree);
	for (i = 0; i < entry->n_initrds; i++)
		free(entry->initrds[i]);
	free(entry->initrds);
	*entry = (struct ih_entry){ 0 };
}

void ih_entries_done(struct ih_entries *entries)
{
	size_t i;

	for (i = 0; i < entries->n; i++)
		ih_entry_done(&entries->items[i]);
	free(entries->items);
	*entries = (struct ih_entries){ 0 };
}

int ih_entries_add(struct ih_entries *entries, struct ih_entry *entry)
{
	struct ih_entry *grown;

	if (entries->n >= 2 * IH_ENTRIES_MAX)
		return -E2BIG;
	/* By powers of two, so that adding stays linear. */
	if ((entries->n & (entries->n - 1)) == 0) {
		size_t room = entries->n ? 2 * entries->n : 1;

		grown = reallocarray(entries->items, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		entries->items = grown;
	}
	entries->items[entries->n++] = *entry;
	*entry = (struct ih_entry){ 0 };
	return 0;
}

int ih_loader_conf_parse(const char *text, size_t len, struct ih_loader_conf *ret)
{
	struct lines lines = lines_of(text, len, " \t");
	struct ih_loader_conf c = { 0 };
	struct span key, value;
	int r = 0;

	while (r == 0 && next_line(&lines, &key, &value)) {
		/* "@saved" is the one special id; the loader skips others */
		bool special = value.len > 0 && value.p[0] == '@' &&
			       !(value.len == 6 && strncasecmp(value.p, "@saved", 6) == 0);

		if (key_is(key, "default") && !special)
			r = set_string(&c.default_entry, value);
		else if (key_is(key, "preferred") && !special)
			r = set_string(&c.preferred_entry, value);
		else if (key_is(key, "timeout"))
			r = set_string(&c.timeout, value);
	}
	if (r < 0) {
		ih_loader_conf_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void ih_loader_conf_done(struct ih_loader_conf *conf)
{
	free(conf->default_entry);
	free(conf->preferred_entry);
	free(conf->timeout);
	*conf = (struct ih_loader_conf){ 0 };
}
