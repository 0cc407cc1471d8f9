/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loads the seccomp filter that filter.c made at build time. */
#include "wrapper/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "filter_rules.inc"

int ih_filter_load(const struct ih_filter *filter, struct ih_diag *diag)
{
	const struct sock_fprog plain = {
		.len = (unsigned short)IH_ARRAY_SIZE(filter_plain),
		.filter = (struct sock_filter *)filter_plain,
	};
	const struct sock_fprog trace = {
		.len = (unsigned short)IH_ARRAY_SIZE(filter_trace),
		.filter = (struct sock_filter *)filter_trace,
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter->trace_exec ? &trace : &plain) <
	    0)
		return ih_fail(diag, -errno, "cannot load the system call filter: %s",
			       strerror(errno));
	return 0;
}
