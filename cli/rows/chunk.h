/*
 * Rows as they are read: C structs as the column map defines them, the text that they point to, and
 * the line of each.  Memory is reused from one chunk to the next; no cell is allocated by itself.
 */
#ifndef CLI_CHUNK_H
#define CLI_CHUNK_H

#include "column_map.h"

typedef struct cli_page cli_page;

/* A row that is set aside. */
typedef struct cli_reject {
    const char *file;
    size_t file_number;
    uint64_t line;
    char *text; /* its text in the file, with its line end if it has one; owned */
    size_t size;
    char column[64]; /* or "" */
    char code[16];   /* SQLSTATE, or a word: RAGGED, QUOTE, JSON, or a bm_status */
    char words[400];
} cli_reject;

typedef struct cli_chunk {
    char *rows;
    uint64_t *lines;
    bm_slice *texts; /* of each row, with --rejects: its text in the file */
    cli_reject *rejects;
    size_t n_rejects;
    size_t rejects_capacity;
    size_t n_misread; /* rows that the reader set aside */
    size_t n;
    size_t capacity;
    cli_page *pages; /* the first page is being filled */
    cli_page *spare;
    size_t bytes;     /* of text */
    bool null_texts;  /* a cell was NULL by its text */
    uint64_t first;   /* number of rows of the input before it */
    const char *file; /* the path of the file that all its rows are from */
    size_t file_number;
} cli_chunk;

/* Gets the cells of each row in place of a chunk.  JSON values come as they are in the file. */
typedef struct cli_watch {
    void *user;
    void (*cell)(void *user, size_t column, const char *text, size_t size, bool quoted);
    /* A key of JSON that no earlier row has: the next column.  false: there are too many. */
    bool (*name)(void *user, const char *name, size_t size);
    void (*end)(void *user, uint64_t line); /* of the row; its first line */
    bool any_length;                        /* rows may have any number of cells */
    bool lacks;                             /* set by the reader: a row of JSON lacks a key */
} cli_watch;

/* Receives the cells that a reader finds. */
typedef struct cli_sink {
    const cli_column_map *map;
    cli_chunk *chunk;
    const cli_options *options;
    const char *file; /* its name in messages */
    cli_watch *watch; /* or NULL; otherwise nothing goes to the chunk, and only n_columns,
                         of_column and the types of fields are used of the map */
    const char *joined_file;
    uint64_t joined_line; /* a cell of TSV here has line ends and tabs; 0: none has */
    uint64_t line;        /* where the row begins */
    char *row;            /* the row that is being filled, or NULL */
    bool sets_aside;      /* --rejects: a row that fails is set aside */
    bool bad;             /* the row that is being filled is; `why` says its column and so on */
    cli_reject why;
    bool number;    /* the cell is a number of JSON, whose decimal sign is a point */
    bool ended;     /* a row has ended, and its text is not kept yet ... */
    bool ended_bad; /* ... and it was set aside */
    bm_error *err;
    bm_status status; /* once it is not BM_OK, further cells are ignored */
} cli_sink;

/* Begin a row. */
void cli_sink_begin(cli_sink *sink);

/* The cell of column `column` (less than map->n_columns).  A quoted cell is NULL only in
 * --null-columns. */
void cli_sink_cell(cli_sink *sink, size_t column, const char *text, size_t size, bool quoted);

/* Set a field to NULL, or to the text, regardless of --null. */
void cli_sink_null(cli_sink *sink, size_t field);
void cli_sink_value(cli_sink *sink, size_t field, const char *text, size_t size);

/* The row has no cell for this column, as --ragged=pad allows. */
void cli_sink_pad(cli_sink *sink, size_t column);

/* The row is complete. */
void cli_sink_end(cli_sink *sink);

/* Record an error at the current line, or at one of its columns.  With --rejects it is the row's,
 * which ends as any other. */
void cli_sink_fail(cli_sink *sink, const char *words);
void cli_sink_stop(cli_sink *sink, const char *words); /* with --rejects, too */
void cli_sink_fail_cell(cli_sink *sink, const char *column, const char *words);

/* Set aside the row that is being filled, or that has ended. */
void cli_sink_refuse(cli_sink *sink, const char *column, const char *code, const char *words);

/* With --rejects, when sink->ended: keep the text of the row that has ended, which is in two parts.
 */
void cli_sink_text(cli_sink *sink, bm_slice first, bm_slice second);

/* Continue in another chunk: its rows are dropped and its memory is reused.  A row that is being
 * filled moves along. */
void cli_sink_move(cli_sink *sink, cli_chunk *to);

void cli_chunk_free(cli_chunk *chunk);

/*
 * The library reported an error in row `err->row`, counted from the first row of the chunk: put the
 * file and line into the message, and a hint if a cell could not be converted.  Does nothing if the
 * chunk has no such row.
 */
void cli_chunk_locate(const cli_chunk *chunk, const cli_column_map *map, bm_error *err);

/* The library rejected row `why->row`, counted as above: add it to the chunk's rejects. */
bm_status cli_chunk_reject(cli_chunk *chunk, const cli_column_map *map, const bm_error *why,
                           bm_error *err);

/* Put the chunk's rejects into the order of the files. */
void cli_chunk_sort_rejects(cli_chunk *chunk);

#endif
