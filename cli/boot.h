/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the verbs of `ihard boot` share: the options that say where the boot partitions and the
 * loader's variables are, and a machine read with them.
 */
#pragma once

#include "bootchain/boot_dir.h"
#include "bootchain/efivar.h"
#include "bootchain/next.h"
#include "cli/options.h"

/* Options that every verb about entries takes; they come first in each table. */
#define IH_BOOT_OPTIONS                                                                       \
	{ "esp", "DIR", "where the EFI system partition is mounted", false },                 \
		{ "xbootldr", "DIR", "where the extended boot partition is mounted", false }, \
		{ "efivars", "DIR", "where the loader's EFI variables are", false },          \
	{                                                                                     \
		"history", "FILE", "the history of boots", false                              \
	}

enum ih_boot_option {
	IH_BOOT_ESP,
	IH_BOOT_XBOOTLDR,
	IH_BOOT_EFIVARS,
	IH_BOOT_HISTORY,
	IH_BOOT_OWN, /* the verb's own options begin here */
};

struct ih_boot_places {
	const char *esp, *xbootldr, *efivars, *history;
};

/* Takes one of the shared options. */
void ih_boot_place(struct ih_boot_places *places, int option, const char *value);

/* A machine as its loader left it. */
struct ih_boot_machine {
	struct ih_boot_dirs dirs;
	struct ih_entries entries;
	struct ih_loader_variables variables;
	struct ih_loader_state state; /* points into @variables; owns its conf */
	struct ih_text skipped;
	bool has_variables; /* booted by EFI */
};

/**
 * ih_boot_machine_read() - partitions, entries, variables
 * @version: of the loader; 0: what LoaderInfo says
 *
 * Without EFI variables the rest is read all the same.
 */
int ih_boot_machine_read(const struct ih_boot_places *places, unsigned int version,
			 struct ih_boot_machine *ret, struct ih_diag *diag);
void ih_boot_machine_done(struct ih_boot_machine *machine);

/* Index of the entry that was booted; n of the entries when it is not known. */
size_t ih_boot_machine_booted(const struct ih_boot_machine *machine);

/* Prints the sentence. Return: IH_EXIT_FAILED. */
int ih_boot_failed(const struct ih_options *o, const struct ih_diag *diag);

int ih_boot_list(int argc, char **argv);
int ih_boot_next(int argc, char **argv);
int ih_boot_status(int argc, char **argv);
int ih_boot_history(int argc, char **argv);
int ih_boot_assess(int argc, char **argv);
int ih_boot_install(int argc, char **argv);
int ih_boot_mark(int argc, char **argv); /* argv[0]: bless, bad, indeterminate, reset-tries */
int ih_boot_sign(int argc, char **argv);
int ih_boot_verify(int argc, char **argv);
int ih_boot_measure(int argc, char **argv);
