/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* common/json.c: what is refused and where, what is read, what is written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "common/json.h"

struct parse_row {
	char text[48], sentence[96]; /* "" is good */
};

static const struct parse_row parse_rows[] = {
	{ "{}", "" },
	{ "[]", "" },
	{ " \t\r\n12\n", "" },
	{ "\"x\"", "" },
	{ "null", "" },
	{ "true", "" },
	{ "-0.5e+3", "" },
	{ "[\"\\ud83d\\ude00\"]", "" },
	{ "{\"a\":{\"a\":1},\"b\":{\"a\":2}}", "" },
	{ "", "f: line 1, column 1: the text ends too early" },
	{ " ", "f: line 1, column 2: the text ends too early" },
	{ "{", "f: line 1, column 2: the text ends too early" },
	{ "[1", "f: line 1, column 3: the text ends too early" },
	{ "\"a", "f: line 1, column 3: the text ends too early" },
	{ "nul", "f: line 1, column 4: the text ends too early" },
	{ "-", "f: line 1, column 2: the text ends too early" },
	{ "{\"a\":1,\n\"a\":2}", "f: line 2: the key 'a' is there twice" },
	{ "{\"a\":1,\"\\u0061\":2}", "f: line 1: the key 'a' is there twice" },
	{ "{\"a\":null,\"a\":null}", "f: line 1: the key 'a' is there twice" },
	{ "[1,]", "f: line 1, column 4: unexpected character" },
	{ "[1,,2]", "f: line 1, column 4: unexpected character" },
	{ "{\"a\":1,}", "f: line 1, column 8: unexpected character" },
	{ "[1 2]", "f: line 1, column 4: array value separator ',' expected" },
	{ "[01]", "f: line 1, column 4: number expected" },
	{ "[1.]", "f: line 1, column 2: unexpected character" },
	{ "[.5]", "f: line 1, column 2: unexpected character" },
	{ "[+1]", "f: line 1, column 2: unexpected character" },
	{ "[NaN]", "f: line 1, column 2: unexpected character" },
	{ "[-Infinity]", "f: line 1, column 2: unexpected character" },
	{ "[True]", "f: line 1, column 2: boolean expected" },
	{ "['a']", "f: line 1, column 2: unexpected character" },
	{ "[1]x", "f: line 1, column 4: unexpected character" },
	{ "[1]\n[2]", "f: line 2, column 1: unexpected character" },
	{ "/*x*/[1]", "f: line 1, column 1: unexpected character" },
	{ "[1]//x", "f: line 1, column 4: unexpected character" },
	{ "{a:1}", "f: line 1, column 2: quoted object property name expected" },
	{ "{1:1}", "f: line 1, column 2: quoted object property name expected" },
	{ "{\"a\" 1}", "f: line 1, column 6: object property name separator ':' expected" },
	{ "[1:2]", "f: line 1, column 3: number expected" },
	{ "[1}", "f: line 1, column 3: array value separator ',' expected" },
	{ "]", "f: line 1, column 1: unexpected character" },
	{ "[\n\n\"a\tb\"]",
	  "f: line 3, column 3: a control character in a string must be escaped" },
	{ "[\"a\nb\"]", "f: line 1, column 4: a control character in a string must be escaped" },
	{ "[\"\\u0000\"]", "f: line 1, column 4: a string holds NUL" },
	{ "{\"\\u0000\":1}", "f: line 1, column 4: a string holds NUL" },
	{ "[\"\\ud800\"]", "f: line 1, column 8: half of a surrogate pair" },
	{ "[\"\\ud800\\u0041\"]", "f: line 1, column 8: half of a surrogate pair" },
	{ "[\"\\udc00\"]", "f: line 1, column 4: half of a surrogate pair" },
	{ "[\"\\x\"]", "f: line 1, column 4: invalid string sequence" },
	{ "[\"\\u12g4\"]", "f: line 1, column 7: invalid string sequence" },
	{ "[\"\xc3\"]", "f: the text is not UTF-8" },
	{ "[\"\xed\xa0\x80\"]", "f: the text is not UTF-8" },
};

Test(json, parse)
{
	for (size_t i = 0; i < sizeof(parse_rows) / sizeof(parse_rows[0]); i++) {
		const struct parse_row *row = &parse_rows[i];
		struct ih_json_doc *doc = NULL;
		struct ih_diag diag = { 0 };
		int r = ih_json_parse("f", row->text, strlen(row->text), &doc, &diag);

		cr_expect_eq(r, row->sentence[0] ? -EBADMSG : 0, "'%s': %d", row->text, r);
		cr_expect_str_eq(diag.text, row->sentence, "'%s': %s", row->text, diag.text);
		cr_expect_eq(!doc, !!row->sentence[0], "'%s'", row->text);
		ih_json_free(doc);
	}
}

Test(json, nul_in_text)
{
	struct ih_json_doc *doc = NULL;
	struct ih_diag diag = { 0 };

	cr_expect_eq(ih_json_parse("f", "[1\0]", 4, &doc, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "f: line 1, column 3: the text holds NUL");
}

static char *nested(unsigned int depth)
{
	char *text = malloc(2 * depth + 1);

	cr_assert(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
	return text;
}

Test(json, depth)
{
	for (unsigned int depth = IH_JSON_DEPTH_MAX - 1; depth <= 100000; depth = depth * 3 + 1) {
		struct ih_json_doc *doc = NULL;
		char *text = nested(depth);
		int r = ih_json_parse("f", text, 2 * depth, &doc, NULL);

		cr_expect_eq(r, depth <= IH_JSON_DEPTH_MAX ? 0 : -EBADMSG, "depth %u: %d", depth,
			     r);
		ih_json_free(doc);
		free(text);
	}
	char *text = nested(IH_JSON_DEPTH_MAX + 1);
	struct ih_json_doc *doc = NULL;
	struct ih_diag diag = { 0 };

	cr_expect_eq(ih_json_parse("f", text, strlen(text), &doc, &diag), -EBADMSG);
	cr_expect(strstr(diag.text, "nested too deeply"), "%s", diag.text);
	free(text);
}

static const char sample[] = "{ \"n\": 18446744073709551615,\n"
			     "  \"list\": [ \"a\", { \"deep\": false },\n"
			     "    null ],\n"
			     "  \"text\": \"\\u00e9/\\n\", \"half\": 1.5,\n"
			     "  \"big\": 18446744073709551616 }";

Test(json, read)
{
	struct ih_json_doc *doc = NULL;
	struct ih_json root, v, item;
	struct ih_diag diag = { 0 };
	struct ih_text source = { 0 };
	const char *text;
	uint64_t n;
	bool b = true;

	cr_assert_eq(ih_json_parse("f", sample, strlen(sample), &doc, &diag), 0, "%s", diag.text);
	root = ih_json_root(doc);
	cr_expect_eq(ih_json_member(&root, "none", &v), -ENOENT);

	cr_assert_eq(ih_json_member(&root, "n", &v), 0);
	cr_expect_eq(ih_json_member(&v, "x", &item), -EINVAL);
	cr_assert_eq(ih_json_u64(&v, 0, UINT64_MAX, &n, &diag), 0, "%s", diag.text);
	cr_expect_eq(n, UINT64_MAX);
	cr_expect_eq(ih_json_u64(&v, 1, 10, &n, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "f: line 1: n must be a whole number from 1 to 10");
	cr_expect_eq(ih_json_string(&v, &text, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "f: line 1: n must be a string, not a number");

	cr_assert_eq(ih_json_member(&root, "big", &v), 0);
	cr_expect_eq(ih_json_u64(&v, 0, UINT64_MAX, &n, &diag), -EBADMSG, "json-c would clamp it");
	cr_assert_eq(ih_json_member(&root, "half", &v), 0);
	cr_expect_eq(ih_json_u64(&v, 0, 9, &n, &diag), -EBADMSG);

	cr_assert_eq(ih_json_member(&root, "list", &v), 0);
	cr_expect_eq(ih_json_length(&v), 3);
	cr_expect_eq(ih_json_element(&v, 3, &item), -ENOENT);
	cr_assert_eq(ih_json_element(&v, 2, &item), 0);
	cr_expect_eq(ih_json_type(&item), IH_JSON_NULL);
	cr_expect_eq(ih_json_line(&item), 3, "null has a line too");
	cr_assert_eq(ih_json_element(&v, 1, &item), 0);
	cr_assert_eq(ih_json_member(&item, "deep", &item), 0, "in place");
	cr_expect_str_eq(item.path, "list[1].deep");
	cr_expect_eq(ih_json_bool(&item, &b, &diag), 0);
	cr_expect_not(b);
	cr_expect_eq(ih_json_fail(&item, &diag, -EPERM, "no %s", "good"), -EPERM);
	cr_expect_str_eq(diag.text, "f: line 2: list[1].deep: no good");

	cr_assert_eq(ih_json_member(&root, "text", &v), 0);
	cr_expect_eq(ih_json_string(&v, &text, &diag), 0);
	cr_expect_str_eq(text, "\xc3\xa9/\n");
	cr_expect_eq(ih_json_source(&v, &source), 0);
	cr_expect_str_eq(ih_text_get(&source), "\"\\u00e9/\\n\"");
	ih_text_done(&source);
	ih_json_free(doc);
}

Test(json, source_keeps_bytes)
{
	const char *text = "{\"o\": {\"b\" : 1.50,\n\t\"a\":[ ] } ,\"x\":1}";
	struct ih_text source = { 0 };
	struct ih_json_doc *doc = NULL;
	struct ih_json v;

	cr_assert_eq(ih_json_parse("f", text, strlen(text), &doc, NULL), 0);
	v = ih_json_root(doc);
	cr_assert_eq(ih_json_member(&v, "o", &v), 0);
	cr_assert_eq(ih_json_source(&v, &source), 0);
	cr_expect_str_eq(ih_text_get(&source), "{\"b\" : 1.50,\n\t\"a\":[ ] }");
	ih_text_done(&source);
	ih_json_free(doc);
}

Test(json, only_and_strings)
{
	static const char *const keys[] = { "n", "list", "text", NULL };
	struct ih_json_doc *doc = NULL;
	struct ih_diag diag = { 0 };
	struct ih_json v;
	char **strings = NULL;
	size_t n = 0;

	cr_assert_eq(ih_json_parse("f", sample, strlen(sample), &doc, NULL), 0);
	v = ih_json_root(doc);
	cr_expect_eq(ih_json_only(&v, keys, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "f: line 4: half: unknown field");
	cr_expect_eq(ih_json_strings(&v, 9, &strings, &n, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "f: line 1: the document must be an array of strings, not an "
				    "object");
	(void)ih_json_member(&v, "list", &v);
	cr_expect_eq(ih_json_strings(&v, 2, &strings, &n, &diag), -EBADMSG);
	cr_expect_eq(ih_json_strings(&v, 9, &strings, &n, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "f: line 2: list[1] must be a string, not an object");
	ih_json_free(doc);

	cr_assert_eq(ih_json_parse("f", "[\"a\",\"b\"]", 9, &doc, NULL), 0);
	v = ih_json_root(doc);
	cr_assert_eq(ih_json_strings(&v, 2, &strings, &n, &diag), 0);
	cr_expect_eq(n, 2);
	cr_expect_str_eq(strings[1], "b");
	ih_strings_free(strings, n);
	ih_json_free(doc);
}

Test(json, walk_in_order_of_the_text)
{
	static const char order[][8] = { "n", "list", "text", "half", "big" };
	struct ih_json_doc *doc = NULL;
	struct ih_json root, v;
	void *iterator = NULL;
	const char *key;
	size_t i = 0;

	cr_assert_eq(ih_json_parse("f", sample, strlen(sample), &doc, NULL), 0);
	root = ih_json_root(doc);
	while (ih_json_next(&root, &iterator, &key, &v))
		cr_expect_str_eq(key, order[i++]);
	cr_expect_eq(i, 5);
	ih_json_free(doc);
}

/* 10,000 members, each looked up by name: nothing here may be quadratic. */
Test(json, many_members)
{
	struct ih_text t = { 0 };
	struct ih_json_doc *doc = NULL;
	struct ih_json root, v;
	char key[16];
	clock_t start = clock();

	(void)ih_text_add(&t, "{", 1);
	for (int i = 0; i < 10000; i++)
		(void)ih_text_addf(&t, "%s\"k%d\":null", i ? "," : "", i);
	(void)ih_text_add(&t, "}", 1);
	for (int round = 0; round < 10; round++) {
		cr_assert_eq(ih_json_parse("f", t.data, t.len, &doc, NULL), 0);
		root = ih_json_root(doc);
		for (int i = 0; i < 10000; i++) {
			(void)snprintf(key, sizeof(key), "k%d", i);
			cr_assert_eq(ih_json_member(&root, key, &v), 0, "%s", key);
		}
		ih_json_free(doc);
	}
	ih_text_done(&t);
	cr_expect_lt(clock() - start, 10 * CLOCKS_PER_SEC);
}

Test(json, too_large)
{
	size_t len = IH_JSON_SIZE_MAX + 1;
	char *text = malloc(len);
	struct ih_json_doc *doc = NULL;
	struct ih_diag diag = { 0 };

	cr_assert(text);
	memset(text, ' ', len);
	cr_expect_eq(ih_json_parse("f", text, len, &doc, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "f: longer than 16777216 bytes");
	memset(text, ',', len);
	text[0] = '[';
	cr_expect_eq(ih_json_parse("f", text, len - 1, &doc, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "f: too many values");
	free(text);
}

Test(json, write)
{
	struct ih_json_out *o = ih_json_new_object(), *list = ih_json_new_array();
	struct ih_text t = { 0 };
	struct ih_json_doc *doc = NULL;

	ih_json_set_string(o, "a", "b\xff/\n\x1b");
	ih_json_set_u64(o, "n", UINT64_MAX);
	ih_json_set_bool(o, "t", true);
	ih_json_push(list, ih_json_new_string(NULL));
	ih_json_push(list, ih_json_new_u64(0));
	ih_json_set(o, "l", list);
	cr_assert_eq(ih_json_print(o, false, &t), 0);
	cr_expect_str_eq(ih_text_get(&t),
			 "{\"a\":\"b\xef\xbf\xbd/\\n\\u001b\",\"n\":18446744073709551615,"
			 "\"t\":true,\"l\":[null,0]}");
	cr_expect_eq(ih_json_parse("f", t.data, t.len, &doc, NULL), 0, "and it reads its own");
	ih_json_free(doc);
	ih_text_done(&t);
}

Test(json, out_of_memory_is_remembered)
{
	struct ih_json_out *o = ih_json_new_object();
	struct ih_text t = { 0 };

	ih_json_set(o, "a", NULL);
	cr_expect_eq(ih_json_print(o, false, &t), -ENOMEM);
	cr_expect_eq(ih_json_print(NULL, false, &t), -ENOMEM);
	ih_json_set(NULL, "a", ih_json_new_bool(true));
	ih_json_push(NULL, ih_json_new_bool(true));
	ih_json_out_free(NULL);
	ih_json_out_free(ih_json_new_array());
	o = ih_json_new_array();
	ih_json_set(o, "a", ih_json_new_bool(true));
	cr_expect_eq(ih_json_print(o, false, &t), -ENOMEM, "a member of an array");
	ih_text_done(&t);
}
