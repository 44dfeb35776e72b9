#include "bench.h"

#include <stdlib.h>

#define NAME_SIZE 25

const bm_model foo_model =
    BM_MODEL("foo", foo, BM_FIELD(foo, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(foo, name, BM_VARCHAR, 0), BM_FIELD(foo, value, BM_INT4, 0),
             BM_FIELD(foo, bm_create_uuid, BM_UUID, BM_CREATE_UUID));

uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

foo *foo_rows(size_t n)
{
    uint64_t state = 1;
    bm_uuid uuid;
    foo *rows = calloc(n, sizeof *rows);
    char *names = calloc(n, NAME_SIZE + 1);
    if (rows == NULL || names == NULL || bm_uuid_random(&uuid) != BM_OK) {
        die("no memory for the rows");
    }
    for (size_t i = 0; i < n; i++) {
        char *name = names + i * (NAME_SIZE + 1);
        for (size_t k = 0; k < NAME_SIZE; k++) {
            name[k] = (char)('A' + next_random(&state) % 26);
        }
        rows[i] = (foo){.id = (int64_t)i + 1,
                        .name = name,
                        .value = (int32_t)(next_random(&state) % 1001),
                        .bm_create_uuid = uuid};
    }
    return rows;
}

void foo_change(foo *rows, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i += step) {
        rows[i].value++;
    }
}
