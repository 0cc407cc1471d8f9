/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Generations onto a boot partition: what is there, the plan, its execution. */
#include "bootchain/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bootchain/bless.h"
#include "bootchain/install_priv.h"
#include "bootchain/loader_conf.h"
#include "common/cleanup.h"
#include "common/fd.h"

static int fail_memory(struct ih_diag *diag)
{
	return ih_fail(diag, -ENOMEM, "out of memory");
}

/* What is there */

static const struct ih_entry *find_entry(const struct ih_install *in, enum ih_folder folder,
					 const char *name)
{
	const struct ih_entries *all = in->request->entries;
	size_t i;

	for (i = 0; i < all->n; i++)
		if ((all->items[i].type == IH_ENTRY_UKI) == (folder == IH_FOLDER_TYPE2) &&
		    strcmp(all->items[i].name, name) == 0)
			return &all->items[i];
	return NULL;
}

static bool is_booted(const struct ih_install *in, const struct ih_present_file *p,
		      const struct ih_entry *e)
{
	const struct ih_install_request *rq = in->request;

	if (p->folder == IH_FOLDER_FILES)
		return false;
	if (rq->booted && ih_count_same_entry(rq->booted, p->name))
		return true;
	/* Whatever the variables say: what has the running init= is what runs. */
	return e && e->options && strstr(e->options, "init=") && rq->cmdline &&
	       ih_bless_is_running(e, rq->cmdline);
}

static bool is_asked_for(const struct ih_install *in, size_t entry)
{
	for (size_t i = 0; i < in->n_asked; i++)
		if (in->asked[i].entry == entry)
			return true;
	return false;
}

/* "/EFI/ihard/NAME" → NAME; NULL for another folder. */
static const char *our_file(const char *path)
{
	const char *folder = ih_folder_path(IH_FOLDER_FILES);
	size_t len = strlen(folder);

	if (!path || strncasecmp(path + 1, folder, len) != 0 || path[1 + len] != '/')
		return NULL;
	return path + 2 + len;
}

/* Names that an entry needs in our folder; they live as long as the entries of the request. */
static int set_references(struct ih_present_file *p, const struct ih_entry *e)
{
	const char *name;
	size_t i;

	if (!e)
		return 0;
	p->references = calloc(e->n_initrds + 2, sizeof(*p->references));
	if (!p->references)
		return -ENOMEM;
	name = our_file(e->loader);
	if (name)
		p->references[p->n_references++] = name;
	name = our_file(e->devicetree);
	if (name)
		p->references[p->n_references++] = name;
	for (i = 0; i < e->n_initrds; i++) {
		name = our_file(e->initrds[i]);
		if (name)
			p->references[p->n_references++] = name;
	}
	return 0;
}

/* Is a file needed by an entry that we did not make? */
static bool is_foreign_need(const struct ih_install *in, const char *name)
{
	const struct ih_entries *all = in->request->entries;
	size_t i, k;

	for (i = 0; i < all->n; i++) {
		const struct ih_entry *e = &all->items[i];
		const char *loader = our_file(e->loader);
		const char *tree = our_file(e->devicetree);

		if (e->type == IH_ENTRY_UKI || ih_plan_is_ours(IH_FOLDER_TYPE1, e->name))
			continue;
		if ((loader && strcasecmp(loader, name) == 0) ||
		    (tree && strcasecmp(tree, name) == 0))
			return true;
		for (k = 0; k < e->n_initrds; k++) {
			const char *initrd = our_file(e->initrds[k]);

			if (initrd && strcasecmp(initrd, name) == 0)
				return true;
		}
	}
	return false;
}

static bool is_wanted(const struct ih_install *in, enum ih_folder folder, const char *name)
{
	size_t i;

	for (i = 0; i < in->n_wanted; i++)
		if (in->wanted[i].folder == folder &&
		    (folder == IH_FOLDER_FILES ? strcasecmp(in->wanted[i].name, name) == 0
					       : ih_count_same_entry(in->wanted[i].name, name)))
			return true;
	return false;
}

/* Reads what is wanted, whole: a file that the disk does not give back is damaged. */
static void check_content(const struct ih_install *in, struct ih_present_file *p)
{
	const char *dash = strchr(p->name, '-');
	char hex[IH_ESP_HEX];

	if (!dash || !ih_plan_is_ours(p->folder, p->name) || !is_wanted(in, p->folder, p->name))
		return;
	if (ih_esp_hash(&in->boot, ih_folder_path(p->folder), p->name, hex) == 0 &&
	    strncasecmp(dash + 1, hex, IH_ESP_HEX - 1) == 0)
		p->state = IH_PRESENT_GOOD;
}

static int add_present(struct ih_install *in, enum ih_folder folder, struct ih_esp_file *file)
{
	struct ih_present_file *grown, *p;
	const struct ih_entry *e;

	if ((in->n_present & (in->n_present - 1)) == 0) {
		grown = reallocarray(in->present, in->n_present ? 2 * in->n_present : 1,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		in->present = grown;
	}
	p = &in->present[in->n_present++];
	*p = (struct ih_present_file){ .folder = folder,
				       .name = TAKE_PTR(file->name),
				       .size = file->size };
	e = folder == IH_FOLDER_FILES ? NULL : find_entry(in, folder, p->name);
	p->booted = is_booted(in, p, e);
	p->asked_for = e && is_asked_for(in, (size_t)(e - in->request->entries->items));
	p->referenced_by_foreign = folder == IH_FOLDER_FILES && is_foreign_need(in, p->name);
	return set_references(p, e);
}

static int read_present(struct ih_install *in, struct ih_diag *diag)
{
	const struct ih_install_request *rq = in->request;
	enum ih_folder folder;
	size_t i;
	int r = 0;

	if (rq->state)
		in->n_asked = ih_entries_asked_for(rq->entries, rq->state, in->asked);
	for (folder = 0; folder < IH_FOLDERS && r == 0; folder++) {
		struct ih_esp_files files = { 0 };

		r = ih_esp_list(&in->boot, ih_folder_path(folder), &files, diag);
		for (i = 0; i < files.n && r == 0; i++) {
			r = add_present(in, folder, &files.items[i]);
			if (r < 0)
				(void)fail_memory(diag);
		}
		ih_esp_files_done(&files);
	}
	if (r == 0)
		ih_install_check(in, check_content);
	return r;
}

/* loader.conf */

static bool is_first_of_ours(const struct ih_install *in)
{
	return in->request->items->n && in->request->items->items[0].is_default;
}

static int make_loader_conf(struct ih_install *in, bool *ret_changed, struct ih_diag *diag)
{
	_close_ int fd = ih_open_beneath(in->esp.fd, "loader/loader.conf", O_RDONLY);
	struct ih_loader_choice choice = { .is_first = is_first_of_ours(in) };
	_free_ char *old = NULL;
	size_t len = 0;
	size_t i;
	int r;

	if (fd < 0 && fd != -ENOENT)
		return ih_fail(diag, fd, "cannot open '%s/loader/loader.conf': %s", in->esp.path,
			       strerror(-fd));
	if (fd >= 0) {
		r = ih_read_fd(fd, "loader.conf", IH_LOADER_CONF_MAX, &old, &len, diag);
		if (r < 0)
			return r;
	}
	for (i = 0; i < in->n_wanted; i++)
		if (in->wanted[i].is_default)
			choice.name = in->wanted[i].name;
	if (!choice.name)
		return ih_fail(diag, -ENODATA, "there is no default entry");
	choice.version = in->request->loader_version ? in->request->loader_version
						     : ih_loader_version(in->esp.fd);
	in->default_name = strdup(choice.name);
	if (!in->default_name ||
	    ih_loader_conf_choose(old ? old : "", len, &choice, &in->loader_conf) < 0)
		return fail_memory(diag);
	*ret_changed = !old || in->loader_conf.len != len ||
		       memcmp(old, in->loader_conf.data, len) != 0;
	return 0;
}

/* The plan */

static int check_space(const struct ih_install *in, struct ih_diag *diag)
{
	const struct ih_plan *p = &in->plan;
	const uint64_t mib = 1 << 20;

	if (p->peak <= in->space.free)
		return 0;
	return ih_fail(
		diag, -ENOSPC,
		"'%s' has %llu MiB free and needs %llu MiB more at the worst moment; %llu MiB "
		"of old files could go%s",
		in->boot.path, (unsigned long long)(in->space.free / mib),
		(unsigned long long)((p->peak - in->space.free + mib - 1) / mib),
		(unsigned long long)(p->removed / mib),
		in->request->collect_first ? "; keep fewer generations (--limit)"
					   : ": --collect-first removes them before writing; or "
					     "keep fewer generations (--limit)");
}

static int make_plan(struct ih_install *in, bool loader_conf, struct ih_diag *diag)
{
	struct ih_plan_request rq = {
		.wanted = in->wanted,
		.n_wanted = in->n_wanted,
		.present = in->present,
		.n_present = in->n_present,
		.tries = in->request->tries,
		.keep_all = in->request->items->skipped > 0,
		.collect_first = in->request->collect_first,
		.loader_conf = loader_conf,
		.unit = in->space.unit,
	};
	int r = ih_plan_make(&rq, &in->plan);

	if (r == -EINVAL)
		return ih_fail(diag, r, "there is nothing to boot: '%s' is left as it is",
			       in->boot.path);
	if (r == -EBUSY)
		return ih_fail(diag, r,
			       "removing before writing would leave nothing to boot on '%s' "
			       "for the time between",
			       in->boot.path);
	if (r < 0)
		return ih_fail(diag, r, "cannot plan: %s", strerror(-r));
	return check_space(in, diag);
}

static void set_places(struct ih_install *in)
{
	const struct ih_install_request *rq = in->request;
	const struct ih_boot_dir *boot = &rq->dirs->dirs[rq->dirs->n - 1];
	const struct ih_boot_dir *esp = &rq->dirs->dirs[0];

	in->boot = (struct ih_esp){ boot->fd, boot->path, rq->step, rq->step_self };
	in->esp = (struct ih_esp){ esp->fd, esp->path, rq->step, rq->step_self };
}

int ih_install_prepare(const struct ih_install_request *request, struct ih_install *ret,
		       struct ih_diag *diag)
{
	struct ih_install in = { .request = request };
	bool loader_conf = false;
	int r;

	set_places(&in);
	r = ih_esp_space(&in.boot, &in.space, diag);
	if (r == 0)
		r = ih_install_want(&in, diag);
	if (r == 0)
		r = read_present(&in, diag);
	if (r == 0)
		r = make_loader_conf(&in, &loader_conf, diag);
	if (r == 0)
		r = make_plan(&in, loader_conf, diag);
	if (r < 0) {
		ih_install_done(&in);
		return r;
	}
	*ret = in;
	return 0;
}

/* Doing it */

/* What a secrets program makes has another name than its hash. */
static int write_file(struct ih_install *in, const struct ih_plan_step *s, struct ih_diag *diag)
{
	const struct ih_wanted_file *w = &in->wanted[s->index];
	const char *dash = strchr(w->name, '-');
	struct ih_rope renewed = { 0 };
	struct ih_esp_write what = {
		.folder = ih_folder_path(w->folder),
		.name = s->name,
		.replace = s->act == IH_PLAN_REPLACE,
		.content = &in->recipes[s->index].content,
		.hex = w->renew || !dash ? NULL : dash + 1,
	};
	int r = 0;

	if (w->renew) {
		r = ih_install_content(in, s->index, &renewed, diag);
		what.content = &renewed;
	}
	if (r == 0)
		r = ih_esp_write(&in->boot, &what, diag);
	ih_rope_done(&renewed);
	return r;
}

static int write_loader_conf(struct ih_install *in, struct ih_diag *diag)
{
	struct ih_rope text = { 0 };
	const struct ih_esp_write what = {
		.folder = "loader", .name = "loader.conf", .replace = true, .content = &text
	};
	int r = ih_rope_add(&text, in->loader_conf.data, in->loader_conf.len);

	if (r == 0)
		r = ih_esp_write(&in->esp, &what, diag);
	ih_rope_done(&text);
	return r;
}

static int run_step(struct ih_install *in, const struct ih_plan_step *s, struct ih_diag *diag)
{
	switch (s->act) {
	case IH_PLAN_WRITE:
	case IH_PLAN_REPLACE:
		return write_file(in, s, diag);
	case IH_PLAN_LOADER_CONF:
		return write_loader_conf(in, diag);
	case IH_PLAN_REMOVE:
		return ih_esp_remove(&in->boot, ih_folder_path(in->present[s->index].folder),
				     s->name, diag);
	}
	return -EINVAL;
}

/* Files, entries, loader.conf, removals: each kind is on disk before the next begins. */
static int phase(const struct ih_install *in, const struct ih_plan_step *s)
{
	if (s->act == IH_PLAN_LOADER_CONF)
		return 2;
	if (s->act == IH_PLAN_REMOVE)
		return in->present[s->index].folder == IH_FOLDER_FILES ? 4 : 3;
	return in->wanted[s->index].folder == IH_FOLDER_FILES ? 0 : 1;
}

static int sync_both(const struct ih_install *in, struct ih_diag *diag)
{
	int r = ih_esp_sync(&in->boot, diag);

	if (r == 0 && in->esp.fd != in->boot.fd)
		r = ih_esp_sync(&in->esp, diag);
	return r;
}

int ih_install_run(struct ih_install *install, struct ih_diag *diag)
{
	const struct ih_plan *plan = &install->plan;
	size_t i;
	int r = 0;

	for (i = 0; i < plan->n && r == 0; i++) {
		r = run_step(install, &plan->steps[i], diag);
		if (r == 0 && (i + 1 == plan->n || phase(install, &plan->steps[i]) !=
							   phase(install, &plan->steps[i + 1])))
			r = sync_both(install, diag);
	}
	return r;
}

const struct ih_boot_item *ih_install_item(const struct ih_install *install, size_t wanted)
{
	if (install->wanted[wanted].folder == IH_FOLDER_FILES)
		return NULL;
	return install->recipes[wanted].item;
}

void ih_install_done(struct ih_install *install)
{
	size_t i;

	for (i = 0; i < install->n_wanted; i++) {
		free(install->wanted[i].name);
		ih_rope_done(&install->recipes[i].content);
	}
	free(install->wanted);
	free(install->recipes);
	for (i = 0; i < install->n_present; i++) {
		free(install->present[i].name);
		free(install->present[i].references);
	}
	free(install->present);
	free(install->default_name);
	ih_text_done(&install->loader_conf);
	ih_plan_done(&install->plan);
	*install = (struct ih_install){ 0 };
}
