/* nbd.c - NBD exports and our own qemu-nbd.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "block/container.h"

#include <string.h>

bool cf_is_nbd_uri(const char *path)
{
	return strncmp(path, "nbd", 3) == 0 && strstr(path, "://");
}
struct cf_block *cf_nbd_open_uri(const char *uri, bool writable, struct cf_error *err)
{
	(void)uri; (void)writable;
	cf_fail(err, CF_E_UNSUPPORTED, "NBD URIs need libnbd, which this build lacks");
	return NULL;
}
struct cf_block *cf_container_open(const struct cf_container *c, int fd, struct cf_error *err)
{
	if (fd >= 0)
		close(fd);
	cf_fail(err, CF_E_UNSUPPORTED, "%s images need libnbd, which this build lacks", cf_disk_format_name(c->format));
	return NULL;
}
