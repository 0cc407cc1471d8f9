/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A judgement as JSON: docs/schema/check.schema.json is the contract. */
#include "cli/check.h"
#include "policy/explain.h"
#include "policy/words.h"

static struct ih_json_out *json_evidence(const struct ih_evidence *e)
{
	struct ih_json_out *o = ih_json_new_object();
	struct ih_json_out *problems = ih_json_new_array();
	struct ih_json_out *signers = ih_json_new_array();

	ih_json_set_string(o, "trust", ih_trust_class_name(e->trust));
	ih_json_set_string(o, "path", e->path);
	ih_json_set_string(o, "object", e->object);
	ih_json_set_string(o, "reason", e->reason);
	for (size_t i = 0; i < e->n_problems; i++)
		ih_json_push(problems, ih_json_new_string(e->problems[i]));
	for (size_t i = 0; i < e->n_signers; i++)
		ih_json_push(signers, ih_json_new_string(e->signers[i]));
	ih_json_set(o, "problems", problems);
	ih_json_set(o, "signers", signers);
	return o;
}

static struct ih_json_out *json_source(const struct ih_finding *f)
{
	struct ih_json_out *o = ih_json_new_object();

	ih_json_set_string(o, "kind", ih_source_kind_name(f->kind));
	ih_json_set_string(o, "origin", ih_origin_name(f->origin));
	ih_json_set_string(o, "via", f->via);
	ih_json_set_string(o, "text", f->text);
	ih_json_set_string(o, "standing", ih_standing_name(f->standing));
	ih_json_set_bool(o, "main", f->main);
	ih_json_set(o, "evidence", json_evidence(&f->evidence));
	return o;
}

static struct ih_json_out *json_flags(uint32_t flags)
{
	struct ih_json_out *a = ih_json_new_array();

	for (unsigned int bit = 0; bit < 32; bit++)
		if (flags & (1u << bit))
			ih_json_push(a, ih_json_new_string(ih_fact_name(1u << bit)));
	return a;
}

static struct ih_json_out *json_hop(const struct ih_hop *hop)
{
	struct ih_json_out *o = ih_json_new_object();
	struct ih_json_out *argv = ih_json_new_array();
	struct ih_json_out *sources = ih_json_new_array();

	for (size_t i = 0; i < hop->argc; i++)
		ih_json_push(argv, ih_json_new_string(hop->argv[i]));
	for (size_t i = 0; i < hop->n_findings; i++)
		ih_json_push(sources, json_source(&hop->findings[i]));
	ih_json_set(o, "argv", argv);
	if (hop->launched_by >= 0)
		ih_json_set_u64(o, "launchedBy", (uint64_t)hop->launched_by);
	ih_json_set(o, "program", json_evidence(&hop->evidence));
	ih_json_set_string(o, "interpreter", hop->grammar ? ih_grammar_name(hop->grammar) : NULL);
	ih_json_set_string(o, "mode", ih_mode_name(hop->mode));
	ih_json_set_string(o, "invocation", hop->reason);
	ih_json_set(o, "flags", json_flags(hop->facts.flags));
	ih_json_set(o, "sources", sources);
	return o;
}

static struct ih_json_out *json_rule_object(const struct ih_rule_info *rule)
{
	struct ih_json_out *o = ih_json_new_object();

	ih_json_set_string(o, "name", rule->name);
	ih_json_set_string(o, "file", rule->file);
	ih_json_set_u64(o, "line", rule->line);
	return o;
}

/* null: no rule of the policy's decided */
static struct ih_json_out *json_rule(const struct ih_rule_info *rule)
{
	return rule && rule->given ? json_rule_object(rule) : ih_json_new_string(NULL);
}

struct considering {
	struct ih_json_out *list;
	const struct ih_session *session;
};

static void add_considered(size_t rule, bool matched, const char *sentence, void *data)
{
	const struct considering *c = data;
	struct ih_json_out *o = json_rule_object(&c->session->policy->info[rule]);

	ih_json_set_bool(o, "matched", matched);
	ih_json_set_string(o, "sentence", sentence);
	ih_json_push(c->list, o);
}

struct ih_json_out *ih_check_json(const struct ih_session *s, const struct ih_judgement *j,
				  const char *name, bool explain)
{
	const struct ih_answer *answer = &j->answers[j->decisive];
	struct ih_json_out *o = ih_json_new_object();
	struct ih_json_out *hops = ih_json_new_array();
	size_t last = j->stops ? j->decisive : j->gathered.n_hops - 1;

	ih_json_set_string(o, "name", name);
	ih_json_set_string(o, "verdict", ih_judgement_word(j));
	ih_json_set_string(o, "reason", ih_reason_name((enum ih_reason)answer->reason));
	ih_json_set_string(o, "sentence", ih_text_get(&j->sentence));
	ih_json_set_string(o, "advice", j->advice[0] ? j->advice : NULL);
	ih_json_set(o, "rule", json_rule(ih_policy_rule(s->policy, answer)));
	ih_json_set_u64(o, "decisive", j->decisive);
	for (size_t i = 0; i <= last; i++)
		ih_json_push(hops, json_hop(&j->gathered.hops[i]));
	ih_json_set(o, "programs", hops);
	if (explain) {
		struct considering c = { .list = ih_json_new_array(), .session = s };

		(void)ih_explain_rules(s->policy, &ih_judgement_hop(j)->facts, add_considered, &c);
		ih_json_set(o, "considered", c.list);
	}
	return o;
}
