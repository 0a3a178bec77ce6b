/* cleanup.h - resources released by scope.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BASE_CLEANUP_H
#define CF_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CF_CLEANUP(fn) __attribute__((cleanup(fn)))
#define CF_MUST_CHECK __attribute__((warn_unused_result))
#define CF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

static inline void cf_freep(void *p)
{
	free(*(void **)p);
}
static inline void cf_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
static inline void cf_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* `CF_FREE char *name = NULL;` frees at the end of the scope; CF_STEAL hands the pointer on instead. */
#define CF_FREE CF_CLEANUP(cf_freep)
#define CF_CLOSE CF_CLEANUP(cf_closep)
#define CF_FCLOSE CF_CLEANUP(cf_fclosep)
#define CF_STEAL(p)               \
	({                            \
		typeof(p) stolen_ = (p);  \
		(p) = NULL;               \
		stolen_;                  \
	})

#endif
