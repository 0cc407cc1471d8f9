/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy of this machine: a file that only root can write, or a profile. For every program that
 * judges or enforces, so that all of them find the same one.
 */
#pragma once

#include "common/diag.h"
#include "policy/policy.h"

#define IH_POLICY_FILE "/etc/ihard/policy.json"

/**
 * ih_machine_policy() - the policy that is in force, or one that is asked for
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
int ih_machine_policy(const char *file, const char *profile, struct ih_policy **ret,
		      struct ih_diag *note, struct ih_diag *diag);

/* Users and groups by /etc/passwd and /etc/group, without name services. */
extern const struct ih_policy_names ih_machine_names;
