/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The BPF programs as a back end: loader.h in the shape that the guard asks for. */
#include "bpf/backend.h"

#include <errno.h>
#include <stdlib.h>

struct state {
	struct ih_gate *gate;
};

static int bpf_open(const struct ih_backend_options *options, void **ret, struct ih_diag *diag)
{
	struct state *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return ih_fail(diag, -ENOMEM, "no memory for the gate");
	r = ih_gate_open(&options->limits, &s->gate, diag);
	if (r < 0) {
		free(s);
		return r;
	}
	ih_gate_listen(s->gate, options->listener, options->context);
	*ret = s;
	return 0;
}

static void bpf_free(void *state)
{
	struct state *s = state;

	if (!s)
		return;
	ih_gate_free(s->gate);
	free(s);
}

static int bpf_put(void *state, const struct ih_gate_policy *policy, struct ih_diag *diag)
{
	return ih_gate_put(((struct state *)state)->gate, policy, diag);
}

static int bpf_add(void *state, const struct ih_gate_file *file)
{
	return ih_gate_add(((struct state *)state)->gate, file);
}

static int bpf_remove(void *state, const struct ih_file_key *key)
{
	return ih_gate_remove(((struct state *)state)->gate, key);
}

static int bpf_known(void *state, const struct ih_file_key *key, struct ih_seed *ret)
{
	return ih_gate_known(((struct state *)state)->gate, key, ret);
}

static int bpf_mark(void *state, pid_t pid, const struct ih_seed *seed)
{
	return ih_gate_mark(((struct state *)state)->gate, pid, seed);
}

/* Folders that interpreters read settings from before their script, and that nobody mounts over. */
static int add_folders(struct ih_gate *gate, struct ih_diag *diag)
{
	int r = ih_gate_add_folder(gate, "/etc", IH_SEED_DATA, diag);

	if (r == 0 || r == -ENOENT)
		r = ih_gate_add_folder(gate, "/nix/store", IH_SEED_STORE, diag);
	return r == -ENOENT ? 0 : r;
}

static int bpf_attach(void *state, struct ih_diag *diag)
{
	struct state *s = state;
	int r = ih_gate_mark_guard(s->gate, diag);

	if (r == 0)
		r = add_folders(s->gate, diag);
	return r < 0 ? r : ih_gate_attach(s->gate, diag);
}

static int bpf_keep(void *state, struct ih_diag *diag)
{
	return ih_gate_pin(((struct state *)state)->gate, diag);
}

static int bpf_release(void *state, struct ih_diag *diag)
{
	(void)state;
	return ih_gate_unpin(diag);
}

static int bpf_event_fd(void *state)
{
	return ih_gate_event_fd(((struct state *)state)->gate);
}

static int bpf_take_events(void *state)
{
	return ih_gate_take_events(((struct state *)state)->gate, 0);
}

static int bpf_counts(void *state, struct ih_gate_counts *ret)
{
	return ih_gate_counts(((struct state *)state)->gate, ret);
}

const struct ih_backend_ops ih_backend_bpf = {
	.name = "bpf",
	.title = "BPF security module programs",
	.cannot = "it cannot stop code that runs in the kernel already, nor what a trusted program "
		  "computes from data that it reads",
	.survives = true,
	.probe = ih_gate_probe,
	.open = bpf_open,
	.free = bpf_free,
	.put = bpf_put,
	.add = bpf_add,
	.remove = bpf_remove,
	.mark = bpf_mark,
	.attach = bpf_attach,
	.found = ih_gate_pinned_config,
	.known = bpf_known,
	.keep = bpf_keep,
	.release = bpf_release,
	.event_fd = bpf_event_fd,
	.take_events = bpf_take_events,
	.counts = bpf_counts,
};
