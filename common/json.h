/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON, read and written through json-c, which only json.c knows. Reading is by cursor: a value
 * and the path that led to it, so that every complaint can say where.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "common/text.h"

#define IH_JSON_SIZE_MAX   (16u << 20) /* bytes of one document */
#define IH_JSON_VALUES_MAX (1u << 20)  /* values in one document */
#define IH_JSON_DEPTH_MAX  32	       /* arrays and objects within each other */
#define IH_JSON_PATH_MAX   256

struct ih_json_doc;

enum ih_json_type {
	IH_JSON_NULL,
	IH_JSON_BOOL,
	IH_JSON_NUMBER,
	IH_JSON_STRING,
	IH_JSON_ARRAY,
	IH_JSON_OBJECT,
};

/* A value in a document; valid as long as the document. Copied freely. */
struct ih_json {
	const struct ih_json_doc *doc;
	const void *value;
	char path[IH_JSON_PATH_MAX]; /* "rules[3].reason"; "" is the root; cut off with "..." */
};

/**
 * ih_json_parse() - parse one document
 * @name: for messages
 *
 * Strict RFC 8259: no comments, no trailing text, no duplicate keys, valid UTF-8, no NUL in
 * strings, no half of a surrogate pair, at most IH_JSON_DEPTH_MAX deep. The sentence names line
 * and column.
 *
 * Return: 0, -EBADMSG for bad JSON, -ENOMEM.
 */
int ih_json_parse(const char *name, const char *text, size_t len, struct ih_json_doc **ret,
		  struct ih_diag *diag);
void ih_json_free(struct ih_json_doc *doc);

struct ih_json ih_json_root(const struct ih_json_doc *doc);
enum ih_json_type ih_json_type(const struct ih_json *v);

/* Line (from 1) on which the value starts. */
unsigned int ih_json_line(const struct ih_json *v);

/* Members and elements. Return: 0, -ENOENT when it is not there, -EINVAL when @v is no object. */
int ih_json_member(const struct ih_json *v, const char *key, struct ih_json *ret);
size_t ih_json_length(const struct ih_json *v); /* of an array; 0 for anything else */
int ih_json_element(const struct ih_json *v, size_t i, struct ih_json *ret);

/**
 * ih_json_next() - walk over an object's members, in the order of the text
 * @iterator: NULL to begin with
 * Return: true while there is one; @key lives as long as the document.
 */
bool ih_json_next(const struct ih_json *v, void **iterator, const char **key, struct ih_json *ret);

/* Typed values. Return: 0 or -EBADMSG with "<file>: line N: <path> must be …". */
int ih_json_string(const struct ih_json *v, const char **ret, struct ih_diag *diag);
int ih_json_bool(const struct ih_json *v, bool *ret, struct ih_diag *diag);
int ih_json_u64(const struct ih_json *v, uint64_t min, uint64_t max, uint64_t *ret,
		struct ih_diag *diag);
int ih_json_strings(const struct ih_json *v, size_t max, char ***ret, size_t *ret_n,
		    struct ih_diag *diag); /* an array of strings, copied; see ih_strings_free() */

/* Refuses members that are not in the NULL-terminated list: -EBADMSG, names the member. */
int ih_json_only(const struct ih_json *v, const char *const *keys, struct ih_diag *diag);

/* "<file>: line N: <path>: <sentence>". Return: @error. */
int ih_json_fail(const struct ih_json *v, struct ih_diag *diag, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The value as text, exactly as it stood in the document (bytes kept). */
int ih_json_source(const struct ih_json *v, struct ih_text *ret);

void ih_strings_free(char **strings, size_t n);

/*
 * Writing. A value is owned until it is put into another one. Adding to NULL, or adding NULL, is
 * remembered as out of memory and reported by ih_json_print(). Strings that are not UTF-8 are
 * written with U+FFFD in place of the bad bytes.
 */
struct ih_json_out;

struct ih_json_out *ih_json_new_object(void);
struct ih_json_out *ih_json_new_array(void);
struct ih_json_out *ih_json_new_string(const char *text); /* NULL gives null */
struct ih_json_out *ih_json_new_u64(uint64_t n);
struct ih_json_out *ih_json_new_bool(bool b);

/* A value of a document that was read, printed byte for byte as it stood there, pretty or not. */
struct ih_json_out *ih_json_new_source(const struct ih_json *v);
void ih_json_set(struct ih_json_out *object, const char *key, struct ih_json_out *value);
void ih_json_push(struct ih_json_out *array, struct ih_json_out *value);
void ih_json_set_string(struct ih_json_out *object, const char *key, const char *text);
void ih_json_set_u64(struct ih_json_out *object, const char *key, uint64_t n);
void ih_json_set_bool(struct ih_json_out *object, const char *key, bool b);

/* Print to @ret, indented by two when @pretty, else on one line; frees @out in any case. */
int ih_json_print(struct ih_json_out *out, bool pretty, struct ih_text *ret);
void ih_json_out_free(struct ih_json_out *out);
