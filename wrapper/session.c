/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens the policy, the grammars and the trust providers. */
#include "wrapper/session.h"

#include "policy/machine.h"

int ih_session_open(struct ih_session *s, const char *file, const char *profile,
		    const char *interpreters, struct ih_diag *diag)
{
	int r;

	*s = (struct ih_session){ 0 };
	r = ih_machine_policy(file, profile, &s->policy, &s->note, diag);
	if (r < 0)
		return r;
	s->grammars = ih_grammars_builtin();
	if (interpreters) {
		r = ih_grammars_load(interpreters, &s->own_grammars, diag);
		if (r < 0)
			return r;
		s->grammars = s->own_grammars;
	}
	return ih_trust_open(s->policy->providers, s->policy->n_providers, &s->trust, diag);
}

void ih_session_close(struct ih_session *s)
{
	ih_trust_free(s->trust);
	ih_grammars_free(s->own_grammars);
	ih_policy_free(s->policy);
	*s = (struct ih_session){ 0 };
}
