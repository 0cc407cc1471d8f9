/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the machine's policy, and who may have written it. */
#include "policy/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "policy/compiled.h"

/*
 * From the files alone: other sources of names come as shared libraries, which a static program
 * must not load on behalf of whoever set its environment.
 */
static int find_user(const char *name, uint32_t *ret)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw;

	if (!f)
		return -errno;
	while ((pw = fgetpwent(f)) && strcmp(pw->pw_name, name) != 0)
		;
	if (pw)
		*ret = pw->pw_uid;
	(void)fclose(f);
	return pw ? 0 : -ENOENT;
}

static int find_group(const char *name, uint32_t *ret)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *gr;

	if (!f)
		return -errno;
	while ((gr = fgetgrent(f)) && strcmp(gr->gr_name, name) != 0)
		;
	if (gr)
		*ret = gr->gr_gid;
	(void)fclose(f);
	return gr ? 0 : -ENOENT;
}

const struct ih_policy_names ih_machine_names = { .user = find_user, .group = find_group };

/* @caller_may_own: false for the machine's own file. */
static int check_owner(int fd, const char *path, bool caller_may_own, struct ih_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot look at '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ih_fail(diag, -EPERM, "'%s' is no regular file", path);
	if (st.st_uid != 0 && !(caller_may_own && st.st_uid == geteuid()))
		return ih_fail(
			diag, -EPERM,
			"'%s' belongs to uid %u; whoever owns a policy decides what runs, so it "
			"must belong to %s",
			path, (unsigned int)st.st_uid, caller_may_own ? "root or to you" : "root");
	if (st.st_mode & 022)
		return ih_fail(
			diag, -EPERM,
			"'%s' can be written by others than its owner (mode %04o); chmod go-w "
			"it",
			path, (unsigned int)(st.st_mode & 07777));
	return 0;
}

static int read_policy(const char *path, bool caller_may_own, struct ih_policy **ret,
		       struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	_free_ char *text = NULL;
	size_t len;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	r = check_owner(fd, path, caller_may_own, diag);
	if (r < 0)
		return r;
	r = ih_read_fd(fd, path, IH_COMPILED_SIZE_MAX, &text, &len, diag);
	if (r < 0)
		return r;
	return ih_policy_from_bytes(path, text, len, &ih_machine_names, ret, diag);
}

int ih_machine_policy(const char *file, const char *profile, struct ih_policy **ret,
		      struct ih_diag *note, struct ih_diag *diag)
{
	struct ih_diag why;
	int r;

	if (file)
		return read_policy(file, /* caller_may_own= */ true, ret, diag);
	if (profile)
		return ih_policy_profile(profile, ret, diag);

	r = read_policy(IH_POLICY_FILE, /* caller_may_own= */ false, ret, &why);
	if (r == 0)
		return 0;
	if (r != -ENOENT)
		(void)ih_fail(note, r, "%s; the profile '%s' is used in its place", why.text,
			      IH_PROFILE_DEFAULT);
	return ih_policy_profile(IH_PROFILE_DEFAULT, ret, diag);
}
