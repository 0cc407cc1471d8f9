/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads /proc/self/mountinfo; judges nothing. */
#include "integrity/mounts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define LINES_MAX 200000 /* the kernel allows 100,000 mounts: fs.mount-max */

/* "36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/root rw" */
struct mount {
	uint64_t id;
	unsigned int major, minor;
	char root[PATH_MAX], where[PATH_MAX];
};

void ih_mount_unescape(char *name)
{
	char *to = name;

	for (const char *from = name; *from; from++, to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 3;
		} else {
			*to = *from;
		}
	}
	*to = '\0';
}

static bool parse(const char *line, struct mount *ret)
{
	unsigned long long id;

	if (sscanf(line, "%llu %*u %u:%u %4095s %4095s", &id, &ret->major, &ret->minor, ret->root,
		   ret->where) != 5)
		return false;
	ret->id = id;
	ih_mount_unescape(ret->root);
	ih_mount_unescape(ret->where);
	return true;
}

/* What of @path lies below @above: "" for itself, "/x" for more; NULL when it does not. */
static const char *rest_below(const char *path, const char *above)
{
	size_t len = strcmp(above, "/") == 0 ? 0 : strlen(above);

	if (strncmp(path, above, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

/* The next mount. Return: false at the end. */
static bool next(FILE *f, char **line, size_t *size, struct mount *ret)
{
	while (getline(line, size, f) > 0)
		if (parse(*line, ret))
			return true;
	return false;
}

static int find(FILE *f, uint64_t id, struct mount *ret)
{
	char *line = NULL;
	size_t size = 0;
	int r = -ENOENT;

	for (int i = 0; i < LINES_MAX && r < 0 && next(f, &line, &size, ret); i++)
		r = ret->id == id ? 0 : -ENOENT;
	free(line);
	return r;
}

/* The mount that shows the most of the same file system shows where it really is. */
static bool find_wider(FILE *f, const struct mount *of, struct mount *ret)
{
	struct mount at;
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	for (int i = 0; i < LINES_MAX && next(f, &line, &size, &at); i++) {
		if (at.id == of->id || at.major != of->major || at.minor != of->minor ||
		    !rest_below(of->root, at.root) ||
		    (found && strlen(at.root) >= strlen(ret->root)))
			continue;
		*ret = at;
		found = true;
	}
	free(line);
	return found;
}

int ih_mount_source(uint64_t id, char **ret)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	struct mount it, wider;
	struct ih_text name = { 0 };
	int r;

	*ret = NULL;
	if (!f)
		return -errno;
	r = find(f, id, &it);
	rewind(f);
	if (r == 0 && strcmp(it.root, "/") != 0 && find_wider(f, &it, &wider)) {
		r = ih_text_addf(&name, "%s%s", strcmp(wider.where, "/") == 0 ? "" : wider.where,
				 rest_below(it.root, wider.root));
		if (r == 0)
			*ret = name.data;
	}
	(void)fclose(f);
	return r;
}
