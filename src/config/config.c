// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "config/config.h"

#include "base/file.h"
#include "config/toml.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef enum origin { BY_DEFAULT, BY_FILE, BY_ENVIRONMENT, BY_FLAG } origin;

typedef struct loader {
    config *out;
    unsigned char *values;
    const config_program *program;
    char *const *environment;
    origin *origins;       // of each setting
    const char *file_flag; // --config
} loader;

static status copy_text(const char **out, config *c, const char *text, size_t n)
{
    char *copy;
    TRY(arena_new(&copy, &c->memory, n + 1));
    memcpy(copy, text, n);
    copy[n] = 0;
    *out = copy;
    return ZK_OK;
}

static const char *variable_value(char *const *environment, const char *name)
{
    size_t n = strlen(name);
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
            return (*environment)[n + 1] != 0 ? *environment + n + 1 : NULL;
    return NULL;
}

bool config_variable(char out[CONFIG_NAME_MAX], const config_program *program,
                     const config_setting *s)
{
    if (program->prefix == NULL)
        return false;
    int n =
        snprintf(out, CONFIG_NAME_MAX, "%s_%s", program->prefix, s->key != NULL ? s->key : s->flag);
    ZK_ASSERT(n < CONFIG_NAME_MAX);
    for (char *c = out; *c != 0; c++)
        *c = *c == '.' || *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    return true;
}

// Changes of one character that turn one name into the other.
static size_t name_distance(const char *a, const char *b)
{
    size_t row[CONFIG_NAME_MAX], n = strlen(b);
    if (strlen(a) >= CONFIG_NAME_MAX || n >= CONFIG_NAME_MAX)
        return SIZE_MAX;
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 0; a[i] != 0; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < n; k++) {
            size_t best = diagonal + (a[i] != b[k]);
            diagonal = row[k + 1];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            row[k + 1] = diagonal + 1 < best ? diagonal + 1 : best;
        }
    }
    return row[n];
}

// "; did you mean "server.port"?" in `out`, or nothing when no key (or flag) is close.
static void suggest(char out[2 * CONFIG_NAME_MAX], const config_program *p, const char *name,
                    bool flags)
{
    size_t nearest = 3;
    out[0] = 0;
    for (size_t k = 0; k < p->n_settings; k++) {
        const char *other = flags ? p->settings[k].flag : p->settings[k].key;
        size_t d = other != NULL ? name_distance(name, other) : SIZE_MAX;
        if (d < nearest) {
            nearest = d;
            snprintf(out, 2 * CONFIG_NAME_MAX, "; did you mean \"%s%s\"?", flags ? "--" : "",
                     other);
        }
    }
}

static bool is_choice(const char *choices, const char *value)
{
    size_t n = strlen(value);
    for (const char *c = choices;; c += 2) {
        size_t item = strcspn(c, ",");
        if (item == n && memcmp(c, value, n) == 0)
            return true;
        c += item;
        if (*c == 0)
            return false;
    }
}

static status store_number(uint64_t *out, const config_setting *s, const char *where,
                           const char *value)
{
    uint64_t v = 0;
    bool overflow = false;
    const char *c = value;
    for (; *c >= '0' && *c <= '9'; c++)
        overflow = overflow || __builtin_mul_overflow(v, 10, &v) ||
                   __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v);
    FAIL_IF(*c != 0 || c == value, ZK_EINVAL, "%s: \"%s\" is not a whole number", where, value);
    FAIL_IF(overflow || v < s->least || v > s->most, ZK_EINVAL,
            "%s: %s is out of range, %" PRIu64 " to %" PRIu64, where, value, s->least, s->most);
    *out = v;
    return ZK_OK;
}

static status store_text(const char **out, loader *l, const config_setting *s, const char *where,
                         const char *value)
{
    const char *home = "";
    if (s->type == CONFIG_PATH && strncmp(value, "~/", 2) == 0) {
        home = variable_value(l->environment, "HOME");
        FAIL_IF(home == NULL, ZK_EINVAL, "%s: %s needs the variable HOME, which is not set", where,
                value);
        value++;
    }
    FAIL_IF(s->type == CONFIG_CHOICE && !is_choice(s->choices, value), ZK_EINVAL,
            "%s: \"%s\" is none of %s", where, value, s->choices);
    if (s->check != NULL && s->check(value) != ZK_OK)
        FAIL(ZK_EINVAL, "%s: %s", where, status_message());
    size_t n = strlen(home), m = strlen(value);
    char *copy;
    TRY(arena_new(&copy, &l->out->memory, n + m + 1));
    memcpy(copy, home, n);
    memcpy(copy + n, value, m + 1);
    *out = copy;
    return ZK_OK;
}

// `where` names the place in messages.
static status store(loader *l, size_t k, origin from, const char *where, const char *value)
{
    const config_setting *s = &l->program->settings[k];
    FAIL_IF(strlen(value) > CONFIG_TEXT_MAX, ZK_EINVAL, "%s: longer than %d bytes", where,
            CONFIG_TEXT_MAX);
    FAIL_IF(*value == 0 && s->type != CONFIG_OPTIONAL, ZK_EINVAL,
            "%s: the value is empty; leave the setting out to have its default", where);
    bool on = strcmp(value, "true") == 0;
    FAIL_IF(s->type == CONFIG_SWITCH && !on && strcmp(value, "false") != 0, ZK_EINVAL,
            "%s: \"%s\" is neither true nor false", where, value);
    if (s->missing != NULL) {
        // Switching off what is not there is no error; the defaults are for the reader.
        FAIL_IF(from != BY_DEFAULT && (s->type != CONFIG_SWITCH || on), ZK_EINVAL,
                "%s: cannot be used: %s", where, s->missing);
        return ZK_OK;
    }
    l->origins[k] = from;
    unsigned char *at = l->values + s->offset;
    switch (s->type) {
    case CONFIG_SWITCH:
        *(bool *)at = on;
        return ZK_OK;
    case CONFIG_NUMBER:
    case CONFIG_COUNT:
        return store_number((uint64_t *)at, s, where, value);
    default:
        return store_text((const char **)at, l, s, where, value);
    }
}

static status store_default(loader *l, size_t k)
{
    const config_setting *s = &l->program->settings[k];
    if (s->missing != NULL)
        return ZK_OK;
    unsigned char *at = l->values + s->offset;
    l->origins[k] = BY_DEFAULT;
    if (s->type == CONFIG_SWITCH)
        *(bool *)at = false;
    else if (s->type == CONFIG_NUMBER || s->type == CONFIG_COUNT)
        *(uint64_t *)at = s->type == CONFIG_COUNT ? 0 : CONFIG_UNSET;
    else
        *(const char **)at = NULL;
    if (s->fallback == NULL)
        return ZK_OK;
    char where[2 * CONFIG_NAME_MAX];
    snprintf(where, sizeof where, "default of %s", s->flag != NULL ? s->flag : s->key);
    return store(l, k, BY_DEFAULT, where, s->fallback);
}

// One value of the file, whose key is `key`.
static status store_item(loader *l, const toml_item *i, const char *key)
{
    const config_program *p = l->program;
    char hint[2 * CONFIG_NAME_MAX];
    suggest(hint, p, key, false);
    char *where;
    size_t room = strlen(l->out->file) + strlen(key) + 32;
    TRY(arena_new(&where, &l->out->memory, room));
    snprintf(where, room, "%s:%u: %s", l->out->file, i->line, key);
    for (size_t k = 0; k < p->n_settings; k++) {
        const config_setting *s = &p->settings[k];
        if (s->key == NULL || strcmp(s->key, key) != 0)
            continue;
        toml_kind want = s->type == CONFIG_SWITCH                              ? TOML_BOOLEAN
                         : s->type == CONFIG_NUMBER || s->type == CONFIG_COUNT ? TOML_INTEGER
                                                                               : TOML_TEXT;
        // Choices may be numbers, which nobody quotes.
        bool number_of_choice = s->type == CONFIG_CHOICE && i->kind == TOML_INTEGER &&
                                strspn(s->choices, "0123456789, ") == strlen(s->choices);
        if (number_of_choice)
            want = TOML_INTEGER;
        FAIL_IF(i->kind != want, ZK_EINVAL, "%s: is of type %s and must be of type %s", where,
                toml_kind_name(i->kind), toml_kind_name(want));
        char number[24];
        const char *value = number;
        if (want == TOML_TEXT) {
            FAIL_IF(strlen(i->text) != i->text_bytes, ZK_EINVAL, "%s: holds a character 0", where);
            value = i->text;
        } else if (want == TOML_BOOLEAN) {
            value = i->boolean ? "true" : "false";
        } else {
            FAIL_IF(i->integer < 0 && !number_of_choice, ZK_EINVAL,
                    "%s: %" PRId64 " is out of range, %" PRIu64 " to %" PRIu64, where, i->integer,
                    s->least, s->most);
            snprintf(number, sizeof number, "%" PRId64, i->integer);
        }
        return store(l, k, BY_FILE, where, value);
    }
    FAIL(ZK_EINVAL, "%s: %s has no such key%s", where, p->name, hint);
}

// Whether `prefix`, a table of the file, holds keys of the program.
static bool is_section(const config_program *p, const char *prefix)
{
    size_t n = strlen(prefix);
    for (size_t k = 0; k < p->n_settings; k++)
        if (p->settings[k].key != NULL && strncmp(p->settings[k].key, prefix, n) == 0 &&
            p->settings[k].key[n] == '.')
            return true;
    return false;
}

// The values in `table`, whose own key is `prefix`.
static status store_table(loader *l, const toml_item *table, const char *prefix)
{
    for (const toml_item *i = table->first; i != NULL; i = i->next) {
        // A key that is too long or holds a 0 is cut and then unknown.
        char key[CONFIG_NAME_MAX];
        snprintf(key, sizeof key, "%s%s%s", prefix, *prefix != 0 ? "." : "", i->key);
        bool whole = strlen(i->key) == i->key_bytes && strchr(i->key, '.') == NULL;
        if (whole && i->kind == TOML_TABLE && is_section(l->program, key))
            TRY(store_table(l, i, key));
        else if (whole)
            TRY(store_item(l, i, key));
        else
            FAIL(ZK_EINVAL, "%s:%u: %s has no such key", l->out->file, i->line, l->program->name);
    }
    return ZK_OK;
}

static status load_file(loader *l)
{
    if (l->program->prefix == NULL)
        return ZK_OK;
    char variable[CONFIG_NAME_MAX];
    snprintf(variable, sizeof variable, "%s_CONFIG_PATH", l->program->prefix);
    const char *from_variable = variable_value(l->environment, variable);
    const char *path = l->file_flag != NULL ? l->file_flag : from_variable;
    if (path == NULL)
        return ZK_OK;
    TRY(copy_text(&l->out->file, l->out, path, strlen(path)));
    byte_buffer text = buffer_new();
    status result = file_read(&text, path, TOML_MAX_BYTES);
    if (result != ZK_OK)
        return status_fail(result, __FILE__, __LINE__, "", "%s: %s",
                           l->file_flag != NULL ? "--config" : variable, status_message());
    toml_item *root;
    TRY_OUT(toml_parse(&root, &l->out->memory, path, text.data, text.size));
    TRY_OUT(store_table(l, root, ""));
out:
    buffer_clear(&text);
    return result;
}

static status load_variable(loader *l, size_t k, const char *name)
{
    const char *value = variable_value(l->environment, name);
    char where[CONFIG_NAME_MAX + 24];
    snprintf(where, sizeof where, "environment variable %s", name);
    return value != NULL ? store(l, k, BY_ENVIRONMENT, where, value) : ZK_OK;
}

// Lists the names that begin with the prefix and belong to no setting.
static status list_unknown(loader *l)
{
    const config_program *p = l->program;
    size_t n = 0, prefix_bytes = strlen(p->prefix);
    while (l->environment[n] != NULL)
        n++;
    TRY(arena_new(&l->out->unknown_variables, &l->out->memory, n));
    for (size_t e = 0; e < n; e++) {
        const char *name = l->environment[e];
        size_t bytes = strcspn(name, "=");
        if (strncmp(name, p->prefix, prefix_bytes) != 0 || name[prefix_bytes] != '_')
            continue;
        bool known = strncmp(name + prefix_bytes, "_CONFIG_PATH=", 13) == 0;
        char variable[CONFIG_NAME_MAX];
        for (size_t k = 0; k < p->n_settings && !known; k++)
            known = config_variable(variable, p, &p->settings[k]) && strlen(variable) == bytes &&
                    strncmp(variable, name, bytes) == 0;
        if (!known)
            TRY(copy_text(&l->out->unknown_variables[l->out->n_unknown_variables++], l->out, name,
                          bytes));
    }
    return ZK_OK;
}

static status load_environment(loader *l)
{
    const config_program *p = l->program;
    if (p->prefix == NULL)
        return ZK_OK;
    for (size_t k = 0; k < p->n_settings; k++) {
        char name[CONFIG_NAME_MAX];
        if (p->settings[k].variable != NULL)
            TRY(load_variable(l, k, p->settings[k].variable));
        if (config_variable(name, p, &p->settings[k]))
            TRY(load_variable(l, k, name));
    }
    return list_unknown(l);
}

// Reader of the arguments.
typedef struct flags {
    int argc;
    char *const *argv;
    int at;
    const char *letters; // rest of an argument of letters, such as "vv" of -vvv; NULL: none
} flags;

// The value of a flag that needs one: what follows "=", the letters left, or the next argument.
static status flag_value(const char **out, flags *f, const char *where, const char *attached)
{
    if (attached == NULL && f->letters != NULL && *f->letters != 0) {
        attached = f->letters + (*f->letters == '=');
        f->letters = NULL;
    }
    if (attached == NULL && f->at < f->argc && (f->argv[f->at][0] != '-' || f->argv[f->at][1] == 0))
        attached = f->argv[f->at++];
    FAIL_IF(attached == NULL, ZK_EINVAL,
            "%s needs a value (one that begins with a dash is given as %s=VALUE)", where, where);
    *out = attached;
    return ZK_OK;
}

static status store_flag(loader *l, flags *f, size_t k, const char *where, const char *attached,
                         bool apply)
{
    const config_setting *s = &l->program->settings[k];
    const char *value = attached;
    char number[24];
    bool more_letters = f->letters != NULL && *f->letters != 0;
    if (s->type == CONFIG_COUNT && attached == NULL) {
        uint64_t so_far = l->origins[k] == BY_FLAG ? *(uint64_t *)(l->values + s->offset) : 0;
        snprintf(number, sizeof number, "%" PRIu64, so_far + 1);
        return apply ? store(l, k, BY_FLAG, where, number) : ZK_OK;
    }
    if (s->type == CONFIG_SWITCH && attached == NULL)
        value = "true";
    else if (s->type == CONFIG_OPTIONAL && attached == NULL && !more_letters &&
             (f->at == f->argc || f->argv[f->at][0] == '-'))
        value = "";
    else
        TRY(flag_value(&value, f, where, attached));
    if (!apply)
        return ZK_OK;
    FAIL_IF(l->origins[k] == BY_FLAG, ZK_EINVAL, "%s is given twice", where);
    return store(l, k, BY_FLAG, where, value);
}

static status long_flag(loader *l, flags *f, const char *argument, bool apply)
{
    const config_program *p = l->program;
    const char *attached = strchr(argument, '=');
    size_t n = attached != NULL ? (size_t)(attached - argument) : strlen(argument);
    char name[CONFIG_NAME_MAX], where[CONFIG_NAME_MAX + 2], hint[2 * CONFIG_NAME_MAX];
    FAIL_IF(n >= sizeof name, ZK_EINVAL, "no flag has a name as long as --%.80s", argument);
    memcpy(name, argument, n);
    name[n] = 0;
    snprintf(where, sizeof where, "--%s", name);
    attached = attached != NULL ? attached + 1 : NULL;
    if (p->prefix != NULL && strcmp(name, "config") == 0) {
        FAIL_IF(!apply && l->file_flag != NULL, ZK_EINVAL, "--config is given twice");
        return flag_value(&l->file_flag, f, where, attached);
    }
    bool help = strcmp(name, "help") == 0, version = strcmp(name, "version") == 0;
    if ((help || version) && attached == NULL) {
        l->out->request = help ? CONFIG_HELP : CONFIG_VERSION;
        return ZK_OK;
    }
    for (size_t k = 0; k < p->n_settings; k++)
        if (p->settings[k].flag != NULL && strcmp(p->settings[k].flag, name) == 0)
            return store_flag(l, f, k, where, attached, apply);
    suggest(hint, p, name, true);
    FAIL(ZK_EINVAL, "there is no flag %s%s", where, hint);
}

// The letters of one argument, from f->letters on.
static status letter_flags(loader *l, flags *f, bool apply)
{
    const config_program *p = l->program;
    while (f->letters != NULL && *f->letters != 0) {
        char letter = *f->letters++, where[] = {'-', letter, 0};
        if (letter == 'h' || letter == 'V') {
            l->out->request = letter == 'h' ? CONFIG_HELP : CONFIG_VERSION;
            continue;
        }
        size_t k = 0;
        while (k < p->n_settings && p->settings[k].letter != letter)
            k++;
        FAIL_IF(k == p->n_settings, ZK_EINVAL, "there is no flag %s", where);
        TRY(store_flag(l, f, k, where, NULL, apply));
    }
    f->letters = NULL;
    return ZK_OK;
}

// An argument that is neither a flag nor the value of one.
static status operand(loader *l, const char *argument, bool apply)
{
    const config_program *p = l->program;
    size_t k = 0;
    while (k < p->n_settings && !p->settings[k].operand)
        k++;
    FAIL_IF(k == p->n_settings, ZK_EINVAL,
            "no argument \"%.100s\" is expected; commands stand first, values behind their flags",
            argument);
    if (!apply)
        return ZK_OK;
    FAIL_IF(l->origins[k] == BY_FLAG, ZK_EINVAL, "one --%s is expected, not \"%.100s\" as well",
            p->settings[k].flag, argument);
    return store(l, k, BY_FLAG, p->settings[k].flag, argument);
}

// Goes through the arguments: first (apply false) to find --config, --help and --version, then,
// after file and environment, to take the values.
static status load_flags(loader *l, int argc, char *const *argv, bool apply)
{
    flags f = {.argc = argc, .argv = argv, .at = 1};
    while (f.at < argc) {
        const char *argument = argv[f.at++];
        if (argument[0] != '-' || argument[1] == 0) {
            TRY(operand(l, argument, apply));
        } else if (argument[1] == '-') {
            TRY(long_flag(l, &f, argument + 2, apply));
        } else {
            f.letters = argument + 1;
            TRY(letter_flags(l, &f, apply));
        }
    }
    return ZK_OK;
}

static bool is_given(const loader *l, size_t k)
{
    const config_setting *s = &l->program->settings[k];
    return s->missing == NULL && l->origins[k] != BY_DEFAULT &&
           (s->type != CONFIG_SWITCH || *(const bool *)(l->values + s->offset));
}

// Of two settings that exclude each other the one from the stronger source holds; from one source
// they are an error.
static status settle(loader *l)
{
    const config_program *p = l->program;
    for (size_t k = 0; k < p->n_settings; k++) {
        const config_setting *s = &p->settings[k];
        FAIL_IF(s->required && l->origins[k] == BY_DEFAULT, ZK_EINVAL, "--%s is required: %s",
                s->flag, s->help);
        if (s->excludes == NULL || !is_given(l, k))
            continue;
        size_t other = 0;
        while (other < p->n_settings && (p->settings[other].flag == NULL ||
                                         strcmp(p->settings[other].flag, s->excludes) != 0))
            other++;
        ZK_ASSERT(other < p->n_settings);
        if (!is_given(l, other))
            continue;
        FAIL_IF(l->origins[k] == l->origins[other], ZK_EINVAL,
                "--%s and --%s exclude each other: give one of them", s->flag, s->excludes);
        TRY(store_default(l, l->origins[k] < l->origins[other] ? k : other));
    }
    return ZK_OK;
}

status config_load(config *out, void *values, const config_program *program, int argc,
                   char *const *argv, char *const *environment)
{
    *out = (config){.request = CONFIG_RUN};
    arena_init(&out->memory, 0);
    loader l = {.out = out, .values = values, .program = program, .environment = environment};
    TRY(arena_new(&l.origins, &out->memory, program->n_settings));
    for (size_t k = 0; k < program->n_settings; k++)
        l.origins[k] = BY_DEFAULT;
    TRY(load_flags(&l, argc, argv, false));
    if (out->request != CONFIG_RUN)
        return ZK_OK;
    for (size_t k = 0; k < program->n_settings; k++)
        TRY(store_default(&l, k));
    TRY(load_file(&l));
    TRY(load_environment(&l));
    TRY(load_flags(&l, argc, argv, true));
    TRY(settle(&l));
    return program->finish != NULL ? program->finish(values, out) : ZK_OK;
}

void config_clear(config *c)
{
    arena_clear(&c->memory);
    *c = (config){.request = CONFIG_RUN};
}

const char *config_version(void)
{
    return ZISK_VERSION;
}
