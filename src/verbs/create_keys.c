/* PostgreSQL: keys that find their rows although nobody asked the catalog how they are made. */
#include "create_plan.h"

/* Nobody asked the catalog what the key's default is. */
bm_status bm__create_own_key(bm__plan *plan, bm__plan_column *column, bm_error *err)
{
    const bm__sql_shape shape = {.schema = plan->table->schema,
                                 .table = plan->table->name,
                                 .proof_key = plan->model->fields[plan->key_field].name};
    bm__sql key = bm__sql_begin(err);
    plan->engine->own_key(&key, &shape);
    return bm__sql_end(&key, &plan->arena, &column->sql.default_sql);
}

/* What the statement must make sure of.  Rows that have keys are only read back: no trigger may
 * change those. */
bm_status bm__create_proof(const bm__request *request, bm__plan *plan, bm__sql_shape *shape,
                           bm_error *err)
{
    bool asked = request->keys_by == BM__KEYS_ASKED || request->keys_by == BM__KEYS_EACH;
    if (asked || request->n_rows == 1 || plan->engine->dialect->proof == NULL) {
        return BM_OK;
    }
    bool made = plan->strategy == BM__INSERT_RETURNING;
    bool known = request->keys_by == BM__KEYS_KNOWN && !made;
    bool untouched = known || request->keys_by == BM__KEYS_PROVED;
    shape->proof = BM__PROOF_TABLE | (untouched ? BM__PROOF_UNTOUCHED : 0);
    plan->proved = !known;
    if (plan->key_made) {
        shape->proof |= BM__PROOF_OWN | (made ? BM__PROOF_DRAWN : BM__PROOF_RISING);
        shape->proof_key = plan->model->fields[plan->key_field].name;
    }
    if (made || !plan->key_made) {
        return BM_OK;
    }
    bm__sql sql = bm__sql_begin(err);
    bm__sql_ask_proof(&sql, shape);
    shape->proof = known ? BM__PROOF_NOTHING : shape->proof;
    return bm__sql_end(&sql, &plan->arena, &plan->proof);
}

bool bm__create_returns_given(const bm__request *request, const bm__plan *plan)
{
    bool wanted = plan->engine->has_privileges || request->n_also > 0;
    return request->returns && plan->keys.n > 0 && wanted;
}
