#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf */
#endif

#include "values.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)1 << 18)

typedef struct source_block {
    struct source_block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
} source_block;

source source_begin(uint64_t seed, const char *of)
{
    const char *given = getenv("BM_TEST_SEED");
    source s = {.state = given != NULL ? strtoull(given, NULL, 10) : seed};
    print_message("# %s: BM_TEST_SEED=%llu\n", of, (unsigned long long)s.state);
    return s;
}

void source_end(source *s)
{
    while (s->blocks != NULL) {
        source_block *next = s->blocks->next;
        free(s->blocks);
        s->blocks = next;
    }
}

void *source_alloc(source *s, size_t size)
{
    size_t need = (size + 15) & ~(size_t)15;
    if (s->blocks == NULL || s->blocks->size - s->blocks->used < need) {
        size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;
        source_block *block = malloc(sizeof *block + room);
        assert_non_null(block);
        *block = (source_block){s->blocks, 0, room};
        s->blocks = block;
    }
    void *at = (char *)s->blocks->bytes + s->blocks->used;
    s->blocks->used += need;
    return at;
}

char *source_print(source *s, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert_true(size >= 0);
    char *kept = source_alloc(s, (size_t)size + 1);
    memcpy(kept, text, (size_t)size + 1);
    free(text);
    return kept;
}

/* splitmix64, Steele, Lea and Flood 2014. */
uint64_t draw(source *s)
{
    s->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = s->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

size_t below(source *s, size_t n)
{
    return (size_t)(draw(s) % n);
}

bool chance(source *s, unsigned percent)
{
    return below(s, 100) < percent;
}
