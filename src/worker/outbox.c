// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/outbox.h"

#include <stdlib.h>
#include <string.h>

status task_name_copy(task_name *out, const task_name *n)
{
    *out = *n;
    out->job = strdup(n->job);
    FAIL_IF(out->job == NULL, ZK_ENOMEM, "no memory for the name of a task");
    return ZK_OK;
}

void task_name_clear(task_name *n)
{
    free(n->job);
    *n = (task_name){0};
}

status outbox_entry_new(outbox_entry **out, const task_name *task)
{
    *out = NULL;
    outbox_entry *e = calloc(1, sizeof *e);
    FAIL_IF(e == NULL, ZK_ENOMEM, "no memory for a result");
    status s = task_name_copy(&e->task, task);
    if (s != ZK_OK) {
        free(e);
        return s;
    }
    *out = e;
    return ZK_OK;
}

void outbox_entry_free(outbox_entry *e)
{
    if (e == NULL)
        return;
    task_name_clear(&e->task);
    free(e->bytes);
    free(e->proof_path);
    free(e);
}

void outbox_init(outbox *b)
{
    *b = (outbox){.end = &b->first};
}

void outbox_clear(outbox *b)
{
    while (b->first != NULL) {
        outbox_entry *e = b->first;
        b->first = e->next;
        outbox_entry_free(e);
    }
    outbox_init(b);
}

void outbox_add(outbox *b, outbox_entry *e)
{
    e->next = NULL;
    *b->end = e;
    b->end = &e->next;
    if (b->next == NULL)
        b->next = e;
    b->n++;
    b->n_bytes += e->n_bytes;
}

// Takes the entry at *link out and frees it.
static void take_out(outbox *b, outbox_entry **link)
{
    outbox_entry *e = *link;
    *link = e->next;
    if (b->end == &e->next)
        b->end = link;
    if (b->next == e)
        b->next = e->next;
    b->n--;
    b->n_bytes -= e->n_bytes;
    outbox_entry_free(e);
}

void outbox_sent(outbox *b)
{
    outbox_entry *e = b->next;
    b->next = e->next;
    if (!e->fleeting)
        return;
    outbox_entry **link = &b->first;
    while (*link != e)
        link = &(*link)->next;
    take_out(b, link);
}

void outbox_rewind(outbox *b)
{
    for (outbox_entry **link = &b->first; *link != NULL;)
        if ((*link)->fleeting)
            take_out(b, link);
        else
            link = &(*link)->next;
    b->next = b->first;
}

bool outbox_stored(outbox *b, const char *job, uint64_t task_id, const uint32_t *plan_index)
{
    bool found = false;
    for (outbox_entry **link = &b->first; *link != NULL;) {
        const outbox_entry *e = *link;
        bool same = e->task.task_id == task_id && strcmp(e->task.job, job) == 0 &&
                    (plan_index == NULL || (e->proof_path != NULL && e->plan_index == *plan_index));
        if (same)
            take_out(b, link);
        else
            link = &(*link)->next;
        found = found || same;
    }
    return found;
}

void outbox_drop_job(outbox *b, const char *job)
{
    for (outbox_entry **link = &b->first; *link != NULL;)
        if (!(*link)->fleeting && strcmp((*link)->task.job, job) == 0)
            take_out(b, link);
        else
            link = &(*link)->next;
}
