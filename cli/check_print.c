/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A judgement as text: verdict first, then what it rests on, then what can be done. */
#include <string.h>

#include "cli/check.h"
#include "common/cleanup.h"
#include "policy/explain.h"
#include "policy/words.h"

#define LABEL	    14	/* column where fields begin */
#define TEXT_MAX    400 /* of inline code and argv; more is cut */
#define SOURCES_MAX 40

static void add_cut(struct ih_text *t, const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len <= max) {
		(void)ih_text_quote(t, text, len);
		return;
	}
	while (max && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--; /* not in the middle of a character */
	(void)ih_text_quote(t, text, max);
	(void)ih_text_addf(t, "…(%zu bytes)", len);
}

static void add_command(struct ih_text *t, char *const *argv, size_t argc)
{
	for (size_t i = 0; i < argc; i++) {
		if (t->len > TEXT_MAX) {
			(void)ih_text_addf(t, " …(%zu more)", argc - i);
			return;
		}
		if (i)
			(void)ih_text_add(t, " ", 1);
		add_cut(t, argv[i], TEXT_MAX);
	}
}

static enum ih_tone tone_of(const struct ih_judgement *j)
{
	return j->stops ? IH_TONE_BAD : j->reported ? IH_TONE_NOTE : IH_TONE_GOOD;
}

static const char *standing_note(const struct ih_finding *f)
{
	switch (f->standing) {
	case IH_STANDING_FILTERED:
		return ", filtered: taken out of the list";
	case IH_STANDING_REFUSED:
		return ", refused";
	default:
		return "";
	}
}

static void print_evidence(const struct ih_output *out, const char *label, const char *name,
			   const struct ih_evidence *e, const char *note)
{
	struct ih_text t = { 0 };

	add_cut(&t, name, TEXT_MAX);
	ih_output_field(out, LABEL, label, "%s", ih_text_get(&t));
	ih_text_done(&t);
	if (e->path && strcmp(e->path, name) != 0) {
		add_cut(&t, e->path, TEXT_MAX);
		ih_output_field(out, LABEL, "", "→ %s", ih_text_get(&t));
		ih_text_done(&t);
	}
	ih_output_field(out, LABEL, "", "%s%s%s%s", ih_trust_class_name(e->trust), note,
			e->reason ? ": " : "", e->reason ? e->reason : "");
	for (size_t i = 1; i < e->n_problems; i++)
		ih_output_field(out, LABEL, "", "also: %s", e->problems[i]);
}

static void print_sources(const struct ih_output *out, const struct ih_hop *hop)
{
	size_t shown = 0;

	for (size_t i = 0; i < hop->n_findings; i++) {
		const struct ih_finding *f = &hop->findings[i];
		struct ih_text label = { 0 };

		if (f->standing == IH_STANDING_HARMLESS && f->origin == IH_ORIGIN_DEFAULT)
			continue; /* ~/.bashrc that is not there: nobody asked */
		if (shown++ == SOURCES_MAX) {
			ih_output_field(out, LABEL, "  code from", "… and more");
			return;
		}
		(void)ih_text_addf(&label, "  %.60s", f->via[0] ? f->via : "code");
		if (label.len + 1 > LABEL) {
			ih_output_field(out, LABEL, "  code from", "%s", f->via);
			print_evidence(out, "", f->text, &f->evidence, standing_note(f));
		} else {
			print_evidence(out, ih_text_get(&label), f->text, &f->evidence,
				       standing_note(f));
		}
		ih_text_done(&label);
	}
}

static void print_hop(const struct ih_output *out, const struct ih_hop *hop)
{
	struct ih_text t = { 0 };

	add_command(&t, hop->argv, hop->argc);
	ih_output_field(out, LABEL, hop->launched_by < 0 ? "  command" : "  launches", "%s",
			ih_text_get(&t));
	ih_text_done(&t);
	print_evidence(out, "  program", hop->name ? hop->name : "", &hop->evidence, "");
	if (hop->grammar)
		ih_output_field(out, LABEL, "  interpreter", "%s", ih_grammar_name(hop->grammar));
	ih_output_field(out, LABEL, "  invocation", "%s%s%s", ih_mode_name(hop->mode),
			hop->reason[0] ? ": " : "", hop->reason);
	print_sources(out, hop);
}

struct explaining {
	const struct ih_output *out;
	const struct ih_session *session;
};

static void print_rule(size_t rule, bool matched, const char *sentence, void *data)
{
	const struct explaining *e = data;
	const struct ih_rule_info *info = &e->session->policy->info[rule];
	struct ih_text t = { 0 };

	(void)ih_text_addf(&t, "  %s %2zu", matched ? "→" : " ", rule + 1);
	ih_output_field(e->out, LABEL, ih_text_get(&t), "'%s' %s", info->name, sentence);
	ih_text_done(&t);
}

void ih_check_print(const struct ih_output *out, const struct ih_session *s,
		    const struct ih_judgement *j, bool explain)
{
	const struct ih_rule_info *rule = ih_policy_rule(s->policy, &j->answers[j->decisive]);
	size_t last = j->stops ? j->decisive : j->gathered.n_hops - 1;

	ih_output_tone(out, tone_of(j), "%s", ih_judgement_word(j));
	ih_output_field(out, LABEL - (unsigned int)strlen(ih_judgement_word(j)), "", "%s",
			ih_text_get(&j->sentence));
	for (size_t i = 0; i <= last; i++)
		print_hop(out, &j->gathered.hops[i]);
	if (rule && rule->given)
		ih_output_field(out, LABEL, "  rule", "'%s' (%s, line %u)", rule->name, rule->file,
				rule->line);
	else
		ih_output_field(out, LABEL, "  rule", "none allows it (%s)", s->policy->name);
	if (j->advice[0])
		ih_output_field(out, LABEL, "  what to do", "%s", j->advice);
	if (explain) {
		struct explaining e = { .out = out, .session = s };

		ih_output_field(out, LABEL, "  considered", "%s", s->policy->name);
		(void)ih_explain_rules(s->policy, &ih_judgement_hop(j)->facts, print_rule, &e);
	}
}

void ih_check_print_line(const struct ih_output *out, const struct ih_judgement *j,
			 const char *name)
{
	struct ih_text t = { 0 };

	(void)ih_text_quote(&t, name, strlen(name));
	ih_output_tone(out, tone_of(j), "%-7s", ih_judgement_word(j));
	fprintf(out->stream, " %s", ih_text_get(&t));
	if (j->stops || j->reported)
		fprintf(out->stream, ": %s", ih_text_get(&j->sentence));
	fputc('\n', out->stream);
	ih_text_done(&t);
}
