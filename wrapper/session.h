/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every verb that judges works with: the policy, the known interpreters, the trust providers.
 */
#pragma once

#include "common/diag.h"
#include "integrity/trust.h"
#include "policy/grammar.h"
#include "policy/policy.h"

struct ih_session {
	struct ih_policy *policy;
	const struct ih_grammars *grammars;
	struct ih_grammars *own_grammars; /* those of a directory, or NULL */
	struct ih_trust *trust;
	struct ih_diag note; /* what the user should know though it works, or empty */
};

/* @interpreters: a directory of grammars, or NULL. ih_session_close() in any case. */
int ih_session_open(struct ih_session *s, const char *file, const char *profile,
		    const char *interpreters, struct ih_diag *diag);
void ih_session_close(struct ih_session *s);
