/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy's JSON, read strictly: its frame and what its sections share. The sections are in
 * provider.c, rule.c and treatment.c; the format is in ihard-policy(5).
 */
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "policy/policy_priv.h"

#define EXTENDS_MAX 4 /* profiles that extend each other */

static const char *const fields[] = { "$schema",     "version",	       "description", "extends",
				      "enforce",     "report_allowed", "trust",	      "rules",
				      "environment", "confinement",    NULL };

/* What the sections share */

bool ih_is_plain_name(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789._+-";
	size_t len = strlen(name);

	return len && len <= IH_POLICY_NAME_MAX && strspn(name, good) == len;
}

int ih_read_member(const struct ih_json *v, const char *key, struct ih_json *ret)
{
	int r = ih_json_member(v, key, ret);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : 1;
}

static int check_text(const struct ih_policy_reader *reader, const struct ih_json *v, size_t max,
		      const char *text)
{
	size_t len = strlen(text);

	if (!len)
		return ih_json_fail(v, reader->diag, -EBADMSG, "must not be empty");
	if (len > max)
		return ih_json_fail(v, reader->diag, -EBADMSG, "is longer than %zu bytes", max);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return ih_json_fail(v, reader->diag, -EBADMSG,
					    "must not hold control characters");
	return 0;
}

int ih_read_text(struct ih_policy_reader *reader, const struct ih_json *v, size_t max,
		 const char **ret)
{
	const char *text = NULL;
	char *copy;
	int r = ih_json_string(v, &text, reader->diag);

	if (!r)
		r = check_text(reader, v, max, text);
	if (r < 0)
		return r;
	copy = ih_arena_text(reader->policy->arena, text);
	if (!copy)
		return ih_json_fail(v, reader->diag, -ENOMEM, "out of memory");
	*ret = copy;
	return 0;
}

int ih_read_texts(struct ih_policy_reader *reader, const struct ih_json *v, size_t max,
		  size_t text_max, char ***ret, size_t *ret_n)
{
	size_t n = ih_json_length(v);
	struct ih_json item;
	const char *text = NULL;
	char **list;
	int r;

	if (ih_json_type(v) != IH_JSON_ARRAY)
		return ih_json_fail(v, reader->diag, -EBADMSG, "must be an array of strings");
	if (!n || n > max)
		return ih_json_fail(v, reader->diag, -EBADMSG, "must hold 1 to %zu items, not %zu",
				    max, n);
	list = ih_arena_alloc(reader->policy->arena, n, sizeof(*list));
	if (!list)
		return ih_json_fail(v, reader->diag, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		(void)ih_json_element(v, i, &item);
		r = ih_read_text(reader, &item, text_max, &text);
		if (r < 0)
			return r;
		list[i] = (char *)text;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

int ih_read_word(struct ih_policy_reader *reader, const struct ih_json *v, const char *what,
		 const char *const *words, size_t n, unsigned int *ret)
{
	struct ih_text all = { 0 };
	const char *text = NULL;
	int r = ih_json_string(v, &text, reader->diag);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i], text)) {
			*ret = (unsigned int)i;
			ih_text_done(&all);
			return 0;
		}
		(void)ih_text_addf(&all, "%s%s", i ? ", " : "", words[i]);
	}
	r = ih_json_fail(v, reader->diag, -EBADMSG, "'%s' is not %s; there are %s", text, what,
			 ih_text_get(&all));
	ih_text_done(&all);
	return r;
}

int ih_intern(struct ih_policy *policy, char ***list, size_t *n, size_t max, const char *name)
{
	char **longer;

	for (size_t i = 0; i < *n; i++)
		if (!strcmp((*list)[i], name))
			return (int)i + 1;
	if (*n == max)
		return -ENOSPC;
	if (!*list || !(*n & (*n - 1))) { /* full at every power of two */
		longer = ih_arena_alloc(policy->arena, *n ? *n * 2 : 1, sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		if (*n)
			memcpy(longer, *list, *n * sizeof(*longer));
		*list = longer;
	}
	(*list)[*n] = ih_arena_text(policy->arena, name);
	if (!(*list)[*n])
		return -ENOMEM;
	return (int)++*n;
}

/* The frame */

static int read_version(struct ih_policy_reader *reader, const struct ih_json *root)
{
	struct ih_json member;
	uint64_t version;
	int r = ih_read_member(root, "version", &member);

	if (!r)
		return ih_json_fail(root, reader->diag, -EBADMSG, "the field 'version' is missing");
	if (r > 0)
		r = ih_json_u64(&member, 0, UINT64_MAX, &version, reader->diag);
	if (r < 0)
		return r;
	if (version != IH_POLICY_VERSION)
		return ih_json_fail(&member, reader->diag, -EBADMSG,
				    "version %ju is not known; this ihard reads version %d",
				    (uintmax_t)version, IH_POLICY_VERSION);
	return 0;
}

static int read_bool(struct ih_policy_reader *reader, const struct ih_json *root, const char *key,
		     bool *ret)
{
	struct ih_json member;
	int r = ih_read_member(root, key, &member);

	return r > 0 ? ih_json_bool(&member, ret, reader->diag) : r;
}

/* The extended profile first: what this policy says is put over it, its rules come behind. */
static int read_base(struct ih_policy_reader *reader, const struct ih_json *root,
		     unsigned int depth)
{
	struct ih_policy_reader base = *reader;
	const char *profile = NULL, *text;
	struct ih_text name = { 0 };
	struct ih_json member;
	size_t len;
	int r = ih_read_member(root, "extends", &member);

	if (r <= 0)
		return r;
	r = ih_json_string(&member, &profile, reader->diag);
	if (r < 0)
		return r;
	text = ih_profile_text(profile, &len);
	if (!text || depth == EXTENDS_MAX)
		return ih_json_fail(&member, reader->diag, -EBADMSG,
				    "there is no built-in profile '%s'", profile);

	(void)ih_text_addf(&name, "profile '%s'", profile);
	base.file = ih_arena_text(reader->policy->arena, ih_text_get(&name));
	ih_text_done(&name);
	if (!base.file)
		return ih_json_fail(root, reader->diag, -ENOMEM, "out of memory");
	return ih_policy_read(&base, base.file, text, len, depth + 1);
}

/* This policy's rules go before those of the profile that it extends. */
static int read_rules(struct ih_policy_reader *reader, const struct ih_json *root)
{
	struct ih_policy *p = reader->policy;
	struct ih_rule *base = p->rules, *rules;
	struct ih_rule_info *base_info = p->info, *info;
	size_t n_base = p->n_rules, n;
	struct ih_json member;
	int r = ih_read_member(root, "rules", &member);

	if (r < 0)
		return r;
	if (!r)
		return n_base ? 0
			      : ih_json_fail(root, reader->diag, -EBADMSG,
					     "the field 'rules' is missing");
	p->n_rules = 0;
	p->rules = NULL;
	p->info = NULL;
	r = ih_rules_read(reader, &member);
	if (r < 0)
		return r;
	n = p->n_rules;
	if (n + n_base > IH_RULES_MAX - 1)
		return ih_json_fail(&member, reader->diag, -EBADMSG,
				    "a policy holds at most %d rules, with those that it extends",
				    IH_RULES_MAX - 1);
	rules = ih_arena_alloc(p->arena, n + n_base + 1, sizeof(*rules));
	info = ih_arena_alloc(p->arena, n + n_base + 1, sizeof(*info));
	if (!rules || !info)
		return ih_json_fail(&member, reader->diag, -ENOMEM, "out of memory");
	memcpy(rules, p->rules, n * sizeof(*rules));
	memcpy(info, p->info, n * sizeof(*info));
	if (n_base) {
		memcpy(rules + n, base, n_base * sizeof(*rules));
		memcpy(info + n, base_info, n_base * sizeof(*info));
	}
	p->rules = rules;
	p->info = info;
	p->n_rules = n + n_base;
	return 0;
}

static int read_sections(struct ih_policy_reader *reader, const struct ih_json *root)
{
	struct ih_policy *p = reader->policy;
	struct ih_json member;
	int r = ih_read_member(root, "trust", &member);

	if (r > 0)
		r = ih_providers_read(reader, &member);
	else if (!r && !p->n_providers)
		r = ih_json_fail(root, reader->diag, -EBADMSG, "the field 'trust' is missing");
	if (r < 0)
		return r;
	r = read_rules(reader, root);
	if (r < 0)
		return r;
	r = ih_read_member(root, "environment", &member);
	if (r > 0)
		r = ih_environment_read(reader, &member);
	if (r < 0)
		return r;
	r = ih_read_member(root, "confinement", &member);
	return r > 0 ? ih_confinement_read(reader, &member) : r;
}

static int read_document(struct ih_policy_reader *reader, const struct ih_json *root,
			 unsigned int depth)
{
	struct ih_policy *p = reader->policy;
	const char *text = NULL;
	struct ih_json member;
	int r;

	/* The version first: a later format's fields are not this one's mistakes. */
	if (ih_json_type(root) != IH_JSON_OBJECT)
		return ih_json_fail(root, reader->diag, -EBADMSG, "a policy must be an object");
	r = read_version(reader, root);
	if (!r)
		r = ih_json_only(root, fields, reader->diag);
	if (!r)
		r = ih_read_member(root, "$schema", &member);
	if (r > 0)
		r = ih_json_string(&member, &text, reader->diag);
	if (!r)
		r = read_base(reader, root, depth);
	if (!r)
		r = ih_read_member(root, "description", &member);
	if (r > 0)
		r = ih_read_text(reader, &member, IH_POLICY_TEXT_MAX, &p->description);
	if (!r)
		r = read_bool(reader, root, "enforce", &p->enforce);
	if (!r)
		r = read_bool(reader, root, "report_allowed", &p->report_allowed);
	return r < 0 ? r : read_sections(reader, root);
}

int ih_policy_read(struct ih_policy_reader *reader, const char *name, const char *text, size_t len,
		   unsigned int depth)
{
	struct ih_json_doc *doc = NULL;
	struct ih_json root;
	int r;

	if (len > IH_POLICY_SIZE_MAX)
		return ih_fail(reader->diag, -EBADMSG, "%s: a policy has at most %u bytes", name,
			       IH_POLICY_SIZE_MAX);
	r = ih_json_parse(name, text, len, &doc, reader->diag);
	if (r < 0)
		return r;
	root = ih_json_root(doc);
	r = read_document(reader, &root, depth);
	ih_json_free(doc);
	return r;
}

/* Everything that nothing was said about is as strict as it can be. */
static struct ih_policy *new_policy(const char *name)
{
	struct ih_policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->arena = ih_arena_new();
	p->enforce = true;
	if (p->arena) {
		p->name = ih_arena_text(p->arena, name);
		p->environment = ih_arena_alloc(p->arena, 1, sizeof(*p->environment));
	}
	if (!p->arena || !p->name || !p->environment) {
		ih_policy_free(p);
		return NULL;
	}
	p->n_environment = 1;
	return p;
}

int ih_policy_parse(const char *name, const char *text, size_t len,
		    const struct ih_policy_names *names, struct ih_policy **ret,
		    struct ih_diag *diag)
{
	struct ih_policy *policy = new_policy(name);
	struct ih_policy_reader reader = { .policy = policy, .names = names, .diag = diag };
	int r;

	if (!policy)
		return ih_fail(diag, -ENOMEM, "%s: out of memory", name);
	reader.file = policy->name;
	r = ih_policy_read(&reader, name, text, len, 0);
	if (!r)
		r = ih_rules_finish(&reader);
	if (r < 0) {
		ih_policy_free(policy);
		return r;
	}
	*ret = policy;
	return 0;
}
