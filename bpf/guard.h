/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guard: loads a policy, finds out what is vouched for, tells the kernel, reads what the kernel
 * refused. guard.c is the loop; the work is in fill*.c, report.c, control.c, want.c. When it dies
 * the gates stay as they are (bpf) or open (fanotify), see struct ih_backend_ops.survives.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/backend.h"
#include "common/abi/gate.h"
#include "common/diag.h"

#define IH_GUARD_SOCKET "/run/ihard/guard.socket"
#define IH_GUARD_EVENTS "/run/ihard/events.jsonl"

struct ih_policy;
struct ih_grammars;
struct ih_trust;

/* What is in force when a program is looked at; lent for the call. */
struct ih_guard_lookers {
	const struct ih_policy *policy;
	const struct ih_grammars *grammars;
	struct ih_trust *trust;
	bool audit;
};

struct ih_guard_options {
	const char *policy, *profile; /* see ih_machine_policy() */
	const char *interpreters;     /* a directory of grammars, or NULL */
	const char *backend;	      /* NULL: the strongest */
	const char *socket;	      /* NULL: none */
	const char *events;	      /* NULL: none */
	const char *metrics;	      /* textfile, NULL: none */
	const char *const *roots;
	size_t n_roots;
	bool all;
	bool audit; /* report only, whatever the policy says */
	bool lock;  /* root does not take the gates away: no unload until the next boot */
	bool keep;  /* survive this process */
	bool verbose;
	uint32_t files; /* that can be vouched for; 0: the default */

	/* See struct ih_backend_options.look; one call at a time. NULL: nobody looks. */
	int (*look)(const struct ih_guard_lookers *with, pid_t pid, const struct ih_caller *caller,
		    struct ih_event *ret, enum ih_provenance *ret_to);
};

/**
 * ih_guard_run() - guard until told to end
 *
 * SIGTERM and SIGINT end it: what is kept goes on enforcing. SIGHUP reloads. Prints what people
 * should know to stderr.
 *
 * Return: 0, or a negative errno with a sentence.
 */
int ih_guard_run(const struct ih_guard_options *options, struct ih_diag *diag);

/**
 * ih_guard_dry_run() - find out what would be vouched for, and enforce nothing
 *
 * Prints every file of it to stdout, "<class> <path>", and to stderr what people should know, the
 * number of files and the time that it took.
 */
int ih_guard_dry_run(const struct ih_guard_options *options, struct ih_diag *diag);
