// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// One must-check status for everything that can fail, with a trail.
//
// Two kinds of failure are kept apart. A bug of the caller (a length that is not a power of two
// where the contract demands one, an unaligned buffer) is a ZK_VERIFY: it aborts in debug builds
// and is not checked in release. Data from outside (a file, a socket, a guest, a proof) never
// aborts: FAIL_IF returns a status and notes file, line, condition and a message; TRY forwards it
// and notes the place. The trail belongs to the calling thread; status_trail() reads it for the
// log, status_message() gives the sentence that a user sees.
#include <stdbool.h>
#include <stddef.h>

typedef enum status {
    ZK_OK = 0,
    ZK_EINVAL,    // an argument or a setting is out of its documented range
    ZK_EPARSE,    // outside data is not of its format (ELF, TOML, proof header, message)
    ZK_EPROOF,    // a proof was refused
    ZK_EGUEST,    // the guest program failed: exit code, illegal instruction, memory map
    ZK_ELIMIT,    // a stated limit was met: steps, memory, size, rows
    ZK_EIO,       // the operating system refused a file or socket operation
    ZK_EPROTO,    // the peer broke the protocol
    ZK_ETIMEOUT,  // a deadline passed
    ZK_ECANCELED, // the caller raised the cancel flag
    ZK_ENOMEM,    // memory could not be had
    ZK_EDEVICE,   // an accelerator failed
    ZK_EINTERNAL, // a self-check failed: a bug of ours, never the caller's data
    ZK_STATUS_COUNT
} status;

// Put before every prototype that returns status: MUST_CHECK status pool_open(...);
#define MUST_CHECK __attribute__((warn_unused_result))

// Short stable name, for example "ZK_EPROOF". Never NULL.
const char *status_name(status s);

// The message of the failure that this thread noted last, without file names: fit for users.
// Empty string when nothing failed since status_clear(). Valid until the next failure here.
const char *status_message(void);

// The whole trail of that failure, one line a place, innermost first: fit for the log.
const char *status_trail(void);

void status_clear(void);

// Notes a failure at its origin (replaces the thread's trail) and returns `s`. The arguments may
// use status_message(), to say more about a failure; %m in the format is errno in words.
status status_fail(status s, const char *file, int line, const char *condition, const char *format,
                   ...) __attribute__((format(printf, 5, 6)));

// Adds a place to the trail of a failure under way and returns `s`.
status status_forward(status s, const char *file, int line, const char *expression);

#define FAIL(code, ...) return status_fail((code), __FILE__, __LINE__, "", __VA_ARGS__)
#define FAIL_IF(cond, code, ...)                                                                   \
    do {                                                                                           \
        if (__builtin_expect(!!(cond), 0))                                                         \
            return status_fail((code), __FILE__, __LINE__, #cond, __VA_ARGS__);                    \
    } while (0)
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        status try_status_ = (expr);                                                               \
        if (__builtin_expect(try_status_ != ZK_OK, 0))                                             \
            return status_forward(try_status_, __FILE__, __LINE__, #expr);                         \
    } while (0)
// As TRY, for functions with resources: sets the variable `result` and jumps to `out`.
#define TRY_OUT(expr)                                                                              \
    do {                                                                                           \
        result = (expr);                                                                           \
        if (__builtin_expect(result != ZK_OK, 0)) {                                                \
            result = status_forward(result, __FILE__, __LINE__, #expr);                            \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)
#define FAIL_OUT_IF(cond, code, ...)                                                               \
    do {                                                                                           \
        if (__builtin_expect(!!(cond), 0)) {                                                       \
            result = status_fail((code), __FILE__, __LINE__, #cond, __VA_ARGS__);                  \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

// Prints the condition and aborts. Used by ZK_VERIFY and ZK_ASSERT only.
_Noreturn void zk_panic(const char *file, int line, const char *condition);

// ZK_VERIFY: bounds and invariants, compiled in debug and sanitizer builds only.
// ZK_ASSERT: stays in release; for cheap checks whose violation would corrupt memory or a proof.
#ifdef ZK_VERIFY_BUILD
#define ZK_VERIFY(cond) ((cond) ? (void)0 : zk_panic(__FILE__, __LINE__, #cond))
#else
#define ZK_VERIFY(cond) ((void)sizeof(!(cond)))
#endif
#define ZK_ASSERT(cond) ((cond) ? (void)0 : zk_panic(__FILE__, __LINE__, #cond))
