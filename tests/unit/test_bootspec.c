/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for bootchain/bootspec.c: which problems a document has, in either mode, and what it
 * means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "bootchain/bootspec.h"

#define CORE                                                                                  \
	"\"system\":\"x86_64-linux\",\"label\":\"L\",\"kernel\":\"/k\",\"init\":\"/t/init\"," \
	"\"toplevel\":\"/t\""
#define V1(more)     "\"org.nixos.bootspec.v1\":{" CORE ",\"kernelParams\":[\"a\"]" more "}"
#define V2(more)     "\"org.nixos.bootspec.v2\":{" CORE ",\"kernelParams\":[\"a\"]" more "}"
#define SPEC1(inner) "\"org.nixos.specialisation.v1\":{\"s\":{" inner "}}"

struct problem_row {
	char what[48];
	char text[900];
	int strict, tolerant;	   /* errors in either mode; -1: not even JSON */
	char path[100], says[100]; /* of the first problem */
};

#define P1 "org.nixos.bootspec.v1"
#define P2 "org.nixos.bootspec.v2"

static const struct problem_row problem_rows[] = {
	{ "good v1", "{" V1("") "}", 0, 0, "", "" },
	{ "good v1 with all", "{" V1(",\"initrd\":\"/i\",\"initrdSecrets\":\"/s\"") "}", 0, 0, "",
	  "" },
	{ "good v2", "{" V2(",\"initrds\":[]") "}", 0, 0, "", "" },
	{ "good v2 with all",
	  "{" V2(",\"initrds\":[\"/a\",\"/b\"],\"fdtdir\":\"/d\",\"devicetree\":\"/f\"") "}", 0, 0,
	  "", "" },
	{ "good with a specialisation", "{" V1("") "," SPEC1(V1("")) "}", 0, 0, "", "" },
	{ "good with an extension", "{" V1("") ",\"org.x\":{\"a\":null}}", 0, 0, "", "" },
	{ "child carries an empty map",
	  "{" V1("") "," SPEC1(V1("") ",\"org.nixos.specialisation.v1\":{}") "}", 0, 0, "", "" },
	{ "both versions agree", "{" V1("") "," V2(",\"initrds\":[]") "}", 0, 0, "", "" },
	{ "root with a second equals sign",
	  "{\"" P1 "\":{" CORE ",\"kernelParams\":[\"root=UUID=ab\",\"x=\\\"a b\\\"\"]}}", 0, 0, "",
	  "" },
	{ "empty", "", -1, -1, "", "" },
	{ "no object", "[]", 1, 1, "", "must be an object" },
	{ "cut off", "{" V1(""), -1, -1, "", "" },
	{ "same key twice", "{" V1("") "," V1("") "}", -1, -1, "", "" },
	{ "nothing in it", "{}", 1, 1, "", "lacks 'org.nixos.bootspec.v1'" },
	{ "only an extension", "{\"org.x\":{}}", 1, 1, "", "lacks 'org.nixos.bootspec.v1'" },
	{ "v1 is null", "{\"" P1 "\":null}", 1, 1, P1, "must be an object" },
	{ "v1 is empty", "{\"" P1 "\":{}}", 6, 6, P1, "lacks 'system'" },
	{ "initrd is null", "{" V1(",\"initrd\":null") "}", 1, 0, P1 ".initrd",
	  "must not be null: leave it out" },
	{ "secrets are null", "{" V1(",\"initrdSecrets\":null") "}", 1, 0, P1 ".initrdSecrets",
	  "must not be null: leave it out" },
	{ "devicetree is null", "{" V2(",\"initrds\":[],\"devicetree\":null") "}", 1, 0,
	  P2 ".devicetree", "must not be null: leave it out" },
	{ "kernel is null",
	  "{\"" P1 "\":{\"system\":\"a\",\"label\":\"b\",\"kernel\":null,\"init\":\"/i\","
	  "\"toplevel\":\"/t\",\"kernelParams\":[]}}",
	  1, 1, P1 ".kernel", "must not be null" },
	{ "unknown key in v1", "{" V1(",\"x\":1") "}", 1, 0, P1 ".x",
	  "is no key of version 1: extensions stand beside the object" },
	{ "v2's key in v1", "{" V1(",\"initrds\":[]") "}", 1, 0, P1 ".initrds",
	  "is no key of version 1: extensions stand beside the object" },
	{ "v1's key in v2", "{" V2(",\"initrds\":[],\"initrd\":\"/i\"") "}", 1, 0, P2 ".initrd",
	  "is no key of version 2: extensions stand beside the object" },
	{ "v2 without initrds", "{" V2("") "}", 1, 1, P2, "lacks 'initrds'" },
	{ "initrds are no array", "{" V2(",\"initrds\":\"/i\"") "}", 1, 1, P2 ".initrds",
	  "must be an array of strings" },
	{ "an initrd is a number", "{" V2(",\"initrds\":[\"/a\",7]") "}", 1, 1, P2 ".initrds[1]",
	  "must be a string" },
	{ "an initrd is null", "{" V2(",\"initrds\":[null]") "}", 1, 1, P2 ".initrds[0]",
	  "must be a string" },
	{ "relative initrd", "{" V1(",\"initrd\":\"i\"") "}", 1, 1, P1 ".initrd",
	  "must be an absolute path, and is 'i'" },
	{ "initrd through ..", "{" V1(",\"initrd\":\"/nix/store/../../etc/shadow\"") "}", 1, 1,
	  P1 ".initrd", "leads through '..': '/nix/store/../../etc/shadow'" },
	{ "dots in a name are fine", "{" V1(",\"initrd\":\"/a..b/..c/d..\"") "}", 0, 0, "", "" },
	{ "line break in a path", "{" V1(",\"initrd\":\"/i\\nlinux /evil\"") "}", 1, 1,
	  P1 ".initrd", "holds a line break or another control character" },
	{ "parameters are no array", "{\"" P1 "\":{" CORE ",\"kernelParams\":\"a\"}}", 1, 1,
	  P1 ".kernelParams", "must be an array of strings" },
	{ "a parameter replaces init",
	  "{\"" P1 "\":{" CORE ",\"kernelParams\":[\"a\",\"init=/bin/sh\"]}}", 1, 1,
	  P1 ".kernelParams[1]", "'init=/bin/sh' would replace the init of the generation" },
	{ "line break in a parameter", "{\"" P1 "\":{" CORE ",\"kernelParams\":[\"a\\nb\"]}}", 1, 1,
	  P1 ".kernelParams[0]", "holds a line break or another control character" },
	{ "null extension", "{" V1("") ",\"org.x\":null}", 1, 1, "org.x",
	  "must not be null: an extension is there or it is not" },
	{ "extension is a string", "{" V1("") ",\"org.x\":\"a\"}", 1, 0, "org.x",
	  "must be an object, as every extension" },
	{ "null specialisations", "{" V1("") ",\"org.nixos.specialisation.v1\":null}", 1, 1,
	  "org.nixos.specialisation.v1", "must not be null: leave it out" },
	{ "specialisations are an array", "{" V1("") ",\"org.nixos.specialisation.v1\":[]}", 1, 1,
	  "org.nixos.specialisation.v1", "must be an object: a name for each specialisation" },
	{ "specialisation lacks v1", "{" V1("") "," SPEC1("") "}", 1, 1,
	  "org.nixos.specialisation.v1.s", "lacks 'org.nixos.bootspec.v1'" },
	{ "specialisation without a name",
	  "{" V1("") ",\"org.nixos.specialisation.v1\":{\"\":{" V1("") "}}}", 1, 1,
	  "org.nixos.specialisation.v1.\"\"", "has a name that no boot entry can carry" },
	{ "nested in v1", "{" V1("") "," SPEC1(V1("") "," SPEC1(V1(""))) "}", 1, 0,
	  "org.nixos.specialisation.v1.s.org.nixos.specialisation.v1",
	  "nests specialisations, which version 1 leaves undefined" },
	{ "versions disagree", "{" V1(",\"initrd\":\"/x\"") "," V2(",\"initrds\":[\"/y\"]") "}", 1,
	  1, P1, "says something else than 'org.nixos.bootspec.v2'" },
	{ "sort key is a number", "{" V1("") ",\"org.nixos.systemd-boot\":{\"sortKey\":1}}", 1, 1,
	  "org.nixos.systemd-boot.sortKey", "must be a string" },
	{ "secret with a relative path",
	  "{" V1("") ",\"org.nixos.initrd-secrets.v1\":{\"a\":\"b\"}}", 1, 1,
	  "org.nixos.initrd-secrets.v1.a", "must be an absolute path, and is 'b'" },
	{ "newer version beside", "{" V1("") ",\"org.nixos.bootspec.v3\":{}}", 0, 0,
	  "org.nixos.bootspec.v3", "is a version that is not known here and is not read" },
};

static void check_row(const struct problem_row *row, enum ih_bootspec_mode mode, int errors)
{
	struct ih_bootspec_problems problems = { 0 };
	struct ih_bootspec_doc *doc = NULL;
	struct ih_diag diag = { 0 };
	int r;

	r = ih_bootspec_parse("t", row->text, strlen(row->text), mode, &problems, &doc, &diag);
	cr_expect_eq(r, errors ? -EBADMSG : 0, "%s: %d %s", row->what, r, diag.text);
	cr_expect_eq((int)problems.errors, errors < 0 ? 0 : errors, "%s: %zu errors", row->what,
		     problems.errors);
	cr_expect((doc != NULL) == (r == 0));
	if (r < 0)
		cr_expect(diag.text[0], "%s: a sentence", row->what);
	if (row->says[0]) {
		cr_assert_gt(problems.n, 0, "%s", row->what);
		cr_expect_str_eq(problems.items[0].path, row->path, "%s: %s", row->what,
				 problems.items[0].path);
		cr_expect_str_eq(problems.items[0].text, row->says, "%s: %s", row->what,
				 problems.items[0].text);
	} else {
		cr_expect_eq(problems.n, 0, "%s: %s", row->what,
			     problems.n ? problems.items[0].text : "");
	}
	ih_bootspec_problems_done(&problems);
	ih_bootspec_doc_free(doc);
}

Test(bootspec, problems)
{
	for (size_t i = 0; i < sizeof(problem_rows) / sizeof(problem_rows[0]); i++) {
		check_row(&problem_rows[i], IH_BOOTSPEC_STRICT, problem_rows[i].strict);
		check_row(&problem_rows[i], IH_BOOTSPEC_TOLERANT, problem_rows[i].tolerant);
	}
}

static struct ih_bootspec_doc *parse(const char *text)
{
	struct ih_bootspec_problems problems = { 0 };
	struct ih_bootspec_doc *doc = NULL;
	struct ih_diag diag = { 0 };

	cr_assert_eq(ih_bootspec_parse("t", text, strlen(text), IH_BOOTSPEC_TOLERANT, &problems,
				       &doc, &diag),
		     0, "%s", diag.text);
	ih_bootspec_problems_done(&problems);
	return doc;
}

Test(bootspec, extensions_are_kept_byte_for_byte)
{
	static const char odd[] = "{ \"b\" :1.50,\"a\":[ 1e3,\"\\u00e9\\/\" ],  \"n\":null}";
	struct ih_text text = { 0 }, out = { 0 }, again = { 0 };
	struct ih_bootspec_doc *doc, *second;

	(void)ih_text_addf(
		&text,
		"{" V1(",\"initrd\":\"/i\"") ",\"org.x\":%s," SPEC1(V1("") ",\"org.y\":%s") "}",
		odd, odd);
	doc = parse(text.data);
	cr_assert_eq(ih_bootspec_print(&doc->spec, 2, &out, NULL), 0);
	cr_expect(strstr(out.data, odd), "%s", out.data);
	second = parse(out.data);
	cr_expect_eq(second->spec.version, 2);
	cr_assert_eq(ih_bootspec_print(&second->spec, 1, &again, NULL), 0);
	cr_expect(strstr(strstr(again.data, odd) + 1, odd), "in the specialisation too");
	ih_bootspec_doc_free(doc);
	doc = parse(again.data);
	ih_text_done(&out);
	cr_expect_eq(ih_bootspec_diff(&doc->spec, &second->spec, &out), 0, "%s", ih_text_get(&out));
	ih_text_done(&text);
	ih_text_done(&out);
	ih_text_done(&again);
	ih_bootspec_doc_free(doc);
	ih_bootspec_doc_free(second);
}

struct convert_row {
	char what[24], text[700];
	unsigned int to;
	char says[160];
};

static const struct convert_row convert_rows[] = {
	{ "two initrds", "{" V2(",\"initrds\":[\"/a\",\"/b\"]") "}", 1,
	  "'L' has more than one initrd, which version 1 cannot say; keep version 2 for it" },
	{ "device tree", "{" V2(",\"initrds\":[],\"devicetree\":\"/d\"") "}", 1,
	  "'L' has a device tree, which version 1 cannot say; keep version 2 for it" },
	{ "fdtdir", "{" V2(",\"initrds\":[],\"fdtdir\":\"/d\"") "}", 1,
	  "'L' has a directory of device trees, which version 1 cannot say; keep version 2 for "
	  "it" },
	{ "secrets program",
	  "{" V1("") "," SPEC1(V1(",\"initrd\":\"/i\",\"initrdSecrets\":\"/s\"")) "}", 2,
	  "specialisation 's': 'L' has the initrdSecrets program '/s', which version 2 cannot "
	  "say" },
};

Test(bootspec, never_drops_what_a_version_cannot_say)
{
	for (size_t i = 0; i < sizeof(convert_rows) / sizeof(convert_rows[0]); i++) {
		const struct convert_row *row = &convert_rows[i];
		struct ih_bootspec_doc *doc = parse(row->text);
		struct ih_diag diag = { 0 };
		struct ih_text out = { 0 };

		cr_expect_eq(ih_bootspec_print(&doc->spec, row->to, &out, &diag), -EOPNOTSUPP, "%s",
			     row->what);
		cr_expect_eq(strncmp(diag.text, row->says, strlen(row->says)), 0, "%s: %s",
			     row->what, diag.text);
		ih_text_done(&out);
		ih_bootspec_doc_free(doc);
	}
}

struct diff_row {
	char what[24], a[700], b[700], want[200];
};

static const struct diff_row diff_rows[] = {
	{ "same", "{" V1("") "}", "{" V1("") "}", "" },
	{ "same in another version", "{" V1("") "}", "{" V2(",\"initrds\":[]") "}", "" },
	{ "initrd", "{" V1("") "}", "{" V1(",\"initrd\":\"/i\"") "}", "+ initrd /i\n" },
	{ "parameters", "{\"" P1 "\":{" CORE ",\"kernelParams\":[\"a\",\"b\",\"c\"]}}",
	  "{\"" P1 "\":{" CORE ",\"kernelParams\":[\"a\",\"x y\",\"c\"]}}",
	  "- parameter b\n+ parameter 'x y'\n" },
	{ "extension", "{" V1("") ",\"a\":{},\"b\":{}}", "{" V1("") ",\"b\":{\"x\":1},\"c\":{}}",
	  "- extension a\n! extension b differs\n+ extension c\n" },
	{ "specialisation", "{" V1("") "," SPEC1(V1("")) "}",
	  "{" V1("") "," SPEC1(V1(",\"initrd\":\"/i\"")) "}", "+ specialisation 's': initrd /i\n" },
	{ "no specialisation", "{" V1("") "," SPEC1(V1("")) "}", "{" V1("") "}",
	  "- specialisation s\n" },
};

Test(bootspec, diff)
{
	for (size_t i = 0; i < sizeof(diff_rows) / sizeof(diff_rows[0]); i++) {
		const struct diff_row *row = &diff_rows[i];
		struct ih_bootspec_doc *a = parse(row->a), *b = parse(row->b);
		struct ih_text out = { 0 };
		int n = 0;

		for (const char *c = row->want; *c; c++)
			n += *c == '\n';
		cr_expect_eq(ih_bootspec_diff(&a->spec, &b->spec, &out), n, "%s", row->what);
		cr_expect_str_eq(ih_text_get(&out), row->want, "%s: %s", row->what,
				 ih_text_get(&out));
		ih_text_done(&out);
		ih_bootspec_doc_free(a);
		ih_bootspec_doc_free(b);
	}
}

Test(bootspec, cmdline)
{
	struct ih_bootspec_doc *doc =
		parse("{\"" P1 "\":{" CORE ",\"kernelParams\":[\"a\",\"b=\\\"c d\\\"\"]}}");
	struct ih_text out = { 0 };

	cr_assert_eq(ih_bootspec_cmdline(&doc->spec, &out, NULL), 0);
	cr_expect_str_eq(out.data, "init=/t/init a b=\"c d\"");
	ih_text_done(&out);
	ih_bootspec_doc_free(doc);
}

Test(bootspec, ten_thousand_specialisations)
{
	struct ih_text text = { 0 }, out = { 0 };
	struct ih_bootspec_doc *doc;

	(void)ih_text_addf(&text, "{" V1("") ",\"org.nixos.specialisation.v1\":{");
	for (int i = 0; i < 10000; i++)
		(void)ih_text_addf(&text, "%s\"s%d\":{" V1(",\"initrd\":\"/i\"") ",\"org.x\":{}}",
				   i ? "," : "", i);
	(void)ih_text_addf(&text, "}}");
	doc = parse(text.data);
	cr_expect_eq(doc->spec.n_specialisations, 10000);
	cr_expect_eq(ih_bootspec_print(&doc->spec, 2, &out, NULL), 0);
	ih_text_done(&text);
	ih_text_done(&out);
	ih_bootspec_doc_free(doc);
}

Test(bootspec, many_problems_are_counted)
{
	struct ih_bootspec_problems problems = { 0 };
	struct ih_bootspec_doc *doc = NULL;
	struct ih_text text = { 0 };
	struct ih_diag diag = { 0 };

	(void)ih_text_addf(&text, "{\"" P2 "\":{" CORE ",\"kernelParams\":[],\"initrds\":[0");
	for (int i = 0; i < 2000; i++)
		(void)ih_text_addf(&text, ",%d", i);
	(void)ih_text_addf(&text, "]}}");
	cr_expect_eq(ih_bootspec_parse("t", text.data, text.len, IH_BOOTSPEC_STRICT, &problems,
				       &doc, &diag),
		     -EBADMSG);
	cr_expect_eq(problems.errors, 2001);
	cr_expect_eq(problems.n, IH_PROBLEMS_MAX);
	ih_bootspec_problems_done(&problems);
	ih_text_done(&text);
}
