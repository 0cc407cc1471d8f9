/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Predicting measurements. What was found by measuring real boots stands beside each rule. */
#include "bootchain/predict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"

/* EFI_GLOBAL_VARIABLE and EFI_IMAGE_SECURITY_DATABASE_GUID, as they lie in memory. */
static const uint8_t global_guid[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
					 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };
static const uint8_t security_guid[16] = { 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
					   0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };
static const uint8_t zeros[4];

enum { LOADER_PROFILES = 257 }; /* systemd-boot */

static int __attribute__((format(printf, 4, 0)))
add_event(struct ih_prediction *p, unsigned int pcr, const struct ih_digest *digest,
	  const char *format, va_list args)
{
	struct ih_predicted *grown;
	char *text;

	if (p->n == IH_PREDICTED_MAX)
		return -E2BIG;
	if (pcr >= IH_PCRS || digest->algo != p->algo)
		return -EINVAL;
	grown = reallocarray(p->events, p->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->events = grown;
	if (vasprintf(&text, format, args) < 0)
		return -ENOMEM;
	p->events[p->n++] = (struct ih_predicted){ pcr, text, *digest };
	return 0;
}

int ih_predict_digest(struct ih_prediction *p, unsigned int pcr, const struct ih_digest *digest,
		      const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = add_event(p, pcr, digest, format, args);
	va_end(args);
	return r;
}

int ih_predict_data(struct ih_prediction *p, unsigned int pcr, struct ih_bytes data,
		    const char *format, ...)
{
	struct ih_digest digest;
	va_list args;
	int r;

	r = ih_hash_once(p->algo, data.data, data.len, &digest);
	if (r < 0)
		return r;
	va_start(args, format);
	r = add_event(p, pcr, &digest, format, args);
	va_end(args);
	return r;
}

static struct ih_bytes text_bytes(const char *text)
{
	return (struct ih_bytes){ (const uint8_t *)text, strlen(text) };
}

/* PCR 11 */

int ih_predict_sections(struct ih_prediction *p, const struct ih_stub_rules *rules,
			const struct ih_section_digest *sections, size_t n)
{
	int r = 0;

	for (int m = 0; rules->measured[m] && !r; m++) {
		const char *name = rules->measured[m];
		/* The name is measured with its terminating zero (tpm_log_event_ascii). */
		struct ih_bytes with_zero = { (const uint8_t *)name, strlen(name) + 1 };

		for (size_t i = 0; i < n && !r; i++) {
			if (strcmp(sections[i].name, name))
				continue;
			r = ih_predict_data(p, IH_PCR_KERNEL_IMAGE, with_zero,
					    "the name of section '%s'", name);
			if (!r)
				r = ih_predict_digest(p, IH_PCR_KERNEL_IMAGE, &sections[i].digest,
						      "section '%s'", name);
			break;
		}
	}
	p->complete |= 1u << IH_PCR_KERNEL_IMAGE;
	return r;
}

/* As the stub sees it in memory: VirtualSize bytes, zeros behind what the file has. */
static int hash_section(const struct ih_pe *pe, const struct ih_pe_section *s,
			enum ih_hash_algo algo, struct ih_digest *ret)
{
	static const uint8_t page[4096];
	_cleanup_(ih_cleanup_hash) struct ih_hash *hash = NULL;
	struct ih_bytes content = ih_pe_content(pe, s);
	size_t left = s->virtual_size - content.len;
	int r;

	if (s->virtual_size > IH_PE_SIZE_MAX)
		return -EFBIG;
	r = ih_hash_new(algo, &hash);
	if (!r)
		r = ih_hash_add(hash, content.data, content.len);
	while (!r && left) {
		size_t len = left < sizeof(page) ? left : sizeof(page);

		r = ih_hash_add(hash, page, len);
		left -= len;
	}
	return r ? r : ih_hash_end(hash, ret);
}

static int predict_image_sections(struct ih_prediction *p, const struct ih_boot *boot,
				  const struct ih_stub_rules *rules, struct ih_diag *diag)
{
	static const char *const depends[] = { ".profile", ".dtbauto", ".hwids", ".efifw",
					       ".ucode" };
	struct ih_section_digest sections[IH_PE_SECTIONS_MAX];
	const struct ih_pe *pe = boot->image;
	int r;

	/* .ucode moves in front of the initrd, which changes PCR 9; the others depend on hardware.
	 */
	for (size_t i = 0; i < IH_ARRAY_SIZE(depends); i++)
		if (ih_pe_find(pe, depends[i]))
			return ih_fail(
				diag, -EOPNOTSUPP,
				"'%s' has a section '%s'; what is measured of it depends on the"
				" machine",
				boot->image_name, depends[i]);
	for (unsigned int i = 0; i < pe->n_sections; i++) {
		sections[i].name = pe->sections[i].name;
		r = hash_section(pe, &pe->sections[i], p->algo, &sections[i].digest);
		if (r < 0)
			return ih_fail(diag, r, "cannot hash section '%s' of '%s': %s",
				       sections[i].name, boot->image_name, strerror(-r));
	}
	return ih_predict_sections(p, rules, sections, pe->n_sections);
}

/* PCR 12 and 9 */

/* UTF-8 to UTF-16LE with a terminating zero, as systemd's xstrn8_to_16(); bad bytes are left out.
 */
static int to_utf16(struct ih_bytes text, struct ih_text *ret)
{
	int r = 0;

	for (size_t i = 0; i < text.len && text.data[i] && !r;) {
		unsigned int c = text.data[i], more = c < 0x80	 ? 0
						      : c < 0xe0 ? 1
						      : c < 0xf0 ? 2
								 : 3;
		uint8_t unit[2];

		if (!ih_is_utf8(text.data + i,
				more + 1 <= text.len - i ? more + 1 : text.len - i)) {
			i++;
			continue;
		}
		c = more ? c & (0x3fu >> more) : c;
		for (unsigned int k = 1; k <= more; k++)
			c = c << 6 | (text.data[i + k] & 0x3f);
		i += more + 1;
		if (c > 0xffff) /* UCS-2 is all that EFI has */
			continue;
		ih_put_le16(unit, (uint16_t)c);
		r = ih_text_add(ret, unit, 2);
	}
	return r ? r : ih_text_add(ret, zeros, 2);
}

int ih_predict_options(struct ih_prediction *p, unsigned int pcr, struct ih_bytes options,
		       const char *who)
{
	struct ih_text wide = { 0 };
	int r;

	r = to_utf16(options, &wide);
	if (!r)
		r = ih_predict_data(p, pcr, (struct ih_bytes){ (uint8_t *)wide.data, wide.len },
				    "kernel options, by %s", who);
	ih_text_done(&wide);
	return r;
}

/* The options in the image, as loader and stub take them: without the line's end. */
static struct ih_bytes embedded_options(const struct ih_pe *pe)
{
	const struct ih_pe_section *s = ih_pe_find(pe, ".cmdline");
	struct ih_bytes text = s ? ih_pe_content(pe, s) : (struct ih_bytes){ pe->data, 0 };

	while (text.len && text.data[text.len - 1] <= ' ')
		text.len--;
	return text;
}

/* The release of systemd's loader; 0: another loader, or one that does not say. */
static unsigned int loader_version(const struct ih_pe *loader)
{
	static const char before[] = "LoaderInfo: systemd-boot ";
	const struct ih_pe_section *s = ih_pe_find(loader, ".sdmagic");
	struct ih_bytes text = s ? ih_pe_content(loader, s) : (struct ih_bytes){ loader->data, 0 };
	const uint8_t *at = memmem(text.data, text.len, before, sizeof(before) - 1);
	unsigned int version = 0;

	if (!at)
		return 0;
	at += sizeof(before) - 1;
	for (; at < text.data + text.len && *at >= '0' && *at <= '9' && version < 10000; at++)
		version = version * 10 + (unsigned int)(*at - '0');
	return version;
}

/* Since it knows profiles the loader starts an image without options, and the stub takes its own.
 */
static bool loader_hands_over(const struct ih_boot *boot)
{
	unsigned int version = boot->loader ? loader_version(boot->loader) : 0;

	return boot->loader && (boot->options.len || !version || version < LOADER_PROFILES);
}

/*
 * With Secure Boot the stub ignores options that were handed over, and only the loader's attempt is
 * measured; without it they win, and the stub measures them again, also when they are the image's
 * own (measured with 252 and OVMF).
 */
static int predict_options(struct ih_prediction *p, const struct ih_boot *boot,
			   struct ih_bytes *ret_used)
{
	struct ih_bytes own = embedded_options(boot->image);
	struct ih_bytes given = boot->options.len ? boot->options : own;
	bool by_loader = given.len && loader_hands_over(boot);
	bool handed_over = by_loader || boot->options.len;
	int r = 0;

	if (by_loader)
		r = ih_predict_options(p, IH_PCR_KERNEL_OPTIONS, given, "the boot loader");
	if (!r && handed_over && !boot->keys.enabled)
		r = ih_predict_options(p, IH_PCR_KERNEL_OPTIONS, given, "the stub");
	*ret_used = handed_over && !boot->keys.enabled ? given : own;
	return r;
}

static int predict_companions(struct ih_prediction *p, const struct ih_companions *all,
			      enum ih_companion_kind kind, struct ih_text *initrd)
{
	struct ih_initrd files[IH_COMPANIONS_MAX];
	struct ih_image archive;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < all->n; i++)
		if (all->item[i].kind == kind)
			files[n++] = (struct ih_initrd){ all->item[i].name,
							 { all->item[i].data, all->item[i].len } };
	if (!n)
		return 0;
	r = ih_companions_archive(kind, files, n, &archive);
	if (r < 0)
		return r;
	r = ih_predict_data(p, ih_companion_pcr(kind),
			    (struct ih_bytes){ archive.data, archive.len }, "%zu unsigned %s%s", n,
			    ih_companion_kind_name(kind), n > 1 ? "s" : "");
	if (!r)
		r = ih_text_add(initrd, archive.data, archive.len);
	free(archive.data);
	return r;
}

static int append_section(const struct ih_pe *pe, const char *section, enum ih_companion_kind kind,
			  const char *file, struct ih_text *initrd)
{
	const struct ih_pe_section *s = ih_pe_find(pe, section);
	struct ih_initrd one = { .name = file };
	struct ih_image archive;
	int r;

	if (!s || !s->virtual_size)
		return 0;
	one.content = ih_pe_content(pe, s);
	r = ih_companions_archive(kind, &one, 1, &archive);
	if (r < 0)
		return r;
	r = ih_text_add(initrd, archive.data, archive.len);
	free(archive.data);
	return r;
}

/* The initrd that the kernel gets: the image's, then the stub's archives, each at a multiple of 4.
 */
static int predict_initrd(struct ih_prediction *p, const struct ih_boot *boot,
			  const struct ih_stub_rules *rules, struct ih_text *initrd)
{
	static const struct ih_companions none;
	const struct ih_companions *c = boot->companions ? boot->companions : &none;
	const struct ih_pe_section *s = ih_pe_find(boot->image, ".initrd");
	struct ih_bytes own = { NULL, 0 };
	size_t before;
	int r = 0;

	if (s)
		own = ih_pe_content(boot->image, s);
	if (own.len)
		r = ih_text_add(initrd, own.data, own.len);
	before = initrd->len;
	if (!r)
		r = ih_text_add(initrd, zeros, (4 - initrd->len % 4) % 4);
	for (int k = IH_COMPANION_CREDENTIAL; k < IH_COMPANION_ADDON && !r; k++)
		r = predict_companions(p, c, (enum ih_companion_kind)k, initrd);
	if (!r)
		r = append_section(boot->image, ".pcrsig", IH_COMPANION_PCR_SIGNATURE,
				   "tpm2-pcr-signature.json", initrd);
	if (!r)
		r = append_section(boot->image, ".pcrpkey", IH_COMPANION_PCR_KEY,
				   "tpm2-pcr-public-key.pem", initrd);
	if (!r && rules->os_release)
		r = append_section(boot->image, ".osrel", IH_COMPANION_OS_RELEASE, "os-release",
				   initrd);
	/* Alone it is handed over as it is. */
	if (!r && initrd->len - before < 4)
		initrd->len = before;
	return r;
}

/* An addon is signed like an image, and changes options and more. */
static int check_addons(const struct ih_boot *boot, struct ih_diag *diag)
{
	for (size_t i = 0; boot->companions && i < boot->companions->n; i++)
		if (boot->companions->item[i].kind == IH_COMPANION_ADDON)
			return ih_fail(diag, -EOPNOTSUPP,
				       "'%s' lies beside '%s'; what the stub does with an addon is "
				       "not predicted",
				       boot->companions->item[i].name, boot->image_name);
	return 0;
}

static int predict_kernel(struct ih_prediction *p, const struct ih_boot *boot,
			  const struct ih_stub_rules *rules)
{
	struct ih_text initrd = { 0 };
	struct ih_bytes options = { NULL, 0 };
	int r;

	r = predict_options(p, boot, &options);
	if (!r)
		r = ih_predict_options(p, IH_PCR_KERNEL_INITRD, options, "the kernel");
	if (!r)
		r = predict_initrd(p, boot, rules, &initrd);
	if (!r && initrd.len && !rules->boot_secret)
		r = ih_predict_data(p, IH_PCR_KERNEL_INITRD,
				    (struct ih_bytes){ (uint8_t *)initrd.data, initrd.len },
				    "the initrd");
	ih_text_done(&initrd);
	p->complete |= 1u << IH_PCR_KERNEL_OPTIONS | 1u << IH_PCR_SYSTEM_EXTENSIONS;
	if (!rules->boot_secret)
		p->complete |= 1u << IH_PCR_KERNEL_INITRD;
	return r;
}

/* PCR 4 */

int ih_predict_firmware(struct ih_prediction *p)
{
	int r;

	r = ih_predict_data(p, IH_PCR_LOADER_CODE,
			    text_bytes("Calling EFI Application from Boot Option"),
			    "the firmware calls a boot option");
	return r ? r
		 : ih_predict_data(p, IH_PCR_LOADER_CODE, (struct ih_bytes){ zeros, 4 },
				   "separator");
}

static int predict_code(struct ih_prediction *p, const char *name, const struct ih_pe *pe)
{
	struct ih_digest digest;
	int r;

	r = ih_pe_hash(pe, p->algo, &digest);
	return r ? r : ih_predict_digest(p, IH_PCR_LOADER_CODE, &digest, "image '%s'", name);
}

/* Without Secure Boot the stub starts the kernel through the firmware, which measures it as well.
 */
static int predict_inner_kernel(struct ih_prediction *p, const struct ih_boot *boot,
				struct ih_diag *diag)
{
	struct ih_bytes content = ih_pe_content(boot->image, ih_pe_find(boot->image, ".linux"));
	struct ih_pe kernel;
	int r;

	r = ih_pe_parse("the kernel", content.data, content.len, &kernel, diag);
	if (r < 0)
		return ih_fail_within(diag, r, "cannot measure what is in '%s'", boot->image_name);
	return predict_code(p, "the kernel in it", &kernel);
}

static int predict_images(struct ih_prediction *p, const struct ih_boot *boot, struct ih_diag *diag)
{
	int r;

	r = ih_predict_firmware(p);
	if (!r && boot->loader)
		r = predict_code(p, boot->loader_name, boot->loader);
	if (!r)
		r = predict_code(p, boot->image_name, boot->image);
	if (!r && !boot->keys.enabled)
		r = predict_inner_kernel(p, boot, diag);
	p->complete |= 1u << IH_PCR_LOADER_CODE;
	return r;
}

/* PCR 7 */

/* UEFI_VARIABLE_DATA (TCG PFP 10.2.6): GUID, lengths in characters and bytes, name, data. */
static int predict_variable(struct ih_prediction *p, const uint8_t guid[16], const char *name,
			    struct ih_bytes data, const char *what)
{
	struct ih_text out = { 0 };
	uint8_t lengths[16] = { 0 };
	int r;

	ih_put_le32(lengths, (uint32_t)strlen(name));
	ih_put_le32(lengths + 8, (uint32_t)data.len);
	r = ih_text_add(&out, guid, 16);
	if (!r)
		r = ih_text_add(&out, lengths, sizeof(lengths));
	for (const char *c = name; *c && !r; c++)
		r = ih_text_add(&out, (const char[]){ *c, 0 }, 2);
	if (!r)
		r = ih_text_add(&out, data.data, data.len);
	if (!r)
		r = ih_predict_data(p, IH_PCR_SECURE_BOOT,
				    (struct ih_bytes){ (uint8_t *)out.data, out.len }, "%s '%s'",
				    what, name);
	ih_text_done(&out);
	return r;
}

int ih_predict_variables(struct ih_prediction *p, const struct ih_secure_boot *keys)
{
	const uint8_t enabled = keys->enabled;
	const struct {
		const uint8_t *guid;
		const char *name;
		struct ih_bytes data;
	} order[] = {
		{ global_guid, "SecureBoot", { &enabled, 1 } },
		{ global_guid, "PK", keys->pk },
		{ global_guid, "KEK", keys->kek },
		{ security_guid, "db", keys->db },
		{ security_guid, "dbx", keys->dbx },
	};
	int r = 0;

	for (size_t i = 0; i < IH_ARRAY_SIZE(order) && !r; i++)
		r = predict_variable(p, order[i].guid, order[i].name, order[i].data, "variable");
	return r ? r
		 : ih_predict_data(p, IH_PCR_SECURE_BOOT, (struct ih_bytes){ zeros, 4 },
				   "separator");
}

int ih_predict_authority(struct ih_prediction *p, struct ih_bytes entry)
{
	return predict_variable(p, security_guid, "db", entry, "the key that vouched, in variable");
}

/* Each entry of db is logged once, however many images it vouched for. */
static int predict_keys(struct ih_prediction *p, const struct ih_boot *boot, struct ih_diag *diag)
{
	struct ih_bytes first = { NULL, 0 }, second = { NULL, 0 };
	int r;

	r = ih_predict_variables(p, &boot->keys);
	p->complete |= 1u << IH_PCR_SECURE_BOOT;
	if (r || !boot->keys.enabled)
		return r;
	if (boot->loader) {
		r = ih_secure_boot_authority(boot->loader_name, boot->loader, &boot->keys, &first,
					     diag);
		if (!r)
			r = ih_predict_authority(p, first);
	}
	if (!r)
		r = ih_secure_boot_authority(boot->image_name, boot->image, &boot->keys, &second,
					     diag);
	if (!r && second.data != first.data)
		r = ih_predict_authority(p, second);
	return r;
}

int ih_predict_boot(struct ih_prediction *p, const struct ih_boot *boot, struct ih_diag *diag)
{
	struct ih_stub stub = { 0 };
	struct ih_diag why = { "" };
	int r;

	r = ih_uki_check(boot->image_name, boot->image, &why);
	if (!r)
		r = ih_stub_identify(boot->image_name, boot->image, &stub, &why);
	if (!r)
		r = check_addons(boot, &why);
	if (!r)
		r = predict_images(p, boot, &why);
	if (!r)
		r = predict_keys(p, boot, &why);
	if (!r)
		r = predict_image_sections(p, boot, stub.rules, &why);
	if (!r)
		r = predict_kernel(p, boot, stub.rules);
	if (r < 0)
		return ih_fail(diag, r, "cannot predict: %s",
			       why.text[0] ? why.text : strerror(-r));
	return 0;
}

int ih_prediction_pcrs(const struct ih_prediction *p, struct ih_pcrs *ret)
{
	struct ih_pcrs pcrs;
	int r = 0;

	ih_pcrs_reset(&pcrs, p->algo);
	for (size_t i = 0; i < p->n && !r; i++)
		r = ih_pcr_extend(&pcrs, p->events[i].pcr, &p->events[i].digest);
	if (r < 0)
		return r;
	pcrs.known = p->complete;
	*ret = pcrs;
	return 0;
}

void ih_prediction_done(struct ih_prediction *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->events[i].text);
	free(p->events);
	*p = (struct ih_prediction){ 0 };
}
