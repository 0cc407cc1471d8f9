/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compiled grammars as the rest of ihard sees them: checks every offset of a compiled file
 * before anything relies on it, finds the grammar of a program, reads a directory that overrides.
 */
#include "policy/grammar.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "common/fd.h"
#include "policy/grammar_builtin.h"
#include "policy/grammar_compile.h"

struct ih_grammar {
	const struct ih_grammars *all;
	uint32_t id;
};

struct ih_grammars {
	struct ih_tables t;
	struct ih_grammar *list;
	void *bytes; /* owned copy */
};

static bool is_string(const struct ih_tables *t, uint32_t offset)
{
	return offset < t->n_strings; /* the last byte of all is NUL: see tables_of() */
}

static bool is_run(uint32_t first, uint32_t n, uint32_t max, uint32_t limit)
{
	return n <= max && first <= limit && n <= limit - first;
}

static bool is_grammar(const struct ih_tables *t, const struct ih_grammar_entry *g)
{
	return is_string(t, g->name) && is_string(t, g->file) && is_string(t, g->patterns) &&
	       g->parent < t->n_grammars &&
	       is_run(g->first_slot, g->n_slots, IH_GRAMMAR_SLOTS_MAX, t->n_rules) &&
	       is_run(g->first_implicit, g->n_implicit, IH_GRAMMAR_SLOTS_MAX, t->n_rules) &&
	       is_run(g->first_ending, g->n_endings, IH_GRAMMAR_SLOTS_MAX, t->n_rules) &&
	       is_run(g->first_option, g->n_options, t->n_rules, t->n_rules);
}

static bool is_rule(const struct ih_tables *t, const struct ih_rule_entry *r)
{
	return is_string(t, r->name) && is_string(t, r->text) && r->target < t->n_grammars &&
	       r->grammar < t->n_grammars && r->role < IH_ROLE_MAX_ && r->shape < IH_SHAPE_MAX_ &&
	       r->then < IH_THEN_MAX_ && r->test < IH_TEST_MAX_ &&
	       r->splitting < IH_SPLITTING_MAX_ && r->mode < IH_MODE_MAX_;
}

static bool is_slot(const struct ih_tables *t, const struct ih_grammar_slot *s)
{
	if (s->hash == 0)
		return true;
	return s->rule < t->n_rules && s->grammar < t->n_grammars && s->len <= IH_SCAN_NAME_MAX &&
	       s->name < t->n_strings && s->len <= t->n_strings - s->name;
}

/* Patterns end with an empty one before the strings do. */
static bool has_patterns(const struct ih_tables *t, const struct ih_grammar_entry *g)
{
	uint32_t at = g->patterns;

	while (at < t->n_strings && t->strings[at])
		at += (uint32_t)strlen(t->strings + at) + 1;
	return at < t->n_strings;
}

static bool is_table(uint32_t offset, uint64_t n, size_t size, uint32_t end)
{
	return offset % 4 == 0 && offset <= end && n * size <= end - offset;
}

static int tables_of(const void *bytes, size_t size, struct ih_tables *ret, struct ih_diag *diag)
{
	const struct ih_grammar_header *h = bytes;
	const char *base = bytes;

	if (size < sizeof(*h) || h->magic != IH_GRAMMAR_MAGIC)
		return ih_fail(diag, -EBADMSG, "these are no compiled grammars");
	if (h->version != IH_GRAMMAR_VERSION)
		return ih_fail(diag, -EBADMSG, "compiled grammars have version %u, not %d",
			       h->version, IH_GRAMMAR_VERSION);
	if (h->size != size || h->n_grammars == 0 || h->n_grammars > IH_GRAMMARS_MAX ||
	    h->n_rules > IH_GRAMMAR_RULES_MAX || h->n_slots == 0 || h->n_strings == 0 ||
	    (h->n_slots & (h->n_slots - 1)) || h->probes >= IH_GRAMMAR_PROBES_MAX ||
	    h->off_slots % 8 ||
	    !is_table(h->off_slots, h->n_slots, sizeof(struct ih_grammar_slot), h->size) ||
	    !is_table(h->off_grammars, h->n_grammars, sizeof(struct ih_grammar_entry), h->size) ||
	    !is_table(h->off_rules, h->n_rules, sizeof(struct ih_rule_entry), h->size) ||
	    !is_table(h->off_strings, h->n_strings, 1, h->size) ||
	    base[h->off_strings + h->n_strings - 1] != '\0')
		return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: header");
	*ret = (struct ih_tables){
		.grammars = (const void *)(base + h->off_grammars),
		.rules = (const void *)(base + h->off_rules),
		.slots = (const void *)(base + h->off_slots),
		.strings = base + h->off_strings,
		.n_grammars = h->n_grammars,
		.n_rules = h->n_rules,
		.n_slots = h->n_slots,
		.n_strings = h->n_strings,
		.probes = h->probes,
	};
	return 0;
}

static int check_tables(const struct ih_tables *t, struct ih_diag *diag)
{
	uint32_t i;

	for (i = 0; i < t->n_grammars; i++)
		if (!is_grammar(t, &t->grammars[i]) || !has_patterns(t, &t->grammars[i]))
			return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: grammar %u",
				       i);
	for (i = 0; i < t->n_rules; i++)
		if (!is_rule(t, &t->rules[i]))
			return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: rule %u", i);
	for (i = 0; i < t->n_slots; i++)
		if (!is_slot(t, &t->slots[i]))
			return ih_fail(diag, -EBADMSG, "compiled grammars are damaged: slot %u", i);
	return 0;
}

int ih_grammars_read(const void *bytes, size_t size, struct ih_grammars **ret, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_grammars) struct ih_grammars *g = calloc(1, sizeof(*g));
	uint32_t i;
	int r;

	if (g)
		g->bytes = malloc(size ? size : 1); /* aligned, and nobody else's */
	if (!g || !g->bytes)
		return ih_fail(diag, -ENOMEM, "cannot read grammars: out of memory");
	memcpy(g->bytes, bytes, size);
	r = tables_of(g->bytes, size, &g->t, diag);
	if (r < 0)
		return r;
	r = check_tables(&g->t, diag);
	if (r < 0)
		return r;
	g->list = calloc(g->t.n_grammars, sizeof(*g->list));
	if (!g->list)
		return ih_fail(diag, -ENOMEM, "cannot read grammars: out of memory");
	for (i = 0; i < g->t.n_grammars; i++)
		g->list[i] = (struct ih_grammar){ g, i };
	*ret = TAKE_PTR(g);
	return 0;
}

void ih_grammars_free(struct ih_grammars *g)
{
	if (!g)
		return;
	free(g->list);
	free(g->bytes);
	free(g);
}

static struct ih_grammars *builtin;

static void read_builtin(void)
{
	static struct ih_grammar_slot free_slot;
	static struct ih_grammar_entry nothing;
	static struct ih_grammar none;
	static struct ih_grammars empty = {
		.t = { .grammars = &nothing,
		       .slots = &free_slot,
		       .strings = "",
		       .n_grammars = 1,
		       .n_slots = 1,
		       .n_strings = 1 },
		.list = &none,
	};

	none.all = &empty;
	/* Out of memory: no program is known as an interpreter, and its callers fail as well. */
	if (ih_grammars_read(ih_grammar_builtin, ih_grammar_builtin_size, &builtin, NULL) < 0)
		builtin = &empty;
}

const struct ih_grammars *ih_grammars_builtin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, read_builtin);
	return builtin;
}

struct source_list {
	struct ih_grammar_source all[IH_GRAMMAR_FILES_MAX];
	char *owned[IH_GRAMMAR_FILES_MAX * 2];
	size_t n, n_owned;
};

static void free_sources(struct source_list *list)
{
	size_t i;

	if (!list)
		return;
	for (i = 0; i < list->n_owned; i++)
		free(list->owned[i]);
	free(list);
}
IH_DEFINE_CLEANUP(struct source_list *, cleanup_sources, free_sources)

static int read_text(int dir, const char *name, char **ret, size_t *ret_len, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	_free_ char *text = NULL;
	size_t len = 0;
	ssize_t got;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open grammar '%s': %s", name, strerror(errno));
	text = malloc(IH_GRAMMAR_FILE_MAX);
	if (!text)
		return ih_fail(diag, -ENOMEM, "cannot read grammar '%s': out of memory", name);
	do {
		got = read(fd, text + len, IH_GRAMMAR_FILE_MAX - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ih_fail(diag, -errno, "cannot read grammar '%s': %s", name,
				       strerror(errno));
		len += (size_t)got;
	} while (got != 0 && len < IH_GRAMMAR_FILE_MAX);
	if (len == IH_GRAMMAR_FILE_MAX)
		return ih_fail(diag, -EFBIG, "grammar '%s' is larger than %d bytes", name,
			       IH_GRAMMAR_FILE_MAX);
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

/* A file of the directory takes the place of a built-in one with the same name. */
static int add_source(struct source_list *list, int dir, const char *name, struct ih_diag *diag)
{
	struct ih_grammar_source source = { 0 };
	char *text = NULL, *copy;
	size_t i;
	int r;

	r = read_text(dir, name, &text, &source.len, diag);
	if (r < 0)
		return r;
	list->owned[list->n_owned++] = text;
	copy = strdup(name);
	if (!copy)
		return ih_fail(diag, -ENOMEM, "cannot read grammar '%s': out of memory", name);
	list->owned[list->n_owned++] = copy;
	source.name = copy;
	source.text = text;
	for (i = 0; i < list->n; i++)
		if (strcmp(list->all[i].name, name) == 0)
			break;
	if (i == IH_GRAMMAR_FILES_MAX)
		return ih_fail(diag, -E2BIG, "there are more than %d grammars",
			       IH_GRAMMAR_FILES_MAX);
	list->all[i] = source;
	if (i == list->n)
		list->n++;
	return 0;
}

static int add_directory(struct source_list *list, const char *path, struct ih_diag *diag)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	int r = 0;

	if (!dir)
		return ih_fail(diag, -errno, "cannot open the grammar directory '%s': %s", path,
			       strerror(errno));
	while (r == 0 && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || len < 6 ||
		    strcmp(entry->d_name + len - 5, ".json") != 0)
			continue;
		if (list->n_owned + 2 > IH_ARRAY_SIZE(list->owned))
			r = ih_fail(diag, -E2BIG, "there are more than %d grammars in '%s'",
				    IH_GRAMMAR_FILES_MAX, path);
		else
			r = add_source(list, dirfd(dir), entry->d_name, diag);
	}
	(void)closedir(dir);
	return r;
}

int ih_grammars_load(const char *path, struct ih_grammars **ret, struct ih_diag *diag)
{
	_cleanup_(cleanup_sources) struct source_list *list = calloc(1, sizeof(*list));
	struct ih_text bytes = { 0 };
	int r;

	if (!list)
		return ih_fail(diag, -ENOMEM, "cannot read grammars: out of memory");
	while (list->n < ih_grammar_builtin_n_sources) {
		list->all[list->n] = ih_grammar_builtin_sources[list->n];
		list->n++;
	}
	r = add_directory(list, path, diag);
	if (r < 0)
		return r;
	r = ih_grammar_compile(list->all, list->n, &bytes, diag);
	if (r == 0)
		r = ih_grammars_read(bytes.data, bytes.len, ret, diag);
	ih_text_done(&bytes);
	return r;
}

#define PROGRAM_NAME_MAX 255

/* ".python3.11-wrapped" is python3.11: makeWrapper renames, the code stays the same. */
static const char *plain_name(const char *name, char buffer[PROGRAM_NAME_MAX + 1])
{
	static const char suffix[] = "-wrapped";
	size_t len;

	while (name[0] == '.' && name[1])
		name++;
	len = strnlen(name, PROGRAM_NAME_MAX + 1);
	if (len > PROGRAM_NAME_MAX)
		return "";
	memcpy(buffer, name, len);
	buffer[len] = '\0';
	for (;;) {
		while (len > 1 && buffer[len - 1] == '_')
			len--;
		if (len < sizeof(suffix) ||
		    memcmp(buffer + len - sizeof(suffix) + 1, suffix, sizeof(suffix) - 1) != 0)
			break;
		len -= sizeof(suffix) - 1;
		buffer[len] = '\0';
	}
	return buffer;
}

/* A whole name goes before a pattern. */
static bool matches(const struct ih_grammar *g, const char *name, bool exactly)
{
	const char *pattern = ih_grammar_patterns(g);

	for (; *pattern; pattern += strlen(pattern) + 1)
		if (exactly ? strcmp(pattern, name) == 0 : fnmatch(pattern, name, 0) == 0)
			return true;
	return false;
}

bool ih_grammar_has_name(const struct ih_grammar *g, const char *name)
{
	char buffer[PROGRAM_NAME_MAX + 1];

	name = plain_name(name, buffer);
	return matches(g, name, true) || matches(g, name, false);
}

const struct ih_grammar *ih_grammars_find(const struct ih_grammars *grammars, const char *program,
					  const char *argv0)
{
	char buffer[PROGRAM_NAME_MAX + 1];
	const char *name = plain_name(program, buffer);
	uint32_t i, pass;

	(void)argv0; /* multi-call programs look at it when the command line is read */
	for (pass = 0; pass < 2; pass++)
		for (i = 1; i < grammars->t.n_grammars; i++) {
			const struct ih_grammar *g = &grammars->list[i];

			if (!ih_grammar_is_part(g) && matches(g, name, pass == 0))
				return g;
		}
	return NULL;
}

size_t ih_grammars_count(const struct ih_grammars *grammars)
{
	return grammars->t.n_grammars;
}

const struct ih_grammar *ih_grammars_at(const struct ih_grammars *grammars, size_t i)
{
	return i < grammars->t.n_grammars ? &grammars->list[i] : NULL;
}

const struct ih_tables *ih_grammars_tables(const struct ih_grammars *grammars)
{
	return &grammars->t;
}

static const struct ih_grammar_entry *entry_of(const struct ih_grammar *g)
{
	return &g->all->t.grammars[g->id];
}

const char *ih_grammar_name(const struct ih_grammar *g)
{
	return g->all->t.strings + entry_of(g)->name;
}

const char *ih_grammar_file(const struct ih_grammar *g)
{
	return g->all->t.strings + entry_of(g)->file;
}

uint32_t ih_grammar_id(const struct ih_grammar *g)
{
	return g->id;
}

bool ih_grammar_has_jit(const struct ih_grammar *g)
{
	return entry_of(g)->style & IH_STYLE_JIT;
}

bool ih_grammar_is_launcher(const struct ih_grammar *g)
{
	return entry_of(g)->style & IH_STYLE_LAUNCHER;
}

bool ih_grammar_is_part(const struct ih_grammar *g)
{
	return entry_of(g)->style & IH_STYLE_PART;
}

const char *ih_grammar_patterns(const struct ih_grammar *g)
{
	return g->all->t.strings + entry_of(g)->patterns;
}

size_t ih_grammar_rules(const struct ih_grammar *g)
{
	return entry_of(g)->n_options;
}
