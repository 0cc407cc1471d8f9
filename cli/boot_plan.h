/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A prediction from files: reads the image, the loader, the keys and what lies beside the image,
 * and has bootchain/predict.h say what they will measure.
 */
#pragma once

#include <stdbool.h>

#include "bootchain/eventlog.h"
#include "bootchain/predict.h"

#define IH_BOOT_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"

/* Where the files are. NULL: there is none. */
struct ih_boot_inputs {
	const char *image, *loader;
	const char *esp;      /* the image lies below it: what lies beside it is measured, too */
	const char *efivars;  /* the Secure Boot variables as they are there … */
	const char *lists[4]; /* … or in these files: PK, KEK, db, dbx */
	const char *options;
	bool no_secure_boot;
	enum ih_hash_algo bank;
};

/* What was read, and what was predicted of it. */
struct ih_boot_plan {
	char *image_data, *loader_data, *variables[4];
	struct ih_pe image, loader;
	struct ih_companions companions;
	struct ih_prediction prediction;
};

/**
 * ih_boot_plan_make() - read and predict
 * @ret: zeroed; to be given to ih_boot_plan_done() whatever is returned
 */
int ih_boot_plan_make(const struct ih_boot_inputs *inputs, struct ih_boot_plan *ret,
		      struct ih_diag *diag);
void ih_boot_plan_done(struct ih_boot_plan *plan);

/**
 * ih_boot_keys_read() - the Secure Boot variables
 * @lists: files with signature lists, in the order PK, KEK, db, dbx; NULL: see @efivars
 * @efivars: the variables as they are there; NULL: those without a list are empty
 * @data: what @ret points into; each is freed by the caller, whatever is returned
 */
int ih_boot_keys_read(const char *const lists[4], const char *efivars, char *data[4],
		      struct ih_secure_boot *ret, struct ih_diag *diag);

/* A global variable of one byte, "SecureBoot". Return: 0, 1, or -ENOENT. */
int ih_boot_flag(const char *efivars, const char *name);

/**
 * ih_boot_log_read() - an event log
 * @data: what @log points into; freed by the caller behind ih_eventlog_done()
 */
int ih_boot_log_read(const char *path, char **data, struct ih_eventlog *log, struct ih_diag *diag);
