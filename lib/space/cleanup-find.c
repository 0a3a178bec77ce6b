/* cleanup-find.c - finding what the classes of cleanup list: folders looked up, trees walked, first reasons to keep.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The walk is a list of folders that grows while it is worked off: no recursion. A folder is come to once, whatever the indexes say, so that a tree
 * that bites its tail ends; names are bounded by MAX_ITEMS.
 */
#include "space/cleanup-internal.h"

#include <stdlib.h>

#include "base/grow.h"
#include "base/i18n.h"
#include "base/utf16.h"

#define MAX_ITEMS 2000000u /* names that are kept in memory: about 150 MiB. What is beyond waits for the next time */
#define MAX_NAMES_BYTES (UINT64_C(512) * CF_MIB)
#define ATTRIBUTE_SYSTEM 4u
#define DAY 86400

struct finder {
	const struct cf_machine *m;
	const struct cf_install *in;
	struct cf_volume *vol;
	struct cf_cleanup *c;
	const struct cf_clean_options *opt;
	struct cf_clean_profiles profiles;
	int64_t cutoff; /* files with a later time are young */
	struct cf_error *err;
	uint32_t folder; /* that is being listed */
};

/* ---- sets ---- */

static size_t slot_of(const struct cf_clean_set *s, uint64_t ref)
{
	size_t i = (size_t)(ref * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (s->cap - 1);
	while (s->slot[i] && s->slot[i] != ref) /* ends: a quarter is free */
		i = (i + 1) & (s->cap - 1);
	return i;
}

bool cf_clean_set_has(const struct cf_clean_set *s, uint64_t ref)
{
	return s->cap && s->slot[slot_of(s, ref)] == ref;
}

int cf_clean_set_add(struct cf_clean_set *s, uint64_t ref)
{
	if ((s->n + 1) * 4 > s->cap * 3) {
		struct cf_clean_set grown = { .cap = s->cap ? s->cap * 2 : 64 };
		grown.slot = calloc(grown.cap, sizeof *grown.slot);
		if (!grown.slot)
			return -1;
		for (size_t i = 0; i < s->cap; i++)
			if (s->slot[i])
				grown.slot[slot_of(&grown, s->slot[i])] = s->slot[i];
		grown.n = s->n;
		free(s->slot);
		*s = grown;
	}
	size_t i = slot_of(s, ref);
	if (s->slot[i])
		return 0;
	s->slot[i] = ref;
	s->n++;
	return 1;
}

/* ---- growing the store ---- */

static int add_folder(struct finder *f, const struct cf_clean_folder *folder)
{
	struct cf_clean_store *s = f->c->store;
	if (!CF_ROOM(s->folder, s->n_folders, s->cap_folders, 64))
		return cf_fail_nomem(f->err);
	s->folder[s->n_folders++] = *folder;
	return 0;
}

/* The name is copied; it->name is filled. */
static int add_item(struct finder *f, struct cf_clean_item *it, struct cf_span name)
{
	struct cf_clean_store *s = f->c->store;
	uint8_t units = (uint8_t)(name.n / 2);
	if (!CF_ROOM(s->item, s->n_items, s->cap_items, 256))
		return cf_fail_nomem(f->err);
	it->name = (uint32_t)s->names.n;
	if (cf_buf_append(&s->names, &units, 1) < 0 || cf_buf_append(&s->names, name.p, name.n) < 0)
		return cf_fail_nomem(f->err);
	s->item[s->n_items++] = *it;
	return 0;
}

struct cf_span cf_clean_item_name(const struct cf_clean_store *s, const struct cf_clean_item *it)
{
	return cf_span_sub(cf_buf_span(&s->names), (uint64_t)it->name + 1, 2u * s->names.p[it->name]);
}

/* ---- one name ---- */

/* Names that a class leaves whatever else is so: a folder's looks, a low integrity label, other people's profiles. */
static bool left_by_rule(const struct cf_clean_folder *in, unsigned flags, const char *name, bool is_folder)
{
	bool top = in->parent == CF_CLEAN_NO;
	if (!is_folder)
		return cf_utf8_eq_nocase(name, "desktop.ini") || cf_utf8_eq_nocase(name, "index.dat");
	if (flags & CF_CLEAN_AGE && top && cf_utf8_eq_nocase(name, "Low"))
		return true;
	return flags & CF_CLEAN_OLD && top && (cf_utf8_eq_nocase(name, "Users") || cf_utf8_eq_nocase(name, "Documents and Settings"));
}

static bool is_dump_name(const char *name)
{
	return cf_clean_match("*.dmp|*.mdmp|*.hdmp|*.kdmp", name);
}

/* By the last change. What was unpacked or copied there lately may have an older date: while a restart is pending, somebody may want it after that,
 * so then such a file is young too, unless it was not touched since its dates were set back, and so is a folder that was made lately. Otherwise a
 * folder goes by what is in it. */
static bool is_young(const struct finder *f, const struct cf_stat *st)
{
	if (st->kind == CF_FILE_DIRECTORY)
		return f->c->pending && st->born > f->cutoff;
	return st->mtime > f->cutoff || (f->c->pending && st->born > f->cutoff && st->accessed > f->cutoff);
}

/* What the name and its record alone say. */
static enum cf_clean_keep judge(const struct finder *f, const struct cf_tree_entry *e, const struct cf_clean_folder *in, unsigned flags)
{
	bool is_folder = e->st.kind == CF_FILE_DIRECTORY;
	if (e->damaged || e->st.own_bytes == UINT64_MAX || (is_folder && e->st.links != 1))
		return CF_KEEP_DAMAGED;
	if (left_by_rule(in, flags, e->name, is_folder))
		return CF_KEEP_RULE;
	if (cf_clean_set_has(&f->c->store->pending, e->ref))
		return CF_KEEP_PENDING;
	if (e->st.reparse_tag && e->st.unreadable != CF_UNREADABLE_WOF)
		return e->st.unreadable == CF_UNREADABLE_LINK && flags & CF_CLEAN_LINKS ? CF_KEEP_NOT : CF_KEEP_LINK;
	if (!is_folder && e->st.attributes & ATTRIBUTE_SYSTEM && !(flags & CF_CLEAN_SYSTEM))
		return CF_KEEP_SYSTEM;
	if (!is_folder && !(flags & CF_CLEAN_DUMPS) && is_dump_name(e->name))
		return CF_KEEP_DUMP;
	if (flags & CF_CLEAN_AGE && is_young(f, &e->st))
		return CF_KEEP_YOUNG;
	return CF_KEEP_NOT;
}

static int each(void *user, const struct cf_tree_entry *e)
{
	struct finder *f = user;
	struct cf_clean_store *s = f->c->store;
	const struct cf_clean_folder in = s->folder[f->folder];
	unsigned flags = cf_clean_classes[in.cls].flags;
	bool is_folder = !e->damaged && e->st.kind == CF_FILE_DIRECTORY;
	if (s->n_items >= MAX_ITEMS || s->names.n >= MAX_NAMES_BYTES || s->n_folders >= MAX_ITEMS) {
		f->c->truncated = true;
		return 1;
	}
	/* A class that is after certain files is not about the others, nor about folders that it does not go into. */
	if (in.files && !is_folder && !cf_clean_match(in.files, e->name))
		return 0;
	struct cf_clean_item it = { .ref = e->ref, .bytes = e->damaged ? 0 : e->st.own_bytes, .folder = f->folder, .links = e->st.links,
				    .time = e->st.mtime > e->st.born ? e->st.mtime : e->st.born, .inside = CF_CLEAN_NO, .cls = in.cls };
	it.keep = (uint8_t)judge(f, e, &in, flags);
	if (it.bytes == UINT64_MAX)
		it.bytes = 0;
	/* Into a young folder too, and into Temp\Low: what is old in it goes, the folder stays. */
	bool go_in = is_folder && flags & CF_CLEAN_DEEP && !in.flat && !e->st.reparse_tag &&
		     (it.keep == CF_KEEP_NOT || it.keep == CF_KEEP_YOUNG || (it.keep == CF_KEEP_RULE && flags & CF_CLEAN_AGE));
	if (is_folder && !go_in && (in.files || in.flat || !(flags & CF_CLEAN_DEEP)))
		return 0;
	if (go_in) {
		int fresh = cf_clean_set_add(&s->seen, e->ref);
		if (fresh < 0)
			return cf_fail_nomem(f->err);
		struct cf_clean_folder sub = { .ref = e->ref, .parent = f->folder, .item = (uint32_t)s->n_items, .cls = in.cls,
					       .files = in.files };
		if (!fresh)
			it.keep = CF_KEEP_DAMAGED;
		else if (add_folder(f, &sub) < 0)
			return -1;
		else
			it.inside = (uint32_t)(s->n_folders - 1);
	}
	return add_item(f, &it, e->wide);
}

/* The path of a folder of the store, malloc'd; NULL when out of memory. */
static char *folder_path(const struct cf_cleanup *c, size_t i)
{
	const struct cf_clean_folder *f = &c->store->folder[i];
	return f->item == CF_CLEAN_NO ? strdup(c->sum[f->cls].place[f->place]) : cf_clean_item_path(c, &c->store->item[f->item]);
}

int cf_clean_note_damaged(struct cf_cleanup *c, const char *path, struct cf_error *err)
{
	for (uint64_t i = 0; i < c->n_damaged && i < CF_CLEAN_DAMAGED_SHOWN; i++)
		if (cf_utf8_eq_nocase(c->damaged[i], path))
			return 0;
	if (c->n_damaged < CF_CLEAN_DAMAGED_SHOWN && !(c->damaged[c->n_damaged] = strdup(path)))
		return cf_fail_nomem(err);
	c->n_damaged++;
	return 0;
}

static bool to_skip(const struct finder *f, uint64_t ref)
{
	for (size_t i = 0; i < f->opt->n_skip; i++)
		if (f->opt->skip[i] == ref)
			return true;
	return false;
}

/* A tree of names with a hole in it can't be made smaller safely: what lies directly in this folder stays. Folders in it have trees of their own. */
static int leave(struct finder *f, size_t folder, size_t first_item)
{
	struct cf_clean_store *s = f->c->store;
	CF_FREE char *path = folder_path(f->c, folder);
	for (size_t i = first_item; i < s->n_items; i++)
		s->item[i].keep = CF_KEEP_DAMAGED;
	return path ? cf_clean_note_damaged(f->c, path, f->err) : cf_fail_nomem(f->err);
}

/* Lists every folder from `first` on, and those that turn up meanwhile. */
static int walk(struct finder *f, size_t first)
{
	struct cf_clean_store *s = f->c->store;
	for (size_t i = first; i < s->n_folders; i++) { /* each is new to s->seen */
		struct cf_error why = { 0 };
		struct cf_error *err = f->err;
		size_t first_item = s->n_items;
		f->folder = (uint32_t)i;
		f->err = &why;
		int rc = cf_tree_list(f->vol, s->folder[i].ref, each, f, &why);
		f->err = err;
		if (rc < 0 && (why.code == CF_E_IO || why.code == CF_E_NO_MEMORY)) {
			if (err)
				*err = why;
			return -1;
		}
		if ((rc < 0 || to_skip(f, s->folder[i].ref)) && leave(f, i, first_item) < 0)
			return -1;
		/* A folder that was not listed to its end stays, with what it may still hold. */
		if (rc)
			s->folder[i].left++;
	}
	return 0;
}

/* ---- the classes' folders ---- */

struct matches {
	struct finder *f;
	const char *pattern, *folder;
	size_t n;
	char **path;
};

static int each_match(void *user, const struct cf_tree_entry *e)
{
	struct matches *ms = user;
	if (e->damaged || e->st.kind != CF_FILE_DIRECTORY || e->st.reparse_tag || !cf_clean_match(ms->pattern, e->name))
		return 0;
	char **grown = reallocarray(ms->path, ms->n + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(ms->f->err);
	ms->path = grown;
	if (asprintf(&ms->path[ms->n], "%s\\%s", ms->folder, e->name) < 0)
		return cf_fail_nomem(ms->f->err);
	ms->n++;
	return 0;
}

/* A folder of a class, if it is there and nothing on the way to it is a link. */
static int start(struct finder *f, unsigned cls, const struct cf_clean_root *root, const char *path)
{
	struct cf_clean_store *s = f->c->store;
	struct cf_clean_sum *sum = &f->c->sum[cls];
	struct cf_error why = { 0 };
	struct cf_stat st;
	CF_BUF name = { 0 };
	uint64_t folder, ref;
	if (cf_tree_find_name(f->vol, path, &folder, &ref, &st, &name, &why) < 0) {
		if (why.code == CF_E_CORRUPT)
			return cf_clean_note_damaged(f->c, path, f->err);
		if (why.code != CF_E_IO && why.code != CF_E_NO_MEMORY)
			return 0;
		if (f->err)
			*f->err = why;
		return -1;
	}
	if (st.kind != CF_FILE_DIRECTORY || st.reparse_tag)
		return 0;
	int fresh = cf_clean_set_add(&s->seen, ref);
	if (fresh <= 0)
		return fresh < 0 ? cf_fail_nomem(f->err) : 0;
	char **grown = reallocarray(sum->place, sum->n_places + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(f->err);
	sum->place = grown;
	if (!(grown[sum->n_places] = strdup(path)))
		return cf_fail_nomem(f->err);
	sum->n_places++;
	struct cf_clean_folder own = { .ref = ref, .parent = CF_CLEAN_NO, .item = CF_CLEAN_NO, .place = (uint32_t)(sum->n_places - 1),
				       .cls = (uint8_t)cls, .flat = root->flat, .files = root->files };
	if (cf_clean_classes[cls].flags & CF_CLEAN_SELF) {
		/* Its own name hangs in the folder above, which is an entry of its own that nothing else is in. */
		struct cf_clean_folder above = { .ref = folder, .parent = CF_CLEAN_NO, .item = CF_CLEAN_NO, .place = own.place,
						 .cls = (uint8_t)cls, .flat = true };
		struct cf_clean_item it = { .ref = ref, .bytes = st.own_bytes, .folder = (uint32_t)s->n_folders, .links = st.links,
					    .inside = (uint32_t)s->n_folders + 1, .cls = (uint8_t)cls };
		own.item = (uint32_t)s->n_items;
		if (add_folder(f, &above) < 0 || add_item(f, &it, cf_buf_span(&name)) < 0)
			return -1;
	}
	size_t first = s->n_folders;
	return add_folder(f, &own) < 0 ? -1 : walk(f, first);
}

/* Only the last name of a pattern may hold wildcards. */
static int start_pattern(struct finder *f, unsigned cls, const struct cf_clean_root *root, const char *path)
{
	const char *last = strrchr(path, '\\');
	if (!strpbrk(path, "*#"))
		return start(f, cls, root, path);
	CF_FREE char *folder = strndup(path, (size_t)(last - path));
	struct matches ms = { .f = f, .pattern = last + 1, .folder = folder };
	struct cf_error why = { 0 };
	struct cf_stat st;
	uint64_t ref;
	if (!folder)
		return cf_fail_nomem(f->err);
	int rc = cf_tree_find(f->vol, folder, &ref, &st, &why);
	if (rc == 0 && st.kind == CF_FILE_DIRECTORY && !st.reparse_tag)
		rc = cf_tree_list(f->vol, ref, each_match, &ms, &why);
	if (rc < 0 && why.code == CF_E_CORRUPT)
		rc = cf_clean_note_damaged(f->c, *folder ? folder : "\\", f->err); /* what was found until then counts */
	else if (rc < 0 && why.code != CF_E_IO && why.code != CF_E_NO_MEMORY)
		rc = 0; /* not there */
	else if (rc < 0 && f->err)
		*f->err = why;
	for (size_t i = 0; i < ms.n && rc == 0; i++)
		rc = start(f, cls, root, ms.path[i]);
	for (size_t i = 0; i < ms.n; i++)
		free(ms.path[i]);
	free(ms.path);
	return rc;
}

static int start_root(struct finder *f, unsigned cls, const struct cf_clean_root *root)
{
	bool per_profile = strncmp(root->path, "%P", 2) == 0, in_windows = strncmp(root->path, "%W", 2) == 0;
	size_t n = per_profile ? f->profiles.n : 1;
	for (size_t i = 0; i < n; i++) {
		const char *base = per_profile ? f->profiles.path[i] : in_windows ? f->in->root : "";
		CF_FREE char *path = NULL;
		if (asprintf(&path, "%s%s", base, root->path + (per_profile || in_windows ? 2 : 0)) < 0) {
			path = NULL;
			return cf_fail_nomem(f->err);
		}
		/* A profile's name may hold what would be a wildcard: only roots that are not a profile's are patterns. */
		if ((per_profile || in_windows ? start(f, cls, root, path) : start_pattern(f, cls, root, path)) < 0)
			return -1;
	}
	return 0;
}

static bool named(const struct cf_clean_options *opt, const struct cf_clean_class *cls)
{
	if (!opt->classes)
		return cls->by_default;
	for (size_t i = 0; opt->classes[i]; i++)
		if (strcmp(opt->classes[i], cls->id) == 0 || (cls->by_default && strcmp(opt->classes[i], "default") == 0))
			return true;
	return false;
}

static int find_all(struct finder *f)
{
	struct cf_cleanup *c = f->c;
	if (cf_clean_state(f->m, f->in, c, f->err) < 0 || cf_clean_profiles(f->m, f->in, c, &f->profiles, f->err) < 0)
		return -1;
	f->cutoff = c->keep_days ? c->last_used - (int64_t)c->keep_days * DAY : INT64_MAX;
	for (unsigned k = 0; k < cf_clean_n_classes; k++) {
		bool no_memory = false;
		c->sum[k].blocked = cf_clean_blocked(f->m, f->in, c, &cf_clean_classes[k], &no_memory);
		if (no_memory)
			return cf_fail_nomem(f->err);
		c->sum[k].chosen = named(f->opt, &cf_clean_classes[k]) && !c->sum[k].blocked;
		for (size_t r = 0; r < cf_clean_n_roots; r++)
			if (strcmp(cf_clean_roots[r].id, cf_clean_classes[k].id) == 0 && start_root(f, k, &cf_clean_roots[r]) < 0)
				return -1;
	}
	return cf_tree_quota(f->vol, &c->quota, f->err) < 0 || cf_clean_decide(c, f->vol, f->opt->max_files, f->err) < 0 ? -1 : 0;
}

int cf_cleanup_find(const struct cf_machine *m, const struct cf_install *in, const struct cf_clean_options *opt, struct cf_cleanup **out,
		    struct cf_error *err)
{
	const struct cf_vol *v = &m->vol[in->vol];
	*out = NULL;
	if (cf_clean_check_options(opt, err) < 0)
		return -1;
	if (v->fs != CF_FS_NTFS || !v->vol)
		return cf_fail(err, CF_E_UNSUPPORTED, "the Windows volume can't be read as NTFS");
	struct cf_cleanup *c = calloc(1, sizeof *c);
	if (!c || !(c->store = calloc(1, sizeof *c->store))) {
		free(c);
		return cf_fail_nomem(err);
	}
	c->vol = in->vol;
	c->keep_days = opt->keep_days < 0 ? CF_CLEAN_KEEP_DAYS : opt->keep_days;
	c->free_before = v->space.free_bytes;
	c->cluster_size = v->space.cluster_size;
	struct finder f = { .m = m, .in = in, .vol = v->vol, .c = c, .opt = opt, .err = err };
	int rc = find_all(&f);
	cf_clean_profiles_free(&f.profiles);
	if (rc < 0) {
		cf_cleanup_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void cf_cleanup_free(struct cf_cleanup *c)
{
	if (!c)
		return;
	for (size_t k = 0; k < cf_clean_n_classes; k++) {
		struct cf_clean_sum *sum = &c->sum[k];
		for (size_t i = 0; i < sum->n_examples; i++)
			free(sum->example[i].path);
		for (size_t i = 0; i < sum->n_places; i++)
			free(sum->place[i]);
		free(sum->place);
		free(sum->blocked);
	}
	for (uint64_t i = 0; i < c->n_damaged && i < CF_CLEAN_DAMAGED_SHOWN; i++)
		free(c->damaged[i]);
	free(c->store->item);
	free(c->store->folder);
	free(c->store->order);
	free(c->store->seen.slot);
	free(c->store->pending.slot);
	cf_buf_free(&c->store->names);
	free(c->store);
	free(c);
}

void cf_cleanup_freep(struct cf_cleanup **c)
{
	cf_cleanup_free(*c);
}
