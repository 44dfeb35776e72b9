#include "partial_commit.h"

#include "messages.h"

#include <stdlib.h>

/* The index of the piece that has a row; n if none has it. */
static size_t piece_of(const cli_piece *pieces, size_t n, uint64_t row)
{
    size_t low = 0;
    size_t high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pieces[middle].first + pieces[middle].n <= row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A range consists of whole pieces. */
static void mark(const cli_piece *pieces, size_t n, const bm_part *part, bm_fate *fates)
{
    for (size_t k = 0; k < part->n_ranges; k++) {
        uint64_t end = part->ranges[2 * k] + part->ranges[2 * k + 1];
        for (size_t i = piece_of(pieces, n, part->ranges[2 * k]); i < n && pieces[i].first < end;
             i++) {
            fates[i] = part->fate;
        }
    }
}

static bool goes_on(const cli_piece *a, const cli_piece *b)
{
    return a->file == b->file;
}

void cli_partial_commit(const cli_options *options, const cli_source *source,
                        const bm_result *result)
{
    size_t n;
    const cli_piece *pieces = cli_source_pieces(source, &n);
    bm_fate *fates = calloc(n + 1, sizeof *fates);
    if (fates == NULL) {
        return; /* then only the error message is printed */
    }
    for (size_t i = 0; i < n; i++) {
        fates[i] = BM_FATE_ROLLED_BACK;
    }
    for (size_t p = 0; p < result->n_parts; p++) {
        mark(pieces, n, &result->parts[p], fates);
    }
    for (size_t i = 0; i < n;) {
        size_t last = i;
        while (last + 1 < n && fates[last + 1] == fates[i] &&
               goes_on(&pieces[i], &pieces[last + 1])) {
            last++;
        }
        cli_lines(options, pieces[i].file, pieces[i].first_line, pieces[last].last_line, fates[i]);
        i = last + 1;
    }
    free(fates);
}
