/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unified images: layout, the table of stubs, what is refused; initrds joined. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>

#include "bootchain/initrd.h"
#include "bootchain/pe_rope.h"
#include "bootchain/uki.h"
#include "tests/unit/image.h"

#define STUB_252 "#### LoaderInfo: systemd-stub 252.39-1~deb12u2 ####"

static struct ih_bytes bytes(const char *text)
{
	return (struct ih_bytes){ (const uint8_t *)text, strlen(text) };
}

/* A section whose content is bytes in memory. */
struct section {
	const char *name;
	struct ih_bytes content;
};

/* Builds, and holds what is said of the image in pieces against what is said of it as a whole. */
static int build_image(const struct ih_image *stub, const struct section *sections, size_t n,
		       struct ih_image *ret, struct ih_diag *diag)
{
	struct ih_uki_part parts[IH_UKI_PARTS_MAX];
	uint8_t digest[IH_PE_DIGEST];
	struct ih_rope rope = { 0 };
	struct ih_pe_sums sums;
	struct ih_pe pe;
	int r;

	for (size_t i = 0; i < n; i++) {
		parts[i] = (struct ih_uki_part){ .name = sections[i].name };
		r = ih_rope_add(&parts[i].content, sections[i].content.data,
				sections[i].content.len);
		cr_assert_eq(r, 0);
	}
	r = ih_uki_build("stub", (struct ih_bytes){ stub->data, stub->len }, parts, n, &rope, diag);
	for (size_t i = 0; i < n; i++)
		ih_rope_done(&parts[i].content);
	if (r < 0)
		return r;
	cr_assert_eq(ih_pe_rope_parse("uki", &rope, &pe, diag), 0, "%s", diag->text);
	cr_assert_eq(ih_pe_rope_sums(&rope, &pe, &sums, diag), 0, "%s", diag->text);
	ih_pe_rope_finish(&rope, &pe, sums.sum);
	cr_assert_eq(ih_rope_flatten(&rope, &ret->data, diag), 0, "%s", diag->text);
	ret->len = rope.len;
	ih_rope_done(&rope);
	cr_assert_eq(ih_pe_parse("uki", ret->data, ret->len, &pe, diag), 0, "%s", diag->text);
	cr_assert_eq(ih_pe_digest(&pe, digest), 0);
	cr_assert_arr_eq(digest, sums.digest, sizeof(digest));
	return 0;
}

static void build(const struct section *parts, size_t n, int expect, const char *sentence)
{
	struct ih_image stub = image_make(STUB_252), out = { 0 };
	struct ih_diag diag = { "" };
	int r;

	r = build_image(&stub, parts, n, &out, &diag);
	cr_assert_eq(r, expect, "%d: %s", r, diag.text);
	cr_assert(strstr(diag.text, sentence), "%s", diag.text);
	free(out.data);
	free(stub.data);
}

Test(uki, sections_lie_aligned_and_covered_and_the_kernel_last)
{
	const struct section parts[] = {
		{ ".linux", bytes("kernel") },	  { ".osrel", bytes("ID=nixos\n") },
		{ ".cmdline", bytes("init=/x") }, { ".initrd", bytes("070701") },
		{ ".uname", bytes("6.1") },	  { ".pcrpkey", bytes("key") },
		{ ".pcrsig", bytes("{}") },	  { ".dtb", bytes("tree") },
	};
	struct ih_image stub = image_make(STUB_252), out;
	struct ih_diag diag = { "" };
	struct ih_bytes content;
	struct ih_pe pe;

	cr_assert_eq(build_image(&stub, parts, IH_ARRAY_SIZE(parts), &out, &diag), 0, "%s",
		     diag.text);
	cr_assert_eq(ih_pe_parse("uki", out.data, out.len, &pe, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_pe_covered("uki", &pe, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_uki_check("uki", &pe, &diag), 0, "%s", diag.text);
	cr_assert_eq(pe.n_sections, 10);
	cr_assert_str_eq(pe.sections[9].name, ".linux");
	cr_assert_eq(pe.checksum, ih_pe_checksum(&pe));
	for (unsigned int i = 0; i < pe.n_sections; i++) {
		const struct ih_pe_section *s = &pe.sections[i];

		cr_assert_eq(s->virtual_address % 0x1000, 0);
		cr_assert_eq(s->raw_offset % IMAGE_ALIGN, 0);
		cr_assert_leq(s->virtual_address + s->virtual_size, pe.image_size);
		if (i)
			cr_assert_geq(s->virtual_address,
				      s[-1].virtual_address + s[-1].virtual_size);
	}
	for (size_t i = 0; i < IH_ARRAY_SIZE(parts); i++) {
		content = ih_pe_content(&pe, ih_pe_find(&pe, parts[i].name));
		cr_assert_eq(content.len, parts[i].content.len);
		cr_assert_arr_eq(content.data, parts[i].content.data, content.len);
	}
	free(out.data);
	free(stub.data);
}

Test(uki, the_header_grows_when_it_has_no_room)
{
	struct section parts[IH_UKI_PARTS_MAX];
	struct ih_image stub = image_make(STUB_252), out;
	static char names[IH_UKI_PARTS_MAX][8];
	struct ih_diag diag = { "" };
	struct ih_pe pe;

	for (int i = 0; i < IH_UKI_PARTS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), ".s%d", i);
		parts[i] = (struct section){ i ? names[i] : ".linux", bytes("x") };
	}
	cr_assert_eq(build_image(&stub, parts, IH_UKI_PARTS_MAX, &out, &diag), 0, "%s", diag.text);
	cr_assert_eq(ih_pe_parse("uki", out.data, out.len, &pe, &diag), 0, "%s", diag.text);
	cr_assert_eq(pe.headers_size, 0x600);
	cr_assert_eq(ih_pe_covered("uki", &pe, &diag), 0, "%s", diag.text);
	cr_assert_arr_eq(out.data + pe.sections[0].raw_offset, stub.data + IMAGE_HEADERS, 0x400);
	free(out.data);
	free(stub.data);
}

Test(uki, what_cannot_be_built_is_refused)
{
	const struct section none[] = { { ".osrel", bytes("x") } };
	const struct section twice[] = { { ".linux", bytes("x") }, { ".linux", bytes("y") } };
	const struct section taken[] = { { ".linux", bytes("x") }, { ".text", bytes("y") } };
	const struct section empty[] = { { ".linux", bytes("") } };
	const struct section longer[] = { { ".linux", bytes("x") },
					  { ".toolongname", bytes("y") } };

	build(none, 1, -EINVAL, "no kernel is given");
	build(twice, 2, -EINVAL, "given twice");
	build(taken, 2, -EEXIST, "has a section '.text' already");
	build(empty, 1, -EINVAL, "would be empty");
	build(longer, 2, -EINVAL, "cannot be the name of a section");
}

struct stub_row {
	char magic[64];
	int expect;
	unsigned int major;
	char uname_measured;
};

static struct stub_row stub_rows[] = {
	{ STUB_252, 0, 252, 'n' },
	{ "#### LoaderInfo: systemd-stub 254 ####", 0, 254, 'y' },
	{ "#### LoaderInfo: systemd-stub 257.3-1 ####", 0, 257, 'y' },
	{ "#### LoaderInfo: systemd-stub 262.1-1 ####", 0, 262, 'y' },
	{ "#### LoaderInfo: systemd-stub 999 ####", 0, 999, 'y' },
	{ "#### LoaderInfo: systemd-stub 251 ####", -EOPNOTSUPP, 0, 'n' },
	{ "#### LoaderInfo: systemd-stub  ####", -ENODATA, 0, 'n' },
	{ "#### LoaderInfo: systemd-stub x ####", -ENODATA, 0, 'n' },
	{ "#### LoaderInfo: systemd-boot 252 ####", -ENODATA, 0, 'n' },
	{ "", -ENODATA, 0, 'n' },
};

ParameterizedTestParameters(uki, stubs)
{
	return cr_make_param_array(struct stub_row, stub_rows, IH_ARRAY_SIZE(stub_rows));
}

ParameterizedTest(struct stub_row *row, uki, stubs)
{
	struct ih_image image = image_make(row->magic);
	struct ih_diag diag = { "" };
	struct ih_stub stub = { 0 };
	bool measured = false;
	struct ih_pe pe;

	cr_assert_eq(ih_pe_parse("stub", image.data, image.len, &pe, &diag), 0);
	cr_assert_eq(ih_stub_identify("stub", &pe, &stub, &diag), row->expect, "%s", diag.text);
	cr_assert_eq(stub.major, row->major);
	for (int i = 0; stub.rules && stub.rules->measured[i]; i++) {
		measured |= !strcmp(stub.rules->measured[i], ".uname");
		cr_assert_str_neq(stub.rules->measured[i], ".pcrsig");
	}
	cr_assert_eq(measured, row->uname_measured == 'y');
	cr_assert_eq(stub.newer, row->major == 999);
	free(image.data);
}

static int join(struct ih_rope *all, const char *name, const char *text, struct ih_diag *diag)
{
	struct ih_rope one = { 0 };
	int r;

	cr_assert_eq(ih_rope_add_copy(&one, text, strlen(text)), 0);
	r = ih_initrd_join(all, name, &one, diag);
	ih_rope_done(&one);
	return r;
}

Test(initrd, archives_start_at_multiples_of_four)
{
	struct ih_diag diag = { "" };
	struct ih_rope all = { 0 };
	uint8_t *data;

	cr_assert_eq(join(&all, "early", "070701early", &diag), 0, "%s", diag.text);
	cr_assert_eq(join(&all, "main", "\x1f\x8bgzip", &diag), 0, "%s", diag.text);
	cr_assert_eq(join(&all, "late", "070701", &diag), 0, "%s", diag.text);
	cr_assert_eq(all.len, 12 + 8 + 8);
	cr_assert_eq(ih_rope_flatten(&all, &data, &diag), 0, "%s", diag.text);
	cr_assert_arr_eq(data,
			 "070701early\0\x1f\x8bgzip\0\0"
			 "070701\0\0",
			 28);
	free(data);
	ih_rope_done(&all);
}

Test(initrd, what_is_no_archive_is_refused)
{
	struct ih_diag diag = { "" };
	struct ih_rope all = { 0 };

	cr_assert_eq(join(&all, "a", "070701", &diag), 0, "%s", diag.text);
	cr_assert_eq(join(&all, "b.txt", "hello", &diag), -EBADMSG);
	cr_assert(strstr(diag.text, "'b.txt' is no archive"), "%s", diag.text);
	cr_assert_eq(join(&all, "empty", "", &diag), -EBADMSG);
	cr_assert_eq(all.len, 8);
	ih_rope_done(&all);
}

static int with_program(const char *script, struct ih_rope *image, struct ih_diag *diag)
{
	char dir[] = "/tmp/ihard-initrd-XXXXXX", path[64];
	FILE *f;
	int r;

	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/secrets", dir);
	f = fopen(path, "w");
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fchmod(fileno(f), 0700);
	fclose(f);
	r = ih_initrd_add_secrets(path, dir, image, diag);
	(void)unlink(path);
	cr_assert_eq(rmdir(dir), 0, "something was left behind in '%s'", dir);
	return r;
}

Test(initrd, secrets_are_added_on_a_private_copy)
{
	struct ih_diag diag = { "" };
	struct ih_rope image = { 0 };

	cr_assert_eq(ih_rope_add_copy(&image, "070701", 6), 0);
	cr_assert_eq(with_program("[ \"$(stat -c %a \"$1\")\" = 600 ] && printf 070701 >> \"$1\"",
				  &image, &diag),
		     0, "%s", diag.text);
	cr_assert_eq(image.len, 12);
	cr_assert_eq(with_program("exit 3", &image, &diag), -ECHILD);
	cr_assert(strstr(diag.text, "status 3"), "%s", diag.text);
	cr_assert_eq(with_program("echo bad > \"$1\"", &image, &diag), -EBADMSG);
	cr_assert_eq(with_program("kill -9 $$", &image, &diag), -ECHILD);
	cr_assert_eq(image.len, 12);
	ih_rope_done(&image);
}
