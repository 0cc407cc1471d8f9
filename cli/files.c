/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks trees for `ihard check`, by fts(3). */
#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

bool ih_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int add(struct ih_files *files, const char *path)
{
	if (files->n == IH_FILES_MAX)
		return -E2BIG;
	if (files->n == files->size) {
		size_t size = files->size ? files->size * 2 : 64;
		char **names = realloc(files->names, size * sizeof(*names));

		if (!names)
			return -ENOMEM;
		files->names = names;
		files->size = size;
	}
	files->names[files->n] = strdup(path);
	if (!files->names[files->n])
		return -ENOMEM;
	files->n++;
	return 0;
}

static bool begins_as_script(const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char head[2];

	return fd >= 0 && read(fd, head, 2) == 2 && head[0] == '#' && head[1] == '!';
}

static int consider(struct ih_files *files, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if ((st.st_mode & 0111) || begins_as_script(path))
		return add(files, path);
	files->skipped++;
	return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int visit(struct ih_files *files, const FTSENT *e, struct ih_diag *diag)
{
	switch (e->fts_info) {
	case FTS_F:
	case FTS_SL:
		return consider(files, e->fts_path);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return ih_fail(diag, -e->fts_errno, "cannot read '%s': %s", e->fts_path,
			       strerror(e->fts_errno));
	default:
		return 0;
	}
}

int ih_files_collect(struct ih_files *files, const char *path, struct ih_diag *diag)
{
	_free_ char *copy = strdup(path);
	char *paths[] = { copy, NULL };
	int first = 0;
	FTSENT *e;
	FTS *fts;

	if (!copy)
		return ih_fail(diag, -ENOMEM, "out of memory");
	if (!ih_is_directory(path))
		return add(files, path);
	fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_NOSTAT, by_name);
	if (!fts)
		return ih_fail(diag, -errno, "cannot read '%s': %s", path, strerror(errno));
	while ((e = fts_read(fts))) {
		int r = e->fts_info == FTS_NSOK ? consider(files, e->fts_path)
						: visit(files, e, diag);

		if (r < 0 && !first)
			first = r;
		if (r == -ENOMEM || r == -E2BIG)
			break;
	}
	fts_close(fts);
	return first;
}

void ih_files_done(struct ih_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->names[i]);
	free(files->names);
	*files = (struct ih_files){ 0 };
}
