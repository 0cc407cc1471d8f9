/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compiled policies from a forger who can make the checksum fit: what is taken stays within its
 * bounds wherever it is read, and denies what no rule allows.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/compiled.h"
#include "policy/explain.h"
#include "tests/fuzz/fuzz.h"

static size_t touch(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t touch_list(char *const *list, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += touch(list[i]);
	return sum;
}

static size_t touch_all(const struct ih_policy *p)
{
	size_t sum = touch(p->name) + touch(p->description) +
		     touch_list(p->interpreters, p->n_interpreters) +
		     touch_list(p->units, p->n_units);

	for (size_t i = 0; i < p->n_rules; i++)
		sum += touch(p->info[i].name) + touch(p->info[i].reason) + touch(p->info[i].file);
	for (size_t i = 0; i < p->n_providers; i++)
		sum += touch(p->providers[i].root) + touch(p->providers[i].store) +
		       touch(p->providers[i].database) + touch(p->providers[i].keys_from) +
		       touch_list(p->providers[i].keys, p->providers[i].n_keys) +
		       touch_list(p->providers[i].trees, p->providers[i].n_trees) +
		       touch_list(p->providers[i].seals, p->providers[i].n_seals);
	for (size_t i = 0; i < p->n_environment; i++)
		sum += touch(p->environment[i].interpreter) +
		       touch_list(p->environment[i].keep, p->environment[i].n_keep);
	return sum;
}

static void read_one(const unsigned char *data, size_t size)
{
	struct ih_facts f = { 0 };
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };
	struct ih_answer a;

	if (ih_policy_from_compiled("input", data, size, &p, &diag) < 0) {
		if (!diag.text[0])
			abort();
		return;
	}
	if (touch_all(p) > size * size + 1)
		abort();
	a = ih_policy_decide(p, &f);
	if (a.verdict != IH_DENY && !a.rule)
		abort();
	ih_policy_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_compiled_header h;
	unsigned char *copy;

	read_one(data, size);
	if (size < sizeof(h) || size > 1 << 16)
		return 0;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memcpy(&h, copy, sizeof(h));
	memcpy(h.magic, IH_COMPILED_MAGIC, sizeof(h.magic));
	h.version = IH_COMPILED_VERSION;
	h.rule_size = sizeof(struct ih_rule);
	h.size = (uint32_t)size;
	memcpy(copy, &h, sizeof(h));
	h.checksum = ih_compiled_checksum(copy, size);
	memcpy(copy, &h, sizeof(h));
	read_one(copy, size);
	free(copy);
	return 0;
}
