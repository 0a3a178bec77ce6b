/* log-set.h - a hive, its two logs and what a replay makes of them: for the tests of the replay.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Include after cmocka.h. replay() checks what holds for every replay.
 */
#ifndef CF_TEST_LOG_SET_H
#define CF_TEST_LOG_SET_H

#include "registry/hive-log.h"

struct set {
	struct cf_buf primary, log1, log2, hive;
	struct cf_replay r;
};

static inline void set_free(struct set *s)
{
	cf_buf_free(&s->primary);
	cf_buf_free(&s->log1);
	cf_buf_free(&s->log2);
	cf_buf_free(&s->hive);
}

static inline enum cf_replay_state replay(struct set *s)
{
	struct cf_error err = { 0 };
	if (cf_hive_replay(cf_buf_span(&s->primary), cf_buf_span(&s->log1), cf_buf_span(&s->log2), &s->hive, &s->r,
			   &err))
		fail_msg("%s", err.message);
	if (s->r.state == CF_REPLAY_APPLIED) {
		struct cf_hive_base base;
		assert_int_equal(cf_hive_read_base(cf_buf_span(&s->hive), &base, NULL), 0);
		assert_false(base.dirty);
		assert_int_equal(base.file_type, 0);
		assert_true(s->r.entries > 0 && s->r.log_used);
	} else {
		assert_int_equal(s->hive.n, s->primary.n);
		assert_memory_equal(s->hive.p, s->primary.p, s->primary.n);
		assert_int_equal(s->r.log_used, 0);
		assert_int_equal(s->r.reason[0] != 0, s->r.state != CF_REPLAY_CLEAN);
	}
	return s->r.state;
}

#endif
