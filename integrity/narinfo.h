/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * .narinfo files, as binary caches serve them: what the database would know of an object, signed.
 * They stand in where the database is missing or does not know an object. As little to be trusted
 * as the database: who signed is looked at afterwards, in the same way.
 */
#pragma once

#include "common/cleanup.h"
#include "common/diag.h"
#include "integrity/store.h"

#define IH_NARINFO_SIZE_MAX (16 * 1024 * 1024) /* bytes of one file */

struct ih_narinfos;

/**
 * ih_narinfos_open() - a source of .narinfo
 * @path: a directory of <hash>.narinfo files, or a file that holds one or many of them with empty
 *	lines between (a manifest)
 */
int ih_narinfos_open(const char *path, struct ih_narinfos **ret, struct ih_diag *diag);
void ih_narinfos_free(struct ih_narinfos *n);

/**
 * ih_narinfos_find() - what is known of an object
 * @dir: the logical store directory; a StorePath in another one is refused
 *
 * Return: 0, -ENOENT, -EBADMSG with a sentence for what is no .narinfo.
 */
int ih_narinfos_find(const struct ih_narinfos *n, const char *dir, const char *base,
		     struct ih_store_object **ret, struct ih_diag *diag);

/**
 * ih_narinfo_parse() - read one .narinfo
 * @name: for messages
 *
 * Needs StorePath, NarHash (SHA-256) and NarSize once each; takes References, CA and any number of
 * Sig; passes over the rest, which says where to download the archive.
 */
int ih_narinfo_parse(const char *name, const char *text, size_t len, const char *dir,
		     struct ih_store_object **ret, struct ih_diag *diag);

IH_DEFINE_CLEANUP(struct ih_narinfos *, ih_cleanup_narinfos, ih_narinfos_free)
