/* limits.h - from where on a volume counts as full or scattered: the article's numbers, or those of the request.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_PROBLEM_LIMITS_H
#define CF_PROBLEM_LIMITS_H

#include "coldfix.h"

#include "base/overflow.h"

#define CF_FULL_BELOW (300 * CF_MIB)    /* the article's threshold: "less than 300 Mb of free space" */
#define CF_WANTED_EXTENT (512 * CF_MIB) /* a contiguous paging file or dump file of a small VM */
#define CF_MANY_PIECES 1000u            /* a boot-critical file in more extents than this takes the loader seconds and pool memory */

/* Bytes: with less free the Windows volume is full. */
static inline uint64_t cf_full_below(const struct cf_request *req)
{
	return req->min_free ? req->min_free : CF_FULL_BELOW;
}

/* Bytes: the least that the largest free extent must have, given what is free. */
static inline uint64_t cf_wanted_extent(const struct cf_request *req, uint64_t free_bytes)
{
	uint64_t most = req->min_extent ? req->min_extent : CF_WANTED_EXTENT;
	return most < free_bytes / 2 ? most : free_bytes / 2;
}

/* The most extents that a file which the loader reads may have. */
static inline uint64_t cf_many_pieces(const struct cf_request *req)
{
	return req->max_pieces ? req->max_pieces : CF_MANY_PIECES;
}

#endif
