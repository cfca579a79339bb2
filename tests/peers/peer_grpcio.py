#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""gRPC's C core (python3-grpcio) as client of our server and as server of our client.

usage: peer_grpcio.py PEER_TOOL; exits 77 when grpcio is not installed.
"""
import concurrent.futures
import struct
import subprocess
import sys
import threading

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool
except ImportError as e:
    print(f"SKIPPED: {e}; scripts/bootstrap installs python3-grpcio and python3-protobuf")
    sys.exit(77)

TOOL = sys.argv[1]
OPTIONS = [("grpc.max_receive_message_length", 128 << 20), ("grpc.max_send_message_length", 128 << 20)]


def check(what, got, want):
    if got != want:
        sys.exit(f"FAILED {what}: got {got!r}, want {want!r}")
    print(f"ok {what}")


# A length-delimited field, and all fields of a message of such, by hand: the point is the bytes.
def put(number, data):
    def varint(v):
        out = b""
        while v > 127:
            out += bytes([v & 127 | 128])
            v >>= 7
        return out + bytes([v])
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(data):
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        tag = varint()
        if tag & 7 == 2:
            n = varint()
            yield tag >> 3, data[at:at + n]
            at += n
        else:
            yield tag >> 3, varint()


def first(data, number):
    return next(v for k, v in fields(data) if k == number)


def client(port):
    ch = grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)
    echo = ch.unary_unary("/test.Test/Echo")
    check("unary", echo(b"hello"), b"hello")
    check("empty message", echo(b""), b"")
    big = bytes(100 << 20)
    check("100 MiB", echo(big) == big, True)
    try:
        echo("fail:9:caf\u00e9 100%\n".encode())
        check("error", "none", "an error")
    except grpc.RpcError as e:
        check("error code", e.code(), grpc.StatusCode.FAILED_PRECONDITION)
        check("error text", e.details(), "caf\u00e9 100%\n")
    try:
        ch.unary_unary("/test.Test/Missing")(b"")
    except grpc.RpcError as e:
        check("unknown method", e.code(), grpc.StatusCode.UNIMPLEMENTED)
    count = ch.unary_stream("/test.Test/Count")
    check("server streaming", sum(len(m) for m in count(struct.pack("<QQ", 3000, 50))), 150000)
    total = ch.stream_unary("/test.Test/Sum")(iter([b"abc"] * 1000))
    check("client streaming", struct.unpack("<QQ", total), (1000, 3000))

    go = threading.Event()

    def requests():
        go.wait(20)  # nothing is sent before the headers came
        for i in range(10):
            yield b"%d" % i
    chat = ch.stream_stream("/test.Test/Chat")(requests(), metadata=[("x-who", "python")])
    check("headers first", dict(chat.initial_metadata())["x-hello"], "python")
    go.set()
    check("both ways", list(chat), [b"%d" % i for i in range(10)])
    check("final text", chat.details(), "bye")
    try:
        ch.unary_unary("/test.Test/Hang")(b"", timeout=0.1)
    except grpc.RpcError as e:
        check("deadline", e.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    hang = ch.unary_unary("/test.Test/Hang").future(b"")
    hang.cancel()
    check("cancel", hang.cancelled(), True)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        check("800 calls", len(set(pool.map(lambda i: echo(b"%d" % i), range(800)))), 800)

    health = ch.unary_unary("/grpc.health.v1.Health/Check")
    check("health", health(b""), b"\x08\x01")
    check("health of a service", health(put(1, b"test.Test")), b"\x08\x01")
    try:
        health(put(1, b"nobody"))
    except grpc.RpcError as e:
        check("health unknown", e.code(), grpc.StatusCode.NOT_FOUND)
    watch = ch.unary_stream("/grpc.health.v1.Health/Watch")(put(1, b"nobody"))
    check("health watch unknown", next(iter(watch)), b"\x08\x03")
    watch.cancel()

    for version in "v1", "v1alpha":
        ask = ch.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
        symbol = b"zisk.distributed.api.v1.JobStatus.phase"
        answers = list(ask(iter([put(7, b"*"), put(4, symbol), put(4, b"no.Such"),
                                 put(3, b"google/protobuf/timestamp.proto"),
                                 put(6, b"zisk.distributed.api.v1.JobStatus")])))
        names = [first(s, 1).decode() for _, s in fields(first(answers[0], 6))]
        check(f"{version} services", names, [
            "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection", "zisk.distributed.api.v1.ZiskDistributedApi"])
        pool = descriptor_pool.DescriptorPool()
        for _, raw in reversed(list(fields(first(answers[1], 4)))):
            pool.Add(descriptor_pb2.FileDescriptorProto.FromString(raw))
        job = pool.FindMessageTypeByName("zisk.distributed.api.v1.JobStatus")
        check(f"{version} descriptor", job.fields_by_name["duration_ms"].number, 7)
        check(f"{version} unknown symbol", first(first(answers[2], 7), 1), 5)
        check(f"{version} file", len(list(fields(first(answers[3], 4)))), 1)
        check(f"{version} extensions", first(first(answers[4], 5), 1),
              b"zisk.distributed.api.v1.JobStatus")
    ch.close()


class Methods(grpc.GenericRpcHandler):
    def service(self, details):
        def echo(request, context):
            if request.startswith(b"fail:"):
                _, code, text = request.decode().split(":", 2)
                context.abort(next(c for c in grpc.StatusCode if c.value[0] == int(code)), text)
            return request

        def count(request, context):
            n, size = struct.unpack("<QQ", request)
            for _ in range(n):
                yield bytes(size)

        def total(requests, context):
            sizes = [len(r) for r in requests]
            return struct.pack("<QQ", len(sizes), sum(sizes))

        def chat(requests, context):
            who = dict(context.invocation_metadata()).get("x-who")
            context.send_initial_metadata([("x-hello", who)])
            yield from requests

        def hang(request, context):
            threading.Event().wait(2)
            return b""
        return {
            "/test.Test/Echo": grpc.unary_unary_rpc_method_handler(echo),
            "/test.Test/Count": grpc.unary_stream_rpc_method_handler(count),
            "/test.Test/Sum": grpc.stream_unary_rpc_method_handler(total),
            "/test.Test/Chat": grpc.stream_stream_rpc_method_handler(chat),
            "/test.Test/Hang": grpc.unary_unary_rpc_method_handler(hang),
        }.get(details.method)


def main():
    tool = subprocess.Popen([TOOL, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        client(int(tool.stdout.readline()))
        tool.stdin.close()
        check("our server ends cleanly", tool.wait(20), 0)
    finally:
        tool.kill()

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[Methods()],
                         options=OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    done = subprocess.run([TOOL, "call", f"http://127.0.0.1:{port}"], timeout=60)
    server.stop(None)
    check("our client against grpcio", done.returncode, 0)


main()
