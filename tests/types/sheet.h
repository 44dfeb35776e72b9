/*
 * Rows of a model that is made at run time: columns of any kind and layout, their values as the
 * test knows them, and the structs and columns that the library is given.
 */
#ifndef TEST_TYPES_SHEET_H
#define TEST_TYPES_SHEET_H

#include "values.h"

#define SHEET_COLUMNS ((size_t)44)

typedef struct column {
    const kind *kind;
    bm_layout layout;
    size_t width;
    unsigned flags;
    unsigned nulls;       /* percent */
    unsigned defaults;    /* percent */
    const char *fallback; /* DEFAULT, in SQL, or NULL */
} column;

typedef struct sheet {
    source *source;
    bm_model model;
    bm_field fields[SHEET_COLUMNS];
    char names[SHEET_COLUMNS][24];
    column columns[SHEET_COLUMNS];
    size_t n_columns;
    size_t n;        /* rows */
    cell *cells;     /* of row r, column c: at r * n_columns + c */
    uint8_t *states; /* the same */
    uint8_t *rows;   /* structs */
} sheet;

void sheet_begin(sheet *sh, source *s, const char *table);

/* Add a column; `layout` 0 is the type's plain one.  The caller may set more of it. */
column *sheet_add(sheet *sh, const kind *k, bm_layout layout, const char *name);

/* Give the members their places, at odd offsets where `odd`, and make `n` rows of values. */
void sheet_fill(sheet *sh, size_t n, bool odd);

/* A new value for a cell, from value number `i` of its kind. */
void sheet_make(sheet *sh, size_t row, size_t c, size_t i);

/* Write a row's, a cell's value into a struct of the model. */
void sheet_store(const sheet *sh, size_t row, void *at);
void sheet_store_cell(const sheet *sh, size_t row, size_t c, void *at);

/* The value that a struct holds; false where its state is NULL. */
bool sheet_load(const sheet *sh, const void *at, size_t c, cell *out);

cell *sheet_cell(const sheet *sh, size_t row, size_t c);
uint8_t *sheet_state(const sheet *sh, size_t row, size_t c);

/* The sheet's rows, as structs. */
bm_rows sheet_rows(const sheet *sh);

/* The same values as columns, of other strides and (text) layouts than the structs', some columns
 * with a validity bitmap. */
bm_rows sheet_as_columns(const sheet *sh);

/* The same as pointers, in row order. */
bm_rows sheet_as_pointers(const sheet *sh);

/* The value as text, NULL where it is NULL; the cell must not be a default. */
const char *sheet_literal(const sheet *sh, size_t row, size_t c);

/* Is every value of `at` (a struct read back) that of row `row`, bit for bit?  Kinds that come back
 * reshaped are left out. */
bool sheet_same(const sheet *sh, size_t row, const void *at);

#endif
