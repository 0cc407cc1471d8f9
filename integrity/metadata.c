/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Canonical metadata of store objects. */
#include "integrity/metadata.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/xattr.h>

/* All names together; more is not what a store has. */
#define XATTR_NAMES_MAX 4096

static void check_mode(const char *path, const struct statx *st, struct ih_problems *problems)
{
	unsigned int mode = st->stx_mode & 07777;
	bool good = S_ISDIR(st->stx_mode) ? mode == 0555 : mode == 0444 || mode == 0555;

	if (!S_ISREG(st->stx_mode) && !S_ISDIR(st->stx_mode))
		return; /* a link has no mode of its own, the rest has worse faults */
	if (mode & S_ISUID)
		ih_problem(problems, IH_PROBLEM_METADATA,
			   "'%s' has the set-user-id bit (mode %04o), which no signature covers",
			   path, mode);
	if (mode & S_ISGID)
		ih_problem(problems, IH_PROBLEM_METADATA,
			   "'%s' has the set-group-id bit (mode %04o), which no signature covers",
			   path, mode);
	if (mode & S_ISVTX)
		ih_problem(problems, IH_PROBLEM_METADATA, "'%s' has the sticky bit (mode %04o)",
			   path, mode);
	if (!good && !(mode & (S_ISUID | S_ISGID | S_ISVTX)))
		ih_problem(problems, IH_PROBLEM_METADATA, "'%s' has mode %04o instead of %s", path,
			   mode, S_ISDIR(st->stx_mode) ? "0555" : "0444 or 0555");
}

static void check_attribute(const char *path, const char *name, struct ih_problems *problems)
{
	if (strcmp(name, "security.capability") == 0)
		ih_problem(problems, IH_PROBLEM_METADATA,
			   "'%s' has file capabilities, which no signature covers", path);
	else if (strncmp(name, "security.", strlen("security.")) == 0)
		ih_problem(problems, IH_PROBLEM_METADATA, "'%s' has the attribute '%s'", path,
			   name);
	else if (strncmp(name, "system.posix_acl_", strlen("system.posix_acl_")) == 0)
		ih_problem(problems, IH_PROBLEM_METADATA, "'%s' has an access control list", path);
}

static void check_attributes(int fd, const char *path, struct ih_problems *problems)
{
	char names[XATTR_NAMES_MAX + 1];
	ssize_t len;

	len = flistxattr(fd, names, sizeof(names) - 1);
	if (len < 0 && errno == EOPNOTSUPP)
		return; /* a file system without any */
	if (len < 0 && errno == ERANGE)
		ih_problem(problems, IH_PROBLEM_METADATA,
			   "'%s' has more than %d bytes of attribute names", path, XATTR_NAMES_MAX);
	else if (len < 0)
		ih_problem(problems, IH_PROBLEM_IO, "cannot list the attributes of '%s': %s", path,
			   strerror(errno));
	if (len <= 0)
		return;
	names[len] = '\0';
	for (const char *name = names; name < names + len; name += strlen(name) + 1)
		check_attribute(path, name, problems);
}

void ih_metadata_check(int fd, const char *path, uid_t owner, const struct statx *st,
		       struct ih_problems *problems)
{
	if (st->stx_uid != owner)
		ih_problem(problems, IH_PROBLEM_METADATA, "'%s' belongs to user %u instead of %u",
			   path, st->stx_uid, owner);
	check_mode(path, st, problems);
	if (fd >= 0)
		check_attributes(fd, path, problems);
}
