/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Grammars of a directory: compiled together with the built-in ones that they do not replace. What
 * stands in place of an interpreter never does this, and so needs no JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/dir.h"
#include "common/fd.h"
#include "policy/grammar.h"
#include "policy/grammar_builtin.h"
#include "policy/grammar_compile.h"

struct source_list {
	struct ih_grammar_source all[IH_GRAMMAR_FILES_MAX];
	char *owned[IH_GRAMMAR_FILES_MAX * 2];
	size_t n, n_owned;
};

static void free_sources(struct source_list *list)
{
	size_t i;

	if (!list)
		return;
	for (i = 0; i < list->n_owned; i++)
		free(list->owned[i]);
	free(list);
}
IH_DEFINE_CLEANUP(struct source_list *, cleanup_sources, free_sources)

static int read_text(int dir, const char *name, char **ret, size_t *ret_len, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	_free_ char *text = NULL;
	size_t len = 0;
	ssize_t got;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open grammar '%s': %s", name, strerror(errno));
	text = malloc(IH_GRAMMAR_FILE_MAX);
	if (!text)
		return ih_fail(diag, -ENOMEM, "cannot read grammar '%s': out of memory", name);
	do {
		got = read(fd, text + len, IH_GRAMMAR_FILE_MAX - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ih_fail(diag, -errno, "cannot read grammar '%s': %s", name,
				       strerror(errno));
		len += (size_t)got;
	} while (got != 0 && len < IH_GRAMMAR_FILE_MAX);
	if (len == IH_GRAMMAR_FILE_MAX)
		return ih_fail(diag, -EFBIG, "grammar '%s' is larger than %d bytes", name,
			       IH_GRAMMAR_FILE_MAX);
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

/* A file of the directory takes the place of a built-in one with the same name. */
static int add_source(struct source_list *list, int dir, const char *name, struct ih_diag *diag)
{
	struct ih_grammar_source source = { 0 };
	char *text = NULL, *copy;
	size_t i;
	int r;

	r = read_text(dir, name, &text, &source.len, diag);
	if (r < 0)
		return r;
	list->owned[list->n_owned++] = text;
	copy = strdup(name);
	if (!copy)
		return ih_fail(diag, -ENOMEM, "cannot read grammar '%s': out of memory", name);
	list->owned[list->n_owned++] = copy;
	source.name = copy;
	source.text = text;
	for (i = 0; i < list->n; i++)
		if (strcmp(list->all[i].name, name) == 0)
			break;
	if (i == IH_GRAMMAR_FILES_MAX)
		return ih_fail(diag, -E2BIG, "there are more than %d grammars",
			       IH_GRAMMAR_FILES_MAX);
	list->all[i] = source;
	if (i == list->n)
		list->n++;
	return 0;
}

static int add_directory(struct source_list *list, const char *path, struct ih_diag *diag)
{
	_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	int bad = 0, r;

	r = ih_dir_openat(AT_FDCWD, path, 0, &dir);
	while (r == 0 && bad == 0 && (entry = ih_dir_next(dir, &r)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || len < 6 ||
		    strcmp(entry->d_name + len - 5, ".json") != 0)
			continue;
		if (list->n_owned + 2 > IH_ARRAY_SIZE(list->owned))
			bad = ih_fail(diag, -E2BIG, "there are more than %d grammars in '%s'",
				      IH_GRAMMAR_FILES_MAX, path);
		else
			bad = add_source(list, dirfd(dir), entry->d_name, diag);
	}
	if (r < 0)
		return ih_fail(diag, r, "cannot read the grammar directory '%s': %s", path,
			       strerror(-r));
	return bad;
}

int ih_grammars_load(const char *path, struct ih_grammars **ret, struct ih_diag *diag)
{
	_cleanup_(cleanup_sources) struct source_list *list = calloc(1, sizeof(*list));
	struct ih_text bytes = { 0 };
	int r;

	if (!list)
		return ih_fail(diag, -ENOMEM, "cannot read grammars: out of memory");
	while (list->n < ih_grammar_builtin_n_sources) {
		list->all[list->n] = ih_grammar_builtin_sources[list->n];
		list->n++;
	}
	r = add_directory(list, path, diag);
	if (r < 0)
		return r;
	r = ih_grammar_compile(list->all, list->n, &bytes, diag);
	if (r == 0)
		r = ih_grammars_read(bytes.data, bytes.len, ret, diag);
	ih_text_done(&bytes);
	return r;
}
