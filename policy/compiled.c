/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the compiled form of a policy. Pulls in no JSON. Every offset, count and number is bounded
 * before use; the checksum finds damage, ownership of the file keeps forgers out.
 */
#include "policy/compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "policy/policy_priv.h"

struct reader {
	const char *name;
	const unsigned char *data; /* in the arena or in our image, aligned */
	struct ih_compiled_header header;
	struct ih_policy *policy;
	struct ih_diag *diag;
	bool is_ours; /* part of this program's own read-only image, as the compiler put it there */
};

static const struct {
	size_t item;
	uint32_t min, max;
	const char *what;
} limits[IH_COMPILED_SECTIONS] = {
	[IH_COMPILED_RULES] = { sizeof(struct ih_rule), 1, IH_RULES_MAX, "rules" },
	[IH_COMPILED_INFOS] = { sizeof(struct ih_compiled_info), 1, IH_RULES_MAX, "infos" },
	[IH_COMPILED_PROVIDERS] = { sizeof(struct ih_compiled_provider), 0, IH_POLICY_PROVIDERS_MAX,
				    "providers" },
	[IH_COMPILED_TREATMENTS] = { sizeof(struct ih_compiled_treatment), 1,
				     IH_INTERPRETERS_MAX + 1, "treatments" },
	[IH_COMPILED_INTERPRETERS] = { 4, 0, IH_INTERPRETERS_MAX, "interpreters" },
	[IH_COMPILED_UNITS] = { 4, 0, IH_UNITS_MAX, "units" },
	[IH_COMPILED_ITEMS] = { 4, 0, IH_COMPILED_SIZE_MAX / 4, "items" },
	[IH_COMPILED_STRINGS] = { 1, 1, IH_COMPILED_SIZE_MAX, "strings" },
};

static int bad(const struct reader *r, const char *problem)
{
	return ih_fail(r->diag, -EBADMSG, "%s: the compiled policy %s; compile it again", r->name,
		       problem);
}

static int no_memory(const struct reader *r)
{
	return ih_fail(r->diag, -ENOMEM, "%s: out of memory", r->name);
}

static const void *section(const struct reader *r, enum ih_compiled_section s)
{
	return r->data + r->header.sections[s].first;
}

static uint32_t count(const struct reader *r, enum ih_compiled_section s)
{
	return r->header.sections[s].n;
}

static int check_header(const struct reader *r, size_t len)
{
	const struct ih_compiled_header *h = &r->header;

	if (len < sizeof(*h) || memcmp(h->magic, IH_COMPILED_MAGIC, sizeof(h->magic)))
		return ih_fail(r->diag, -EBADMSG, "%s: is no compiled policy", r->name);
	if (h->version != IH_COMPILED_VERSION || h->rule_size != sizeof(struct ih_rule))
		return bad(r, "is of another version of ihard");
	if (h->size != len)
		return bad(r, "is cut off");
	if (!r->is_ours && h->checksum != ih_compiled_checksum(r->data, len))
		return bad(r, "is damaged");
	if (h->flags & ~(IH_COMPILED_ENFORCE | IH_COMPILED_REPORT_ALLOWED))
		return bad(r, "has flags that are not known");

	for (size_t i = 0; i < IH_COMPILED_SECTIONS; i++) {
		const struct ih_compiled_range *s = &h->sections[i];
		uint64_t bytes = (uint64_t)s->n * limits[i].item;

		if (s->n < limits[i].min || s->n > limits[i].max)
			return ih_fail(r->diag, -EBADMSG, "%s: the compiled policy holds %u %s",
				       r->name, s->n, limits[i].what);
		if (s->first % 8 || s->first < sizeof(*h) || s->first > len ||
		    bytes > len - s->first)
			return bad(r, "points outside of itself");
	}
	if (count(r, IH_COMPILED_RULES) != count(r, IH_COMPILED_INFOS))
		return bad(r, "has rules without names");
	/* No string can run over the end when the last one ends. */
	if (((const char *)section(r, IH_COMPILED_STRINGS))[count(r, IH_COMPILED_STRINGS) - 1] ||
	    ((const char *)section(r, IH_COMPILED_STRINGS))[0])
		return bad(r, "has strings without end");
	for (size_t i = 0; i < IH_STEP_MAX_; i++)
		if (h->confinement[i] > IH_DEMAND_OFF)
			return bad(r, "has a demand that is not known");
	return 0;
}

/* @required: 0 (no string) is refused. */
static int get_string(const struct reader *r, uint32_t at, bool required, const char **ret)
{
	if (at >= count(r, IH_COMPILED_STRINGS))
		return bad(r, "has a string outside of its strings");
	if (!at && required)
		return bad(r, "lacks a name");
	*ret = at ? (const char *)section(r, IH_COMPILED_STRINGS) + at : NULL;
	return 0;
}

static int get_strings(const struct reader *r, const uint32_t *at, uint32_t n, char ***ret,
		       size_t *ret_n)
{
	const char *text = NULL;
	char **list = ih_arena_alloc(r->policy->arena, n ? n : 1, sizeof(*list));
	int e;

	if (!list)
		return no_memory(r);
	for (uint32_t i = 0; i < n; i++) {
		e = get_string(r, at[i], true, &text);
		if (e < 0)
			return e;
		list[i] = (char *)text;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

static int get_list(const struct reader *r, struct ih_compiled_range range, char ***ret,
		    size_t *ret_n)
{
	const uint32_t *items = section(r, IH_COMPILED_ITEMS);

	if (range.first > count(r, IH_COMPILED_ITEMS) ||
	    range.n > count(r, IH_COMPILED_ITEMS) - range.first || range.n > IH_POLICY_TREES_MAX)
		return bad(r, "has a list outside of its lists");
	if (!range.n)
		return 0;
	return get_strings(r, items + range.first, range.n, ret, ret_n);
}

static int check_rule(const struct reader *r, const struct ih_rule *rule, bool is_last)
{
	if (rule->verdict >= IH_VERDICT_MAX_ || rule->report_only > 1 || rule->is_end > 1 ||
	    rule->n_uids > IH_RULE_SUBJECTS_MAX || rule->n_gids > IH_RULE_SUBJECTS_MAX ||
	    rule->n_units > IH_RULE_SUBJECTS_MAX || rule->program_max >= IH_TRUST_MAX_ ||
	    rule->sources_max >= IH_TRUST_MAX_)
		return bad(r, "has a rule with numbers that cannot be");
	if (rule->verdict != IH_DENY && rule->report_only)
		return bad(r, "has a rule that allows and only reports");
	if (rule->is_end != is_last || (is_last && rule->verdict != IH_DENY))
		return bad(r, "does not end in a rule that denies");
	return 0;
}

static int get_rules(const struct reader *r)
{
	const struct ih_compiled_info *info = section(r, IH_COMPILED_INFOS);
	struct ih_policy *p = r->policy;
	uint32_t n = count(r, IH_COMPILED_RULES);
	int e;

	p->rules = (struct ih_rule *)section(r, IH_COMPILED_RULES);
	p->info = ih_arena_alloc(p->arena, n, sizeof(*p->info));
	p->n_rules = n;
	if (!p->info)
		return no_memory(r);
	for (uint32_t i = 0; i < n; i++) {
		struct ih_rule_info *to = &p->info[i];

		e = check_rule(r, &p->rules[i], i + 1 == n);
		if (!e)
			e = get_string(r, info[i].name, true, &to->name);
		if (!e)
			e = get_string(r, info[i].reason, false, &to->reason);
		if (!e)
			e = get_string(r, info[i].file, true, &to->file);
		if (e < 0)
			return e;
		to->line = info[i].line;
		to->given = info[i].given;
	}
	return 0;
}

static int get_provider(const struct reader *r, const struct ih_compiled_provider *from,
			struct ih_provider *to)
{
	const char *root = NULL, *store = NULL, *database = NULL, *keys_from = NULL;
	int e;

	if (from->kind == IH_PROVIDER_NONE || from->kind > IH_PROVIDER_SEAL)
		return bad(r, "has a trust provider that is not known");
	if (from->kind != IH_PROVIDER_PATHS && !from->sigs_needed)
		return bad(r, "has a trust provider that needs no signature");
	e = get_string(r, from->root, from->kind != IH_PROVIDER_PATHS, &root);
	if (!e)
		e = get_string(r, from->store, from->kind != IH_PROVIDER_PATHS, &store);
	if (!e)
		e = get_string(r, from->database, false, &database);
	if (!e)
		e = get_string(r, from->keys_from, false, &keys_from);
	if (e < 0)
		return e;
	*to = (struct ih_provider){
		.kind = (enum ih_provider_kind)from->kind,
		.root = (char *)root,
		.store = (char *)store,
		.database = (char *)database,
		.keys_from = (char *)keys_from,
		.sigs_needed = from->sigs_needed,
		.accept_content_addressed = from->accept_content_addressed,
		.owner = from->owner,
		.generation_floor = (uint64_t)from->floor_high << 32 | from->floor_low,
	};
	e = get_list(r, from->keys, &to->keys, &to->n_keys);
	if (!e)
		e = get_list(r, from->trees, &to->trees, &to->n_trees);
	to->n_code_trees = from->n_code_trees < to->n_trees ? from->n_code_trees : to->n_trees;
	return e < 0 ? e : get_list(r, from->seals, &to->seals, &to->n_seals);
}

static int get_providers(const struct reader *r)
{
	const struct ih_compiled_provider *from = section(r, IH_COMPILED_PROVIDERS);
	struct ih_policy *p = r->policy;
	uint32_t n = count(r, IH_COMPILED_PROVIDERS);
	int e = 0;

	p->providers = ih_arena_alloc(p->arena, n ? n : 1, sizeof(*p->providers));
	if (!p->providers)
		return no_memory(r);
	p->n_providers = n;
	for (uint32_t i = 0; i < n && !e; i++)
		e = get_provider(r, &from[i], &p->providers[i]);
	return e;
}

static int get_treatments(const struct reader *r)
{
	const struct ih_compiled_treatment *from = section(r, IH_COMPILED_TREATMENTS);
	struct ih_policy *p = r->policy;
	uint32_t n = count(r, IH_COMPILED_TREATMENTS);
	int e;

	p->environment = ih_arena_alloc(p->arena, n, sizeof(*p->environment));
	if (!p->environment)
		return no_memory(r);
	p->n_environment = n;
	for (uint32_t i = 0; i < n; i++) {
		struct ih_env_treatment *to = &p->environment[i];

		if (from[i].code > IH_ENV_CODE_DROP || from[i].paths > IH_ENV_PATHS_FILTER)
			return bad(r, "has a treatment that is not known");
		e = get_string(r, from[i].interpreter, i > 0, &to->interpreter);
		if (!e)
			e = get_list(r, from[i].keep, &to->keep, &to->n_keep);
		if (e < 0)
			return e;
		to->code = (enum ih_env_code)from[i].code;
		to->paths = (enum ih_env_paths)from[i].paths;
	}
	return 0;
}

static int read_all(struct reader *r, size_t len)
{
	struct ih_policy *p = r->policy;
	int e = check_header(r, len);

	if (!e)
		e = get_string(r, r->header.name, true, &p->name);
	if (!e)
		e = get_string(r, r->header.description, false, &p->description);
	if (!e)
		e = get_rules(r);
	if (!e)
		e = get_providers(r);
	if (!e)
		e = get_treatments(r);
	if (!e)
		e = get_strings(r, section(r, IH_COMPILED_INTERPRETERS),
				count(r, IH_COMPILED_INTERPRETERS), &p->interpreters,
				&p->n_interpreters);
	if (!e)
		e = get_strings(r, section(r, IH_COMPILED_UNITS), count(r, IH_COMPILED_UNITS),
				&p->units, &p->n_units);
	if (e < 0)
		return e;
	p->enforce = r->header.flags & IH_COMPILED_ENFORCE;
	p->report_allowed = r->header.flags & IH_COMPILED_REPORT_ALLOWED;
	for (size_t i = 0; i < IH_STEP_MAX_; i++)
		p->confinement[i] = (enum ih_demand)r->header.confinement[i];
	return 0;
}

static const unsigned char *copy(struct ih_arena *arena, const void *data, size_t len)
{
	unsigned char *there = ih_arena_alloc(arena, len ? len : 1, 1);

	if (there && len)
		memcpy(there, data, len);
	return there;
}

static int from_bytes(struct reader *r, const void *data, size_t len, struct ih_policy **ret)
{
	const unsigned char *there = r->is_ours ? data : NULL;
	int e;

	if (len > IH_COMPILED_SIZE_MAX)
		return ih_fail(r->diag, -EBADMSG, "%s: a compiled policy has at most %u bytes",
			       r->name, IH_COMPILED_SIZE_MAX);
	r->policy = calloc(1, sizeof(*r->policy));
	if (r->policy)
		r->policy->arena = ih_arena_new();
	if (r->policy && r->policy->arena && !there)
		there = copy(r->policy->arena, data, len);
	if (!r->policy || !r->policy->arena || !there) {
		ih_policy_free(r->policy);
		return no_memory(r);
	}
	r->data = there;
	if (len >= sizeof(r->header))
		memcpy(&r->header, data, sizeof(r->header));
	e = read_all(r, len);
	if (e < 0) {
		ih_policy_free(r->policy);
		return e;
	}
	*ret = r->policy;
	return 0;
}

int ih_policy_from_compiled(const char *name, const void *data, size_t len, struct ih_policy **ret,
			    struct ih_diag *diag)
{
	struct reader r = { .name = name, .diag = diag };

	return from_bytes(&r, data, len, ret);
}

int ih_policy_from_image(const char *name, const void *data, size_t len, struct ih_policy **ret,
			 struct ih_diag *diag)
{
	struct reader r = { .name = name, .diag = diag, .is_ours = true };

	return from_bytes(&r, data, len, ret);
}

/* Files */

int ih_policy_check_owner(int fd, const char *name, struct ih_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot examine '%s': %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ih_fail(diag, -EPERM, "'%s' is no regular file", name);
	if (st.st_uid && st.st_uid != geteuid())
		return ih_fail(diag, -EPERM,
			       "'%s' belongs to uid %u, who could change what may run; it must "
			       "belong to root or to you",
			       name, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return ih_fail(diag, -EPERM,
			       "'%s' can be written by others than its owner; chmod go-w it", name);
	return 0;
}

int ih_policy_read_owned(int dirfd, const char *path, char **ret, size_t *ret_len,
			 struct ih_diag *diag)
{
	_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	r = ih_policy_check_owner(fd, path, diag);
	return r < 0 ? r : ih_read_fd(fd, path, IH_COMPILED_SIZE_MAX, ret, ret_len, diag);
}

int ih_policy_load(int dirfd, const char *path, struct ih_policy **ret, struct ih_diag *diag)
{
	_free_ char *data = NULL;
	size_t len;
	int r = ih_policy_read_owned(dirfd, path, &data, &len, diag);

	return r < 0 ? r : ih_policy_from_compiled(path, data, len, ret, diag);
}
