/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An EFI program in place of a kernel: prints the options that the loader gave it, starts the
 * loader of the next file system, and switches off behind the last. So one start of the firmware
 * tries many boot partitions. Types are those of UEFI 2.10 that it needs; members that it does not
 * use are only counted.
 */
#include <stdint.h>

#define EFIAPI	    __attribute__((ms_abi))
#define BY_PROTOCOL 2
#define LOADER_MAX  (1U << 20)

struct text_output {
	void *reset;
	uint64_t(EFIAPI *output_string)(struct text_output *self, const uint16_t *text);
};

struct guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

struct boot_services {
	uint8_t header[24];
	void *tpl_and_pages[5];
	uint64_t(EFIAPI *allocate_pool)(uint32_t type, uint64_t size, void **ret);
	void *before_handle_protocol[10];
	uint64_t(EFIAPI *handle_protocol)(void *handle, const struct guid *protocol, void **ret);
	void *before_load_image[5];
	uint64_t(EFIAPI *load_image)(uint8_t policy, void *parent, void *path, void *source,
				     uint64_t size, void **ret);
	uint64_t(EFIAPI *start_image)(void *image, uint64_t *exit_size, uint16_t **exit_data);
	void *before_locate_handles[12];
	uint64_t(EFIAPI *locate_handles)(uint32_t type, const struct guid *protocol, void *key,
					 uint64_t *ret_n, void ***ret);
};

struct runtime_services {
	uint8_t header[24];
	void *before_reset[10];
	void(EFIAPI *reset_system)(uint32_t type, uint64_t status, uint64_t size, void *data);
};

struct system_table {
	uint8_t header[24];
	uint16_t *vendor;
	uint32_t revision;
	void *input_handle, *input, *output_handle;
	struct text_output *output;
	void *error_handle, *error;
	struct runtime_services *runtime;
	struct boot_services *boot;
};

struct loaded_image {
	uint32_t revision;
	void *parent;
	struct system_table *system;
	void *device, *path, *reserved;
	uint32_t options_size;
	uint16_t *options;
};

struct file {
	uint64_t revision;
	uint64_t(EFIAPI *open)(struct file *self, struct file **ret, const uint16_t *name,
			       uint64_t mode, uint64_t attributes);
	void *close, *delete;
	uint64_t(EFIAPI *read)(struct file *self, uint64_t *size, void *buffer);
};

struct file_system {
	uint64_t revision;
	uint64_t(EFIAPI *open_volume)(struct file_system *self, struct file **ret);
};

static const struct guid loaded_image_guid = {
	0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct guid file_system_guid = {
	0x964e5b22, 0x6459, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct guid device_path_guid = {
	0x09576e91, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};

uint64_t EFIAPI efi_main(void *handle, struct system_table *st);

/* Starts the loader of a file system; returns when there is none, or when it has come back. */
static void start_loader(void *self, struct boot_services *boot, void *device)
{
	struct file_system *fs = 0;
	struct file *root = 0, *file = 0;
	uint64_t size = LOADER_MAX;
	void *path = 0, *buffer = 0, *image = 0;

	if (boot->handle_protocol(device, &file_system_guid, (void **)&fs) ||
	    boot->handle_protocol(device, &device_path_guid, &path) || fs->open_volume(fs, &root) ||
	    root->open(root, &file, u"\\EFI\\BOOT\\BOOTX64.EFI", 1, 0) ||
	    boot->allocate_pool(2, LOADER_MAX, &buffer) || file->read(file, &size, buffer))
		return;
	if (boot->load_image(0, self, path, buffer, size, &image) == 0)
		boot->start_image(image, 0, 0);
}

uint64_t EFIAPI efi_main(void *handle, struct system_table *st)
{
	struct loaded_image *image = 0;
	void **devices = 0;
	uint64_t n = 0, i;

	st->output->output_string(st->output, u"\r\nprobe-begin:");
	if (st->boot->handle_protocol(handle, &loaded_image_guid, (void **)&image) == 0 &&
	    image->options_size)
		st->output->output_string(st->output, image->options);
	st->output->output_string(st->output, u":probe-end\r\n");
	st->boot->locate_handles(BY_PROTOCOL, &file_system_guid, 0, &n, &devices);
	for (i = 0; i < n && devices[i] != image->device; i++)
		;
	for (i++; i < n; i++)
		start_loader(handle, st->boot, devices[i]);
	st->output->output_string(st->output, u"\r\nprobe-done\r\n");
	st->runtime->reset_system(2, 0, 0, 0);
	return 0;
}
