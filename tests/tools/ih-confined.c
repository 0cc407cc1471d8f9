/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes the steps of confinement named in its first argument and runs a command:
 * ih-confined STEP,… [--mandatory STEP,…] [--tree DIR]… -- PROGRAM ARG…
 * What was lost goes to stderr, one line a step. Exit 125 when it failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wrapper/confine.h"

#define TREES_MAX 16

/* Sets the demand for each step in a list of names. */
static void demand(char *list, enum ih_demand what, struct ih_confine *c)
{
	char *save = NULL;

	for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		int s = 0;

		while (s < IH_STEP_MAX_ && (!ih_confine_name((enum ih_step)s) ||
					    strcmp(ih_confine_name((enum ih_step)s), w) != 0))
			s++;
		if (s == IH_STEP_MAX_) {
			fprintf(stderr, "no such step: %s\n", w);
			exit(2);
		}
		c->demand[s] = what;
	}
}

int main(int argc, char **argv)
{
	const char *trees[TREES_MAX];
	struct ih_confine c = { .trees = trees, .deny_interactive = true };
	struct ih_confine_report report;
	struct ih_diag diag = { "" };
	int i = 2, r;

	if (argc < 4)
		return 2;
	for (int s = 0; s < IH_STEP_MAX_; s++)
		c.demand[s] = IH_DEMAND_OFF;
	demand(argv[1], IH_DEMAND_WANTED, &c);
	for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
		if (strcmp(argv[i], "--mandatory") == 0)
			demand(argv[i + 1], IH_DEMAND_REQUIRED, &c);
		else if (strcmp(argv[i], "--tree") == 0 && c.n_trees < TREES_MAX)
			trees[c.n_trees++] = argv[i + 1];
		else
			return 2;
	}

	r = ih_confine(&c, &report, &diag);
	for (int s = 0; s < IH_STEP_MAX_; s++)
		if (report.lost[s].text[0])
			fprintf(stderr, "lost %s: %s\n", ih_confine_name((enum ih_step)s),
				report.lost[s].text);
	if (r < 0) {
		fprintf(stderr, "failed: %s\n", diag.text);
		return 125;
	}
	execv(argv[i + 1], argv + i + 1);
	fprintf(stderr, "cannot run '%s': %s\n", argv[i + 1], strerror(errno));
	return 126;
}
