/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trusted keys of a nix.conf (Nix manual, "nix.conf"): trusted-public-keys,
 * extra-trusted-public-keys, include and !include. Everything else in it is passed over.
 */
#pragma once

#include "common/diag.h"
#include "integrity/signature.h"

#define IH_NIX_CONF_SIZE_MAX  (1024 * 1024) /* bytes of one file */
#define IH_NIX_CONF_DEPTH_MAX 8		    /* includes in each other */
#define IH_NIX_CONF_FILES_MAX 64	    /* in all */

/**
 * ih_nix_conf_keys() - add the keys that a nix.conf trusts
 * @path: refused unless it and what it includes is a regular file that belongs to root or to us and
 *	that nobody else can write
 *
 * As Nix reads it: a later trusted-public-keys replaces what was there, extra- adds, '#' begins a
 * comment, a missing file of !include is passed over. Unlike Nix, no key is trusted that is not
 * written there: a file without the setting gives none, not cache.nixos.org's.
 *
 * Return: 0, -EPERM for a file that others can write, -EBADMSG with file and line for a line that
 * is no setting or a key that is none, -ELOOP for too deep or too many includes.
 */
int ih_nix_conf_keys(const char *path, struct ih_keys *keys, struct ih_diag *diag);

/* The same from memory; @path is for messages and for where includes start. */
int ih_nix_conf_parse(const char *path, const char *text, struct ih_keys *keys,
		      struct ih_diag *diag);

/**
 * ih_keys_from() - add the keys of a file that a policy names
 * @path: a nix.conf when its name ends in ".conf", else a list of public keys as
 *	`nix-store --generate-binary-cache-key` writes them
 *
 * Either is refused (-EPERM) when others than root and we can write it.
 */
int ih_keys_from(const char *path, struct ih_keys *keys, struct ih_diag *diag);
