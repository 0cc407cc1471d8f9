/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stable words for the numbers of common/abi: in policies, in --json, in test tables.
 */
#pragma once

#include <stdint.h>

#include "common/abi/decide.h"

/* Never NULL; "?" for numbers that mean nothing. */
const char *ih_mode_name(enum ih_mode mode);
const char *ih_trust_name(enum ih_trust_class trust);
const char *ih_provenance_name(enum ih_provenance provenance);
const char *ih_verdict_name(enum ih_verdict verdict);
const char *ih_reason_name(enum ih_reason reason);
const char *ih_fact_name(uint32_t flag); /* one IH_FACT_… bit: "set-id" */

/* The way back. Return: the number, or -ENOENT. */
int ih_mode_from_name(const char *name);
int ih_trust_from_name(const char *name);
int ih_provenance_from_name(const char *name);
int ih_verdict_from_name(const char *name);
int ih_reason_from_name(const char *name);
int ih_fact_from_name(const char *name, uint32_t *ret_flag);
