/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The "trust" section of a policy: which providers vouch for files. Only reads what is written;
 * whether a store, a key or a tree is any good is integrity's business.
 */
#include "policy/policy_priv.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

#define SIGNATURES_MAX 64

static const char *const kinds[] = { "nix", "paths", "seal" };
static const enum ih_provider_kind kind_of[] = { IH_PROVIDER_NIX, IH_PROVIDER_PATHS,
						 IH_PROVIDER_SEAL };

static const char *const nix_fields[] = { "provider",
					  "root",
					  "store",
					  "database",
					  "keys",
					  "keys_from",
					  "signatures_needed",
					  "accept_content_addressed",
					  "owner",
					  NULL };
static const char *const paths_fields[] = { "provider", "trees", "code_trees", NULL };
static const char *const seal_fields[] = {
	"provider",	    "seals", "keys", "keys_from", "signatures_needed", "root", "store",
	"generation_floor", NULL
};

/* Absolute, no "." or ".." component, no "//": the name is compared, component by component. */
static bool is_canonical(const char *path)
{
	if (path[0] != '/')
		return false;
	if (!path[1])
		return true;
	for (const char *p = path; *p; p += strcspn(p, "/")) {
		size_t len = strcspn(++p, "/");

		if (!len || (len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
	}
	return true;
}

static int read_path(struct ih_policy_reader *reader, const struct ih_json *v, const char **ret)
{
	int r = ih_read_text(reader, v, IH_POLICY_PATH_MAX, ret);

	if (!r && !is_canonical(*ret))
		return ih_json_fail(v, reader->diag, -EBADMSG,
				    "must be an absolute name without '.', '..', '//' or a '/' at "
				    "its end");
	return r;
}

static int member_path(struct ih_policy_reader *reader, const struct ih_json *v, const char *key,
		       char **ret)
{
	const char *text = NULL;
	struct ih_json member;
	int r = ih_read_member(v, key, &member);

	if (r <= 0)
		return r;
	r = read_path(reader, &member, &text);
	if (!r)
		*ret = (char *)text;
	return r;
}

static int member_paths(struct ih_policy_reader *reader, const struct ih_json *v, const char *key,
			char ***ret, size_t *ret_n)
{
	struct ih_json list, item;
	int r = ih_read_member(v, key, &list);

	if (r < 0)
		return r;
	if (!r)
		return ih_json_fail(v, reader->diag, -EBADMSG, "the field '%s' is missing", key);
	r = ih_read_texts(reader, &list, IH_POLICY_TREES_MAX, IH_POLICY_PATH_MAX, ret, ret_n);
	for (size_t i = 0; !r && i < *ret_n; i++) {
		(void)ih_json_element(&list, i, &item);
		if (!is_canonical((*ret)[i]))
			return ih_json_fail(&item, reader->diag, -EBADMSG,
					    "must be an absolute name without '.', '..', '//' or a "
					    "'/' at its end");
	}
	return r;
}

/* "name:base64": the shape only; integrity/signature.c decodes it and says what is wrong. */
static bool is_key(const char *key)
{
	static const char base64[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789+/=";
	const char *colon = strchr(key, ':');

	return colon && colon > key && strlen(colon + 1) == 44 && strspn(colon + 1, base64) == 44;
}

static int read_keys(struct ih_policy_reader *reader, const struct ih_json *v,
		     struct ih_provider *p)
{
	struct ih_json list, item;
	int r = ih_read_member(v, "keys", &list);

	if (r <= 0)
		return r;
	r = ih_read_texts(reader, &list, IH_POLICY_KEYS_MAX, IH_POLICY_TEXT_MAX, &p->keys,
			  &p->n_keys);
	for (size_t i = 0; !r && i < p->n_keys; i++) {
		(void)ih_json_element(&list, i, &item);
		if (!is_key(p->keys[i]))
			return ih_json_fail(&item, reader->diag, -EBADMSG,
					    "is no public key: it must look like 'name:' and 44 "
					    "characters of base64");
		for (size_t j = 0; j < i; j++)
			if (!strcmp(strchr(p->keys[i], ':'), strchr(p->keys[j], ':')))
				return ih_json_fail(&item, reader->diag, -EBADMSG,
						    "is the same key as keys[%zu]; one key under "
						    "two names is still one key",
						    j);
	}
	return r;
}

static int read_trust_in_keys(struct ih_policy_reader *reader, const struct ih_json *v,
			      struct ih_provider *p)
{
	struct ih_json member;
	uint64_t n = 1;
	int r;

	r = read_keys(reader, v, p);
	if (!r)
		r = member_path(reader, v, "keys_from", &p->keys_from);
	if (r < 0)
		return r;
	r = ih_read_member(v, "signatures_needed", &member);
	if (r > 0)
		r = ih_json_u64(&member, 1, SIGNATURES_MAX, &n, reader->diag);
	if (r < 0)
		return r;
	p->sigs_needed = (unsigned int)n;
	if (!p->n_keys && !p->keys_from)
		return ih_json_fail(v, reader->diag, -EBADMSG,
				    "trusts nobody: give 'keys' or 'keys_from'");
	if (!p->keys_from && n > p->n_keys)
		return ih_json_fail(&member, reader->diag, -EBADMSG,
				    "can never be met: fewer keys are listed");
	return 0;
}

/* Where the store is: what a provider of Nix's objects and one of their seals have in common. */
static int read_store(struct ih_policy_reader *reader, const struct ih_json *v,
		      struct ih_provider *p)
{
	int r;

	p->root = (char *)"";
	p->store = (char *)"/nix/store";
	r = member_path(reader, v, "root", &p->root);
	if (!r)
		r = member_path(reader, v, "store", &p->store);
	if (r < 0)
		return r;
	if (!strcmp(p->root, "/"))
		p->root = (char *)"";
	if (!strcmp(p->store, "/"))
		return ih_json_fail(v, reader->diag, -EBADMSG, "'store' cannot be '/'");
	return 0;
}

static int read_nix(struct ih_policy_reader *reader, const struct ih_json *v, struct ih_provider *p)
{
	struct ih_json member;
	uint64_t owner = 0;
	int r;

	r = ih_json_only(v, nix_fields, reader->diag);
	if (r < 0)
		return r;
	r = read_store(reader, v, p);
	if (!r)
		r = member_path(reader, v, "database", &p->database);
	if (!r)
		r = read_trust_in_keys(reader, v, p);
	if (r < 0)
		return r;
	r = ih_read_member(v, "owner", &member);
	if (r > 0)
		r = ih_json_u64(&member, 0, UINT32_MAX - 1, &owner, reader->diag);
	if (r < 0)
		return r;
	p->owner = (unsigned int)owner;
	r = ih_read_member(v, "accept_content_addressed", &member);
	return r > 0 ? ih_json_bool(&member, &p->accept_content_addressed, reader->diag) : r;
}

static int read_paths(struct ih_policy_reader *reader, const struct ih_json *v,
		      struct ih_provider *p)
{
	int r = ih_json_only(v, paths_fields, reader->diag);
	struct ih_json member;
	char **code, **all;

	if (!r)
		r = member_paths(reader, v, "trees", &p->trees, &p->n_trees);
	if (!r)
		r = ih_read_member(v, "code_trees", &member);
	if (r > 0)
		r = member_paths(reader, v, "code_trees", &code, &p->n_code_trees);
	if (r < 0 || !p->n_code_trees)
		return r;
	all = ih_arena_alloc(reader->policy->arena, p->n_trees + p->n_code_trees, sizeof(*all));
	if (!all)
		return ih_fail(reader->diag, -ENOMEM, "no memory for a policy");
	memcpy(all, p->trees, p->n_trees * sizeof(*all));
	memcpy(all + p->n_trees, code, p->n_code_trees * sizeof(*all));
	p->trees = all;
	p->n_trees += p->n_code_trees;
	return 0;
}

static int read_seal(struct ih_policy_reader *reader, const struct ih_json *v,
		     struct ih_provider *p)
{
	struct ih_json member;
	int r = ih_json_only(v, seal_fields, reader->diag);

	if (!r)
		r = member_paths(reader, v, "seals", &p->seals, &p->n_seals);
	if (!r)
		r = read_store(reader, v, p);
	if (!r)
		r = read_trust_in_keys(reader, v, p);
	if (r < 0)
		return r;
	r = ih_read_member(v, "generation_floor", &member);
	return r > 0 ? ih_json_u64(&member, 0, INT64_MAX, &p->generation_floor, reader->diag) : r;
}

static int read_provider(struct ih_policy_reader *reader, const struct ih_json *v,
			 struct ih_provider *p)
{
	struct ih_json member;
	unsigned int kind;
	int r;

	if (ih_json_type(v) != IH_JSON_OBJECT)
		return ih_json_fail(v, reader->diag, -EBADMSG, "must be an object");
	r = ih_read_member(v, "provider", &member);
	if (r < 0)
		return r;
	if (!r)
		return ih_json_fail(v, reader->diag, -EBADMSG, "the field 'provider' is missing");
	r = ih_read_word(reader, &member, "a trust provider", kinds, IH_ARRAY_SIZE(kinds), &kind);
	if (r < 0)
		return r;

	p->kind = kind_of[kind];
	switch (p->kind) {
	case IH_PROVIDER_NIX:
		return read_nix(reader, v, p);
	case IH_PROVIDER_PATHS:
		return read_paths(reader, v, p);
	default:
		return read_seal(reader, v, p);
	}
}

int ih_providers_read(struct ih_policy_reader *reader, const struct ih_json *v)
{
	struct ih_policy *policy = reader->policy;
	size_t n = ih_json_length(v);
	struct ih_json item;
	int r;

	if (ih_json_type(v) != IH_JSON_ARRAY)
		return ih_json_fail(v, reader->diag, -EBADMSG, "must be an array");
	if (!n || n > IH_POLICY_PROVIDERS_MAX)
		return ih_json_fail(v, reader->diag, -EBADMSG,
				    "must list 1 to %d trust providers, not %zu",
				    IH_POLICY_PROVIDERS_MAX, n);
	policy->providers = ih_arena_alloc(policy->arena, n, sizeof(*policy->providers));
	if (!policy->providers)
		return ih_json_fail(v, reader->diag, -ENOMEM, "out of memory");
	policy->n_providers = n;
	for (size_t i = 0; i < n; i++) {
		(void)ih_json_element(v, i, &item);
		r = read_provider(reader, &item, &policy->providers[i]);
		if (r < 0)
			return r;
	}
	return 0;
}
