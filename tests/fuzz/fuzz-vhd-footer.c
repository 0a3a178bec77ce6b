/* fuzz-vhd-footer.c - hostile image files: VHD footers and the probe of every container.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The input is a whole file in memory. Nothing but that memory may be touched, whatever it claims.
 */
#include "block/probe.h"
#include "block/vhd.h"
#include "block/vhdx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const formats[] = { NULL, "raw", "vhd", "vhdx", "qcow2", "vmdk", "vdi" };
	static const char *const names[] = { "disk", "disk.vhd", "disk.raw", "disk.vmdk" };
	struct cf_vhd_footer footer;
	struct cf_probe probe;
	struct cf_vhdx vhdx;
	struct cf_error err;

	(void)!cf_vhd_parse(cf_span_of(data, size), &footer, &err);
	(void)!cf_vhd_check_header(cf_span_of(data, size), &err);
	struct cf_block *file = cf_memory_open(data, size, 512, &err);
	if (!file)
		return 0;
	for (size_t i = 0; i < CF_ARRAY_LEN(formats); i++)
		(void)!cf_probe(file, "disk", formats[i], &probe, &err);
	for (size_t i = 0; i < CF_ARRAY_LEN(names); i++)
		(void)!cf_probe(file, names[i], NULL, &probe, NULL);
	(void)!cf_vhdx_read(file, &vhdx, &err);
	cf_block_close(file);
	return 0;
}
