/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small open-addressed table of verdicts. */
#include "integrity/verdicts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIZE_MIN 64

/* Coarse clocks of file systems lag behind by a tick: a file changed this long before is suspect.
 */
#define CLOCK_SLACK_NS 20000000LL

/* FNV-1a; base names begin with a hash, but whoever writes the disk chooses them. */
static size_t slot_of(const char *base, size_t size)
{
	uint64_t h = 0xcbf29ce484222325;

	for (const unsigned char *c = (const unsigned char *)base; *c; c++)
		h = (h ^ *c) * 0x100000001b3;
	return (size_t)(h ^ h >> 32) & (size - 1);
}

static struct ih_verdict **probe(struct ih_verdict **slots, size_t size, const char *base)
{
	size_t i = slot_of(base, size);

	while (slots[i] && strcmp(slots[i]->base, base) != 0)
		i = (i + 1) & (size - 1);
	return &slots[i];
}

struct ih_verdict *ih_verdicts_find(const struct ih_verdicts *v, const char *base)
{
	return v->size ? *probe(v->slots, v->size, base) : NULL;
}

static int grow(struct ih_verdicts *v)
{
	size_t size = v->size ? v->size * 2 : SIZE_MIN;
	struct ih_verdict **slots;

	if (v->size && v->n < v->size / 2)
		return 0;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return -1;
	for (size_t i = 0; i < v->size; i++)
		if (v->slots[i])
			*probe(slots, size, v->slots[i]->base) = v->slots[i];
	free(v->slots);
	v->slots = slots;
	v->size = size;
	return 0;
}

struct ih_verdict *ih_verdicts_renew(struct ih_verdicts *v, const char *base)
{
	struct ih_verdict *one = ih_verdicts_find(v, base);
	char *name;

	if (one) {
		name = one->base;
		ih_problems_done(&one->problems);
		*one = (struct ih_verdict){ .base = name };
		return one;
	}
	if (grow(v) < 0)
		return NULL;
	one = calloc(1, sizeof(*one));
	name = strdup(base);
	if (!one || !name) {
		free(one);
		free(name);
		return NULL;
	}
	one->base = name;
	*probe(v->slots, v->size, base) = one;
	v->n++;
	return one;
}

void ih_verdict_begin(struct ih_verdict *v, const struct ih_step *top)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	v->device = top->device;
	v->inode = top->inode;
	v->checked_ns = t.tv_sec * 1000000000LL + t.tv_nsec;
}

bool ih_verdict_is_current(const struct ih_verdict *v, const struct ih_step *top,
			   const struct ih_step *end)
{
	return v->device == top->device && v->inode == top->inode &&
	       end->ctime_ns < v->checked_ns - CLOCK_SLACK_NS;
}

void ih_verdicts_done(struct ih_verdicts *v)
{
	for (size_t i = 0; i < v->size; i++) {
		if (!v->slots[i])
			continue;
		ih_problems_done(&v->slots[i]->problems);
		free(v->slots[i]->base);
		free(v->slots[i]);
	}
	free(v->slots);
	*v = (struct ih_verdicts){ 0 };
}
