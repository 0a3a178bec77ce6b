/* oracle.h - what libntfs-3g says of a file, inode by inode: the judge of the MFT scanner.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TEST_NTFS_ORACLE_H
#define TEST_NTFS_ORACLE_H

#include <stddef.h>
#include <stdint.h>

struct oracle; /* a mounted image */

struct oracle *oracle_open(const char *image); /* NULL: can't be mounted */
void oracle_close(struct oracle *o);
uint64_t oracle_records(const struct oracle *o);
uint64_t oracle_free_clusters(const struct oracle *o);

/* Whether record is the base record of a file in use. */
int oracle_in_use(struct oracle *o, uint64_t record);

/* One line a name, attribute and run of the file, sorted, malloc'd; NULL when libntfs-3g can't open it. */
char *oracle_describe(struct oracle *o, uint64_t record);

/* The lines, for whoever else describes a file in this form. */
struct description {
	char **line;
	size_t n, max;
};
void describe(struct description *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *describe_end(struct description *d); /* sorts and joins them; frees d */

#endif
