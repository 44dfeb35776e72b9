#include "arena.h"

#include <assert.h>
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

_Static_assert(PAGE_MIN > 0 && PAGE_MIN <= PAGE_MAX, "pages grow from the least to the largest");
_Static_assert(PAGE_MIN % alignof(max_align_t) == 0, "a page ends where any type may begin");
_Static_assert(offsetof(struct bm__arena_page, data) % alignof(max_align_t) == 0,
               "a page begins where any type may begin");

static struct bm__arena_page *add_page(bm__arena *arena, size_t need)
{
    assert(need > 0);
    size_t size = arena->page == NULL ? PAGE_MIN : arena->page->size * 2;
    if (size > PAGE_MAX) {
        size = PAGE_MAX;
    }
    if (size < need) {
        size = need;
    }
    assert(size >= need && size >= PAGE_MIN);
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
    assert(size > 0);
    assert(page == NULL || page->used <= page->size);
    if (page == NULL || page->size - page->used < size) {
        page = add_page(arena, size);
        if (page == NULL) {
            return NULL;
        }
    }
    assert(page == arena->page && size <= page->size - page->used);
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
    void *at = take(arena, size == 0 ? unit : (size + unit - 1) & ~(unit - 1));
    assert((uintptr_t)at % unit == 0);
    return at;
}

/* Text is not aligned: that would be a quarter more memory to touch. */
char *bm__arena_copy(bm__arena *arena, const void *data, size_t size)
{
    assert(data != NULL || size == 0);
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
    assert(count == 0 || total / count == size);
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
