/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * EFI signature lists, as the variables PK, KEK, db and dbx hold them: takes them apart, entry by
 * entry. What an entry means is the caller's business. Source: UEFI 2.10, 32.4.1.
 */
#pragma once

#include "bootchain/pe.h"
#include "common/diag.h"

enum ih_esl_type {
	IH_ESL_OTHER = 0,
	IH_ESL_X509,	    /* a certificate, DER */
	IH_ESL_SHA256,	    /* Authenticode digest of an image */
	IH_ESL_X509_SHA256, /* digest of a certificate's signed part, and since when it is revoked
			     */
	IH_ESL_X509_SHA384,
	IH_ESL_X509_SHA512,
};

struct ih_esl_entry {
	enum ih_esl_type type;
	struct ih_bytes whole; /* EFI_SIGNATURE_DATA: what firmware measures when it vouched */
	struct ih_bytes data;  /* the same without its owner */
};

/**
 * ih_esl_walk() - call @each for every entry
 * @name: of the lists, for messages: "the variable dbx"
 * @each: a return other than 0 ends the walk and is returned
 *
 * Return: 0; -EBADMSG for lists whose sizes do not fit, with the offset; what @each returned.
 */
int ih_esl_walk(const char *name, struct ih_bytes lists,
		int (*each)(void *self, const struct ih_esl_entry *entry, struct ih_diag *diag),
		void *self, struct ih_diag *diag);
