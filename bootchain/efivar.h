/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loader's EFI variables (systemd.io/BOOT_LOADER_INTERFACE), read through efivarfs. They are
 * written by the loader and by anybody who is root: input, never proof.
 */
#pragma once

#include "common/diag.h"

#define IH_EFIVARS    "/sys/firmware/efi/efivars"
#define IH_EFIVAR_MAX 4096 /* bytes of a value that we read */

/**
 * ih_efivar_text() - a variable of the loader's that holds one string
 * @dir: IH_EFIVARS, or where a test keeps them
 * @name: "LoaderBootCountPath"
 * @ret: UTF-8, freed by the caller
 *
 * The value is UTF-16LE and ends at its first NUL. Unpaired surrogates are refused.
 *
 * Return: 0; -ENOENT when it is not set; -EOPNOTSUPP when @dir is not there, because the machine
 * was not booted by EFI; -EBADMSG for what is no string.
 */
int ih_efivar_text(const char *dir, const char *name, char **ret, struct ih_diag *diag);

/* What of a boot can be found out. NULL: not set. */
struct ih_loader_variables {
	char *info;	  /* LoaderInfo: "systemd-boot 252.39" */
	char *selected;	  /* LoaderEntrySelected: the id before the loader counted */
	char *count_path; /* LoaderBootCountPath: '/' between, from the partition's root */
	char *one_shot, *default_entry, *preferred, *last_booted;
	unsigned int version; /* from @info; 0 when it is another loader */
};

/**
 * ih_loader_variables_read() - all of them
 *
 * Return: 0, also when none is set; -EOPNOTSUPP without EFI.
 */
int ih_loader_variables_read(const char *dir, struct ih_loader_variables *ret,
			     struct ih_diag *diag);
void ih_loader_variables_done(struct ih_loader_variables *v);
