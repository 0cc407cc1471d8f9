/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trust providers as a policy lists them: plain data, so that policy/ (which reads them from a
 * file) and integrity/ (which acts on them) need not know each other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ih_provider_kind {
	IH_PROVIDER_NONE = 0,
	IH_PROVIDER_NIX,   /* a Nix store, its database, keys */
	IH_PROVIDER_PATHS, /* trees that only root can write */
	IH_PROVIDER_SEAL,  /* signed seals over fs-verity digests */
	IH_PROVIDER_MAX_,
};

struct ih_provider {
	enum ih_provider_kind kind;

	/* nix */
	char *root;	/* directory put before everything: "" for the machine's own store, or
			 * the root of a chroot store */
	char *store;	/* logical store directory, "/nix/store" */
	char *database; /* below root; NULL: <root>/nix/var/nix/db/db.sqlite */
	char **keys;	/* public keys, "name:base64", as in trusted-public-keys */
	size_t n_keys;
	char *keys_from; /* or NULL: a nix.conf or a file of public keys, read when the provider is
			  * opened; its keys are added to keys[] */
	unsigned int sigs_needed; /* distinct public keys, at least 1 */
	unsigned int owner;	  /* of the files in the store; not 0 in a chroot store of a user */
	bool accept_content_addressed; /* a `ca` claim, once the content was hashed against it */

	/* paths */
	char **trees; /* absolute directories */
	size_t n_trees;
	size_t n_code_trees; /* so many at the end: files there are read as code, never started */

	/* seal */
	char **seals; /* files, or directories of *.seal; their keys are in keys[], the store that
		       * sealed objects lie in is <root><store> */
	size_t n_seals;
	uint64_t generation_floor; /* seals of older generations are refused */
};
