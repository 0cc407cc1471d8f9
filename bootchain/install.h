/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Generations onto a boot partition: what is wanted, what is there, the plan between them, and its
 * execution. Preparing changes nothing, so that a dry run is preparing and printing.
 */
#pragma once

#include "bootchain/boot_dir.h"
#include "bootchain/compose.h"
#include "bootchain/esp.h"
#include "bootchain/generation.h"
#include "bootchain/next.h"
#include "bootchain/plan.h"

struct ih_install_request {
	const struct ih_boot_items *items;
	const struct ih_boot_dirs *dirs;
	const struct ih_entries
		*entries; /* everything on the partitions, for what others refer to */
	const struct ih_loader_state *state; /* its variables; NULL: none */
	const char *booted;		     /* file name of the entry that runs; NULL: not known */
	const char *cmdline;		     /* of the running kernel; NULL: not known */
	const struct ih_composer *composer;  /* with a stub: type 2; without: type 1, unsigned */
	uint32_t tries;			     /* of new entries; 0: not counted */
	unsigned int loader_version;	     /* 0: read it from the partition */
	bool collect_first;

	int (*step)(void *self, const char *what, const char *name); /* see struct ih_esp */
	void *step_self;
};

struct ih_recipe;

/* A prepared installation. */
struct ih_install {
	const struct ih_install_request *request;
	struct ih_esp boot; /* where files and entries go */
	struct ih_esp esp;  /* where loader.conf is */
	struct ih_wanted_file *wanted;
	struct ih_recipe *recipes; /* for each wanted file */
	size_t n_wanted;
	struct ih_present_file *present;
	size_t n_present;
	struct ih_asked_for asked[IH_ASKED_MAX]; /* of what was there before */
	size_t n_asked;
	struct ih_text loader_conf; /* as it shall be */
	char *default_name;
	struct ih_plan plan;
	struct ih_esp_space space;
};

/**
 * ih_install_prepare() - find out what has to be done
 *
 * Reads everything that is wanted and everything that is there, and checks the content of what is
 * there against its name. Nothing is changed.
 *
 * Return: 0; -ENOSPC when it does not fit: the sentence says the peak and what is free; -EBUSY when
 * collecting first would leave nothing to boot.
 */
int ih_install_prepare(const struct ih_install_request *request, struct ih_install *ret,
		       struct ih_diag *diag);

/**
 * ih_install_run() - do it
 *
 * At every moment the partition has what it had to boot, or more. Whatever stops it, running it
 * again completes it.
 */
int ih_install_run(struct ih_install *install, struct ih_diag *diag);

/* What an entry boots; NULL for a file that entries share. */
const struct ih_boot_item *ih_install_item(const struct ih_install *install, size_t wanted);

void ih_install_done(struct ih_install *install);
