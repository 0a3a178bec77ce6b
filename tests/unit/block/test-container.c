/* test-container.c - images through qemu-nbd: every format, what they may not make us open, dirty VHDX, NBD servers.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "fixture.h"

#include <signal.h>

#include "base/endian.h"
#include "block/vhdx.h"

#define MIB (1u << 20)

static const struct cf_disk_options writing = { .writable = true };

/* Known content at both ends, put there by qemu-io; read, changed, and checked by qemu-io again. */
static void test_every_format(void **state)
{
	struct fixture *f = *state;
	struct cf_error err = { 0 };
	static const struct {
		const char *suffix, *create, *options;
		enum cf_disk_format format;
	} kinds[] = {
		{ "qcow2", "-f qcow2", "driver=qcow2", CF_FMT_QCOW2 },
		{ "vhdx", "-f vhdx", "driver=vhdx", CF_FMT_VHDX },
		{ "vmdk", "-f vmdk", "driver=vmdk", CF_FMT_VMDK },
		{ "vdi", "-f vdi", "driver=vdi", CF_FMT_VDI },
		{ "vhd", "-f vpc -o force_size=on", "driver=vpc,force_size_calc=current_size", CF_FMT_VHD_DYNAMIC },
	};
	NEED_QEMU(f);
	for (size_t i = 0; i < 5; i++) {
		char name[64], buf[64];
		snprintf(name, sizeof name, "odd, na:me=\"%zu\".%s", i, kinds[i].suffix);
		const char *p = in_dir(f, name);
		assert_int_equal(run_in(f->dir, "qemu-img create %s x 11M && qemu-io --image-opts -c 'write -P 65 0 512' "
						"-c 'write -P 66 10M 1M' %s,file.driver=file,file.filename=x && mv x '%s'",
					kinds[i].create, kinds[i].options, name), 0);
		struct cf_disk *d = expect_open(p, &writing);
		assert_int_equal(d->format, kinds[i].format);
		assert_true(d->block->size == 11 * MIB);
		assert_int_equal(d->block->sector_size, 512);
		assert_int_equal(cf_block_read(d->block, 510, buf, 4, &err), 0);
		assert_memory_equal(buf, "AA\0\0", 4);
		assert_int_equal(cf_block_read(d->block, 11 * MIB - 3, buf, 3, &err), 0);
		assert_memory_equal(buf, "BBB", 3);
		assert_int_equal(cf_block_write(d->block, 10 * MIB - 1, "CC", 2, &err), 0);
		assert_int_equal(cf_block_flush(d->block, &err), 0);
		assert_int_equal(cf_block_read_direct(d->block, 10 * MIB - 2, buf, 4, &err), 0);
		assert_memory_equal(buf, "\0CCB", 4);
		cf_disk_close(d);
		assert_int_equal(run_in(f->dir, "mv '%s' x && qemu-io --image-opts -r -c 'read -P 67 -s 511 -l 1 %u 512' "
						"-c 'read -P 65 0 512' %s,file.driver=file,file.filename=x | tee io && ! grep -q -i fail io",
					name, 10 * MIB - 512, kinds[i].options), 0);
		/* Nothing of QEMU's is left behind, and the container is whole. */
		if (kinds[i].format != CF_FMT_VHD_DYNAMIC)
			assert_int_equal(run_in(f->dir, "qemu-img check -f %s x || test $? = 63", kinds[i].suffix), 0);
		assert_int_equal(run_in(f->dir, "mv x '%s'", name), 0);
		d = expect_open(p, NULL);
		assert_true(d->block->read_only);
		assert_int_equal(cf_block_write(d->block, 0, "x", 1, &err), -1);
		assert_int_equal(err.code, CF_E_READ_ONLY);
		cf_disk_close(d);
	}
}

/* A read-only file in a container format is fine to read and can't be opened for writing. */
static void test_reading_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char before[65], after[65], buf[512];
	struct cf_error err = { 0 };
	static const char *const formats[] = { "qcow2", "vhdx", "vmdk", "vdi" };
	NEED_QEMU(f);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(run_in(f->dir, "qemu-img create -f %s x.%s 8M", formats[i], formats[i]), 0);
		char name[16];
		snprintf(name, sizeof name, "x.%s", formats[i]);
		const char *p = in_dir(f, name);
		file_hash(p, before);
		struct cf_disk *d = expect_open(p, NULL);
		assert_int_equal(cf_block_read(d->block, 0, buf, sizeof buf, &err), 0);
		cf_disk_close(d);
		file_hash(p, after);
		assert_string_equal(before, after);
	}
}

static void test_guest_written_header(void **state)
{
	struct fixture *f = *state;
	char secret[4] = "";
	struct cf_error err = { 0 };
	NEED_QEMU(f);
	/* The header of a qcow2 overlay over another file of the host, as a guest would write it to its raw disk. */
	const char *other = in_dir(f, "secret");
	make_file(other, "TOP", 3, 4 * MIB);
	assert_int_equal(run_in(f->dir, "qemu-img create -f qcow2 -F raw -b '%s' evil 4M && truncate -s 4M evil && cp evil evil.raw && "
					"cp evil evil.img", other), 0);
	static const char *const names[] = { "evil.raw", "evil.img" };
	for (size_t i = 0; i < 2; i++) {
		expect_refusal(in_dir(f, names[i]), NULL, CF_E_REFUSED, "--format=raw or --format=qcow2");
		struct cf_disk *d = expect_open(in_dir(f, names[i]), &(struct cf_disk_options){ .format = "raw", .writable = true });
		assert_int_equal(cf_block_read(d->block, 0, secret, 4, &err), 0);
		assert_memory_equal(secret, "QFI\xfb", 4);
		cf_disk_close(d);
	}
	/* Without a telling name it is an image with a backing file, and that is not followed either. */
	const char *p = in_dir(f, "evil");
	expect_refusal(p, NULL, CF_E_REFUSED, "--allow-backing");
	expect_refusal(p, NULL, CF_E_REFUSED, other);
	expect_refusal(p, &(struct cf_disk_options){ .allow_backing = true, .writable = true }, CF_E_REFUSED, "never written");
	struct cf_disk *d = expect_open(p, &(struct cf_disk_options){ .allow_backing = true });
	assert_int_equal(cf_block_read(d->block, 0, secret, 4, &err), 0);
	assert_memory_equal(secret, "TOP", 4);
	cf_disk_close(d);
}

static void test_other_files(void **state)
{
	struct fixture *f = *state;
	NEED_QEMU(f);
	assert_int_equal(run_in(f->dir, "qemu-img create -f qcow2 -o data_file=data.bin ext.qcow2 4M && "
					"qemu-img create -f vmdk -o subformat=monolithicFlat flat.vmdk 4M && "
					"qemu-img create -f vmdk base.vmdk 4M && qemu-img create -f vmdk -F vmdk -b base.vmdk child.vmdk && "
					"qemu-img create -f raw r 4M && qemu-img convert -O vmdk -o subformat=streamOptimized r stream.vmdk"), 0);
	expect_refusal(in_dir(f, "ext.qcow2"), NULL, CF_E_REFUSED, "--allow-backing");
	expect_refusal(in_dir(f, "ext.qcow2"), &writing, CF_E_REFUSED, "data file");
	expect_refusal(in_dir(f, "flat.vmdk"), NULL, CF_E_REFUSED, "--allow-backing");
	cf_disk_close(expect_open(in_dir(f, "flat.vmdk"), &(struct cf_disk_options){ .allow_backing = true }));
	struct cf_disk *d = expect_open(in_dir(f, "flat-flat.vmdk"), NULL);
	assert_int_equal(d->format, CF_FMT_RAW);
	cf_disk_close(d);
	expect_refusal(in_dir(f, "child.vmdk"), &writing, CF_E_REFUSED, "base.vmdk");
	expect_refusal(in_dir(f, "stream.vmdk"), &writing, CF_E_REFUSED, "stream-optimised");
	cf_disk_close(expect_open(in_dir(f, "stream.vmdk"), NULL));
}

static void test_wrong_name(void **state)
{
	struct fixture *f = *state;
	NEED_QEMU(f);
	const char *p = in_dir(f, "plain.qcow2");
	make_file(p, NULL, 0, MIB);
	expect_refusal(p, NULL, CF_E_CORRUPT, "no qcow2 header");
	assert_int_equal(run_in(f->dir, "qemu-img create -f qcow2 x.vhdx 1M && qemu-img create -f qcow2 none 1M"), 0);
	expect_refusal(in_dir(f, "x.vhdx"), NULL, CF_E_REFUSED, "--format=qcow2");
	cf_disk_close(expect_open(in_dir(f, "x.vhdx"), &(struct cf_disk_options){ .format = "qcow2" }));
	struct cf_disk *d = expect_open(in_dir(f, "none"), NULL);
	assert_int_equal(d->format, CF_FMT_QCOW2);
	cf_disk_close(d);
	p = in_dir(f, "broken.vhdx");
	make_file(p, "vhdxfile", 8, MIB);
	expect_refusal(p, NULL, CF_E_CORRUPT, "headers");
}

/* ---- a VHDX with a log that was not replayed, as a crash of the host leaves it ---- */

static void sign(uint8_t *p, size_t n)
{
	cf_st32(p + 4, 0);
	cf_st32(p + 4, cf_crc32c(p, n));
}

/* Makes a log entry that puts the 4096 bytes of data at file offset target, and names the log in both headers. */
static void make_dirty(const char *path, uint64_t target, const uint8_t data[4096])
{
	static const uint8_t guid[16] = "sixteen bytes..";
	static uint8_t entry[8192], header[4096];
	struct stat st;
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_int_equal(pread(fd, header, 4096, 65536), 4096);
	uint64_t log = cf_ld64(header + 0x48);

	memset(entry, 0, sizeof entry);
	memcpy(entry, "loge", 4);
	cf_st32(entry + 8, sizeof entry);      /* length */
	cf_st32(entry + 12, 0);                /* tail */
	cf_st64(entry + 16, 1);                /* sequence */
	cf_st32(entry + 24, 1);                /* descriptors */
	memcpy(entry + 32, guid, 16);
	cf_st64(entry + 48, (uint64_t)st.st_size); /* flushed file offset */
	cf_st64(entry + 56, (uint64_t)st.st_size); /* last file offset */
	memcpy(entry + 64, "desc", 4);
	memcpy(entry + 68, data + 4092, 4);    /* trailing bytes */
	memcpy(entry + 72, data, 8);           /* leading bytes */
	cf_st64(entry + 80, target);
	cf_st64(entry + 88, 1);
	memcpy(entry + 4096, "data", 4);
	cf_st32(entry + 4100, 0);              /* sequence, high half */
	memcpy(entry + 4104, data + 8, 4084);
	cf_st32(entry + 8188, 1);              /* sequence, low half */
	sign(entry, sizeof entry);
	assert_int_equal(pwrite(fd, entry, sizeof entry, (off_t)log), sizeof entry);
	for (off_t at = 65536; at <= 131072; at += 65536) {
		assert_int_equal(pread(fd, header, 4096, at), 4096);
		memcpy(header + 0x30, guid, 16);
		sign(header, 4096);
		assert_int_equal(pwrite(fd, header, 4096, at), 4096);
	}
	close(fd);
}

static uint64_t find_byte_run(const char *path, uint8_t byte, size_t len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	uint8_t *b = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, b, (size_t)st.st_size), st.st_size);
	close(fd);
	uint64_t found = 0;
	for (size_t i = 0; !found && i + len <= (size_t)st.st_size; i += 4096)
		if (b[i] == byte && memcmp(b + i, b + i + 1, len - 1) == 0)
			found = i;
	free(b);
	assert_true(found != 0);
	return found;
}

static void test_dirty_vhdx(void **state)
{
	struct fixture *f = *state;
	struct cf_error err = { 0 };
	char before[65], after[65], buf[8];
	uint8_t data[4096];
	NEED_QEMU(f);
	assert_int_equal(run_in(f->dir, "qemu-img create -f vhdx d.vhdx 16M && qemu-io -f vhdx -c 'write -P 88 1M 64k' d.vhdx"), 0);
	const char *p = in_dir(f, "d.vhdx");
	memset(data, 'R', sizeof data);
	make_dirty(p, find_byte_run(p, 'X', 4096), data);
	/* QEMU alone can't read it: the reason for all this. */
	assert_int_not_equal(run_in(f->dir, "qemu-io -r -f vhdx -c 'read 0 512' d.vhdx"), 0);

	file_hash(p, before);
	assert_int_equal(chmod(p, 0400), 0);
	struct cf_disk *d = expect_open(p, NULL);
	assert_true(d->temporary_overlay && d->block->read_only);
	assert_int_equal(cf_block_read(d->block, MIB + 4092, buf, 8, &err), 0);
	assert_memory_equal(buf, "RRRRXXXX", 8);
	cf_disk_close(d);
	assert_int_equal(chmod(p, 0600), 0);
	file_hash(p, after);
	assert_string_equal(before, after);

	d = expect_open(p, &writing);
	assert_false(d->temporary_overlay);
	assert_int_equal(cf_block_read(d->block, MIB + 4092, buf, 8, &err), 0);
	assert_memory_equal(buf, "RRRRXXXX", 8);
	assert_int_equal(cf_block_write(d->block, MIB, "new", 3, &err), 0);
	cf_disk_close(d);
	assert_int_equal(run_in(f->dir, "qemu-io -r -f vhdx -c 'read -P 82 %u 512' d.vhdx | tee io && ! grep -q -i fail io",
				MIB + 512), 0);
	d = expect_open(p, NULL);
	assert_false(d->temporary_overlay);
	cf_disk_close(d);
}

static void test_vhdx_metadata(void **state)
{
	struct fixture *f = *state;
	NEED_QEMU(f);
	assert_int_equal(run_in(f->dir, "qemu-img create -f vhdx m.vhdx 8M"), 0);
	const char *p = in_dir(f, "m.vhdx");
	/* The metadata region has no checksum: its items are found by their GUIDs. */
	static uint8_t region[1 << 20];
	int fd = open(p, O_RDWR);
	off_t at = 0;
	for (off_t o = MIB; !at && pread(fd, region, sizeof region, o) > 8; o += MIB)
		if (memcmp(region, "metadata", 8) == 0)
			at = o;
	assert_true(at > 0);
	uint32_t params = 0, sector = 0;
	for (size_t i = 32; i < 32 + 5 * 32; i += 32) {
		if (cf_ld32(region + i) == 0xcaa16737)
			params = cf_ld32(region + i + 16);
		if (cf_ld32(region + i) == 0x8141bf1d)
			sector = cf_ld32(region + i + 16);
	}
	assert_true(params && sector);
	uint8_t v[4];
	cf_st32(v, 4096);
	assert_int_equal(pwrite(fd, v, 4, at + sector), 4);
	expect_refusal(p, NULL, CF_E_UNSUPPORTED, "4096-byte sectors");
	cf_st32(v, 1000);
	assert_int_equal(pwrite(fd, v, 4, at + sector), 4);
	expect_refusal(p, NULL, CF_E_CORRUPT, "sector size (1000)");
	cf_st32(v, 512);
	assert_int_equal(pwrite(fd, v, 4, at + sector), 4);
	cf_disk_close(expect_open(p, NULL));
	cf_st32(v, 2); /* has a parent */
	assert_int_equal(pwrite(fd, v, 4, at + params + 4), 4);
	expect_refusal(p, NULL, CF_E_REFUSED, "differencing vhdx");
	close(fd);
}

static void test_hostile_vhdx(void **state)
{
	(void)state;
	/* Every claim about places is wrong; nothing is read outside. */
	enum { SIZE = 4 << 20 };
	uint8_t *b = calloc(1, SIZE);
	struct cf_error err = { 0 };
	struct cf_vhdx v;
	memcpy(b, "vhdxfile", 8);
	memcpy(b + 65536, "head", 4);
	sign(b + 65536, 4096);
	static const uint8_t meta[16] = { 0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 5, 0x0f, 0x88, 0x6e };
	uint8_t *r = b + 196608;
	memcpy(r, "regi", 4);
	cf_st32(r + 8, 1);
	memcpy(r + 16, meta, 16);
	cf_st64(r + 32, UINT64_MAX - 4096);
	cf_st32(r + 40, 1 << 20);
	sign(r, 65536);
	struct cf_block *m = cf_memory_open(b, SIZE, 512, &err);
	assert_int_equal(cf_vhdx_read(m, &v, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	cf_block_close(m);
	cf_st64(r + 32, 2 << 20);
	sign(r, 65536);
	memcpy(b + (2 << 20), "metadata", 8);
	cf_st16(b + (2 << 20) + 10, 0xffff);
	m = cf_memory_open(b, SIZE, 512, &err);
	assert_int_equal(cf_vhdx_read(m, &v, &err), -1);
	assert_non_null(strstr(err.message, "metadata table"));
	cf_block_close(m);
	cf_st16(b + (2 << 20) + 10, 2047);
	memset(b + (2 << 20) + 32, 0xff, 65536 - 32);
	m = cf_memory_open(b, SIZE, 512, &err);
	assert_int_equal(cf_vhdx_read(m, &v, &err), -1);
	cf_block_close(m);
	assert_true(cf_crc32c("123456789", 9) == 0xe3069283);
	free(b);
}

static void test_real_containers(void **state)
{
	struct fixture *f = *state;
	struct cf_error err = { 0 };
	uint8_t buf[512];
	NEED_QEMU(f);
	const char *p = shared_file(f, "vhd-vhdx-qcow2/log2timeline+dfvfs/windows_volume.qcow2");
	if (!p)
		SKIP("the shared images are not at hand");
	struct cf_disk *d = expect_open(p, NULL);
	assert_int_equal(d->format, CF_FMT_QCOW2);
	assert_int_equal(cf_block_read(d->block, 0, buf, 512, &err), 0);
	assert_memory_equal(buf + 3, "NTFS", 4);
	cf_disk_close(d);
	p = shared_file(f, "vhd-vhdx-qcow2/log2timeline+dfvfs/ext2.vhd");
	d = expect_open(p, NULL);
	assert_int_equal(d->format, CF_FMT_VHD_DYNAMIC);
	assert_int_equal(cf_block_read(d->block, 1024, buf, 512, &err), 0);
	assert_int_equal(cf_ld16(buf + 56), 0xef53);
	cf_disk_close(d);
	/* Hyper-V's own VHDX. */
	assert_int_equal(run_in(f->dir, "gzip -dc '%s' > swap.vhdx",
				shared_file(f, "vhd-vhdx-qcow2/LTRData+DiscUtils/swap.vhdx.gz")), 0);
	d = expect_open(in_dir(f, "swap.vhdx"), NULL);
	assert_int_equal(d->format, CF_FMT_VHDX);
	assert_false(d->temporary_overlay);
	assert_int_equal(cf_block_read(d->block, 4096 - 512, buf, 512, &err), 0);
	assert_memory_equal(buf + 502, "SWAPSPACE2", 10);
	cf_disk_close(d);
	/* The dynamic header's checksum is wrong. */
	p = shared_file(f, "vhd-vhdx-qcow2/log2timeline+dfvfs/image-differential.vhd");
	d = cf_disk_open(p, NULL, &err);
	assert_null(d);
}

static void test_nbd(void **state)
{
	struct fixture *f = *state;
	struct cf_error err = { 0 };
	char uri[256], buf[8];
	NEED_QEMU(f);
	make_file(in_dir(f, "n.raw"), "0123456789", 10, 2 * MIB);
	assert_int_equal(run_in(f->dir, "qemu-nbd --fork --pid-file=pid -t -e 4 -f raw -k \"$PWD/s\" n.raw"), 0);
	snprintf(uri, sizeof uri, "nbd+unix:///?socket=%s/s", f->dir);
	struct cf_disk *d = expect_open(uri, &writing);
	assert_true(d->is_uri && d->format == CF_FMT_NBD && d->block->size == 2 * MIB && d->id && !strchr(d->id, '/'));
	assert_int_equal(cf_block_write(d->block, 3, "abc", 3, &err), 0);
	assert_int_equal(cf_block_flush(d->block, &err), 0);
	assert_int_equal(cf_block_read_direct(d->block, 2, buf, 5, &err), 0);
	assert_memory_equal(buf, "2abc6", 5);
	/* A server that goes away is an error, not a hang. */
	assert_int_equal(run_in(f->dir, "kill -9 $(cat pid)"), 0);
	assert_int_equal(cf_block_read(d->block, 0, buf, 5, &err), -1);
	assert_int_equal(err.code, CF_E_IO);
	cf_disk_close(d);
	expect_refusal("nbd+unix:///?socket=/nonexistent/x", NULL, CF_E_NOT_FOUND, "NBD server");
	expect_refusal(uri, &(struct cf_disk_options){ .format = "qcow2" }, CF_E_USAGE, "--format");
	assert_int_equal(run_in(f->dir, "rm -f s && qemu-nbd --fork --pid-file=pid -t -r -f raw -k \"$PWD/s\" n.raw"), 0);
	expect_refusal(uri, &writing, CF_E_READ_ONLY, "reading only");
	assert_int_equal(run_in(f->dir, "kill $(cat pid)"), 0);
}

/* nbdkit can demand whole 4096-byte units, and offer a disk that can't be flushed. */
static void test_nbdkit(void **state)
{
	struct fixture *f = *state;
	struct cf_error err = { 0 };
	char uri[256], buf[8192];
	if (!cf_nbd_available() || run_in(f->dir, "command -v nbdkit && nbdkit --dump-plugin memory && nbdkit --filter=blocksize-policy null --dump-plugin") != 0)
		SKIP("no nbdkit or no libnbd");
	snprintf(uri, sizeof uri, "nbd+unix:///?socket=%s/k", f->dir);
	assert_int_equal(run_in(f->dir, "nbdkit -U \"$PWD/k\" -P \"$PWD/kpid\" --filter=blocksize-policy memory 1M "
					"blocksize-minimum=4096 blocksize-preferred=4096 blocksize-maximum=64K blocksize-error-policy=error"), 0);
	struct cf_disk *d = expect_open(uri, &writing);
	memset(buf, 'x', sizeof buf);
	assert_int_equal(cf_block_write(d->block, 4000, buf, 5000, &err), 0);
	assert_int_equal(cf_block_write(d->block, MIB - 1, "z", 1, &err), 0);
	assert_int_equal(cf_block_read(d->block, 3999, buf, 5002, &err), 0);
	assert_true(buf[0] == 0 && buf[1] == 'x' && buf[5000] == 'x' && buf[5001] == 0);
	assert_int_equal(cf_block_read(d->block, MIB - 2, buf, 2, &err), 0);
	assert_memory_equal(buf, "\0z", 2);
	uint64_t start, end;
	cf_block_next_data(d->block, 131072, &start, &end);
	assert_true(start > 131072 && start < MIB && end == MIB);
	cf_disk_close(d);
	assert_int_equal(run_in(f->dir, "kill $(cat kpid)"), 0);
}

/* When we are killed our QEMU goes, and nothing stays in the temporary folder. */
static void test_killed(void **state)
{
	struct fixture *f = *state;
	int ready[2];
	char c;
	NEED_QEMU(f);
	assert_int_equal(run_in(f->dir, "mkdir tmp && qemu-img create -f qcow2 k.qcow2 4M"), 0);
	const char *p = in_dir(f, "k.qcow2");
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct cf_error err = { 0 };
		setenv("TMPDIR", in_dir(f, "tmp"), 1);
		struct cf_disk *d = cf_disk_open(p, &writing, &err);
		if (!d || cf_block_write(d->block, 0, "x", 1, &err) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_not_equal(run_in(f->dir, "qemu-io -f qcow2 -c 'write 0 512' k.qcow2"), 0); /* QEMU's lock is held */
	expect_refusal(p, NULL, CF_E_IN_USE, "in use");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	int tries = 0; /* SIGTERM reaches QEMU at once, ending takes it a moment */
	while (run_in(f->dir, "qemu-io -f qcow2 -c 'write 0 512' k.qcow2") != 0 && tries++ < 100)
		usleep(50000);
	assert_true(tries < 100);
	assert_int_equal(run_in(f->dir, "test -z \"$(ls -A tmp)\""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_format, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_reading_changes_nothing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_guest_written_header, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_other_files, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_name, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_dirty_vhdx, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_vhdx_metadata, fixture_setup, fixture_teardown),
		cmocka_unit_test(test_hostile_vhdx),
		cmocka_unit_test_setup_teardown(test_real_containers, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_nbd, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_nbdkit, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_killed, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
