/* random.h - numbers that are the same in every run, for tests that spoil bytes or choose places.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

/* Marsaglia's xorshift; *state is the seed at first and must not be 0. */
static inline uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif
