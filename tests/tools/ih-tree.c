/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a command under the tree gate with a judge that refuses every image whose first argument is
 * "REFUSE" by killing it, and every exec whose second is "REFUSE" by an errno before it begins;
 * with a LOG file it writes one line an image: ih-tree [LOG] -- PROGRAM ARG…
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wrapper/confine.h"
#include "wrapper/tree.h"

static void judge(void *context, const struct ih_image *image, enum ih_provenance from,
		  struct ih_tree_verdict *ret)
{
	const int *log = context;

	if (*log >= 0)
		dprintf(*log, "%d %d %d %s\n", image->pid, from, image->argc, image->argv[0]);
	if (image->argc > 1 && strcmp(image->argv[1], "REFUSE") == 0) {
		(void)ih_fail(&ret->sentence, 0, "refused: '%s'", image->argv[0]);
		return;
	}
	ret->provenance = IH_PROVENANCE_VERIFIED;
	ret->allow = true;
}

/* An argument "REFUSE" in the second place is refused before the exec. */
static void forebode(void *context, const struct ih_attempt *attempt, enum ih_provenance from,
		     struct ih_tree_verdict *ret)
{
	(void)context;
	(void)from;
	if (attempt->image.argc > 2 && strcmp(attempt->image.argv[2], "REFUSE") == 0) {
		(void)ih_fail(&ret->sentence, 0, "refused: '%s' in '%s'", attempt->path,
			      attempt->directory);
		ret->allow = false;
	}
}

int main(int argc, char **argv)
{
	int log = -1, first = 1;
	struct ih_tree tree = { .judge = judge,
				.forebode = forebode,
				.context = &log,
				.first = IH_PROVENANCE_INTERACTIVE };
	struct ih_confine confine = { .demand = { 0 } };
	struct ih_confine_report report;
	struct ih_diag diag = { "" };

	if (argc > 2 && strcmp(argv[1], "--") != 0) {
		log = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
		first = 2;
	}
	if (argc < first + 2)
		return 2;
	tree.keep = log;
	confine.trace_exec = true;
	for (int s = 0; s < IH_STEP_MAX_; s++)
		confine.demand[s] = s == IH_STEP_SECCOMP ? IH_DEMAND_REQUIRED : IH_DEMAND_OFF;
	if (ih_tree_enter(&tree, &diag) < 0 || ih_confine(&confine, &report, &diag) < 0) {
		fprintf(stderr, "failed: %s\n", diag.text);
		return 125;
	}
	execvp(argv[first + 1], argv + first + 1);
	fprintf(stderr, "cannot run '%s': %s\n", argv[first + 1], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
