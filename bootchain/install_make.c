/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images made on all cores for the plan, which needs their hashes and sizes. What stays of each is
 * its headers, its signature and the names of its files: the bytes are read again when it is
 * written. What a secrets program takes part in is made by one thread: such programs do not expect
 * each other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/install_priv.h"
#include "common/cleanup.h"
#include "common/pool.h"

struct making {
	const struct ih_install *in;
	struct ih_made *made;
	size_t n, next;
};

static void make(struct making *m, size_t i)
{
	const struct ih_boot_item *item = &m->in->request->items->items[i];
	struct ih_made *made = &m->made[i];
	struct ih_rope image = { 0 };

	made->result = ih_compose_uki(m->in->request->composer, item, &image, &made->diag);
	if (made->result == 0)
		made->result = ih_install_hash(&image, made->hex, &made->diag);
	made->size = image.len;
	if (made->result == 0 && !item->initrd_secrets)
		made->image = image;
	else
		ih_rope_done(&image);
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
	struct making m = { .in = install, .n = items->n };
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
		ih_rope_done(&made[i].image);
	free(made);
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
