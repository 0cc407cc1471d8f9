/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How programs cut a string into arguments: GNU env -S, PERL5OPT, NODE_OPTIONS, JDK_JAVA_OPTIONS,
 * MAKEFLAGS. Not a shell: what a shell would expand is kept or refused.
 */
#pragma once

#include <stddef.h>

#include "common/abi/grammar.h"
#include "common/diag.h"

#define IH_SPLIT_WORDS_MAX 4096

/**
 * ih_split() - cut text into words
 * @envp: for ${NAME} in env -S; may be NULL
 * @ret: an array that ends in NULL; one block, to be freed with free()
 *
 * Sources: coreutils src/env.c (splitting), perl.c (PERL5OPT), node.cc ParseNodeOptionsEnvVar,
 * libiberty/argv.c (buildargv), JDK java.base/share/native/libjli/args.c, GNU make main.c
 * (decode_env_switches). Return: number of words, -EBADMSG when the program itself would refuse the
 * text, -E2BIG, -ENOMEM.
 */
int ih_split(enum ih_splitting how, const char *text, size_t len, char *const *envp, char ***ret);
