/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stub takes from beside an image: which files, in which order, depends on its release. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "bootchain/companions.h"
#include "common/text.h"

static char root[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void put(const char *name)
{
	char path[256], *slash;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, name, 1), 1);
	close(fd);
}

static void setup(void)
{
	static const char *const files[] = {
		"E/x.efi.extra.d/b.cred",	   "E/x.efi.extra.d/A.CRED",
		"E/x.efi.extra.d/Z.cred",	   "E/x.efi.extra.d/.hidden.cred",
		"E/x.efi.extra.d/\303\244.cred",   "E/x.efi.extra.d/d.cred/inside",
		"E/x.efi.extra.d/s.raw",	   "E/x.efi.extra.d/c.confext.raw",
		"E/x.efi.extra.d/p.addon.efi",	   "E/x.efi.extra.d/other.txt",
		"loader/credentials/g.cred",	   "loader/extensions/g.raw",
		"loader/extensions/h.Confext.raw", "loader/addons/q.addon.efi",
		"E/y.efi.extra.d/foreign.cred",
	};

	snprintf(root, sizeof(root), "/tmp/ihard-companions-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		put(files[i]);
}

static void teardown(void)
{
	(void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void expect(unsigned int major, const char *wanted)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ih_companions c = { 0 };
	struct ih_text got = { 0 };
	struct ih_diag diag = { "" };

	cr_assert_eq(ih_companions_collect(fd, "E/x.efi", ih_stub_rules(major), &c, &diag), 0,
		     "%u: %s", major, diag.text);
	for (size_t i = 0; i < c.n; i++)
		(void)ih_text_addf(&got, "%s%s:%s:%u", i ? " " : "",
				   ih_companion_kind_name(c.item[i].kind), c.item[i].name,
				   ih_companion_pcr(c.item[i].kind));
	cr_expect_str_eq(ih_text_get(&got), wanted, "%u: %s", major, ih_text_get(&got));
	ih_text_done(&got);
	ih_companions_done(&c);
	close(fd);
}

#define CREDENTIALS                                                              \
	"credential:A.CRED:12 credential:Z.cred:12 credential:b.cred:12 global " \
	"credential:g.cred:12"

Test(companions, by_release, .init = setup, .fini = teardown)
{
	expect(252, CREDENTIALS " system extension:c.confext.raw:13 system extension:s.raw:13");
	expect(254, CREDENTIALS " system extension:c.confext.raw:13 system extension:s.raw:13"
				" addon:q.addon.efi:12 addon:p.addon.efi:12");
	expect(257,
	       CREDENTIALS " system extension:s.raw:13 configuration extension:c.confext.raw:12"
			   " addon:q.addon.efi:12 addon:p.addon.efi:12");
	expect(262, CREDENTIALS " system extension:s.raw:13 global system extension:g.raw:13"
				" configuration extension:c.confext.raw:12"
				" global configuration extension:h.Confext.raw:12"
				" addon:q.addon.efi:12 addon:p.addon.efi:12");
}

Test(companions, nothing_is_there)
{
	snprintf(root, sizeof(root), "/proc/self/fdinfo");
	expect(262, "");
}
