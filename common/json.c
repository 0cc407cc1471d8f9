/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON by json-c: nothing else includes it. json-c reads the values; beside it stands an index of
 * the text (where each value begins and ends, on which line), because json-c keeps no positions
 * and is laxer than RFC 8259: it takes NaN, raw control characters and duplicate keys. The index
 * is made of a text that json-c has accepted, and does not read values itself.
 */
#include "common/json.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <json-c/printbuf.h>

#include "common/json_priv.h"

static const char *const type_names[] = {
	[IH_JSON_NULL] = "null",       [IH_JSON_BOOL] = "a boolean", [IH_JSON_NUMBER] = "a number",
	[IH_JSON_STRING] = "a string", [IH_JSON_ARRAY] = "an array", [IH_JSON_OBJECT] = "an object",
};

/* json-c's values, tied to the index */

static int compare_keys(const void *a, const void *b, void *doc)
{
	const struct ih_json_node *nodes = ((const struct ih_json_doc *)doc)->nodes;

	return strcmp(nodes[*(const uint32_t *)a].key, nodes[*(const uint32_t *)b].key);
}

/* A key as json-c reads it; only to find the one that is there twice. The caller puts it. */
static struct json_object *read_key(const struct ih_json_doc *doc, const struct ih_json_node *node)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *key = NULL;

	if (tok)
		key = json_tokener_parse_ex(tok, doc->text + node->key_at,
					    (int)(node->start - node->key_at));
	json_tokener_free(tok);
	return key;
}

struct found_key {
	struct json_object *text;
	uint32_t node;
};

static int compare_found(const void *a, const void *b)
{
	const struct found_key *x = a, *y = b;
	int order = strcmp(json_object_get_string(x->text), json_object_get_string(y->text));

	return order ? order : (x->node > y->node) - (x->node < y->node);
}

/* Called when json-c's object has fewer members than the text, for it keeps the last of a name. */
static int fail_duplicate(const struct ih_json_doc *doc, const struct ih_json_node *object,
			  struct ih_diag *diag)
{
	const uint32_t *child = doc->children + object->first;
	struct found_key *keys = calloc(object->n, sizeof(*keys));
	uint32_t n = 0, i = 1;
	int r = -EBADMSG;

	for (; keys && n < object->n; n++) {
		keys[n].node = child[n];
		keys[n].text = read_key(doc, &doc->nodes[child[n]]);
		if (!keys[n].text)
			break;
	}
	if (!keys || n < object->n) {
		r = ih_fail(diag, -ENOMEM, "%s: out of memory", doc->name);
		goto out;
	}
	qsort(keys, n, sizeof(*keys), compare_found);
	while (i < n && strcmp(json_object_get_string(keys[i - 1].text),
			       json_object_get_string(keys[i].text)))
		i++;
	r = ih_fail(diag, -EBADMSG, "%s: line %u: the key '%s' is there twice", doc->name,
		    i < n ? doc->nodes[keys[i].node].line : object->line,
		    i < n ? json_object_get_string(keys[i].text) : "?");
out:
	for (i = 0; keys && i < n; i++)
		(void)json_object_put(keys[i].text);
	free(keys);
	return r;
}

/* Gives the children of @object their values; both are in the order of the text. */
static int attach_children(struct ih_json_doc *doc, struct ih_json_node *object,
			   struct ih_diag *diag)
{
	const uint32_t *child = doc->children + object->first;
	uint32_t i = 0;

	if (object->type == IH_JSON_ARRAY) {
		if (json_object_array_length(object->value) != object->n)
			return ih_fail(diag, -EBADMSG, "%s: line %u: bad array", doc->name,
				       object->line);
		for (; i < object->n; i++)
			doc->nodes[child[i]].value = json_object_array_get_idx(object->value, i);
		return 0;
	}

	if ((uint32_t)json_object_object_length(object->value) != object->n)
		return fail_duplicate(doc, object, diag);
	json_object_object_foreach(object->value, key, value)
	{
		doc->nodes[child[i]].key = key;
		doc->nodes[child[i]].value = value;
		i++;
	}
	memcpy(doc->by_key + object->first, child, object->n * sizeof(*child));
	qsort_r(doc->by_key + object->first, object->n, sizeof(*child), compare_keys, doc);
	return 0;
}

static bool is_same_type(enum ih_json_type type, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return type == IH_JSON_NULL;
	case json_type_boolean:
		return type == IH_JSON_BOOL;
	case json_type_int:
	case json_type_double:
		return type == IH_JSON_NUMBER;
	case json_type_string:
		return type == IH_JSON_STRING;
	case json_type_array:
		return type == IH_JSON_ARRAY;
	case json_type_object:
		return type == IH_JSON_OBJECT;
	}
	return false;
}

static int attach(struct ih_json_doc *doc, struct ih_diag *diag)
{
	uint32_t total = 0;
	int r;

	doc->children = calloc(doc->n_nodes, sizeof(*doc->children));
	doc->by_key = calloc(doc->n_nodes, sizeof(*doc->by_key));
	if (!doc->children || !doc->by_key)
		return ih_fail(diag, -ENOMEM, "%s: out of memory", doc->name);

	for (uint32_t i = 0; i < doc->n_nodes; i++) {
		struct ih_json_node *node = &doc->nodes[i];

		node->first = total;
		total += node->n;
		if (node->parent != IH_JSON_NO_PARENT) {
			struct ih_json_node *parent = &doc->nodes[node->parent];

			doc->children[parent->first + parent->seen++] = i;
		} else if (i) {
			return ih_fail(diag, -EBADMSG, "%s: line %u: a second value", doc->name,
				       node->line);
		}
	}

	doc->nodes[0].value = doc->root;
	for (uint32_t i = 0; i < doc->n_nodes; i++) {
		struct ih_json_node *node = &doc->nodes[i];

		if (!is_same_type(node->type, node->value))
			return ih_fail(diag, -EBADMSG, "%s: line %u: bad value", doc->name,
				       node->line);
		if (node->type < IH_JSON_ARRAY)
			continue;
		r = attach_children(doc, node, diag);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Parsing */

static int fail_at(const struct ih_json_doc *doc, size_t at, struct ih_diag *diag,
		   const char *problem)
{
	unsigned int line = 1;
	size_t start = 0;

	for (size_t i = 0; i < at && i < doc->len; i++) {
		if (doc->text[i] != '\n')
			continue;
		line++;
		start = i + 1;
	}
	return ih_fail(diag, -EBADMSG, "%s: line %u, column %zu: %s", doc->name, line,
		       at - start + 1, problem);
}

static const char *describe(enum json_tokener_error error)
{
	switch (error) {
	case json_tokener_continue:
	case json_tokener_error_parse_eof:
		return "the text ends too early";
	case json_tokener_error_depth:
		return "nested too deeply";
	default:
		return json_tokener_error_desc(error);
	}
}

static int parse_values(struct ih_json_doc *doc, struct ih_diag *diag)
{
	struct json_tokener *tok;
	enum json_tokener_error error;
	size_t end;

	tok = json_tokener_new_ex(IH_JSON_DEPTH_MAX + 2);
	if (!tok)
		return ih_fail(diag, -ENOMEM, "%s: out of memory", doc->name);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);

	/* The copy's NUL goes in too: only that ends a number at the top. */
	doc->root = json_tokener_parse_ex(tok, doc->text, (int)doc->len + 1);
	error = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (end > doc->len || error == json_tokener_continue)
		end = doc->len;
	if (error != json_tokener_success)
		return fail_at(doc, end, diag, describe(error));
	return 0;
}

static int refuse_early(const struct ih_json_doc *doc, struct ih_diag *diag)
{
	const char *nul = memchr(doc->text, '\0', doc->len);
	uint64_t marks = 1;

	if (doc->len >= 3 && !memcmp(doc->text, "\xef\xbb\xbf", 3))
		return fail_at(doc, 0, diag, "the text begins with a byte order mark");
	if (nul)
		return fail_at(doc, (size_t)(nul - doc->text), diag, "the text holds NUL");
	if (!ih_is_utf8(doc->text, doc->len))
		return ih_fail(diag, -EBADMSG, "%s: the text is not UTF-8", doc->name);

	/* Bounds the memory that json-c takes: no value is without one of these before it. */
	for (size_t i = 0; i < doc->len; i++)
		marks += doc->text[i] == ',' || doc->text[i] == '[' || doc->text[i] == '{' ||
			 doc->text[i] == ':';
	if (marks > 4ull * IH_JSON_VALUES_MAX)
		return ih_fail(diag, -EBADMSG, "%s: too many values", doc->name);
	return 0;
}

int ih_json_parse(const char *name, const char *text, size_t len, struct ih_json_doc **ret,
		  struct ih_diag *diag)
{
	struct ih_json_doc *doc;
	int r = -ENOMEM;

	if (len > IH_JSON_SIZE_MAX)
		return ih_fail(diag, -EBADMSG, "%s: longer than %u bytes", name, IH_JSON_SIZE_MAX);

	doc = calloc(1, sizeof(*doc));
	if (!doc)
		goto fail;
	doc->name = strdup(name);
	doc->text = malloc(len + 1);
	doc->len = len;
	if (!doc->name || !doc->text)
		goto fail;
	if (len)
		memcpy(doc->text, text, len);
	doc->text[len] = '\0';

	r = refuse_early(doc, diag);
	if (!r)
		r = parse_values(doc, diag);
	if (!r)
		r = ih_json_index(doc, diag);
	if (!r)
		r = attach(doc, diag);
	if (r < 0) {
		ih_json_free(doc);
		return r;
	}
	*ret = doc;
	return 0;

fail:
	ih_json_free(doc);
	return ih_fail(diag, r, "%s: out of memory", name);
}

void ih_json_free(struct ih_json_doc *doc)
{
	if (!doc)
		return;
	(void)json_object_put(doc->root);
	free(doc->name);
	free(doc->text);
	free(doc->nodes);
	free(doc->children);
	free(doc->by_key);
	free(doc);
}

/* Reading */

static const struct ih_json_node *node_of(const struct ih_json *v)
{
	return v->value;
}

struct ih_json ih_json_root(const struct ih_json_doc *doc)
{
	return (struct ih_json){ .doc = doc, .value = &doc->nodes[0] };
}

enum ih_json_type ih_json_type(const struct ih_json *v)
{
	return node_of(v)->type;
}

unsigned int ih_json_line(const struct ih_json *v)
{
	return node_of(v)->line;
}

/* Adds to a path; what does not fit is cut off with "...". Return: where the path ends now. */
static size_t add_path(struct ih_json *v, size_t at, const char *text)
{
	size_t len = strlen(text), room = sizeof(v->path) - 1 - at;

	memcpy(v->path + at, text, len < room ? len : room);
	if (len > room) {
		memcpy(v->path + sizeof(v->path) - 4, "...", 4);
		return sizeof(v->path) - 1;
	}
	v->path[at + len] = '\0';
	return at + len;
}

/* @ret may be @v itself. */
static void enter(const struct ih_json *v, uint32_t child, struct ih_json *ret, size_t i)
{
	const struct ih_json_node *node = &v->doc->nodes[child];
	char index[32];
	size_t at;

	if (ret != v)
		*ret = *v;
	ret->value = node;
	at = strlen(ret->path);
	if (node->key) {
		if (at)
			at = add_path(ret, at, ".");
		(void)add_path(ret, at, node->key[0] ? node->key : "\"\"");
	} else {
		(void)snprintf(index, sizeof(index), "[%zu]", i);
		(void)add_path(ret, at, index);
	}
}

int ih_json_member(const struct ih_json *v, const char *key, struct ih_json *ret)
{
	const struct ih_json_node *object = node_of(v);
	uint32_t low = 0, high = object->n, mid, child;
	int order;

	if (object->type != IH_JSON_OBJECT)
		return -EINVAL;
	while (low < high) {
		mid = low + (high - low) / 2;
		child = v->doc->by_key[object->first + mid];
		order = strcmp(key, v->doc->nodes[child].key);
		if (!order) {
			enter(v, child, ret, 0);
			return 0;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return -ENOENT;
}

size_t ih_json_length(const struct ih_json *v)
{
	return node_of(v)->type == IH_JSON_ARRAY ? node_of(v)->n : 0;
}

int ih_json_element(const struct ih_json *v, size_t i, struct ih_json *ret)
{
	const struct ih_json_node *array = node_of(v);

	if (array->type != IH_JSON_ARRAY)
		return -EINVAL;
	if (i >= array->n)
		return -ENOENT;
	enter(v, v->doc->children[array->first + i], ret, i);
	return 0;
}

bool ih_json_next(const struct ih_json *v, void **iterator, const char **key, struct ih_json *ret)
{
	const struct ih_json_node *object = node_of(v);
	uintptr_t i = (uintptr_t)*iterator;
	uint32_t child;

	if (object->type != IH_JSON_OBJECT || i >= object->n)
		return false;
	child = v->doc->children[object->first + i];
	*iterator = (void *)(i + 1);
	*key = v->doc->nodes[child].key;
	enter(v, child, ret, 0);
	return true;
}

int ih_json_fail(const struct ih_json *v, struct ih_diag *diag, int error, const char *format, ...)
{
	char sentence[IH_DIAG_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return ih_fail(diag, error, "%s: line %u: %s%s%s", v->doc->name, node_of(v)->line, v->path,
		       v->path[0] ? ": " : "", sentence);
}

static int fail_type(const struct ih_json *v, const char *wanted, struct ih_diag *diag)
{
	return ih_fail(diag, -EBADMSG, "%s: line %u: %s must be %s, not %s", v->doc->name,
		       node_of(v)->line, v->path[0] ? v->path : "the document", wanted,
		       type_names[node_of(v)->type]);
}

int ih_json_string(const struct ih_json *v, const char **ret, struct ih_diag *diag)
{
	if (node_of(v)->type != IH_JSON_STRING)
		return fail_type(v, "a string", diag);
	*ret = json_object_get_string(node_of(v)->value);
	return 0;
}

int ih_json_bool(const struct ih_json *v, bool *ret, struct ih_diag *diag)
{
	if (node_of(v)->type != IH_JSON_BOOL)
		return fail_type(v, "true or false", diag);
	*ret = json_object_get_boolean(node_of(v)->value);
	return 0;
}

/* From the text, not from json-c, which clamps numbers that are too large. */
int ih_json_u64(const struct ih_json *v, uint64_t min, uint64_t max, uint64_t *ret,
		struct ih_diag *diag)
{
	const struct ih_json_node *node = node_of(v);
	size_t len = node->end - node->start;
	char digits[32];
	uint64_t n;

	if (node->type != IH_JSON_NUMBER)
		return fail_type(v, "a whole number", diag);
	if (len < sizeof(digits)) {
		memcpy(digits, v->doc->text + node->start, len);
		digits[len] = '\0';
		if (!ih_parse_u64(digits, max, &n) && n >= min) {
			*ret = n;
			return 0;
		}
	}
	return ih_fail(diag, -EBADMSG, "%s: line %u: %s must be a whole number from %ju to %ju",
		       v->doc->name, node->line, v->path[0] ? v->path : "the document",
		       (uintmax_t)min, (uintmax_t)max);
}

int ih_json_strings(const struct ih_json *v, size_t max, char ***ret, size_t *ret_n,
		    struct ih_diag *diag)
{
	size_t n = ih_json_length(v);
	const char *text = NULL;
	struct ih_json item;
	char **strings;
	int r;

	if (node_of(v)->type != IH_JSON_ARRAY)
		return fail_type(v, "an array of strings", diag);
	if (n > max)
		return ih_json_fail(v, diag, -EBADMSG, "at most %zu are allowed, %zu are there",
				    max, n);
	strings = calloc(n + 1, sizeof(*strings));
	if (!strings)
		return ih_json_fail(v, diag, -ENOMEM, "out of memory");

	for (size_t i = 0; i < n; i++) {
		(void)ih_json_element(v, i, &item);
		r = ih_json_string(&item, &text, diag);
		if (!r) {
			strings[i] = strdup(text);
			if (!strings[i])
				r = ih_json_fail(v, diag, -ENOMEM, "out of memory");
		}
		if (r < 0) {
			ih_strings_free(strings, n);
			return r;
		}
	}
	*ret = strings;
	*ret_n = n;
	return 0;
}

void ih_strings_free(char **strings, size_t n)
{
	if (!strings)
		return;
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
	free(strings);
}

int ih_json_only(const struct ih_json *v, const char *const *keys, struct ih_diag *diag)
{
	void *iterator = NULL;
	struct ih_json member;
	const char *key;
	size_t i;

	if (node_of(v)->type != IH_JSON_OBJECT)
		return fail_type(v, "an object", diag);
	while (ih_json_next(v, &iterator, &key, &member)) {
		for (i = 0; keys[i] && strcmp(keys[i], key); i++)
			;
		if (!keys[i])
			return ih_json_fail(&member, diag, -EBADMSG, "unknown field");
	}
	return 0;
}

int ih_json_source(const struct ih_json *v, struct ih_text *ret)
{
	const struct ih_json_node *node = node_of(v);

	return ih_text_add(ret, v->doc->text + node->start, node->end - node->start);
}

/* Writing */

struct ih_json_out {
	struct json_object *value;
	bool failed;
};

static struct ih_json_out *own(struct json_object *value, bool is_null)
{
	struct ih_json_out *out = calloc(1, sizeof(*out));

	if (!out) {
		(void)json_object_put(value);
		return NULL;
	}
	out->value = value;
	out->failed = !value && !is_null;
	return out;
}

struct ih_json_out *ih_json_new_object(void)
{
	return own(json_object_new_object(), false);
}

struct ih_json_out *ih_json_new_array(void)
{
	return own(json_object_new_array(), false);
}

struct ih_json_out *ih_json_new_u64(uint64_t n)
{
	return own(json_object_new_uint64(n), false);
}

struct ih_json_out *ih_json_new_bool(bool b)
{
	return own(json_object_new_boolean(b), false);
}

/* json-c keeps the string that is the source; what it prints of it are the bytes themselves. */
static int print_source(struct json_object *value, struct printbuf *pb, int level, int flags)
{
	(void)level;
	(void)flags;
	return printbuf_memappend(pb, json_object_get_string(value),
				  json_object_get_string_len(value));
}

struct ih_json_out *ih_json_new_source(const struct ih_json *v)
{
	struct ih_text source = { 0 };
	struct json_object *value = NULL;

	if (ih_json_source(v, &source) == 0 && source.len <= INT_MAX)
		value = json_object_new_string_len(ih_text_get(&source), (int)source.len);
	ih_text_done(&source);
	if (value)
		json_object_set_serializer(value, print_source, NULL, NULL);
	return own(value, false);
}

/* Bytes from @s on that are one well-formed character, or 0. */
static size_t character(const char *s, size_t left)
{
	for (size_t len = 1; len <= 4 && len <= left; len++)
		if (ih_is_utf8(s, len))
			return len;
	return 0;
}

static struct json_object *new_text(const char *text)
{
	size_t len = strlen(text), n;
	struct ih_text clean = { 0 };
	struct json_object *value = NULL;

	if (ih_is_utf8(text, len))
		return len > INT_MAX ? NULL : json_object_new_string_len(text, (int)len);

	for (size_t i = 0; i < len; i += n) {
		n = character(text + i, len - i);
		if (n)
			(void)ih_text_add(&clean, text + i, n);
		else
			(void)ih_text_add(&clean, "\xef\xbf\xbd", 3);
		n += !n;
	}
	if (!clean.oom && clean.len <= INT_MAX)
		value = json_object_new_string_len(ih_text_get(&clean), (int)clean.len);
	ih_text_done(&clean);
	return value;
}

struct ih_json_out *ih_json_new_string(const char *text)
{
	return text ? own(new_text(text), false) : own(NULL, true);
}

/* Takes the value out of @out and frees the rest. */
static struct json_object *take(struct ih_json_out *out, bool *failed)
{
	struct json_object *value;

	if (!out) {
		*failed = true;
		return NULL;
	}
	value = out->value;
	*failed |= out->failed;
	free(out);
	return value;
}

void ih_json_set(struct ih_json_out *object, const char *key, struct ih_json_out *value)
{
	bool failed = false;
	struct json_object *v = take(value, &failed);

	if (!object) {
		(void)json_object_put(v);
		return;
	}
	object->failed |= failed;
	if (!json_object_is_type(object->value, json_type_object) ||
	    json_object_object_add(object->value, key, v) < 0) {
		object->failed = true;
		(void)json_object_put(v);
	}
}

void ih_json_push(struct ih_json_out *array, struct ih_json_out *value)
{
	bool failed = false;
	struct json_object *v = take(value, &failed);

	if (!array) {
		(void)json_object_put(v);
		return;
	}
	array->failed |= failed;
	if (!json_object_is_type(array->value, json_type_array) ||
	    json_object_array_add(array->value, v) < 0) {
		array->failed = true;
		(void)json_object_put(v);
	}
}

void ih_json_set_string(struct ih_json_out *object, const char *key, const char *text)
{
	ih_json_set(object, key, ih_json_new_string(text));
}

void ih_json_set_u64(struct ih_json_out *object, const char *key, uint64_t n)
{
	ih_json_set(object, key, ih_json_new_u64(n));
}

void ih_json_set_bool(struct ih_json_out *object, const char *key, bool b)
{
	ih_json_set(object, key, ih_json_new_bool(b));
}

int ih_json_print(struct ih_json_out *out, bool pretty, struct ih_text *ret)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	bool failed = false;
	struct json_object *value = take(out, &failed);
	const char *text;
	size_t len;
	int r = -ENOMEM;

	if (pretty)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	if (!failed) {
		text = json_object_to_json_string_length(value, flags, &len);
		if (text)
			r = ih_text_add(ret, text, len);
	}
	(void)json_object_put(value);
	return r;
}

void ih_json_out_free(struct ih_json_out *out)
{
	bool failed = false;

	if (out)
		(void)json_object_put(take(out, &failed));
}
