/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy/policy.c and its sections: what a policy's JSON becomes. Refusals are in tests/policy. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "common/text.h"
#include "policy/explain.h"
#include "policy/policy.h"

static const char sample[] =
	"{ \"version\": 1, \"description\": \"d\",\n"
	"  \"trust\": [\n"
	"    { \"provider\": \"nix\", \"root\": \"/srv/r\", \"store\": \"/nix/store\",\n"
	"      \"database\": \"/nix/db\", \"signatures_needed\": 2,\n"
	"      \"keys\": [ \"a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\n"
	"                \"b:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=\" ],\n"
	"      \"accept_content_addressed\": true },\n"
	"    { \"provider\": \"paths\", \"trees\": [ \"/usr\", \"/opt/x\" ] } ],\n"
	"  \"rules\": [\n"
	"    { \"name\": \"one\", \"verdict\": \"allow\", \"modes\": [ \"script\" ],\n"
	"      \"interpreters\": [ \"python\", \"perl\" ], \"program\": \">=owned\",\n"
	"      \"sources\": \">store\", \"uids\": [ 7, \"10-20\" ], \"units\": [ \"a.service\" ],\n"
	"      \"reason\": \"because\" },\n"
	"    { \"name\": \"two\", \"verdict\": \"deny\", \"enforce\": false,\n"
	"      \"interpreters\": [ \"perl\" ] } ],\n"
	"  \"environment\": { \"default\": { \"code\": \"drop\", \"keep\": [ \"A\", \"B_*\" ] },\n"
	"    \"interpreters\": { \"python\": { \"paths\": \"filter\", \"keep\": [] } } },\n"
	"  \"confinement\": { \"seccomp\": \"wanted\", \"landlock\": \"off\" } }\n";

static struct ih_policy *parse(const char *text)
{
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };

	cr_assert_eq(ih_policy_parse("p.json", text, strlen(text), NULL, &p, &diag), 0, "%s",
		     diag.text);
	return p;
}

Test(policy, providers)
{
	struct ih_policy *p = parse(sample);

	cr_assert_eq(p->n_providers, 2);
	cr_expect_eq(p->providers[0].kind, IH_PROVIDER_NIX);
	cr_expect_str_eq(p->providers[0].root, "/srv/r");
	cr_expect_str_eq(p->providers[0].database, "/nix/db");
	cr_expect_eq(p->providers[0].n_keys, 2);
	cr_expect_eq(p->providers[0].sigs_needed, 2);
	cr_expect(p->providers[0].accept_content_addressed);
	cr_expect_eq(p->providers[1].kind, IH_PROVIDER_PATHS);
	cr_expect_str_eq(p->providers[1].trees[1], "/opt/x");
	ih_policy_free(p);
}

Test(policy, rules)
{
	struct ih_policy *p = parse(sample);
	const struct ih_rule *one = &p->rules[0], *two = &p->rules[1];

	cr_assert_eq(p->n_rules, 3, "two and the one that ends the list");
	cr_expect_eq(ih_policy_interpreter(p, "python"), 1);
	cr_expect_eq(ih_policy_interpreter(p, "perl"), 2);
	cr_expect_eq(ih_policy_interpreter(p, "ruby"), 0);
	cr_expect_eq(ih_policy_interpreter(p, NULL), 0);
	cr_expect_eq(ih_policy_unit(p, "a.service"), 1);
	cr_expect_eq(one->interpreters[0], 6);
	cr_expect_eq(two->interpreters[0], 4);
	cr_expect_eq(one->modes, 1u << IH_MODE_SCRIPT);
	cr_expect_eq(one->program_min, IH_TRUST_OWNED);
	cr_expect_eq(one->sources_min, IH_TRUST_STORE + 1);
	cr_expect_eq(one->n_uids, 2);
	cr_expect_eq(one->uids[1].last, 20);
	cr_expect_eq(one->verdict, IH_ALLOW);
	cr_expect_str_eq(p->info[0].reason, "because");
	cr_expect_str_eq(p->info[0].file, "p.json");
	cr_expect_eq(p->info[0].line, 10);
	cr_expect_eq(two->verdict, IH_DENY);
	cr_expect(two->report_only);
	cr_expect_eq(p->info[1].line, 14);
	cr_expect_not(p->info[2].given);
	cr_expect_not(p->rules[2].report_only, "enforced unless the policy says otherwise");
	ih_policy_free(p);
}

Test(policy, environment)
{
	struct ih_policy *p = parse(sample);
	const struct ih_env_treatment *t = ih_policy_environment(p, NULL);

	cr_expect_eq(t->code, IH_ENV_CODE_DROP);
	cr_expect_eq(t->paths, IH_ENV_PATHS_REFUSE, "what is not said is strict");
	cr_expect(ih_env_keeps(t, "A", 1));
	cr_expect_not(ih_env_keeps(t, "AB", 2));
	cr_expect(ih_env_keeps(t, "B_X", 3));
	cr_expect(ih_env_keeps(t, "B_", 2));
	cr_expect_not(ih_env_keeps(t, "B", 1));
	cr_expect_eq(ih_policy_environment(p, "perl"), t);
	t = ih_policy_environment(p, "python");
	cr_expect_eq(t->code, IH_ENV_CODE_DROP, "inherited");
	cr_expect_eq(t->paths, IH_ENV_PATHS_FILTER);
	cr_expect_eq(t->n_keep, 0, "taken back");
	cr_expect_eq(p->confinement[IH_STEP_SECCOMP], IH_DEMAND_WANTED);
	cr_expect_eq(p->confinement[IH_STEP_LANDLOCK], IH_DEMAND_OFF);
	cr_expect_eq(p->confinement[IH_STEP_CAPABILITIES], IH_DEMAND_REQUIRED);
	ih_policy_free(p);
}

Test(policy, own_rules_go_before_those_of_the_profile)
{
	struct ih_policy *base = NULL, *p;

	cr_assert_eq(ih_policy_profile("server", &base, NULL), 0);
	p = parse("{ \"version\": 1, \"extends\": \"server\",\n"
		  "  \"rules\": [ { \"name\": \"mine\", \"verdict\": \"deny\" } ] }");
	cr_expect_eq(p->n_rules, base->n_rules + 1);
	cr_expect_str_eq(p->info[0].name, "mine");
	cr_expect_str_eq(p->info[0].file, "p.json");
	cr_expect_str_eq(p->info[1].name, base->info[0].name);
	cr_expect_str_eq(p->info[1].file, "profile 'server'");
	cr_expect_eq(p->n_providers, base->n_providers);
	ih_policy_free(p);

	p = parse("{ \"version\": 1, \"extends\": \"server\", \"enforce\": false }");
	for (size_t i = 0; i < p->n_rules; i++)
		cr_expect_eq(p->rules[i].report_only, p->rules[i].verdict == IH_DENY, "rule %zu",
			     i);
	ih_policy_free(p);
	ih_policy_free(base);
}

Test(policy, profiles)
{
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };
	size_t i;

	for (i = 0; ih_profile_name(i); i++) {
		cr_assert_eq(ih_policy_profile(ih_profile_name(i), &p, &diag), 0, "%s", diag.text);
		cr_expect(p->description);
		cr_expect_eq(p->enforce, !!strcmp(ih_profile_name(i), "audit"));
		ih_policy_free(p);
	}
	cr_expect_eq(i, 4);
	cr_expect_eq(ih_policy_profile("none", &p, &diag), -ENOENT);
	cr_expect_str_eq(diag.text, "there is no built-in profile 'none'; there are server, "
				    "appliance, audit, developer");
}

static int look_up(const char *name, uint32_t *ret)
{
	if (strcmp(name, "alice"))
		return -ENOENT;
	*ret = 1234;
	return 0;
}

Test(policy, names_of_users)
{
	static const char with[] =
		"{ \"version\": 1, \"extends\": \"server\", \"rules\": [\n"
		"  { \"name\": \"a\", \"verdict\": \"deny\", \"users\": [ \"alice\" ],"
		" \"groups\": [ \"alice\" ] } ] }";
	static const char bad[] =
		"{ \"version\": 1, \"extends\": \"server\", \"rules\": [\n"
		"  { \"name\": \"a\", \"verdict\": \"deny\", \"users\": [ \"bob\" ] } ] }";
	struct ih_policy_names names = { look_up, look_up };
	struct ih_policy *p = NULL;
	struct ih_diag diag = { 0 };

	cr_assert_eq(ih_policy_parse("p", with, strlen(with), &names, &p, &diag), 0, "%s",
		     diag.text);
	cr_expect_eq(p->rules[0].uids[0].first, 1234);
	cr_expect_eq(p->rules[0].n_gids, 1);
	ih_policy_free(p);
	cr_expect_eq(ih_policy_parse("p", bad, strlen(bad), &names, &p, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "p: line 2: rules[0].users[0]: there is no user 'bob'");
	cr_expect_eq(ih_policy_parse("p", with, strlen(with), NULL, &p, &diag), -EBADMSG);
	cr_expect_str_eq(diag.text, "p: line 2: rules[0].users[0]: names cannot be looked up here; "
				    "write the number instead");
}

struct explained {
	struct ih_text t;
};

static void note(size_t rule, bool matched, const char *sentence, void *data)
{
	struct explained *e = data;

	(void)ih_text_addf(&e->t, "%zu%c %s\n", rule, matched ? '+' : '-', sentence);
}

Test(policy, explain)
{
	struct ih_facts f = { .mode = IH_MODE_INLINE, .program = IH_TRUST_OWNED, .uid = 1 };
	struct ih_subject_names names = { .interpreter = "bash",
					  .invocation = "option '-c' carries code" };
	struct ih_policy *p = NULL;
	struct explained e = { 0 };
	struct ih_text t = { 0 };
	struct ih_answer a;

	cr_assert_eq(ih_policy_profile("server", &p, NULL), 0);
	a = ih_policy_decide(p, &f);
	cr_assert_eq(ih_explain(p, &f, &a, &names, &t), 0);
	cr_expect_str_eq(ih_text_get(&t),
			 "option '-c' carries code, and bash may not be given code "
			 "on its command line");
	ih_text_done(&t);
	cr_assert_eq(ih_explain_rules(p, &f, note, &e), 0);
	cr_expect_str_eq(ih_text_get(&e.t),
			 "0- the mode is inline, the rule is for program\n"
			 "1- the mode is inline, the rule is for none\n"
			 "2- the mode is inline, the rule is for script, module\n"
			 "3- the rule needs pure\n"
			 "4- the caller is unverified, the rule is for verified\n"
			 "5- the mode is inline, the rule is for interactive\n"
			 "6+ no rule before matched: deny\n");
	ih_text_done(&e.t);
	ih_policy_free(p);
}
