/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file: what it is to the kernel's side. The providers' walks are fill_tree.c and fill_store.c.
 */
#include "bpf/fill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/fill_priv.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "integrity/store.h"

/* Let people in: what they start is a person's doing. su and sudo are launchers: what they start is
 * their caller's. */
static const char *const logins[] = {
	"login",    "sshd",    "sshd-session",	     "dropbear",    "agetty",	  "getty",
	"mingetty", "lightdm", "gdm-session-worker", "sddm-helper", "in.rlogind", "telnetd",
};

/* Start what their unit files say. A manager that root runs is the machine's; any other is a
 * person's, who writes its units. */
static const char *const managers[] = { "systemd" };

/* Start what tables say that anybody may write: the text of all but root's is a person's. */
static const char *const tables[] = { "cron", "crond", "atd", "fcron" };

/* What they start is their caller's doing; they are told by a descriptor and take no command. */
static const char *const carriers[] = { "systemd-executor" };

void ih_fill_note(const struct ih_fill *f, const char *format, ...)
{
	struct ih_diag diag;
	char text[IH_DIAG_MAX];
	va_list args;

	if (!f->note)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)ih_fail(&diag, 0, "%s", text); /* takes control characters out */
	f->note(f->user, diag.text);
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static uint8_t flags_of_name(const char *name)
{
	if (is_one_of(name, logins, IH_ARRAY_SIZE(logins)))
		return IH_SEED_LOGIN;
	if (is_one_of(name, managers, IH_ARRAY_SIZE(managers)))
		return IH_SEED_MANAGER;
	if (is_one_of(name, tables, IH_ARRAY_SIZE(tables)))
		return IH_SEED_TABLES;
	return is_one_of(name, carriers, IH_ARRAY_SIZE(carriers)) ? IH_SEED_LAUNCHER : 0;
}

/* Their -c takes a command line; other languages read the same text otherwise. */
static bool is_shell(const struct ih_grammar *grammar)
{
	static const char *const shells[] = { "sh", "bash", "ksh", "zsh" };

	return is_one_of(ih_grammar_name(grammar), shells, IH_ARRAY_SIZE(shells));
}

static void describe(const struct ih_fill *f, const char *name, mode_t mode,
		     struct ih_gate_file *file)
{
	const struct ih_grammar *grammar = NULL;

	if (file->key.inode == f->guard.inode && file->key.device == f->guard.device)
		file->seed.flags |= IH_SEED_GUARD;
	if (!(mode & 0111))
		return;
	file->seed.flags |= flags_of_name(name);
	grammar = ih_grammars_find(f->grammars, name, NULL);
	if (!grammar)
		return;
	file->seed.grammar = ih_grammar_id(grammar) + 1;
	file->seed.flags |= ih_grammar_has_jit(grammar) ? IH_SEED_JIT : 0;
	file->seed.flags |= is_shell(grammar) ? IH_SEED_SHELL : 0;
	file->seed.flags |= ih_grammar_is_launcher(grammar) ? IH_SEED_LAUNCHER : IH_SEED_SCRIPTS;
}

/*
 * The kernel counts writers, and says so to whoever asks for a lease to read. Without the question
 * somebody who holds the file open could change it after it was looked at, through a mapping, and
 * its change time would tell later. Not every file system has leases: there nothing is known.
 */
static bool has_writer(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	return errno == EAGAIN;
}

int ih_fill_put(struct ih_fill *f, int fd, const char *name, enum ih_trust_class trust,
		uint64_t owner)
{
	struct ih_gate_file file;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (has_writer(fd)) {
		(void)__atomic_add_fetch(&f->busy, 1, __ATOMIC_RELAXED);
		return -ETXTBSY;
	}
	file = ih_gate_file_of(&st);
	file.seed.trust = (uint8_t)trust;
	ih_gate_bind(&file, fd);
	describe(f, name, st.st_mode, &file);
	r = ih_catalog_put(f->catalog, &file.key, &file.seed, owner);
	/* also what the catalog has: the kernel may have taken it back, and nobody told us */
	if (r >= 0)
		r = f->backend->add(f->state, &file);
	if (r == -E2BIG)
		(void)__atomic_add_fetch(&f->full, 1, __ATOMIC_RELAXED);
	if (r == 0)
		(void)__atomic_add_fetch(&f->files, 1, __ATOMIC_RELAXED);
	if (r == 0 && f->each)
		f->each(f->user, fd, trust);
	return r;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int ih_fill_judge(const struct ih_fill *f, struct ih_trust *trust, int fd, struct ih_gate_file *ret)
{
	struct ih_evidence evidence;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = ih_gate_file_of(&st);
	ret->seed.trust = IH_TRUST_UNTRUSTED;
	if (!S_ISREG(st.st_mode))
		return 0;
	r = ih_trust_fd(trust, fd, &evidence);
	if (r == 0 && !has_writer(fd))
		ret->seed.trust = (uint8_t)evidence.trust;
	if (r == 0 && evidence.path)
		describe(f, base_name(evidence.path), st.st_mode, ret);
	ih_evidence_done(&evidence);
	return r == -ESTALE ? 0 : r; /* without a name: memfd, deleted */
}

int ih_fill_fd(struct ih_fill *f, struct ih_trust *trust, int fd, char **ret_object)
{
	char link[64], path[4096];
	struct ih_evidence evidence;
	ssize_t n;
	int r;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	if (ih_fill_store_of(f, path, ret_object))
		return *ret_object ? -EAGAIN : -EACCES;
	r = ih_trust_fd(trust, fd, &evidence);
	if (r == 0 && evidence.trust < IH_TRUST_OWNED)
		r = -EACCES;
	if (r == 0)
		r = ih_fill_put(f, fd, base_name(evidence.path ? evidence.path : path),
				evidence.trust,
				ih_catalog_owner(evidence.object ? evidence.object : ""));
	ih_evidence_done(&evidence);
	return r;
}

const struct ih_provider *ih_fill_store_of(const struct ih_fill *f, const char *path,
					   char **ret_object)
{
	*ret_object = NULL;
	for (size_t i = 0; i < f->n_providers; i++) {
		const struct ih_provider *p = &f->providers[i];
		const char *root = p->root ? p->root : "";
		const char *store = p->store ? p->store : "/nix/store";
		size_t a = strlen(root), b = strlen(store), len;
		struct ih_text object = { 0 };

		if (p->kind != IH_PROVIDER_NIX || strncmp(path, root, a) != 0 ||
		    strncmp(path + a, store, b) != 0 || path[a + b] != '/')
			continue;
		len = strcspn(path + a + b + 1, "/");
		if (ih_store_base_is_valid(path + a + b + 1, len) &&
		    ih_text_addf(&object, "%s/%.*s", store, (int)len, path + a + b + 1) == 0)
			*ret_object = object.data;
		return p;
	}
	return NULL;
}

int ih_fill_all(struct ih_fill *f)
{
	struct ih_trust *trust = NULL;
	struct ih_diag diag;
	int r;

	r = ih_trust_open(f->providers, f->n_providers, &trust, &diag);
	if (r < 0)
		return r;
	for (size_t i = 0; i < f->n_providers && r == 0; i++)
		for (size_t k = 0; k < f->providers[i].n_trees && r == 0; k++)
			if (f->providers[i].kind == IH_PROVIDER_PATHS)
				r = ih_fill_tree(f, trust, f->providers[i].trees[k]);
	/* seals last: of two classes a file keeps the one that came later, and sealed is the best
	 */
	for (size_t i = 0; i < f->n_providers && r == 0; i++)
		if (f->providers[i].kind == IH_PROVIDER_NIX)
			r = ih_fill_store(f, &f->providers[i]);
	for (size_t i = 0; i < f->n_providers && r == 0; i++)
		if (f->providers[i].kind == IH_PROVIDER_SEAL)
			r = ih_fill_seals(f, trust, &f->providers[i]);
	ih_trust_free(trust);
	if (f->full)
		ih_fill_note(f,
			     "%llu files found no room in the kernel's table and cannot run; give "
			     "--files a larger number",
			     (unsigned long long)f->full);
	return r;
}
