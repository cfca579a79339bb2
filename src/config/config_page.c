// SPDX-License-Identifier: Apache-2.0 OR MIT
// What people read of a table: `--help` and the reference page.
#include "config/config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { HELP_INDENT = 10, HELP_WIDTH = 96, LINE_MAX_BYTES = 2048 };

MUST_CHECK static status put(byte_buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static status put(byte_buffer *b, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ZK_ASSERT(n >= 0 && n < (int)sizeof line); // texts of our own tables
    return buffer_put(b, line, (size_t)n);
}

// Words of `text` on lines of at most HELP_WIDTH, all of them indented.
static status put_wrapped(byte_buffer *b, const char *text)
{
    size_t column = 0;
    while (*text != 0) {
        size_t n = strcspn(text, " ");
        if (column == 0 || column + 1 + n > HELP_WIDTH) {
            TRY(put(b, "%s%*s", column == 0 ? "" : "\n", HELP_INDENT, ""));
            column = HELP_INDENT;
        } else {
            TRY(put(b, " "));
            column++;
        }
        TRY(buffer_put(b, text, n));
        column += n;
        text += n;
        text += strspn(text, " ");
    }
    return put(b, "\n");
}

// "Number, 1 to 65535"
static status put_type(byte_buffer *b, const config_setting *s)
{
    static const char *const names[CONFIG_TYPE_COUNT] = {
        [CONFIG_TEXT] = "Text",     [CONFIG_PATH] = "Path",
        [CONFIG_CHOICE] = "One of", [CONFIG_OPTIONAL] = "Text, may be left out",
        [CONFIG_NUMBER] = "Number", [CONFIG_COUNT] = "Count",
        [CONFIG_SWITCH] = "Switch"};
    TRY(put(b, "%s", names[s->type]));
    if (s->type == CONFIG_CHOICE)
        return put(b, " %s", s->choices);
    if (s->type == CONFIG_NUMBER || s->type == CONFIG_COUNT)
        return put(b, ", %" PRIu64 " to %" PRIu64, s->least, s->most);
    return ZK_OK;
}

static const char *default_of(const config_setting *s)
{
    if (s->required)
        return "required";
    if (s->fallback != NULL)
        return s->fallback;
    if (s->unset != NULL)
        return s->unset;
    return s->type == CONFIG_SWITCH ? "false" : s->type == CONFIG_COUNT ? "0" : "-";
}

static const char *value_name(const config_setting *s)
{
    switch (s->type) {
    case CONFIG_SWITCH:
    case CONFIG_COUNT:
        return "";
    case CONFIG_OPTIONAL:
        return " [TEXT]";
    case CONFIG_NUMBER:
        return " NUMBER";
    case CONFIG_PATH:
        return " PATH";
    default:
        return " TEXT";
    }
}

// Heading, explanation, and where else the setting can be given.
static status put_help(byte_buffer *b, const config_program *p, const config_setting *s)
{
    char letter[] = {'-', s->letter, ',', ' ', 0};
    if (s->flag != NULL)
        TRY(put(b, "  %s--%s%s\n", s->letter != 0 ? letter : "    ", s->flag, value_name(s)));
    else
        TRY(put(b, "      %s\n", s->key));
    byte_buffer text = buffer_new();
    char variable[CONFIG_NAME_MAX];
    status result;
    TRY_OUT(put(&text, "%s. [", s->help));
    TRY_OUT(put_type(&text, s));
    TRY_OUT(put(&text, "] [default: %s]", default_of(s)));
    if (s->key != NULL && s->flag != NULL)
        TRY_OUT(put(&text, " [key: %s]", s->key));
    if (config_variable(variable, p, s))
        TRY_OUT(put(&text, " [variable: %s%s%s]", variable, s->variable != NULL ? ", " : "",
                    s->variable != NULL ? s->variable : ""));
    if (s->excludes != NULL)
        TRY_OUT(put(&text, " [not with --%s]", s->excludes));
    if (s->missing != NULL)
        TRY_OUT(put(&text, " [refused: %s]", s->missing));
    TRY_OUT(buffer_put_u8(&text, 0));
    TRY_OUT(put_wrapped(b, (const char *)text.data));
out:
    buffer_clear(&text);
    return result;
}

static status put_builtin(byte_buffer *b, const config_program *p)
{
    if (p->prefix != NULL) {
        TRY(put(b, "      --config PATH\n"));
        TRY(put(b, "%*sFile of settings (TOML). [variable: %s_CONFIG_PATH]\n", HELP_INDENT, "",
                p->prefix));
    }
    TRY(put(b, "  -h, --help\n%*sPrints this text.\n", HELP_INDENT, ""));
    return put(b, "  -V, --version\n%*sPrints the version.\n", HELP_INDENT, "");
}

const char *config_operand(char out[CONFIG_NAME_MAX], const config_program *program)
{
    out[0] = 0;
    for (size_t k = 0; k < program->n_settings; k++)
        if (program->settings[k].operand) {
            const config_setting *s = &program->settings[k];
            int n = snprintf(out, CONFIG_NAME_MAX, s->required ? " %s" : " [%s]", s->flag);
            ZK_ASSERT(n > 0 && n < CONFIG_NAME_MAX);
        }
    for (char *c = out; *c != 0; c++)
        *c = *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    return out;
}

status config_help(byte_buffer *out, const config_program *program)
{
    char operand[CONFIG_NAME_MAX];
    TRY(put(out, "%s\n\nusage: %s%s [FLAGS]\n\nflags:\n", program->about, program->name,
            config_operand(operand, program)));
    for (size_t k = 0; k < program->n_settings; k++)
        if (program->settings[k].flag != NULL)
            TRY(put_help(out, program, &program->settings[k]));
    TRY(put_builtin(out, program));
    bool headed = false;
    for (size_t k = 0; k < program->n_settings; k++) {
        if (program->settings[k].flag != NULL)
            continue;
        if (!headed)
            TRY(put(out, "\nsettings of file and environment alone:\n"));
        headed = true;
        TRY(put_help(out, program, &program->settings[k]));
    }
    return program->more != NULL ? put(out, "\n%s", program->more) : ZK_OK;
}

// `text` in a cell of a Markdown table, "-" when NULL.
static status put_code(byte_buffer *b, const char *text)
{
    return text == NULL ? put(b, "- |") : put(b, "`%s` |", text);
}

static status put_row(byte_buffer *b, const config_program *p, const config_setting *s)
{
    char variable[CONFIG_NAME_MAX], letter[] = {'-', s->letter, ',', ' ', 0};
    TRY(put(b, "| "));
    if (p->prefix != NULL) {
        TRY(put_code(b, s->key));
        TRY(put(b, " "));
    }
    if (s->flag != NULL)
        TRY(put(b, "`%s--%s` | ", s->letter != 0 ? letter : "", s->flag));
    else
        TRY(put(b, "- | "));
    if (p->prefix != NULL) {
        if (s->variable != NULL)
            TRY(put(b, "`%s`, ", s->variable));
        TRY(put_code(b, config_variable(variable, p, s) ? variable : NULL));
        TRY(put(b, " "));
    }
    TRY(put_type(b, s));
    TRY(put(b, " | %s | %s.", default_of(s), s->help));
    if (s->excludes != NULL)
        TRY(put(b, " Not together with `--%s`.", s->excludes));
    if (s->missing != NULL)
        TRY(put(b, " **Refused**: %s.", s->missing));
    return put(b, " |\n");
}

status config_page(byte_buffer *out, const config_program *program)
{
    TRY(put(out, "## %s\n\n%s.\n\n", program->name, program->about));
    if (program->prefix != NULL) {
        TRY(put(out,
                "File: the path behind `--config`, else in `%s_CONFIG_PATH`; without either there "
                "is none.\n\n",
                program->prefix));
        TRY(put(out, "| Key | Flag | Environment | Type | Default | Meaning |\n"));
        TRY(put(out, "|---|---|---|---|---|---|\n"));
    } else {
        TRY(put(out, "Flags alone: neither file nor environment is read.\n\n"));
        TRY(put(out, "| Flag | Type | Default | Meaning |\n|---|---|---|---|\n"));
    }
    for (size_t k = 0; k < program->n_settings; k++)
        TRY(put_row(out, program, &program->settings[k]));
    return ZK_OK;
}
