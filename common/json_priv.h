/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What json.c (values, by json-c) and json_index.c (places in the text) share.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "common/json.h"

struct json_object;

#define IH_JSON_NO_PARENT UINT32_MAX

struct ih_json_node {
	struct json_object *value; /* NULL is also how json-c says null */
	const char *key;	   /* as json-c keeps it; NULL in arrays */
	uint32_t start, end;	   /* bytes of the text */
	uint32_t key_at;	   /* of a member: where its key begins, else 0 */
	uint32_t line;
	uint32_t parent;
	uint32_t first, n; /* children[first … first + n) in the order of the text */
	uint32_t seen;	   /* while the children are being attached */
	enum ih_json_type type;
};

struct ih_json_doc {
	char *name;
	char *text;
	size_t len;
	struct json_object *root;
	struct ih_json_node *nodes; /* in the order of the text; nodes[0] is the root */
	uint32_t n_nodes;
	uint32_t *children; /* indices into nodes */
	uint32_t *by_key;   /* the same ranges, objects sorted by key */
};

/**
 * ih_json_index() - find where every value begins and ends
 * @doc: text and len are read; nodes and n_nodes are filled
 *
 * The text has passed json-c. Refuses what json-c takes although RFC 8259, or we, do not.
 *
 * Return: 0, -EBADMSG or -ENOMEM.
 */
int ih_json_index(struct ih_json_doc *doc, struct ih_diag *diag);
