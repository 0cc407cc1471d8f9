/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the wrapper's judgement to the guard's event, and the sentence to whoever is refused. */
#include "cli/guard_look.h"

#include <stdio.h>
#include <string.h>

#include "policy/pure.h"
#include "wrapper/look.h"
#include "wrapper/session.h"

static void tell(pid_t pid, bool enforced, const char *sentence)
{
	char line[IH_DIAG_MAX + 32];

	(void)snprintf(line, sizeof(line), "ihard: %s%s\n",
		       enforced ? "" : "would be denied: ", sentence);
	ih_image_say(pid, line);
}

/* SHELL -c TEXT, where the text starts a program by its path and no more? */
static bool is_command(pid_t pid)
{
	struct ih_image image;
	bool is;

	if (ih_image_read(pid, &image, NULL) < 0)
		return false;
	is = image.argc == 3 && strcmp(image.argv[1], "-c") == 0 &&
	     ih_is_plain_command(image.argv[2], strlen(image.argv[2]));
	ih_image_done(&image);
	return is;
}

int ih_guard_look(const struct ih_guard_lookers *with, pid_t pid, const struct ih_caller *caller,
		  struct ih_event *ret, enum ih_provenance *ret_to)
{
	/* cron's own way to start what that person may start */
	enum ih_provenance from = caller->by_table && is_command(pid) ? IH_PROVENANCE_VERIFIED
								      : caller->provenance;
	/* judging changes neither policy nor grammars */
	const struct ih_session session = { .policy = (struct ih_policy *)with->policy,
					    .grammars = with->grammars,
					    .trust = with->trust };
	struct ih_look look;
	int r = ih_look(&session, pid, from, &look);

	ret->verdict = look.answer.verdict;
	ret->reason = look.answer.reason;
	ret->rule = look.answer.rule;
	ret->mode = (__u8)look.mode;
	ret->trust = (__u8)look.trust;
	ret->enforced = look.stops;
	*ret_to = look.mode == IH_MODE_INLINE ? caller->provenance : look.to;
	if (look.stops && look.sentence.text[0])
		tell(pid, !with->audit, look.sentence.text);
	return r;
}
