/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names that an interpreter opens again after they were judged.
 */
#pragma once

#include <stdbool.h>

#include "common/diag.h"
#include "wrapper/gather.h"
#include "wrapper/gather_priv.h"

/**
 * ih_make_stable() - put canonical names in place of names that can be led elsewhere
 * @hop: its argv is changed
 * @directory: where relative names start, absolute and without links
 * @ret_changed: set when an argument was changed
 *
 * A script is opened by its interpreter by name, after we have judged the file that the name led
 * to. A name that leads through anything outside the trees that vouch for the file (a link in /tmp,
 * in a home) gives way to the canonical name, which nobody without write access to the tree can
 * change.
 *
 * Return: 0; -EACCES with a sentence for such a name that cannot be replaced; -ENOMEM.
 */
int ih_make_stable(struct ih_hop *hop, const char *directory, bool *ret_changed,
		   struct ih_diag *diag);

/**
 * ih_make_placed() - have a relocatable interpreter find itself where it is
 * @hop: its argv[0] is changed, when that lies, or is found along PATH, outside the trusted
 *	directories or where somebody else can lead it
 * @place: the working directory and the environment that it gets
 *
 * Python takes pyvenv.cfg, and with it its library, from beside argv[0], links unresolved; so a
 * trusted python3 that is called /tmp/x/bin/python3 would run what lies in /tmp/x/lib.
 *
 * Return: 0; -EACCES with a sentence when it has no name of its own; -ENOMEM.
 */
int ih_make_placed(struct ih_trust *trust, struct ih_hop *hop, const struct ih_place *place,
		   bool *ret_changed, struct ih_diag *diag);
