/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one decision: facts and rules give an answer. Compiled for BPF and for user space, so that
 * `ihard check`, `ihard run` and the kernel cannot disagree. Knows no file, no name and no text:
 * whoever gathers the facts has looked, and policy/explain.c finds the words.
 *
 * Deny is the zero value: an answer, a rule or facts that nobody filled in allow nothing.
 */
#pragma once

#include "common/abi/types.h"

enum ih_verdict {
	IH_DENY = 0,
	IH_ALLOW,
	IH_AUDIT, /* runs, and is reported */
	IH_VERDICT_MAX_,
};

/*
 * What else is known. Doubts (IH_FACT_DOUBTS) stand in the way of every rule that does not
 * tolerate them; the others can only be asked for (ih_rule.needs).
 */
#define IH_FACT_NO_NAME	     (1u << 0) /* memfd, O_TMPFILE, deleted: nobody has looked at it */
#define IH_FACT_IRREGULAR    (1u << 1) /* code from a FIFO, socket or device */
#define IH_FACT_NOEXEC	     (1u << 2) /* code on a file system mounted noexec */
#define IH_FACT_WRITABLE     (1u << 3) /* the subject (not root) can write the code */
#define IH_FACT_UNSTABLE     (1u << 4) /* somebody but root can lead the name elsewhere */
#define IH_FACT_SET_ID	     (1u << 5) /* the program is set-id or has capabilities */
#define IH_FACT_ENV_CODE     (1u << 6) /* the environment it gets carries untrusted code */
#define IH_FACT_ENV_UNCLEAR  (1u << 7) /* … or a variable of its family that no grammar knows */
#define IH_FACT_CUT_OFF	     (1u << 8) /* more sources, layers or bytes than are looked at */
#define IH_FACT_DOUBTS	     0x0000ffffu
#define IH_FACT_PURE	     (1u << 16) /* the inline text can only compute */
#define IH_FACT_OWN	     (1u << 17) /* untrusted code is the subject's, no other can write it */
#define IH_FACT_ENV_DROPPED  (1u << 18) /* variables were taken out of the environment */
#define IH_FACT_ENV_FILTERED (1u << 19) /* … elements out of path lists */
#define IH_FACT_TERMINAL     (1u << 20) /* standard input is a terminal */

/* What a decision is given. */
struct ih_facts {
	__u8 mode;	   /* enum ih_mode */
	__u8 provenance;   /* enum ih_provenance of the task that asks */
	__u8 program;	   /* enum ih_trust_class of the file that is executed */
	__u8 sources;	   /* … the least among its code sources, the environment's left out */
	__u16 n_sources;   /* how many of them there are */
	__u16 interpreter; /* place in the policy's list of interpreters, from 1; 0: not listed */
	__u32 unit;	   /* place in the policy's list of units, from 1; 0: not listed */
	__u32 uid, gid;	   /* effective, of the task that asks */
	__u32 flags;	   /* IH_FACT_… */
};
_Static_assert(sizeof(struct ih_facts) == 24, "facts cross into the kernel");

#define IH_RULES_MAX	     1001 /* 1,000 and the one that ends the list */
#define IH_INTERPRETERS_MAX  255  /* that one policy can name */
#define IH_UNITS_MAX	     255
#define IH_RULE_SUBJECTS_MAX 8 /* ranges of uids, of gids, and units, in one rule */
#define IH_RULE_BITMAP_WORDS 4

struct ih_id_range {
	__u32 first, last;
};

/* One compiled rule: it matches when everything in it does. All zero matches nothing. */
struct ih_rule {
	__u64 interpreters[IH_RULE_BITMAP_WORDS]; /* bit 0: not listed, or no interpreter */
	__u32 modes;				  /* bit per enum ih_mode */
	__u32 provenances;			  /* bit per enum ih_provenance */
	__u32 needs;				  /* IH_FACT_… that must be there */
	__u32 tolerates;			  /* IH_FACT_DOUBTS that are forgiven */
	__u8 program_min, program_max;		  /* enum ih_trust_class */
	__u8 sources_min, sources_max;
	__u8 verdict;		      /* enum ih_verdict */
	__u8 report_only;	      /* a denial is reported, not enforced */
	__u8 n_uids, n_gids, n_units; /* 0: anybody, any unit */
	__u8 is_end;		      /* nobody wrote it: it ends the policy's list */
	__u8 pad_[6];
	struct ih_id_range uids[IH_RULE_SUBJECTS_MAX];
	struct ih_id_range gids[IH_RULE_SUBJECTS_MAX];
	__u32 units[IH_RULE_SUBJECTS_MAX];
};
_Static_assert(sizeof(struct ih_rule) == 224, "rules are a file format");

/* Stable: numbers and names (ih_reason_name()) are part of events and of --json. */
enum ih_reason {
	IH_REASON_NONE = 0,	    /* nobody decided */
	IH_REASON_BAD_FACTS,	    /* facts that cannot be */
	IH_REASON_ALLOWED,	    /* a rule allows it */
	IH_REASON_RULE,		    /* a rule refuses it */
	IH_REASON_NO_RULE,	    /* no rule allows it, and nothing better can be said */
	IH_REASON_UNCLEAR,	    /* how code reaches the interpreter could not be told */
	IH_REASON_PROGRAM,	    /* the program is not trusted enough */
	IH_REASON_SOURCE,	    /* a code source is not trusted enough */
	IH_REASON_INLINE,	    /* code on the command line */
	IH_REASON_STDIN,	    /* code on standard input */
	IH_REASON_INTERACTIVE,	    /* code that a person types */
	IH_REASON_ENVIRONMENT,	    /* code in the environment */
	IH_REASON_UNKNOWN_VARIABLE, /* a variable that may carry code */
	IH_REASON_NO_NAME,	    /* memfd, deleted file */
	IH_REASON_IRREGULAR,	    /* FIFO, socket, device */
	IH_REASON_NOEXEC,	    /* file system mounted noexec */
	IH_REASON_WRITABLE,	    /* the subject can change the code */
	IH_REASON_UNSTABLE,	    /* the name can be led elsewhere */
	IH_REASON_SET_ID,	    /* would gain privilege */
	IH_REASON_TOO_MUCH,	    /* a limit was met */
	IH_REASON_SUBJECT,	    /* not for this user, group or unit */
	IH_REASON_PROVENANCE,	    /* not from code of this kind */
	IH_REASON_MAX_,
};

struct ih_answer {
	__u8 verdict;	  /* enum ih_verdict */
	__u8 report_only; /* it would be denied, and runs */
	__u16 reason;	  /* enum ih_reason */
	__u32 rule;	  /* from 1, in the order of the policy; 0: none matched */
};
_Static_assert(sizeof(struct ih_answer) == 8, "answers cross into the kernel");

/* Why a rule does not match, in the order of asking: the later, the nearer it came. */
enum ih_miss {
	IH_MISS_NONE = 0, /* it matches */
	IH_MISS_INTERPRETER,
	IH_MISS_MODE,
	IH_MISS_NEEDS, /* early: a rule for pure text is far from text that is not */
	IH_MISS_SUBJECT,
	IH_MISS_PROVENANCE,
	IH_MISS_PROGRAM,
	IH_MISS_SOURCES,
	IH_MISS_DOUBT,
	IH_MISS_MAX_,
};

/* The class that the sources condition of a rule is held against. */
static inline __u8 ih_facts_sources(const struct ih_facts *f)
{
	if (f->n_sources)
		return f->sources;
	/* A script without a file is a mistake of whoever gathered; it must not pass as trusted. */
	if (f->mode == IH_MODE_SCRIPT || f->mode == IH_MODE_MODULE || f->mode == IH_MODE_UNCLEAR)
		return IH_TRUST_UNKNOWN;
	return IH_TRUST_SEALED;
}

static inline int ih_rule_has_id(const struct ih_id_range *ranges, __u8 n, __u32 id)
{
	if (!n)
		return 1;
	for (__u32 i = 0; i < IH_RULE_SUBJECTS_MAX && i < n; i++)
		if (id >= ranges[i].first && id <= ranges[i].last)
			return 1;
	return 0;
}

static inline int ih_rule_has_unit(const struct ih_rule *r, __u32 unit)
{
	if (!r->n_units)
		return 1;
	for (__u32 i = 0; i < IH_RULE_SUBJECTS_MAX && i < r->n_units; i++)
		if (unit && unit == r->units[i])
			return 1;
	return 0;
}

/* Return: IH_MISS_NONE when the rule matches, else the first condition that does not hold. */
static inline enum ih_miss ih_rule_miss(const struct ih_rule *r, const struct ih_facts *f)
{
	__u32 word = (f->interpreter >> 6) & (IH_RULE_BITMAP_WORDS - 1);
	__u8 sources = ih_facts_sources(f);

	if (!(r->interpreters[word] >> (f->interpreter & 63) & 1))
		return IH_MISS_INTERPRETER;
	if (!(r->modes >> (f->mode & 31) & 1))
		return IH_MISS_MODE;
	if ((f->flags & r->needs) != r->needs)
		return IH_MISS_NEEDS;
	if (!ih_rule_has_id(r->uids, r->n_uids, f->uid) ||
	    !ih_rule_has_id(r->gids, r->n_gids, f->gid) || !ih_rule_has_unit(r, f->unit))
		return IH_MISS_SUBJECT;
	if (!(r->provenances >> (f->provenance & 31) & 1))
		return IH_MISS_PROVENANCE;
	if (f->program < r->program_min || f->program > r->program_max)
		return IH_MISS_PROGRAM;
	if (sources < r->sources_min || sources > r->sources_max)
		return IH_MISS_SOURCES;
	if (r->verdict != IH_DENY && (f->flags & IH_FACT_DOUBTS & ~r->tolerates))
		return IH_MISS_DOUBT;
	return IH_MISS_NONE;
}

/* The gravest doubt first. */
static inline enum ih_reason ih_reason_of_doubt(__u32 doubts)
{
	if (doubts & IH_FACT_NO_NAME)
		return IH_REASON_NO_NAME;
	if (doubts & IH_FACT_IRREGULAR)
		return IH_REASON_IRREGULAR;
	if (doubts & IH_FACT_NOEXEC)
		return IH_REASON_NOEXEC;
	if (doubts & IH_FACT_WRITABLE)
		return IH_REASON_WRITABLE;
	if (doubts & IH_FACT_ENV_CODE)
		return IH_REASON_ENVIRONMENT;
	if (doubts & IH_FACT_ENV_UNCLEAR)
		return IH_REASON_UNKNOWN_VARIABLE;
	if (doubts & IH_FACT_SET_ID)
		return IH_REASON_SET_ID;
	if (doubts & IH_FACT_UNSTABLE)
		return IH_REASON_UNSTABLE;
	return IH_REASON_TOO_MUCH;
}

static inline enum ih_reason ih_reason_of_mode(__u8 mode)
{
	switch (mode) {
	case IH_MODE_UNCLEAR:
		return IH_REASON_UNCLEAR;
	case IH_MODE_INLINE:
		return IH_REASON_INLINE;
	case IH_MODE_STDIN:
		return IH_REASON_STDIN;
	case IH_MODE_INTERACTIVE:
		return IH_REASON_INTERACTIVE;
	default:
		return IH_REASON_NO_RULE;
	}
}

/* What to say when the rule that came nearest missed like this. */
static inline enum ih_reason ih_reason_of_miss(enum ih_miss miss, const struct ih_facts *f,
					       __u32 doubts)
{
	enum ih_reason by_mode = ih_reason_of_mode(f->mode);
	__u32 about_file = f->flags & (IH_FACT_NO_NAME | IH_FACT_IRREGULAR);

	switch (miss) {
	case IH_MISS_SUBJECT:
		return IH_REASON_SUBJECT;
	case IH_MISS_PROVENANCE:
		return by_mode == IH_REASON_NO_RULE ? IH_REASON_PROVENANCE : by_mode;
	case IH_MISS_PROGRAM:
		return about_file && f->mode == IH_MODE_PROGRAM ? ih_reason_of_doubt(about_file)
								: IH_REASON_PROGRAM;
	case IH_MISS_SOURCES:
		return about_file ? ih_reason_of_doubt(about_file) : IH_REASON_SOURCE;
	case IH_MISS_DOUBT:
		return ih_reason_of_doubt(doubts);
	case IH_MISS_NEEDS:
		if (by_mode != IH_REASON_NO_RULE)
			return by_mode;
		if (f->program < IH_TRUST_OWNED)
			return IH_REASON_PROGRAM;
		if (ih_facts_sources(f) < IH_TRUST_OWNED)
			return IH_REASON_SOURCE;
		doubts = f->flags & IH_FACT_DOUBTS; /* also those that the rule tolerates */
		return doubts ? ih_reason_of_doubt(doubts) : by_mode;
	default:
		return by_mode;
	}
}

/* A decision under way: ih_decide() in steps, for bpf_loop(). All zero to begin with. */
struct ih_decision {
	struct ih_answer answer;
	__u32 nearest; /* enum ih_miss of the allowing rule that came nearest */
	__u32 doubts;  /* … and the doubts that it does not tolerate */
	__u32 done;
};

/* Return: 1 when the facts are such as can be. */
static inline int ih_decide_begin(struct ih_decision *d, const struct ih_facts *f)
{
	if (f->mode < IH_MODE_MAX_ && f->provenance < IH_PROVENANCE_MAX_ &&
	    f->program < IH_TRUST_MAX_ && f->sources < IH_TRUST_MAX_ &&
	    f->interpreter <= IH_INTERPRETERS_MAX)
		return 1;
	d->answer.reason = IH_REASON_BAD_FACTS;
	d->done = 1;
	return 0;
}

/* @number: of the rule, from 1. Return: 1 when it matched and there is nothing left to do. */
static inline int ih_decide_step(struct ih_decision *d, const struct ih_facts *f,
				 const struct ih_rule *r, __u32 number)
{
	enum ih_miss miss = ih_rule_miss(r, f);

	if (miss != IH_MISS_NONE) {
		if (r->verdict != IH_DENY && miss > d->nearest) {
			d->nearest = miss;
			d->doubts = f->flags & IH_FACT_DOUBTS & ~r->tolerates;
		}
		return 0;
	}
	d->answer.rule = number;
	d->done = 1;
	if (r->verdict != IH_ALLOW && r->verdict != IH_AUDIT) {
		d->answer.report_only = r->report_only;
		d->answer.reason = r->is_end ? IH_REASON_NONE : IH_REASON_RULE;
		return 1;
	}
	d->answer.reason = IH_REASON_ALLOWED;
	d->answer.verdict = r->verdict; /* the only way to allow */
	return 1;
}

/* Finds the reason for a denial that no rule of the user's made. */
static inline void ih_decide_end(struct ih_decision *d, const struct ih_facts *f)
{
	if (d->answer.reason == IH_REASON_NONE)
		d->answer.reason = (__u16)ih_reason_of_miss((enum ih_miss)d->nearest, f, d->doubts);
}

/**
 * ih_decide() - hold facts against rules, the first that matches decides
 * @rules: as ih_policy holds them: the last one matches everything and denies, so that report_only
 *	of the whole policy has its place in a rule
 *
 * Return: the answer; a denial that is enforced when nothing matches.
 */
static inline struct ih_answer ih_decide(const struct ih_facts *f, const struct ih_rule *rules,
					 __u32 n)
{
	struct ih_decision d = { 0 };

	if (!ih_decide_begin(&d, f))
		return d.answer;
	for (__u32 i = 0; i < n && i < IH_RULES_MAX; i++)
		if (ih_decide_step(&d, f, &rules[i], i + 1))
			break;
	ih_decide_end(&d, f);
	return d.answer;
}

/* True when what was asked for must not happen. */
static inline int ih_answer_stops(const struct ih_answer *a)
{
	return a->verdict != IH_ALLOW && a->verdict != IH_AUDIT && !a->report_only;
}
