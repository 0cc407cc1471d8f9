/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Canonical names for what is opened again. */
#include "wrapper/stable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

/* Does @path lie at or below @tree, by its letters? ".." makes letters meaningless. */
static bool is_below(const char *path, const char *tree)
{
	size_t len = tree ? strlen(tree) : 0;

	while (len > 1 && tree[len - 1] == '/')
		len--;
	if (!len || strncmp(path, tree, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return false;
	return !strstr(path, "/../");
}

/* Is the name, made absolute, the canonical one itself? Then no link is on the way. */
static bool is_canonical(const char *text, const char *path, const char *directory)
{
	size_t len = strlen(directory);

	if (text[0] == '/')
		return strcmp(text, path) == 0;
	while (strncmp(text, "./", 2) == 0)
		text += 2;
	if (len == 1)
		len = 0; /* "/" */
	return len == 0 || directory[0] == '/'
		       ? strncmp(path, directory, len) == 0 && path[len] == '/' &&
				 strcmp(path + len + 1, text) == 0
		       : false;
}

static bool is_stable(const struct ih_finding *f, const char *directory)
{
	const struct ih_evidence *e = &f->evidence;

	if (e->unstable)
		return false;
	/* By descriptor, or nothing that was found by name. */
	if (!e->path || !f->text[0] || strncmp(f->text, "/dev/", 5) == 0 ||
	    strncmp(f->text, "/proc/", 6) == 0)
		return true;
	return is_canonical(f->text, e->path, directory) || is_below(f->text, e->object);
}

/* Does @arg end in @name? Then the canonical name takes its place. */
static int replace_end(char **arg, const char *name, const char *path)
{
	size_t len = strlen(*arg), tail = strlen(name);
	char *made;

	if (!tail || tail > len || strcmp(*arg + len - tail, name) != 0)
		return -ENOENT;
	if (asprintf(&made, "%.*s%s", (int)(len - tail), *arg, path) < 0)
		return -ENOMEM;
	free(*arg);
	*arg = made;
	return 0;
}

/* The finding's text may have been made absolute; the argument is as it was given. */
static int replace_name(char **arg, const struct ih_finding *f, const char *directory)
{
	size_t len = strlen(directory);
	int r = replace_end(arg, f->text, f->evidence.path);

	if (r == -ENOENT && len && strncmp(f->text, directory, len) == 0 && f->text[len] == '/')
		r = replace_end(arg, f->text + len + 1, f->evidence.path);
	return r;
}

static char **argument_of(struct ih_hop *hop, const struct ih_finding *f)
{
	if (f->origin == IH_ORIGIN_SHEBANG) {
		for (size_t i = 0; hop->script && i < hop->argc; i++)
			if (hop->argv[i] == hop->script)
				return &hop->argv[i];
		return NULL;
	}
	if (f->origin == IH_ORIGIN_ARGV && f->arg >= 0 && (size_t)f->arg < hop->argc)
		return &hop->argv[f->arg];
	return NULL;
}

/* Only names of files: a directory's name is no more stable as an argument than what lies in it. */
static bool is_named_file(const struct ih_finding *f)
{
	switch (f->kind) {
	case IH_SOURCE_FILE:
	case IH_SOURCE_CONFIG:
	case IH_SOURCE_LIBRARY:
	case IH_SOURCE_PROGRAM:
		return f->standing == IH_STANDING_COUNTS && f->evidence.trust > IH_TRUST_UNTRUSTED;
	default:
		return false;
	}
}

int ih_make_stable(struct ih_hop *hop, const char *directory, bool *ret_changed,
		   struct ih_diag *diag)
{
	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];
		bool is_script;
		char **arg;
		int r;

		if (!is_named_file(f) || is_stable(f, directory))
			continue;
		arg = argument_of(hop, f);
		is_script = arg && *arg == hop->script;
		r = arg && f->evidence.path ? replace_name(arg, f, directory) : -ENOENT;
		if (r == -ENOMEM)
			return ih_fail(diag, r, "out of memory");
		if (r == 0) {
			*ret_changed = true;
			hop->script = is_script ? *arg : hop->script;
		} else if (f->evidence.unstable && f->origin != IH_ORIGIN_DEFAULT) {
			return ih_fail(diag, -EACCES,
				       "'%s' is opened by name again when it runs, and %s", f->text,
				       f->evidence.unstable);
		}
	}
	return 0;
}

/* Cut off the last component: what is left is "", "/" or a directory. */
static void cut_name(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		path[0] = '\0';
	else
		slash[slash == path ? 1 : 0] = '\0';
}

/* May the program look around in the directory that a name of it says? Return: 1, 0 or -ENOMEM. */
static int is_good_place(struct ih_trust *trust, int dirfd, const char *found)
{
	struct ih_evidence e = { 0 };
	_free_ char *directory = strdup(found);
	int r;

	if (!directory)
		return -ENOMEM;
	cut_name(directory);
	r = ih_trust_path(trust, dirfd, directory[0] ? directory : ".", NULL, &e);
	if (r != -ENOMEM)
		r = r == 0 && e.trust >= IH_TRUST_OWNED && !e.unstable;
	ih_evidence_done(&e);
	return r;
}

/* The program's own directory, with the name that it was called by, where that is there. */
static int own_name(const struct ih_hop *hop, char **ret)
{
	const char *slash = strrchr(hop->argv[0], '/');
	const char *name = slash ? slash + 1 : hop->argv[0];
	_free_ char *directory = strdup(hop->evidence.path);
	char *made;

	if (!directory)
		return -ENOMEM;
	cut_name(directory);
	if (asprintf(&made, "%s/%s", directory[1] ? directory : "", name) < 0)
		return -ENOMEM;
	if (!name[0] || access(made, X_OK) < 0) {
		free(made);
		made = strdup(hop->evidence.path);
	}
	*ret = made;
	return made ? 0 : -ENOMEM;
}

int ih_make_placed(struct ih_trust *trust, struct ih_hop *hop, const struct ih_place *place,
		   bool *ret_changed, struct ih_diag *diag)
{
	_free_ char *found = NULL;
	char *name = NULL;
	int r;

	if (!hop->grammar || !hop->argc || !ih_grammar_is_relocatable(hop->grammar) ||
	    hop->evidence.trust < IH_TRUST_OWNED)
		return 0;
	r = ih_find_program(place, hop->argv[0], &found);
	if (r == -ENOENT)
		return 0; /* it finds itself nowhere, and uses what it was built with */
	if (r == 0)
		r = is_good_place(trust, place->dirfd, found);
	if (r > 0)
		return 0;
	if (r == 0 && !hop->evidence.path)
		return ih_fail(diag, -EACCES,
			       "'%s' would look for its own files in a directory that is not "
			       "trusted",
			       hop->argv[0]);
	if (r == 0)
		r = own_name(hop, &name);
	if (r < 0)
		return ih_fail(diag, r, "out of memory");
	free(hop->argv[0]);
	hop->argv[0] = name;
	*ret_changed = true;
	return 0;
}
