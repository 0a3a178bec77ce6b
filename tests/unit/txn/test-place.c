/* test-place.c - state on a real file system: names, modes, links, folders that refuse, and the disk's own file system.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "txn-test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <linux/magic.h>
#include <unistd.h>

#include "txn/place.h"

static char folder[4096]; /* in the build folder, which must not be a memory file system */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	chmod(path, 0700);
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	CF_FREE char *cwd = getcwd(NULL, 0);
	snprintf(folder, sizeof folder, "%s/txn-test.XXXXXX", cwd);
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool memory_here(void)
{
	struct statfs fs;
	return statfs(folder, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static char *in(const char *name)
{
	char *s;
	assert_true(asprintf(&s, "%s/%s", folder, name) > 0);
	return s;
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_files(void **state)
{
	(void)state;
	struct rig r;
	if (memory_here()) {
		print_message("# skipped: the build lies on a memory file system\n");
		return;
	}
	rig_open(&r);
	machine_install(NULL);
	CF_FREE char *image = in("disk.img"), *link = in("link.img"), *want = in("disk.img.coldfix-undo");
	CF_FREE char *undone = in("disk.img.coldfix-undo.undone"), *path = NULL;
	CF_CLOSE int fd = open(image, O_CREAT | O_WRONLY, 0666);
	assert_true(fd >= 0);
	assert_int_equal(symlink("disk.img", link), 0);
	/* Through a link, the state is still beside the image itself. */
	r.place.state_base = link;
	r.place.disk_path = link;
	mode_t old = umask(0);
	assert_ok(&r, rig_commit(&r, 5, 0xaa, 4096, &path));
	umask(old);
	assert_string_equal(path, want);
	assert_int_equal(mode_of(path), 0600);
	r.place.state_base = image;
	CF_FREE char *newest = cf_undo_newest(&r.place, &r.err);
	assert_string_equal(newest, want);
	assert_ok(&r, rig_undo(&r, newest, false));
	assert_true(rig_is_old(&r));
	assert_int_equal(mode_of(undone), 0600);
	assert_int_equal(access(want, F_OK), -1);
	/* A link in the undo file's place is neither followed nor replaced. */
	assert_int_equal(symlink("/nonexistent/target", want), 0);
	r.place.undo_file = want;
	assert_fails(&r, rig_commit(&r, 5, 0xaa, 1, NULL), CF_E_REFUSED);
	assert_true(rig_is_old(&r));
	rig_close(&r);
}

static void test_state_folder(void **state)
{
	(void)state;
	struct rig r;
	if (memory_here()) {
		print_message("# skipped: the build lies on a memory file system\n");
		return;
	}
	rig_open(&r);
	machine_install(NULL);
	CF_FREE char *base = in("state/coldfix/id-1"), *parent = in("state"), *path = NULL;
	enum cf_recovery what;
	r.place.state_base = base;
	r.place.state_is_folder = true;
	assert_ok(&r, cf_txn_recover(rig_disk(&r), &r.place, &what, &r.err)); /* no folder yet */
	assert_int_equal(what, CF_RECOVERY_NONE);
	assert_int_equal(access(parent, F_OK), -1);
	assert_ok(&r, rig_commit(&r, 5, 0xaa, 1, &path));
	assert_int_equal(mode_of(base), 0700);
	assert_int_equal(mode_of(parent), 0700);
	assert_int_equal(chmod(base, 0755), 0);
	assert_ok(&r, rig_undo(&r, path, false));
	assert_int_equal(mode_of(base), 0700);
	rig_close(&r);
}

/* A folder where nobody may create a file, not even root; and one that is a file. */
static void test_folder_that_refuses(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	machine_install(NULL);
	CF_FREE char *file = in("plain"), *below = in("plain/disk.img");
	CF_CLOSE int fd = open(file, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	r.place.state_base = "/proc/disk.img";
	assert_int_equal(rig_commit(&r, 5, 0xaa, 1, NULL), -1);
	assert_true(rig_is_old(&r));
	r.place.state_base = below;
	assert_int_equal(rig_commit(&r, 5, 0xaa, 1, NULL), -1);
	assert_true(rig_is_old(&r));
	assert_true(r.err.path[0] != 0);
	rig_close(&r);
}

static void test_missing_folder(void **state)
{
	(void)state;
	struct rig r;
	if (memory_here()) {
		print_message("# skipped: the build lies on a memory file system\n");
		return;
	}
	rig_open(&r);
	machine_install(NULL);
	CF_FREE char *image = in("disk2.img"), *undo_file = in("no/such/folder/undo"), *marker = in("disk2.img.coldfix-pending");
	r.place.state_base = image;
	r.place.undo_file = undo_file;
	assert_fails(&r, rig_commit(&r, 5, 0xaa, 1, NULL), CF_E_NOT_FOUND);
	assert_true(rig_is_old(&r));
	assert_int_equal(access(marker, F_OK), -1);
	rig_close(&r);
}

static void test_memory_file_system(void **state)
{
	(void)state;
	struct rig r;
	struct statfs fs;
	char undo_file[64];
	if (memory_here() || statfs("/dev/shm", &fs) != 0 || fs.f_type != TMPFS_MAGIC) {
		print_message("# skipped: needs the build on a real file system and /dev/shm\n");
		return;
	}
	rig_open(&r);
	machine_install(NULL);
	CF_FREE char *image = in("disk3.img");
	snprintf(undo_file, sizeof undo_file, "/dev/shm/coldfix-test-%d", (int)getpid());
	r.place.state_base = image;
	r.place.undo_file = undo_file;
	assert_fails(&r, rig_commit(&r, 5, 0xaa, 1, NULL), CF_E_REFUSED);
	assert_says(&r, "memory file system");
	assert_int_equal(access(undo_file, F_OK), -1);
	rig_close(&r);
}

/* A copy of what /sys says: sda with sda1, dm-0 on sda1, dm-1 on dm-0; sdb beside them. */
static void make_device(const char *name, unsigned major_no, unsigned minor_no, bool partition, const char *slave)
{
	char path[5000], target[5000];
	FILE *f;
	snprintf(path, sizeof path, "%s/sys/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/sys/%s/dev", folder, name);
	f = fopen(path, "w");
	fprintf(f, "%u:%u\n", major_no, minor_no);
	fclose(f);
	if (partition) {
		snprintf(path, sizeof path, "%s/sys/%s/partition", folder, name);
		fclose(fopen(path, "w"));
	}
	snprintf(path, sizeof path, "%s/sys/%s/slaves", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
	if (slave) {
		snprintf(path, sizeof path, "%s/sys/%s/slaves/it", folder, name);
		snprintf(target, sizeof target, "%s/sys/%s", folder, slave);
		assert_int_equal(symlink(target, path), 0);
	}
	snprintf(path, sizeof path, "%s/sys/dev/block/%u:%u", folder, major_no, minor_no);
	snprintf(target, sizeof target, "%s/sys/%s", folder, name);
	assert_int_equal(symlink(target, path), 0);
}

static void test_on_the_disk_itself(void **state)
{
	(void)state;
	CF_FREE char *sys = in("sys"), *dev = in("sys/dev"), *block = in("sys/dev/block");
	assert_int_equal(mkdir(sys, 0700), 0);
	assert_int_equal(mkdir(dev, 0700), 0);
	assert_int_equal(mkdir(block, 0700), 0);
	make_device("sda", 8, 0, false, NULL);
	make_device("sda/sda1", 8, 1, true, NULL);
	make_device("sdb", 8, 16, false, NULL);
	make_device("dm-0", 253, 0, false, "sda/sda1");
	make_device("dm-1", 253, 1, false, "dm-0");
	assert_true(cf_place_stands_on(sys, makedev(8, 0), makedev(8, 0)));
	assert_true(cf_place_stands_on(sys, makedev(8, 1), makedev(8, 0)));
	assert_true(cf_place_stands_on(sys, makedev(253, 1), makedev(8, 0)));
	assert_true(cf_place_stands_on(sys, makedev(253, 1), makedev(8, 1)));
	assert_false(cf_place_stands_on(sys, makedev(253, 1), makedev(8, 16)));
	assert_false(cf_place_stands_on(sys, makedev(8, 16), makedev(8, 0)));
	assert_false(cf_place_stands_on(sys, makedev(0, 40), makedev(8, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_state_folder),
		cmocka_unit_test(test_folder_that_refuses),
		cmocka_unit_test(test_missing_folder),
		cmocka_unit_test(test_memory_file_system),
		cmocka_unit_test(test_on_the_disk_itself),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
