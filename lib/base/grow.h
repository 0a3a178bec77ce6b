/* grow.h - arrays that grow by one entry at a time.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BASE_GROW_H
#define CF_BASE_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* array with room for twice as many entries of size bytes, or for first if it had none; NULL: no memory, and nothing has changed. */
static inline void *cf_grow(void *array, size_t *cap, size_t first, size_t size)
{
	size_t more = *cap ? *cap * 2 : first;
	void *grown = reallocarray(array, more, size);
	if (grown)
		*cap = more;
	return grown;
}

/* Is there room for one more behind n entries? array (a malloc'd pointer or NULL) and cap, a size_t, are changed for that. false: no memory, and
 * both are as they were. */
#define CF_ROOM(array, n, cap, first)                                                   \
	((n) < (cap) || ({                                                              \
		 void *grown_ = cf_grow((array), &(cap), (first), sizeof(*(array)));    \
		 if (grown_)                                                            \
			 (array) = grown_;                                              \
		 grown_ != NULL;                                                        \
	 }))

#endif
