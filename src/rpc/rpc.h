// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// gRPC over HTTP/2: server and client, unary and streaming, cleartext or TLS.
//
// The wire is PROTOCOL-HTTP2.md of the gRPC project over RFC 9113; HTTP/2 framing is nghttp2's,
// TLS is OpenSSL's, sockets and timers are libuv's. This layer knows nothing about messages: they
// are byte strings. What it adds is what a daemon owes its peers: bounded memory, deadlines,
// keepalive, draining, and limits under which a hostile peer loses its connection and nobody else
// notices.
//
// Threads. One rpc_loop is one thread. Everything in this header is called on the thread that runs
// the loop (or before it runs), except the functions marked "any thread". All callbacks come on the
// loop's thread and must not block. Other threads hand work in with rpc_loop_post.
//
// Calls. Server and client share one call object. A call's life:
//
//      open ---> messages each way ---> half-close each way ---> done (once, always)
//        \___________ deadline, cancel, lost connection ________/
//
//   - on_done comes exactly once and is the last callback. It never comes from inside one of the
//     functions below, always from the loop.
//   - A server sends its response headers before it has read the first message (clients of the
//     original wait for them before they send anything). A call refused while it is being opened
//     is answered by trailers alone.
//   - After done (or rpc_finish on a server) sending returns ZK_ECANCELED and changes nothing.
//   - The library holds one reference until on_done returned. Who keeps a call longer takes one.
//
// Memory. Per call: at most send_queue_bytes queued (one larger message is allowed when the queue
// is empty), one message in assembly, and one stream window of bytes not yet consumed. A paused
// call returns no window, so its peer stops. All bytes in assembly count against the loop's budget.
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;

typedef struct rpc_loop rpc_loop;
typedef struct rpc_server rpc_server;
typedef struct rpc_channel rpc_channel;
typedef struct rpc_call rpc_call;

// ---------------------------------------------------------------------------------------------
// Status codes of gRPC (numbers are the wire's).

typedef enum rpc_code {
    RPC_OK = 0,
    RPC_CANCELLED = 1,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_DEADLINE_EXCEEDED = 4,
    RPC_NOT_FOUND = 5,
    RPC_ALREADY_EXISTS = 6,
    RPC_PERMISSION_DENIED = 7,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_FAILED_PRECONDITION = 9,
    RPC_ABORTED = 10,
    RPC_OUT_OF_RANGE = 11,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
    RPC_DATA_LOSS = 15,
    RPC_UNAUTHENTICATED = 16,
    RPC_CODE_COUNT
} rpc_code;

// "OK", "CANCELLED", ...; "UNKNOWN" for a number outside the enum. Never NULL.
const char *rpc_code_name(rpc_code code);

// ---------------------------------------------------------------------------------------------
// Loop.

enum { RPC_DEFAULT_BUDGET_MIB = 1024 };

// ZK_EIO when the operating system gives no event descriptor. SIGPIPE is ignored from here on when
// the process had no handler for it.
MUST_CHECK status rpc_loop_open(rpc_loop **out);
// Runs until rpc_loop_stop. Callable again after it returned.
void rpc_loop_run(rpc_loop *loop);
// Any thread. Makes the present (or the next) rpc_loop_run return.
void rpc_loop_stop(rpc_loop *loop);
// Any thread. Runs fn(arg) on the loop's thread, in order of posting. Posts made after the loop
// stopped for good run in rpc_loop_close, so that what arg owns can be freed by fn.
void rpc_loop_post(rpc_loop *loop, void (*fn)(void *arg), void *arg);
// Closes what is left (servers and channels of this loop must be closed before), runs the posts
// that are left, frees. NULL-safe.
void rpc_loop_close(rpc_loop *loop);
// Milliseconds of the monotonic clock at the start of this turn of the loop.
uint64_t rpc_loop_now_ms(const rpc_loop *loop);
// The libuv loop below, for a program's own handles (signals, child processes).
struct uv_loop_s *rpc_loop_uv(rpc_loop *loop);
// Cap of the bytes held in half-received messages over all connections. A message that would
// exceed it fails its call with RESOURCE_EXHAUSTED. Default RPC_DEFAULT_BUDGET_MIB.
void rpc_loop_set_budget(rpc_loop *loop, size_t bytes);
size_t rpc_loop_buffered(const rpc_loop *loop); // present use of that budget

typedef enum rpc_log_level { RPC_LOG_DEBUG, RPC_LOG_INFO, RPC_LOG_WARN } rpc_log_level;
// Where the layer reports what no call can report (refused connections, floods). Default: nowhere.
void rpc_loop_set_log(rpc_loop *loop, void (*fn)(void *arg, rpc_log_level level, const char *text),
                      void *arg);

// One-shot timer in the caller's storage; zero-initialise before first use. fn may set it again.
typedef struct rpc_timer {
    uint64_t due_ms;
    size_t slot; // place in the loop's heap, 0 = not set
    void (*fn)(void *arg);
    void *arg;
} rpc_timer;

void rpc_timer_set(rpc_loop *loop, rpc_timer *t, uint64_t delay_ms, void (*fn)(void *arg),
                   void *arg);
void rpc_timer_clear(rpc_loop *loop, rpc_timer *t); // fine when not set

// ---------------------------------------------------------------------------------------------
// Transport settings.

typedef struct rpc_tls_options {
    const char *cert_file; // PEM chain; server: needed; client: for mutual TLS
    const char *key_file;  // PEM
    const char *ca_file;   // PEM; server: set = client certificates are demanded and checked;
                           // client: NULL = the system's store
    const char *peer_name; // client: name to check instead of the URL's host
} rpc_tls_options;

// Zero in a field means the default in the comment. Values are per connection unless said.
typedef struct rpc_limits {
    size_t max_message_bytes;    // 128 MiB, one message received
    size_t send_queue_bytes;     // 4 MiB, per call
    size_t max_metadata_bytes;   // 16 KiB, names + values + 32 each, per header list
    size_t max_streams;          // 256 calls at a time
    size_t stream_window_bytes;  // 1 MiB
    size_t max_connections;      // 4096, per server
    size_t max_connections_host; // 0: no limit per peer address
    size_t max_calls;            // 16384, per server, over all connections
    uint32_t handshake_ms;       // 10 s from accept/connect to the peer's first SETTINGS
    uint32_t keepalive_ms;       // 20 s of silence, then a PING
    uint32_t keepalive_wait_ms;  // 10 s for any byte after it, else the connection is dead
    uint32_t resets_burst;       // 200 streams given up by the peer at once,
    uint32_t resets_per_s;       // 50 more a second; beyond: ENHANCE_YOUR_CALM, closed
    uint32_t control_burst;      // 400 PING, SETTINGS, PRIORITY, WINDOW_UPDATE, ... at once,
    uint32_t control_per_s;      // 50 more a second and one for each frame of a call
} rpc_limits;

typedef struct rpc_peer {
    char address[64];   // "10.0.0.7:4711", "[::1]:50051"
    char identity[128]; // common name of the verified certificate; "" without mutual TLS
    uint8_t ip[16];     // IPv6 or IPv4-mapped
    bool loopback;
    bool tls;
} rpc_peer;

// ---------------------------------------------------------------------------------------------
// Calls, both sides.

typedef struct rpc_call_events {
    // Client: response headers are here (rpc_call_metadata reads them).
    void (*on_headers)(rpc_call *call, void *arg);
    // One whole message; bytes are valid during the callback only.
    void (*on_message)(rpc_call *call, void *arg, const uint8_t *bytes, size_t n);
    // Server: the client has sent its last message.
    void (*on_half_close)(rpc_call *call, void *arg);
    // After a send was refused with ZK_ELIMIT: the queue is half empty and that message fits now.
    void (*on_drain)(rpc_call *call, void *arg);
    // Last callback. Client: the call's status. Server: what became of it: the status it sent,
    // CANCELLED (by the peer), DEADLINE_EXCEEDED, or UNAVAILABLE (connection lost).
    void (*on_done)(rpc_call *call, void *arg, rpc_code code, const char *message);
} rpc_call_events; // any member may be NULL

void rpc_call_set_events(rpc_call *call, const rpc_call_events *events, void *arg); // copied
void *rpc_call_arg(const rpc_call *call);

// Queues a copy of one message. ZK_ELIMIT: the queue is full, nothing was queued, on_drain will
// come. ZK_ECANCELED: the call is over. ZK_EINVAL: n is above 2^32 - 1. ZK_ENOMEM.
MUST_CHECK status rpc_send(rpc_call *call, const uint8_t *bytes, size_t n);
// As rpc_send without the copy: `bytes` comes from malloc and is freed here, also on failure.
MUST_CHECK status rpc_send_take(rpc_call *call, uint8_t *bytes, size_t n);
size_t rpc_send_queued(const rpc_call *call); // bytes queued and not yet on their way

// Server: status after the queued messages. `message` is UTF-8, copied, may be NULL. The first
// call counts; later ones do nothing.
void rpc_finish(rpc_call *call, rpc_code code, const char *message);
void rpc_finishf(rpc_call *call, rpc_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Server: one message, then OK; the answer of a unary method.
void rpc_reply(rpc_call *call, const uint8_t *bytes, size_t n);
// Client: no more messages will follow those queued.
void rpc_half_close(rpc_call *call);
// Drops what is queued and resets the stream; on_done follows with CANCELLED.
void rpc_cancel(rpc_call *call);

// While paused no message is delivered and the peer's window is not renewed.
void rpc_pause(rpc_call *call);
void rpc_resume(rpc_call *call);

void rpc_call_ref(rpc_call *call);
void rpc_call_unref(rpc_call *call);

// Metadata of the peer: request headers on the server; response headers, then also trailers, on
// the client. First value of that (lower-case) name or NULL. Valid until done.
const char *rpc_call_metadata(const rpc_call *call, const char *name);
// Server, while the call is being opened: adds to the response headers. Names lower-case, values
// printable ASCII, else ZK_EINVAL. ZK_ELIMIT above 16 pairs.
MUST_CHECK status rpc_call_add_metadata(rpc_call *call, const char *name, const char *value);

const char *rpc_call_path(const rpc_call *call); // "/package.Service/Method"
const rpc_peer *rpc_call_peer(const rpc_call *call);
// Milliseconds to the deadline, UINT64_MAX when there is none.
uint64_t rpc_call_time_left_ms(const rpc_call *call);

// ---------------------------------------------------------------------------------------------
// Server.

typedef struct rpc_server_options {
    const char *host;           // numeric address; NULL = "0.0.0.0"
    uint16_t port;              // 0: any free one, see rpc_server_port
    const rpc_tls_options *tls; // NULL: cleartext, prior knowledge
    rpc_limits limits;
    // Asked for every call before its method. Returns RPC_OK or the status to refuse with, and may
    // set *message (static or living as long as arg). NULL: everybody may call everything.
    rpc_code (*authorize)(void *arg, rpc_call *call, const char **message);
    void *authorize_arg;
    // Told of each call of a method that is there, after its on_done. NULL: nobody is.
    void (*ended)(void *arg, const rpc_call *call, rpc_code code, uint64_t ms);
    void *ended_arg;
} rpc_server_options;

typedef struct rpc_server_stats {
    uint64_t accepted;      // connections taken
    uint64_t refused;       // closed at once: over a limit or no file descriptor
    uint64_t floods;        // connections ended for exceeding a frame limit
    uint64_t accept_errors; // accept failed (EMFILE and the like)
    uint64_t calls_started;
    uint64_t calls_refused; // of these, for max_calls
    uint64_t bytes_in, bytes_out;
    size_t connections, calls; // at present
} rpc_server_stats;

// Binds, listens, starts accepting. ZK_EIO: address in use or not ours; ZK_EINVAL: host is not
// numeric; ZK_EPARSE: a TLS file cannot be used. The messages name address or file.
MUST_CHECK status rpc_server_open(rpc_server **out, rpc_loop *loop, const rpc_server_options *o);
uint16_t rpc_server_port(const rpc_server *s);
void rpc_server_get_stats(const rpc_server *s, rpc_server_stats *out);
// Reads the TLS files again for new connections; keeps the old ones on failure.
MUST_CHECK status rpc_server_reload_tls(rpc_server *s, const rpc_tls_options *tls);
// Seconds until the server's certificate expires, 0 or less: it has, or has no date that can be
// read. For servers with TLS.
int64_t rpc_server_certificate_s(const rpc_server *s);

// Called for each call of the method. It sets the events and may answer at once.
typedef void rpc_open_fn(rpc_call *call, void *arg);
// path as on the wire, copied. ZK_EINVAL: no "/service/method" or there already.
MUST_CHECK status rpc_server_add(rpc_server *s, const char *path, rpc_open_fn *open, void *arg);

// A method with one request: fn gets it when it is complete and the client half-closed, and
// answers, then or later, by rpc_reply or rpc_finish. Other numbers of messages are refused here.
typedef void rpc_unary_fn(rpc_call *call, void *arg, const uint8_t *bytes, size_t n);
MUST_CHECK status rpc_server_add_unary(rpc_server *s, const char *path, rpc_unary_fn *fn,
                                       void *arg);

// Stops accepting, tells every peer (GOAWAY), lets running calls end for up to grace_ms, then ends
// them with UNAVAILABLE. `done` comes when no connection is left.
void rpc_server_drain(rpc_server *s, uint32_t grace_ms, void (*done)(void *arg), void *arg);
// Ends everything now; on_done of open calls comes in the next turn of the loop. NULL-safe.
void rpc_server_close(rpc_server *s);

// grpc.health.v1: Check and Watch. `service` "" is the server as a whole; services not set are
// NOT_FOUND (SERVICE_UNKNOWN for Watch).
MUST_CHECK status rpc_health_add(rpc_server *s);
void rpc_health_set(rpc_server *s, const char *service, bool serving);

// grpc.reflection.v1 and v1alpha over serialized FileDescriptorSets (protoc --include_imports
// --descriptor_set_out). Those of health and reflection are built in; `sets` adds the program's.
// The bytes must outlive the server. ZK_EPARSE: not a FileDescriptorSet.
typedef struct rpc_descriptor_set {
    const uint8_t *bytes;
    size_t n;
} rpc_descriptor_set;
MUST_CHECK status rpc_reflection_add(rpc_server *s, const rpc_descriptor_set *sets, size_t n_sets);

// ---------------------------------------------------------------------------------------------
// Client.

typedef struct rpc_channel_options {
    const rpc_tls_options *tls; // used with https://; NULL: system's certificates
    rpc_limits limits;
    uint32_t connect_ms;     // 10 s for one attempt
    uint32_t backoff_min_ms; // 500: pause after the first failure,
    uint32_t backoff_max_ms; // 30 s: doubled up to this, each time x [0.8, 1.2) at random
    const char *token;       // NULL or sent as "authorization: Bearer TOKEN" with each call
    // The connection came up (reason NULL) or went down / could not be made (reason says why).
    void (*on_state)(void *arg, bool connected, const char *reason);
    void *arg;
} rpc_channel_options;

// url: http://HOST[:PORT] or https://HOST[:PORT], port 50051 by default; ZK_EINVAL otherwise,
// ZK_EPARSE for TLS files. Connects with the first call and again when a call needs it.
MUST_CHECK status rpc_channel_open(rpc_channel **out, rpc_loop *loop, const char *url,
                                   const rpc_channel_options *o);
// Ends open calls with CANCELLED (on_done comes in the next turn of the loop). NULL-safe.
void rpc_channel_close(rpc_channel *ch);

typedef struct rpc_pair {
    const char *name, *value;
} rpc_pair;

typedef struct rpc_call_options {
    uint64_t deadline_ms;     // from now; 0: none
    bool wait_for_ready;      // false: a failed connection attempt ends the call (UNAVAILABLE);
                              // true: it waits for the next attempt
    const rpc_pair *metadata; // names lower-case
    size_t n_metadata;
} rpc_call_options;

// o may be NULL. ZK_EINVAL: path or metadata cannot be sent. *out is owned by the library.
MUST_CHECK status rpc_call_start(rpc_call **out, rpc_channel *ch, const char *path,
                                 const rpc_call_options *o, const rpc_call_events *events,
                                 void *arg);

// One request, one answer. done comes exactly once; on OK bytes hold the answer, else they are
// NULL and message says why.
typedef void rpc_unary_done_fn(void *arg, rpc_code code, const char *message, const uint8_t *bytes,
                               size_t n);
MUST_CHECK status rpc_unary(rpc_channel *ch, const char *path, const rpc_call_options *o,
                            const uint8_t *bytes, size_t n, rpc_unary_done_fn *done, void *arg);
