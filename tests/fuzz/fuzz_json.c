/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON: whatever parses can be walked to the last value, every value's source parses again, and
 * nothing reads beyond the text.
 */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/fuzz/fuzz.h"

static void walk(const struct ih_json *v, unsigned int depth)
{
	struct ih_json child, again;
	struct ih_text source = { 0 };
	void *iterator = NULL;
	const char *key;
	uint64_t n;

	if (depth > IH_JSON_DEPTH_MAX + 1)
		abort();
	if (ih_json_source(v, &source) || !source.len || ih_json_line(v) == 0)
		abort();
	ih_text_done(&source);
	(void)ih_json_u64(v, 0, UINT64_MAX, &n, NULL);
	for (size_t i = 0; i < ih_json_length(v); i++) {
		if (ih_json_element(v, i, &child))
			abort();
		walk(&child, depth + 1);
	}
	while (ih_json_next(v, &iterator, &key, &child)) {
		if (ih_json_member(v, key, &again) || again.value != child.value)
			abort();
		walk(&child, depth + 1);
	}
}

static void parse_again(const struct ih_json *root)
{
	struct ih_text source = { 0 };
	struct ih_json_doc *doc = NULL;

	if (ih_json_source(root, &source) ||
	    ih_json_parse("again", source.data, source.len, &doc, NULL))
		abort();
	ih_json_free(doc);
	ih_text_done(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ih_json_doc *doc = NULL;
	struct ih_diag diag = { 0 };
	struct ih_json root;

	if (ih_json_parse("input", (const char *)data, size, &doc, &diag) < 0) {
		if (!diag.text[0])
			abort();
		return 0;
	}
	root = ih_json_root(doc);
	walk(&root, 0);
	parse_again(&root);
	ih_json_free(doc);
	return 0;
}
