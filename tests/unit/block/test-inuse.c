/* test-inuse.c - locks that QEMU understands, what the kernel uses, checkpoints beside an image, copies.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "fixture.h"

#include <sys/sysmacros.h>

#include "block/device.h"
#include "block/inuse.h"
#include "block/vhd.h"

#define MIB (1u << 20)

static const struct cf_disk_options writing = { .writable = true };
static const struct cf_disk_options sharing = { .force_share = true };

static void test_our_locks(void **state)
{
	struct fixture *f = *state;
	const char *p = in_dir(f, "l.raw");
	make_file(p, NULL, 0, MIB);
	/* Two readers are fine; a writer is alone. */
	struct cf_disk *a = expect_open(p, NULL), *b = expect_open(p, NULL);
	expect_refusal(p, &writing, CF_E_IN_USE, "locked by another process");
	cf_disk_close(a);
	expect_refusal(p, &writing, CF_E_IN_USE, "in use");
	cf_disk_close(b);
	a = expect_open(p, &writing);
	expect_refusal(p, &writing, CF_E_IN_USE, "in use");
	expect_refusal(p, NULL, CF_E_IN_USE, "--force-share");
	expect_refusal(p, &(struct cf_disk_options){ .writable = true, .force_share = true }, CF_E_IN_USE, "in use");
	b = expect_open(p, &sharing);
	assert_true(b->inconsistent);
	cf_disk_close(b);
	/* The failed attempts took nothing away from the holder. */
	expect_refusal(p, NULL, CF_E_IN_USE, "in use");
	cf_disk_close(a);
	b = expect_open(p, &sharing);
	assert_false(b->inconsistent);
	cf_disk_close(b);
}

static void test_qemu_respects_ours(void **state)
{
	struct fixture *f = *state;
	NEED_QEMU(f);
	const char *p = in_dir(f, "q.raw");
	make_file(p, NULL, 0, MIB);
	struct cf_disk *d = expect_open(p, &writing);
	assert_int_not_equal(run_in(f->dir, "qemu-io -f raw -c 'write 0 512' q.raw"), 0);
	assert_int_equal(run_in(f->dir, "grep -q 'Failed to get .*lock' log"), 0);
	assert_int_not_equal(run_in(f->dir, "qemu-img convert -f raw -O raw q.raw out"), 0);
	assert_int_equal(run_in(f->dir, "qemu-img convert -U -f raw -O raw q.raw out"), 0);
	cf_disk_close(d);
	d = expect_open(p, NULL);
	assert_int_equal(run_in(f->dir, "qemu-img convert -f raw -O raw q.raw out"), 0);
	assert_int_not_equal(run_in(f->dir, "qemu-io -f raw -c 'write 0 512' q.raw"), 0);
	cf_disk_close(d);
	assert_int_equal(run_in(f->dir, "qemu-io -f raw -c 'write 0 512' q.raw"), 0);
}

static void test_we_respect_qemu(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "r.raw", "r.qcow2", "r.vhdx" }, *const formats[] = { "raw", "qcow2", "vhdx" };
	NEED_QEMU(f);
	for (size_t i = 0; i < 3; i++) {
		const char *p = in_dir(f, names[i]);
		assert_int_equal(run_in(f->dir, "qemu-img create -f %s %s 8M && rm -f s && qemu-nbd --fork --pid-file=pid -t -f %s "
						"-k \"$PWD/s\" %s", formats[i], names[i], formats[i], names[i]), 0);
		expect_refusal(p, NULL, CF_E_IN_USE, "is the VM running");
		expect_refusal(p, &writing, CF_E_IN_USE, "is the VM running");
		struct cf_error err;
		char c;
		/* An open VHDX has a log that may need replay, which force_share reads through an overlay. */
		struct cf_disk *d = expect_open(p, &sharing);
		assert_true(d->inconsistent);
		assert_int_equal(cf_block_read(d->block, 0, &c, 1, &err), 0);
		cf_disk_close(d);
		assert_int_equal(run_in(f->dir, "kill -9 $(cat pid); while kill -0 $(cat pid) 2>/dev/null; do sleep 0.05; done"), 0);
		cf_disk_close(expect_open(p, &writing));
	}
}

/* ---- the kernel ---- */

static void make_folder(struct fixture *f, const char *name)
{
	assert_int_equal(run_in(f->dir, "mkdir -p '%s'", name), 0);
}

static void write_text(struct fixture *f, const char *name, const char *text)
{
	make_file(in_dir(f, name), text, strlen(text), (off_t)strlen(text));
}

static void test_kernel_view(void **state)
{
	struct fixture *f = *state;
	struct cf_kernel_view view = { in_dir(f, "sys"), in_dir(f, "proc") };
	char why[400], text[600];
	struct stat st;

	make_folder(f, "sys/block/loop3/loop");
	make_folder(f, "sys/dev/block/8:0/sda1/holders");
	make_folder(f, "sys/dev/block/8:1/holders");
	make_folder(f, "proc/self");
	const char *p = in_dir(f, "disk one.raw");
	make_file(p, NULL, 0, 4096);
	assert_int_equal(stat(p, &st), 0);
	assert_false(cf_kernel_uses(&st, &view, why, sizeof why));
	snprintf(text, sizeof text, "%s\n", p);
	write_text(f, "sys/block/loop3/loop/backing_file", text);
	assert_true(cf_kernel_uses(&st, &view, why, sizeof why));
	assert_non_null(strstr(why, "/dev/loop3"));
	write_text(f, "sys/block/loop3/loop/backing_file", "/nowhere/else (deleted)\n");
	assert_false(cf_kernel_uses(&st, &view, why, sizeof why));
	/* Swap files; blanks are escaped. */
	snprintf(text, sizeof text, "Filename\tType\tSize\n%s/disk\\040one.raw file 1 0 -2\n", f->dir);
	write_text(f, "proc/swaps", text);
	assert_true(cf_kernel_uses(&st, &view, why, sizeof why));
	assert_non_null(strstr(why, "swap"));

	/* Devices: a mount of a partition counts for the disk, and only for it. */
	struct stat sda = { .st_mode = S_IFBLK, .st_rdev = makedev(8, 0) };
	struct stat sdb = { .st_mode = S_IFBLK, .st_rdev = makedev(8, 16) };
	write_text(f, "sys/dev/block/8:0/sda1/partition", "1\n");
	write_text(f, "sys/dev/block/8:0/sda1/dev", "8:1\n");
	write_text(f, "proc/self/mountinfo", "22 1 253:1 / / rw - ext4 /dev/vda rw\n");
	assert_false(cf_kernel_uses(&sda, &view, why, sizeof why));
	write_text(f, "proc/self/mountinfo", "22 1 253:1 / / rw - ext4 /dev/vda rw\n23 1 8:1 / /mnt/a\\040b rw shared:1 - ntfs3 /dev/sda1 rw\n");
	assert_true(cf_kernel_uses(&sda, &view, why, sizeof why));
	assert_non_null(strstr(why, "/mnt/a b"));
	assert_false(cf_kernel_uses(&sdb, &view, why, sizeof why));
	write_text(f, "proc/self/mountinfo", "");
	make_folder(f, "sys/dev/block/8:1/holders/dm-7");
	assert_true(cf_kernel_uses(&sda, &view, why, sizeof why));
	assert_non_null(strstr(why, "dm-7"));
	/* No /sys and no /proc at all: unknown is not "in use". */
	struct cf_kernel_view none = { "/nonexistent", "/nonexistent" };
	assert_false(cf_kernel_uses(&sda, &none, why, sizeof why));
}

static void test_device_identity(void **state)
{
	struct fixture *f = *state;
	struct cf_kernel_view view = { in_dir(f, "sys"), "/nonexistent" };
	struct cf_error err = { 0 };
	struct stat st = { .st_mode = S_IFBLK, .st_rdev = makedev(8, 32) };
	make_folder(f, "sys/dev/block");
	make_folder(f, "sys/devices/host0/2:0:1:7/block/sdc/sdc3");
	assert_int_equal(run_in(f->dir, "cd sys && ln -s ../../devices/host0/2:0:1:7/block/sdc dev/block/8:32 && "
					"ln -s ../../devices/host0/2:0:1:7/block/sdc/sdc3 dev/block/8:35 && "
					"ln -s ../../../2:0:1:7 devices/host0/2:0:1:7/block/sdc/device && "
					"echo 'Virtual Disk    ' > devices/host0/2:0:1:7/model && echo 3 > devices/host0/2:0:1:7/block/sdc/sdc3/partition && "
					"printf '\\000\\200\\000\\006AB 123' > devices/host0/2:0:1:7/vpd_pg80"), 0);
	struct cf_disk d = { .path = NULL };
	assert_int_equal(cf_device_identify(&d, &st, "/dev/null", &view, &err), 0);
	assert_string_equal(d.model, "Virtual Disk");
	assert_string_equal(d.serial, "AB 123");
	assert_string_equal(d.lun, "7");
	assert_memory_equal(d.id, "serial-AB_123-", 14);
	char *whole = d.id;
	free(d.model), free(d.serial), free(d.lun);
	assert_int_equal(run_in(f->dir, "echo naa.6002248 > sys/devices/host0/2:0:1:7/wwid"), 0);
	d = (struct cf_disk){ .path = NULL };
	st.st_rdev = makedev(8, 35);
	assert_int_equal(cf_device_identify(&d, &st, "/dev/null", &view, &err), 0);
	assert_string_equal(d.id, "wwid-naa.6002248-part3");
	free(d.model), free(d.serial), free(d.lun), free(d.id), free(whole);

	/* Names that can't be folders, or could climb out of one. */
	static const char *const odd[] = { "", "..", "a/b", "nbd://host/x y", "\xff\n" };
	for (size_t i = 0; i < 5; i++) {
		char *id = cf_disk_id_from("nbd", odd[i]);
		assert_true(id && !strchr(id, '/') && id[0] != '.' && strlen(id) < 200);
		for (size_t k = 0; k < i; k++) {
			char *other = cf_disk_id_from("nbd", odd[k]);
			assert_string_not_equal(id, other);
			free(other);
		}
		free(id);
	}
}

/* With the rights for it: a real loop device, as disk and as the user of an image. */
static void test_real_loop(void **state)
{
	struct fixture *f = *state;
	char dev[64] = "";
	struct cf_error err = { 0 };
	make_file(in_dir(f, "loop.raw"), "boot", 4, 4 * MIB);
	if (geteuid() != 0 || run_in(f->dir, "losetup -f --show loop.raw > dev") != 0)
		SKIP("no right to attach a loop device");
	int fd = open(in_dir(f, "dev"), O_RDONLY);
	ssize_t n = read(fd, dev, sizeof dev - 1);
	close(fd);
	assert_true(n > 1);
	dev[n - 1] = 0;
	struct cf_error img = { 0 };
	struct cf_disk *a = cf_disk_open(in_dir(f, "loop.raw"), NULL, &img);
	struct cf_disk *b = cf_disk_open(dev, &writing, &err);
	char buf[4] = "";
	int w = b ? cf_block_write(b->block, MIB + 7, "dev", 3, &err) : -1;
	int fl = b ? cf_block_flush(b->block, &err) : -1;
	int r = b ? cf_block_read_direct(b->block, MIB + 7, buf, 3, &err) : -1;
	bool is_device = b && b->is_device && b->format == CF_FMT_DEVICE && b->block->size == 4 * MIB;
	cf_disk_close(b);
	assert_int_equal(run_in(f->dir, "losetup -d %s", dev), 0);
	assert_null(a);
	assert_int_equal(img.code, CF_E_IN_USE);
	assert_non_null(strstr(img.message, dev));
	assert_true(is_device && w == 0 && fl == 0 && r == 0);
	assert_memory_equal(buf, "dev", 3);
}

/* ---- checkpoints ---- */

static void test_overlay_beside(void **state)
{
	struct fixture *f = *state;
	NEED_QEMU(f);
	const char *p = in_dir(f, "base.qcow2");
	assert_int_equal(run_in(f->dir, "qemu-img create -f qcow2 base.qcow2 4M && qemu-img create -f qcow2 other.qcow2 4M && "
					"qemu-img create -f qcow2 -F qcow2 -b other.qcow2 snap1"), 0);
	cf_disk_close(expect_open(p, &writing)); /* the overlay is another disk's */
	expect_refusal(in_dir(f, "other.qcow2"), &writing, CF_E_REFUSED, "snap1");
	cf_disk_close(expect_open(in_dir(f, "other.qcow2"), NULL)); /* reading harms nothing */
	cf_disk_close(expect_open(in_dir(f, "other.qcow2"),
				  &(struct cf_disk_options){ .writable = true, .allow_checkpoints = true }));
	/* However the overlay writes the name. */
	static const char *const ways[] = { "./base.qcow2", "$PWD/base.qcow2", "link.qcow2" };
	assert_int_equal(run_in(f->dir, "ln -s base.qcow2 link.qcow2"), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(run_in(f->dir, "qemu-img create -u -f qcow2 -F qcow2 -b %s over 4M", ways[i]), 0);
		expect_refusal(p, &writing, CF_E_REFUSED, "over");
		expect_refusal(in_dir(f, "link.qcow2"), &writing, CF_E_REFUSED, "--allow-checkpoints");
	}
	/* A raw base, too; and VMware's way. */
	assert_int_equal(run_in(f->dir, "rm over; truncate -s 4M r.raw; qemu-img create -f qcow2 -F raw -b r.raw rover; "
					"qemu-img create -f vmdk v.vmdk 4M; qemu-img create -f vmdk -F vmdk -b v.vmdk v-000001.vmdk"), 0);
	expect_refusal(in_dir(f, "r.raw"), &writing, CF_E_REFUSED, "rover");
	expect_refusal(in_dir(f, "v.vmdk"), &writing, CF_E_REFUSED, "v-000001.vmdk");
	cf_disk_close(expect_open(p, &writing));
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void make_avhd(const char *path, const uint8_t parent_id[16], const char *parent_name)
{
	static uint8_t b[2048];
	uint32_t sum = 0;
	memset(b, 0, sizeof b);
	cf_vhd_build(MIB, (const uint8_t *)"child id 123456", 0, b);
	put32(b + 16, 0);
	put32(b + 20, 512);
	put32(b + 60, CF_VHD_DIFFERENCING);
	put32(b + 64, 0);
	for (int i = 0; i < 512; i++)
		sum += b[i];
	put32(b + 64, ~sum);
	memcpy(b + 512, "cxsparse", 8);
	memcpy(b + 512 + 0x28, parent_id, 16);
	for (size_t i = 0; parent_name[i]; i++)
		b[512 + 0x40 + 2 * i + 1] = (uint8_t)parent_name[i];
	make_file(path, b, sizeof b, sizeof b);
}

static void test_hyperv_checkpoints(void **state)
{
	struct fixture *f = *state;
	uint8_t footer[512];
	const char *p = in_dir(f, "srv.vhd"), *child = in_dir(f, "srv_1234.avhd");
	cf_vhd_build(MIB, (const uint8_t *)"parent id 12345", 0, footer);
	make_file(p, NULL, 0, MIB);
	patch_file(p, MIB, footer, 512);
	cf_disk_close(expect_open(p, &writing));
	make_avhd(child, (const uint8_t *)"parent id 12345", "");
	expect_refusal(p, &writing, CF_E_REFUSED, "a checkpoint (\"srv_1234.avhd\")");
	make_avhd(child, (const uint8_t *)"somebody else's", "C:\\VMs\\SRV.vhd");
	expect_refusal(p, &writing, CF_E_REFUSED, "srv_1234.avhd");
	make_avhd(child, (const uint8_t *)"somebody else's", "C:\\VMs\\other.vhd");
	cf_disk_close(expect_open(p, &writing));
	expect_refusal(child, NULL, CF_E_REFUSED, "differencing");
	/* Saved states. */
	write_text(f, "vm.vmrs", "small: no memory in it");
	cf_disk_close(expect_open(p, &writing));
	make_file(in_dir(f, "vm.vmrs"), NULL, 0, 32 * MIB);
	expect_refusal(p, &writing, CF_E_REFUSED, "saved state");
	assert_int_equal(unlink(in_dir(f, "vm.vmrs")), 0);
	write_text(f, "vm.vsv", "x");
	expect_refusal(p, &writing, CF_E_REFUSED, "vm.vsv");
	/* A FIFO and a folder beside the image stop nobody. */
	assert_int_equal(run_in(f->dir, "rm vm.vsv; mkfifo x.avhdx; mkdir y.avhdx"), 0);
	cf_disk_close(expect_open(p, &writing));
}

/* ---- copies ---- */

static int cancel_at_once(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	assert_true(done <= total);
	++*(int *)user;
	return 1;
}

static int count_calls(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	assert_true(done <= total);
	++*(int *)user;
	return 0;
}

static void test_copies(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "c.raw", "c.vhd", "c.vhdx", "c.qcow2", "c" };
	struct cf_error err = { 0 };
	char buf[16];
	const char *p = in_dir(f, "src.raw");
	const uint64_t size = 9 * MIB + 512;
	bool qemu = cf_nbd_available() && have_qemu(f);
	make_file(p, "first", 5, (off_t)size);
	patch_file(p, 5 * MIB - 2, "middle", 6);
	patch_file(p, (off_t)size - 4, "last", 4);
	assert_int_equal(chmod(p, 0640), 0);
	struct cf_disk *s = expect_open(p, NULL);
	for (size_t i = 0; i < 5; i++) {
		int calls = 0;
		struct stat st;
		const char *to = in_dir(f, names[i]);
		if (!qemu && (i == 2 || i == 3))
			continue;
		if (cf_disk_copy(s, to, count_calls, &calls, &err) < 0)
			fail_msg("%s: %s", to, err.message);
		assert_true(calls >= 2);
		assert_int_equal(stat(to, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
		assert_true((uint64_t)st.st_blocks * 512 < size); /* sparse */
		struct cf_disk *d = expect_open(to, NULL);
		assert_true(d->block->size == (i == 1 ? 10 * MIB : size));
		assert_true(i != 1 || (d->format == CF_FMT_VHD_FIXED && st.st_size == 10 * MIB + 512));
		assert_int_equal(cf_block_read(d->block, 0, buf, 6, &err), 0);
		assert_memory_equal(buf, "first", 6);
		assert_int_equal(cf_block_read(d->block, 5 * MIB - 3, buf, 8, &err), 0);
		assert_memory_equal(buf, "\0middle", 8);
		assert_int_equal(cf_block_read(d->block, size - 5, buf, 5, &err), 0);
		assert_memory_equal(buf, "\0last", 5);
		cf_disk_close(d);
		assert_int_equal(cf_disk_copy(s, to, NULL, NULL, &err), -1);
		assert_int_equal(err.code, CF_E_REFUSED);
	}
	if (qemu) /* and back from a container */
		assert_int_equal(run_in(f->dir, "qemu-img compare -f raw -F qcow2 src.raw c.qcow2 && qemu-img compare -f raw -F vhdx src.raw c.vhdx"), 0);
	/* Failures leave nothing behind. */
	int calls = 0;
	assert_int_equal(cf_disk_copy(s, in_dir(f, "no.raw"), cancel_at_once, &calls, &err), -1);
	assert_int_equal(err.code, CF_E_CANCELLED);
	assert_int_equal(calls, 1);
	assert_int_equal(cf_disk_copy(s, in_dir(f, "no.vmdk"), NULL, NULL, &err), -1);
	assert_int_equal(err.code, CF_E_UNSUPPORTED);
	assert_int_equal(cf_disk_copy(s, in_dir(f, "nofolder/x.raw"), NULL, NULL, &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	struct cf_block *whole = s->block;
	s->block = cf_fault_open(whole, 2, 0, &err);
	assert_int_equal(cf_disk_copy(s, in_dir(f, "no.vhd"), NULL, NULL, &err), -1);
	assert_int_equal(err.code, CF_E_IO);
	cf_block_close(s->block);
	s->block = whole;
	whole->sector_size = 4096;
	assert_int_equal(cf_disk_copy(s, in_dir(f, "no.vhd"), NULL, NULL, &err), -1);
	assert_int_equal(err.code, CF_E_UNSUPPORTED);
	cf_disk_close(s);
	assert_int_equal(run_in(f->dir, "ls -A | grep -E 'no|coldfix-copy'"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_our_locks, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_qemu_respects_ours, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_we_respect_qemu, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_kernel_view, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_device_identity, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_real_loop, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_overlay_beside, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_hyperv_checkpoints, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_copies, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
