/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard boot`: a table of verbs about how the machine comes up; each verb is in a boot_….c.
 */
#include <stdio.h>
#include <string.h>

#include "cli/boot.h"
#include "cli/verbs.h"
#include "common/cleanup.h"

/* One row a verb. */
static const struct ih_verb verbs[] = {
	{ "list", "the boot entries, in the loader's order", ih_boot_list },
	{ "next", "what boots next, and why", ih_boot_next },
	{ "status", "how this boot came about and what it counts as", ih_boot_status },
	{ "history", "what happened to boot entries", ih_boot_history },
	{ "install", "put the generations on the boot partition", ih_boot_install },
	{ "assess", "run the checks that make a boot good", ih_boot_assess },
	{ "bless", "this boot was good: stop counting", ih_boot_mark },
	{ "bad", "this boot was bad: do not try it again", ih_boot_mark },
	{ "indeterminate", "take a bless or bad back", ih_boot_mark },
	{ "reset-tries", "count the next boots of an entry again", ih_boot_mark },
	{ "sign", "make and sign boot images", ih_boot_sign },
	{ "verify", "is an image what somebody trusted signed?", ih_boot_verify },
	{ "measure", "predict, replay and compare measurements", ih_boot_measure },
	{ 0 }, /* end */
};

int ih_cmd_boot(int argc, char **argv)
{
	return ih_verbs_run("boot", verbs, argc, argv);
}
