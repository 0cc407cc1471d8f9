/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files that make a struct ih_policy share: its memory, its lists of names, its parts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/diag.h"
#include "common/json.h"
#include "policy/policy.h"

/* Memory that lives as long as the policy (arena.c). Zeroed; NULL when there is none. */
struct ih_arena *ih_arena_new(void);
void ih_arena_free(struct ih_arena *arena);
void *ih_arena_alloc(struct ih_arena *arena, size_t n, size_t size);
char *ih_arena_text(struct ih_arena *arena, const char *text);

/* What parsing needs beside the policy. */
struct ih_policy_reader {
	struct ih_policy *policy;
	const struct ih_policy_names *names;
	const char *file; /* for ih_rule_info */
	struct ih_diag *diag;
};

/**
 * ih_policy_read() - read a policy's JSON into an empty policy
 * @depth: how many policies extend each other so far
 */
int ih_policy_read(struct ih_policy_reader *reader, const char *name, const char *text, size_t len,
		   unsigned int depth);

/* Sections of a policy; each takes the section's value. provider.c, rule.c, treatment.c. */
int ih_providers_read(struct ih_policy_reader *reader, const struct ih_json *v);
int ih_rules_read(struct ih_policy_reader *reader, const struct ih_json *v);
int ih_environment_read(struct ih_policy_reader *reader, const struct ih_json *v);
int ih_confinement_read(struct ih_policy_reader *reader, const struct ih_json *v);

/* Adds the rule that ends every policy. */
int ih_rules_finish(struct ih_policy_reader *reader);

/* An optional member. Return: 1 when it is there, 0 when not, or a negative errno. */
int ih_read_member(const struct ih_json *v, const char *key, struct ih_json *ret);

/* A string of 1 to @max bytes without control characters, kept in the arena. */
int ih_read_text(struct ih_policy_reader *reader, const struct ih_json *v, size_t max,
		 const char **ret);

/* An array of at least one and at most @max such strings. */
int ih_read_texts(struct ih_policy_reader *reader, const struct ih_json *v, size_t max,
		  size_t text_max, char ***ret, size_t *ret_n);

/* One of the words of a list, as its place. @what: "a mode". */
int ih_read_word(struct ih_policy_reader *reader, const struct ih_json *v, const char *what,
		 const char *const *words, size_t n, unsigned int *ret);

/* Finds @name in a list or adds it. Return: its place + 1, or a negative errno. */
int ih_intern(struct ih_policy *policy, char ***list, size_t *n, size_t max, const char *name);

/* Lower-case letters, digits and "._+-", as names of grammars and rules are made. */
bool ih_is_plain_name(const char *name);
