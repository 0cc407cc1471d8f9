/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that is stopped before it runs its new program, judged from outside: by the tree gate
 * (ptrace) and by the guard (fanotify). Stops and answers nobody.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/diag.h"
#include "wrapper/attempt.h"
#include "wrapper/image.h"
#include "wrapper/judge.h"

struct ih_look {
	struct ih_answer answer; /* of the program that decides */
	bool stops;		 /* it must not run */
	enum ih_mode mode;
	enum ih_trust_class trust; /* of that program */
	enum ih_provenance to;	   /* what the process is as one that execs next */
	struct ih_diag sentence;   /* why */
};

/**
 * ih_look() - may the program that a process is about to begin run?
 * @pid: stopped by whoever calls, after the kernel put its arguments on its new stack and before
 *	the program ran an instruction of its own
 * @from: of the process that called execve
 * @ret: all of it filled; stops, when it could not be judged
 *
 * A process with a root directory or mounts of its own is judged only when the names of its code
 * lead to the same files there as here.
 *
 * Return: 0, or a negative errno with the sentence.
 */
int ih_look(const struct ih_session *s, pid_t pid, enum ih_provenance from, struct ih_look *ret);

/* The parts, for who wants the judgement itself. @attempt: an execve that has not begun, or NULL.
 */
int ih_look_judge(const struct ih_session *s, const struct ih_image *image,
		  const struct ih_attempt *attempt, enum ih_provenance from,
		  struct ih_judgement *ret, struct ih_diag *diag);
enum ih_provenance ih_look_provenance(const struct ih_judgement *j, enum ih_provenance from);
void ih_look_directory(pid_t pid, const struct ih_attempt *attempt, char ret[PATH_MAX]);
