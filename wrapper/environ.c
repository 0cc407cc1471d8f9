/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds an environment from what passes. What a variable means is the grammars' knowledge. */
#include "wrapper/environ.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"

static size_t name_length(const char *entry)
{
	return strcspn(entry, "=");
}

static bool has_name(const char *entry, const char *name, size_t len)
{
	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool is_there(const struct ih_environ *e, const char *entry)
{
	size_t len = name_length(entry);

	for (size_t i = 0; i < e->n; i++)
		if (has_name(e->envp[i], entry, len))
			return true;
	return false;
}

/*
 * An entry without '=', without a name, or of a name that was there already: libc and the loader do
 * not agree on which of two counts, so one of them would get what nobody looked at.
 */
static int copy_well_formed(char *const *envp, struct ih_environ *e)
{
	size_t n = 0;

	while (envp && envp[n])
		if (++n > IH_ENVIRON_MAX)
			return -E2BIG;
	e->envp = calloc(n + 3, sizeof(*e->envp)); /* and what ih_environ_build() adds */
	if (!e->envp)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *entry = envp[i];

		if (entry[0] == '=' || !strchr(entry, '=') || is_there(e, entry))
			continue;
		e->envp[e->n] = strdup(entry);
		if (!e->envp[e->n])
			return -ENOMEM;
		e->n++;
	}
	return 0;
}

static int note(struct ih_environ *e, const char *entry, const char *what, const char *why)
{
	struct ih_environ_note *more = realloc(e->notes, (e->n_notes + 1) * sizeof(*more));
	struct ih_environ_note *n;

	if (!more)
		return -ENOMEM;
	e->notes = more;
	n = &more[e->n_notes];
	*n = (struct ih_environ_note){ .name = strndup(entry, name_length(entry)) };
	if (asprintf(&n->why, "%s: %s", what, why ? why : "not trusted") < 0)
		n->why = NULL;
	e->n_notes++;
	return n->name && n->why ? 0 : -ENOMEM;
}

/* A list without the elements that equal @element. Return: how many went, or -ENOMEM. */
static int remove_element(char **entry, const char *element, char separator)
{
	struct ih_text t = { 0 };
	size_t head = name_length(*entry) + 1, len = strlen(element);
	const char *at = *entry + head;
	bool any = false;
	int removed = 0;

	(void)ih_text_add(&t, *entry, head);
	for (;; at++) {
		const char *end = strchrnul(at, separator);

		if ((size_t)(end - at) == len && strncmp(at, element, len) == 0) {
			removed++;
		} else {
			if (any)
				(void)ih_text_add(&t, &separator, 1);
			(void)ih_text_add(&t, at, (size_t)(end - at));
			any = true;
		}
		at = end;
		if (!*at)
			break;
	}
	if (t.oom) {
		ih_text_done(&t);
		return -ENOMEM;
	}
	free(*entry);
	*entry = t.data;
	return removed;
}

static void drop(struct ih_environ *e, size_t i)
{
	free(e->envp[i]);
	memmove(&e->envp[i], &e->envp[i + 1], (e->n - i) * sizeof(*e->envp));
	e->n--;
}

/* Return: 1 when the variable is still there, 0 when it went, -ENOMEM. */
static int filter(struct ih_environ *e, size_t i, const struct ih_finding *f)
{
	int r = remove_element(&e->envp[i], f->text, ':');

	if (r == 0)
		r = remove_element(&e->envp[i], f->text, ';');
	if (r < 0)
		return r;
	if (note(e, e->envp[i], "an element was taken out", f->evidence.reason) < 0)
		return -ENOMEM;
	/* An element that cannot be found again (a template, an escape) takes its list with it. */
	if (r > 0 && e->envp[i][name_length(e->envp[i]) + 1])
		return 1;
	drop(e, i);
	return 0;
}

/* The entries that interpreters are asked about, and where each stands in the environment. */
struct question {
	char **envp;
	size_t *at;
	size_t n;
};

static void question_done(struct question *q)
{
	free(q->envp);
	free(q->at);
	*q = (struct question){ 0 };
}

/* All but the quiet ones and those at which @answered says that they are settled. */
static int question_make(const struct ih_environ *e, const bool *settled, struct question *q)
{
	q->n = 0;
	q->envp = calloc(e->n + 1, sizeof(*q->envp));
	q->at = calloc(e->n + 1, sizeof(*q->at));
	if (!q->envp || !q->at)
		return -ENOMEM;
	for (size_t i = 0; i < e->n; i++) {
		if (ih_variable_is_quiet(e->envp[i]) || (settled && settled[i]))
			continue;
		q->at[q->n] = i;
		q->envp[q->n++] = e->envp[i];
	}
	return 0;
}

/* What to do about one finding. Return: 1 when the environment changed, 0, or a negative errno. */
static int apply(const struct ih_gather_input *in, const struct ih_hop *hop,
		 const struct ih_finding *f, size_t i, struct ih_environ *e)
{
	const struct ih_env_treatment *t = ih_policy_environment(
		in->policy, hop->grammar ? ih_grammar_name(hop->grammar) : NULL);

	if (f->standing == IH_STANDING_FILTERED)
		return filter(e, i, f) < 0 ? -ENOMEM : 1;
	if (f->standing != IH_STANDING_REFUSED)
		return 0;
	if (f->kind == IH_SOURCE_PATH ? t->paths == IH_ENV_PATHS_REFUSE
				      : t->code == IH_ENV_CODE_REFUSE)
		return 0;
	if (note(e, e->envp[i], "was taken out", f->evidence.reason) < 0)
		return -ENOMEM;
	drop(e, i);
	return 1;
}

/* One interpreter, once. Return: 1 when the environment changed and it must be asked again. */
static int ask_once(const struct ih_gather_input *in, const struct ih_grammar *g,
		    const struct question *q, struct ih_environ *e, bool *settled)
{
	struct ih_gather_input now = *in;
	struct ih_hop hop;
	int r;

	now.envp = q->envp;
	r = ih_gather_environment(&now, g, &hop);
	for (size_t k = 0; k < hop.n_findings && r == 0; k++) {
		const struct ih_finding *f = &hop.findings[k];

		if (f->origin != IH_ORIGIN_ENVIRONMENT || f->arg < 0 || (size_t)f->arg >= q->n)
			continue;
		r = apply(in, &hop, f, q->at[f->arg], e);
		/* What names a trusted file for every program need not be asked again for each. */
		if (r == 0 && settled && f->standing == IH_STANDING_ENVIRONMENT &&
		    (f->kind == IH_SOURCE_PROGRAM || f->kind == IH_SOURCE_FILE))
			settled[q->at[f->arg]] = true;
	}
	ih_hop_done(&hop);
	return r;
}

/* Ask until nothing changes any more; a change shifts the entries, so each answer is used alone. */
static int ask(const struct ih_gather_input *in, const struct ih_grammar *g, const bool *settled,
	       bool *settle, struct question *q, struct ih_environ *e)
{
	int r;

	while ((r = ask_once(in, g, q, e, settle)) > 0) {
		question_done(q);
		r = question_make(e, settled, q);
		if (r < 0)
			break;
	}
	return r;
}

/* Who reads one of the entries by a rule of its own. */
static void find_readers(const struct ih_gather_input *in, const struct question *q,
			 struct ih_grammar_set *ret)
{
	for (size_t i = 0; i < q->n; i++)
		ih_grammars_of_variable(in->grammars, q->envp[i], name_length(q->envp[i]), ret);
}

/*
 * Need this interpreter be asked? Not if it reads no entry by a rule of its own: what all programs
 * have in common was asked about once, and stands as long as the policy has no other treatment for
 * this one.
 */
static bool is_asked(const struct ih_gather_input *in, const struct ih_grammar_set *readers,
		     const struct ih_grammar *g)
{
	if (ih_grammar_is_part(g))
		return false;
	return ih_grammar_set_has(readers, ih_grammar_id(g)) ||
	       ih_policy_environment(in->policy, ih_grammar_name(g)) !=
		       ih_policy_environment(in->policy, NULL);
}

/* First what counts for every program, then each interpreter about what is left. */
static int ask_all(const struct ih_gather_input *in, struct ih_environ *e)
{
	struct ih_grammar_set readers = { 0 };
	struct question q = { 0 };
	_free_ bool *settled = NULL;
	int r = question_make(e, NULL, &q);

	settled = calloc(e->n + 1, sizeof(*settled));
	if (r < 0 || !settled)
		r = -ENOMEM;
	if (r == 0 && q.n)
		r = ask(in, NULL, NULL, NULL, &q, e);
	if (r == 0 && q.n)
		r = ask_once(in, NULL, &q, e, settled);
	question_done(&q);
	if (r == 0)
		r = question_make(e, settled, &q);
	if (r == 0)
		find_readers(in, &q, &readers);
	for (size_t i = 0; r == 0 && q.n && i < ih_grammars_count(in->grammars); i++) {
		const struct ih_grammar *g = ih_grammars_at(in->grammars, i);
		size_t before = e->n;

		if (!is_asked(in, &readers, g))
			continue;
		r = ask(in, g, settled, NULL, &q, e);
		/* The places of the settled ones have shifted; asking again costs little. */
		if (before != e->n)
			memset(settled, 0, (before + 1) * sizeof(*settled));
	}
	question_done(&q);
	return r;
}

int ih_environ_build(const struct ih_gather_input *in, struct ih_environ *ret, struct ih_diag *diag)
{
	struct ih_environ e = { 0 };
	int r = copy_well_formed(in->envp, &e);

	if (r == 0)
		r = ask_all(in, &e);
	if (r == 0)
		r = ih_environ_set(&e, "PYTHONNOUSERSITE=1");
	if (r < 0) {
		ih_environ_done(&e);
		return ih_fail(diag, r, "cannot build the environment: %s", strerror(-r));
	}
	*ret = e;
	return 0;
}

int ih_environ_set(struct ih_environ *e, const char *entry)
{
	size_t len = name_length(entry), i = 0;
	char **more, *copy;

	while (i < e->n && !has_name(e->envp[i], entry, len))
		i++;
	more = realloc(e->envp, (e->n + 2) * sizeof(*more));
	copy = strdup(entry);
	if (more)
		e->envp = more;
	if (!more || !copy) {
		free(copy);
		return -ENOMEM;
	}
	if (i == e->n) {
		more[++e->n] = NULL;
	} else {
		free(more[i]);
	}
	more[i] = copy;
	return 0;
}

void ih_environ_done(struct ih_environ *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->envp[i]);
	for (size_t i = 0; i < e->n_notes; i++) {
		free(e->notes[i].name);
		free(e->notes[i].why);
	}
	free(e->envp);
	free(e->notes);
	*e = (struct ih_environ){ 0 };
}
