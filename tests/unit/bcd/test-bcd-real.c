/* test-bcd-real.c - every real boot store of the shared data: against hivex, against the notes about them, and shown
 * without a gap. SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ctype.h>
#include <hivex.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>

#include "corpus.h"
#include "registry/bcd.h"

static struct corpus corpus;
static struct cf_bcd *stores; /* of corpus.file, in the same order */

static int read_all(void **state)
{
	(void)state;
	corpus = corpus_load((const char *const[]){ "bcd", NULL });
	stores = calloc(corpus.n + 1, sizeof(*stores));
	for (size_t i = 0; i < corpus.n; i++) {
		struct cf_error err = { 0 };
		struct cf_buf bytes = { 0 };
		struct cf_hive *h = NULL;
		if (cf_buf_copy(&bytes, cf_buf_span(&corpus.file[i].bytes)) == 0)
			h = cf_hive_open(&bytes, &err);
		if (!h || cf_bcd_read(h, &stores[i], &err) < 0) {
			print_error("%s: %s\n", corpus.file[i].name, err.message);
			return -1;
		}
		cf_hive_close(h);
	}
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < corpus.n; i++)
		cf_bcd_free(&stores[i]);
	free(stores);
	corpus_free(&corpus);
	return 0;
}

static void need_data(void)
{
	if (corpus.n)
		return;
	print_message("# the shared test data is not there\n");
	skip();
}

static void count(const struct cf_bcd *bcd, size_t *elements)
{
	*elements = 0;
	for (size_t i = 0; i < bcd->n; i++)
		*elements += bcd->object[i].n;
}

/* Objects and elements as hivex sees them. */
static void count_with_hivex(const struct cf_buf *bytes, size_t *objects, size_t *elements)
{
	char path[64];
	int fd = memfd_create("store", 0);
	assert_true(fd >= 0 && write(fd, bytes->p, bytes->n) == (ssize_t)bytes->n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	hive_h *h = hivex_open(path, 0);
	assert_non_null(h);
	*objects = *elements = 0;
	hive_node_h *o = hivex_node_children(h, hivex_node_get_child(h, hivex_root(h), "Objects"));
	for (size_t i = 0; o[i]; i++) {
		hive_node_h e = hivex_node_get_child(h, o[i], "Elements");
		++*objects;
		if (e)
			*elements += hivex_node_nr_children(h, e);
	}
	free(o);
	hivex_close(h);
	close(fd);
}

static void test_counts(void **state)
{
	(void)state;
	need_data();
	for (size_t i = 0; i < corpus.n; i++) {
		size_t objects, elements, mine;
		count_with_hivex(&corpus.file[i].bytes, &objects, &elements);
		count(&stores[i], &mine);
		if (stores[i].skipped || stores[i].n != objects || mine != elements)
			fail_msg("%s: %zu objects, %zu elements, %u skipped; hivex: %zu, %zu", corpus.file[i].name,
				 stores[i].n, mine, stores[i].skipped, objects, elements);
		for (size_t k = 0; k < stores[i].n; k++) {
			assert_true(stores[i].object[k].type != 0);
			for (size_t j = 1; j < stores[i].object[k].n; j++)
				assert_true(stores[i].object[k].element[j - 1].type <
					    stores[i].object[k].element[j].type);
		}
	}
	print_message("# %zu stores\n", corpus.n);
	assert_true(corpus.n >= 137);
}

enum { KIND_BOOT, KIND_GPT, KIND_MBR, KIND_RAMDISK, KIND_LOCATE, KIND_OTHER, N_KINDS };

static void count_kinds(const struct cf_bcd *bcd, size_t kinds[N_KINDS])
{
	for (size_t i = 0; i < bcd->n; i++) {
		for (size_t k = 0; k < bcd->object[i].n; k++) {
			const struct cf_bcd_element *e = &bcd->object[i].element[k];
			struct cf_bcd_device d;
			if ((e->type >> 24 & 0xf) != 1)
				continue;
			assert_true(cf_bcd_device(e, &d));
			if (e->type != CF_BCD_DEVICE && e->type != CF_BCD_OSDEVICE) { /* the notes count these two */
				cf_bcd_device_free(&d);
				continue;
			}
			bool located = d.kind == CF_BCD_DEV_LOCATE || d.locate_element;
			kinds[located ? KIND_LOCATE :
			      d.kind == CF_BCD_DEV_BOOT ? KIND_BOOT :
			      d.kind == CF_BCD_DEV_GPT ? KIND_GPT :
			      d.kind == CF_BCD_DEV_MBR ? KIND_MBR :
			      d.kind == CF_BCD_DEV_RAMDISK ? KIND_RAMDISK : KIND_OTHER]++;
			if (d.kind == CF_BCD_DEV_RAMDISK)
				assert_true(d.path && (d.on_gpt || d.on_mbr || d.on_boot));
			cf_bcd_device_free(&d);
		}
	}
}

/* The notes' row of a store: "…; 17 objs, 78 elems; […]; {'part-GPT': 9, 'ramdisk/boot': 2}". False when there is none.
 */
static bool row_of(const char *index, const char *name, size_t *objects, size_t *elements, size_t kinds[N_KINDS])
{
	static const char *const words[] = {
	    "'boot': ", "'part-GPT': ", "'part-MBR': ", "'ramdisk/boot': ", "'locate': ", "'unknown': "};
	char start[1024], line[4096];
	snprintf(start, sizeof(start), "\n| %s |", name);
	const char *row = strstr(index, start);
	if (!row)
		return false;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(row + 1, "\n"), row + 1);
	const char *p = strstr(line, " objs, "), *set = strrchr(line, '{');
	if (!p || !set)
		return false;
	while (p > line && isdigit((unsigned char)p[-1]))
		p--;
	assert_int_equal(sscanf(p, "%zu objs, %zu elems", objects, elements), 2);
	for (int k = 0; k < N_KINDS; k++) {
		const char *w = strstr(set, words[k]);
		kinds[k] = w ? strtoul(w + strlen(words[k]), NULL, 10) : 0;
	}
	return true;
}

static void test_notes(void **state)
{
	(void)state;
	need_data();
	CF_BUF index = { 0 };
	assert_true(corpus_read("INDEX.md", &index));
	assert_int_equal(cf_buf_append(&index, "", 1), 0);
	size_t rows = 0;
	for (size_t i = 0; i < corpus.n; i++) {
		size_t objects, elements, mine, noted[N_KINDS], kinds[N_KINDS] = { 0 };
		if (!row_of((char *)index.p, corpus.file[i].name, &objects, &elements, noted))
			continue;
		count(&stores[i], &mine);
		count_kinds(&stores[i], kinds);
		bool same = memcmp(kinds, noted, sizeof(kinds)) == 0;
		if (stores[i].n != objects || mine != elements || !same)
			print_error("%s: %zu objects, %zu elements, boot %zu GPT %zu MBR %zu ramdisk %zu locate %zu "
				    "other %zu; noted %zu, "
				    "%zu, %zu %zu %zu %zu %zu %zu\n",
				    corpus.file[i].name, stores[i].n, mine, kinds[0], kinds[1], kinds[2], kinds[3],
				    kinds[4], kinds[5], objects, elements, noted[0], noted[1], noted[2], noted[3],
				    noted[4], noted[5]);
		else
			rows++;
	}
	print_message("# %zu rows agree\n", rows);
	assert_int_equal(rows, corpus.n);
}

static char *any_partition(void *user, const struct cf_bcd_device *d)
{
	(void)user;
	(void)d;
	return strdup("partition=C:");
}

/* What bcdedit has no word for either. */
static bool really_unknown(uint32_t object_type, uint32_t type)
{
	return type >> 28 == 4 || type == 0x11000083 || type == 0x21000026 || type == 0x21000152 ||
	       (object_type == CF_BCD_TYPE_BOOTMGR && type == 0x26000025);
}

static bool fits(const struct cf_bcd_element *e)
{
	struct cf_guid g;
	uint64_t v;
	bool yes;
	switch (e->type >> 24 & 0xf) {
	case 3:
		return cf_bcd_guid(e, &g);
	case 5:
		return cf_bcd_u64(e, &v);
	case 6:
		return cf_bcd_bool(e, &yes);
	case 7:
		return cf_bcd_integer_count(e) > 0;
	default:
		return true;
	}
}

static void test_shown(void **state)
{
	(void)state;
	need_data();
	for (size_t i = 0; i < corpus.n; i++) {
		const struct cf_bcd *bcd = &stores[i];
		for (size_t k = 0; k < bcd->n; k++) {
			const struct cf_bcd_object *o = &bcd->object[k];
			char title[64];
			if (strncmp(cf_bcd_title(o, title), "Object of", 9) == 0)
				fail_msg("%s: %s has no title (%08x)", corpus.file[i].name, o->key, o->type);
			for (size_t j = 0; j < o->n; j++) {
				const struct cf_bcd_element *e = &o->element[j];
				const char *name = cf_bcd_element_name(o->type, e->type);
				if (!name && !really_unknown(o->type, e->type))
					fail_msg("%s: %08x of a %08x has no name", corpus.file[i].name, e->type,
						 o->type);
				char **lines = cf_bcd_format(bcd, o, e, false, any_partition, NULL);
				assert_non_null(lines);
				if (!fits(e) || strstr(lines[0], "unknown"))
					fail_msg("%s: %s\\%s is shown as %s", corpus.file[i].name, o->key, e->key,
						 lines[0]);
				cf_strv_free(lines);
			}
		}
	}
}

static void test_default_and_inheritance(void **state)
{
	(void)state;
	need_data();
	size_t n = 0, reach = 0;
	for (size_t i = 0; i < corpus.n; i++) {
		const struct cf_bcd *bcd = &stores[i];
		const struct cf_bcd_object *o = cf_bcd_default_loader(bcd), *all[64];
		const char *tail = strstr(corpus.file[i].name, "EFI/Microsoft/Boot/BCD");
		size_t loaders = 0;
		for (size_t k = 0; k < bcd->n; k++)
			loaders += bcd->object[k].type == CF_BCD_TYPE_LOADER;
		if (tail && loaders && !o)
			fail_msg("%s: no default loader", corpus.file[i].name);
		assert_true(loaders || !o);
		n += tail && loaders;
		if (!o || !cf_bcd_object(bcd, &cf_bcd_bootloadersettings) || !cf_bcd_object(bcd, &cf_bcd_badmemory))
			continue;
		size_t n_all = cf_bcd_inheritance(bcd, o, all, 64), found = 0;
		for (size_t k = 0; k < n_all; k++)
			found += cf_guid_eq(&all[k]->guid, &cf_bcd_badmemory);
		reach += found == 1;
		if (!found)
			print_message("# %s: %s does not inherit {badmemory}\n", corpus.file[i].name, o->key);
	}
	print_message("# %zu stores of EFI system partitions; %zu default loaders reach {badmemory}\n", n, reach);
	assert_true(n > 30 && reach > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_default_and_inheritance),
	};
	return cmocka_run_group_tests(tests, read_all, free_all);
}
