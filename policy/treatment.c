/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The "environment" and "confinement" sections of a policy. What is done with them is
 * wrapper/environ.c's and wrapper/confine.c's business.
 */
#include "policy/policy_priv.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

static const char *const treatment_fields[] = { "code", "paths", "keep", NULL };
static const char *const environment_fields[] = { "default", "interpreters", NULL };

static const char *const step_names[] = {
	[IH_STEP_NO_NEW_PRIVILEGES] = "no_new_privileges",
	[IH_STEP_CAPABILITIES] = "capabilities",
	[IH_STEP_SECUREBITS] = "securebits",
	[IH_STEP_LANDLOCK] = "landlock",
	[IH_STEP_SECCOMP] = "seccomp",
	[IH_STEP_WRITE_XOR_EXECUTE] = "write_xor_execute",
	[IH_STEP_CORE_DUMPS] = "core_dumps",
	[IH_STEP_TREE] = "tree",
	[IH_STEP_MAX_] = NULL,
};

/* A variable's name, or the beginning of names and a '*'. */
static bool is_variable(const char *name)
{
	size_t len = strcspn(name, "*");

	return len && strcspn(name, "= \t") == strlen(name) && (!name[len] || !name[len + 1]);
}

static int read_keep(struct ih_policy_reader *reader, const struct ih_json *v,
		     struct ih_env_treatment *t)
{
	struct ih_json item;
	int r;

	if (ih_json_type(v) == IH_JSON_ARRAY && !ih_json_length(v)) {
		t->keep = NULL;
		t->n_keep = 0;
		return 0;
	}
	r = ih_read_texts(reader, v, IH_POLICY_KEEP_MAX, IH_POLICY_NAME_MAX, &t->keep, &t->n_keep);
	for (size_t i = 0; !r && i < t->n_keep; i++) {
		(void)ih_json_element(v, i, &item);
		if (!is_variable(t->keep[i]))
			return ih_json_fail(&item, reader->diag, -EBADMSG,
					    "must be a variable's name, or the beginning of one "
					    "with '*' at the end");
	}
	return r;
}

/* Changes what is said in @v and leaves the rest of @t. */
static int read_treatment(struct ih_policy_reader *reader, const struct ih_json *v,
			  struct ih_env_treatment *t)
{
	static const char *const code[] = { "refuse", "drop" };
	static const char *const paths[] = { "refuse", "filter" };
	struct ih_json member;
	unsigned int word = 0;
	int r;

	r = ih_json_only(v, treatment_fields, reader->diag);
	if (r < 0)
		return r;
	r = ih_read_member(v, "code", &member);
	if (r > 0) {
		r = ih_read_word(reader, &member, "a treatment of code", code, IH_ARRAY_SIZE(code),
				 &word);
		t->code = word ? IH_ENV_CODE_DROP : IH_ENV_CODE_REFUSE;
	}
	if (r < 0)
		return r;
	r = ih_read_member(v, "paths", &member);
	if (r > 0) {
		r = ih_read_word(reader, &member, "a treatment of path lists", paths,
				 IH_ARRAY_SIZE(paths), &word);
		t->paths = word ? IH_ENV_PATHS_FILTER : IH_ENV_PATHS_REFUSE;
	}
	if (r < 0)
		return r;
	r = ih_read_member(v, "keep", &member);
	return r > 0 ? read_keep(reader, &member, t) : r;
}

/* The treatment that @interpreter has; made from the default when it has none of its own. */
static struct ih_env_treatment *find_or_add(struct ih_policy_reader *reader,
					    const char *interpreter)
{
	struct ih_policy *p = reader->policy;
	struct ih_env_treatment *all;

	for (size_t i = 1; i < p->n_environment; i++)
		if (!strcmp(p->environment[i].interpreter, interpreter))
			return &p->environment[i];
	all = ih_arena_alloc(p->arena, p->n_environment + 1, sizeof(*all));
	if (!all)
		return NULL;
	memcpy(all, p->environment, p->n_environment * sizeof(*all));
	all[p->n_environment] = all[0];
	all[p->n_environment].interpreter = ih_arena_text(p->arena, interpreter);
	if (!all[p->n_environment].interpreter)
		return NULL;
	p->environment = all;
	return &all[p->n_environment++];
}

static int read_interpreters(struct ih_policy_reader *reader, const struct ih_json *v)
{
	struct ih_env_treatment *t;
	void *iterator = NULL;
	struct ih_json member;
	const char *key;
	int r;

	if (ih_json_type(v) != IH_JSON_OBJECT)
		return ih_json_fail(v, reader->diag, -EBADMSG, "must be an object");
	while (ih_json_next(v, &iterator, &key, &member)) {
		if (!ih_is_plain_name(key))
			return ih_json_fail(&member, reader->diag, -EBADMSG,
					    "is no interpreter's name");
		if (reader->policy->n_environment > IH_INTERPRETERS_MAX)
			return ih_json_fail(&member, reader->diag, -EBADMSG,
					    "a policy can name at most %d interpreters",
					    IH_INTERPRETERS_MAX);
		t = find_or_add(reader, key);
		if (!t)
			return ih_json_fail(&member, reader->diag, -ENOMEM, "out of memory");
		r = read_treatment(reader, &member, t);
		if (r < 0)
			return r;
	}
	return 0;
}

int ih_environment_read(struct ih_policy_reader *reader, const struct ih_json *v)
{
	struct ih_json member;
	int r;

	r = ih_json_only(v, environment_fields, reader->diag);
	if (r < 0)
		return r;
	r = ih_read_member(v, "default", &member);
	if (r > 0)
		r = read_treatment(reader, &member, &reader->policy->environment[0]);
	if (r < 0)
		return r;
	r = ih_read_member(v, "interpreters", &member);
	return r > 0 ? read_interpreters(reader, &member) : r;
}

int ih_confinement_read(struct ih_policy_reader *reader, const struct ih_json *v)
{
	static const char *const demands[] = { "required", "wanted", "off" };
	struct ih_json member;
	unsigned int demand;
	int r;

	r = ih_json_only(v, step_names, reader->diag);
	if (r < 0)
		return r;
	for (size_t i = 0; i < IH_STEP_MAX_; i++) {
		r = ih_read_member(v, step_names[i], &member);
		if (!r)
			continue;
		if (r > 0)
			r = ih_read_word(reader, &member, "a demand", demands,
					 IH_ARRAY_SIZE(demands), &demand);
		if (r < 0)
			return r;
		reader->policy->confinement[i] = (enum ih_demand)demand;
	}
	return 0;
}

const char *ih_step_name(enum ih_step step)
{
	return step < IH_STEP_MAX_ ? step_names[step] : "?";
}
