#include "allocations.h"

#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *at);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *at);

static atomic_bool watched;
static atomic_bool goes_on;
static atomic_bool has_failed;
static atomic_long left; /* until one fails; not above 0: none will */
static atomic_long live;

void allocations_watch(bool on)
{
    atomic_store(&watched, on);
}

void allocations_fail(long n, bool sticky)
{
    atomic_store(&has_failed, false);
    atomic_store(&goes_on, sticky);
    atomic_store(&left, n);
}

bool allocations_failed(void)
{
    return atomic_load(&has_failed);
}

long allocations_live(void)
{
    return atomic_load(&live);
}

static bool fails(void)
{
    if (!atomic_load(&watched)) {
        return false;
    }
    if (atomic_load(&has_failed)) {
        return atomic_load(&goes_on);
    }
    if (atomic_load(&left) > 0 && atomic_fetch_sub(&left, 1) == 1) {
        atomic_store(&has_failed, true);
        return true;
    }
    return false;
}

static void *count(void *at)
{
    if (at != NULL && atomic_load(&watched)) {
        atomic_fetch_add(&live, 1);
    }
    return at;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t items, size_t size)
{
    return fails() ? NULL : count(__real_calloc(items, size));
}

void *__wrap_realloc(void *at, size_t size)
{
    if (fails()) {
        return NULL;
    }
    void *moved = __real_realloc(at, size);
    return at == NULL ? count(moved) : moved;
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : count(__real_strdup(text));
}

void __wrap_free(void *at)
{
    if (at != NULL && atomic_load(&watched)) {
        atomic_fetch_sub(&live, 1);
    }
    __real_free(at);
}
