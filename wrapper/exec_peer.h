/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ihard-exec is two programs. The small one is what starts: it has no outside library in it, so
 * that it starts in a fifth of the time (docs/decisions). What needs one, it leaves to the full
 * program.
 */
#pragma once

#include <stdbool.h>

#include "common/diag.h"
#include "policy/policy.h"

#define IH_EXEC_FULL "ihard-exec-full" /* in the same directory */

/**
 * ih_exec_is_short() - can this program not go the whole way?
 * @tree: it would have to judge whatever the command starts
 *
 * True when capabilities have to be given up, and with @tree when the policy trusts a Nix store
 * that is there. Without @tree a file of the store may never be met: that comes out when the
 * command is judged, see ih_trust_has_elsewhere(). Never true in the full program.
 */
bool ih_exec_is_short(const struct ih_policy *policy, bool tree);

/**
 * ih_exec_hand_over() - become the full program
 * @argv: as main() got it, given on unchanged
 *
 * Called before anything was decided, reported or changed, so that the full program finds all as it
 * was, and judges for itself.
 *
 * Return: only on failure, a negative errno with a sentence; nothing may run then.
 */
int ih_exec_hand_over(char **argv, struct ih_diag *diag);
