/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bootspec: what a NixOS generation needs to be booted (boot.json). Version 1 (RFC 125), version 2
 * (RFC 165), specialisations, extensions. Text in, structure and problems out; reads no file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/diag.h"
#include "common/json.h"
#include "common/text.h"

#define IH_BOOTSPEC_V1	       "org.nixos.bootspec.v1"
#define IH_BOOTSPEC_V2	       "org.nixos.bootspec.v2"
#define IH_SPECIALISATION_V1   "org.nixos.specialisation.v1"
#define IH_SPECIALISATION_V2   "org.nixos.specialisation.v2"
#define IH_BOOTSPEC_SECRETS    "org.nixos.initrd-secrets.v1"
#define IH_BOOTSPEC_SD_BOOT    "org.nixos.systemd-boot"
#define IH_BOOTSPEC_LANZABOOTE "org.nix-community.lanzaboote"

/* Format of what is said about a folder of device trees: which generation, which folder. */
#define IH_BOOTSPEC_NO_FDTDIR                                                                      \
	"'%s' has a folder of device trees, '%s', of which no EFI loader chooses: the firmware's " \
	"own counts; name one with 'devicetree'"

#define IH_SPECIALISATIONS_MAX	16384 /* in one document, nested ones included */
#define IH_BOOTSPEC_STRINGS_MAX 4096  /* kernel parameters, initrds of one specification */
#define IH_PROBLEMS_MAX		1000  /* remembered; more are counted */

enum ih_bootspec_mode {
	IH_BOOTSPEC_STRICT =
		0, /* the letter of the RFCs: never null, no unknown key inside v1 or v2 */
	IH_BOOTSPEC_TOLERANT, /* what generations in the wild contain; each slip is a warning */
};

struct ih_bootspec_problem {
	bool is_error; /* else a warning */
	unsigned int line;
	char *path; /* "org.nixos.bootspec.v1.initrd"; "" is the document */
	char *text;
};

struct ih_bootspec_problems {
	struct ih_bootspec_problem *items;
	size_t n;
	size_t errors, warnings; /* all of them, remembered or not */
};

void ih_bootspec_problems_done(struct ih_bootspec_problems *problems);

struct ih_bootspec_secret {
	char *name, *path;
};

struct ih_bootspec_extension {
	char *name;
	struct ih_json value; /* lives as long as the document */
};

struct ih_specialisation;

/* One generation, or one specialisation of it. NULL: not given. */
struct ih_bootspec {
	unsigned int version; /* 1 or 2: which object it was read from */
	char *system, *label, *init, *kernel, *toplevel;
	char **params; /* without init= */
	size_t n_params;
	char **initrds; /* version 1 has one at most */
	size_t n_initrds;
	char *initrd_secrets;	   /* version 1: a program, given a writable copy of the initrd */
	char *fdtdir, *devicetree; /* version 2, or devicetree of org.nixos.systemd-boot */
	struct ih_bootspec_secret *secrets; /* org.nixos.initrd-secrets.v1 */
	size_t n_secrets;

	/* of the extensions org.nixos.systemd-boot and org.nix-community.lanzaboote */
	char *sort_key;
	char *extension_devicetree;

	struct ih_bootspec_extension *extensions; /* every key that is no bootspec's own, sorted */
	size_t n_extensions;
	struct ih_specialisation *specialisations; /* sorted by name */
	size_t n_specialisations;
};

struct ih_specialisation {
	char *name;
	struct ih_bootspec spec;
};

/* A document; owns everything in @spec. */
struct ih_bootspec_doc {
	struct ih_json_doc *json;
	struct ih_bootspec spec;
};

/**
 * ih_bootspec_parse() - read a document
 * @name: for messages
 * @problems: every problem at once, in the order of the document; given to
 * ih_bootspec_problems_done() by the caller, also after a failure
 * @ret: on success given to ih_bootspec_doc_free()
 *
 * A document with both a v1 and a v2 object is read as v2, and both must say the same.
 *
 * Return: 0, -EBADMSG when the text is no JSON (@diag says where) or there are errors (@problems),
 * -ENOMEM.
 */
int ih_bootspec_parse(const char *name, const char *text, size_t len, enum ih_bootspec_mode mode,
		      struct ih_bootspec_problems *problems, struct ih_bootspec_doc **ret,
		      struct ih_diag *diag);
void ih_bootspec_doc_free(struct ih_bootspec_doc *doc);

/* Empties a specification that is not part of a document, such as a synthesized one. */
void ih_bootspec_done(struct ih_bootspec *spec);

/**
 * ih_bootspec_print() - write a specification as a document
 * @version: 1 or 2
 *
 * Extensions are written byte for byte as they were read. Keys that are not given are left out,
 * the specialisations are always written, because a consumer in the wild fails without them.
 *
 * Return: 0, or -EOPNOTSUPP when @version cannot say what is in @spec; the sentence names it.
 */
int ih_bootspec_print(const struct ih_bootspec *spec, unsigned int version, struct ih_text *ret,
		      struct ih_diag *diag);

/**
 * ih_bootspec_diff() - what differs, one line for each difference: "- …", "+ …"
 *
 * Compares what the documents mean: the version and the order of keys do not matter, the order of
 * kernel parameters and initrds does.
 *
 * Return: how many lines there are, or a negative errno.
 */
int ih_bootspec_diff(const struct ih_bootspec *a, const struct ih_bootspec *b, struct ih_text *ret);

/**
 * ih_bootspec_synthesize() - make the specification of a generation that has no boot.json
 * @toplevel: its directory; the specialisations in it are synthesized too
 * @ret: given to ih_bootspec_done()
 *
 * Source: DeterminateSystems/bootspec, synthesize/src/main.rs; unlike it we never write null.
 */
int ih_bootspec_synthesize(const char *toplevel, struct ih_bootspec *ret, struct ih_diag *diag);

/**
 * ih_bootspec_cmdline() - the kernel command line: init=<init>, then the parameters
 *
 * Refuses (-EINVAL) a parameter with a line break or another control character in it.
 */
int ih_bootspec_cmdline(const struct ih_bootspec *spec, struct ih_text *ret, struct ih_diag *diag);
