/*
 * The command line as data: a table of verbs and a table of options.  The parser, --help, the
 * manual page and the completions all use them.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "errors.h"
#include "names.h"

enum {
    CLI_CREATE = 1,
    CLI_UPDATE_FIELDS = 2,
    CLI_UPSERT = 4,
    CLI_DELETE = 8,
    CLI_COPY_TO = 16,
    CLI_EXPLAIN = 32,
    CLI_INSPECT = 64,
    CLI_SYNC = 128,
    CLI_STAGE_INIT = 256,
    CLI_LOAD_INIT = 512,
    CLI_BY_ROW = CLI_CREATE | CLI_UPDATE_FIELDS | CLI_UPSERT | CLI_DELETE,
    CLI_LOADS = CLI_BY_ROW | CLI_SYNC,
    CLI_READS_FILES = CLI_LOADS | CLI_EXPLAIN,
    CLI_HAS_DATABASE = CLI_READS_FILES | CLI_COPY_TO,
    CLI_ALL = CLI_HAS_DATABASE | CLI_INSPECT,
    CLI_ANY = CLI_ALL | CLI_STAGE_INIT | CLI_LOAD_INIT
};

typedef struct cli_verb {
    unsigned bit;
    const char *name;
    const char *arguments;
    const char *help; /* a line */
} cli_verb;

/* The last entry has no name. */
extern const cli_verb cli_verbs[];

/* A parsed command line.  Strings point into argv. */
typedef struct cli_options {
    const cli_verb *verb; /* NULL: none, as in "bulkmodel --help" */
    bool help;
    bool version;
    char *database; /* of all verbs but inspect */
    const char *table;
    char *const *files; /* none: standard input */
    size_t n_files;
    cli_names expanded; /* memory of `files`, if a pattern was among them */
    const char *format; /* csv, tsv, ndjson, json; NULL: by the file's name */
    cli_names columns;
    cli_names map; /* pairs: column of the file, column of the table */
    cli_names set; /* pairs: column, value */
    cli_names key;
    cli_names nulls; /* texts of NULL; none: an empty cell */
    cli_names null_columns;
    cli_names not_null_columns;
    const char *delimiter;
    const char *quote; /* a character; "": none; "all", "minimal": of copy-to */
    const char *escape;
    const char *comment;
    const char *decimal;         /* NULL: a point */
    const char *thousands;       /* NULL: none */
    cli_names date_formats;      /* FORMAT or COL=FORMAT */
    const char *ragged;          /* error, pad, reject; NULL: reject with --rejects, else error */
    const char *filename_column; /* or NULL */
    const char *missing_keys;    /* error (NULL, too) or null */
    bool no_header;
    uint64_t skip_lines;
    const char *encoding;
    uint64_t sample; /* rows; 0: all */
    bool create_table;
    bool add_columns;
    bool print_ddl;
    cli_names types;     /* pairs: column, type */
    const char *plan_of; /* explain: the verb */
    uint64_t workers;
    uint64_t batch_size;
    const char *where;
    const char *order_by;
    const char *query; /* copy-to: instead of a table */
    const char *output;
    uint64_t part_rows; /* 0: any number */
    uint64_t part_size; /* bytes; 0: any number */
    const char *on_conflict;
    const char *returning;
    const char *rejects;
    const char *max_deletes;    /* N or P%; NULL: the default */
    const char *max_rejects;    /* N or P%; NULL: the default */
    uint64_t timeout_ms;        /* 0: none */
    uint64_t commit_timeout_ms; /* 0: the library's */
    uint64_t retries;
    const char *load_id;   /* or NULL */
    uint64_t commit_every; /* 0: the library's */
    bool take_over;
    bool commit_check;
    bool truncate;
    bool analyze;
    bool sync_sequences;
    bool update_unchanged;
    bool allow_empty;
    bool dry_run;
    bool quiet;
    bool json;
    struct cli_destination *destination; /* where the verb writes to; set by main.c */
    struct cli_rejects *set_aside;       /* where --rejects writes to; set by main.c */
} cli_options;

typedef enum cli_kind {
    CLI_FLAG,   /* bool */
    CLI_TEXT,   /* const char * */
    CLI_TEXTS,  /* cli_names: one is added with each use */
    CLI_CHAR,   /* const char *: one character, or "tab" */
    CLI_QUOTE,  /* const char *: one character, "all", "minimal", or "none", stored as "" */
    CLI_SIGN,   /* const char *: one character of UTF-8, or "space" */
    CLI_CHOICE, /* const char *: one of the words of `argument`, separated by '|' */
    CLI_COUNT,  /* uint64_t */
    CLI_NUMBER, /* uint64_t, at least 1 */
    CLI_TIME,   /* uint64_t, milliseconds: "30s", "500ms", "5m", "1h"; a bare number is seconds */
    CLI_SIZE,   /* uint64_t, bytes: "100MB", "1GiB" */
    CLI_LIST,   /* cli_names: separated by commas; more are added with each use */
    CLI_PLACES, /* the same; an empty name stands for a column that is skipped */
    CLI_PAIR,   /* cli_names: LEFT=RIGHT, as two names; a pair is added with each use */
    CLI_RENAME  /* the same; LEFT may be empty */
} cli_kind;

typedef struct cli_option {
    char letter; /* or 0 */
    const char *name;
    const char *argument; /* or NULL */
    cli_kind kind;
    size_t offset; /* in cli_options */
    unsigned verbs;
    const char *help;
} cli_option;

/* The last entry has no name. */
extern const cli_option cli_option_table[];

/* Whether the text of an unquoted cell, or of --set, is NULL. */
bool cli_is_null(const cli_options *options, const char *text, size_t size);

/* The quote character; '\0': none. */
char cli_quote(const cli_options *options);

/* Is the output several files? */
bool cli_in_parts(const cli_options *options);

/* Is the format, if one is given, one of JSON? */
bool cli_is_json(const cli_options *options);

/* Parse a command line.  BM_INVALID if it is wrong. */
bm_status cli_options_read(int argc, char **argv, cli_options *out, bm_error *err);

/* Do the options go together?  The parser asks it. */
bm_status cli_options_check(const cli_options *options, bm_error *err);

/* Free what the parser allocated.  A zeroed struct is legal. */
void cli_options_free(cli_options *options);

#endif
