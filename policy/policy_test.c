/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads tables of expected answers and holds a policy against them. */
#include "policy/policy_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "policy/policy_priv.h"
#include "policy/words.h"

#define TABLE_VERSION 1

static const char *const table_fields[] = { "$schema", "version", "description",
					    "files",   "cases",	  NULL };
static const char *const case_fields[] = { "name",	 "argv",  "env",    "directory", "stdin",
					   "files",	 "facts", "uid",    "gid",	 "unit",
					   "provenance", "flags", "expect", NULL };
static const char *const facts_fields[] = { "mode", "interpreter", "program", "sources", NULL };
static const char *const expect_fields[] = { "verdict", "reason", "rule", NULL };

struct table {
	const struct ih_policy_test *test;
	struct ih_policy_reader reader; /* its policy holds nothing but an arena */
	struct ih_case_file *files;	/* of all cases that give none */
	size_t n_files;
};

static int fail(struct table *t, const struct ih_json *v, const char *problem)
{
	return ih_json_fail(v, t->reader.diag, -EBADMSG, "%s", problem);
}

static void *alloc(struct table *t, size_t n, size_t size)
{
	return ih_arena_alloc(t->reader.policy->arena, n, size);
}

static int no_memory(struct table *t, const struct ih_json *v)
{
	return ih_json_fail(v, t->reader.diag, -ENOMEM, "out of memory");
}

/* A word with a number behind it: a mode, a class, … */
static int read_number(struct table *t, const struct ih_json *v, const char *key,
		       int (*from_name)(const char *), uint8_t *ret)
{
	struct ih_json member;
	const char *word = NULL;
	int r = ih_read_member(v, key, &member), n;

	if (r > 0)
		r = ih_read_text(&t->reader, &member, IH_POLICY_NAME_MAX, &word);
	if (r < 0 || !word)
		return r;
	n = from_name(word);
	if (n < 0)
		return ih_json_fail(&member, t->reader.diag, -EBADMSG, "'%s' is not known", word);
	*ret = (uint8_t)n;
	return 0;
}

static int read_id(struct table *t, const struct ih_json *v, const char *key, uint32_t *ret)
{
	struct ih_json member;
	uint64_t n = *ret;
	int r = ih_read_member(v, key, &member);

	if (r > 0)
		r = ih_json_u64(&member, 0, UINT32_MAX - 1, &n, t->reader.diag);
	*ret = (uint32_t)n;
	return r;
}

static int read_flags(struct table *t, const struct ih_json *v, uint32_t *ret)
{
	struct ih_json list, item;
	const char *word = NULL;
	uint32_t flag;
	int r = ih_read_member(v, "flags", &list);

	if (r <= 0)
		return r;
	if (ih_json_type(&list) != IH_JSON_ARRAY)
		return fail(t, &list, "must be an array");
	for (size_t i = 0; i < ih_json_length(&list); i++) {
		(void)ih_json_element(&list, i, &item);
		r = ih_read_text(&t->reader, &item, IH_POLICY_NAME_MAX, &word);
		if (r < 0)
			return r;
		if (ih_fact_from_name(word, &flag) < 0)
			return ih_json_fail(&item, t->reader.diag, -EBADMSG, "'%s' is not known",
					    word);
		*ret |= flag;
	}
	return 0;
}

static int read_files(struct table *t, const struct ih_json *v, struct ih_case_file **ret,
		      size_t *ret_n)
{
	struct ih_case_file *files;
	struct ih_json list, member;
	void *iterator = NULL;
	const char *path;
	size_t n = 0;
	int r = ih_read_member(v, "files", &list);

	if (r <= 0)
		return r;
	if (ih_json_type(&list) != IH_JSON_OBJECT)
		return fail(t, &list, "must be an object of names and trust classes");
	files = alloc(t, IH_CASE_WORDS_MAX, sizeof(*files));
	if (!files)
		return no_memory(t, &list);
	while (ih_json_next(&list, &iterator, &path, &member)) {
		const char *word = NULL;
		int trust;

		if (n == IH_CASE_WORDS_MAX)
			return fail(t, &list, "lists too many files");
		if (path[0] != '/')
			return fail(t, &member, "must be an absolute name");
		r = ih_read_text(&t->reader, &member, IH_POLICY_NAME_MAX, &word);
		if (r < 0)
			return r;
		trust = ih_trust_from_name(word);
		if (trust < 0)
			return ih_json_fail(&member, t->reader.diag, -EBADMSG,
					    "'%s' is no trust class", word);
		files[n].path = ih_arena_text(t->reader.policy->arena, path);
		files[n].trust = (enum ih_trust_class)trust;
		if (!files[n++].path)
			return no_memory(t, &list);
	}
	*ret = files;
	*ret_n = n;
	return 0;
}

/* Arguments may be empty and hold anything but NUL. */
static int read_argv(struct table *t, const struct ih_json *v, struct ih_policy_case *c)
{
	struct ih_json list, item;
	const char *word = NULL;
	size_t n;
	int r = ih_read_member(v, "argv", &list);

	if (r <= 0)
		return r;
	n = ih_json_length(&list);
	if (ih_json_type(&list) != IH_JSON_ARRAY || !n || n > IH_CASE_WORDS_MAX)
		return fail(t, &list, "must be an array of 1 to 4096 strings");
	c->argv = alloc(t, n + 1, sizeof(*c->argv));
	if (!c->argv)
		return no_memory(t, &list);
	for (size_t i = 0; i < n; i++) {
		(void)ih_json_element(&list, i, &item);
		r = ih_json_string(&item, &word, t->reader.diag);
		if (r < 0)
			return r;
		c->argv[i] = ih_arena_text(t->reader.policy->arena, word);
		if (!c->argv[i])
			return no_memory(t, &list);
	}
	c->argc = n;
	return 0;
}

static int read_env(struct table *t, const struct ih_json *v, struct ih_policy_case *c)
{
	struct ih_json list, member;
	void *iterator = NULL;
	const char *name, *value = NULL;
	size_t n = 0;
	int r = ih_read_member(v, "env", &list);

	if (r < 0)
		return r;
	c->envp = alloc(t, IH_CASE_WORDS_MAX + 1, sizeof(*c->envp));
	if (!c->envp)
		return no_memory(t, v);
	if (!r)
		return 0;
	if (ih_json_type(&list) != IH_JSON_OBJECT)
		return fail(t, &list, "must be an object of names and values");
	while (ih_json_next(&list, &iterator, &name, &member)) {
		struct ih_text entry = { 0 };

		if (n == IH_CASE_WORDS_MAX)
			return fail(t, &list, "lists too many variables");
		if (!name[0] || strchr(name, '='))
			return fail(t, &member, "is no variable's name");
		r = ih_json_string(&member, &value, t->reader.diag);
		if (r < 0)
			return r;
		(void)ih_text_addf(&entry, "%s=%s", name, value);
		c->envp[n] = entry.oom ? NULL : ih_arena_text(t->reader.policy->arena, entry.data);
		ih_text_done(&entry);
		if (!c->envp[n++])
			return no_memory(t, &list);
	}
	return 0;
}

static int read_command(struct table *t, const struct ih_json *v, struct ih_policy_case *c)
{
	static const char *const kinds[] = { "pipe", "file", "tty", "null" };
	struct ih_json member;
	unsigned int kind;
	int r = read_argv(t, v, c);

	if (!r)
		r = read_env(t, v, c);
	if (!r)
		r = ih_read_member(v, "directory", &member);
	if (r > 0)
		r = ih_read_text(&t->reader, &member, IH_POLICY_PATH_MAX, &c->directory);
	if (r < 0)
		return r;
	r = ih_read_member(v, "stdin", &member);
	if (r > 0) {
		r = ih_read_word(&t->reader, &member, "a kind of standard input", kinds,
				 IH_ARRAY_SIZE(kinds), &kind);
		if (r < 0)
			return r;
		c->stdin_kind = kinds[kind];
	}
	if (r < 0)
		return r;
	c->files = t->files;
	c->n_files = t->n_files;
	return read_files(t, v, &c->files, &c->n_files);
}

/* "facts" in place of a command. */
static int read_facts(struct table *t, const struct ih_json *v, struct ih_policy_case *c)
{
	struct ih_json facts, member;
	const char *word = NULL;
	int r = ih_read_member(v, "facts", &facts);

	if (r < 0 || (!r && c->argc))
		return r;
	if (!r)
		return fail(t, v, "gives neither 'argv' nor 'facts'");
	if (c->argc)
		return fail(t, &facts, "cannot stand beside 'argv'");
	r = ih_json_only(&facts, facts_fields, t->reader.diag);
	if (!r)
		r = read_number(t, &facts, "mode", ih_mode_from_name, &c->facts.mode);
	if (!r)
		r = read_number(t, &facts, "program", ih_trust_from_name, &c->facts.program);
	if (!r)
		r = read_number(t, &facts, "sources", ih_trust_from_name, &c->facts.sources);
	if (r < 0)
		return r;
	c->facts.n_sources = ih_read_member(&facts, "sources", &member) > 0;
	r = ih_read_member(&facts, "interpreter", &member);
	if (r > 0)
		r = ih_read_text(&t->reader, &member, IH_POLICY_NAME_MAX, &word);
	c->facts.interpreter = (uint16_t)ih_policy_interpreter(t->test->policy, word);
	return r;
}

static int read_subject(struct table *t, const struct ih_json *v, struct ih_policy_case *c)
{
	struct ih_json member;
	const char *unit = NULL;
	int r;

	c->facts.uid = 1000;
	c->facts.gid = 1000;
	r = read_id(t, v, "uid", &c->facts.uid);
	if (!r)
		r = read_id(t, v, "gid", &c->facts.gid);
	if (!r)
		r = read_number(t, v, "provenance", ih_provenance_from_name, &c->facts.provenance);
	if (!r)
		r = read_flags(t, v, &c->facts.flags);
	if (!r)
		r = ih_read_member(v, "unit", &member);
	if (r > 0)
		r = ih_read_text(&t->reader, &member, IH_POLICY_NAME_MAX, &unit);
	c->facts.unit = ih_policy_unit(t->test->policy, unit);
	return r;
}

static int read_expected(struct table *t, const struct ih_json *v, struct ih_policy_case *c)
{
	static const char *const verdicts[] = { "allow", "deny", "audit", "report" };
	struct ih_json expect, member;
	unsigned int verdict;
	int r = ih_read_member(v, "expect", &expect);

	if (!r)
		return fail(t, v, "the field 'expect' is missing");
	if (r > 0)
		r = ih_json_only(&expect, expect_fields, t->reader.diag);
	if (!r)
		r = ih_read_member(&expect, "verdict", &member);
	if (!r)
		return fail(t, &expect, "the field 'verdict' is missing");
	if (r > 0)
		r = ih_read_word(&t->reader, &member, "a verdict", verdicts,
				 IH_ARRAY_SIZE(verdicts), &verdict);
	if (r < 0)
		return r;
	c->verdict = verdicts[verdict];
	r = ih_read_member(&expect, "reason", &member);
	if (r > 0)
		r = ih_read_text(&t->reader, &member, IH_POLICY_NAME_MAX, &c->reason);
	if (!r && c->reason && ih_reason_from_name(c->reason) < 0)
		return ih_json_fail(&member, t->reader.diag, -EBADMSG, "there is no reason '%s'",
				    c->reason);
	if (!r)
		r = ih_read_member(&expect, "rule", &member);
	return r > 0 ? ih_read_text(&t->reader, &member, IH_POLICY_NAME_MAX, &c->rule) : r;
}

static int read_case(struct table *t, const struct ih_json *v, struct ih_policy_case *c)
{
	struct ih_json member;
	int r = ih_json_only(v, case_fields, t->reader.diag);

	if (r < 0)
		return r;
	c->line = ih_json_line(v);
	r = ih_read_member(v, "name", &member);
	if (!r)
		return fail(t, v, "the field 'name' is missing");
	if (r > 0)
		r = ih_read_text(&t->reader, &member, IH_POLICY_TEXT_MAX, &c->name);
	if (!r)
		r = read_command(t, v, c);
	if (!r)
		r = read_facts(t, v, c);
	if (!r)
		r = read_subject(t, v, c);
	return r < 0 ? r : read_expected(t, v, c);
}

static const char *verdict_of(const struct ih_answer *a)
{
	return a->report_only ? "report" : ih_verdict_name((enum ih_verdict)a->verdict);
}

/* Return: 0 when the case passes, else 1 with the difference in @problem. */
static int compare(const struct ih_policy *policy, const struct ih_policy_case *c,
		   const struct ih_answer *a, struct ih_diag *problem)
{
	const struct ih_rule_info *rule = ih_policy_rule(policy, a);
	const char *name = rule ? rule->name : "none";
	const char *reason = ih_reason_name((enum ih_reason)a->reason);

	if (strcmp(verdict_of(a), c->verdict))
		return ih_fail(problem, 1, "expected %s, got %s (reason %s, rule '%s')", c->verdict,
			       verdict_of(a), reason, name);
	if (c->reason && strcmp(reason, c->reason))
		return ih_fail(problem, 1, "expected reason %s, got %s", c->reason, reason);
	if (c->rule && strcmp(name, c->rule))
		return ih_fail(problem, 1, "expected rule '%s', got '%s'", c->rule, name);
	return 0;
}

static int answer(struct table *t, const struct ih_policy_case *c, struct ih_answer *ret,
		  struct ih_diag *problem)
{
	if (!c->argc) {
		*ret = ih_policy_decide(t->test->policy, &c->facts);
		return 0;
	}
	if (c->n_files)
		return ih_case_assume(t->test, c, ret);
	if (!t->test->judge)
		return ih_fail(problem, -EINVAL, "files cannot be looked at here; give 'files'");
	return t->test->judge(c, ret, problem, t->test->data);
}

static int run_case(struct table *t, const struct ih_json *v, size_t *failed)
{
	struct ih_policy_case c = { 0 };
	struct ih_diag problem = { 0 };
	struct ih_answer a = { 0 };
	int r = read_case(t, v, &c);

	if (r < 0)
		return r;
	r = answer(t, &c, &a, &problem);
	if (r == -ENOMEM)
		return no_memory(t, v);
	if (!r)
		r = compare(t->test->policy, &c, &a, &problem);
	*failed += !!r;
	t->test->report(&c, &a, r ? problem.text : NULL, t->test->data);
	return 0;
}

static int run_table(struct table *t, const struct ih_json *root, size_t *failed)
{
	struct ih_json member, item;
	uint64_t version;
	size_t n;
	int r = ih_json_only(root, table_fields, t->reader.diag);

	if (r < 0)
		return r;
	if (ih_read_member(root, "version", &member) <= 0)
		return fail(t, root, "the field 'version' is missing");
	r = ih_json_u64(&member, TABLE_VERSION, TABLE_VERSION, &version, t->reader.diag);
	if (!r)
		r = read_files(t, root, &t->files, &t->n_files);
	if (r < 0)
		return r;
	if (ih_read_member(root, "cases", &member) <= 0)
		return fail(t, root, "the field 'cases' is missing");
	n = ih_json_length(&member);
	if (!n || n > IH_CASES_MAX)
		return fail(t, &member, "must be an array of 1 to 10000 cases");
	for (size_t i = 0; i < n; i++) {
		struct ih_policy scratch = { .arena = ih_arena_new() };

		(void)ih_json_element(&member, i, &item);
		if (!scratch.arena)
			return no_memory(t, &item);
		t->reader.policy = &scratch; /* a case's memory goes with the case */
		r = run_case(t, &item, failed);
		ih_arena_free(scratch.arena);
		if (r < 0)
			return r;
	}
	return 0;
}

int ih_policy_test(const struct ih_policy_test *test, const char *name, const char *text,
		   size_t len, size_t *ret_failed, struct ih_diag *diag)
{
	struct ih_policy scratch = { .arena = ih_arena_new() };
	struct table t = { .test = test, .reader = { .policy = &scratch, .diag = diag } };
	struct ih_json_doc *doc = NULL;
	struct ih_json root;
	size_t failed = 0;
	int r;

	if (!scratch.arena)
		return ih_fail(diag, -ENOMEM, "%s: out of memory", name);
	r = ih_json_parse(name, text, len, &doc, diag);
	if (!r) {
		root = ih_json_root(doc);
		r = run_table(&t, &root, &failed);
	}
	if (!r)
		*ret_failed = failed;
	ih_json_free(doc);
	ih_arena_free(scratch.arena);
	return r;
}
