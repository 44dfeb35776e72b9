#include "json_array.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char in_string(cli_json_array *array, char c)
{
    if (array->escaped) {
        array->escaped = false;
    } else if (c == '\\') {
        array->escaped = true;
    } else if (c == '"') {
        array->string = false;
    }
    return c;
}

static char inside(cli_json_array *array, char c)
{
    switch (c) {
    case '"':
        array->string = true;
        return c;
    case '{':
    case '[':
        array->depth++;
        return c;
    case '}':
    case ']':
        if (array->depth == 0) {
            array->place = c == ']' ? CLI_JSON_CLOSED : array->place;
            return c == ']' ? ' ' : c;
        }
        array->depth--;
        return c;
    case ',':
        return array->depth == 0 ? '\n' : c;
    case '\r':
        return ' ';
    case '\n':
        return '\r';
    default:
        return c;
    }
}

void cli_json_array_turn(cli_json_array *array, char *bytes, size_t n)
{
    for (size_t i = 0; i < n && array->place != CLI_JSON_LINES; i++) {
        if (array->place == CLI_JSON_INSIDE) {
            bytes[i] = array->string ? in_string(array, bytes[i]) : inside(array, bytes[i]);
        } else if (array->place == CLI_JSON_START && !is_blank(bytes[i])) {
            array->place = bytes[i] == '[' ? CLI_JSON_INSIDE : CLI_JSON_LINES;
            if (bytes[i] == '[') {
                bytes[i] = ' ';
                for (size_t k = 0; k < i; k++) {
                    bytes[k] = bytes[k] == '\n' ? '\r' : ' ';
                }
            }
        } else if (array->place == CLI_JSON_CLOSED && bytes[i] == '\n') {
            bytes[i] = '\r';
        }
    }
}

bool cli_json_array_begun(const cli_json_array *array)
{
    return array->place == CLI_JSON_INSIDE || array->place == CLI_JSON_CLOSED;
}

uint64_t cli_json_array_lines(const char *row, size_t size, uint64_t *before)
{
    uint64_t lines = 0;
    bool blank = true;
    *before = 0;
    for (size_t i = 0; i < size; i++) {
        lines += row[i] == '\r';
        blank = blank && is_blank(row[i]);
        *before += blank && row[i] == '\r';
    }
    return lines;
}
