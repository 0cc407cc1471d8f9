/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guard asks of whatever enforces: the BPF programs (backend_bpf.c) or fanotify permission
 * events (fanotify.c). The guard knows where trust comes from and a back end does not; a back end
 * knows how the kernel is told and the guard does not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/loader.h"
#include "common/diag.h"

/* Who called execve. */
struct ih_caller {
	enum ih_provenance provenance;
	bool by_table; /* cron, which hands a line of a person's table to a shell */
};

struct ih_backend_options {
	struct ih_gate_limits limits;

	/* For a back end that watches file systems: those of these folders, ended by NULL, and no
	 * others. NULL, which is what a guard wants: all that are mounted. */
	const char *const *watch;

	/* Called from ih_backend_ops.take_events for each event. */
	ih_gate_listener listener;

	/*
	 * For a back end that learns of a file when it is wanted: what is it? Called from any
	 * thread of the back end's; the descriptor stays the caller's. Verifying a store object
	 * takes as long as reading it: the guard keeps its own deadline, and then says -EAGAIN.
	 *
	 * Return: 0 with all of *ret filled, also for an untrusted file; -EAGAIN when it is not
	 * known yet; another negative errno when it cannot be found out. Whatever is not 0 is no
	 * trust.
	 */
	int (*judge)(void *context, int fd, struct ih_gate_file *ret);

	/*
	 * For a back end that can show a program before it has run an instruction of its own: may
	 * it run with these arguments and this environment, which /proc/PID tells exactly? Called
	 * like judge(); NULL: arguments are nobody's matter.
	 *
	 * @caller: the process that called execve
	 * @ret: act, reason, verdict, rule, mode, trust and path are filled in by the guard
	 * @ret_to: what the program is as one that execs next
	 * Return: 0 when it was judged; a negative errno refuses it.
	 */
	int (*look)(void *context, pid_t pid, const struct ih_caller *caller, struct ih_event *ret,
		    enum ih_provenance *ret_to);
	void *context; /* of all */
};

/* All functions but probe() are called from one thread, add() and remove() from any. */
struct ih_backend_ops {
	const char *name;   /* "bpf", "fanotify": stable, in status and metrics */
	const char *title;  /* "BPF security module programs" */
	const char *cannot; /* one sentence: what it cannot stop */
	bool asks;	    /* learns of files when they are wanted, by judge() */
	bool survives;	    /* keep() outlives the process: the guard's death opens nothing */

	/* Can this machine hold it? Return: 0, or a negative errno and what to change. */
	int (*probe)(struct ih_diag *diag);

	/* Everything that can fail, but nothing is enforced yet. */
	int (*open)(const struct ih_backend_options *options, void **ret, struct ih_diag *diag);
	void (*free)(void *state); /* what was not kept is no longer enforced */

	/* See ih_gate_put(), ih_gate_add(), ih_gate_remove(). */
	int (*put)(void *state, const struct ih_gate_policy *policy, struct ih_diag *diag);
	int (*add)(void *state, const struct ih_gate_file *file);
	int (*remove)(void *state, const struct ih_file_key *key);

	/* See ih_gate_mark(). NULL: this back end does not keep what processes are. */
	int (*mark)(void *state, pid_t pid, const struct ih_seed *seed);

	/* From here it is enforced. The calling process is the guard and must not stop itself. Also
	 * on success @diag may say what is left out. */
	int (*attach)(void *state, struct ih_diag *diag);

	/* What a guard before this one left in force: 0, or -ENOENT. NULL unless it survives. */
	int (*found)(struct ih_gate_config *ret);

	/* See ih_gate_known(). NULL unless it survives. */
	int (*known)(void *state, const struct ih_file_key *key, struct ih_seed *ret);

	/* Make it outlive this process, and end that. NULL unless it survives. */
	int (*keep)(void *state, struct ih_diag *diag);
	int (*release)(void *state, struct ih_diag *diag);

	/* A descriptor to poll; take_events() never waits. Return: events handled, or an errno. */
	int (*event_fd)(void *state);
	int (*take_events)(void *state);
	int (*counts)(void *state, struct ih_gate_counts *ret);
};

extern const struct ih_backend_ops ih_backend_bpf;
extern const struct ih_backend_ops ih_backend_fanotify;

/* The strongest first; the table ends with NULL. */
extern const struct ih_backend_ops *const ih_backends[];

/**
 * ih_backend_choose() - the strongest back end that this machine can hold
 * @name: or the one of that name, NULL for any
 * @diag: on failure, and on success when a stronger one had to be passed over: why
 *
 * Return: NULL when there is none.
 */
const struct ih_backend_ops *ih_backend_choose(const char *name, struct ih_diag *diag);
