#include "model.h"

#include "options.h"
#include "type.h"
#include "utf8.h"

#include <assert.h>
#include <string.h>

static bool has_control(const char *name)
{
    for (; *name != '\0'; name++) {
        if ((unsigned char)*name < 0x20 || *name == 0x7F) {
            return true;
        }
    }
    return false;
}

static bm_status check_name(const char *what, const char *name, bm_error *err)
{
    if (name == NULL || name[0] == '\0') {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the %s needs a name", what);
    }
    if (bm__text_fault(name, strlen(name)) != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the name of the %s is not UTF-8", what);
    }
    if (has_control(name)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the name of the %s has a control character", what);
    }
    return BM_OK;
}

static bm_status check_field(const bm_model *model, size_t i, bm_error *err)
{
    assert(i < model->n_fields);
    const bm_field *field = &model->fields[i];
    BM_TRY(check_name("column", field->name, err));
    if (!bm__type_fits(field->type, field->layout, field->width)) {
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                             "column \"%s\": its member cannot hold its type", field->name);
    }
    bool inside =
        model->row_size == 0 ||
        (field->offset <= model->row_size && field->width <= model->row_size - field->offset &&
         (field->state_offset == BM_NO_STATE || field->state_offset < model->row_size));
    if (!inside) {
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                             "column \"%s\": its member is not inside the row", field->name);
    }
    if (bm__model_find(model, field->name) != i) {
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                             "column \"%s\" occurs twice in the model", field->name);
    }
    if ((field->flags & BM_CREATE_UUID) != 0 &&
        (field->type != BM_UUID || field->layout != BM_FIXED)) {
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                             "column \"%s\": BM_CREATE_UUID is for a bm_uuid", field->name);
    }
    return BM_OK;
}

bm_status bm__model_check(const bm_model *model, bm_error *err)
{
    if (model == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the model must not be NULL");
    }
    BM_TRY(bm__options_check(sizeof *model, model, "bm_model", err));
    BM_TRY(check_name("table", model->table, err));
    if (model->schema != NULL) {
        BM_TRY(check_name("schema", model->schema, err));
    }
    if (model->n_fields == 0 || model->n_fields > BM__FIELDS_MAX || model->fields == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "model of \"%s\": %zu columns; it takes 1 to %d", model->table,
                        model->n_fields, BM__FIELDS_MAX);
    }
    for (size_t i = 0; i < model->n_fields; i++) {
        BM_TRY(check_field(model, i, err));
    }
    return BM_OK;
}

size_t bm__model_find(const bm_model *model, const char *name)
{
    assert(name != NULL);
    for (size_t i = 0; i < model->n_fields; i++) {
        if (strcmp(model->fields[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool bm__fields_has(const bm__fields *fields, size_t field)
{
    assert(fields->at != NULL || fields->n == 0);
    for (size_t i = 0; i < fields->n; i++) {
        if (fields->at[i] == field) {
            return true;
        }
    }
    return false;
}

static bm_status begin_fields(const bm_model *model, bm__arena *arena, bm__fields *out,
                              bm_error *err)
{
    assert(model->n_fields > 0 && model->n_fields <= BM__FIELDS_MAX);
    out->n = 0;
    out->at = bm__arena_array(arena, model->n_fields, sizeof *out->at);
    return out->at != NULL ? BM_OK : bm__no_memory(err);
}

bm_status bm__model_keys(const bm_model *model, bm__arena *arena, bm__fields *out, bm_error *err)
{
    BM_TRY(begin_fields(model, arena, out, err));
    for (size_t i = 0; i < model->n_fields; i++) {
        if ((model->fields[i].flags & BM_KEY) != 0) {
            assert(out->n <= i);
            out->at[out->n++] = i;
        }
    }
    if (out->n > BM__KEYS_MAX) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the key of \"%s\" has %zu columns",
                        model->table, out->n);
    }
    return BM_OK;
}

bm_status bm__model_named(const bm_model *model, const char *const *names, bm__arena *arena,
                          bm__fields *out, bm_error *err)
{
    BM_TRY(begin_fields(model, arena, out, err));
    for (; *names != NULL; names++) {
        size_t field = bm__model_find(model, *names);
        if (field == SIZE_MAX) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, *names,
                                 "the model of \"%s\" has no column \"%s\"", model->table, *names);
        }
        if (bm__fields_has(out, field)) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, *names,
                                 "column \"%s\" is named twice", *names);
        }
        assert(out->n < model->n_fields); /* none of them is there twice */
        out->at[out->n++] = field;
    }
    return BM_OK;
}

bm_status bm__model_without(const bm_model *model, unsigned flags, bm__arena *arena,
                            bm__fields *out, bm_error *err)
{
    BM_TRY(begin_fields(model, arena, out, err));
    for (size_t i = 0; i < model->n_fields; i++) {
        if ((model->fields[i].flags & flags) == 0) {
            assert(out->n <= i);
            out->at[out->n++] = i;
        }
    }
    return BM_OK;
}
