/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel gate from user space: probe, load, fill, attach, pin, listen. Knows maps and programs,
 * not where trust comes from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/abi/decide.h"
#include "common/abi/gate.h"
#include "common/abi/grammar.h"
#include "common/diag.h"

struct ih_gate;

#define IH_GATE_FILES_MAX (4u << 20) /* verified files that can be asked for */
#define IH_GATE_PINS	  "/sys/fs/bpf/ihard"

struct ih_gate_limits {
	uint32_t files; /* 0: 262,144; at most IH_GATE_FILES_MAX */
	uint32_t ring;	/* bytes of the event ring, a power of two; 0: 1 MiB */
};

/**
 * ih_gate_probe() - can this kernel hold the gate?
 *
 * Asks in order: is BPF compiled in, does the kernel describe its types, is "bpf" an active
 * security module, may we load programs. The first "no" is the sentence, with what to change.
 * Return: 0, -EOPNOTSUPP or -EPERM.
 */
int ih_gate_probe(struct ih_diag *diag);

/**
 * ih_gate_open() - load the programs and make the maps, attach nothing
 * @ret: to be given to ih_gate_free(), which detaches what was not pinned
 */
int ih_gate_open(const struct ih_gate_limits *limits, struct ih_gate **ret, struct ih_diag *diag);
void ih_gate_free(struct ih_gate *gate);

/*
 * Did a guard before this one leave programs and maps that enforce (see ih_gate_pin())? Then
 * ih_gate_open() adopts the maps, if they have today's shape, and attaching and pinning replaces
 * the programs one by one: at no moment is there none.
 */
bool ih_gate_is_pinned(void);

/* The configuration that such programs enforce. Return: 0, -ENOENT, another negative errno. */
int ih_gate_pinned_config(struct ih_gate_config *ret);

/* What is known of a file. ih_gate_seed_of() fills key and identity from a stat of an open
 * descriptor; trust, flags and grammar are the caller's. */
struct ih_gate_file {
	struct ih_file_key key;
	struct ih_seed seed;
};
struct ih_gate_file ih_gate_file_of(const struct stat *st);

/* If the file is under fs-verity, what it measures becomes part of who it is: see bpf/verity.h. */
void ih_gate_bind(struct ih_gate_file *file, int fd);

/**
 * ih_gate_add() / ih_gate_remove() - vouch for a file, and no more
 * Return: 0, -E2BIG when the table is full (what is not in it is denied), a negative errno.
 */
int ih_gate_add(struct ih_gate *gate, const struct ih_gate_file *file);
int ih_gate_remove(struct ih_gate *gate, const struct ih_file_key *key);

/* What the kernel was told of a file. Return: 0, -ENOENT. */
int ih_gate_known(struct ih_gate *gate, const struct ih_file_key *key, struct ih_seed *ret);

/**
 * ih_gate_add_folder() - say what a folder is: IH_SEED_DATA or IH_SEED_STORE
 *
 * The folders above a store become IH_SEED_ABOVE. A folder needs no trust, and keeps its flags
 * while files in it come and go.
 * Return: 0 or a negative errno.
 */
int ih_gate_add_folder(struct ih_gate *gate, const char *path, uint8_t flags, struct ih_diag *diag);

/* What a policy becomes for the kernel. Copied. */
struct ih_gate_policy {
	struct ih_gate_config config; /* n_rules is set from below */
	const struct ih_rule *rules;  /* at most IH_RULES_MAX; the last one denies everything */
	uint32_t n_rules;
	const struct ih_tables *grammars; /* NULL: nothing is known to be an interpreter */
	const uint16_t *interpreters;	  /* for each grammar: struct ih_facts.interpreter */
	/* Folders by name: code searched for elsewhere is nobody's. At most IH_GATE_TREES_MAX
	 * count. */
	const char *const *trees;
	size_t n_trees;
	char *const *units; /* place + 1 is struct ih_facts.unit */
	size_t n_units;	    /* at most IH_UNITS_MAX */
};

/**
 * ih_gate_put() - put a policy in force, all at once
 *
 * Writes the set that is not in force, then flips one number: no program ever sees half of each.
 * Return: 0, -E2BIG when it does not fit the kernel's tables, a negative errno.
 */
int ih_gate_put(struct ih_gate *gate, const struct ih_gate_policy *policy, struct ih_diag *diag);

/* Tells the gate that this process is the guard: it was started before there was a gate to see it.
 * Children are guards until they execute something. */
int ih_gate_mark_guard(struct ih_gate *gate, struct ih_diag *diag);

/* What a process is that was started before there was a gate, by the seed of its program; its
 * children inherit it. What an interpreter runs cannot be told any more: it is unverified, and its
 * code is gated from here on. Return: 0, -ESRCH, another negative errno. */
int ih_gate_mark(struct ih_gate *gate, pid_t pid, const struct ih_seed *seed);

/* From here the kernel enforces. All programs or none. */
int ih_gate_attach(struct ih_gate *gate, struct ih_diag *diag);

/* Makes attachment outlive this process: links and maps get names below IH_GATE_PINS. */
int ih_gate_pin(struct ih_gate *gate, struct ih_diag *diag);

/* Takes the names away; with the last reference the gate opens. Only the guard may while locked. */
int ih_gate_unpin(struct ih_diag *diag);

struct ih_gate_counts {
	uint64_t sent, lost;
};
int ih_gate_counts(const struct ih_gate *gate, struct ih_gate_counts *ret);

/* Called for each event; the event is checked for version and size before. */
typedef void (*ih_gate_listener)(void *context, const struct ih_event *event);

/* A descriptor to poll, and what to call for each event. ih_gate_take_events() returns events
 * handled, or a negative errno. */
int ih_gate_event_fd(const struct ih_gate *gate);
void ih_gate_listen(struct ih_gate *gate, ih_gate_listener listener, void *context);
int ih_gate_take_events(struct ih_gate *gate, int timeout_ms);

/* Instructions that the verifier walked, by program; for the table of tests/vm. */
struct ih_gate_program {
	char name[16];
	uint32_t instructions; /* of the program as translated */
	uint32_t verified;     /* that the verifier looked at */
	uint64_t runs, run_ns; /* while kernel.bpf_stats_enabled is on */
};
size_t ih_gate_programs(const struct ih_gate *gate, struct ih_gate_program *ret, size_t max);
