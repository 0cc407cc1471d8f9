/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journey of one command: environment → judge → confinement and supervisor → exec; and the
 * judging of everything that it starts. Prints nothing: sentences go to callbacks and events.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/diag.h"
#include "policy/event.h"
#include "wrapper/session.h"

/* Exit codes that ihard-run(1) promises. */
#define IH_EXIT_RUN_FAILED    125 /* ihard itself could not do its work; nothing ran */
#define IH_EXIT_RUN_DENIED    126 /* refused, or found and not executable */
#define IH_EXIT_RUN_NOT_FOUND 127

/* Files that were found good enough to be mapped as code. */
#define IH_RUN_MAPPED 256 /* a power of two */
struct ih_run_mapped {
	uint64_t device, inode;
	int64_t ctime_ns;
	enum ih_trust_class trust;
};

struct ih_run {
	struct ih_session *session;
	int argc;
	char *const *argv;
	const char *program; /* in place of argv[0], for a shim; or NULL */
	char *const *envp;
	bool audit;   /* run everything, report what would have been denied */
	bool tree;    /* judge every exec below as well */
	bool verbose; /* say what was changed in the environment */
	struct ih_event_sink *events;
	void (*note)(const char *sentence); /* what was lost, or would have been denied */

	bool is_inner; /* set by ih_run(): another tree gate watches this process already */

	/* the supervisor's own: what it has seen, what it said last, and of whom */
	bool has_begun;
	struct ih_diag last;
	pid_t last_pid;
	struct ih_run_mapped mapped[IH_RUN_MAPPED];
};

/* Of ih_run() only: nothing was done, for a file was met that another program has to judge. */
#define IH_RUN_ELSEWHERE (-1)

/**
 * ih_run() - judge a command and become it
 *
 * Returns only when it does not run: an exit code of the three above, with one sentence in @diag;
 * or IH_RUN_ELSEWHERE, see ih_trust_has_elsewhere().
 */
int ih_run(struct ih_run *run, struct ih_diag *diag);
