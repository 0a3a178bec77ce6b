/* ntfs-dir.c - folder indexes: looking a name up, and walking all names.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An index is a B+ tree of names in $UpCase order: its root in $INDEX_ROOT, its other nodes as blocks of $INDEX_ALLOCATION. It is read
 * here and not by libntfs-3g, because that follows child pointers without a limit and lower-cases names when letter case is to be
 * ignored. Depth and the number of blocks visited are bounded, and a walk comes to no block twice, so that a tree that bites its
 * tail, or whose branches grow together, ends in CF_E_CORRUPT.
 */
#include <stdlib.h>

#include "volume/ntfs-internal.h"

#define MAX_DEPTH 32              /* real trees of millions of names have 5 levels */
#define MAX_ROOT 4096u            /* $INDEX_ROOT is resident: never larger than an MFT record */
#define MIN_BLOCK 512u
#define MAX_BLOCK (64 * 1024u)
#define MAX_BLOCKS (UINT64_C(1) << 26) /* 256 GiB of index with the usual block size, in a bitmap of 8 MiB */
#define ENTRY_NODE 1u             /* has a child */
#define ENTRY_END 2u              /* the last one, without a name */
#define TYPE_FILE_NAME 0x30u

/* One node of the tree in memory, and how far the walk through it has come. */
struct node {
	uint8_t *block; /* owned */
	struct cf_span entries;
	size_t pos;
	bool child_done; /* the child of the entry at pos has been walked */
};

struct index {
	struct cf_ntfs *n;
	uint64_t folder;
	struct cf_ntfs_stream *blocks; /* NULL: the root is all there is */
	uint32_t block_size;
	uint32_t vcn_size;
	uint64_t n_blocks;
	uint64_t budget; /* blocks that may still be visited */
	uint8_t *seen;   /* a bit a block, of a walk; NULL: a lookup, which only goes down */
};

struct entry {
	uint64_t ref;
	unsigned flags;
	struct cf_span key;
	uint64_t child; /* VCN; with ENTRY_NODE */
	size_t length;
};

static int damaged(const struct index *ix, struct cf_error *err)
{
	return cf_fail(err, CF_E_CORRUPT, "the index of the folder in MFT record %llu is damaged; run chkdsk",
		       (unsigned long long)CF_NTFS_REF_RECORD(ix->folder));
}

/* Index header at off: 0 first entry, 4 bytes in use, both counted from the header. */
static bool entries_of(struct cf_span block, size_t off, struct cf_span *entries)
{
	const uint8_t *h = cf_span_at(block, off, 0x10);
	if (!h)
		return false;
	uint32_t first = cf_ld32(h), used = cf_ld32(h + 4);
	if (first < 0x10 || first > used || first & 7)
		return false;
	*entries = cf_span_sub(block, (uint64_t)off + first, used - first);
	return entries->p != NULL;
}

static bool entry_at(struct cf_span entries, size_t pos, struct entry *e)
{
	const uint8_t *p = cf_span_at(entries, pos, 0x10);
	if (!p)
		return false;
	*e = (struct entry){ .ref = cf_ld64(p), .length = cf_ld16(p + 8), .flags = cf_ld16(p + 0xc) };
	size_t key = cf_ld16(p + 0xa), tail = e->flags & ENTRY_NODE ? 8 : 0;
	if (e->length < 0x10 + tail || e->length & 7 || !cf_span_at(entries, pos, e->length))
		return false;
	if (tail)
		e->child = cf_ld64(p + e->length - 8);
	if (e->flags & ENTRY_END)
		return true;
	e->key = cf_span_sub(cf_span_sub(entries, pos, e->length - tail), 0x10, key);
	return e->key.n >= 0x42 && e->key.n >= 0x42u + 2u * e->key.p[0x40];
}

static void name_of(const struct entry *e, struct cf_ntfs_name *name)
{
	const uint8_t *k = e->key.p; /* $FILE_NAME */
	*name = (struct cf_ntfs_name){
		.ref = e->ref,
		.name = cf_span_sub(e->key, 0x42, 2u * k[0x40]),
		.space = k[0x41],
		.attributes = cf_ld32(k + 0x38),
		.allocated = cf_ld64(k + 0x28),
		.size = cf_ld64(k + 0x30),
		.mtime = (int64_t)cf_ld64(k + 0x10),
	};
}

static void close_index(struct index *ix)
{
	cf_ntfs_stream_close(ix->blocks);
	free(ix->seen);
	ix->blocks = NULL;
	ix->seen = NULL;
}

/* Reads $INDEX_ROOT into root and opens the blocks. */
static int open_index(struct cf_ntfs *n, uint64_t folder, struct index *ix, struct node *root, struct cf_error *err)
{
	*ix = (struct index){ .n = n, .folder = folder };
	*root = (struct node){ 0 };
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *s = cf_ntfs_stream_open(n, folder, CF_NTFS_AT_INDEX_ROOT, "$I30", err);
	if (!s)
		return -1;
	uint64_t size = cf_ntfs_stream_size(s);
	if (size < 0x20 || size > MAX_ROOT)
		return damaged(ix, err);
	CF_FREE uint8_t *block = malloc((size_t)size);
	if (!block)
		return cf_fail_nomem(err);
	if (cf_ntfs_stream_read_all(s, 0, block, (size_t)size, err) < 0)
		return -1;
	ix->block_size = cf_ld32(block + 8);
	if (cf_ld32(block) != TYPE_FILE_NAME || ix->block_size < MIN_BLOCK || ix->block_size > MAX_BLOCK ||
	    ix->block_size & (ix->block_size - 1) || !entries_of(cf_span_of(block, (size_t)size), 0x10, &root->entries))
		return damaged(ix, err);
	ix->vcn_size = n->boot.cluster_size <= ix->block_size ? n->boot.cluster_size : MIN_BLOCK;
	struct cf_error why = { 0 };
	ix->blocks = cf_ntfs_stream_open(n, folder, CF_NTFS_AT_INDEX_ALLOCATION, "$I30", &why);
	if (!ix->blocks && why.code != CF_E_NOT_FOUND) {
		if (err)
			*err = why;
		return -1;
	}
	/* A sparse attribute may claim any size, but blocks with something in them lie on the volume. */
	if (ix->blocks) {
		uint64_t bytes = cf_min_u64(cf_ntfs_stream_size(ix->blocks), n->boot.clusters * n->boot.cluster_size);
		ix->n_blocks = ix->budget = cf_min_u64(bytes / ix->block_size, MAX_BLOCKS);
	}
	root->block = CF_STEAL(block);
	return 0;
}

/* Notes that a walk comes to the block at off; false when it has been there, or when there can be no block. */
static bool first_visit(struct index *ix, uint64_t off)
{
	uint64_t block = off / ix->block_size;
	if (!ix->seen)
		return true;
	if (off % ix->block_size || block >= ix->n_blocks || ix->seen[block / 8] >> block % 8 & 1)
		return false;
	ix->seen[block / 8] |= (uint8_t)(1u << block % 8);
	return true;
}

static int read_node(struct index *ix, uint64_t vcn, struct node *node, struct cf_error *err)
{
	uint64_t off;
	if (!ix->blocks || !ix->budget || cf_mul_overflow(vcn, ix->vcn_size, &off) || !first_visit(ix, off))
		return damaged(ix, err);
	ix->budget--;
	CF_FREE uint8_t *block = malloc(ix->block_size);
	if (!block)
		return cf_fail_nomem(err);
	if (cf_ntfs_stream_read_all(ix->blocks, off, block, ix->block_size, err) < 0)
		return -1;
	*node = (struct node){ 0 };
	if (memcmp(block, "INDX", 4) != 0 || !cf_ntfs_fixup(block, ix->block_size) || cf_ld64(block + 0x10) != vcn ||
	    !entries_of(cf_span_of(block, ix->block_size), 0x18, &node->entries))
		return damaged(ix, err);
	node->block = CF_STEAL(block);
	return 0;
}

static uint16_t upper(const struct cf_ntfs *n, uint16_t c)
{
	return c < n->upcase_units ? cf_ld16(n->upcase + 2u * c) : c;
}

int cf_ntfs_compare(const struct cf_ntfs *n, struct cf_span a, struct cf_span b)
{
	size_t units = (a.n < b.n ? a.n : b.n) / 2;
	for (size_t i = 0; i < units; i++) {
		int d = upper(n, cf_ld16(a.p + 2 * i)) - upper(n, cf_ld16(b.p + 2 * i));
		if (d)
			return d;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

/* Looks for name among a node's entries. 1: found, 0: not here (*child: VCN to go on at, UINT64_MAX: nowhere), -1: damaged. */
static int search_node(const struct cf_ntfs *n, const struct node *node, struct cf_span name, struct entry *e, uint64_t *child)
{
	for (size_t pos = 0; entry_at(node->entries, pos, e); pos += e->length) { /* length is at least 0x10 */
		int d = -1;
		if (!(e->flags & ENTRY_END))
			d = cf_ntfs_compare(n, name, cf_span_sub(e->key, 0x42, 2u * e->key.p[0x40]));
		if (d == 0)
			return 1;
		if (d < 0) {
			*child = e->flags & ENTRY_NODE ? e->child : UINT64_MAX;
			return 0;
		}
	}
	return -1;
}

int cf_ntfs_lookup(struct cf_ntfs *n, uint64_t folder, struct cf_span name, struct cf_ntfs_name *found,
		   struct cf_buf *spelling, struct cf_error *err)
{
	CF_CLEANUP(close_index) struct index ix = { 0 };
	struct node node;
	if (open_index(n, folder, &ix, &node, err) < 0)
		return -1;
	for (unsigned depth = 0; depth < MAX_DEPTH; depth++) {
		struct entry e;
		uint64_t child = UINT64_MAX;
		int rc = search_node(n, &node, name, &e, &child);
		if (rc > 0) {
			name_of(&e, found);
			if (spelling && cf_buf_copy(spelling, found->name) < 0)
				rc = -2;
			found->name = (struct cf_span){ NULL, 0 }; /* its block goes */
		}
		free(node.block);
		if (rc == -2)
			return cf_fail_nomem(err);
		if (rc > 0)
			return 0;
		if (rc < 0)
			return damaged(&ix, err);
		if (child == UINT64_MAX)
			return cf_fail(err, CF_E_NOT_FOUND, "there is no such file or folder");
		if (read_node(&ix, child, &node, err) < 0)
			return -1;
	}
	free(node.block);
	return damaged(&ix, err);
}

/* The walk in order: a child comes before the name of the entry that points to it. */
static int walk_tree(struct index *ix, struct node *stack, unsigned *depth, int (*fn)(void *, const struct cf_ntfs_name *),
		     void *user, struct cf_error *err)
{
	while (*depth) { /* every turn moves pos on, or takes a block from the budget */
		struct node *top = &stack[*depth - 1];
		struct entry e;
		if (!entry_at(top->entries, top->pos, &e))
			return damaged(ix, err);
		if (e.flags & ENTRY_NODE && !top->child_done) {
			top->child_done = true;
			if (*depth == MAX_DEPTH)
				return damaged(ix, err);
			if (read_node(ix, e.child, &stack[*depth], err) < 0)
				return -1;
			++*depth;
			continue;
		}
		if (e.flags & ENTRY_END) {
			free(top->block);
			--*depth;
			if (!*depth)
				break;
			continue;
		}
		struct cf_ntfs_name name;
		name_of(&e, &name);
		int rc = fn(user, &name);
		if (rc)
			return rc;
		top->pos += e.length;
		top->child_done = false;
	}
	return 0;
}

int cf_ntfs_walk(struct cf_ntfs *n, uint64_t folder, int (*fn)(void *, const struct cf_ntfs_name *), void *user,
		 struct cf_error *err)
{
	CF_CLEANUP(close_index) struct index ix = { 0 };
	struct node stack[MAX_DEPTH];
	if (open_index(n, folder, &ix, &stack[0], err) < 0)
		return -1;
	unsigned depth = 1;
	if (ix.n_blocks && !(ix.seen = calloc((size_t)(ix.n_blocks / 8 + 1), 1))) {
		free(stack[0].block);
		return cf_fail_nomem(err);
	}
	int rc = walk_tree(&ix, stack, &depth, fn, user, err);
	while (depth)
		free(stack[--depth].block);
	return rc;
}
