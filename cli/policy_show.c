/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ihard policy show`: providers, rules in order, treatment, confinement. Not meant to be parsed.
 */
#include "cli/policy_show.h"

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "common/text.h"
#include "policy/words.h"

#define INDENT 15

static void add(struct ih_text *t, const char *word)
{
	(void)ih_text_addf(t, "%s%s", t->len ? ", " : "", word);
}

static void show_field(const struct ih_output *out, const char *label, struct ih_text *t)
{
	if (t->len)
		ih_output_field(out, INDENT, label, "%s", ih_text_get(t));
	ih_text_done(t);
	*t = (struct ih_text){ 0 };
}

static void show_provider(const struct ih_output *out, const struct ih_provider *p)
{
	struct ih_text t = { 0 };

	switch (p->kind) {
	case IH_PROVIDER_NIX:
		(void)ih_text_addf(&t, "Nix store '%s%s', %u signature%s by ", p->root, p->store,
				   p->sigs_needed, p->sigs_needed == 1 ? "" : "s");
		break;
	case IH_PROVIDER_PATHS:
		(void)ih_text_addf(&t, "trees that only root can write: ");
		for (size_t i = 0; i < p->n_trees; i++)
			(void)ih_text_addf(&t, "%s%s", i ? " " : "", p->trees[i]);
		break;
	case IH_PROVIDER_SEAL:
		(void)ih_text_addf(&t, "seals in ");
		for (size_t i = 0; i < p->n_seals; i++)
			(void)ih_text_addf(&t, "%s ", p->seals[i]);
		(void)ih_text_addf(&t, "signed by ");
		break;
	default:
		break;
	}
	for (size_t i = 0; i < p->n_keys; i++)
		(void)ih_text_addf(&t, "%s%.*s", i ? ", " : "", (int)strcspn(p->keys[i], ":"),
				   p->keys[i]);
	if (p->keys_from)
		(void)ih_text_addf(&t, "%sthe keys in '%s'", p->n_keys ? " and " : "",
				   p->keys_from);
	show_field(out, "trust", &t);
}

static void add_class(struct ih_text *t, const char *what, unsigned int min, unsigned int max)
{
	const char *low = ih_trust_name((enum ih_trust_class)min);
	const char *high = ih_trust_name((enum ih_trust_class)max);

	if (min == 0 && max == IH_TRUST_MAX_ - 1)
		return;
	if (max == IH_TRUST_MAX_ - 1)
		(void)ih_text_addf(t, "%s%s >= %s", t->len ? ", " : "", what, low);
	else if (min == 0)
		(void)ih_text_addf(t, "%s%s <= %s", t->len ? ", " : "", what, high);
	else
		(void)ih_text_addf(t, "%s%s from %s to %s", t->len ? ", " : "", what, low, high);
}

static void add_ids(struct ih_text *t, const char *what, const struct ih_id_range *ranges,
		    unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		(void)ih_text_addf(t, "%s%s %u", t->len ? ", " : "", what, ranges[i].first);
		if (ranges[i].last != ranges[i].first)
			(void)ih_text_addf(t, "-%u", ranges[i].last);
	}
}

static void show_conditions(const struct ih_output *out, const struct ih_policy *p,
			    const struct ih_rule *r)
{
	struct ih_text t = { 0 };

	for (size_t i = 0; !(r->interpreters[0] & 1) && i < p->n_interpreters; i++)
		if (r->interpreters[(i + 1) / 64] >> ((i + 1) % 64) & 1)
			add(&t, p->interpreters[i]);
	show_field(out, "", &t);
	for (int i = 0; i < IH_MODE_MAX_ && r->modes != (1u << IH_MODE_MAX_) - 1; i++)
		if (r->modes >> i & 1)
			add(&t, ih_mode_name((enum ih_mode)i));
	add_class(&t, "program", r->program_min, r->program_max);
	add_class(&t, "sources", r->sources_min, r->sources_max);
	for (int i = 0; i < IH_PROVENANCE_MAX_ && r->provenances != (1u << IH_PROVENANCE_MAX_) - 1;
	     i++)
		if (r->provenances >> i & 1)
			(void)ih_text_addf(&t, ", from %s",
					   ih_provenance_name((enum ih_provenance)i));
	add_ids(&t, "uid", r->uids, r->n_uids);
	add_ids(&t, "gid", r->gids, r->n_gids);
	for (unsigned int i = 0; i < r->n_units; i++)
		add(&t, p->units[r->units[i] - 1]);
	for (uint32_t i = 0; i < 32; i++)
		if (r->needs >> i & 1)
			(void)ih_text_addf(&t, ", needs %s", ih_fact_name(1u << i));
	for (uint32_t i = 0; i < 32; i++)
		if (r->tolerates >> i & 1)
			(void)ih_text_addf(&t, ", tolerates %s", ih_fact_name(1u << i));
	show_field(out, "", &t);
}

static void show_rule(const struct ih_output *out, const struct ih_policy *p, size_t i)
{
	const struct ih_rule *r = &p->rules[i];
	const struct ih_rule_info *info = &p->info[i];
	static const enum ih_tone tones[] = { IH_TONE_BAD, IH_TONE_GOOD, IH_TONE_NOTE };
	const char *word = ih_verdict_name((enum ih_verdict)r->verdict);

	ih_output_tone(out, tones[r->verdict], "%s", r->report_only ? "report" : word);
	printf("%*s", (int)(INDENT - strlen(r->report_only ? "report" : word)), "");
	ih_output_tone(out, IH_TONE_STRONG, "%s", info->name);
	if (!info->given) {
		printf("  everything else\n");
		return;
	}
	printf("  (%s, line %u)\n", info->file, info->line);
	if (info->reason)
		ih_output_field(out, INDENT, "", "%s", info->reason);
	show_conditions(out, p, r);
}

static void show_treatment(const struct ih_output *out, const struct ih_env_treatment *t)
{
	struct ih_text text = { 0 };

	(void)ih_text_addf(&text, "%s: untrusted code %s, untrusted elements of path lists %s",
			   t->interpreter ? t->interpreter : "all",
			   t->code == IH_ENV_CODE_DROP ? "taken out" : "refused",
			   t->paths == IH_ENV_PATHS_FILTER ? "taken out" : "refused");
	for (size_t i = 0; i < t->n_keep; i++)
		(void)ih_text_addf(&text, "%s%s", i ? ", " : "; kept: ", t->keep[i]);
	show_field(out, "environment", &text);
}

void ih_policy_show(const struct ih_policy *p)
{
	static const char *const demands[] = { "required", "wanted", "off" };
	struct ih_text t = { 0 };
	struct ih_output out;

	ih_output_init(&out, stdout);
	ih_output_field(&out, INDENT, "policy", "%s", p->name);
	if (p->description)
		ih_output_field(&out, INDENT, "", "%s", p->description);
	ih_output_field(&out, INDENT, "denials", "%s",
			p->enforce ? "are enforced" : "are reported only");
	for (size_t i = 0; i < p->n_providers; i++)
		show_provider(&out, &p->providers[i]);
	for (size_t i = 0; i < p->n_environment; i++)
		show_treatment(&out, &p->environment[i]);
	for (int i = 0; i < IH_STEP_MAX_; i++)
		(void)ih_text_addf(&t, "%s%s %s", i ? ", " : "", ih_step_name((enum ih_step)i),
				   demands[p->confinement[i]]);
	show_field(&out, "confinement", &t);
	for (size_t i = 0; i < p->n_rules; i++)
		show_rule(&out, p, i);
}
