/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy: who vouches for files (trust providers), what may run (rules), what happens to the
 * environment and how a program is confined. Read from JSON (policy.c) or from the compiled form
 * (compiled.c); the same struct either way. Opens no file that a policy names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi/decide.h"
#include "common/diag.h"
#include "common/provider.h"

#define IH_POLICY_VERSION	1
#define IH_POLICY_SIZE_MAX	(1u << 20) /* bytes of a policy's JSON */
#define IH_POLICY_PROVIDERS_MAX 32
#define IH_POLICY_KEYS_MAX	64   /* of one provider */
#define IH_POLICY_TREES_MAX	256  /* of one provider; also seals */
#define IH_POLICY_NAME_MAX	64   /* bytes of a rule's, interpreter's, unit's name */
#define IH_POLICY_TEXT_MAX	512  /* bytes of a reason or description */
#define IH_POLICY_KEEP_MAX	128  /* variables that one treatment keeps */
#define IH_POLICY_PATH_MAX	4095 /* bytes of a file name */

/* What users read of a rule; the machine's part is struct ih_rule at the same place. */
struct ih_rule_info {
	const char *name;
	const char *reason; /* the policy's own words, or NULL */
	const char *file;   /* where it stands: a file's name, or "profile 'server'" */
	unsigned int line;
	bool given; /* false: the rule that ends every policy */
};

enum ih_env_code {
	IH_ENV_CODE_REFUSE = 0, /* a variable that carries untrusted code refuses the exec */
	IH_ENV_CODE_DROP, /* it is taken out; `ihard check` still refuses: it takes nothing out */
};

enum ih_env_paths {
	IH_ENV_PATHS_REFUSE = 0, /* an untrusted element of a path list refuses the exec */
	IH_ENV_PATHS_FILTER,	 /* it is taken out of the list */
};

/* What happens to an interpreter's environment. */
struct ih_env_treatment {
	const char *interpreter; /* NULL: all that have no treatment of their own */
	enum ih_env_code code;
	enum ih_env_paths paths;
	char **keep; /* names, or prefixes that end in '*', that pass without being looked at */
	size_t n_keep;
};

/* Steps of the wrapper's confinement. */
enum ih_step {
	IH_STEP_NO_NEW_PRIVILEGES = 0,
	IH_STEP_CAPABILITIES,
	IH_STEP_SECUREBITS,
	IH_STEP_LANDLOCK,
	IH_STEP_SECCOMP,
	IH_STEP_WRITE_XOR_EXECUTE,
	IH_STEP_CORE_DUMPS,
	IH_STEP_TREE, /* every exec below is judged too */
	IH_STEP_MAX_,
};

enum ih_demand {
	IH_DEMAND_REQUIRED = 0, /* a machine that cannot do it runs nothing */
	IH_DEMAND_WANTED,	/* what is lost is said, and it goes on */
	IH_DEMAND_OFF,
};

struct ih_policy {
	const char *name; /* as it is known to the user: a file's name or "profile 'server'" */
	const char *description; /* or NULL */
	bool enforce;		 /* false: denials are reported only */
	bool report_allowed;	 /* events for what is allowed, too */

	struct ih_provider *providers;
	size_t n_providers;

	struct ih_rule *rules; /* the last one matches everything and denies */
	struct ih_rule_info *info;
	size_t n_rules; /* with that last one */

	char **interpreters; /* named by rules; place + 1 is ih_facts.interpreter */
	size_t n_interpreters;
	char **units; /* place + 1 is ih_facts.unit */
	size_t n_units;

	struct ih_env_treatment *environment; /* the first is for all others */
	size_t n_environment;
	enum ih_demand confinement[IH_STEP_MAX_];

	struct ih_arena *arena; /* holds all of the above */
};

/* How names of users and groups become numbers; without it a policy may hold numbers only. */
struct ih_policy_names {
	/* Return: 0, -ENOENT for an unknown name, another negative errno. */
	int (*user)(const char *name, uint32_t *ret);
	int (*group)(const char *name, uint32_t *ret);
};

/**
 * ih_policy_parse() - read a policy's JSON
 * @name: for messages and for struct ih_rule_info.file
 * @names: may be NULL
 * @ret: filled on success; ih_policy_free() it
 *
 * Strict: an unknown field, a value out of bounds, a wrong version and every other mistake is
 * refused with "<name>: line N: <path to the field>: <what is wrong>".
 *
 * Return: 0, -EBADMSG, -ENOMEM.
 */
int ih_policy_parse(const char *name, const char *text, size_t len,
		    const struct ih_policy_names *names, struct ih_policy **ret,
		    struct ih_diag *diag);
void ih_policy_free(struct ih_policy *policy);

/**
 * ih_policy_profile() - a built-in profile
 * @profile: "audit", "server" (the default), "developer", "appliance"
 *
 * Return: 0, or -ENOENT with the names that there are.
 */
int ih_policy_profile(const char *profile, struct ih_policy **ret, struct ih_diag *diag);

/* JSON text of a built-in profile, or NULL; @len may be NULL. */
const char *ih_profile_text(const char *profile, size_t *len);
const char *ih_profile_name(size_t i); /* NULL behind the last */

#define IH_PROFILE_DEFAULT "server"

/* For ih_facts: place of a grammar's or unit's name in the policy's lists + 1, or 0. */
unsigned int ih_policy_interpreter(const struct ih_policy *policy, const char *name);
unsigned int ih_policy_unit(const struct ih_policy *policy, const char *name);

/* The treatment of an interpreter's environment; @name may be NULL. Never NULL. */
const struct ih_env_treatment *ih_policy_environment(const struct ih_policy *policy,
						     const char *name);
/* "no_new_privileges", … as in the policy. */
const char *ih_step_name(enum ih_step step);
bool ih_env_keeps(const struct ih_env_treatment *t, const char *variable, size_t len);

/*
 * The weakest class that some rule which allows asks of code sources: what may stay in a path list.
 * Rules that ask nothing of them do not count.
 */
enum ih_trust_class ih_policy_least_source(const struct ih_policy *policy);

/* ih_decide() with the policy's rules. */
struct ih_answer ih_policy_decide(const struct ih_policy *policy, const struct ih_facts *facts);

/* Where answer->rule stands, or NULL when no rule matched. */
const struct ih_rule_info *ih_policy_rule(const struct ih_policy *policy,
					  const struct ih_answer *answer);
