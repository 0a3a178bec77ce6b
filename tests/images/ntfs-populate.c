/* ntfs-populate.c - fills an NTFS volume inside a plain file from a manifest, without mounting anything.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Links libntfs-3g on its own small device (a file and an offset), so tests need neither FUSE nor root. Shares no line
 * with libcoldfix. The clock is the manifest's, so the same manifest gives the same bytes. The volume is opened without
 * any look at its journal or hibernation file: the factory makes such volumes and must be able to go on working on them.
 *
 *	ntfs-populate [--offset BYTES] IMAGE [MANIFEST]      (no manifest: standard input)
 *
 * One operation a line, fields separated by tabs, paths with '/', parents made as needed; '#' starts a comment:
 *	now EPOCH                  the time of everything that follows
 *	mkdir PATH                 file PATH SOURCE           text PATH TEXT
 *	fill PATH SIZE             patterned data, a function of path and position only
 *	solid PATH SIZE            allocated and valid, but nothing written (the host file stays small)
 *	sparse PATH SIZE           compressed PATH SIZE (patterned, compressible)
 *	link NEW OLD               stream PATH NAME SIZE      junction PATH TARGET
 *	poke PATH OFFSET SOURCE    write a file's bytes into an existing file
 *	delete PATH                attr PATH LETTERS (rhsa)   time PATH EPOCH
 *	dosname PATH SHORT         names that are 8.3 already get their DOS name by themselves
 *	fragment PATH OTHER N      two files of N clusters each, every cluster a piece of its own
 *	leave MIB PATH             a solid file that leaves so much free space
 *	scatter DIR BYTES          fills the volume with files of this size and deletes every second
 *	journal VERSION STATE      $LogFile: 1.1 or 2.0; clean, dirty or empty
 *	flag dirty|clean           the volume flag
 *	serial HEX                 volume serial number (both boot sectors)
 *	report                     prints free and largest free extent
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/ntfstime.h>
#include <ntfs-3g/reparse.h>
#include <ntfs-3g/security.h>
#include <ntfs-3g/unistr.h>

#define PIECE 65536
#define MARK 65536 /* scattered files carry their pattern in the first and last so many bytes */

static int image_fd = -1;
static s64 image_base;
static time_t fixed_time;
static unsigned line_number;

/* libntfs-3g asks this for every time stamp; ours answers with the manifest's. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!fixed_time)
		return (int)syscall(SYS_clock_gettime, id, ts);
	ts->tv_sec = fixed_time;
	ts->tv_nsec = 0;
	return 0;
}

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "ntfs-populate: line %u: ", line_number);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s%s\n", err ? ": " : "", err ? strerror(err) : "");
	exit(1);
}

static int dev_open(struct ntfs_device *dev, int flags)
{
	(void)flags;
	NDevSetOpen(dev);
	return 0;
}

static int dev_close(struct ntfs_device *dev)
{
	NDevClearOpen(dev);
	return 0;
}

static s64 dev_seek(struct ntfs_device *dev, s64 offset, int whence)
{
	(void)dev;
	(void)whence;
	return offset;
}

static s64 dev_pread(struct ntfs_device *dev, void *buf, s64 count, s64 offset)
{
	(void)dev;
	return pread(image_fd, buf, (size_t)count, image_base + offset);
}

static s64 dev_pwrite(struct ntfs_device *dev, const void *buf, s64 count, s64 offset)
{
	(void)dev;
	return pwrite(image_fd, buf, (size_t)count, image_base + offset);
}

static s64 dev_noread(struct ntfs_device *dev, void *buf, s64 count)
{
	(void)dev;
	(void)buf;
	(void)count;
	errno = ENOTSUP;
	return -1;
}

static s64 dev_nowrite(struct ntfs_device *dev, const void *buf, s64 count)
{
	(void)buf;
	return dev_noread(dev, NULL, count);
}

static int dev_sync(struct ntfs_device *dev)
{
	NDevClearDirty(dev);
	return 0;
}

static int dev_stat(struct ntfs_device *dev, struct stat *st)
{
	(void)dev;
	return fstat(image_fd, st);
}

static int dev_ioctl(struct ntfs_device *dev, unsigned long request, void *arg)
{
	(void)dev;
	(void)request;
	(void)arg;
	errno = ENOTTY;
	return -1;
}

static struct ntfs_device_operations ops = {
	.open = dev_open, .close = dev_close, .seek = dev_seek, .read = dev_noread, .write = dev_nowrite,
	.pread = dev_pread, .pwrite = dev_pwrite, .sync = dev_sync, .stat = dev_stat, .ioctl = dev_ioctl,
};

static s64 number(const char *text)
{
	char *end;
	s64 v = strtoll(text, &end, 0);

	errno = 0;
	if (*end == 'M')
		v *= 1 << 20;
	else if (*end == 'K')
		v *= 1 << 10;
	else if (*end || end == text)
		die("'%s' is not a number", text);
	return v;
}

static ntfs_inode *lookup(ntfs_volume *vol, const char *path)
{
	return *path ? ntfs_pathname_to_inode(vol, NULL, path) : ntfs_inode_open(vol, FILE_root);
}

static ntfs_inode *must_open(ntfs_volume *vol, const char *path)
{
	ntfs_inode *ni = lookup(vol, path);

	if (!ni)
		die("%s: cannot open", path);
	return ni;
}

static void must_close(ntfs_inode *ni)
{
	if (ntfs_inode_close(ni))
		die("cannot write an MFT record");
}

/* Whether Windows would have made this name its own 8.3 name. */
static int is_short(const char *name)
{
	const char *dot = strchr(name, '.');
	size_t base = dot ? (size_t)(dot - name) : strlen(name), ext = dot ? strlen(dot + 1) : 0;

	return base >= 1 && base <= 8 && ext <= 3 && !(dot && (strchr(dot + 1, '.') || !ext)) &&
	       !strpbrk(name, " +,;=[]~$-{}");
}

static void set_dos_name(ntfs_volume *vol, const char *path, const char *shortname)
{
	char *parent = strdup(path), *slash = strrchr(parent, '/');
	ntfs_inode *ni, *dir;

	if (slash)
		*slash = 0;
	else
		*parent = 0;
	dir = must_open(vol, parent);
	ni = must_open(vol, path);
	/* Closes both, whatever happens. */
	if (ntfs_set_ntfs_dos_name(ni, dir, shortname, strlen(shortname), 0))
		die("%s: cannot set the DOS name %s", path, shortname);
	free(parent);
}

/* Makes a file or folder, with its parents; closes it. An existing folder is left as it is. */
static void create(ntfs_volume *vol, const char *path, mode_t type)
{
	char *parent = strdup(path), *slash = strrchr(parent, '/');
	const char *name = slash ? path + (slash - parent) + 1 : path;
	ntfschar *uname = NULL;
	ntfs_inode *dir, *ni;
	int len;

	if (slash)
		*slash = 0;
	else
		*parent = 0;
	ni = lookup(vol, path);
	if (ni) {
		if (!(ni->mrec->flags & MFT_RECORD_IS_DIRECTORY) || !S_ISDIR(type))
			die("%s: exists", path);
		must_close(ni);
		free(parent);
		return;
	}
	dir = lookup(vol, parent);
	if (!dir) {
		create(vol, parent, S_IFDIR);
		dir = must_open(vol, parent);
	}
	errno = 0;
	len = ntfs_mbstoucs(name, &uname);
	if (len <= 0)
		die("%s: bad name", path);
	ni = ntfs_create(dir, const_cpu_to_le32(0), uname, (u8)len, type);
	if (!ni)
		die("%s: cannot create", path);
	if (S_ISREG(type)) {
		ni->flags |= FILE_ATTR_ARCHIVE;
		NInoFileNameSetDirty(ni);
	}
	if (ntfs_inode_close_in_dir(ni, dir))
		die("%s: cannot write its MFT record", path);
	must_close(dir);
	free(uname);
	free(parent);
	if (is_short(name))
		set_dos_name(vol, path, name);
}

static void pattern(const char *path, s64 at, uint8_t *p, size_t n, int compressible)
{
	uint64_t seed = 14695981039346656037ULL;

	for (; *path; path++)
		seed = (seed ^ (uint8_t)*path) * 1099511628211ULL;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t v = (seed + ((uint64_t)at + i) / 8) * 0x9e3779b97f4a7c15ULL;

		v ^= v >> 29;
		v *= 0xbf58476d1ce4e5b9ULL;
		v ^= v >> 32;
		if (compressible)
			v &= 0x00000000000000ffULL;
		memcpy(p + i, &v, n - i < 8 ? n - i : 8);
	}
}

static ntfs_attr *open_data(ntfs_inode *ni, const char *path)
{
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);

	if (!na)
		die("%s: has no data", path);
	return na;
}

static void write_at(ntfs_attr *na, const char *path, s64 at, const void *p, s64 n)
{
	for (s64 done = 0; done < n;) {
		s64 w = ntfs_attr_pwrite(na, at + done, n - done, (const char *)p + done);

		if (w <= 0)
			die("%s: cannot write at %" PRId64, path, at + done);
		done += w;
	}
}

static void write_pattern(ntfs_attr *na, const char *path, s64 from, s64 to, int compressible)
{
	uint8_t buf[PIECE];

	for (s64 at = from; at < to; at += PIECE) {
		s64 n = to - at < PIECE ? to - at : PIECE;

		pattern(path, at, buf, (size_t)n, compressible);
		write_at(na, path, at, buf, n);
	}
}

static void write_source(ntfs_volume *vol, const char *path, s64 at, const char *source)
{
	ntfs_inode *ni = must_open(vol, path);
	ntfs_attr *na = open_data(ni, path);
	char buf[PIECE];
	FILE *f = fopen(source, "rb");
	size_t n;

	if (!f)
		die("%s: cannot read", source);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0) {
		write_at(na, path, at, buf, (s64)n);
		at += (s64)n;
	}
	fclose(f);
	ntfs_attr_close(na);
	must_close(ni);
}

/* Clusters allocated and the whole length valid, so that reads give what the clusters hold: zeros on a new image. */
static int make_solid(ntfs_inode *ni, s64 size)
{
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	ntfs_attr_search_ctx *ctx;
	int rc = -1;

	if (!na)
		return -1;
	if (!ntfs_attr_force_non_resident(na) && !ntfs_attr_truncate_solid(na, size)) {
		ctx = ntfs_attr_get_search_ctx(ni, NULL);
		if (ctx && !ntfs_attr_lookup(AT_DATA, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0, ctx)) {
			na->initialized_size = size;
			ctx->attr->initialized_size = cpu_to_sle64(size);
			ntfs_inode_mark_dirty(ctx->ntfs_ino);
			rc = 0;
		}
		if (ctx)
			ntfs_attr_put_search_ctx(ctx);
	}
	ntfs_attr_close(na);
	return rc;
}

static void make_data(ntfs_volume *vol, const char *kind, const char *path, s64 size)
{
	ntfs_inode *ni;
	ntfs_attr *na;
	le32 attrib = FILE_ATTR_COMPRESSED | FILE_ATTR_ARCHIVE;

	create(vol, path, S_IFREG);
	ni = must_open(vol, path);
	if (!strcmp(kind, "solid")) {
		if (make_solid(ni, size))
			die("%s: cannot allocate", path);
	} else {
		int compressed = !strcmp(kind, "compressed");

		if (compressed && ntfs_set_ntfs_attrib(ni, (const char *)&attrib, sizeof(attrib), 0))
			die("%s: cannot set the compressed flag", path);
		na = open_data(ni, path);
		if (!strcmp(kind, "sparse")) {
			if (ntfs_attr_truncate(na, size))
				die("%s: cannot set the length", path);
		} else {
			write_pattern(na, path, 0, size, compressed);
			if (compressed && ntfs_attr_pclose(na))
				die("%s: cannot finish the compressed data", path);
		}
		ntfs_attr_close(na);
	}
	must_close(ni);
}

static void make_stream(ntfs_volume *vol, const char *path, const char *name, s64 size)
{
	ntfs_inode *ni = must_open(vol, path);
	ntfschar *uname = NULL;
	int len = ntfs_mbstoucs(name, &uname);
	ntfs_attr *na;

	if (len <= 0 || ntfs_attr_add(ni, AT_DATA, uname, (u8)len, NULL, 0))
		die("%s:%s: cannot add", path, name);
	na = ntfs_attr_open(ni, AT_DATA, uname, (u32)len);
	if (!na)
		die("%s:%s: cannot open", path, name);
	write_pattern(na, path, 0, size, 0);
	ntfs_attr_close(na);
	must_close(ni);
	free(uname);
}

static void make_link(ntfs_volume *vol, const char *path, const char *old)
{
	char *parent = strdup(path), *slash = strrchr(parent, '/');
	const char *name = slash ? path + (slash - parent) + 1 : path;
	ntfschar *uname = NULL;
	ntfs_inode *ni, *dir;
	int len;

	if (slash)
		*slash = 0;
	else
		*parent = 0;
	create(vol, parent, S_IFDIR);
	ni = must_open(vol, old);
	dir = must_open(vol, parent);
	len = ntfs_mbstoucs(name, &uname);
	if (len <= 0 || ntfs_link(ni, dir, uname, (u8)len))
		die("%s: cannot link", path);
	if (ntfs_inode_close_in_dir(ni, dir))
		die("%s: cannot write its MFT record", path);
	must_close(dir);
	free(uname);
	free(parent);
}

static void make_junction(ntfs_volume *vol, const char *path, const char *target)
{
	struct {
		le32 tag;
		le16 length, reserved, sub_off, sub_len, print_off, print_len;
		ntfschar text[600];
	} __attribute__((packed)) r = {.tag = const_cpu_to_le32(0xa0000003)};
	char full[512];
	ntfschar *sub = NULL, *print = NULL;
	ntfs_inode *ni;
	int n, m;

	create(vol, path, S_IFDIR);
	snprintf(full, sizeof(full), "\\??\\%s", target);
	n = ntfs_mbstoucs(full, &sub);
	m = ntfs_mbstoucs(target, &print);
	if (n <= 0 || m <= 0 || n + m + 2 > 600)
		die("%s: bad target", path);
	memcpy(r.text, sub, 2 * (size_t)n);
	memcpy(r.text + n + 1, print, 2 * (size_t)m);
	r.sub_len = cpu_to_le16((u16)(2 * n));
	r.print_off = cpu_to_le16((u16)(2 * n + 2));
	r.print_len = cpu_to_le16((u16)(2 * m));
	r.length = cpu_to_le16((u16)(8 + 2 * (n + m + 2)));
	ni = must_open(vol, path);
	if (ntfs_set_ntfs_reparse_data(ni, (const char *)&r, 16 + 2 * (size_t)(n + m + 2), 0))
		die("%s: cannot make a junction", path);
	must_close(ni);
	free(sub);
	free(print);
}

static void delete_file(ntfs_volume *vol, const char *path)
{
	char *parent = strdup(path), *slash = strrchr(parent, '/');
	const char *name = slash ? path + (slash - parent) + 1 : path;
	ntfschar *uname = NULL;
	ntfs_inode *ni, *dir;
	int len;

	if (slash)
		*slash = 0;
	else
		*parent = 0;
	ni = must_open(vol, path);
	dir = must_open(vol, parent);
	len = ntfs_mbstoucs(name, &uname);
	if (len <= 0 || ntfs_delete(vol, NULL, ni, dir, uname, (u8)len))
		die("%s: cannot delete", path);
	free(uname);
	free(parent);
}

static void set_attributes(ntfs_volume *vol, const char *path, const char *letters)
{
	ntfs_inode *ni = must_open(vol, path);

	ni->flags &= ~(FILE_ATTR_READONLY | FILE_ATTR_HIDDEN | FILE_ATTR_SYSTEM | FILE_ATTR_ARCHIVE);
	if (strchr(letters, 'r'))
		ni->flags |= FILE_ATTR_READONLY;
	if (strchr(letters, 'h'))
		ni->flags |= FILE_ATTR_HIDDEN;
	if (strchr(letters, 's'))
		ni->flags |= FILE_ATTR_SYSTEM;
	if (strchr(letters, 'a'))
		ni->flags |= FILE_ATTR_ARCHIVE;
	NInoFileNameSetDirty(ni);
	ntfs_inode_mark_dirty(ni);
	must_close(ni);
}

static void set_time(ntfs_volume *vol, const char *path, time_t t)
{
	ntfs_inode *ni = must_open(vol, path);
	struct timespec ts = {.tv_sec = t};
	ntfs_time n = timespec2ntfs(ts);

	ni->creation_time = ni->last_data_change_time = ni->last_mft_change_time = ni->last_access_time = n;
	NInoFileNameSetDirty(ni);
	ntfs_inode_mark_dirty(ni);
	must_close(ni);
}

static void fragment(ntfs_volume *vol, const char *path, const char *other, s64 n)
{
	ntfs_inode *ni[2];
	ntfs_attr *na[2];
	const char *name[2] = {path, other};

	for (int i = 0; i < 2; i++) {
		create(vol, name[i], S_IFREG);
		ni[i] = must_open(vol, name[i]);
		na[i] = open_data(ni[i], name[i]);
		if (ntfs_attr_force_non_resident(na[i]))
			die("%s: cannot make non-resident", name[i]);
	}
	for (s64 k = 0; k < n; k++)
		for (int i = 0; i < 2; i++)
			write_pattern(na[i], name[i], k * vol->cluster_size, (k + 1) * vol->cluster_size, 0);
	for (int i = 0; i < 2; i++) {
		ntfs_attr_close(na[i]);
		must_close(ni[i]);
	}
}

static void scatter(ntfs_volume *vol, const char *dir, s64 size)
{
	char path[512];
	s64 n = 0;

	for (;; n++) {
		ntfs_inode *ni;
		ntfs_attr *na;

		if (ntfs_volume_get_free_space(vol) || vol->free_clusters * (s64)vol->cluster_size < size + (4 << 20))
			break;
		snprintf(path, sizeof(path), "%s/piece%04" PRId64 ".bin", dir, n);
		make_data(vol, "solid", path, size);
		ni = must_open(vol, path);
		na = open_data(ni, path);
		write_pattern(na, path, 0, size < MARK ? size : MARK, 0);
		if (size > 2 * MARK)
			write_pattern(na, path, size - MARK, size, 0);
		ntfs_attr_close(na);
		must_close(ni);
	}
	for (s64 i = 1; i < n; i += 2) {
		snprintf(path, sizeof(path), "%s/piece%04" PRId64 ".bin", dir, i);
		delete_file(vol, path);
	}
}

/* Restart pages as Windows lays them out; no log records, so there is nothing to replay but the state is the state. */
static void write_journal(ntfs_volume *vol, const char *version, const char *state)
{
	ntfs_inode *ni = ntfs_inode_open(vol, FILE_LogFile);
	ntfs_attr *na = ni ? open_data(ni, "$LogFile") : NULL;
	uint8_t p[4096];
	unsigned major = (unsigned)(version[0] - '0'), minor = (unsigned)(version[2] - '0');
	int bits = 0;

	if (!na)
		die("$LogFile: cannot open");
	for (s64 s = na->data_size; s; s >>= 1)
		bits++;
	for (int page = 0; page < 2; page++) {
		memset(p, 0xff, sizeof(p));
		if (strcmp(state, "empty")) {
			le16 usn = cpu_to_le16((u16)(page + 1)), *usa = (le16 *)(void *)(p + 0x1e);
			uint64_t lsn = 0x100000 + (uint64_t)page * 8;

			memset(p, 0, sizeof(p));
			memcpy(p, "RSTR", 4);
			p[4] = 0x1e;
			p[6] = 9;
			p[0x11] = 0x10; /* system page size 4096 */
			p[0x15] = 0x10; /* log page size 4096 */
			p[0x18] = 0x30;
			p[0x1a] = (uint8_t)minor;
			p[0x1c] = (uint8_t)major;
			memcpy(p + 0x30, &lsn, 8);
			p[0x38] = 1; /* one client */
			memset(p + 0x3a, 0xff, 2); /* none free */
			p[0x3e] = !strcmp(state, "clean") ? 2 : 0;
			p[0x40] = (uint8_t)(67 - bits);
			p[0x44] = 0xe0;
			p[0x46] = 0x40;
			memcpy(p + 0x48, &na->data_size, 8);
			p[0x54] = 0x30;
			p[0x56] = 0x40;
			p[0x58] = 1;
			memcpy(p + 0x70, &lsn, 8);
			memcpy(p + 0x78, &lsn, 8);
			memset(p + 0x80, 0xff, 4);
			p[0x8c] = 8;
			memcpy(p + 0x90, "N\0T\0F\0S\0", 8);
			usa[0] = usn;
			for (int i = 0; i < 8; i++) {
				memcpy(&usa[i + 1], p + 512 * i + 510, 2);
				memcpy(p + 512 * i + 510, &usn, 2);
			}
		}
		write_at(na, "$LogFile", page * 4096, p, sizeof(p));
	}
	ntfs_attr_close(na);
	must_close(ni);
}

static void set_serial(ntfs_volume *vol, const char *hex)
{
	uint64_t serial = strtoull(hex, NULL, 16);
	uint8_t boot[512];
	s64 at[2] = {0, 0};

	if (pread(image_fd, boot, sizeof(boot), image_base) != sizeof(boot))
		die("cannot read the boot sector");
	memcpy(&at[1], boot + 0x28, 8);
	at[1] *= vol->sector_size;
	for (int i = 0; i < 2; i++) {
		if (pread(image_fd, boot, sizeof(boot), image_base + at[i]) != sizeof(boot))
			die("cannot read boot sector %d", i);
		if (memcmp(boot + 3, "NTFS    ", 8))
			die("no boot sector at %" PRId64, at[i]);
		memcpy(boot + 0x48, &serial, 8);
		if (pwrite(image_fd, boot, sizeof(boot), image_base + at[i]) != sizeof(boot))
			die("cannot write boot sector %d", i);
	}
}

static void report(ntfs_volume *vol)
{
	uint8_t buf[PIECE];
	s64 run = 0, best = 0, free_clusters = 0, bits = vol->nr_clusters;

	for (s64 at = 0; at < (bits + 7) / 8; at += PIECE) {
		s64 n = ntfs_attr_pread(vol->lcnbmp_na, at, PIECE, buf);

		if (n <= 0)
			die("$Bitmap: cannot read");
		for (s64 i = 0; i < n * 8 && at * 8 + i < bits; i++) {
			if (buf[i / 8] >> (i % 8) & 1) {
				run = 0;
			} else {
				free_clusters++;
				if (++run > best)
					best = run;
			}
		}
	}
	printf("cluster %u total %" PRId64 " free %" PRId64 " largest %" PRId64 "\n", vol->cluster_size,
	       vol->nr_clusters * (s64)vol->cluster_size, free_clusters * (s64)vol->cluster_size,
	       best * (s64)vol->cluster_size);
}

static void run(ntfs_volume *vol, char **f, int n)
{
	const char *op = f[0];
	ntfs_inode *ni;

	errno = 0;
	if (n == 2 && !strcmp(op, "now")) {
		fixed_time = number(f[1]);
	} else if (n == 2 && !strcmp(op, "mkdir")) {
		create(vol, f[1], S_IFDIR);
	} else if (n == 3 && (!strcmp(op, "file") || !strcmp(op, "text"))) {
		create(vol, f[1], S_IFREG);
		if (op[0] == 'f') {
			write_source(vol, f[1], 0, f[2]);
		} else {
			ntfs_attr *na;

			ni = must_open(vol, f[1]);
			na = open_data(ni, f[1]);
			write_at(na, f[1], 0, f[2], (s64)strlen(f[2]));
			ntfs_attr_close(na);
			must_close(ni);
		}
	} else if (n == 3 && (!strcmp(op, "fill") || !strcmp(op, "solid") || !strcmp(op, "sparse") ||
			      !strcmp(op, "compressed"))) {
		make_data(vol, op, f[1], number(f[2]));
	} else if (n == 3 && !strcmp(op, "link")) {
		make_link(vol, f[1], f[2]);
	} else if (n == 4 && !strcmp(op, "stream")) {
		make_stream(vol, f[1], f[2], number(f[3]));
	} else if (n == 3 && !strcmp(op, "junction")) {
		make_junction(vol, f[1], f[2]);
	} else if (n == 4 && !strcmp(op, "poke")) {
		write_source(vol, f[1], number(f[2]), f[3]);
	} else if (n == 2 && !strcmp(op, "delete")) {
		delete_file(vol, f[1]);
	} else if (n == 3 && !strcmp(op, "attr")) {
		set_attributes(vol, f[1], f[2]);
	} else if (n == 3 && !strcmp(op, "time")) {
		set_time(vol, f[1], number(f[2]));
	} else if (n == 3 && !strcmp(op, "dosname")) {
		set_dos_name(vol, f[1], f[2]);
	} else if (n == 4 && !strcmp(op, "fragment")) {
		fragment(vol, f[1], f[2], number(f[3]));
	} else if (n == 3 && !strcmp(op, "leave")) {
		s64 excess;

		if (ntfs_volume_get_free_space(vol))
			die("cannot count the free space");
		excess = vol->free_clusters * (s64)vol->cluster_size - (number(f[1]) << 20);
		if (excess > 0)
			make_data(vol, "solid", f[2], excess);
	} else if (n == 3 && !strcmp(op, "scatter")) {
		scatter(vol, f[1], number(f[2]));
	} else if (n == 3 && !strcmp(op, "journal")) {
		write_journal(vol, f[1], f[2]);
	} else if (n == 2 && !strcmp(op, "flag")) {
		le16 flags = !strcmp(f[1], "dirty") ? vol->flags | VOLUME_IS_DIRTY : vol->flags & ~VOLUME_IS_DIRTY;

		if (ntfs_volume_write_flags(vol, flags))
			die("cannot write the volume flags");
	} else if (n == 2 && !strcmp(op, "serial")) {
		set_serial(vol, f[1]);
	} else if (n == 1 && !strcmp(op, "report")) {
		report(vol);
	} else {
		die("what is '%s' with %d fields?", op, n);
	}
}

int main(int argc, char **argv)
{
	struct ntfs_device *dev;
	ntfs_volume *vol;
	char line[4096];
	FILE *in = stdin;

	if (argc > 2 && !strcmp(argv[1], "--offset")) {
		image_base = number(argv[2]);
		argc -= 2;
		argv += 2;
	}
	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: ntfs-populate [--offset BYTES] IMAGE [MANIFEST]\n");
		return 16;
	}
	image_fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (image_fd < 0 || (argc == 3 && !(in = fopen(argv[2], "r"))))
		die("cannot open %s", image_fd < 0 ? argv[1] : argv[2]);
	ntfs_log_set_handler(ntfs_log_handler_stderr);
	ntfs_set_char_encoding("UTF-8");
	dev = ntfs_device_alloc("image", 0, &ops, NULL);
	vol = dev ? ntfs_device_mount(dev, NTFS_MNT_FORENSIC) : NULL;
	if (!vol)
		die("%s: no NTFS volume there", argv[1]);
	NVolSetCompression(vol);
	if (ntfs_set_ignore_case(vol))
		die("cannot ignore letter case");
	while (fgets(line, sizeof(line), in)) {
		char *field[8] = {NULL}, *save = NULL, *p;
		int n = 0;

		line_number++;
		line[strcspn(line, "\n")] = 0;
		if (!line[0] || line[0] == '#')
			continue;
		for (p = strtok_r(line, "\t", &save); p && n < 8; p = strtok_r(NULL, "\t", &save))
			field[n++] = p;
		run(vol, field, n);
	}
	if (ntfs_umount(vol, FALSE) || fsync(image_fd) || close(image_fd))
		die("cannot finish writing");
	return 0;
}
