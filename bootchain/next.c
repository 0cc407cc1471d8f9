/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What boots next, as systemd-boot decides it. Decides only; reads nothing.
 */
#include "bootchain/next.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bootchain/version.h"
#include "common/cleanup.h"

/* How loaders differ, newest first. */
struct ih_loader_quirks {
	unsigned int since;
	bool id_without_counter; /* 258, systemd PR 38897: "foo+3.conf" is known as "foo.conf" */
	bool refuses_mixed;	 /* 258: an entry with both "linux" and "efi" is skipped */
	bool knows_uki_line;	 /* 258: "uki" lines */
	bool counts_efi;	 /* until 257; later only entries that start Linux are counted */
	bool knows_preferred;	 /* 260, systemd PR 40324 */
};

static const struct ih_loader_quirks quirks[] = {
	{ 260, true, true, true, false, true },
	{ 258, true, true, true, false, false },
	{ 0, false, false, false, true, false },
};

static const struct ih_loader_quirks *quirks_of(unsigned int version)
{
	size_t i = 0;

	while (version < quirks[i].since)
		i++;
	return &quirks[i];
}

static void to_lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

void ih_entry_id(const struct ih_entry *entry, unsigned int version, char *ret)
{
	if (quirks_of(version)->id_without_counter && ih_count_id(entry->name, ret) == 0)
		return;
	memcpy(ret, entry->name, sizeof(entry->name));
	to_lower(ret);
}

static bool is_shown(const struct ih_entry *e, const struct ih_loader_state *state)
{
	const struct ih_loader_quirks *q = quirks_of(state->version);

	if (e->type == IH_ENTRY_NONE || e->missing)
		return false;
	if (e->type == IH_ENTRY_UKI_LINE && !q->knows_uki_line)
		return false;
	if (e->mixed && q->refuses_mixed)
		return false;
	return !e->architecture || !state->architecture ||
	       strcasecmp(e->architecture, state->architecture) == 0;
}

static int compare(long a, long b)
{
	return (a > b) - (a < b);
}

static int compare_keys(const struct ih_entry *a, const struct ih_entry *b)
{
	int r;

	r = strcmp(a->sort_key, b->sort_key);
	if (r == 0)
		r = strcmp(a->machine_id ? a->machine_id : "", b->machine_id ? b->machine_id : "");
	if (r == 0)
		r = -ih_version_compare(a->version, b->version);
	return r;
}

static int compare_entries(const struct ih_entry *a, const struct ih_entry *b, unsigned int version)
{
	char id_a[IH_ENTRY_NAME_MAX + 1], id_b[IH_ENTRY_NAME_MAX + 1];
	int r;

	r = compare(ih_count_state(&a->count) == IH_ENTRY_BAD,
		    ih_count_state(&b->count) == IH_ENTRY_BAD);
	if (r == 0)
		r = compare(!a->sort_key, !b->sort_key);
	if (r == 0 && a->sort_key && b->sort_key)
		r = compare_keys(a, b);
	if (r != 0)
		return r;

	ih_entry_id(a, version, id_a);
	ih_entry_id(b, version, id_b);
	r = -ih_version_compare(id_a, id_b);
	if (r != 0 || !a->count.counted || !b->count.counted)
		return r;
	r = -compare(a->count.left, b->count.left);
	if (r == 0)
		r = compare(a->count.done, b->count.done);
	return r;
}

/* Merge sort: stable as the loader's, and not quadratic on thousands of entries. */
static void sort_range(const struct ih_entry *items, unsigned int version, size_t *order,
		       size_t *scratch, size_t n)
{
	size_t half = n / 2;
	size_t a = 0, b = half, k = 0;

	if (n < 2)
		return;
	sort_range(items, version, order, scratch, half);
	sort_range(items, version, order + half, scratch, n - half);
	while (a < half && b < n) {
		if (compare_entries(&items[order[b]], &items[order[a]], version) < 0)
			scratch[k++] = order[b++];
		else
			scratch[k++] = order[a++];
	}
	while (a < half)
		scratch[k++] = order[a++];
	memcpy(order, scratch, k * sizeof(*order));
}

size_t ih_entries_order(const struct ih_entries *entries, const struct ih_loader_state *state,
			size_t *order)
{
	_free_ size_t *scratch = NULL;
	size_t n = 0;
	size_t i;

	for (i = 0; i < entries->n; i++)
		if (is_shown(&entries->items[i], state))
			order[n++] = i;
	scratch = calloc(n + 1, sizeof(*scratch));
	if (!scratch)
		return 0; /* no order, so nothing can be predicted */
	sort_range(entries->items, state->version, order, scratch, n);
	return n;
}

/* A look-up: which pattern, where it comes from. */
struct wish {
	const char *pattern;
	enum ih_next_why why;
	bool not_bad; /* "preferred" passes over entries without tries left */
};

static bool wish_matches(const struct wish *w, const struct ih_entry *e, unsigned int version)
{
	char id[IH_ENTRY_NAME_MAX + 1];
	_free_ char *pattern = NULL;

	if (w->not_bad && ih_count_state(&e->count) == IH_ENTRY_BAD)
		return false;
	pattern = strdup(w->pattern);
	if (!pattern)
		return false;
	to_lower(pattern);
	ih_entry_id(e, version, id);
	return ih_glob_match(pattern, id);
}

static const char *resolve_saved(const char *pattern, const struct ih_loader_state *state)
{
	if (pattern && strcasecmp(pattern, "@saved") == 0)
		return state->last_booted;
	return pattern;
}

/* What is looked for, in the loader's order. Return: how many wishes there are. */
static size_t make_wishes(const struct ih_loader_state *s, struct wish w[5])
{
	bool preferred = quirks_of(s->version)->knows_preferred;
	const struct wish all[] = {
		{ s->one_shot, IH_NEXT_ONE_SHOT, false },
		{ preferred ? s->preferred_variable : NULL, IH_NEXT_PREFERRED_VARIABLE, true },
		{ s->default_variable, IH_NEXT_DEFAULT_VARIABLE, false },
		{ preferred ? s->conf.preferred_entry : NULL, IH_NEXT_PREFERRED_CONF, true },
		{ s->conf.default_entry, IH_NEXT_DEFAULT_CONF, false },
	};
	size_t n = 0;
	size_t i;

	for (i = 0; i < IH_ARRAY_SIZE(all); i++) {
		w[n] = all[i];
		w[n].pattern = resolve_saved(all[i].pattern, s);
		if (w[n].pattern)
			n++;
	}
	return n;
}

enum ih_next_why ih_entries_next(const struct ih_entries *entries,
				 const struct ih_loader_state *state, size_t *ret)
{
	_free_ size_t *order = calloc(entries->n + 1, sizeof(*order));
	struct wish wishes[5];
	size_t n, n_wishes;
	size_t i, k;

	n = order ? ih_entries_order(entries, state, order) : 0;
	if (n == 0)
		return IH_NEXT_NONE;
	n_wishes = make_wishes(state, wishes);
	for (k = 0; k < n_wishes; k++) {
		for (i = 0; i < n; i++) {
			if (!wish_matches(&wishes[k], &entries->items[order[i]], state->version))
				continue;
			*ret = order[i];
			return wishes[k].why;
		}
	}
	*ret = order[0];
	return IH_NEXT_FIRST;
}

size_t ih_entries_asked_for(const struct ih_entries *entries, const struct ih_loader_state *state,
			    struct ih_asked_for ret[IH_ASKED_MAX])
{
	const struct ih_loader_state alone[IH_ASKED_MAX] = {
		{ .one_shot = state->one_shot },
		{ .preferred_variable = state->preferred_variable },
		{ .default_variable = state->default_variable },
	};
	size_t n = 0;
	size_t i;

	for (i = 0; i < IH_ASKED_MAX; i++) {
		struct ih_loader_state s = alone[i];

		if (!s.one_shot && !s.default_variable && !s.preferred_variable)
			continue;
		s.version = state->version;
		s.last_booted = state->last_booted;
		s.architecture = state->architecture;
		ret[n].why = ih_entries_next(entries, &s, &ret[n].entry);
		if (ret[n].why != IH_NEXT_NONE && ret[n].why != IH_NEXT_FIRST)
			n++;
	}
	return n;
}

const char *ih_next_why_text(enum ih_next_why why)
{
	switch (why) {
	case IH_NEXT_ONE_SHOT:
		return "the variable LoaderEntryOneShot asks for it, once";
	case IH_NEXT_DEFAULT_VARIABLE:
		return "the variable LoaderEntryDefault asks for it";
	case IH_NEXT_PREFERRED_VARIABLE:
		return "the variable LoaderEntryPreferred asks for it";
	case IH_NEXT_DEFAULT_CONF:
		return "it is the first that matches 'default' in loader.conf";
	case IH_NEXT_PREFERRED_CONF:
		return "it is the first that matches 'preferred' in loader.conf and has tries left";
	case IH_NEXT_FIRST:
		return "it is the first in the loader's order";
	case IH_NEXT_NONE:
		break;
	}
	return "there is no entry that the loader could start";
}

bool ih_entry_is_bumped(const struct ih_entry *entry, unsigned int version)
{
	if (!entry->count.counted)
		return false;
	return entry->type != IH_ENTRY_EFI || quirks_of(version)->counts_efi;
}

/* The loader renames before it starts: the name on disk, and what it says, change. */
static int bump(struct ih_entry *e, unsigned int version)
{
	char name[IH_ENTRY_NAME_MAX + 1];
	int r;

	if (!ih_entry_is_bumped(e, version))
		return 0;
	r = ih_count_rename(e->name, IH_COUNT_BUMP, 0, name);
	if (r == -ENAMETOOLONG)
		return 0; /* the rename fails, and the loader boots all the same */
	if (r < 0)
		return r;
	memcpy(e->name, name, sizeof(name));
	return ih_count_parse(e->name, &e->count);
}

int ih_entries_simulate(struct ih_entries *entries, const struct ih_loader_state *state, size_t n,
			struct ih_simulated_boot *ret)
{
	struct ih_loader_state now = *state;
	size_t i;
	int r;

	if (n > IH_SIMULATE_MAX)
		return -E2BIG;
	for (i = 0; i < n; i++) {
		size_t chosen = 0;

		ret[i].why = ih_entries_next(entries, &now, &chosen);
		if (ret[i].why == IH_NEXT_NONE)
			break;
		ret[i].entry = chosen;
		r = bump(&entries->items[chosen], now.version);
		if (r < 0)
			return r;
		memcpy(ret[i].name, entries->items[chosen].name, sizeof(ret[i].name));
		now.one_shot = NULL;
	}
	return (int)i;
}
