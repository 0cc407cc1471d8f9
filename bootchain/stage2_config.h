/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stage 2 is told: by a file in the initrd, which is part of the signed image, and by init= on
 * the signed kernel command line. Pure: reads nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "integrity/signature.h"

#define IH_STAGE2_TIME_LIMIT_MAX 86400 /* seconds */
#define IH_STAGE2_VALUE_MAX	 4095  /* characters of one value */

/* What happens when the closure is not what was signed. Zero is the strictest. */
enum ih_stage2_action {
	IH_STAGE2_HALT = 0, /* fail: the unit fails, and whatever needs it is not started */
	IH_STAGE2_REBOOT,   /* start over: a counted boot entry loses one of its tries */
	IH_STAGE2_WARN,	    /* say so and go on, unverified */
};

/* What unsigned companions of the image are (credentials and extensions beside it). */
enum ih_stage2_companions {
	IH_STAGE2_COMPANIONS_REPORT = 0, /* a remark: they may be meant, and hold no code of ours */
	IH_STAGE2_COMPANIONS_REFUSE,	 /* a failure like any other */
};

struct ih_stage2_config {
	struct ih_keys keys;
	unsigned int sigs_needed; /* at least 1 */
	enum ih_stage2_action on_failure;
	bool no_content_addressed;
	bool keys_from_command_line; /* ihard.keys= and ihard.sigs-needed= count */
	enum ih_stage2_companions companions;
	bool require_seal;	 /* no full verification where a seal is missing or does not fit */
	unsigned int time_limit; /* seconds; 0: none */
	unsigned int reboot_delay; /* seconds to read the console in */
	int pcr;		   /* register to extend; -1: none */
	char *store;		   /* logical store directory */
	char *narinfo;		   /* see ih_verify_options, below the system root; or NULL */
	char *seal;		   /* directory of seals, below the system root; or NULL */
	uint64_t generation_floor; /* seals of older generations are refused */
};

/* "halt", "reboot", "warn". */
const char *ih_stage2_action_name(enum ih_stage2_action a);

/**
 * ih_stage2_config_parse() - read a configuration
 * @name: for messages
 *
 * Lines "name = value", '#' begins a comment. An unknown name, a name given twice, a value that is
 * none: refused with the line, since whoever meant something must get it. Missing are the defaults:
 * one signature, halt, no time limit, register 13.
 *
 * Return: 0; -EBADMSG with a sentence; -ENOKEY when it has no key and none can come from a command
 * line.
 */
int ih_stage2_config_parse(const char *name, const char *text, size_t len,
			   struct ih_stage2_config *ret, struct ih_diag *diag);
void ih_stage2_config_done(struct ih_stage2_config *c);

/**
 * ih_stage2_config_add_cmdline() - keys of the signed command line, where the configuration wants
 * them
 *
 * "ihard.keys=<name>:<base64>,…" adds to the keys, "ihard.sigs-needed=<N>" replaces the number: so
 * they can stand in a bootspec's kernelParams. Each at most once. Without keys-from-command-line
 * nothing is taken: a loader that lets its user edit the line would let him name his own key.
 *
 * Return: 0, -EBADMSG, -ENOTUNIQ, -ENOKEY when there is no key then, -ENOMEM.
 */
int ih_stage2_config_add_cmdline(struct ih_stage2_config *c, const char *cmdline,
				 struct ih_diag *diag);

/**
 * ih_stage2_find_init() - init= on a kernel command line
 * @ret: its value; the caller frees it
 *
 * Words are split as the kernel does it (lib/cmdline.c next_arg(): double quotes, no escapes);
 * what stands behind "--" belongs to init. Two init= with different values are refused: which one
 * counts differs between programs.
 *
 * Return: 0, -ENOENT, -ENOTUNIQ, -ENOMEM.
 */
int ih_stage2_find_init(const char *cmdline, char **ret, struct ih_diag *diag);
