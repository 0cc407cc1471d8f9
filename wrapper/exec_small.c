/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ihard-exec without outside libraries: knows trees that only root can write, and processes without
 * capabilities. Everything else goes to ihard-exec-full. Whatever should come here all the same is
 * refused: a store's files are vouched for by nobody, capabilities cannot be given up.
 */
#include "wrapper/exec_peer.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "wrapper/caps.h"

/* None at all, in any set: stricter than caps.c, which knows those that are harmless. */
bool ih_caps_are_dropped(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &h, d) < 0)
		return false;
	for (size_t i = 0; i < IH_ARRAY_SIZE(d); i++)
		if (d[i].effective || d[i].permitted || d[i].inheritable)
			return false;
	return true;
}

int ih_caps_drop(struct ih_diag *diag)
{
	if (ih_caps_are_dropped())
		return 0;
	return ih_fail(diag, -EPERM, "capabilities can be given up by '%s' only", IH_EXEC_FULL);
}

/* Seals speak of any tree, and say only when they are read of which. */
static bool has_seals(const struct ih_policy *policy)
{
	for (size_t i = 0; i < policy->n_providers; i++)
		if (policy->providers[i].kind == IH_PROVIDER_SEAL)
			return true;
	return false;
}

static bool has_store(const struct ih_policy *policy)
{
	for (size_t i = 0; i < policy->n_providers; i++) {
		const struct ih_provider *p = &policy->providers[i];
		char path[PATH_MAX];
		struct stat st;

		if (p->kind != IH_PROVIDER_NIX)
			continue;
		if (snprintf(path, sizeof(path), "%s%s", p->root ? p->root : "",
			     p->store ? p->store : "/nix/store") >= (int)sizeof(path) ||
		    stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))
			return true;
	}
	return false;
}

/* By where this program really lies: neither PATH nor argv[0] has a say. */
static int find_peer(char path[PATH_MAX], struct ih_diag *diag)
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - sizeof(IH_EXEC_FULL));
	char *slash;

	if (len < 0)
		return ih_fail(diag, -errno, "cannot read '/proc/self/exe': %s", strerror(errno));
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return ih_fail(diag, -ENOENT, "cannot tell where '%s' lies", IH_EXEC_FULL);
	memcpy(slash + 1, IH_EXEC_FULL, sizeof(IH_EXEC_FULL));
	return 0;
}

bool ih_exec_is_short(const struct ih_policy *policy, bool tree)
{
	return !ih_caps_are_dropped() || has_seals(policy) || (tree && has_store(policy));
}

int ih_exec_hand_over(char **argv, struct ih_diag *diag)
{
	char path[PATH_MAX];
	int r = find_peer(path, diag);

	if (r < 0)
		return r;
	(void)execve(path, argv, environ);
	return ih_fail(diag, -errno, "cannot start '%s', which this needs: %s", path,
		       strerror(errno));
}
