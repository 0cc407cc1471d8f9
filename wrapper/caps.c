/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Capabilities through libcap-ng; no other file knows it. Decides nothing: the list is fixed.
 */
#include "wrapper/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>

#include <cap-ng.h>

#include "common/cleanup.h"

static const struct {
	unsigned int number;
	const char *why;
} dropped[] = {
	{ CAP_SYS_ADMIN, "mounts over trusted names, namespaces, seccomp without no_new_privs" },
	{ CAP_SYS_PTRACE, "writes into other processes, the supervisor among them" },
	{ CAP_SYS_MODULE, "loads code into the kernel" },
	{ CAP_SYS_RAWIO, "writes memory and disks below the file system" },
	{ CAP_SYS_BOOT, "starts another kernel" },
	{ CAP_SYS_CHROOT, "gives trusted names another root" },
	{ CAP_MKNOD, "makes a device node for the disk under the trusted trees" },
	{ CAP_SETPCAP, "changes securebits and the bounding set" },
	{ CAP_SETFCAP, "puts capabilities on files" },
	{ CAP_DAC_READ_SEARCH, "opens files by handle, past every directory" },
	{ CAP_LINUX_IMMUTABLE, "lifts the immutable flag" },
	{ CAP_MAC_ADMIN, "changes other gates' policy" },
	{ CAP_MAC_OVERRIDE, "ignores other gates" },
	{ CAP_AUDIT_CONTROL, "silences the audit trail" },
	{ CAP_SYSLOG, "reads kernel addresses" },
	{ CAP_PERFMON, "reads other processes' execution" },
	{ CAP_BPF, "loads programs into the kernel" },
	{ CAP_CHECKPOINT_RESTORE, "changes /proc/self/exe and memory maps" },
};

static bool is_known(unsigned int number)
{
	return prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0;
}

bool ih_caps_are_dropped(void)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_get_caps_process() != 0)
		return false;
	for (size_t i = 0; i < IH_ARRAY_SIZE(dropped); i++)
		if (capng_have_capability(CAPNG_PERMITTED, dropped[i].number) ||
		    capng_have_capability(CAPNG_EFFECTIVE, dropped[i].number) ||
		    capng_have_capability(CAPNG_INHERITABLE, dropped[i].number))
			return false;
	return true;
}

int ih_caps_drop(struct ih_diag *diag)
{
	capng_select_t what = CAPNG_SELECT_CAPS;
	int r;

	if (ih_caps_are_dropped())
		return 0;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		what = CAPNG_SELECT_ALL;

	for (size_t i = 0; i < IH_ARRAY_SIZE(dropped); i++)
		if (is_known(dropped[i].number))
			(void)capng_update(CAPNG_DROP,
					   CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
						   CAPNG_BOUNDING_SET | CAPNG_AMBIENT,
					   dropped[i].number);
	r = capng_apply(what);
	if (r != 0)
		return ih_fail(diag, -EPERM, "cannot give up capabilities (libcap-ng step %d): %s",
			       -r, strerror(errno));
	if (!ih_caps_are_dropped())
		return ih_fail(diag, -EPERM, "capabilities that were given up are still there");
	return 0;
}
