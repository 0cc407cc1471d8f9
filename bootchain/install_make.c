/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images made on all cores: for the plan, which needs their hashes and sizes, and for writing. Some
 * of what was made for the plan is kept, so that the usual new generation is made once. What a
 * secrets program takes part in is made by one thread: such programs do not expect each other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "bootchain/install_priv.h"
#include "common/cleanup.h"
#include "common/pool.h"

#define KEEP_MAX  (256ULL << 20) /* bytes of images that are kept at most */
#define KEEP_PART 8		 /* … and this part of the memory */

struct making {
	const struct ih_install *in;
	struct ih_made *made;
	size_t n, next;
	uint64_t keep, kept; /* bytes */
};

static uint64_t keep_limit(void)
{
	struct sysinfo info;
	uint64_t part;

	if (sysinfo(&info) < 0)
		return 0;
	part = (uint64_t)info.totalram * info.mem_unit / KEEP_PART;
	return part < KEEP_MAX ? part : KEEP_MAX;
}

static void make(struct making *m, size_t i)
{
	const struct ih_boot_item *item = &m->in->request->items->items[i];
	struct ih_made *made = &m->made[i];
	struct ih_image image = { 0 };

	made->result = ih_compose_uki(m->in->request->composer, item, &image, &made->diag);
	if (made->result < 0)
		return;
	made->size = image.len;
	made->result = ih_install_hash(image.data, image.len, made->hex);
	if (made->result == 0 &&
	    __atomic_add_fetch(&m->kept, image.len, __ATOMIC_RELAXED) <= m->keep)
		made->image = image;
	else
		free(image.data);
}

static void make_plain(void *shared, size_t number)
{
	struct making *m = shared;
	size_t i;

	(void)number;
	while ((i = __atomic_fetch_add(&m->next, 1, __ATOMIC_RELAXED)) < m->n)
		if (!m->in->request->items->items[i].initrd_secrets)
			make(m, i);
}

int ih_install_make(const struct ih_install *install, struct ih_made **ret)
{
	const struct ih_boot_items *items = install->request->items;
	struct making m = { .in = install, .n = items->n, .keep = keep_limit() };
	size_t threads = ih_pool_cores();

	m.made = calloc(items->n + 1, sizeof(*m.made));
	if (!m.made)
		return -ENOMEM;
	ih_pool_run(threads < m.n ? threads : m.n, make_plain, &m);
	for (size_t i = 0; i < m.n; i++)
		if (items->items[i].initrd_secrets)
			make(&m, i);
	*ret = m.made;
	return 0;
}

void ih_install_made_done(struct ih_made *made, size_t n)
{
	for (size_t i = 0; made && i < n; i++)
		free(made[i].image.data);
	free(made);
}

/* Writing: the next few images that were not kept, made while none is written. */
struct batch {
	struct ih_install *in;
	size_t wanted[IH_POOL_MAX];
	size_t n, next;
};

/* What cannot be made now is tried again where it is written, and fails there with its sentence. */
static void make_batch(void *shared, size_t number)
{
	struct batch *b = shared;
	size_t i;

	(void)number;
	while ((i = __atomic_fetch_add(&b->next, 1, __ATOMIC_RELAXED)) < b->n) {
		struct ih_recipe *recipe = &b->in->recipes[b->wanted[i]];
		const struct ih_wanted_file *file = &b->in->wanted[b->wanted[i]];
		struct ih_image image = { 0 };

		if (ih_install_content(b->in, b->wanted[i], &image, NULL) < 0)
			continue;
		if (ih_install_name_fits(file->name, image.data, image.len))
			recipe->kept = image;
		else
			free(image.data);
	}
}

static bool is_to_be_made(const struct ih_install *in, const struct ih_plan_step *s)
{
	return (s->act == IH_PLAN_WRITE || s->act == IH_PLAN_REPLACE) &&
	       in->recipes[s->index].kind == IH_RECIPE_UKI && !in->recipes[s->index].kept.data &&
	       !in->wanted[s->index].renew;
}

void ih_install_make_next(struct ih_install *install, size_t step)
{
	struct batch b = { .in = install };
	size_t cores = ih_pool_cores();

	if (!is_to_be_made(install, &install->plan.steps[step]))
		return;
	for (; step < install->plan.n && b.n < cores; step++)
		if (is_to_be_made(install, &install->plan.steps[step]))
			b.wanted[b.n++] = install->plan.steps[step].index;
	ih_pool_run(b.n, make_batch, &b);
}

/* Holding what is there against its name. */
struct checking {
	struct ih_install *in;
	void (*check)(const struct ih_install *in, struct ih_present_file *p);
	size_t next;
};

static void check_all(void *shared, size_t number)
{
	struct checking *c = shared;
	size_t i;

	(void)number;
	while ((i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->in->n_present)
		c->check(c->in, &c->in->present[i]);
}

void ih_install_check(struct ih_install *install,
		      void (*check)(const struct ih_install *in, struct ih_present_file *p))
{
	struct checking c = { .in = install, .check = check };
	size_t threads = ih_pool_cores();

	ih_pool_run(threads < install->n_present ? threads : install->n_present, check_all, &c);
}
