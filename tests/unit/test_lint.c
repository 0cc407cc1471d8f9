/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy/lint.c: beside each policy with a finding stands one without. Every row's rules are put
 * into the same small policy.
 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "policy/lint.h"

struct seen {
	char kinds[512]; /* "kind:rule kind:rule" */
	char last[512];
};

static void note(const struct ih_lint_finding *f, void *data)
{
	struct seen *s = data;
	size_t len = strlen(s->kinds);

	(void)snprintf(s->kinds + len, sizeof(s->kinds) - len, "%s%s:%s", len ? " " : "",
		       ih_lint_kind_name(f->kind), f->rule ? f->rule->name : "-");
	(void)snprintf(s->last, sizeof(s->last), "%s", f->sentence);
}

#define P	"'program':'>=owned'"
#define PS	P ",'sources':'>=owned'"
#define ALLOW	"'verdict':'allow'"
#define SCRIPTS "{'name':'a','modes':['script','module']," PS "," ALLOW "}"

struct row {
	char name[40], rules[640], kinds[160];
};

static const struct row rows[] = {
	{ "nothing to say", SCRIPTS, "" },
	{ "same again", SCRIPTS ",{'name':'b','modes':['script']," PS "," ALLOW "}", "shadowed:b" },
	{ "wider again", SCRIPTS ",{'name':'b','modes':['script','none']," PS "," ALLOW "}", "" },
	{ "denied before",
	  "{'name':'d','verdict':'deny','modes':['script']},"
	  "{'name':'b','modes':['script']," PS "," ALLOW "}",
	  "shadowed:b" },
	{ "denied to others before",
	  "{'name':'d','verdict':'deny','modes':['script'],'uids':[1]},"
	  "{'name':'b','modes':['script']," PS "," ALLOW "}",
	  "" },
	{ "denied to the same before",
	  "{'name':'d','verdict':'deny','modes':['script'],'uids':['1-9']},"
	  "{'name':'b','modes':['script'],'uids':[3,'5-6']," PS "," ALLOW "}",
	  "shadowed:b" },
	{ "denied to some of them before",
	  "{'name':'d','verdict':'deny','modes':['script'],'uids':['1-5']},"
	  "{'name':'b','modes':['script'],'uids':[3,'5-6']," PS "," ALLOW "}",
	  "" },
	{ "two together deny",
	  "{'name':'d','verdict':'deny','modes':['script'],'uids':['1-5']},"
	  "{'name':'e','verdict':'deny','modes':['script'],'uids':['6-9']},"
	  "{'name':'b','modes':['script'],'uids':['4-7']," PS "," ALLOW "}",
	  "unreachable:b" },
	{ "two together deny all but one",
	  "{'name':'d','verdict':'deny','modes':['script'],'uids':['1-5']},"
	  "{'name':'e','verdict':'deny','modes':['script'],'uids':['7-9']},"
	  "{'name':'b','modes':['script'],'uids':['4-7']," PS "," ALLOW "}",
	  "" },
	{ "both provenances and the third",
	  "{'name':'d','verdict':'deny','provenance':['verified']},"
	  "{'name':'e','verdict':'deny','provenance':['interactive','unverified']}," SCRIPTS,
	  "unreachable:a" },
	{ "interpreters together",
	  "{'name':'d','verdict':'deny','interpreters':['bash']},"
	  "{'name':'e','verdict':'deny','interpreters':['sh']},"
	  "{'name':'b','interpreters':['sh','bash'],'modes':['script']," PS "," ALLOW "}",
	  "unreachable:b" },
	{ "a doubt that only one tolerates",
	  SCRIPTS ",{'name':'b','modes':['script'],'tolerates':['unstable']," PS "," ALLOW "}",
	  "" },
	{ "a denial that needs a doubt",
	  "{'name':'d','verdict':'deny','needs':['unstable']}," SCRIPTS, "" },
	{ "same name", SCRIPTS ",{'name':'a','modes':['none']," PS "," ALLOW "}",
	  "duplicate-name:a" },
	{ "no interpreter of that name",
	  "{'name':'b','interpreters':['pyhton'],'modes':['script']," PS "," ALLOW "}",
	  "unknown-name:b" },
	{ "sealed, and nobody seals",
	  "{'name':'b','modes':['script'],'program':'>=sealed','sources':'any'," ALLOW "}",
	  "no-provider:b untrusted:b" },
	{ "sources of a class nobody gives",
	  "{'name':'b','modes':['script']," P ",'sources':'=signed'," ALLOW "}", "no-provider:b" },
	{ "any program",
	  "{'name':'b','modes':['program'],'program':'any','sources':'>=owned'," ALLOW "}",
	  "untrusted:b" },
	{ "own program",
	  "{'name':'b','modes':['program'],'program':'any','sources':'>=owned','needs':['own'],'"
	  "uids':['1000-1999']"
	  "," ALLOW "}",
	  "" },
	{ "own program of root",
	  "{'name':'b','modes':['program'],'program':'any','sources':'>=owned','needs':['own']"
	  "," ALLOW "}",
	  "untrusted:b" },
	{ "any source", "{'name':'b','modes':['script']," P ",'sources':'any'," ALLOW "}",
	  "untrusted:b" },
	{ "unclear", "{'name':'b','modes':['unclear']," PS "," ALLOW "}", "broad:b" },
	{ "inline for all", "{'name':'b','modes':['inline']," PS "," ALLOW "}", "broad:b" },
	{ "inline if pure", "{'name':'b','modes':['inline'],'needs':['pure']," PS "," ALLOW "}",
	  "" },
	{ "inline from verified",
	  "{'name':'b','modes':['inline'],'provenance':['verified']," PS "," ALLOW "}", "" },
	{ "inline for one user", "{'name':'b','modes':['inline'],'uids':[7]," PS "," ALLOW "}",
	  "" },
	{ "prompts for all", "{'name':'b','modes':['interactive']," PS "," ALLOW "}", "broad:b" },
	{ "memfd", "{'name':'b','modes':['program'],'tolerates':['no-name']," PS "," ALLOW "}",
	  "broad:b" },
	{ "pure script", "{'name':'b','modes':['script'],'needs':['pure']," PS "," ALLOW "}",
	  "never:b" },
	{ "needs what it does not tolerate",
	  "{'name':'b','modes':['program'],'needs':['set-id']," PS "," ALLOW "}", "never:b" },
	{ "needs what it tolerates",
	  "{'name':'b','modes':['program'],'needs':['set-id'],'tolerates':['set-id']," PS "," ALLOW
	  "}",
	  "" },
	{ "one rule reports only", "{'name':'b','verdict':'deny','enforce':false,'uids':[1]}",
	  "not-enforced:b" },
};

static struct ih_policy *parse(const char *rules, const char *trees)
{
	char text[2048];
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };

	(void)snprintf(
		text, sizeof(text),
		"{'version':1,'trust':[{'provider':'paths','trees':['%s']},{'provider':'nix',"
		"'keys_from':'/k'}],'rules':[%s]}",
		trees, rules);
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	cr_assert_eq(ih_policy_parse("p", text, strlen(text), NULL, &p, &diag), 0, "%s: %s",
		     diag.text, text);
	return p;
}

Test(lint, rules)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ih_policy *p = parse(rows[i].rules, "/usr");
		struct seen seen = { 0 };

		cr_assert_eq(ih_policy_lint(p, ih_grammars_builtin(), note, &seen), 0);
		cr_expect_str_eq(seen.kinds, rows[i].kinds, "%s: got '%s'", rows[i].name,
				 seen.kinds);
		ih_policy_free(p);
	}
}

Test(lint, trees)
{
	static const char trees[][12] = { "/", "/tmp", "/home", "/nix/store" };
	struct ih_policy *p;

	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		struct seen seen = { 0 };

		p = parse(SCRIPTS, trees[i]);
		cr_assert_eq(ih_policy_lint(p, NULL, note, &seen), 0);
		cr_expect_str_eq(seen.kinds, "tree:-", "%s", trees[i]);
		ih_policy_free(p);
	}
}

/* What ihard itself ships says what it means. */
Test(lint, profiles)
{
	for (size_t i = 0; ih_profile_name(i); i++) {
		struct ih_policy *p = NULL;
		struct seen seen = { 0 };

		cr_assert_eq(ih_policy_profile(ih_profile_name(i), &p, NULL), 0);
		cr_assert_eq(ih_policy_lint(p, ih_grammars_builtin(), note, &seen), 0);
		cr_expect_str_eq(seen.kinds,
				 strcmp(ih_profile_name(i), "audit") ? "" : "not-enforced:-",
				 "%s: %s %s", ih_profile_name(i), seen.kinds, seen.last);
		ih_policy_free(p);
	}
}
