/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words for modes, trust classes, provenances, verdicts, reasons and facts. */
#include "policy/words.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/cleanup.h"

static const char *const modes[IH_MODE_MAX_] = {
	[IH_MODE_UNCLEAR] = "unclear", [IH_MODE_PROGRAM] = "program",
	[IH_MODE_NONE] = "none",       [IH_MODE_SCRIPT] = "script",
	[IH_MODE_MODULE] = "module",   [IH_MODE_INLINE] = "inline",
	[IH_MODE_STDIN] = "stdin",     [IH_MODE_INTERACTIVE] = "interactive",
};

static const char *const classes[IH_TRUST_MAX_] = {
	[IH_TRUST_UNKNOWN] = "unknown", [IH_TRUST_UNTRUSTED] = "untrusted",
	[IH_TRUST_STORE] = "store",	[IH_TRUST_OWNED] = "owned",
	[IH_TRUST_SIGNED] = "signed",	[IH_TRUST_VERIFIED] = "verified",
	[IH_TRUST_SEALED] = "sealed",
};

static const char *const provenances[IH_PROVENANCE_MAX_] = {
	[IH_PROVENANCE_UNVERIFIED] = "unverified",
	[IH_PROVENANCE_INTERACTIVE] = "interactive",
	[IH_PROVENANCE_VERIFIED] = "verified",
};

static const char *const verdicts[IH_VERDICT_MAX_] = {
	[IH_DENY] = "deny",
	[IH_ALLOW] = "allow",
	[IH_AUDIT] = "audit",
};

static const char *const reasons[IH_REASON_MAX_] = {
	[IH_REASON_NONE] = "undecided",
	[IH_REASON_BAD_FACTS] = "bad-facts",
	[IH_REASON_ALLOWED] = "allowed",
	[IH_REASON_RULE] = "rule",
	[IH_REASON_NO_RULE] = "no-rule",
	[IH_REASON_UNCLEAR] = "unclear",
	[IH_REASON_PROGRAM] = "program",
	[IH_REASON_SOURCE] = "source",
	[IH_REASON_INLINE] = "inline",
	[IH_REASON_STDIN] = "stdin",
	[IH_REASON_INTERACTIVE] = "interactive",
	[IH_REASON_ENVIRONMENT] = "environment",
	[IH_REASON_UNKNOWN_VARIABLE] = "unknown-variable",
	[IH_REASON_NO_NAME] = "no-name",
	[IH_REASON_IRREGULAR] = "irregular",
	[IH_REASON_NOEXEC] = "noexec",
	[IH_REASON_WRITABLE] = "writable",
	[IH_REASON_UNSTABLE] = "unstable",
	[IH_REASON_SET_ID] = "set-id",
	[IH_REASON_TOO_MUCH] = "too-much",
	[IH_REASON_SUBJECT] = "subject",
	[IH_REASON_PROVENANCE] = "provenance",
};

static const struct {
	uint32_t flag;
	const char *name;
} facts[] = {
	{ IH_FACT_NO_NAME, "no-name" },
	{ IH_FACT_IRREGULAR, "irregular" },
	{ IH_FACT_NOEXEC, "noexec" },
	{ IH_FACT_WRITABLE, "writable" },
	{ IH_FACT_UNSTABLE, "unstable" },
	{ IH_FACT_SET_ID, "set-id" },
	{ IH_FACT_ENV_CODE, "environment-code" },
	{ IH_FACT_ENV_UNCLEAR, "unknown-variable" },
	{ IH_FACT_CUT_OFF, "cut-off" },
	{ IH_FACT_PURE, "pure" },
	{ IH_FACT_OWN, "own" },
	{ IH_FACT_ENV_DROPPED, "environment-dropped" },
	{ IH_FACT_ENV_FILTERED, "environment-filtered" },
	{ IH_FACT_TERMINAL, "terminal" },
};

static const char *name_of(const char *const *words, size_t n, unsigned int i)
{
	return i < n ? words[i] : "?";
}

static int number_of(const char *const *words, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i], name))
			return (int)i;
	return -ENOENT;
}

const char *ih_mode_name(enum ih_mode mode)
{
	return name_of(modes, IH_ARRAY_SIZE(modes), mode);
}

const char *ih_trust_name(enum ih_trust_class trust)
{
	return name_of(classes, IH_ARRAY_SIZE(classes), trust);
}

const char *ih_provenance_name(enum ih_provenance provenance)
{
	return name_of(provenances, IH_ARRAY_SIZE(provenances), provenance);
}

const char *ih_verdict_name(enum ih_verdict verdict)
{
	return name_of(verdicts, IH_ARRAY_SIZE(verdicts), verdict);
}

const char *ih_reason_name(enum ih_reason reason)
{
	return name_of(reasons, IH_ARRAY_SIZE(reasons), reason);
}

const char *ih_fact_name(uint32_t flag)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(facts); i++)
		if (facts[i].flag == flag)
			return facts[i].name;
	return "?";
}

int ih_mode_from_name(const char *name)
{
	return number_of(modes, IH_ARRAY_SIZE(modes), name);
}

int ih_trust_from_name(const char *name)
{
	return number_of(classes, IH_ARRAY_SIZE(classes), name);
}

int ih_provenance_from_name(const char *name)
{
	return number_of(provenances, IH_ARRAY_SIZE(provenances), name);
}

int ih_verdict_from_name(const char *name)
{
	return number_of(verdicts, IH_ARRAY_SIZE(verdicts), name);
}

int ih_reason_from_name(const char *name)
{
	return number_of(reasons, IH_ARRAY_SIZE(reasons), name);
}

int ih_fact_from_name(const char *name, uint32_t *ret_flag)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(facts); i++) {
		if (strcmp(facts[i].name, name))
			continue;
		*ret_flag = facts[i].flag;
		return 0;
	}
	return -ENOENT;
}
