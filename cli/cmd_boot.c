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
};

int ih_cmd_boot(int argc, char **argv)
{
	struct ih_options o = { .verb = "boot" };
	size_t i;

	if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
		printf("usage: ihard boot VERB [options] …\n\n");
		for (i = 0; i < IH_ARRAY_SIZE(verbs); i++)
			printf("  %-13s %s\n", verbs[i].name, verbs[i].summary);
		return IH_EXIT_OK;
	}
	if (argc < 2)
		return ih_usage_error(&o, "no verb is given; 'ihard boot --help' lists them");
	for (i = 0; i < IH_ARRAY_SIZE(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return ih_usage_error(&o, "unknown verb '%s'; 'ihard boot --help' lists them", argv[1]);
}
