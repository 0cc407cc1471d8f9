/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers in words: for people, after the decision. */
#include "policy/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "policy/words.h"

static const struct {
	const char *sentence;
	const char *advice;
} texts[IH_REASON_MAX_] = {
	[IH_REASON_NONE] = { "nothing was decided", "this is a fault of ihard's: report it" },
	[IH_REASON_BAD_FACTS] = { "what was found out makes no sense",
				  "this is a fault of ihard's: report it" },
	[IH_REASON_ALLOWED] = { "a rule allows it", "" },
	[IH_REASON_RULE] = { "a rule refuses it", "change the rule, or leave it at that" },
	[IH_REASON_NO_RULE] = { "no rule allows it", "add a rule that allows it" },
	[IH_REASON_UNCLEAR] = { "how code reaches the interpreter could not be told",
				"use options that ihard knows ('ihard interpreters' lists them), "
				"or "
				"describe this one in an interpreter file" },
	[IH_REASON_PROGRAM] = { "the program is not trusted enough",
				"install it from a signed store or a listed tree, or have its "
				"store object signed by a key that the policy trusts" },
	[IH_REASON_SOURCE] = { "code that would run is not trusted enough",
			       "put the code into a signed store object or a listed tree; for work "
			       "in progress use profile 'developer'" },
	[IH_REASON_INLINE] = { "code on the command line is not allowed",
			       "put the code into a file and have that trusted" },
	[IH_REASON_STDIN] = { "code on standard input is not allowed",
			      "put the code into a file, have that trusted, and name it" },
	[IH_REASON_INTERACTIVE] = { "an interactive prompt is not allowed",
				    "name a script to run; a policy can allow prompts to people by "
				    "a rule with mode 'interactive'" },
	[IH_REASON_ENVIRONMENT] = { "the environment carries code that is not trusted",
				    "unset the variable, or use 'ihard run', which starts the "
				    "program without it" },
	[IH_REASON_UNKNOWN_VARIABLE] = { "the environment holds a variable that may carry code",
					 "unset the variable, or list it under 'keep' in the "
					 "policy's environment section" },
	[IH_REASON_NO_NAME] = { "code in memory or in a deleted file cannot be trusted",
				"run it from a file that is trusted" },
	[IH_REASON_IRREGULAR] = { "code from a pipe, socket or device cannot be trusted",
				  "run it from a regular file that is trusted" },
	[IH_REASON_NOEXEC] = { "the code lies on a file system mounted noexec",
			       "move it to a file system that may hold code" },
	[IH_REASON_WRITABLE] = { "whoever runs the code can also change it",
				 "give the file and its directories to root, writable by nobody "
				 "else" },
	[IH_REASON_UNSTABLE] = { "somebody but root can lead the name to another file",
				 "call the file by its own name" },
	[IH_REASON_SET_ID] = { "the program would gain privilege",
			       "have the policy tolerate 'set-id' for this program" },
	[IH_REASON_TOO_MUCH] = { "there is more to look at than ihard looks at",
				 "start it with fewer arguments, layers or code files" },
	[IH_REASON_SUBJECT] = { "the rule that would allow it is for others",
				"run it as the user or in the unit that the rule names" },
	[IH_REASON_PROVENANCE] = { "the rule that would allow it wants another caller",
				   "call it from code that the rule names" },
};

const char *ih_reason_sentence(enum ih_reason reason)
{
	return reason < IH_REASON_MAX_ ? texts[reason].sentence : "unknown reason";
}

const char *ih_reason_advice(enum ih_reason reason)
{
	return reason < IH_REASON_MAX_ ? texts[reason].advice : "";
}

static const char *or_else(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

/* ", because …" or ": …" behind a sentence; nothing when there is no evidence. */
static int add_evidence(struct ih_text *t, const char *evidence)
{
	return evidence && *evidence ? ih_text_addf(t, ": %s", evidence) : 0;
}

static int explain_file(const struct ih_facts *f, enum ih_reason reason,
			const struct ih_subject_names *n, struct ih_text *t)
{
	bool program = reason == IH_REASON_PROGRAM;
	__u8 trust = program ? f->program : ih_facts_sources(f);
	int r;

	if (!program && !f->n_sources)
		return ih_text_addf(t, "'%s' would run code from a file, and none was found",
				    or_else(n->program, "the interpreter"));

	if (program)
		r = ih_text_addf(t, "the program '%s' is ", or_else(n->program, "?"));
	else if (n->source && *n->source)
		r = ih_text_addf(t, "'%s' is ", n->source);
	else
		r = ih_text_addf(t, "code that would run is ");
	if (r == 0)
		r = trust <= IH_TRUST_UNTRUSTED ? ih_text_addf(t, "not trusted")
		    : trust == IH_TRUST_STORE
			    ? ih_text_addf(t, "in a store, but not verified")
			    : ih_text_addf(t, "%s, and more is asked for",
					   ih_trust_name((enum ih_trust_class)trust));
	return r < 0 ? r : add_evidence(t, n->evidence);
}

static int explain_denial(const struct ih_facts *f, enum ih_reason reason,
			  const struct ih_subject_names *n, struct ih_text *t)
{
	const char *interpreter = or_else(n->interpreter, or_else(n->program, "the interpreter"));
	const char *source = or_else(n->source, or_else(n->program, "the code"));

	switch (reason) {
	case IH_REASON_PROGRAM:
	case IH_REASON_SOURCE:
		return explain_file(f, reason, n, t);
	case IH_REASON_INLINE:
		return ih_text_addf(t, "%s, and %s may not be given code on its command line",
				    or_else(n->invocation, "the command line carries code"),
				    interpreter);
	case IH_REASON_STDIN:
		return ih_text_addf(
			t, "%s reads its code from standard input, and that is not allowed",
			interpreter);
	case IH_REASON_INTERACTIVE:
		return ih_text_addf(t, "%s would run whatever is typed, and that is not allowed",
				    interpreter);
	case IH_REASON_UNCLEAR:
		return ih_text_addf(t, "how code reaches %s could not be told: %s", interpreter,
				    or_else(n->invocation, "its command line is not understood"));
	case IH_REASON_ENVIRONMENT:
		return ih_text_addf(t, "the variable '%s' carries code that is not trusted",
				    or_else(n->variable, "?")) < 0
			       ? -ENOMEM
			       : add_evidence(t, n->evidence);
	case IH_REASON_UNKNOWN_VARIABLE:
		return ih_text_addf(t,
				    "the variable '%s' may carry code for %s, and ihard does not "
				    "know it",
				    or_else(n->variable, "?"), interpreter);
	case IH_REASON_NO_NAME:
	case IH_REASON_IRREGULAR:
	case IH_REASON_NOEXEC:
	case IH_REASON_WRITABLE:
	case IH_REASON_UNSTABLE:
		return ih_text_addf(t, "'%s': %s", source, ih_reason_sentence(reason)) < 0
			       ? -ENOMEM
			       : add_evidence(t, n->evidence);
	default:
		return ih_text_addf(t, "%s", ih_reason_sentence(reason));
	}
}

int ih_explain(const struct ih_policy *policy, const struct ih_facts *facts,
	       const struct ih_answer *answer, const struct ih_subject_names *names,
	       struct ih_text *ret)
{
	static const struct ih_subject_names nobody;
	const struct ih_rule_info *rule = ih_policy_rule(policy, answer);
	enum ih_reason reason = (enum ih_reason)answer->reason;

	if (rule && rule->given && rule->reason &&
	    (reason == IH_REASON_RULE || reason == IH_REASON_ALLOWED))
		return ih_text_addf(ret, "%s", rule->reason);
	if (rule && reason == IH_REASON_RULE)
		return ih_text_addf(ret, "rule '%s' refuses it", rule->name);
	if (rule && reason == IH_REASON_ALLOWED)
		return ih_text_addf(ret, "rule '%s' allows it", rule->name);
	return explain_denial(facts, reason, names ? names : &nobody, ret);
}

/* The rules one by one */

static void add_bits(struct ih_text *t, uint32_t bits, const char *(*name)(uint32_t))
{
	const char *comma = "";

	for (uint32_t i = 0; i < 32; i++) {
		if (!(bits >> i & 1))
			continue;
		(void)ih_text_addf(t, "%s%s", comma, name(i));
		comma = ", ";
	}
}

static const char *mode_word(uint32_t bit)
{
	return ih_mode_name((enum ih_mode)bit);
}

static const char *provenance_word(uint32_t bit)
{
	return ih_provenance_name((enum ih_provenance)bit);
}

static const char *fact_word(uint32_t bit)
{
	return ih_fact_name(1u << bit);
}

static void add_range(struct ih_text *t, const char *what, unsigned int is, unsigned int min,
		      unsigned int max)
{
	const char *is_name = ih_trust_name((enum ih_trust_class)is);

	if (is < min)
		(void)ih_text_addf(t, "%s %s, the rule wants at least %s", what, is_name,
				   ih_trust_name((enum ih_trust_class)min));
	else
		(void)ih_text_addf(t, "%s %s, the rule is for at most %s", what, is_name,
				   ih_trust_name((enum ih_trust_class)max));
}

static void add_subject(struct ih_text *t, const struct ih_rule *r, const struct ih_facts *f)
{
	if (!ih_rule_has_id(r->uids, r->n_uids, f->uid))
		(void)ih_text_addf(t, "the rule is not for uid %u", f->uid);
	else if (!ih_rule_has_id(r->gids, r->n_gids, f->gid))
		(void)ih_text_addf(t, "the rule is not for gid %u", f->gid);
	else
		(void)ih_text_addf(t, "the rule is for other units");
}

static void add_miss(struct ih_text *t, const struct ih_rule *r, const struct ih_facts *f,
		     enum ih_miss miss)
{
	switch (miss) {
	case IH_MISS_NONE:
		(void)ih_text_addf(t, "matches: %s", ih_verdict_name((enum ih_verdict)r->verdict));
		break;
	case IH_MISS_INTERPRETER:
		(void)ih_text_addf(t, "the rule is for other interpreters");
		break;
	case IH_MISS_MODE:
		(void)ih_text_addf(t, "the mode is %s, the rule is for ",
				   ih_mode_name((enum ih_mode)f->mode));
		add_bits(t, r->modes, mode_word);
		break;
	case IH_MISS_SUBJECT:
		add_subject(t, r, f);
		break;
	case IH_MISS_PROVENANCE:
		(void)ih_text_addf(t, "the caller is %s, the rule is for ",
				   ih_provenance_name((enum ih_provenance)f->provenance));
		add_bits(t, r->provenances, provenance_word);
		break;
	case IH_MISS_PROGRAM:
		add_range(t, "the program is", f->program, r->program_min, r->program_max);
		break;
	case IH_MISS_SOURCES:
		add_range(t, "the code is", ih_facts_sources(f), r->sources_min, r->sources_max);
		break;
	case IH_MISS_DOUBT:
		(void)ih_text_addf(t, "the rule does not tolerate ");
		add_bits(t, f->flags & IH_FACT_DOUBTS & ~r->tolerates, fact_word);
		break;
	case IH_MISS_NEEDS:
	default:
		(void)ih_text_addf(t, "the rule needs ");
		add_bits(t, r->needs & ~f->flags, fact_word);
	}
}

int ih_explain_rules(const struct ih_policy *policy, const struct ih_facts *facts,
		     ih_explain_cb *each, void *data)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct ih_rule *rule = &policy->rules[i];
		enum ih_miss miss = ih_rule_miss(rule, facts);
		struct ih_text t = { 0 };

		if (policy->info[i].given)
			add_miss(&t, rule, facts, miss);
		else
			(void)ih_text_addf(&t, "no rule before matched: deny");
		if (t.oom) {
			ih_text_done(&t);
			return -ENOMEM;
		}
		each(i, miss == IH_MISS_NONE, ih_text_get(&t), data);
		ih_text_done(&t);
		if (miss == IH_MISS_NONE)
			break;
	}
	return 0;
}
