/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is this boot good? Checks that an administrator lists: units that must be active, commands that
 * must succeed, each within its time. The file is JSON, see ihard-boot-assess(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"

#define IH_ASSESS_FILE	      "/etc/ihard/assess.json"
#define IH_ASSESS_SIZE_MAX    (256U << 10)
#define IH_ASSESS_CHECKS_MAX  256
#define IH_ASSESS_WORDS_MAX   64
#define IH_ASSESS_SECONDS     30 /* for a check that names no limit */
#define IH_ASSESS_SECONDS_MAX 3600

/* What to do when a check fails. */
enum ih_assess_action {
	IH_ASSESS_FAIL =
		0, /* end with failure: boot-complete.target is not reached, the counter stays */
	IH_ASSESS_BAD,	  /* mark the entry bad, so that it is not tried again */
	IH_ASSESS_REBOOT, /* mark nothing, reboot: the loader tries again while there are tries */
};

struct ih_check {
	char *name;
	char **words; /* NULL-terminated: a program by its absolute path, and its arguments */
	uint64_t seconds;
};

struct ih_assessment {
	struct ih_check *checks;
	size_t n;
	enum ih_assess_action action;
	uint64_t seconds; /* for all of them */
};

/**
 * ih_assess_parse() - read the list
 * @name: for messages
 *
 * A unit becomes "systemctl is-active --quiet UNIT", tried again until its time is up, because it
 * may still be starting; a command is run once.
 *
 * Return: 0, -EBADMSG with file, line and field.
 */
int ih_assess_parse(const char *name, const char *text, size_t len, const char *systemctl,
		    struct ih_assessment *ret, struct ih_diag *diag);
void ih_assessment_done(struct ih_assessment *a);

enum ih_check_result {
	IH_CHECK_FAILED = 0,
	IH_CHECK_TIMEOUT,
	IH_CHECK_PASSED,
};

struct ih_check_outcome {
	enum ih_check_result result;
	int status; /* exit status; 128 + signal; 127: it could not be started */
	uint64_t milliseconds;
};

/**
 * ih_check_run() - run one check
 * @milliseconds: after these it is killed, with everything that it started in its process group
 *
 * Started with an empty standard input, in a session of its own, with no descriptor of ours.
 */
struct ih_check_outcome ih_check_run(const struct ih_check *check, uint64_t milliseconds);
