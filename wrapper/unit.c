/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads /proc/PID/cgroup. */
#include "wrapper/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"

#define TEXT_MAX 16384 /* a line for each hierarchy, of which version 1 had a dozen */

/* Units that processes run in; slices hold units. */
static bool is_unit(const char *name, size_t len)
{
	static const char *const suffixes[] = { ".service", ".scope", ".socket", ".mount",
						".swap" };

	for (size_t i = 0; i < IH_ARRAY_SIZE(suffixes); i++) {
		size_t tail = strlen(suffixes[i]);

		if (len > tail && memcmp(name + len - tail, suffixes[i], tail) == 0)
			return true;
	}
	return false;
}

static int find_unit(const char *path, const char *end, char ret[IH_UNIT_NAME_MAX])
{
	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t len = (size_t)((slash ? slash : end) - path);

		if (len < IH_UNIT_NAME_MAX && is_unit(path, len)) {
			memcpy(ret, path, len);
			ret[len] = '\0';
			return 0;
		}
		path += len + 1;
	}
	return -ENOENT;
}

/* systemd's own hierarchy where there is one (version 1), else the only one (version 2). */
int ih_unit_parse(const char *text, char ret[IH_UNIT_NAME_MAX])
{
	const char *path = NULL, *end = NULL;

	for (const char *line = text; *line;) {
		const char *stop = strchrnul(line, '\n');
		const char *first = memchr(line, ':', (size_t)(stop - line));
		const char *second = first ? memchr(first + 1, ':', (size_t)(stop - first - 1))
					   : NULL;
		bool is_systemd = second && (size_t)(second - first) == strlen(":name=systemd") &&
				  memcmp(first, ":name=systemd", strlen(":name=systemd")) == 0;

		if (is_systemd || (second && second == first + 1 && !path)) {
			path = second + 1;
			end = stop;
		}
		if (is_systemd)
			break;
		line = *stop ? stop + 1 : stop;
	}
	return path ? find_unit(path, end, ret) : -ENOENT;
}

int ih_unit_of(pid_t pid, char ret[IH_UNIT_NAME_MAX])
{
	char name[32] = "/proc/self/cgroup", text[TEXT_MAX];
	_close_ int fd = -EBADF;
	ssize_t n;

	if (pid)
		(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return ih_unit_parse(text, ret);
}
