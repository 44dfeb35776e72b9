#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MIN ((size_t)4096)
#define PAGE_MAX ((size_t)1 << 20)

struct bm__arena_page {
    struct bm__arena_page *next;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char data[];
};

static struct bm__arena_page *add_page(bm__arena *arena, size_t need)
{
    size_t size = arena->page == NULL ? PAGE_MIN : arena->page->size * 2;
    if (size > PAGE_MAX) {
        size = PAGE_MAX;
    }
    if (size < need) {
        size = need;
    }
    size_t total;
    if (__builtin_add_overflow(size, sizeof(struct bm__arena_page), &total)) {
        return NULL;
    }
    struct bm__arena_page *page = malloc(total);
    if (page != NULL) {
        page->next = arena->page;
        page->used = 0;
        page->size = size;
        arena->page = page;
    }
    return page;
}

/* `size` bytes, which is not 0, at any address. */
static void *take(bm__arena *arena, size_t size)
{
    struct bm__arena_page *page = arena->page;
    if (page == NULL || page->size - page->used < size) {
        page = add_page(arena, size);
        if (page == NULL) {
            return NULL;
        }
    }
    void *at = page->data + page->used;
    page->used += size;
    return at;
}

void *bm__arena_alloc(bm__arena *arena, size_t size)
{
    const size_t unit = alignof(max_align_t);
    if (size > PTRDIFF_MAX - unit) {
        return NULL;
    }
    struct bm__arena_page *page = arena->page;
    if (page != NULL) { /* behind text, which stands at any address; a page's size is aligned or
                           its one piece's */
        size_t used = (page->used + unit - 1) & ~(unit - 1);
        page->used = used < page->size ? used : page->size;
    }
    return take(arena, size == 0 ? unit : (size + unit - 1) & ~(unit - 1));
}

/* Text is not aligned: that would be a quarter more memory to touch. */
char *bm__arena_copy(bm__arena *arena, const void *data, size_t size)
{
    char *at = size < PTRDIFF_MAX ? take(arena, size + 1) : NULL;
    if (at != NULL) {
        if (size > 0) {
            memcpy(at, data, size);
        }
        at[size] = '\0';
    }
    return at;
}

void *bm__arena_array(bm__arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *at = bm__arena_alloc(arena, total);
    if (at != NULL) {
        memset(at, 0, total);
    }
    return at;
}

void bm__arena_free(bm__arena *arena)
{
    struct bm__arena_page *page = arena->page;
    while (page != NULL) {
        struct bm__arena_page *next = page->next;
        free(page);
        page = next;
    }
    arena->page = NULL;
}
