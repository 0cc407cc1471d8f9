/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the table of shims. */
#include "wrapper/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "policy/compiled.h"

static int find(const char *file, char *text, const char *name, char **ret, struct ih_diag *diag)
{
	char *save = NULL;
	unsigned int n = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t word = strcspn(line, " \t");
		const char *path = line + word + strspn(line + word, " \t");

		n++;
		if (line[0] == '#')
			continue;
		if (!word || path[0] != '/')
			return ih_fail(diag, -EBADMSG,
				       "'%s': entry %u is not 'name /absolute/path'", file, n);
		if (strlen(name) != word || strncmp(line, name, word) != 0)
			continue;
		*ret = strdup(path);
		return *ret ? 0 : ih_fail(diag, -ENOMEM, "out of memory");
	}
	return ih_fail(diag, -ENOENT, "'%s' does not say which interpreter '%s' stands for", file,
		       name);
}

int ih_shim_find(const char *file, const char *argv0, char **ret, struct ih_diag *diag)
{
	_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;
	_free_ char *text = NULL;
	size_t len;
	int r;

	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", file, strerror(errno));
	r = ih_policy_check_owner(fd, file, diag);
	if (r < 0)
		return r;
	r = ih_read_fd(fd, file, IH_SHIM_SIZE_MAX, &text, &len, diag);
	if (r < 0)
		return r;
	return find(file, text, name[0] == '-' ? name + 1 : name, ret, diag);
}
