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
 *	reparse PATH TAG           any reparse tag (hex) on an existing file
 *	crosslink PATH OTHER       a new file with the clusters of another one: damage
 *	quota                      Windows counts what each user has
 *	poke PATH OFFSET SOURCE    write a file's bytes into an existing file
 *	delete PATH                attr PATH LETTERS (rhsa)   time PATH EPOCH
 *	changed PATH EPOCH         only the time of the last change, as copying an older file does
 *	dosname PATH SHORT         names that are 8.3 already get their DOS name by themselves
 *	fragment PATH OTHER N [C]  two files of N pieces each, in turns; each of C clusters (1)
 *	mft DIR N                  $MFT in N more pieces: walls behind it and small files, both below DIR
 *	split-bitmap               $Bitmap's every cluster an extent of its own, which takes several MFT records
 *	split-bad N                N bad clusters, every second one: $BadClus too
 *	leave MIB PATH             a solid file that leaves so much free space
 *	scatter DIR BYTES          fills the volume with files of this size and deletes every second
 *	many DIR N PER             N small files, PER to a folder, temporary files created and deleted in between
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
#include <ntfs-3g/layout.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/security.h>
#include <ntfs-3g/unistr.h>
#include "image-device.h"
#include "ntfs-ops.h"

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

void die(const char *fmt, ...)
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

static void run(ntfs_volume *vol, char **f, int n)
{
	const char *op = f[0];

	errno = 0;
	if (n == 2 && !strcmp(op, "now")) {
		fixed_time = number(f[1]);
	} else if (n == 2 && !strcmp(op, "mkdir")) {
		create(vol, f[1], S_IFDIR);
	} else if (n == 3 && !strcmp(op, "file")) {
		make_file(vol, f[1], f[2]);
	} else if (n == 3 && !strcmp(op, "text")) {
		create(vol, f[1], S_IFREG);
		write_text(vol, f[1], f[2]);
	} else if (n == 3 && !strcmp(op, "solid")) {
		make_solid(vol, f[1], number(f[2]));
	} else if (n == 3 && (!strcmp(op, "fill") || !strcmp(op, "sparse") || !strcmp(op, "compressed"))) {
		make_data(vol, op, f[1], number(f[2]));
	} else if (n == 3 && !strcmp(op, "link")) {
		make_link(vol, f[1], f[2]);
	} else if (n == 4 && !strcmp(op, "stream")) {
		make_stream(vol, f[1], f[2], number(f[3]));
	} else if (n == 3 && !strcmp(op, "junction")) {
		make_junction(vol, f[1], f[2]);
	} else if (n == 3 && !strcmp(op, "reparse")) {
		make_reparse(vol, f[1], f[2]);
	} else if (n == 3 && !strcmp(op, "crosslink")) {
		cross_link(vol, f[1], f[2]);
	} else if (n == 1 && !strcmp(op, "quota")) {
		track_quota(vol);
	} else if (n == 4 && !strcmp(op, "poke")) {
		write_source(vol, f[1], number(f[2]), f[3]);
	} else if (n == 2 && !strcmp(op, "delete")) {
		delete_file(vol, f[1]);
	} else if (n == 3 && !strcmp(op, "attr")) {
		set_attributes(vol, f[1], f[2]);
	} else if (n == 3 && !strcmp(op, "time")) {
		set_time(vol, f[1], number(f[2]));
	} else if (n == 3 && !strcmp(op, "changed")) {
		set_changed(vol, f[1], number(f[2]));
	} else if (n == 3 && !strcmp(op, "dosname")) {
		set_dos_name(vol, f[1], f[2]);
	} else if ((n == 4 || n == 5) && !strcmp(op, "fragment")) {
		fragment(vol, f[1], f[2], number(f[3]), n == 5 ? number(f[4]) : 1);
	} else if (n == 3 && !strcmp(op, "mft")) {
		split_mft(vol, f[1], number(f[2]));
	} else if (n == 1 && !strcmp(op, "split-bitmap")) {
		split_bitmap(vol);
	} else if (n == 2 && !strcmp(op, "split-bad")) {
		split_bad(vol, number(f[1]));
	} else if (n == 3 && !strcmp(op, "leave")) {
		leave(vol, number(f[1]) << 20, f[2]);
	} else if (n == 3 && !strcmp(op, "scatter")) {
		scatter(vol, f[1], number(f[2]));
	} else if (n == 4 && !strcmp(op, "many")) {
		make_many(vol, f[1], number(f[2]), number(f[3]));
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
	dev = ntfs_device_alloc("image", 0, &image_ops, NULL);
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
