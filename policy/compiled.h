/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compiled form of a policy: one flat file without pointers, that programs read where no JSON
 * should be parsed (ihard-exec, the guard). Its layout is this machine's own: it is compiled where
 * it is used. Little is trusted of it: everything in it is bounded before it is used.
 *
 * Layout: header, then rules, infos, providers, treatments, interpreters, units, list items and
 * strings; each section begins where the header says, at a multiple of 8. A string is an offset
 * into the strings, 0 is none; a list is a range of list items, which are strings.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "common/text.h"
#include "policy/policy.h"

#define IH_COMPILED_MAGIC	   "IHPOLICY"
#define IH_COMPILED_VERSION	   3
#define IH_COMPILED_SIZE_MAX	   (4u << 20)
#define IH_COMPILED_ENFORCE	   (1u << 0)
#define IH_COMPILED_REPORT_ALLOWED (1u << 1)

enum ih_compiled_section {
	IH_COMPILED_RULES = 0, /* struct ih_rule */
	IH_COMPILED_INFOS,
	IH_COMPILED_PROVIDERS,
	IH_COMPILED_TREATMENTS,
	IH_COMPILED_INTERPRETERS, /* strings */
	IH_COMPILED_UNITS,	  /* strings */
	IH_COMPILED_ITEMS,	  /* strings */
	IH_COMPILED_STRINGS,	  /* bytes; each string ends in NUL, the first byte is NUL */
	IH_COMPILED_SECTIONS,
};

struct ih_compiled_range {
	uint32_t first; /* a section: bytes from the beginning of the file; a list: the item */
	uint32_t n;
};

struct ih_compiled_header {
	char magic[8];
	uint32_t version;
	uint32_t size;	   /* of the file */
	uint64_t checksum; /* FNV-1a of the file with this member zero: damage, not forgery */
	uint32_t rule_size;
	uint32_t flags;
	uint32_t name, description;
	uint32_t confinement[IH_STEP_MAX_];
	struct ih_compiled_range sections[IH_COMPILED_SECTIONS];
};
_Static_assert(sizeof(struct ih_compiled_header) == 136, "compiled policies are a file format");

struct ih_compiled_info {
	uint32_t name, reason, file, line, given, pad_;
};

struct ih_compiled_provider {
	uint32_t kind;
	uint32_t root, store, database, keys_from;
	uint32_t sigs_needed, accept_content_addressed, owner;
	struct ih_compiled_range keys, trees, seals;
	uint32_t floor_low, floor_high; /* of generations, as two halves: 4 bytes align it */
	uint32_t n_code_trees;
};

struct ih_compiled_treatment {
	uint32_t interpreter, code, paths, pad_;
	struct ih_compiled_range keep;
};

uint64_t ih_compiled_checksum(const void *data, size_t len);

/**
 * ih_policy_compile() - write a policy in its compiled form
 * @ret: the file's bytes are added to an empty text; the same policy gives the same bytes
 *
 * Return: 0, -ENOMEM, -E2BIG.
 */
int ih_policy_compile(const struct ih_policy *policy, struct ih_text *ret, struct ih_diag *diag);

/**
 * ih_policy_from_compiled() - read the compiled form
 * @name: for messages
 *
 * Return: 0, -EBADMSG with what is wrong, -ENOMEM.
 */
int ih_policy_from_compiled(const char *name, const void *data, size_t len, struct ih_policy **ret,
			    struct ih_diag *diag);

/* The same for bytes of this program's own read-only image: all but the checksum, which finds
 * damage on disks. */
int ih_policy_from_image(const char *name, const void *data, size_t len, struct ih_policy **ret,
			 struct ih_diag *diag);

/* A policy from bytes in either form: compiled when they begin with the magic, else JSON. */
int ih_policy_from_bytes(const char *name, const char *data, size_t len,
			 const struct ih_policy_names *names, struct ih_policy **ret,
			 struct ih_diag *diag);

/**
 * ih_policy_file() - read a policy's file, JSON or compiled
 * @names: for JSON; may be NULL
 *
 * Who can write a policy decides what runs: the file must be a regular one that belongs to root or
 * to the effective user, and that nobody else can write (POSIX ACLs show in the group's bits).
 *
 * Return: 0, -EPERM when others can write it, -EBADMSG, or the negative errno of opening.
 */
int ih_policy_file(int dirfd, const char *path, const struct ih_policy_names *names,
		   struct ih_policy **ret, struct ih_diag *diag);

/* The same for the compiled form alone: pulls in no JSON. */
int ih_policy_load(int dirfd, const char *path, struct ih_policy **ret, struct ih_diag *diag);

/* Read a file whose owner was checked: what the two functions above begin with. */
int ih_policy_read_owned(int dirfd, const char *path, char **ret, size_t *ret_len,
			 struct ih_diag *diag);

/* The check of ownership, for a descriptor that is open already. Return: 0, -EPERM, … */
int ih_policy_check_owner(int fd, const char *name, struct ih_diag *diag);
