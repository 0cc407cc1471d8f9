/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One command, judged: what was gathered, the answer for each of its programs, and which of them
 * decides. Prints nothing.
 */
#pragma once

#include "common/text.h"
#include "wrapper/gather.h"
#include "wrapper/session.h"

/* Who asks, and with what. */
struct ih_judge_input {
	int argc;
	char *const *argv;
	char *const *envp;
	enum ih_stdin_kind stdin_kind;
	bool stdin_is_ours;
	enum ih_provenance provenance;
	uint32_t uid, gid;
	bool only_refusals; /* nobody reads why something was allowed: no sentence then */

	/* Of another process: see struct ih_gather_input. */
	const char *program, *directory;
	pid_t pid;
	const struct ih_image *image;
};

struct ih_judgement {
	struct ih_gathered gathered;
	struct ih_answer answers[IH_HOPS_MAX];
	size_t decisive; /* the first program that is refused, else the first that is reported,
			  * else the last */
	bool stops;	 /* it must not run */
	bool reported;	 /* it runs, and somebody hears of it */
	struct ih_text sentence; /* why */
	const char *advice;	 /* what can be done; "" when nothing has to */
};

/* ih_judgement_done() in any case. Return: 0, or a negative errno when it cannot be judged. */
int ih_judge(const struct ih_session *s, const struct ih_judge_input *in, struct ih_judgement *ret,
	     struct ih_diag *diag);
void ih_judgement_done(struct ih_judgement *j);

static inline const struct ih_hop *ih_judgement_hop(const struct ih_judgement *j)
{
	return &j->gathered.hops[j->decisive];
}

/* "allowed", "denied", "audit" */
const char *ih_judgement_word(const struct ih_judgement *j);
