/* cleanup-internal.h - what the files of cleanup share; nobody else includes it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_SPACE_CLEANUP_INTERNAL_H
#define CF_SPACE_CLEANUP_INTERNAL_H

#include "space/cleanup.h"

#define CF_CLEAN_NO UINT32_MAX

/* How a class treats what it finds. */
enum {
	CF_CLEAN_AGE = 1,       /* young files stay */
	CF_CLEAN_DEEP = 2,      /* folders in the folder are cleaned too */
	CF_CLEAN_FOLDERS = 4,   /* and go when they become empty */
	CF_CLEAN_SELF = 8,      /* so does the class's folder itself */
	CF_CLEAN_LINKS = 16,    /* symbolic links and junctions go (themselves, never what they lead to) */
	CF_CLEAN_SYSTEM = 32,   /* files with the System attribute go */
	CF_CLEAN_PENDING = 64,  /* not while an update or a restart is pending */
	CF_CLEAN_DUMPS = 128,   /* its files are crash dumps: all but the newest go */
	CF_CLEAN_UPGRADE = 256, /* not while an upgrade is under way or may be rolled back by the boot menu */
	CF_CLEAN_OLD = 512,     /* a previous installation: not if something boots it; profiles stay */
	CF_CLEAN_HIBERNATION = 1024, /* not while it holds a session */
};

/* A folder, or a pattern of folders, of a class. %W is Windows' folder, %P each profile. '*' is any text and '#' a digit within one name. */
struct cf_clean_root {
	const char *id;    /* of the class */
	const char *path;
	const char *files; /* names that go, "ONE|OTHER"; NULL: all */
	bool flat;         /* folders in it are not gone into, whatever the class says */
};
extern const struct cf_clean_root cf_clean_roots[];
extern const size_t cf_clean_n_roots;

/* Letter case does not matter; pattern is ASCII, several are separated by '|'. */
bool cf_clean_match(const char *pattern, const char *name);

/* A name that was found. */
struct cf_clean_item {
	uint64_t ref, bytes;
	int64_t time;      /* the later of creation and change */
	uint32_t folder;   /* index of the folder that holds it */
	uint32_t name;     /* offset in names: a length byte (units), then UTF-16LE */
	uint32_t links;
	uint32_t inside;   /* of a folder: its own index; CF_CLEAN_NO for files, and for folders that are not gone into */
	uint8_t cls, keep;
};

struct cf_clean_folder {
	uint64_t ref;
	uint32_t parent;   /* index, CF_CLEAN_NO: a folder of the class */
	uint32_t item;     /* its own name among the items; CF_CLEAN_NO: it stays whatever happens */
	uint32_t place;    /* of a class's folder: index in the sum's places */
	uint32_t left;     /* names in it that stay */
	uint8_t cls;
	bool flat;
	const char *files; /* pattern; NULL: all */
};

struct cf_clean_set { /* of MFT references, open addressing */
	uint64_t *slot;    /* 0: free */
	size_t n, cap;
};
/* 1: it is in now and was not; 0: it was; -1: no memory. ref is never 0. */
int cf_clean_set_add(struct cf_clean_set *s, uint64_t ref);
bool cf_clean_set_has(const struct cf_clean_set *s, uint64_t ref);

struct cf_clean_store {
	size_t n_items, cap_items, n_folders, cap_folders;
	struct cf_clean_item *item;
	struct cf_clean_folder *folder;
	struct cf_buf names;
	uint32_t *order;             /* the items that are no folders to go into, by reference: hard links stand together */
	size_t n_order;
	struct cf_clean_set seen;    /* folders */
	struct cf_clean_set pending; /* what the next start renames */
};

/* cleanup-decide.c: hard links, dumps, folders that become empty, sums. max_files as in the options. */
int cf_clean_decide(struct cf_cleanup *c, struct cf_volume *vol, uint64_t max_files, struct cf_error *err) CF_MUST_CHECK;

/* The path of an item, malloc'd; NULL when out of memory. */
char *cf_clean_item_path(const struct cf_cleanup *c, const struct cf_clean_item *it);
struct cf_span cf_clean_item_name(const struct cf_clean_store *s, const struct cf_clean_item *it);

/* Names a folder in which nothing is touched, once. */
int cf_clean_note_damaged(struct cf_cleanup *c, const char *path, struct cf_error *err) CF_MUST_CHECK;

/* cleanup-state.c: what the installation says. */
struct cf_clean_profiles {
	size_t n;
	char **path;
};
/* A list of profiles that can't be read to its end gives what it has, and is noted as damaged. */
int cf_clean_profiles(const struct cf_machine *m, const struct cf_install *in, struct cf_cleanup *c, struct cf_clean_profiles *p,
		      struct cf_error *err) CF_MUST_CHECK;
void cf_clean_profiles_free(struct cf_clean_profiles *p);
/* Fills pending, store->pending, last_used. */
int cf_clean_state(const struct cf_machine *m, const struct cf_install *in, struct cf_cleanup *c, struct cf_error *err) CF_MUST_CHECK;
/* Why a class can't be cleaned now, malloc'd; NULL: it can (or no memory: *no_memory). */
char *cf_clean_blocked(const struct cf_machine *m, const struct cf_install *in, const struct cf_cleanup *c, const struct cf_clean_class *cls,
		       bool *no_memory);

#endif
