// SPDX-License-Identifier: Apache-2.0 OR MIT
// What a shell and `man` read of the tables: manual pages and completion.
#include "config/config.h"

#include <string.h>

// Text for roff: dashes that stay dashes, no escapes, no line that begins as a request would.
static status put_roff(byte_buffer *b, const char *text)
{
    for (const char *c = text; *c != 0; c++) {
        if (*c == '\\')
            TRY(buffer_put_text(b, "\\e"));
        else if (*c == '-')
            TRY(buffer_put_text(b, "\\-"));
        else if ((*c == '.' || *c == '\'') && (c == text || c[-1] == '\n'))
            TRY(buffer_put_text(b, *c == '.' ? "\\&." : "\\&'"));
        else
            TRY(buffer_put_u8(b, (uint8_t)*c));
    }
    return ZK_OK;
}

// Parts up to a NULL, as they are except the odd ones, which are escaped.
static status put_parts(byte_buffer *b, const char *const *parts)
{
    for (size_t k = 0; parts[k] != NULL; k++)
        TRY(k % 2 == 0 ? buffer_put_text(b, parts[k]) : put_roff(b, parts[k]));
    return ZK_OK;
}
#define PUT(b, ...) TRY(put_parts(b, (const char *const[]){__VA_ARGS__, NULL}))

static const char *value_of(const config_setting *s)
{
    switch (s->type) {
    case CONFIG_SWITCH:
    case CONFIG_COUNT:
        return NULL;
    case CONFIG_NUMBER:
        return "NUMBER";
    case CONFIG_PATH:
        return "PATH";
    default:
        return "TEXT";
    }
}

static status put_setting(byte_buffer *b, const config_program *p, const config_setting *s)
{
    const char *value = value_of(s);
    char letter[] = {'-', s->letter, 0};
    TRY(buffer_put_text(b, ".TP\n"));
    if (s->flag != NULL) {
        if (s->letter != 0)
            PUT(b, "\\fB", letter, "\\fR, ");
        PUT(b, "\\fB\\-\\-", s->flag, "\\fR");
        if (value != NULL)
            PUT(b, s->type == CONFIG_OPTIONAL ? " [\\fI" : " \\fI", value,
                s->type == CONFIG_OPTIONAL ? "\\fR]" : "\\fR");
    } else {
        PUT(b, "\\fB", s->key, "\\fR");
    }
    PUT(b, "\n", s->help, ".");
    if (s->type == CONFIG_CHOICE)
        PUT(b, " One of ", s->choices, ".");
    if (s->required)
        PUT(b, " Required.");
    else if (s->fallback != NULL)
        PUT(b, " [default: ", s->fallback, "]");
    else if (s->unset != NULL)
        PUT(b, " [default: ", s->unset, "]");
    if (s->missing != NULL)
        PUT(b, " [refused: ", s->missing, "]");
    char variable[CONFIG_NAME_MAX];
    if (s->key != NULL && s->flag != NULL)
        PUT(b, " [key: ", s->key, "]");
    if (config_variable(variable, p, s))
        PUT(b, " [variable: ", variable, "]");
    return buffer_put_text(b, "\n");
}

status config_man(byte_buffer *out, const config_program *p)
{
    char title[CONFIG_NAME_MAX], operand[CONFIG_NAME_MAX];
    size_t n = 0;
    for (; p->name[n] != 0 && n + 1 < sizeof title; n++)
        title[n] = p->name[n] == ' ' ? '-' : p->name[n];
    title[n] = 0;
    PUT(out, ".\\\" SPDX-License-Identifier: Apache-2.0 OR MIT\n.TH \"", title, "\" 1 \"\" \"zisk ",
        config_version(), "\" \"ZisK distributed proving\"\n.SH NAME\n", title, " \\- ", p->about,
        "\n.SH SYNOPSIS\n\\fB", p->name, "\\fR", config_operand(operand, p),
        " [\\fIFLAGS\\fR]\n.SH DESCRIPTION\n", p->about, ".\n");
    if (p->prefix != NULL)
        PUT(out,
            "A setting takes its value from the last of these that gives one: its default, the "
            "file "
            "(TOML), the environment, the flags. Unknown keys and bad values end the program with "
            "a "
            "message that names their place.\nThe file is that of \\fB\\-\\-config\\fR, else of "
            "\\fB",
            p->prefix, "_CONFIG_PATH\\fR.\n");
    PUT(out, "Proofs are sound; they are not zero\\-knowledge and may leak parts of the input.\n"
             ".SH FLAGS\n");
    for (size_t k = 0; k < p->n_settings; k++)
        if (p->settings[k].flag != NULL)
            TRY(put_setting(out, p, &p->settings[k]));
    bool headed = false;
    for (size_t k = 0; k < p->n_settings; k++) {
        if (p->settings[k].flag != NULL)
            continue;
        if (!headed)
            PUT(out, ".SH \"KEYS WITHOUT A FLAG\"\n");
        headed = true;
        TRY(put_setting(out, p, &p->settings[k]));
    }
    if (p->more != NULL)
        PUT(out, ".SH NOTES\n", p->more, "");
    PUT(out, ".SH \"EXIT STATUS\"\n0 done, 1 failed with a message, 2 wrong usage.\n");
    return ZK_OK;
}

// The word of a program's name after its first, "" for the program itself.
static const char *subcommand(const config_program *p)
{
    const char *space = strchr(p->name, ' ');
    return space == NULL ? "" : space + 1;
}

static bool same_binary(const config_program *a, const config_program *b)
{
    size_t n = strcspn(a->name, " ");
    return n == strcspn(b->name, " ") && memcmp(a->name, b->name, n) == 0;
}

static status put_flags(byte_buffer *b, const config_program *p)
{
    for (size_t k = 0; k < p->n_settings; k++)
        if (p->settings[k].flag != NULL && p->settings[k].missing == NULL) {
            TRY(buffer_put_text(b, "--"));
            TRY(buffer_put_text(b, p->settings[k].flag));
            TRY(buffer_put_text(b, " "));
        }
    return buffer_put_text(b, p->prefix != NULL ? "--config --help --version" : "--help --version");
}

// One `case` arm for each flag whose value can be completed.
static status put_values(byte_buffer *b, const config_program *p)
{
    if (p->prefix != NULL)
        TRY(buffer_put_text(
            b, "        --config) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"));
    for (size_t k = 0; k < p->n_settings; k++) {
        const config_setting *s = &p->settings[k];
        if (s->flag == NULL || s->missing != NULL || value_of(s) == NULL)
            continue;
        TRY(buffer_put_text(b, "        --"));
        TRY(buffer_put_text(b, s->flag));
        TRY(buffer_put_text(b, ") "));
        if (s->type == CONFIG_CHOICE) {
            TRY(buffer_put_text(b, "COMPREPLY=($(compgen -W \""));
            for (const char *c = s->choices; *c != 0; c++)
                if (*c != ',')
                    TRY(buffer_put_u8(b, (uint8_t)*c));
            TRY(buffer_put_text(b, "\" -- \"$word\")); "));
        } else if (s->type != CONFIG_NUMBER) {
            TRY(buffer_put_text(b, "COMPREPLY=($(compgen -f -- \"$word\")); "));
        }
        TRY(buffer_put_text(b, "return ;;\n"));
    }
    return ZK_OK;
}

// The function of one binary: flags and values by subcommand.
static status put_completion(byte_buffer *b, const config_program *const *all, size_t n,
                             const config_program *first)
{
    size_t name_n = strcspn(first->name, " ");
    TRY(buffer_put_text(b, "_"));
    for (size_t k = 0; k < name_n; k++)
        TRY(buffer_put_u8(b, first->name[k] == '-' ? '_' : (uint8_t)first->name[k]));
    TRY(buffer_put_text(b, "() {\n  local word=${COMP_WORDS[COMP_CWORD]} "
                           "previous=${COMP_WORDS[COMP_CWORD - 1]}\n  case ${COMP_WORDS[1]} in\n"));
    const config_program *main = NULL;
    for (size_t k = 0; k < n; k++) {
        if (!same_binary(all[k], first))
            continue;
        if (*subcommand(all[k]) == 0) {
            main = all[k];
            continue;
        }
        TRY(buffer_put_text(b, "    "));
        TRY(buffer_put_text(b, subcommand(all[k])));
        TRY(buffer_put_text(b, ")\n      case $previous in\n"));
        TRY(put_values(b, all[k]));
        TRY(buffer_put_text(b, "      esac\n      COMPREPLY=($(compgen -W \""));
        TRY(put_flags(b, all[k]));
        TRY(buffer_put_text(b, "\" -- \"$word\")) ;;\n"));
    }
    TRY(buffer_put_text(b, "    *)\n      case $previous in\n"));
    if (main != NULL)
        TRY(put_values(b, main));
    TRY(buffer_put_text(b, "      esac\n      local words=\""));
    if (main != NULL)
        TRY(put_flags(b, main));
    TRY(buffer_put_text(b, "\"\n      [ \"$COMP_CWORD\" -gt 1 ] || words+=\""));
    for (size_t k = 0; k < n; k++)
        if (same_binary(all[k], first) && *subcommand(all[k]) != 0) {
            TRY(buffer_put_text(b, " "));
            TRY(buffer_put_text(b, subcommand(all[k])));
        }
    TRY(buffer_put_text(
        b, "\"\n      COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n  esac\n}\n"
           "complete -o filenames -F _"));
    for (size_t k = 0; k < name_n; k++)
        TRY(buffer_put_u8(b, first->name[k] == '-' ? '_' : (uint8_t)first->name[k]));
    TRY(buffer_put_text(b, " "));
    TRY(buffer_put(b, first->name, name_n));
    return buffer_put_text(b, "\n");
}

status config_completion(byte_buffer *out, const config_program *const *programs, size_t n)
{
    TRY(buffer_put_text(out, "# SPDX-License-Identifier: Apache-2.0 OR MIT\n"
                             "# bash completion, made from the tables of settings\n"));
    for (size_t k = 0; k < n; k++) {
        bool seen = false;
        for (size_t j = 0; j < k; j++)
            seen = seen || same_binary(programs[j], programs[k]);
        if (!seen)
            TRY(put_completion(out, programs, n, programs[k]));
    }
    return ZK_OK;
}
