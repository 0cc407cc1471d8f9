/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the compiled form of a policy (policy/compiled.h). Reads nothing back. */
#include "policy/compiled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define SECTION_ALIGN 8

struct writer {
	struct ih_text sections[IH_COMPILED_SECTIONS];
	bool failed;
};

static void put(struct writer *w, enum ih_compiled_section section, const void *bytes, size_t len)
{
	if (ih_text_add(&w->sections[section], bytes, len) < 0)
		w->failed = true;
}

/* Every string is written once for each use: policies are small. */
static uint32_t put_string(struct writer *w, const char *text)
{
	uint32_t at = (uint32_t)w->sections[IH_COMPILED_STRINGS].len;

	if (!text)
		return 0;
	put(w, IH_COMPILED_STRINGS, text, strlen(text) + 1);
	return at;
}

static void put_string_in(struct writer *w, enum ih_compiled_section section, const char *text)
{
	uint32_t at = put_string(w, text);

	put(w, section, &at, sizeof(at));
}

static struct ih_compiled_range put_list(struct writer *w, char *const *list, size_t n)
{
	struct ih_compiled_range range = {
		.first = (uint32_t)(w->sections[IH_COMPILED_ITEMS].len / sizeof(uint32_t)),
		.n = (uint32_t)n,
	};

	for (size_t i = 0; i < n; i++)
		put_string_in(w, IH_COMPILED_ITEMS, list[i]);
	return range;
}

static void put_rules(struct writer *w, const struct ih_policy *p)
{
	put(w, IH_COMPILED_RULES, p->rules, p->n_rules * sizeof(*p->rules));
	for (size_t i = 0; i < p->n_rules; i++) {
		struct ih_compiled_info info = {
			.name = put_string(w, p->info[i].name),
			.reason = put_string(w, p->info[i].reason),
			.file = put_string(w, p->info[i].file),
			.line = p->info[i].line,
			.given = p->info[i].given,
		};

		put(w, IH_COMPILED_INFOS, &info, sizeof(info));
	}
}

static void put_providers(struct writer *w, const struct ih_policy *p)
{
	for (size_t i = 0; i < p->n_providers; i++) {
		const struct ih_provider *from = &p->providers[i];
		struct ih_compiled_provider to = {
			.kind = from->kind,
			.root = put_string(w, from->root),
			.store = put_string(w, from->store),
			.database = put_string(w, from->database),
			.keys_from = put_string(w, from->keys_from),
			.sigs_needed = from->sigs_needed,
			.accept_content_addressed = from->accept_content_addressed,
			.owner = from->owner,
			.keys = put_list(w, from->keys, from->n_keys),
			.trees = put_list(w, from->trees, from->n_trees),
			.seals = put_list(w, from->seals, from->n_seals),
			.floor_low = (uint32_t)from->generation_floor,
			.floor_high = (uint32_t)(from->generation_floor >> 32),
			.n_code_trees = (uint32_t)from->n_code_trees,
		};

		put(w, IH_COMPILED_PROVIDERS, &to, sizeof(to));
	}
}

static void put_treatments(struct writer *w, const struct ih_policy *p)
{
	for (size_t i = 0; i < p->n_environment; i++) {
		const struct ih_env_treatment *from = &p->environment[i];
		struct ih_compiled_treatment to = {
			.interpreter = put_string(w, from->interpreter),
			.code = from->code,
			.paths = from->paths,
			.keep = put_list(w, from->keep, from->n_keep),
		};

		put(w, IH_COMPILED_TREATMENTS, &to, sizeof(to));
	}
}

uint64_t ih_compiled_checksum(const void *data, size_t len)
{
	const size_t from = offsetof(struct ih_compiled_header, checksum);
	const unsigned char *bytes = data;
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < len; i++) {
		hash ^= i >= from && i < from + sizeof(uint64_t) ? 0 : bytes[i];
		hash *= 0x100000001b3ull;
	}
	return hash;
}

static const size_t item_sizes[IH_COMPILED_SECTIONS] = {
	[IH_COMPILED_RULES] = sizeof(struct ih_rule),
	[IH_COMPILED_INFOS] = sizeof(struct ih_compiled_info),
	[IH_COMPILED_PROVIDERS] = sizeof(struct ih_compiled_provider),
	[IH_COMPILED_TREATMENTS] = sizeof(struct ih_compiled_treatment),
	[IH_COMPILED_INTERPRETERS] = sizeof(uint32_t),
	[IH_COMPILED_UNITS] = sizeof(uint32_t),
	[IH_COMPILED_ITEMS] = sizeof(uint32_t),
	[IH_COMPILED_STRINGS] = 1,
};

static int join(struct writer *w, struct ih_compiled_header *header, struct ih_text *ret)
{
	static const char zeros[SECTION_ALIGN];
	int r = ih_text_add(ret, header, sizeof(*header));

	for (size_t i = 0; i < IH_COMPILED_SECTIONS && !r; i++) {
		const struct ih_text *s = &w->sections[i];

		header->sections[i].first = (uint32_t)ret->len;
		header->sections[i].n = (uint32_t)(s->len / item_sizes[i]);
		if (s->len)
			r = ih_text_add(ret, s->data, s->len);
		if (!r)
			r = ih_text_add(ret, zeros, (size_t)-ret->len % SECTION_ALIGN);
	}
	if (r < 0)
		return r;
	header->size = (uint32_t)ret->len;
	memcpy(ret->data, header, sizeof(*header));
	header->checksum = ih_compiled_checksum(ret->data, ret->len);
	memcpy(ret->data, header, sizeof(*header));
	return 0;
}

int ih_policy_compile(const struct ih_policy *p, struct ih_text *ret, struct ih_diag *diag)
{
	struct writer w = { 0 };
	struct ih_compiled_header header = {
		.magic = IH_COMPILED_MAGIC,
		.version = IH_COMPILED_VERSION,
		.rule_size = sizeof(struct ih_rule),
		.flags = (p->enforce ? IH_COMPILED_ENFORCE : 0) |
			 (p->report_allowed ? IH_COMPILED_REPORT_ALLOWED : 0),
	};
	int r;

	put(&w, IH_COMPILED_STRINGS, "", 1);
	header.name = put_string(&w, p->name);
	header.description = put_string(&w, p->description);
	for (size_t i = 0; i < IH_STEP_MAX_; i++)
		header.confinement[i] = p->confinement[i];
	put_rules(&w, p);
	put_providers(&w, p);
	put_treatments(&w, p);
	for (size_t i = 0; i < p->n_interpreters; i++)
		put_string_in(&w, IH_COMPILED_INTERPRETERS, p->interpreters[i]);
	for (size_t i = 0; i < p->n_units; i++)
		put_string_in(&w, IH_COMPILED_UNITS, p->units[i]);

	r = w.failed ? -ENOMEM : join(&w, &header, ret);
	if (!r && ret->len > IH_COMPILED_SIZE_MAX)
		r = -E2BIG;
	for (size_t i = 0; i < IH_COMPILED_SECTIONS; i++)
		ih_text_done(&w.sections[i]);
	return r < 0 ? ih_fail(diag, r, "cannot compile '%s': %s", p->name, strerror(-r)) : 0;
}
