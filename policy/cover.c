/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Coverage of rules by rules. Conditions are boxes: a product of sets, one for each fact; so one
 * rule covers another when each of its sets does, and many cover one when every corner that they
 * tell apart is matched. Doubts and needs need no product: the fact with all the doubts that a rule
 * takes and only the flags that it needs is the hardest to match, and whoever matches it matches
 * the easier ones.
 */
#include "policy/cover.h"

#include <stdint.h>

#define TRIES_MAX 400000 /* questions to rules about one rule */
#define IDS_MAX	  34	 /* ends of ranges in one rule, and their neighbours */

static bool covers_ids(const struct ih_id_range *a, unsigned int n_a, const struct ih_id_range *b,
		       unsigned int n_b)
{
	if (!n_a)
		return true;
	if (!n_b)
		return false;
	for (unsigned int i = 0; i < n_b; i++) {
		bool found = false;

		for (unsigned int j = 0; j < n_a && !found; j++)
			found = a[j].first <= b[i].first && a[j].last >= b[i].last;
		if (!found)
			return false;
	}
	return true;
}

static bool covers_units(const struct ih_rule *a, const struct ih_rule *b)
{
	if (!a->n_units)
		return true;
	if (!b->n_units)
		return false;
	for (unsigned int i = 0; i < b->n_units; i++)
		if (!ih_rule_has_unit(a, b->units[i]))
			return false;
	return true;
}

/* Doubts that a rule can match with. */
static uint32_t doubts_of(const struct ih_rule *r)
{
	return r->verdict == IH_DENY ? IH_FACT_DOUBTS : r->tolerates & IH_FACT_DOUBTS;
}

bool ih_rule_covers(const struct ih_rule *a, const struct ih_rule *b)
{
	for (size_t i = 0; i < IH_RULE_BITMAP_WORDS; i++)
		if (b->interpreters[i] & ~a->interpreters[i])
			return false;
	return !(b->modes & ~a->modes) && !(b->provenances & ~a->provenances) &&
	       a->program_min <= b->program_min && a->program_max >= b->program_max &&
	       a->sources_min <= b->sources_min && a->sources_max >= b->sources_max &&
	       !(a->needs & ~b->needs) && !(doubts_of(b) & ~doubts_of(a)) &&
	       covers_ids(a->uids, a->n_uids, b->uids, b->n_uids) &&
	       covers_ids(a->gids, a->n_gids, b->gids, b->n_gids) && covers_units(a, b);
}

/* Interpreters that no rule up to the last tells apart are tried once. */
static size_t pick_interpreters(const struct ih_rule *rules, size_t last, uint16_t *ret)
{
	size_t n = 0;

	for (uint16_t i = 0; i <= IH_INTERPRETERS_MAX; i++) {
		bool same = false;

		if (!(rules[last].interpreters[i / 64] >> (i % 64) & 1))
			continue;
		for (size_t k = 0; k < n && !same; k++) {
			same = true;
			for (size_t r = 0; r < last && same; r++)
				same = (rules[r].interpreters[i / 64] >> (i % 64) & 1) ==
				       (rules[r].interpreters[ret[k] / 64] >> (ret[k] % 64) & 1);
		}
		if (!same)
			ret[n++] = i;
	}
	return n;
}

/*
 * Ids that stand for all: the ends of the last rule's ranges and, within them, of the ranges of the
 * rules before. More than there is room for counts as unknown (0).
 */
static size_t pick_ids(const struct ih_rule *rules, size_t last, bool gids, uint32_t *ret,
		       size_t max)
{
	size_t n = 0;

	for (size_t r = 0; r <= last; r++) {
		const struct ih_rule *rule = &rules[r];
		const struct ih_id_range *ranges = gids ? rule->gids : rule->uids;
		unsigned int count = gids ? rule->n_gids : rule->n_uids;

		for (unsigned int i = 0; i < count; i++) {
			uint32_t ends[4] = { ranges[i].first, ranges[i].last, ranges[i].first - 1,
					     ranges[i].last + 1 };

			for (size_t e = 0; e < 4; e++) {
				size_t k = 0;

				while (k < n && ret[k] != ends[e])
					k++;
				if (k < n)
					continue;
				if (n == max)
					return 0;
				ret[n++] = ends[e];
			}
		}
	}
	if (!n)
		ret[n++] = 0;
	return n;
}

static size_t pick_units(const struct ih_rule *rules, size_t last, uint32_t *ret, size_t max)
{
	size_t n = 0;

	ret[n++] = 0; /* a unit that the policy does not name */
	for (size_t r = 0; r <= last; r++) {
		for (unsigned int i = 0; i < rules[r].n_units; i++) {
			size_t k = 0;

			while (k < n && ret[k] != rules[r].units[i])
				k++;
			if (k < n)
				continue;
			if (n == max)
				return 0;
			ret[n++] = rules[r].units[i];
		}
	}
	return n;
}

struct tries {
	const struct ih_rule *rules;
	size_t last;
	size_t n; /* questions asked */
};

/* Return: IH_REACH_YES when the last rule is the first that matches @f. */
static enum ih_reach try_facts(struct tries *t, const struct ih_facts *f)
{
	if (++t->n > TRIES_MAX)
		return IH_REACH_UNKNOWN;
	if (ih_rule_miss(&t->rules[t->last], f) != IH_MISS_NONE)
		return IH_REACH_NO;
	for (size_t r = 0; r < t->last; r++, t->n++) {
		/* A rule that needs a doubt matches the hardest fact and not the easier ones. */
		if (t->rules[r].needs & IH_FACT_DOUBTS & ~t->rules[t->last].needs)
			continue;
		if (ih_rule_miss(&t->rules[r], f) == IH_MISS_NONE)
			return IH_REACH_NO;
	}
	return IH_REACH_YES;
}

/* All modes, provenances and classes with one subject and one interpreter. */
static enum ih_reach try_classes(struct tries *t, struct ih_facts f)
{
	enum ih_reach reach;

	for (uint8_t mode = 0; mode < IH_MODE_MAX_; mode++)
		for (uint8_t from = 0; from < IH_PROVENANCE_MAX_; from++)
			for (uint8_t program = 0; program < IH_TRUST_MAX_; program++)
				for (uint8_t source = 0; source < IH_TRUST_MAX_; source++) {
					f.mode = mode;
					f.provenance = from;
					f.program = program;
					f.sources = source;
					reach = try_facts(t, &f);
					if (reach != IH_REACH_NO)
						return reach;
				}
	return IH_REACH_NO;
}

enum ih_reach ih_rule_reach(const struct ih_rule *rules, size_t i)
{
	uint16_t interpreters[IH_INTERPRETERS_MAX + 1];
	uint32_t uids[IDS_MAX], gids[IDS_MAX], units[IDS_MAX];
	size_t n_interpreters = pick_interpreters(rules, i, interpreters);
	size_t n_uids = pick_ids(rules, i, false, uids, IDS_MAX);
	size_t n_gids = pick_ids(rules, i, true, gids, IDS_MAX);
	size_t n_units = pick_units(rules, i, units, IDS_MAX);
	struct tries t = { .rules = rules, .last = i };
	struct ih_facts f = { .n_sources = 1, .flags = doubts_of(&rules[i]) | rules[i].needs };
	enum ih_reach reach;

	if (!n_uids || !n_gids || !n_units)
		return IH_REACH_UNKNOWN;
	for (size_t u = 0; u < n_uids; u++)
		for (size_t g = 0; g < n_gids; g++)
			for (size_t s = 0; s < n_units; s++)
				for (size_t p = 0; p < n_interpreters; p++) {
					f.uid = uids[u];
					f.gid = gids[g];
					f.unit = units[s];
					f.interpreter = interpreters[p];
					reach = try_classes(&t, f);
					if (reach != IH_REACH_NO)
						return reach;
				}
	return IH_REACH_NO;
}
