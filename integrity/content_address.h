/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Content-address claims, the database's `ca` column (Nix: content-address.cc, store-api.cc
 * makeFixedOutputPath(), makeTextPath(), references.cc HashModuloSink). A claim counts for nothing
 * until the content was hashed against it: Nix itself only recomputes the path from the claim.
 */
#pragma once

#include "common/diag.h"
#include "integrity/nar.h"
#include "integrity/store.h"

#define IH_CA_TEXT_MAX 256

enum ih_ca_method {
	IH_CA_NONE = 0,
	IH_CA_TEXT,	 /* text:sha256:…, one file, may refer to others */
	IH_CA_FLAT,	 /* fixed:<algo>:…, one file */
	IH_CA_RECURSIVE, /* fixed:r:<algo>:…, an archive, with sha256 may refer also to itself */
};

struct ih_ca {
	enum ih_ca_method method;
	struct ih_digest digest;
};

/**
 * ih_ca_parse() - read a claim
 * Return: 0, -EOPNOTSUPP for git tree hashes, -EBADMSG for what is no claim.
 */
int ih_ca_parse(const char *text, struct ih_ca *ret, struct ih_diag *diag);

/**
 * ih_ca_base() - the base name that a claim leads to
 * @refs: whole paths in byte order, without the object itself
 * @self: the object refers to itself
 * @name: of the object, behind the dash
 * @ret: IH_STORE_BASE_MAX + 1 characters
 *
 * Return: 0, -EBADMSG when this kind of claim cannot have these references.
 */
struct ih_ca_inputs {
	const char *dir;
	char *const *refs;
	size_t n_refs;
	bool self;
	const char *name;
};
int ih_ca_base(const struct ih_ca *ca, const struct ih_ca_inputs *in, char *ret,
	       struct ih_diag *diag);

/**
 * ih_ca_check() - hold an object against its own claim: content, references and name
 * @source: where it lies; its metadata is not looked at again
 * @o: its row; everything in it may lie
 *
 * Return: 0 when the content has the claimed hash, self references taken out, and the claim gives
 * this very name; -EBADMSG when not; another negative errno when it could not be found out.
 */
int ih_ca_check(const char *dir, const struct ih_nar_source *source,
		const struct ih_store_object *o, struct ih_diag *diag);
