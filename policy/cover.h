/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which rules decide before others: what policy/lint.c asks about two rules, or about many. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/abi/decide.h"

/* True when every fact that @b matches is matched by @a. */
bool ih_rule_covers(const struct ih_rule *a, const struct ih_rule *b);

enum ih_reach {
	IH_REACH_YES = 0,
	IH_REACH_NO,	  /* rules before it, together, match all that it matches */
	IH_REACH_UNKNOWN, /* too many cases to try */
};

/* Can rule @i ever decide? */
enum ih_reach ih_rule_reach(const struct ih_rule *rules, size_t i);
