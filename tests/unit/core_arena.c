/* Arenas and buffers: sizes that do not fit, bytes that stay what they were. */
#include "arena.h"
#include "buffer.h"

#include "check.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------------------- arenas */

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    enum { N = 3000 };
    static unsigned char *pieces[N];
    bm__arena arena = {0};
    for (size_t i = 0; i < N; i++) {
        size_t size = i % 97;
        pieces[i] = bm__arena_alloc(&arena, size);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < i % 97; k++) {
            assert_int_equal(pieces[i][k], i % 251);
        }
    }
    bm__arena_free(&arena);
    assert_null(arena.page);
    bm__arena_free(&arena);
}

static void pieces_larger_than_a_page(void **state)
{
    (void)state;
    bm__arena arena = {0};
    unsigned char *small = bm__arena_alloc(&arena, 10);
    unsigned char *large = bm__arena_alloc(&arena, 5000000);
    unsigned char *after = bm__arena_alloc(&arena, 10);
    memset(small, 1, 10);
    memset(large, 2, 5000000);
    memset(after, 3, 10);
    assert_int_equal(small[9], 1);
    assert_int_equal(large[0], 2);
    assert_int_equal(large[4999999], 2);
    bm__arena_free(&arena);
}

static void sizes_that_do_not_fit(void **state)
{
    (void)state;
    bm__arena arena = {0};
    char *before = bm__arena_copy(&arena, "kept", 4);
    assert_null(bm__arena_alloc(&arena, SIZE_MAX));
    assert_null(bm__arena_alloc(&arena, SIZE_MAX - 8));
    assert_null(bm__arena_alloc(&arena, PTRDIFF_MAX));
    assert_null(bm__arena_copy(&arena, "", SIZE_MAX));
    assert_null(bm__arena_array(&arena, SIZE_MAX / 8 + 1, 8));
    assert_null(bm__arena_array(&arena, SIZE_MAX, SIZE_MAX));
    assert_string_equal(before, "kept");
    assert_non_null(bm__arena_alloc(&arena, 1)); /* still good */
    bm__arena_free(&arena);
}

static void copies_and_arrays(void **state)
{
    (void)state;
    bm__arena arena = {0};
    char *copy = bm__arena_copy(&arena, "a\0bc", 3);
    assert_memory_equal(copy, "a\0b", 4);
    copy = bm__arena_copy(&arena, NULL, 0);
    assert_string_equal(copy, "");
    memset(bm__arena_alloc(&arena, 2000), 0xFF, 2000);
    bm__arena_free(&arena);
    for (int turn = 0; turn < 3; turn++) { /* memory that was used before */
        memset(bm__arena_alloc(&arena, 100), 0xFF, 100);
        const unsigned char *array = bm__arena_array(&arena, 25, 40);
        for (size_t i = 0; i < 1000; i++) {
            assert_int_equal(array[i], 0);
        }
        bm__arena_free(&arena);
    }
    assert_non_null(bm__arena_array(&arena, 0, 40));
    assert_non_null(bm__arena_array(&arena, 40, 0));
    bm__arena_free(&arena);
}

/* -------------------------------------------------------------------------------------- buffers */

static void a_buffer_grows(void **state)
{
    (void)state;
    bm__buffer buffer = {0};
    bm_error err = BM_ERROR;
    for (size_t i = 0; i < 10000; i++) {
        uint8_t bytes[5];
        memset(bytes, (int)(i % 256), sizeof bytes);
        assert_int_equal(bm__buffer_append(&buffer, bytes, i % 6, &err), BM_OK);
    }
    size_t at = 0;
    for (size_t i = 0; i < 10000; i++) {
        for (size_t k = 0; k < i % 6; k++) {
            assert_int_equal(buffer.data[at++], i % 256);
        }
    }
    assert_int_equal(buffer.size, at);
    assert_true(buffer.capacity >= buffer.size);
    bm__buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.size + buffer.capacity, 0);
    bm__buffer_free(&buffer);
}

static void room_counts_only_when_it_is_counted(void **state)
{
    (void)state;
    bm__buffer buffer = {0};
    bm_error err = BM_ERROR;
    uint8_t *at = NULL;
    assert_int_equal(bm__buffer_reserve(&buffer, 0, &at, &err), BM_OK);
    assert_non_null(at);
    assert_int_equal(bm__buffer_append(&buffer, "ab", 2, &err), BM_OK);
    assert_int_equal(bm__buffer_reserve(&buffer, 5000, &at, &err), BM_OK);
    assert_ptr_equal(at, buffer.data + 2);
    memset(at, 'x', 5000);
    assert_int_equal(buffer.size, 2);
    buffer.size += 3;
    assert_int_equal(bm__buffer_append(&buffer, "c", 1, &err), BM_OK);
    assert_memory_equal(buffer.data, "abxxxc", 6);
    assert_int_equal(bm__buffer_append(&buffer, NULL, 0, &err), BM_OK);
    assert_int_equal(buffer.size, 6);
    bm__buffer_free(&buffer);
}

static void no_memory_leaves_a_buffer_as_it_was(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4, (size_t)PTRDIFF_MAX,
                                   (size_t)PTRDIFF_MAX + 1};
    bm__buffer buffer = {0};
    bm_error err = BM_ERROR;
    assert_int_equal(bm__buffer_append(&buffer, "abcd", 4, &err), BM_OK);
    bm__buffer before = buffer;
    for (size_t i = 0; i < 4; i++) {
        uint8_t *at = NULL;
        err = BM_ERROR;
        assert_int_equal(bm__buffer_reserve(&buffer, sizes[i], &at, &err), BM_NOMEM);
        assert_int_equal(err.status, BM_NOMEM);
        assert_null(at);
        assert_memory_equal(&buffer, &before, sizeof buffer);
        assert_memory_equal(buffer.data, "abcd", 4);
    }
    bm__buffer_free(&buffer);
}

static void text_is_terminated(void **state)
{
    (void)state;
    bm__buffer buffer = {0};
    bm_error err = BM_ERROR;
    assert_int_equal(bm__buffer_text(&buffer, "", &err), BM_OK);
    assert_string_equal((const char *)buffer.data, "");
    assert_int_equal(buffer.size, 0);
    size_t want = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(bm__buffer_text(&buffer, "INSERT", &err), BM_OK);
        want += 6;
        assert_int_equal(bm__buffer_format(&buffer, &err, "(%d, %s)", i % 10, "x"), BM_OK);
        want += 6;
        assert_int_equal(buffer.size, want);
        assert_int_equal(buffer.data[want], '\0');
        assert_memory_equal(buffer.data + want - 12, "INSERT(", 7);
    }
    assert_int_equal(strlen((const char *)buffer.data), want);
    char *long_text = malloc(100001);
    memset(long_text, 'y', 100000);
    long_text[100000] = '\0';
    assert_int_equal(bm__buffer_format(&buffer, &err, "<%s>", long_text), BM_OK);
    assert_int_equal(strlen((const char *)buffer.data), want + 100002);
    assert_int_equal(buffer.data[want + 100001], '>');
    free(long_text);
    bm__buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(pieces_larger_than_a_page),
        cmocka_unit_test(sizes_that_do_not_fit),
        cmocka_unit_test(copies_and_arrays),
        cmocka_unit_test(a_buffer_grows),
        cmocka_unit_test(room_counts_only_when_it_is_counted),
        cmocka_unit_test(no_memory_leaves_a_buffer_as_it_was),
        cmocka_unit_test(text_is_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
