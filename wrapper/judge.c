/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts to answers, and the sentence for the one that decides. */
#include "wrapper/judge.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "policy/explain.h"
#include "wrapper/unit.h"

static const char *path_or_name(const struct ih_evidence *e, const char *name)
{
	return e->path ? e->path : name;
}

/* The finding that a sentence should speak of: the script itself, if that alone would be refused.
 */
static const struct ih_finding *worst_source(const struct ih_hop *hop)
{
	const struct ih_finding *worst = NULL;

	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];

		if (f->standing != IH_STANDING_COUNTS)
			continue;
		if (f->main && f->evidence.trust < IH_TRUST_OWNED)
			return f;
		if (!worst || f->evidence.trust < worst->evidence.trust)
			worst = f;
	}
	return worst;
}

static const struct ih_finding *refused_variable(const struct ih_hop *hop)
{
	for (size_t i = 0; i < hop->n_findings; i++)
		if (hop->findings[i].standing == IH_STANDING_REFUSED)
			return &hop->findings[i];
	return NULL;
}

/* What an allowed command would lose of its path lists. */
static int add_filtered(const struct ih_hop *hop, struct ih_text *t)
{
	const struct ih_finding *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < hop->n_findings; i++) {
		if (hop->findings[i].standing != IH_STANDING_FILTERED)
			continue;
		first = first ? first : &hop->findings[i];
		n++;
	}
	if (!first)
		return 0;
	(void)ih_text_addf(t, "; %s is filtered: without ", first->via);
	(void)ih_text_quote(t, first->text, strlen(first->text));
	return n > 1 ? ih_text_addf(t, " and %zu more", n - 1) : 0;
}

static int explain(const struct ih_session *s, struct ih_judgement *j)
{
	const struct ih_hop *hop = ih_judgement_hop(j);
	const struct ih_answer *answer = &j->answers[j->decisive];
	const struct ih_finding *source = worst_source(hop);
	const struct ih_finding *refused = refused_variable(hop);
	struct ih_subject_names names = {
		.program = path_or_name(&hop->evidence, hop->name),
		.interpreter = hop->grammar ? ih_grammar_name(hop->grammar) : NULL,
		.source = source ? path_or_name(&source->evidence, source->text) : NULL,
		.evidence = source ? source->evidence.reason : hop->evidence.reason,
		.variable = refused ? refused->via : NULL,
		.invocation = hop->reason[0] ? hop->reason : NULL,
	};
	int r;

	if (answer->reason == IH_REASON_PROGRAM || answer->reason == IH_REASON_SET_ID)
		names.evidence = hop->evidence.reason;
	if (answer->reason == IH_REASON_ENVIRONMENT && refused)
		names.evidence = refused->evidence.reason;
	j->advice = answer->reason == IH_REASON_ALLOWED
			    ? ""
			    : ih_reason_advice((enum ih_reason)answer->reason);
	r = ih_explain(s->policy, &hop->facts, answer, &names, &j->sentence);
	return r < 0 || j->stops ? r : add_filtered(hop, &j->sentence);
}

/* One that cannot be found out is none: a rule for a unit does not match then. */
static uint32_t unit_of(const struct ih_policy *policy, pid_t pid)
{
	char name[IH_UNIT_NAME_MAX];

	if (!policy->n_units || ih_unit_of(pid, name) < 0)
		return 0;
	return ih_policy_unit(policy, name);
}

int ih_judge(const struct ih_session *s, const struct ih_judge_input *in, struct ih_judgement *ret,
	     struct ih_diag *diag)
{
	struct ih_gather_input gather = {
		.grammars = s->grammars,
		.trust = s->trust,
		.argc = in->argc,
		.argv = in->argv,
		.envp = in->envp,
		.stdin_kind = in->stdin_kind,
		.stdin_is_ours = in->stdin_is_ours,
		.policy = s->policy,
		.uid = in->uid,
		.program = in->program,
		.directory = in->directory,
		.pid = in->pid,
		.image = in->image,
	};
	uint32_t unit;
	int r;

	ret->gathered.n_hops = 0;
	memset(ret->answers, 0, sizeof(ret->answers));
	ret->decisive = 0;
	ret->reported = false;
	ret->sentence = (struct ih_text){ 0 };
	ret->stops = true;
	ret->advice = "";
	r = ih_gather(&gather, &ret->gathered, diag);
	if (r < 0)
		return r;

	unit = unit_of(s->policy, in->pid);
	ret->stops = false;
	ret->decisive = ret->gathered.n_hops - 1;
	for (size_t i = 0; i < ret->gathered.n_hops; i++) {
		struct ih_facts *facts = &ret->gathered.hops[i].facts;
		struct ih_answer *answer = &ret->answers[i];

		facts->provenance = (__u8)in->provenance;
		facts->uid = in->uid;
		facts->gid = in->gid;
		facts->unit = unit;
		*answer = ih_policy_decide(s->policy, facts);
		if (ih_answer_stops(answer)) {
			ret->stops = true;
			ret->decisive = i;
			break;
		}
		if (answer->verdict != IH_ALLOW && !ret->reported) {
			ret->reported = true;
			ret->decisive = i;
		}
	}
	if (in->only_refusals && !ret->stops && !ret->reported)
		return 0;
	r = explain(s, ret);
	return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
}

void ih_judgement_done(struct ih_judgement *j)
{
	ih_gathered_done(&j->gathered);
	ih_text_done(&j->sentence);
}

const char *ih_judgement_word(const struct ih_judgement *j)
{
	return j->stops ? "denied" : j->reported ? "audit" : "allowed";
}
