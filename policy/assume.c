/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands judged with assumed files, for `ihard policy test`: what wrapper/gather.c finds on the
 * disk, a case says. Opens nothing.
 */
#include "policy/policy_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "policy/invocation.h"

struct assumed {
	const struct ih_policy_test *test;
	const struct ih_policy_case *c;
	struct ih_answer *answer;
	enum ih_trust_class least; /* of what may stay in the environment */
	bool stopped;
	unsigned int depth;
};

static const struct ih_case_file *find_file(const struct ih_policy_case *c, const char *path,
					    size_t len)
{
	const struct ih_case_file *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < c->n_files; i++) {
		size_t n = strlen(c->files[i].path);

		if (n > len || n < best_len || memcmp(path, c->files[i].path, n))
			continue;
		if (n == len || path[n] == '/' || c->files[i].path[n - 1] == '/') {
			best = &c->files[i];
			best_len = n;
		}
	}
	return best;
}

/* The class of a name; relative ones lie in the case's directory. */
static enum ih_trust_class class_of(const struct ih_policy_case *c, const char *text, size_t len,
				    bool *ret_listed)
{
	const struct ih_case_file *file;
	_free_ char *path = NULL;
	int n;

	*ret_listed = false;
	if (len && text[0] == '/')
		n = asprintf(&path, "%.*s", (int)len, text);
	else
		n = asprintf(&path, "%s/%.*s", c->directory ? c->directory : "", (int)len, text);
	if (n < 0)
		return IH_TRUST_UNKNOWN;
	/* "dir/." and a '/' at the end are the directory */
	while (n > 1 && (path[n - 1] == '/' || (path[n - 1] == '.' && path[n - 2] == '/')))
		n--;
	file = find_file(c, path, (size_t)n);
	*ret_listed = file;
	return file ? file->trust : IH_TRUST_UNTRUSTED;
}

/* A bare program's name is the first listed file of that name, or the one in a listed tree. */
static enum ih_trust_class class_of_program(const struct ih_policy_case *c, const char *name)
{
	static const char *const path[] = { "/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/" };
	char candidate[IH_POLICY_PATH_MAX + 1];
	enum ih_trust_class trust;
	bool listed;

	if (strchr(name, '/'))
		return class_of(c, name, strlen(name), &listed);
	for (size_t i = 0; i < c->n_files; i++) {
		const char *slash = strrchr(c->files[i].path, '/');

		if (slash && !strcmp(slash + 1, name))
			return c->files[i].trust;
	}
	for (size_t i = 0; i < IH_ARRAY_SIZE(path); i++) {
		(void)snprintf(candidate, sizeof(candidate), "%s%s", path[i], name);
		trust = class_of(c, candidate, strlen(candidate), &listed);
		if (listed)
			return trust;
	}
	return IH_TRUST_UNTRUSTED;
}

static bool is_kept(const struct assumed *a, const struct ih_env_treatment *t,
		    const struct ih_source *s)
{
	const char *entry;

	if (s->origin != IH_ORIGIN_ENVIRONMENT || s->arg < 0 || !a->c->envp)
		return false;
	entry = a->c->envp[s->arg];
	return ih_env_keeps(t, entry, strcspn(entry, "="));
}

/* A path list that keeps a trusted element is filtered; everything else refuses. */
static bool list_keeps_one(const struct assumed *a, const struct ih_invocation *inv, int arg)
{
	bool listed;

	for (size_t i = 0; i < inv->n_sources; i++) {
		const struct ih_source *s = &inv->sources[i];

		if (s->kind == IH_SOURCE_PATH && s->origin == IH_ORIGIN_ENVIRONMENT &&
		    s->arg == arg && class_of(a->c, s->text, s->len, &listed) >= a->least)
			return true;
	}
	return false;
}

static void add_from_environment(const struct assumed *a, const struct ih_invocation *inv,
				 const struct ih_env_treatment *t, const struct ih_source *s,
				 struct ih_facts *f)
{
	bool listed = false;
	enum ih_trust_class trust = IH_TRUST_UNTRUSTED;

	if (s->kind != IH_SOURCE_INLINE && s->kind != IH_SOURCE_STDIN)
		trust = class_of(a->c, s->text, s->len, &listed);
	if (trust >= a->least || (s->optional && !listed))
		return;
	if (s->kind == IH_SOURCE_PATH && t->paths == IH_ENV_PATHS_FILTER &&
	    list_keeps_one(a, inv, s->arg))
		f->flags |= IH_FACT_ENV_FILTERED;
	else
		f->flags |= IH_FACT_ENV_CODE;
}

static void add_source(const struct assumed *a, const struct ih_invocation *inv,
		       const struct ih_env_treatment *t, const struct ih_source *s,
		       struct ih_facts *f)
{
	enum ih_trust_class trust;
	bool listed;

	if (is_kept(a, t, s))
		return;
	if (s->origin == IH_ORIGIN_ENVIRONMENT) {
		add_from_environment(a, inv, t, s, f);
		return;
	}
	if (s->kind == IH_SOURCE_INLINE || s->kind == IH_SOURCE_STDIN)
		return; /* the mode speaks for them */
	if (s->kind == IH_SOURCE_PROGRAM) {
		_free_ char *name = strndup(s->text, s->len);

		trust = name ? class_of_program(a->c, name) : IH_TRUST_UNKNOWN;
	} else if ((s->kind == IH_SOURCE_MODULE || s->kind == IH_SOURCE_LIBRARY) &&
		   !memchr(s->text, '/', s->len)) {
		trust = (enum ih_trust_class)f->program; /* along the interpreter's own path */
	} else {
		trust = class_of(a->c, s->text, s->len, &listed);
		if (s->optional && !listed)
			return;
	}
	if (trust < f->sources)
		f->sources = (uint8_t)trust;
	f->n_sources++;
}

static int judge_command(struct assumed *a, const struct ih_exec *exec);

static void answer_with(struct assumed *a, const struct ih_facts *facts)
{
	struct ih_answer answer = ih_policy_decide(a->test->policy, facts);

	if (a->stopped)
		return;
	*a->answer = answer; /* of the first program that is denied, or else of the last */
	a->stopped = answer.verdict == IH_DENY;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int judge_invocation(struct assumed *a, const struct ih_exec *exec,
			    struct ih_invocation *inv)
{
	const struct ih_grammar *grammar;
	const struct ih_env_treatment *t;
	struct ih_facts f = a->c->facts;
	const char *name;
	int r = 0;

	grammar = ih_grammars_find(a->test->grammars, base_name(exec->argv[0]), exec->argv[0]);
	name = grammar ? ih_grammar_name(grammar) : NULL;
	t = ih_policy_environment(a->test->policy, name);
	ih_invocation_parse(a->test->grammars, grammar, exec, inv);

	f.interpreter = (uint16_t)ih_policy_interpreter(a->test->policy, name);
	f.mode = (uint8_t)inv->mode;
	f.program = (uint8_t)class_of_program(a->c, exec->argv[0]);
	f.sources = IH_TRUST_SEALED;
	f.n_sources = 0;
	f.flags |= inv->pure ? IH_FACT_PURE : 0;
	for (size_t i = 0; i < inv->n_sources; i++)
		add_source(a, inv, t, &inv->sources[i], &f);
	if (f.mode == IH_MODE_STDIN && a->c->stdin_kind && !strcmp(a->c->stdin_kind, "null"))
		f.mode = IH_MODE_NONE;
	answer_with(a, &f);

	for (size_t i = 0; i < inv->n_commands && !r; i++)
		r = judge_command(a, &inv->commands[i].exec);
	return r;
}

static int judge_command(struct assumed *a, const struct ih_exec *exec)
{
	struct ih_facts nothing = a->c->facts;
	struct ih_invocation *inv;
	int r;

	if (!exec->argc || a->depth == IH_LAUNCHERS_MAX) {
		nothing.mode = IH_MODE_UNCLEAR;
		nothing.flags |= IH_FACT_CUT_OFF;
		answer_with(a, &nothing);
		return 0;
	}
	inv = calloc(1, sizeof(*inv));
	if (!inv)
		return -ENOMEM;
	a->depth++;
	r = judge_invocation(a, exec, inv);
	a->depth--;
	ih_invocation_done(inv);
	free(inv);
	return r;
}

int ih_case_assume(const struct ih_policy_test *test, const struct ih_policy_case *c,
		   struct ih_answer *ret)
{
	struct assumed a = {
		.test = test,
		.c = c,
		.answer = ret,
		.least = ih_policy_least_source(test->policy),
	};
	struct ih_exec exec = {
		.argc = (int)c->argc,
		.argv = c->argv,
		.envp = c->envp,
		.stdin_is_tty = c->stdin_kind && !strcmp(c->stdin_kind, "tty"),
		.directory = c->directory,
	};

	return judge_command(&a, &exec);
}
