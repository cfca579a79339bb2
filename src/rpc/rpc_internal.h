// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the files of src/rpc share. Who owns what:
//
//   rpc_loop.c     posts, timer heap, and the turn: due timers, then connections marked dirty are
//                  flushed, then calls with something to deliver get their call_turn
//   rpc_conn.c     one socket: read, TLS, write, keepalive, end of connection
//   rpc_session.c  nghttp2 callbacks: frames to calls, flood counters
//   rpc_call.c     message framing, send queue, flow control, completion
//   rpc_server.c   method table, dispatch, drain;  rpc_listen.c: accept loop
//   rpc_client.c   channel: resolve, connect, back-off, waiting calls
//
// Nothing is destroyed inside a nghttp2 or user callback: connections are marked (conn_fail) and
// torn down in the turn, calls are scheduled (call_schedule) and finished there.
#include "rpc/rpc.h"

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

typedef struct rpc_conn rpc_conn;
typedef struct rpc_tls rpc_tls;
typedef struct rpc_post rpc_post;
typedef struct rpc_chunk rpc_chunk;
typedef struct rpc_listener rpc_listener;

// Small objects come from here; running out of memory for those ends the process.
void *rpc_alloc(size_t n); // zeroed
char *rpc_strdup(const char *s);

// ---- rpc_loop.c ----

enum { RPC_READ_BYTES = 64 * 1024, RPC_WRITE_BYTES = 256 * 1024 };

struct rpc_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t prepare;
    uv_timer_t alarm; // wakes the poll for the first entry of the heap
    atomic_bool stop;
    pthread_mutex_t lock; // guards posts only
    rpc_post *posts, **posts_end;
    rpc_timer **heap; // binary heap, entries 1..n_timers
    size_t n_timers, cap_timers;
    rpc_conn *dirty;
    rpc_call *scheduled, **scheduled_end;
    size_t budget, buffered;
    uint64_t random;
    void (*log)(void *arg, rpc_log_level level, const char *text);
    void *log_arg;
    uint8_t read_bytes[RPC_READ_BYTES];
    uint8_t plain_bytes[RPC_READ_BYTES];  // decrypted input
    uint8_t write_bytes[RPC_WRITE_BYTES]; // output of one connection on its way to the kernel
};

void rpc_log(rpc_loop *loop, rpc_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t rpc_random(rpc_loop *loop); // for jitter, not for secrets

// ---- rpc_codec.c ----

enum { RPC_MESSAGE_MAX = 1024 }; // longest status message sent or kept, in bytes

// grpc-message: every byte outside 0x20..0x7e and '%' becomes %XX. out holds 3 * n + 1 bytes.
void rpc_percent_encode(char *out, const char *text, size_t n);
// Undoes it; malformed escapes stay as they are. out holds size bytes, always terminated.
void rpc_percent_decode(char *out, size_t size, const char *text, size_t n);
// grpc-timeout: 1 to 8 digits and one of H M S m u n. Rounds up to a millisecond.
bool rpc_timeout_parse(uint64_t *out_ms, const char *text);
void rpc_timeout_format(char out[16], uint64_t ms);
rpc_code rpc_code_of_http(int http_status);
rpc_code rpc_code_of_reset(uint32_t http2_error);

// Token bucket in thousandths of a token.
typedef struct rpc_bucket {
    uint64_t milli, cap_milli, last_ms;
    uint32_t per_s;
} rpc_bucket;
void rpc_bucket_init(rpc_bucket *b, uint32_t burst, uint32_t per_s, uint64_t now_ms);
bool rpc_bucket_take(rpc_bucket *b, uint64_t now_ms); // false: empty
void rpc_bucket_add(rpc_bucket *b, uint32_t tokens);

// Fills zero fields with the defaults of rpc.h.
rpc_limits rpc_limits_filled(const rpc_limits *in);

// ---- rpc_tls_words.c ----

// What OpenSSL noted of a failure; takes it off its list. Until the thread's next call.
const char *rpc_tls_reason(void);
// What is wrong with the certificate at which the verification of a chain stands.
void rpc_tls_explain(char *out, size_t size, X509_STORE_CTX *chain);

// ---- rpc_tls.c ----

MUST_CHECK status rpc_tls_server_context(SSL_CTX **out, const rpc_tls_options *o);
MUST_CHECK status rpc_tls_client_context(SSL_CTX **out, const rpc_tls_options *o);
// name: to be checked against the server's certificate (client), else NULL.
rpc_tls *rpc_tls_new(SSL_CTX *context, bool server, const char *name);
void rpc_tls_free(rpc_tls *t);
void rpc_tls_feed(rpc_tls *t, const uint8_t *bytes, size_t n); // ciphertext from the socket
typedef enum rpc_tls_result {
    RPC_TLS_DATA,
    RPC_TLS_MORE,
    RPC_TLS_CLOSED,
    RPC_TLS_FAILED
} rpc_tls_result;
// Goes on with the handshake, then reads plaintext. error is set for RPC_TLS_FAILED.
rpc_tls_result rpc_tls_read(rpc_tls *t, uint8_t *out, size_t size, size_t *got, const char **error);
bool rpc_tls_ready(const rpc_tls *t); // handshake done and h2 agreed
bool rpc_tls_write(rpc_tls *t, const uint8_t *bytes, size_t n);
size_t rpc_tls_drain(rpc_tls *t, uint8_t *out, size_t size); // ciphertext for the socket
size_t rpc_tls_pending(const rpc_tls *t);                    // bytes that drain would give
void rpc_tls_identity(const rpc_tls *t, char *out, size_t size);
void rpc_tls_shutdown(rpc_tls *t); // queues close_notify

// ---- rpc_conn.c ----

typedef enum rpc_conn_state {
    CONN_CONNECTING, // client: TCP connect under way
    CONN_HANDSHAKE,  // TLS, then the peer's first SETTINGS
    CONN_OPEN,
    CONN_LINGER, // GOAWAY is queued, input is thrown away
    CONN_CLOSED  // handle is closing
} rpc_conn_state;

struct rpc_conn {
    rpc_loop *loop;
    rpc_server *server;   // one of the two is set,
    rpc_channel *channel; // both NULL once the owner let go
    rpc_conn *prev, *next;
    rpc_conn *next_dirty;
    bool dirty;
    rpc_conn_state state;
    bool failed; // tear down in the next turn
    bool draining, last_goaway_sent;
    bool keepalive_asked;
    uv_tcp_t tcp;
    uv_connect_t connect_req;
    uv_write_t write_req;
    uint8_t *rest; // output the kernel did not take; NULL = not writing
    nghttp2_session *session;
    rpc_tls *tls;
    rpc_call *calls;
    size_t n_calls;
    rpc_timer timer; // handshake, then keepalive, then linger
    uint64_t last_recv_ms, opened_ms;
    rpc_bucket resets, control;
    rpc_limits limits; // copy: a connection may outlive its owner by a turn
    rpc_peer peer;
    char reason[256]; // why it ends
};

rpc_conn *conn_accept(rpc_server *s, SSL_CTX *tls, int fd, const struct sockaddr *addr);
// Starts a TCP connection; the channel hears of success or failure through channel_conn_*.
rpc_conn *conn_connect(rpc_channel *ch, rpc_loop *loop, const rpc_limits *limits, SSL_CTX *tls,
                       const char *tls_name, const struct sockaddr *addr);
void conn_mark(rpc_conn *c);  // flush in this turn
void conn_flush(rpc_conn *c); // called by the turn
void conn_fail(rpc_conn *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Sends GOAWAY with the HTTP/2 error, throws input away for a moment, then closes.
void conn_terminate(rpc_conn *c, uint32_t http2_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void conn_opened(rpc_conn *c); // the peer's SETTINGS came
void conn_drain(rpc_conn *c);  // GOAWAY in two steps, closes when no call is left
void conn_expire(rpc_conn *c); // last GOAWAY now, closes soon even if calls are left
void peer_from_sockaddr(rpc_peer *p, const struct sockaddr *addr);

// ---- rpc_session.c ----

MUST_CHECK status session_open(rpc_conn *c);
bool session_feed(rpc_conn *c, const uint8_t *bytes, size_t n); // false: conn_fail was called

// ---- rpc_call.c ----

typedef struct rpc_metadata {
    char *text; // name NUL value NUL ...
    size_t used, cap, n;
    size_t counted; // as SETTINGS_MAX_HEADER_LIST_SIZE counts
    bool too_large;
} rpc_metadata;

void metadata_add(rpc_metadata *m, const char *name, size_t name_n, const char *value,
                  size_t value_n);
const char *metadata_get(const rpc_metadata *m, const char *name);
void metadata_clear(rpc_metadata *m);

struct rpc_call {
    rpc_loop *loop;
    rpc_conn *conn;       // NULL: no stream (waiting, or gone)
    bool client;          // which side this is
    bool waiting;         // in channel->waiting
    rpc_server *server;   // server side, while there is a stream
    rpc_channel *channel; // client side, while waiting
    int32_t stream_id;
    unsigned refs;
    rpc_call *prev, *next; // in conn->calls or channel->waiting
    rpc_call *next_scheduled;
    bool is_scheduled;

    char *path;
    rpc_peer peer;
    rpc_metadata received;
    rpc_metadata sent; // client: request metadata; server: extra response headers
    rpc_call_events events;
    void *arg;
    rpc_timer timer;
    uint64_t deadline_ms; // of the loop's clock, UINT64_MAX: none
    size_t max_message_bytes, send_queue_bytes, max_metadata_bytes; // from the owner's limits
    bool wait_for_ready;

    // Sending.
    rpc_chunk *queue, **queue_end;
    size_t queued;
    bool refused; // a send of refused_n bytes was refused: on_drain is owed
    size_t refused_n;
    bool last_queued;  // half-close (client) or status (server) after the queue
    bool opening;      // server: inside the method's open function
    bool started;      // headers are with nghttp2
    bool local_closed; // END_STREAM handed to nghttp2

    // Receiving.
    uint8_t prefix[5];
    size_t prefix_n;
    uint8_t *message; // in assembly
    size_t message_n, message_got, message_cap;
    size_t held;      // bytes of taken messages that still count against the budget
    uint8_t *backlog; // came in while paused
    size_t backlog_n, backlog_cap;
    bool in_message; // a message is under way (prefix complete)
    bool paused, taking;
    bool deaf;          // whatever comes is thrown away
    bool remote_closed; // END_STREAM came
    bool half_close_told;
    bool response_seen; // client: response headers came
    bool method_is_post, content_is_grpc;
    int http_status;
    int grpc_status; // -1: not seen

    // Ending.
    bool finished; // server: rpc_finish was called
    bool complete; // code and text are final, on_done is owed or given
    bool clean;    // ended by the peer's own status: deliver the backlog first
    bool done_told;
    void (*ended)(void *arg, const rpc_call *call, rpc_code code, uint64_t ms); // of the server
    void *ended_arg;
    uint64_t opened_ms;
    rpc_code code;
    char *text;
};

rpc_call *call_new(rpc_loop *loop, const rpc_limits *limits);
void call_attach(rpc_call *call, rpc_conn *c, int32_t stream_id); // takes a reference
void call_detach(rpc_call *call);                                 // gives it back
void call_schedule(rpc_call *call);
void call_turn(rpc_call *call);
void call_receive(rpc_call *call, const uint8_t *bytes, size_t n);
void call_remote_closed(rpc_call *call);
// Final status; later ones are ignored. Schedules on_done.
void call_complete(rpc_call *call, rpc_code code, const char *text);
void call_stream_closed(rpc_call *call, uint32_t http2_error);
void call_set_deadline(rpc_call *call, uint64_t ms_from_now);
// nghttp2 data source: source->ptr is the call.
ssize_t call_read_queue(nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t length,
                        uint32_t *flags, nghttp2_data_source *source, void *user_data);
// Inside on_message: the callee keeps the assembled buffer (NULL if the bytes are not heap
// memory). It counts against the budget until call_unhold.
uint8_t *call_take_message(rpc_call *call, const uint8_t *bytes, size_t n);
void call_unhold(rpc_call *call);

// ---- rpc_server.c ----

typedef struct rpc_method {
    char *path;
    rpc_open_fn *open;
    rpc_unary_fn *unary;
    void *arg;
} rpc_method;

struct rpc_server {
    rpc_loop *loop;
    rpc_limits limits;
    rpc_listener *listener;
    SSL_CTX *tls;
    rpc_code (*authorize)(void *arg, rpc_call *call, const char **message);
    void *authorize_arg;
    void (*ended)(void *arg, const rpc_call *call, rpc_code code, uint64_t ms);
    void *ended_arg;
    rpc_method *methods; // sorted by path
    size_t n_methods;
    rpc_conn *conns;
    size_t n_conns, n_calls;
    uint16_t port;
    rpc_server_stats stats;
    struct rpc_health *health;
    struct rpc_reflection *reflection;
    bool draining, closed;
    rpc_timer drain_timer;
    void (*drain_done)(void *arg);
    void *drain_arg;
};

void server_dispatch(rpc_call *call); // request headers are complete
void server_conn_gone(rpc_server *s, rpc_conn *c);
void server_submit_trailers(rpc_call *call); // from the data source, at its end
void health_free(struct rpc_health *h);
void reflection_free(struct rpc_reflection *r);
void server_health_shutdown(rpc_server *s); // all watchers hear NOT_SERVING

// ---- rpc_listen.c ----

MUST_CHECK status listener_open(rpc_server *s, const char *host, uint16_t port);
void listener_close(rpc_server *s);

// ---- rpc_client.c ----

void channel_conn_opened(rpc_channel *ch, rpc_conn *c);
void channel_conn_gone(rpc_channel *ch, rpc_conn *c);
void channel_conn_draining(rpc_channel *ch, rpc_conn *c);
void channel_call_gone(rpc_call *call); // leaves channel->waiting
