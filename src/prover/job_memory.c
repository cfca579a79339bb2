// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/job_memory.h"

#include "base/sysmem.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

// Measured, rounded up (test_job_memory): zisk prove of one instance takes 0.10, 0.33 and 2.6 GiB
// at the peak in the classes of 2^20, 2^23 and 2^26 cells, on two threads; its own cells and tree
// are 9.4 bytes a cell of that.
enum { FIXED_BYTES = 64 << 20, THREAD_BYTES = 32 << 20, WORK_BYTES_A_CELL = 32 };

static uint64_t n_cells(const plan_instance *p)
{
    return 1ULL << whir_params_any(p->header.class_id)->log_stack;
}

static uint64_t n_leaves(const plan_instance *p)
{
    return 1ULL << whir_log_rows(&whir_params_any(p->header.class_id)->round[0]);
}

// A tree without its leaves: a third of their level.
static uint64_t waiting_bytes(const plan_instance *p)
{
    return n_leaves(p) / 3 * sizeof(digest) + 4096;
}

static uint64_t own_bytes(const plan_instance *p)
{
    return n_cells(p) * sizeof(fe) + n_leaves(p) * sizeof(digest) + waiting_bytes(p);
}

uint64_t job_memory_to_keep(const plan_instance *p, bool spills)
{
    return own_bytes(p) - (spills ? 0 : waiting_bytes(p));
}

// The record of the run and the words of the boundary.
static uint64_t run_bytes(const zisk_run *r)
{
    uint64_t bytes = r->n_chunks * sizeof *r->chunks;
    for (size_t i = 0; i < r->n_chunks; i++) {
        const run_chunk *c = &r->chunks[i];
        bytes += c->record.n_touches * sizeof(vm_touch) + c->record.n_free_words * 8 +
                 c->n_batches * sizeof(run_batch);
    }
    return bytes + (r->n_image + r->n_zero + r->n_input) * sizeof(boundary_word);
}

static uint64_t mib(uint64_t bytes)
{
    return (bytes + (1 << 20) - 1) >> 20;
}

// waiting: the part that a spill folder would take.
static status check_memory(uint64_t need, uint64_t waiting, uint64_t limit, uint64_t available)
{
    uint64_t least = limit < available ? limit : available;
    if (need <= least)
        return ZK_OK;
    const char *hint =
        need - waiting <= least ? "; --spill-dir would take some of it to a disk" : "";
    FAIL_IF(need > limit, ZK_ELIMIT,
            "proving takes about %llu MiB of memory, and the limit is %llu MiB%s",
            (unsigned long long)mib(need), (unsigned long long)(limit >> 20), hint);
    FAIL(ZK_ENOMEM, "proving takes about %llu MiB of memory, and the system has %llu MiB%s",
         (unsigned long long)mib(need), (unsigned long long)(available >> 20), hint);
}

static status check_spill_room(const char *folder, uint64_t bytes)
{
    struct statvfs fs;
    struct stat info;
    FAIL_IF(stat(folder, &info) != 0 || statvfs(folder, &fs) != 0, ZK_EIO,
            "the spill folder %s: %m", folder);
    FAIL_IF(!S_ISDIR(info.st_mode), ZK_EIO, "the spill folder %s is no folder", folder);
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    FAIL_IF(room < bytes, ZK_EIO,
            "the spill folder %s has room for %llu MiB, but %llu MiB will be needed; give another "
            "one, or more memory",
            folder, (unsigned long long)(room >> 20), (unsigned long long)mib(bytes));
    FAIL_IF(access(folder, W_OK | X_OK) != 0, ZK_EIO, "the spill folder %s: %m", folder);
    return ZK_OK;
}

// Instances that this process will hold, at most: one more than its part, for shares are dealt by
// weight and rounded.
static size_t shared(const zisk_plan *plan, const zisk_job_options *o)
{
    if (o->share_of == 0 || o->share_units >= o->share_of)
        return plan->n;
    size_t part =
        (size_t)(((uint64_t)plan->n * o->share_units + o->share_of - 1) / o->share_of) + 1;
    return part < plan->n ? part : plan->n;
}

status job_memory_plan(zisk_job_needs *needs, const zisk_plan *plan, const zisk_run *run,
                       const zisk_job_options *options)
{
    const bool spills = options->spill_dir != NULL, many = plan->n > 1;
    const uint64_t recorded = run_bytes(run); // taken already
    const size_t share = shared(plan, options);
    uint64_t most_waiting = 0;
    uint64_t largest = 0, own = 0, waiting = 0, available = system_memory_available();
    if (available < UINT64_MAX - recorded)
        available += recorded;
    *needs = (zisk_job_needs){0};
    for (size_t i = 0; i < plan->n; i++) {
        const plan_instance *p = &plan->instances[i];
        if (n_cells(p) > largest) {
            largest = n_cells(p);
            own = own_bytes(p);
        }
        waiting += many ? waiting_bytes(p) : 0;
        if (waiting_bytes(p) > most_waiting)
            most_waiting = waiting_bytes(p);
    }
    if (waiting > share * most_waiting)
        waiting = share * most_waiting;
    *(spills ? &needs->spill : &needs->memory) = waiting;
    needs->memory += FIXED_BYTES + (uint64_t)THREAD_BYTES * pool_threads(options->threads) +
                     WORK_BYTES_A_CELL * largest + own + recorded;
    if (options->max_memory != 0)
        TRY(check_memory(needs->memory, spills ? 0 : waiting, options->max_memory, available));
    uint64_t limit = options->max_memory < available ? options->max_memory : available;
    needs->keep_bytes = limit > needs->memory ? limit - needs->memory : 0;
    uint64_t held = 0;
    for (size_t i = 0; i < plan->n && needs->kept < share; i++) {
        const plan_instance *p = &plan->instances[i];
        uint64_t more = needs->kept == 0 ? 0 : job_memory_to_keep(p, spills);
        if (options->max_memory == 0 ? needs->kept == options->keep
                                     : held + more > needs->keep_bytes)
            continue;
        needs->kept++;
        held += more;
        if (spills && many)
            needs->spill -= needs->spill < waiting_bytes(p) ? needs->spill : waiting_bytes(p);
    }
    needs->memory += held;
    return spills ? check_spill_room(options->spill_dir, needs->spill) : ZK_OK;
}
