/* coldfix.h - the public interface of libcoldfix: diagnose, repair and undo a Windows VM disk from Linux.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every command is one call, cf_run(), that takes a request and gives a result. The library never prints and never
 * asks by itself: it reports through the callbacks of the request. A result is rendered with cf_result_text() or
 * cf_result_json(). Strings are UTF-8. Compiles alone as C99 and as C++.
 */
#ifndef COLDFIX_H
#define COLDFIX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CF_API __attribute__((visibility("default")))

/* ---- errors ------------------------------------------------------------------------------------------------ */

enum cf_code {
	CF_OK = 0,
	CF_E_USAGE,       /* the request itself is wrong (exit status 16) */
	CF_E_IO,          /* reading or writing failed */
	CF_E_NOT_FOUND,   /* no such file, key, object, partition */
	CF_E_UNSUPPORTED, /* known, but can't be done here */
	CF_E_CORRUPT,     /* damaged on the disk */
	CF_E_IN_USE,      /* somebody has the disk open, mounted or locked */
	CF_E_NO_SPACE,    /* no room for the undo file, the backup or the change */
	CF_E_CHANGED,     /* the disk has changed since */
	CF_E_REFUSED,     /* a safety rule forbids it; the message names the option that allows it, if any */
	CF_E_READ_ONLY,   /* the disk can't be written */
	CF_E_UNCLEAN,     /* the volume has to be settled first */
	CF_E_NO_WINDOWS,  /* no Windows installation on the disk */
	CF_E_NO_MEMORY,
	CF_E_CANCELLED,   /* a callback asked to stop */
	CF_E_INTERNAL
};

struct cf_error {
	enum cf_code code;
	int has_offset;
	uint64_t offset; /* bytes, in path if there is one, else on the disk */
	char path[512];  /* the file, partition or key it is about; "" for none */
	char message[1024];
};

/* ---- the request ------------------------------------------------------------------------------------------- */

enum cf_command {
	CF_INFO,
	CF_DIAGNOSE,
	CF_REPAIR,
	CF_UNDO,
	CF_EXPLAIN,
	CF_LS,
	CF_CAT,
	CF_GET,
	CF_BCD,
	CF_REG,
	CF_COLLECT,
	CF_DEFRAG,
	CF_DUMP,
	CF_SPACE,
	CF_CLEANUP,
	CF_SYMPTOM,
	CF_EXPAND
};

enum cf_temp_disk { CF_TEMP_UNKNOWN, CF_TEMP_SCSI, CF_TEMP_NVME, CF_TEMP_NONE, CF_TEMP_LETTER };

typedef struct cf_result cf_result;

/* A request; zero-initialise, then set what is wanted. Pointers are borrowed for the time of cf_run(). */
struct cf_request {
	enum cf_command command;
	const char *disk;         /* image file, block device or NBD URI */
	const char *const *args;  /* what follows DISK, NULL-terminated; may be NULL */

	/* how to open it */
	const char *format;      /* NULL: probe; else "raw", "vhd", "vhdx", "qcow2", "vmdk", "vdi" */
	unsigned sector_size;    /* 0: from the container, else 512 or 4096 */
	int allow_backing, allow_checkpoints, force_share, force_unclean;

	/* what the VM is like */
	uint64_t ram;            /* bytes; 0: not known */
	enum cf_temp_disk temp_disk;
	char temp_letter;        /* with CF_TEMP_LETTER: 'A'..'Z' */
	const char *const *data_disks; /* NULL-terminated; may be NULL */

	/* what to repair */
	const char *const *only, *const *skip, *const *with; /* problem ids, NULL-terminated; may be NULL */
	int prepare;
	const char *symptom;     /* repair: a screenshot or serial log; only the problems of the article that it names are repaired */
	const char *article;     /* likewise, the article itself: "status-no-memory", "starting-windows" */
	int windows;             /* --windows N, from 1; 0: the one the default loader boots */
	const char *expect_computer;
	const char *dump_file;           /* DumpFile to set when the default has no room */
	const char *dedicated_dump_file; /* DedicatedDumpFile to set */
	/* dump configure */
	const char *dump_type;           /* "complete", "active", "kernel", "automatic", "small"; NULL: as it is set */
	uint64_t dedicated_size;         /* bytes of the dedicated dump file; 0: what the type needs */
	int nmi;                         /* NMICrashDump, where this Windows needs it */
	int accept_shadow_copy_loss, recovery_key_at_hand, discard_dump;
	/* For programs that end after one command, like coldfix itself: commands that only read (info, diagnose, ls, cat, get, bcd, reg, collect, space,
	 * dump list, dump info) lock the calling PROCESS in once its disks are open: no new privileges, 4 GiB more memory, no core file, and
	 * where the kernel has Landlock and seccomp, no file can be opened any more (but for get, new ones in `to`), no program or process
	 * started, no connection made. It can't be taken back. 0: no; 1: as far as possible; 2: and give notice of what is missing. */
	int sandbox;
	int force;               /* undo although the disk has changed since */

	/* cleanup, and the thresholds of repair and diagnose */
	const char *const *classes; /* --class: exactly these, or "default"; NULL-terminated; NULL: the default ones */
	int keep_days_given;     /* keep_days counts: temporary files of the VM's last so many days stay; else 7 */
	int keep_days;
	uint64_t min_free;       /* volume-full: less than this is full; bytes; 0: 300 MiB */
	uint64_t min_extent;     /* free-space-scattered: the largest free extent must have this, or half of what is free; bytes; 0: 512 MiB */
	uint64_t max_pieces;     /* free-space-scattered: the most extents of a file that the loader reads; 0: 1,000 */

	/* The most bytes of changed blocks that work in several transactions holds in memory before it commits one; 0: 240 MiB. */
	uint64_t max_held;
	/* defrag */
	int analyze;             /* only report */
	int consolidate_only;    /* make free space whole, not files */
	int boot_files_only;     /* only the files that the boot needs */
	uint64_t max_bytes;      /* move no more data than this; 0: no limit */
	const char *const *files; /* only these files (Windows paths), NULL-terminated; may be NULL */

	/* how large: expand, and repair with `expand` (there none of the three is needed) */
	int expand;              /* repair: when volume-full is left, make the disk larger */
	uint64_t expand_size;    /* bytes that the disk is to have */
	uint64_t expand_by;      /* bytes more than it has */
	int expand_max;          /* as large as it may become: a device's size, else 1 TiB. Exactly one of the three */
	int drop_recovery;       /* delete the recovery partition behind Windows instead of moving it */

	/* where things go */
	const char *output;      /* --output NEW: work on a copy */
	const char *backup_dir;
	int no_backup;
	const char *undo_file;
	int no_undo, dry_run;
	const char *to;          /* get: the folder that receives the files; NULL: the current one. collect: the folder in which one is made */
	int zstd;                /* dump collect: compressed */
	uint64_t split;          /* dump collect: bytes of a part; 0: one file */
	int archive;             /* collect: one .tar.zst instead of a folder */
	const char *command_line;/* collect: what was typed, to be kept with the evidence; may be NULL */
	const char *value_name;  /* reg query /v NAME; NULL: all values */
	int all;                 /* bcd enum /v: GUIDs instead of names */
	int recursive;           /* reg query /s, ls -R */
	unsigned top;            /* space: entries of each list, at most 1,000; 0: five */

	/* Called once with the plan before the first write; nonzero goes on, 0 declines. NULL: go on (--yes). */
	int (*confirm)(void *user, const cf_result *plan);
	/* One short line about what happens now (device identity, roll-back of an unfinished commit). May be NULL. */
	void (*notice)(void *user, const char *line);
	/* Progress in bytes; nonzero cancels where that is safe. May be NULL. */
	int (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
	/* Receives file content of CF_CAT; nonzero stops with an error. */
	int (*data)(void *user, const void *bytes, size_t n);
	void *user;
};

/* Runs one command. Always gives a result, also for failures, unless memory runs out (NULL). Free it. */
CF_API cf_result *cf_run(const struct cf_request *request);
CF_API void cf_result_free(cf_result *result);

/* The exit status of the contract: 0 right, 4 problems left, 8 could not do it, 16 usage. */
CF_API int cf_result_exit_status(const cf_result *result);

/* The error, or NULL when there was none. Owned by the result. */
CF_API const struct cf_error *cf_result_error(const cf_result *result);

struct cf_text_style {
	int color;   /* ANSI colours */
	int width;   /* columns; 0: 80 */
	int verbose; /* 0 normal, 1 everything, -1 only what matters */
};

/* Malloc'd text for people (without the error, which the caller prints on its own). NULL when out of memory. */
CF_API char *cf_result_text(const cf_result *result, const struct cf_text_style *style);

/* Malloc'd JSON object and a newline, as docs/schema describes it. NULL when out of memory. */
CF_API char *cf_result_json(const cf_result *result);

/* A failed result as JSON for errors found before cf_run (bad options): the contract's "error" object. */
CF_API char *cf_error_json(const char *command, const struct cf_error *error, int exit_status);

/* A text as it may be shown on a terminal: control characters, marks that turn the direction of text, and bytes that are no UTF-8
 * escaped. Malloc'd; NULL when out of memory. */
CF_API char *cf_printable(const char *text);

CF_API const char *cf_version(void);

/* What this build can do ("qemu-nbd", "hivex", "seccomp", …), NULL-terminated. */
CF_API const char *const *cf_features(void);

/* The ids of the problem table in their order, NULL-terminated. */
CF_API const char *const *cf_problem_ids(void);

#ifdef __cplusplus
}
#endif

#endif
