/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every verb that judges works with: the policy, the known interpreters, the trust providers.
 */
#pragma once

#include "common/diag.h"
#include "integrity/trust.h"
#include "policy/grammar.h"
#include "policy/policy.h"

#define IH_POLICY_FILE "/etc/ihard/policy.json"

struct ih_session {
	struct ih_policy *policy;
	const struct ih_grammars *grammars;
	struct ih_grammars *own_grammars; /* those of a directory, or NULL */
	struct ih_trust *trust;
	struct ih_diag note; /* what the user should know though it works, or empty */
};

/**
 * ih_session_policy() - the policy that is in force, or one that is asked for
 * @file: a policy's file, or NULL
 * @profile: a built-in profile, or NULL
 * @ret: to be given to ih_policy_free()
 *
 * With neither: /etc/ihard/policy.json where there is one, else the profile "server". A file that
 * others than its owner can write, or whose owner is neither root nor the caller, is refused: rules
 * are as powerful as programs. The machine's own file has to be root's; where it cannot be used,
 * the profile "server" takes its place and the sentence goes to @note.
 *
 * Return: 0, -EPERM for an unsafe file, -EBADMSG for a bad one, or what opening it gave.
 */
int ih_session_policy(const char *file, const char *profile, struct ih_policy **ret,
		      struct ih_diag *note, struct ih_diag *diag);

/* @interpreters: a directory of grammars, or NULL. ih_session_close() in any case. */
int ih_session_open(struct ih_session *s, const char *file, const char *profile,
		    const char *interpreters, struct ih_diag *diag);
void ih_session_close(struct ih_session *s);

/* Users and groups by /etc/passwd and /etc/group, without name services. */
extern const struct ih_policy_names ih_session_names;
