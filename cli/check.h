/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a judgement is shown by `ihard check`: as text for people, as JSON for programs.
 */
#pragma once

#include "wrapper/judge.h"
#include "cli/output.h"
#include "common/json.h"

/* Everything about one judgement. @explain: every rule considered, too. */
void ih_check_print(const struct ih_output *out, const struct ih_session *s,
		    const struct ih_judgement *j, bool explain);

/* One line: verdict, name, sentence. */
void ih_check_print_line(const struct ih_output *out, const struct ih_judgement *j,
			 const char *name);

/* As docs/schema/check.schema.json describes a result. NULL when there is no memory. */
struct ih_json_out *ih_check_json(const struct ih_session *s, const struct ih_judgement *j,
				  const char *name, bool explain);
