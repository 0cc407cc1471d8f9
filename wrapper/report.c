/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told about a judgement: an event, and for audit mode the rule that would allow it. */
#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "policy/explain.h"
#include "policy/invocation.h"
#include "policy/words.h"
#include "wrapper/run_priv.h"
#include "wrapper/unit.h"

static const char *script_of(const struct ih_hop *hop)
{
	for (size_t i = 0; i < hop->n_findings; i++)
		if (hop->findings[i].main && hop->findings[i].evidence.path)
			return hop->findings[i].evidence.path;
	return NULL;
}

static bool has_a_say(const struct ih_finding *f)
{
	return f->standing == IH_STANDING_COUNTS || f->standing == IH_STANDING_MODE ||
	       f->standing == IH_STANDING_REFUSED;
}

/* Return: how many there are, of which the first IH_EVENT_SOURCES_MAX are filled in. */
static size_t list_sources(const struct ih_hop *hop,
			   struct ih_event_source ret[IH_EVENT_SOURCES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];

		if (!has_a_say(f))
			continue;
		if (n < IH_EVENT_SOURCES_MAX)
			ret[n] = (struct ih_event_source){
				.kind = ih_source_kind_name(f->kind),
				.origin = ih_origin_name(f->origin),
				.text = f->evidence.path ? f->evidence.path : f->text,
				.trust = f->standing == IH_STANDING_MODE
						 ? NULL
						 : ih_trust_name(f->evidence.trust),
			};
		n++;
	}
	return n;
}

const char *ih_run_asking(pid_t pid, char *buffer, size_t size)
{
	char link[32];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, buffer, size - 1);
	if (n <= 0)
		return NULL;
	buffer[n] = '\0';
	return buffer;
}

void ih_run_event(const struct ih_run *run, const struct ih_judgement *j, pid_t pid,
		  enum ih_run_stage stage)
{
	const struct ih_hop *hop = ih_judgement_hop(j);
	const struct ih_answer *answer = &j->answers[j->decisive];
	const struct ih_rule_info *rule = ih_policy_rule(run->session->policy, answer);
	struct ih_event_source sources[IH_EVENT_SOURCES_MAX];
	char exe[1024], unit[IH_UNIT_NAME_MAX];
	const struct ih_event_fields e = {
		.kind = j->stops && !run->audit	  ? IH_EVENT_DENIED
			: j->stops || j->reported ? IH_EVENT_AUDIT
						  : IH_EVENT_ALLOWED,
		.gate = stage == IH_RUN_COMMAND ? IH_EVENT_GATE_OUTER : IH_EVENT_GATE_TREE,
		.sentence = ih_text_get(&j->sentence),
		.advice = j->advice,
		.reason = ih_reason_name((enum ih_reason)answer->reason),
		.policy = run->session->policy->name,
		.rule = rule ? rule->name : NULL,
		.rule_file = rule ? rule->file : NULL,
		.rule_line = rule ? rule->line : 0,
		.program = hop->evidence.path ? hop->evidence.path : hop->name,
		.trust = ih_trust_name((enum ih_trust_class)hop->facts.program),
		.script = script_of(hop),
		.interpreter = hop->grammar ? ih_grammar_name(hop->grammar) : NULL,
		.mode = ih_mode_name(hop->mode),
		.argv = hop->argv,
		.sources = sources,
		.n_sources = list_sources(hop, sources),
		.pid = pid,
		.parent = stage == IH_RUN_COMMAND ? getppid() : 0,
		.uid = hop->facts.uid,
		.gid = hop->facts.gid,
		.exe = stage == IH_RUN_ATTEMPT ? ih_run_asking(pid, exe, sizeof(exe)) : NULL,
		.unit = ih_unit_of(pid, unit) == 0 ? unit : NULL,
		.provenance = ih_provenance_name((enum ih_provenance)hop->facts.provenance),
	};

	ih_event_send(run->events, &e);
}

void ih_run_memory_event(const struct ih_run *run, pid_t pid, const char *act, const char *file,
			 const char *sentence)
{
	char exe[1024], unit[IH_UNIT_NAME_MAX];
	const struct ih_event_fields e = {
		.kind = run->audit ? IH_EVENT_AUDIT : IH_EVENT_DENIED,
		.gate = IH_EVENT_GATE_TREE,
		.act = act,
		.sentence = sentence,
		.advice = ih_reason_advice(file ? IH_REASON_PROGRAM : IH_REASON_WRITABLE),
		.reason = ih_reason_name(file ? IH_REASON_PROGRAM : IH_REASON_WRITABLE),
		.policy = run->session->policy->name,
		.program = file,
		.pid = pid,
		.uid = geteuid(),
		.gid = getegid(),
		.exe = ih_run_asking(pid, exe, sizeof(exe)),
		.unit = ih_unit_of(pid, unit) == 0 ? unit : NULL,
	};

	ih_event_send(run->events, &e);
}

/* A rule as a policy file has it, that is as narrow as the facts are. */
static void suggest_rule(const struct ih_hop *hop, struct ih_text *t)
{
	const char *interpreter = hop->grammar ? ih_grammar_name(hop->grammar) : NULL;

	(void)ih_text_addf(t, "{ \"name\": \"allow-%s\", ", ih_mode_name(hop->mode));
	if (interpreter)
		(void)ih_text_addf(t, "\"interpreters\": [ \"%s\" ], ", interpreter);
	(void)ih_text_addf(t, "\"modes\": [ \"%s\" ], \"program\": \">=%s\", ",
			   ih_mode_name(hop->mode),
			   ih_trust_name((enum ih_trust_class)hop->facts.program));
	if (hop->facts.n_sources)
		(void)ih_text_addf(t, "\"sources\": \">=%s\", ",
				   ih_trust_name((enum ih_trust_class)hop->facts.sources));
	(void)ih_text_addf(t, "\"uids\": [ %u ], \"provenance\": [ \"%s\" ], ", hop->facts.uid,
			   ih_provenance_name((enum ih_provenance)hop->facts.provenance));
	if (hop->facts.flags & IH_FACT_DOUBTS) {
		const char *comma = "";

		(void)ih_text_addf(t, "\"tolerates\": [ ");
		for (uint32_t bit = 1; bit & IH_FACT_DOUBTS; bit <<= 1)
			if (hop->facts.flags & bit) {
				(void)ih_text_addf(t, "%s\"%s\"", comma, ih_fact_name(bit));
				comma = ", ";
			}
		(void)ih_text_addf(t, " ], ");
	}
	(void)ih_text_addf(t, "\"verdict\": \"allow\" }");
}

void ih_run_report(const struct ih_run *run, const struct ih_judgement *j)
{
	struct ih_text rule = { 0 };
	struct ih_diag line;

	suggest_rule(ih_judgement_hop(j), &rule);
	(void)ih_fail(&line, 0, "would be denied: %s; this rule would allow it: %s",
		      ih_text_get(&j->sentence), ih_text_get(&rule));
	run->note(line.text);
	ih_text_done(&rule);
}
