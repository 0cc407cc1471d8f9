/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bootspec for a generation that was built before NixOS wrote them, from the files of its
 * toplevel. Paths are resolved to where their links lead, because the links belong to the
 * generation and the boot loader needs the files.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/bootspec.h"
#include "bootchain/version.h"
#include "common/cleanup.h"
#include "common/dir.h"
#include "common/fd.h"

#define SMALL_FILE_MAX	     (64U << 10)
#define SYNTHESIZE_DEPTH_MAX 4

struct dir {
	int fd;
	const char *path; /* resolved */
};

static int read_word_file(const struct dir *d, const char *name, char **ret, struct ih_diag *diag)
{
	size_t len;
	int r;

	r = ih_read_file(d->fd, name, SMALL_FILE_MAX, ret, &len, diag);
	if (r < 0)
		return ih_fail_within(diag, r, "%s", d->path);
	while (len > 0 && ((*ret)[len - 1] == '\n' || (*ret)[len - 1] == ' '))
		(*ret)[--len] = '\0';
	return 0;
}

/* Where a file of the toplevel really lies. -ENOENT when there is none. */
static int resolve(const struct dir *d, const char *name, char **ret, struct ih_diag *diag)
{
	struct ih_text path = { 0 };
	char *real;
	int r = 0;

	if (ih_text_addf(&path, "%s/%s", d->path, name) < 0)
		return ih_fail(diag, -ENOMEM, "out of memory");
	real = realpath(path.data, NULL);
	if (!real)
		r = ih_fail(diag, -errno, "cannot resolve '%s': %s", path.data, strerror(errno));
	else
		*ret = real;
	ih_text_done(&path);
	return r;
}

static int resolve_optional(const struct dir *d, const char *name, char **ret, struct ih_diag *diag)
{
	int r = resolve(d, name, ret, diag);

	return r == -ENOENT ? 0 : r;
}

/* The version of the kernel is the name of its module directory: the oldest when there are more. */
static int kernel_version(const struct dir *d, char **ret, struct ih_diag *diag)
{
	_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	int r;

	*ret = NULL;
	r = ih_dir_openat(d->fd, "kernel-modules/lib/modules", 0, &dir);
	while (r == 0 && (e = ih_dir_next(dir, &r)) != NULL) {
		if (e->d_name[0] == '.' || (*ret && ih_version_compare(e->d_name, *ret) >= 0))
			continue;
		free(*ret);
		*ret = strdup(e->d_name);
		if (!*ret)
			r = -ENOMEM;
	}
	if (!*ret)
		*ret = strdup("unknown");
	return *ret ? 0 : ih_fail(diag, -ENOMEM, "out of memory");
}

static int make_label(const struct dir *d, struct ih_bootspec *s, struct ih_diag *diag)
{
	_free_ char *version = NULL;
	_free_ char *kernel = NULL;
	struct ih_text label = { 0 };
	int r;

	r = read_word_file(d, "nixos-version", &version, diag);
	if (r == 0)
		r = kernel_version(d, &kernel, diag);
	if (r < 0)
		return r;
	if (ih_text_addf(&label, "NixOS %s (Linux %s)", version, kernel) < 0)
		return ih_fail(diag, -ENOMEM, "out of memory");
	s->label = label.data;
	return 0;
}

static int read_params(const struct dir *d, struct ih_bootspec *s, struct ih_diag *diag)
{
	_free_ char *text = NULL;
	char *rest, *word;
	int r;

	r = read_word_file(d, "kernel-params", &text, diag);
	if (r < 0)
		return r;
	s->params = calloc(IH_BOOTSPEC_STRINGS_MAX, sizeof(*s->params));
	if (!s->params)
		return ih_fail(diag, -ENOMEM, "out of memory");
	rest = text;
	while ((word = strsep(&rest, " \n")) != NULL) {
		if (!*word)
			continue;
		if (s->n_params == IH_BOOTSPEC_STRINGS_MAX)
			return ih_fail(diag, -E2BIG, "%s/kernel-params has more than %d parameters",
				       d->path, IH_BOOTSPEC_STRINGS_MAX);
		s->params[s->n_params] = strdup(word);
		if (!s->params[s->n_params++])
			return ih_fail(diag, -ENOMEM, "out of memory");
	}
	return 0;
}

static int read_paths(const struct dir *d, struct ih_bootspec *s, struct ih_diag *diag)
{
	struct ih_text init = { 0 };
	char *initrd = NULL;
	int r;

	s->toplevel = strdup(d->path);
	if (!s->toplevel || ih_text_addf(&init, "%s/init", d->path) < 0)
		return ih_fail(diag, -ENOMEM, "out of memory");
	s->init = init.data;
	r = resolve(d, "kernel", &s->kernel, diag);
	if (r == 0)
		r = resolve_optional(d, "initrd", &initrd, diag);
	if (r == 0 && initrd) {
		s->initrds = calloc(1, sizeof(*s->initrds));
		if (!s->initrds) {
			free(initrd);
			return ih_fail(diag, -ENOMEM, "out of memory");
		}
		s->initrds[s->n_initrds++] = initrd;
	}
	if (r == 0)
		r = resolve_optional(d, "append-initrd-secrets", &s->initrd_secrets, diag);
	return r;
}

static int synthesize(const char *toplevel, unsigned int depth, struct ih_bootspec *s,
		      struct ih_diag *diag);

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct ih_specialisation *)a)->name,
		      ((const struct ih_specialisation *)b)->name);
}

static int add_specialisation(const struct dir *d, const char *name, unsigned int depth,
			      struct ih_bootspec *s, struct ih_diag *diag)
{
	struct ih_specialisation *grown;
	struct ih_text path = { 0 };
	int r;

	if (s->n_specialisations >= IH_SPECIALISATIONS_MAX)
		return ih_fail(diag, -E2BIG, "%s has too many specialisations", d->path);
	grown = reallocarray(s->specialisations, s->n_specialisations + 1, sizeof(*grown));
	if (!grown || ih_text_addf(&path, "%s/specialisation/%s", d->path, name) < 0)
		r = -ENOMEM;
	else
		r = 0;
	if (grown)
		s->specialisations = grown;
	if (r == 0) {
		grown += s->n_specialisations;
		*grown = (struct ih_specialisation){ .name = strdup(name) };
		r = grown->name ? 0 : -ENOMEM;
	}
	if (r < 0) {
		ih_text_done(&path);
		return ih_fail(diag, r, "out of memory");
	}
	s->n_specialisations++;
	r = synthesize(path.data, depth + 1, &grown->spec, diag);
	ih_text_done(&path);
	return r;
}

static int read_specialisations(const struct dir *d, unsigned int depth, struct ih_bootspec *s,
				struct ih_diag *diag)
{
	_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	int r, bad = 0;

	r = ih_dir_openat(d->fd, "specialisation", 0, &dir);
	if (r == -ENOENT)
		return 0;
	while (r == 0 && bad == 0 && (e = ih_dir_next(dir, &r)) != NULL)
		if (e->d_name[0] != '.')
			bad = add_specialisation(d, e->d_name, depth, s, diag);
	if (r < 0)
		return ih_fail(diag, r, "cannot list '%s/specialisation': %s", d->path,
			       strerror(-r));
	if (s->n_specialisations)
		qsort(s->specialisations, s->n_specialisations, sizeof(*s->specialisations),
		      compare_names);
	return bad;
}

static int fill(const struct dir *d, unsigned int depth, struct ih_bootspec *s,
		struct ih_diag *diag)
{
	int r;

	s->version = 1;
	r = read_word_file(d, "system", &s->system, diag);
	if (r == 0)
		r = make_label(d, s, diag);
	if (r == 0)
		r = read_params(d, s, diag);
	if (r == 0)
		r = read_paths(d, s, diag);
	if (r == 0)
		r = read_specialisations(d, depth, s, diag);
	return r;
}

static int synthesize(const char *toplevel, unsigned int depth, struct ih_bootspec *s,
		      struct ih_diag *diag)
{
	_free_ char *real = realpath(toplevel, NULL);
	_close_ int fd = -EBADF;
	struct dir d;

	if (depth > SYNTHESIZE_DEPTH_MAX)
		return ih_fail(diag, -ELOOP, "'%s' nests specialisations too deep", toplevel);
	fd = open(real ? real : toplevel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!real || fd < 0)
		return ih_fail(diag, -errno, "cannot open the generation '%s': %s", toplevel,
			       strerror(errno));
	d = (struct dir){ fd, real };
	return fill(&d, depth, s, diag);
}

int ih_bootspec_synthesize(const char *toplevel, struct ih_bootspec *ret, struct ih_diag *diag)
{
	struct ih_bootspec s = { 0 };
	int r;

	r = synthesize(toplevel, 0, &s, diag);
	if (r < 0) {
		ih_bootspec_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}
