/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deciding what to do to a boot partition. Touches nothing. */
#include "bootchain/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bootchain/esp.h"
#include "common/cleanup.h"

#define HEX_LENGTH 64

const char *ih_folder_path(enum ih_folder folder)
{
	static const char *const paths[IH_FOLDERS] = {
		[IH_FOLDER_FILES] = "EFI/ihard",
		[IH_FOLDER_TYPE1] = "loader/entries",
		[IH_FOLDER_TYPE2] = "EFI/Linux",
	};

	return paths[folder];
}

/* "<prefix><64 hexadecimal digits>"; *rest is behind it. Case is FAT's. */
static bool has_hash_name(const char *name, const char *prefix, const char **rest)
{
	size_t len = strlen(prefix);

	if (strncasecmp(name, prefix, len) != 0)
		return false;
	*rest = name + len + strspn(name + len, "0123456789abcdefABCDEF");
	return *rest == name + len + HEX_LENGTH;
}

static bool is_temporary(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcasecmp(name + len - 4, IH_ESP_TEMPORARY) == 0;
}

bool ih_plan_is_ours(enum ih_folder folder, const char *name)
{
	static const char *const kinds[] = { "kernel-", "initrd-", "devicetree-" };
	const char *rest;
	size_t i;

	if (folder != IH_FOLDER_FILES)
		return has_hash_name(name, "ihard-", &rest) && (*rest == '.' || *rest == '+');
	for (i = 0; i < IH_ARRAY_SIZE(kinds); i++)
		if (has_hash_name(name, kinds[i], &rest) && *rest == '.')
			return true;
	return false;
}

static bool is_same_file(const struct ih_wanted_file *w, const struct ih_present_file *p)
{
	if (w->folder != p->folder)
		return false;
	if (w->folder == IH_FOLDER_FILES)
		return strcasecmp(w->name, p->name) == 0;
	return ih_count_same_entry(w->name, p->name);
}

/* Looking up by hash, so that thousands of files stay linear. */
struct index {
	size_t *slots; /* number of a present file plus one; 0: empty */
	size_t size;
};

static size_t stem_hash(enum ih_folder folder, const char *name)
{
	size_t h = 5381 + (size_t)folder;
	size_t i;

	/* the counter and the suffix come behind the hash in the name */
	for (i = 0; name[i] && name[i] != '+' && name[i] != '.'; i++)
		h = h * 33 ^ (size_t)((unsigned char)name[i] | 0x20);
	return h;
}

static int make_index(const struct ih_plan_request *rq, struct index *ret)
{
	size_t i, at;

	ret->size = 2 * rq->n_present + 1;
	ret->slots = calloc(ret->size, sizeof(*ret->slots));
	if (!ret->slots)
		return -ENOMEM;
	for (i = 0; i < rq->n_present; i++) {
		at = stem_hash(rq->present[i].folder, rq->present[i].name) % ret->size;
		while (ret->slots[at])
			at = (at + 1) % ret->size;
		ret->slots[at] = i + 1;
	}
	return 0;
}

/* What one run of the planner knows. */
struct planner {
	const struct ih_plan_request *rq;
	struct ih_plan plan;
	bool *stays; /* for each present file */
	struct index index;
	size_t room, kept_room;
	uint64_t used; /* above what is used now; wraps below zero are avoided by @freed */
	uint64_t freed;
};

/* A good file is better than a damaged one of the same entry. */
static size_t find_present(const struct planner *p, const struct ih_wanted_file *w)
{
	const struct ih_plan_request *rq = p->rq;
	size_t at = stem_hash(w->folder, w->name) % p->index.size;
	size_t found = rq->n_present;

	for (; p->index.slots[at]; at = (at + 1) % p->index.size) {
		size_t i = p->index.slots[at] - 1;

		if (!is_same_file(w, &rq->present[i]))
			continue;
		p->stays[i] = true;
		if (found == rq->n_present || rq->present[i].state == IH_PRESENT_GOOD)
			found = i;
	}
	return found;
}

static uint64_t round_up(const struct planner *p, uint64_t size)
{
	uint64_t unit = p->rq->unit ? p->rq->unit : 1;

	return (size + unit - 1) / unit * unit;
}

static void take_space(struct planner *p, uint64_t size)
{
	p->used += size;
	if (p->used > p->freed && p->used - p->freed > p->plan.peak)
		p->plan.peak = p->used - p->freed;
}

static int add_step(struct planner *p, enum ih_plan_act act, size_t index, const char *name)
{
	struct ih_plan_step *s;

	if (p->plan.n == p->room) {
		size_t room = p->room ? 2 * p->room : 64;

		s = reallocarray(p->plan.steps, room, sizeof(*s));
		if (!s)
			return -ENOMEM;
		p->plan.steps = s;
		p->room = room;
	}
	s = &p->plan.steps[p->plan.n++];
	s->act = act;
	s->index = index;
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	return 0;
}

static int add_kept(struct planner *p, size_t index, const char *why)
{
	struct ih_plan_kept *k;

	k = reallocarray(p->plan.kept, p->plan.n_kept + 1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	p->plan.kept = k;
	k[p->plan.n_kept++] = (struct ih_plan_kept){ index, why };
	return 0;
}

static int write_new(struct planner *p, size_t i)
{
	const struct ih_wanted_file *w = &p->rq->wanted[i];
	char name[IH_ENTRY_NAME_MAX + 1];
	int r = 0;

	if (w->folder != IH_FOLDER_FILES && p->rq->tries)
		r = ih_count_rename(w->name, IH_COUNT_ARM, p->rq->tries, name);
	else
		(void)snprintf(name, sizeof(name), "%s", w->name);
	if (r < 0)
		return r;
	take_space(p, round_up(p, w->size));
	p->plan.written += w->size;
	return add_step(p, IH_PLAN_WRITE, i, name);
}

/* The old content stays until the new one is complete. */
static int write_over(struct planner *p, size_t i, const struct ih_present_file *old)
{
	const struct ih_wanted_file *w = &p->rq->wanted[i];

	take_space(p, round_up(p, w->size));
	p->freed += round_up(p, old->size);
	p->plan.written += w->size;
	return add_step(p, IH_PLAN_REPLACE, i, old->name);
}

static int write_folder(struct planner *p, const size_t *where, bool entries)
{
	const struct ih_plan_request *rq = p->rq;
	size_t i;
	int r = 0;

	for (i = 0; i < rq->n_wanted && r == 0; i++) {
		const struct ih_wanted_file *w = &rq->wanted[i];

		if ((w->folder != IH_FOLDER_FILES) != entries)
			continue;
		if (where[i] == rq->n_present)
			r = write_new(p, i);
		else if (w->renew || rq->present[where[i]].state != IH_PRESENT_GOOD)
			r = write_over(p, i, &rq->present[where[i]]);
		else
			p->plan.unchanged++;
	}
	return r;
}

/* Why an entry stays that nobody wants; NULL: it need not. */
static const char *why_kept(const struct planner *p, const struct ih_present_file *f)
{
	struct ih_count c;

	if (is_temporary(f->name))
		return NULL;
	if (f->booted)
		return "it is running";
	if (f->asked_for)
		return "a variable of the loader asks for it";
	if (f->referenced_by_foreign)
		return "a boot entry that is not ours needs it";
	if (p->rq->keep_all)
		return "a generation could not be read";
	if (f->folder != IH_FOLDER_FILES && ih_count_parse(f->name, &c) == 0 && c.counted &&
	    c.left > 0)
		return "it has tries left";
	return NULL;
}

static int keep_entries(struct planner *p)
{
	const struct ih_plan_request *rq = p->rq;
	size_t i;
	int r = 0;

	for (i = 0; i < rq->n_present && r == 0; i++) {
		const char *why;

		if (p->stays[i])
			continue;
		/* what another made is not ours to judge, and not ours to report */
		if (!ih_plan_is_ours(rq->present[i].folder, rq->present[i].name)) {
			p->stays[i] = true;
			continue;
		}
		why = why_kept(p, &rq->present[i]);
		p->stays[i] = why != NULL;
		if (why && !rq->keep_all)
			r = add_kept(p, i, why);
	}
	return r;
}

/* Files that an entry needs which stays although nobody wants it. */
static void keep_references(struct planner *p)
{
	const struct ih_plan_request *rq = p->rq;
	size_t i, k;

	for (i = 0; i < rq->n_present; i++) {
		if (!p->stays[i] || rq->present[i].folder == IH_FOLDER_FILES)
			continue;
		for (k = 0; k < rq->present[i].n_references; k++) {
			struct ih_wanted_file w = {
				.folder = IH_FOLDER_FILES,
				.name = (char *)(uintptr_t)rq->present[i].references[k],
			};

			(void)find_present(p, &w);
		}
	}
}

static int remove_folder(struct planner *p, bool entries)
{
	const struct ih_plan_request *rq = p->rq;
	size_t i;
	int r = 0;

	for (i = 0; i < rq->n_present && r == 0; i++) {
		const struct ih_present_file *f = &rq->present[i];

		if (p->stays[i] || (f->folder != IH_FOLDER_FILES) != entries)
			continue;
		p->freed += round_up(p, f->size);
		p->plan.removed += f->size;
		r = add_step(p, IH_PLAN_REMOVE, i, f->name);
	}
	return r;
}

static int removals(struct planner *p)
{
	int r;

	r = remove_folder(p, true);
	return r < 0 ? r : remove_folder(p, false);
}

static int writes(struct planner *p, const size_t *where)
{
	int r;

	r = write_folder(p, where, false);
	if (r == 0)
		r = write_folder(p, where, true);
	if (r == 0 && p->rq->loader_conf) {
		take_space(p, round_up(p, 1));
		r = add_step(p, IH_PLAN_LOADER_CONF, 0, "loader.conf");
	}
	return r;
}

static bool wants_entry(const struct ih_plan_request *rq)
{
	size_t i;

	for (i = 0; i < rq->n_wanted; i++)
		if (rq->wanted[i].folder != IH_FOLDER_FILES)
			return true;
	return false;
}

/* Removing before writing must leave something to boot for the time between. */
static bool something_boots(const struct planner *p)
{
	const struct ih_plan_request *rq = p->rq;
	size_t i;

	for (i = 0; i < rq->n_present; i++) {
		const struct ih_present_file *f = &rq->present[i];

		if (p->stays[i] && f->folder != IH_FOLDER_FILES && !is_temporary(f->name) &&
		    ih_plan_is_ours(f->folder, f->name) &&
		    (f->booted || f->state == IH_PRESENT_GOOD))
			return true;
	}
	return false;
}

static int make(struct planner *p, size_t *where)
{
	size_t i;
	int r;

	for (i = 0; i < p->rq->n_wanted; i++)
		where[i] = find_present(p, &p->rq->wanted[i]);
	r = keep_entries(p);
	if (r < 0)
		return r;
	keep_references(p);
	if (p->rq->collect_first && !something_boots(p))
		return -EBUSY;
	if (p->rq->collect_first)
		r = removals(p);
	if (r == 0)
		r = writes(p, where);
	if (r == 0 && !p->rq->collect_first)
		r = removals(p);
	return r;
}

int ih_plan_make(const struct ih_plan_request *request, struct ih_plan *ret)
{
	struct planner p = { .rq = request };
	_free_ size_t *where = calloc(request->n_wanted + 1, sizeof(*where));
	int r;

	if (!wants_entry(request))
		return -EINVAL;
	p.stays = calloc(request->n_present + 1, sizeof(*p.stays));
	r = where && p.stays ? make_index(request, &p.index) : -ENOMEM;
	if (r == 0)
		r = make(&p, where);
	free(p.stays);
	free(p.index.slots);
	if (r < 0) {
		ih_plan_done(&p.plan);
		return r;
	}
	*ret = p.plan;
	return 0;
}

void ih_plan_done(struct ih_plan *plan)
{
	free(plan->steps);
	free(plan->kept);
	*plan = (struct ih_plan){ 0 };
}
