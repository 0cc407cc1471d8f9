/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Advice about policies: policy/lint.h says what is looked for. */
#include "policy/lint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "policy/cover.h"
#include "policy/words.h"

#define SENTENCE_MAX 512

struct lint {
	const struct ih_policy *policy;
	const struct ih_grammars *known;
	ih_lint_cb *each;
	void *data;
	uint32_t classes; /* bit per class that the providers can give */
};

static const char *const kind_names[IH_LINT_KINDS] = {
	[IH_LINT_SHADOWED] = "shadowed",
	[IH_LINT_UNREACHABLE] = "unreachable",
	[IH_LINT_NEVER] = "never",
	[IH_LINT_NO_PROVIDER] = "no-provider",
	[IH_LINT_DUPLICATE_NAME] = "duplicate-name",
	[IH_LINT_UNKNOWN_NAME] = "unknown-name",
	[IH_LINT_UNTRUSTED] = "untrusted",
	[IH_LINT_BROAD] = "broad",
	[IH_LINT_TREE] = "tree",
	[IH_LINT_NOT_ENFORCED] = "not-enforced",
};

const char *ih_lint_kind_name(enum ih_lint_kind kind)
{
	return kind < IH_LINT_KINDS ? kind_names[kind] : "?";
}

const char *ih_lint_level_name(enum ih_lint_level level)
{
	static const char *const names[IH_LINT_LEVELS] = { "note", "warning", "error" };

	return level < IH_LINT_LEVELS ? names[level] : "?";
}

__attribute__((format(printf, 5, 6))) static void say(const struct lint *l,
						      enum ih_lint_level level,
						      enum ih_lint_kind kind,
						      const struct ih_rule_info *rule,
						      const char *format, ...)
{
	char sentence[SENTENCE_MAX];
	struct ih_lint_finding finding = { level, kind, rule, sentence };
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	l->each(&finding, l->data);
}

static bool allows(const struct ih_rule *r)
{
	return r->verdict != IH_DENY;
}

/* Rules that never decide */

static void check_order(const struct lint *l, size_t i)
{
	const struct ih_policy *p = l->policy;
	const struct ih_rule_info *info = &p->info[i];

	for (size_t j = 0; j < i; j++) {
		bool same = p->rules[j].verdict == p->rules[i].verdict &&
			    p->rules[j].report_only == p->rules[i].report_only;

		if (!ih_rule_covers(&p->rules[j], &p->rules[i]))
			continue;
		say(l, same ? IH_LINT_WARNING : IH_LINT_ERROR, IH_LINT_SHADOWED, info,
		    "never decides: rule '%s' (line %u) comes first, matches all that it matches "
		    "and "
		    "%s",
		    p->info[j].name, p->info[j].line,
		    same ? "says the same" : "says something else");
		return;
	}
	if (ih_rule_reach(p->rules, i) == IH_REACH_NO)
		say(l, IH_LINT_ERROR, IH_LINT_UNREACHABLE, info,
		    "never decides: the rules before it, together, match all that it matches");
}

#define MODE(name) (1u << IH_MODE_##name)
#define WITH_FILES (MODE(SCRIPT) | MODE(MODULE))

/* Return: true when the rule can never match. */
static bool check_contradictions(const struct lint *l, size_t i)
{
	const struct ih_rule *r = &l->policy->rules[i];
	const struct ih_rule_info *info = &l->policy->info[i];
	uint32_t refused = r->needs & IH_FACT_DOUBTS & ~r->tolerates;

	if (!(r->interpreters[0] & 1) && r->modes == MODE(PROGRAM))
		say(l, IH_LINT_NOTE, IH_LINT_NEVER, info,
		    "names interpreters and mode 'program', which interpreters have only as "
		    "launchers of other programs");
	if (allows(r) && refused)
		say(l, IH_LINT_ERROR, IH_LINT_NEVER, info,
		    "never matches: it needs '%s' and does not tolerate it",
		    ih_fact_name(refused & -refused));
	if (r->needs & IH_FACT_PURE && !(r->modes & MODE(INLINE)))
		say(l, IH_LINT_ERROR, IH_LINT_NEVER, info,
		    "never matches: only inline text is 'pure', and mode 'inline' is not listed");
	return (allows(r) && refused) || (r->needs & IH_FACT_PURE && !(r->modes & MODE(INLINE)));
}

static uint32_t classes_between(unsigned int min, unsigned int max)
{
	return ((1u << (max + 1)) - 1) & ~((1u << min) - 1);
}

static void check_providers(const struct lint *l, size_t i)
{
	const struct ih_rule *r = &l->policy->rules[i];
	const struct ih_rule_info *info = &l->policy->info[i];
	bool needs_files = !(r->modes & ~WITH_FILES);

	if (!(classes_between(r->program_min, r->program_max) & l->classes))
		say(l, IH_LINT_ERROR, IH_LINT_NO_PROVIDER, info,
		    "never matches: it wants programs from %s to %s, and no trust provider of this "
		    "policy gives any such class",
		    ih_trust_name(r->program_min), ih_trust_name(r->program_max));
	else if (needs_files && !(classes_between(r->sources_min, r->sources_max) & l->classes))
		say(l, IH_LINT_ERROR, IH_LINT_NO_PROVIDER, info,
		    "never matches: it wants code from %s to %s, and no trust provider of this "
		    "policy gives any such class",
		    ih_trust_name(r->sources_min), ih_trust_name(r->sources_max));
}

/* Rules that allow too much */

static void check_trust(const struct lint *l, size_t i)
{
	const struct ih_rule *r = &l->policy->rules[i];
	const struct ih_rule_info *info = &l->policy->info[i];
	bool own = r->needs & IH_FACT_OWN;
	bool own_of_root = own && (!r->n_uids || ih_rule_has_id(r->uids, r->n_uids, 0));

	if (!allows(r))
		return;
	if (own_of_root)
		say(l, IH_LINT_WARNING, IH_LINT_UNTRUSTED, info,
		    "'own' means everything to root, who owns most files; list 'uids' without 0");
	if (!own && r->program_min < IH_TRUST_OWNED)
		say(l, IH_LINT_WARNING, IH_LINT_UNTRUSTED, info,
		    "allows programs that nobody vouches for: 'program' begins at %s",
		    ih_trust_name(r->program_min));
	if (!own && r->sources_min < IH_TRUST_OWNED)
		say(l, IH_LINT_WARNING, IH_LINT_UNTRUSTED, info,
		    "allows code that nobody vouches for: 'sources' begins at %s",
		    ih_trust_name(r->sources_min));
}

static void check_modes(const struct lint *l, size_t i)
{
	const struct ih_rule *r = &l->policy->rules[i];
	const struct ih_rule_info *info = &l->policy->info[i];
	bool unverified = r->provenances & 1u << IH_PROVENANCE_UNVERIFIED;
	bool anybody = !r->n_uids && !r->n_gids && !r->n_units;

	if (!allows(r))
		return;
	if (r->modes & MODE(UNCLEAR))
		say(l, IH_LINT_WARNING, IH_LINT_BROAD, info,
		    "allows what could not be understood: leave mode 'unclear' out, and describe "
		    "the "
		    "command line in an interpreter file");
	if (r->modes & (MODE(INLINE) | MODE(STDIN)) && unverified && anybody &&
	    !(r->needs & IH_FACT_PURE))
		say(l, IH_LINT_WARNING, IH_LINT_BROAD, info,
		    "allows anybody to hand code to an interpreter: limit 'provenance', the "
		    "subject, "
		    "or need 'pure'");
	if (r->modes & MODE(INTERACTIVE) && unverified && anybody)
		say(l, IH_LINT_WARNING, IH_LINT_BROAD, info,
		    "allows prompts to programs that nobody signed: limit 'provenance' or the "
		    "subject");
}

static void check_tolerance(const struct lint *l, size_t i)
{
	static const struct {
		uint32_t doubt;
		const char *why;
	} grave[] = {
		{ IH_FACT_NO_NAME, "nobody can have looked at code in memory or deleted files" },
		{ IH_FACT_IRREGULAR, "what comes out of a pipe can be anything" },
		{ IH_FACT_WRITABLE, "whoever runs it can change it first" },
		{ IH_FACT_ENV_CODE, "a variable then decides what runs" },
		{ IH_FACT_CUT_OFF, "what lies behind the limit is not looked at" },
	};
	const struct ih_rule *r = &l->policy->rules[i];

	if (!allows(r) || r->needs & IH_FACT_OWN)
		return;
	for (size_t k = 0; k < IH_ARRAY_SIZE(grave); k++)
		if (r->tolerates & grave[k].doubt)
			say(l, IH_LINT_WARNING, IH_LINT_BROAD, &l->policy->info[i],
			    "tolerates '%s': %s", ih_fact_name(grave[k].doubt), grave[k].why);
}

/* Names */

static void check_name(const struct lint *l, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (strcmp(l->policy->info[i].name, l->policy->info[j].name))
			continue;
		say(l, IH_LINT_WARNING, IH_LINT_DUPLICATE_NAME, &l->policy->info[i],
		    "has the name of the rule on line %u of '%s': an answer that names it is "
		    "ambiguous",
		    l->policy->info[j].line, l->policy->info[j].file);
		return;
	}
}

static bool is_known(const struct lint *l, const char *name)
{
	for (size_t i = 0; i < ih_grammars_count(l->known); i++)
		if (!strcmp(ih_grammar_name(ih_grammars_at(l->known, i)), name))
			return true;
	return false;
}

static void check_interpreters(const struct lint *l)
{
	const struct ih_policy *p = l->policy;

	if (!l->known)
		return;
	for (size_t i = 0; i < p->n_interpreters; i++) {
		if (is_known(l, p->interpreters[i]))
			continue;
		for (size_t r = 0; r + 1 < p->n_rules; r++) {
			const struct ih_rule *rule = &p->rules[r];

			if (!(rule->interpreters[0] & 1) &&
			    rule->interpreters[(i + 1) / 64] >> ((i + 1) % 64) & 1)
				say(l, IH_LINT_ERROR, IH_LINT_UNKNOWN_NAME, &p->info[r],
				    "names the interpreter '%s', which nobody knows; 'ihard "
				    "interpreters' lists them",
				    p->interpreters[i]);
		}
	}
	for (size_t i = 1; i < p->n_environment; i++)
		if (!is_known(l, p->environment[i].interpreter))
			say(l, IH_LINT_ERROR, IH_LINT_UNKNOWN_NAME, NULL,
			    "the environment section names the interpreter '%s', which nobody "
			    "knows; "
			    "'ihard interpreters' lists them",
			    p->environment[i].interpreter);
}

/* The policy as a whole */

static void check_tree(const struct lint *l, const char *tree)
{
	static const struct {
		const char *tree, *why;
	} bad[] = {
		{ "/", "everything that root owns anywhere would count as trusted" },
		{ "/tmp", "everybody writes there" },
		{ "/var/tmp", "everybody writes there" },
		{ "/dev/shm", "everybody writes there" },
		{ "/dev", "devices are no code" },
		{ "/proc", "the kernel makes it up" },
		{ "/sys", "the kernel makes it up" },
		{ "/run", "services write there" },
		{ "/home", "its files belong to people, who can write them" },
		{ "/var", "services write there" },
		{ "/nix/store", "a store's objects are trusted by their signatures: use provider "
				"'nix'" },
		{ "/nix", "a store's objects are trusted by their signatures: use provider 'nix'" },
	};

	for (size_t i = 0; i < IH_ARRAY_SIZE(bad); i++)
		if (!strcmp(bad[i].tree, tree))
			say(l, IH_LINT_WARNING, IH_LINT_TREE, NULL, "lists the tree '%s': %s", tree,
			    bad[i].why);
}

static void look_at_providers(struct lint *l)
{
	const struct ih_policy *p = l->policy;

	l->classes = 1u << IH_TRUST_UNKNOWN | 1u << IH_TRUST_UNTRUSTED;
	for (size_t i = 0; i < p->n_providers; i++) {
		const struct ih_provider *from = &p->providers[i];

		switch (from->kind) {
		case IH_PROVIDER_NIX:
			l->classes |= 1u << IH_TRUST_STORE | 1u << IH_TRUST_VERIFIED;
			break;
		case IH_PROVIDER_PATHS:
			l->classes |= 1u << IH_TRUST_OWNED;
			for (size_t k = 0; k < from->n_trees; k++)
				check_tree(l, from->trees[k]);
			break;
		case IH_PROVIDER_SEAL:
			l->classes |= 1u << IH_TRUST_SEALED;
			break;
		default:
			break;
		}
	}
}

int ih_policy_lint(const struct ih_policy *policy, const struct ih_grammars *known,
		   ih_lint_cb *each, void *data)
{
	struct lint l = { .policy = policy, .known = known, .each = each, .data = data };

	if (!policy->enforce)
		say(&l, IH_LINT_NOTE, IH_LINT_NOT_ENFORCED, NULL,
		    "nothing is enforced: denials are reported only");
	look_at_providers(&l);
	check_interpreters(&l);
	for (size_t i = 0; i + 1 < policy->n_rules; i++) {
		check_name(&l, i);
		check_providers(&l, i);
		if (!check_contradictions(&l, i))
			check_order(&l, i);
		check_trust(&l, i);
		check_modes(&l, i);
		check_tolerance(&l, i);
		if (policy->enforce && policy->rules[i].report_only)
			say(&l, IH_LINT_NOTE, IH_LINT_NOT_ENFORCED, &policy->info[i],
			    "is not enforced: what it denies is reported and runs");
	}
	return 0;
}
