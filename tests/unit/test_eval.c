/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Facts and answers: tests/tables/decide.tsv against the built-in profiles, and what no table can
 * hold: memory that nobody filled in, facts that cannot be, the shape of rules.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "common/fd.h"
#include "policy/explain.h"
#include "policy/policy.h"
#include "policy/words.h"

/* One "key=value" of the facts column. */
static void fill(struct ih_facts *f, char *word)
{
	char *value = strchr(word, '='), *flag, *rest;
	uint32_t bit;

	cr_assert(value, "'%s' has no '='", word);
	*value++ = '\0';
	if (!strcmp(word, "mode"))
		f->mode = (uint8_t)ih_mode_from_name(value);
	else if (!strcmp(word, "program"))
		f->program = (uint8_t)ih_trust_from_name(value);
	else if (!strcmp(word, "sources"))
		f->sources = (uint8_t)ih_trust_from_name(value);
	else if (!strcmp(word, "provenance"))
		f->provenance = (uint8_t)ih_provenance_from_name(value);
	else if (!strcmp(word, "n"))
		f->n_sources = (uint16_t)strtoul(value, NULL, 10);
	else if (!strcmp(word, "uid"))
		f->uid = (uint32_t)strtoul(value, NULL, 10);
	else if (!strcmp(word, "flags"))
		for (flag = strtok_r(value, ",", &rest); flag; flag = strtok_r(NULL, ",", &rest)) {
			cr_assert_eq(ih_fact_from_name(flag, &bit), 0, "flag '%s'", flag);
			f->flags |= bit;
		}
	else
		cr_assert_fail("unknown fact '%s'", word);
}

static void check_row(char *line)
{
	char *column[5], *rest, *word, *words, copy[512];
	struct ih_facts f = { .uid = 1000, .gid = 1000 };
	struct ih_policy *policy = NULL;
	struct ih_diag diag = { 0 };
	struct ih_answer a;
	const char *verdict;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (size_t i = 0; i < 5; i++) {
		column[i] = strsep(&line, "\t");
		cr_assert(column[i], "too few columns: %s", copy);
	}
	words = column[1];
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		fill(&f, word);

	cr_assert_eq(ih_policy_profile(column[0], &policy, &diag), 0, "%s", diag.text);
	a = ih_policy_decide(policy, &f);
	verdict = a.report_only ? "report" : ih_verdict_name(a.verdict);
	cr_expect_str_eq(verdict, column[2], "%s: verdict is %s", copy, verdict);
	cr_expect_str_eq(ih_reason_name(a.reason), column[3], "%s: reason is %s", copy,
			 ih_reason_name(a.reason));
	cr_assert(ih_policy_rule(policy, &a), "%s: no rule", copy);
	cr_expect_str_eq(ih_policy_rule(policy, &a)->name, column[4], "%s: rule is %s", copy,
			 ih_policy_rule(policy, &a)->name);
	cr_expect_eq(ih_answer_stops(&a), !strcmp(column[2], "deny"), "%s: stops", copy);
	ih_policy_free(policy);
}

Test(eval, table)
{
	char *text = NULL, *rest, *line;
	struct ih_diag diag = { 0 };
	size_t len, rows = 0;

	cr_assert_eq(ih_read_file(AT_FDCWD, IH_SOURCE_ROOT "/tests/tables/decide.tsv", 1 << 20,
				  &text, &len, &diag),
		     0, "%s", diag.text);
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (!*line || *line == '#')
			continue;
		check_row(line);
		rows++;
	}
	cr_expect_geq(rows, 90);
	free(text);
}

Test(eval, zero_denies)
{
	struct ih_rule rules[3] = { 0 };
	struct ih_facts f = { 0 };
	struct ih_answer a = { 0 };

	cr_expect(ih_answer_stops(&a), "an answer nobody gave");
	a = ih_decide(&f, NULL, 0);
	cr_expect(ih_answer_stops(&a), "no rules");
	cr_expect_eq(a.reason, IH_REASON_UNCLEAR);
	a = ih_decide(&f, rules, 3);
	cr_expect(ih_answer_stops(&a), "rules nobody filled in");
	cr_expect_eq(a.rule, 0, "and none of them matches");
	rules[1].verdict = IH_ALLOW;
	a = ih_decide(&f, rules, 3);
	cr_expect(ih_answer_stops(&a), "allow, and nothing else filled in");
}

static const struct ih_rule everything = {
	.interpreters = { ~0ull, ~0ull, ~0ull, ~0ull },
	.modes = ~0u,
	.provenances = ~0u,
	.tolerates = ~0u,
	.program_max = 255,
	.sources_max = 255,
	.verdict = IH_ALLOW,
};

struct bad_row {
	char name[24];
	struct ih_facts facts;
};

static const struct bad_row bad_rows[] = {
	{ "mode", { .mode = IH_MODE_MAX_ } },
	{ "mode wraps a word", { .mode = 32 + IH_MODE_SCRIPT } },
	{ "provenance", { .provenance = IH_PROVENANCE_MAX_ } },
	{ "program's class", { .program = IH_TRUST_MAX_ } },
	{ "sources' class", { .sources = 255 } },
	{ "interpreter", { .interpreter = 256 } },
};

Test(eval, facts_that_cannot_be)
{
	struct ih_facts good = { 0 };
	struct ih_answer a = ih_decide(&good, &everything, 1);

	cr_expect_eq(a.verdict, IH_ALLOW, "the rule allows what can be");
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		a = ih_decide(&bad_rows[i].facts, &everything, 1);
		cr_expect(ih_answer_stops(&a), "%s", bad_rows[i].name);
		cr_expect_eq(a.reason, IH_REASON_BAD_FACTS, "%s", bad_rows[i].name);
	}
}

Test(eval, verdict_out_of_range_denies)
{
	struct ih_rule rule = everything;
	struct ih_facts f = { 0 };
	struct ih_answer a;

	rule.verdict = 7;
	a = ih_decide(&f, &rule, 1);
	cr_expect(ih_answer_stops(&a));
}

/* Past the limit nothing is looked at, so nothing there can allow. */
Test(eval, more_rules_than_the_limit)
{
	struct ih_rule *rules = calloc(IH_RULES_MAX + 1, sizeof(*rules));
	struct ih_facts f = { 0 };
	struct ih_answer a;

	cr_assert(rules);
	rules[IH_RULES_MAX] = everything;
	a = ih_decide(&f, rules, IH_RULES_MAX + 1);
	cr_expect(ih_answer_stops(&a));
	rules[IH_RULES_MAX - 1] = everything;
	a = ih_decide(&f, rules, IH_RULES_MAX + 1);
	cr_expect_eq(a.verdict, IH_ALLOW);
	free(rules);
}

Test(eval, every_doubt_blocks_unless_tolerated)
{
	for (uint32_t bit = 0; bit < 16; bit++) {
		struct ih_rule rule = everything;
		struct ih_facts f = { .flags = 1u << bit };
		struct ih_answer a;

		rule.tolerates = ~f.flags;
		a = ih_decide(&f, &rule, 1);
		cr_expect(ih_answer_stops(&a), "doubt %u", bit);
		rule.tolerates = f.flags;
		a = ih_decide(&f, &rule, 1);
		cr_expect_eq(a.verdict, IH_ALLOW, "doubt %u tolerated", bit);
		rule.verdict = IH_DENY;
		rule.tolerates = 0;
		a = ih_decide(&f, &rule, 1);
		cr_expect_eq(a.reason, IH_REASON_RULE, "a denial needs no tolerance, %u", bit);
	}
}

Test(eval, subject)
{
	struct ih_rule rule = everything;
	struct ih_facts f = { .uid = 5, .gid = 50, .unit = 3 };

	rule.n_uids = 2;
	rule.uids[0] = (struct ih_id_range){ 1, 4 };
	rule.uids[1] = (struct ih_id_range){ 5, 5 };
	cr_expect_eq(ih_rule_miss(&rule, &f), IH_MISS_NONE);
	f.uid = 6;
	cr_expect_eq(ih_rule_miss(&rule, &f), IH_MISS_SUBJECT);
	f.uid = 0;
	cr_expect_eq(ih_rule_miss(&rule, &f), IH_MISS_SUBJECT);
	f.uid = 1;
	rule.n_units = 1;
	rule.units[0] = 3;
	cr_expect_eq(ih_rule_miss(&rule, &f), IH_MISS_NONE);
	f.unit = 4;
	cr_expect_eq(ih_rule_miss(&rule, &f), IH_MISS_SUBJECT);
	f.unit = 0;
	rule.units[0] = 0;
	cr_expect_eq(ih_rule_miss(&rule, &f), IH_MISS_SUBJECT, "an unlisted unit is no unit");
}

Test(eval, every_reason_has_words)
{
	for (int i = 0; i < IH_REASON_MAX_; i++) {
		cr_expect_str_neq(ih_reason_name(i), "?", "%d", i);
		cr_expect_eq(ih_reason_from_name(ih_reason_name(i)), i);
		cr_expect(ih_reason_sentence(i)[0], "%d", i);
		cr_expect(i == IH_REASON_ALLOWED || ih_reason_advice(i)[0], "%d", i);
	}
	cr_expect_str_eq(ih_reason_name(IH_REASON_MAX_), "?");
	cr_expect_eq(ih_reason_from_name("?"), -ENOENT);
}
