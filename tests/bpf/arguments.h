/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two halves of the test of bpf/arguments.h tell each other. */
#pragma once

#include "common/abi/types.h"

#define QUESTION_NAMES 12

struct question {
	__u64 start, end; /* the strings */
	__u32 argc, grammar, kind;
	/* answers */
	__u32 mode, facts, n, outside;
	__u32 names[QUESTION_NAMES];
};
