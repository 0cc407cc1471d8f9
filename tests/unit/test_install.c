/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootchain/install.c and esp.c under power cuts: at every step of an installation, of a collection
 * and of both, with what was not written to disk yet torn. At every moment the loader finds an
 * entry that is whole, and the next run ends where an undisturbed one does. Blocks of a FAT image
 * are cut in tests/vm/powercut; here a step is a change that esp.c makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "bootchain/install.h"
#include "bootchain/next.h"

static char root[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void setup(void)
{
	/* memory, where there is such a folder: every step is synced */
	snprintf(root, sizeof(root), "%s/ihard-install-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	cr_assert_not_null(mkdtemp(root));
}

static void teardown(void)
{
	remove_tree(root);
}

static void put(const char *name, const char *content, size_t len)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, content, len), (ssize_t)len);
	close(fd);
}

static void make_dir(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	cr_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
}

/* Generations first..last, with a kernel that two share and an initrd each. */
static void make_generations(int first, int last)
{
	char name[200], link[200], json[2000], bytes[3000];

	make_dir("p");
	for (int i = first; i <= last; i++) {
		memset(bytes, 'k' + i / 2, sizeof(bytes));
		snprintf(name, sizeof(name), "kernel-%d", i / 2);
		put(name, bytes, sizeof(bytes));
		memset(bytes, 'A' + i, sizeof(bytes));
		snprintf(name, sizeof(name), "initrd-%d", i);
		put(name, bytes, sizeof(bytes));
		snprintf(name, sizeof(name), "gen-%d", i);
		make_dir(name);
		snprintf(json, sizeof(json),
			 "{\"org.nixos.bootspec.v1\":{\"system\":\"x86_64-linux\",\"label\":\"N\","
			 "\"kernel\":\"%s/kernel-%d\",\"initrd\":\"%s/initrd-%d\","
			 "\"kernelParams\":[],\"init\":\"%s/gen-%d/init\",\"toplevel\":\"%s/"
			 "gen-%d\"}}",
			 root, i / 2, root, i, root, i, root, i);
		snprintf(name, sizeof(name), "gen-%d/boot.json", i);
		put(name, json, strlen(json));
		snprintf(name, sizeof(name), "%s/gen-%d", root, i);
		snprintf(link, sizeof(link), "%s/p/system-%d-link", root, i);
		(void)unlink(link);
		cr_assert_eq(symlink(name, link), 0);
	}
}

static void drop_generation(int i)
{
	char link[200];

	snprintf(link, sizeof(link), "%s/p/system-%d-link", root, i);
	cr_assert_eq(unlink(link), 0);
}

/* The power cut */

struct cut {
	int at;		     /* which step */
	int seen;	     /* so many so far */
	const char *changed; /* a source that changes when the first change is made; NULL: none */
};

/* What had no fsync is lost, or half there. */
static int tear(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t len = strlen(path);

	(void)ftw;
	if (type == FTW_F && len > 4 && strcmp(path + len - 4, ".tmp") == 0)
		cr_assert_eq(truncate(path, st->st_size / 2), 0);
	return 0;
}

static int cut_power(void *self, const char *what, const char *name)
{
	struct cut *cut = self;
	char path[200];

	(void)name;
	if (cut->changed && cut->seen == 0)
		put(cut->changed, "other", 5);
	if (cut->seen++ != cut->at)
		return 0;
	if (strcmp(what, "fsync") == 0) {
		snprintf(path, sizeof(path), "%s/esp", root);
		(void)nftw(path, tear, 16, FTW_PHYS);
	}
	return -EOWNERDEAD;
}

struct world {
	struct ih_boot_items items;
	struct ih_boot_dirs dirs;
	struct ih_entries entries;
	struct ih_loader_conf conf;
};

static void open_partition(struct world *w)
{
	struct ih_diag diag = { 0 };
	char esp[200];

	snprintf(esp, sizeof(esp), "%s/esp", root);
	cr_assert_eq(ih_boot_dirs_open(esp, NULL, &w->dirs, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_boot_dirs_read(&w->dirs, &w->entries, &w->conf, NULL, &diag), 0, "%s",
		     diag.text);
}

static void world_done(struct world *w)
{
	ih_boot_items_done(&w->items);
	ih_boot_dirs_done(&w->dirs);
	ih_entries_done(&w->entries);
	ih_loader_conf_done(&w->conf);
}

static int install_with(uint32_t tries, struct cut *cut, struct ih_diag *ret_diag)
{
	struct ih_install_request rq = { 0 };
	struct ih_install in = { 0 };
	struct ih_generation_request wanted = { 0 };
	struct ih_diag diag = { 0 };
	struct world w = { 0 };
	char profiles[200];
	int r;

	make_dir("esp");
	snprintf(profiles, sizeof(profiles), "%s/p", root);
	wanted.profiles = profiles;
	cr_assert_eq(ih_generations_read(&wanted, &w.items, &diag), 0, "%s", diag.text);
	open_partition(&w);
	rq = (struct ih_install_request){ .items = &w.items,
					  .dirs = &w.dirs,
					  .entries = &w.entries,
					  .tries = tries,
					  .loader_version = 252,
					  .step = cut_power,
					  .step_self = cut };
	r = ih_install_prepare(&rq, &in, &diag);
	cr_assert_eq(r, 0, "%s", diag.text);
	r = ih_install_run(&in, &diag);
	*ret_diag = diag;
	ih_install_done(&in);
	world_done(&w);
	return r;
}

/* Return: what the run returned; *steps: how many changes it made. */
static int install(uint32_t tries, int cut_at, int *steps)
{
	struct cut cut = { .at = cut_at };
	struct ih_diag diag = { 0 };
	int r;

	r = install_with(tries, &cut, &diag);
	if (r < 0)
		cr_assert_eq(r, -EOWNERDEAD, "%s", diag.text);
	if (steps)
		*steps = cut.seen;
	return r;
}

/* Is the file of an entry there with the content that its name says? */
static bool is_whole(const struct ih_esp *esp, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char folder[64], hex[IH_ESP_HEX];

	snprintf(folder, sizeof(folder), "%.*s", (int)(name - path - 2), path + 1);
	return ih_esp_hash(esp, folder, name, hex) == 0 &&
	       strncmp(strchr(name, '-') + 1, hex, IH_ESP_HEX - 1) == 0;
}

static bool boots(const struct ih_esp *esp, const struct ih_entry *e)
{
	char path[300];

	snprintf(path, sizeof(path), "/loader/entries/%s", e->name);
	return is_whole(esp, path) && e->n_initrds == 1 && is_whole(esp, e->loader) &&
	       is_whole(esp, e->initrds[0]);
}

/* What the loader would start is whole, and so is everything behind it. */
static void check_bootable(const char *when, int step)
{
	struct ih_loader_state state = { .version = 252 };
	struct world w = { 0 };
	struct ih_esp esp;
	size_t next = 0;

	open_partition(&w);
	esp = (struct ih_esp){ .fd = w.dirs.dirs[0].fd, .path = "esp" };
	state.conf = w.conf;
	cr_assert_neq(ih_entries_next(&w.entries, &state, &next), IH_NEXT_NONE,
		      "%s, step %d: nothing boots", when, step);
	for (size_t i = 0; i < w.entries.n; i++)
		cr_expect(boots(&esp, &w.entries.items[i]), "%s, step %d: '%s' is not whole", when,
			  step, w.entries.items[i].name);
	world_done(&w);
}

static struct ih_text snapshot_text;

static int note(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_F)
		(void)ih_text_addf(&snapshot_text, "%s %lld\n", path, (long long)st->st_size);
	return 0;
}

/* Sum of names and sizes: order does not matter. */
static unsigned long snapshot(void)
{
	unsigned long sum = 0;
	char path[200];

	snprintf(path, sizeof(path), "%s/esp", root);
	ih_text_done(&snapshot_text);
	(void)nftw(path, note, 16, FTW_PHYS);
	for (const char *line = ih_text_get(&snapshot_text); *line;) {
		size_t len = strcspn(line, "\n");
		unsigned long h = 5381;

		for (size_t i = 0; i < len; i++)
			h = h * 33 ^ (unsigned char)line[i];
		sum += h;
		line += len + 1;
	}
	return sum;
}

/* From generations 1 to 3 to generations 3 to 6: files are shared, written, removed. */
static void begin(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/esp", root);
	remove_tree(path);
	snprintf(path, sizeof(path), "%s/p", root);
	remove_tree(path);
	make_generations(1, 3);
	cr_assert_eq(install(0, -1, NULL), 0);
	make_generations(4, 6);
	drop_generation(1);
	drop_generation(2);
}

Test(install, power_cut_at_every_step, .init = setup, .fini = teardown, .timeout = 100)
{
	unsigned long done;
	int steps = 0;

	begin();
	cr_assert_eq(install(2, -1, &steps), 0);
	check_bootable("undisturbed", -1);
	done = snapshot();
	cr_assert_gt(steps, 40, "%d steps", steps);
	for (int at = 0; at < steps; at++) {
		begin();
		cr_assert_eq(install(2, at, NULL), -EOWNERDEAD, "step %d", at);
		check_bootable("after the cut", at);
		cr_assert_eq(install(2, -1, NULL), 0);
		check_bootable("after the repair", at);
		cr_expect_eq(snapshot(), done, "step %d: the repair ends somewhere else", at);
	}
}

/* A first installation has nothing to fall back to; once an entry is there it is whole. */
Test(install, power_cut_during_the_first, .init = setup, .fini = teardown, .timeout = 100)
{
	unsigned long done;
	char path[200];
	int steps = 0;

	make_generations(1, 3);
	cr_assert_eq(install(3, -1, &steps), 0);
	done = snapshot();
	snprintf(path, sizeof(path), "%s/esp", root);
	for (int at = 0; at < steps; at++) {
		remove_tree(path);
		cr_assert_eq(install(3, at, NULL), -EOWNERDEAD, "step %d", at);
		cr_assert_eq(install(3, -1, NULL), 0);
		check_bootable("after the repair", at);
		cr_expect_eq(snapshot(), done, "step %d", at);
	}
}

/* What is planned is not held in memory: what is written then must still be it. */
Test(install, a_source_that_changes_before_it_is_written, .init = setup, .fini = teardown)
{
	struct cut cut = { .at = -1, .changed = "initrd-6" };
	struct ih_diag diag = { 0 };

	begin();
	cr_assert_eq(install_with(0, &cut, &diag), -ESTALE);
	cr_expect(strstr(diag.text, "initrd-6' changed while it was read"), "%s", diag.text);
	check_bootable("after the refusal", -1);
	(void)snapshot();
	cr_expect_null(strstr(ih_text_get(&snapshot_text), ".tmp"), "%s",
		       ih_text_get(&snapshot_text));
	cr_assert_eq(install(0, -1, NULL), 0);
	check_bootable("the next time", -1);
}
