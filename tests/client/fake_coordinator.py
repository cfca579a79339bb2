# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A coordinator for tests of the client: answers from what a test put into its fields, remembers
what it was asked, goes away and comes back on the same port. Skips (exit 77) without grpcio."""
import concurrent.futures
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time

try:
    import grpc
    import google.protobuf  # noqa: F401
except ImportError as e:
    print(f"SKIPPED: {e}; scripts/bootstrap installs python3-grpcio and python3-protobuf")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def messages():
    """The module of messages, made from proto/ by protoc."""
    folder = tempfile.mkdtemp(prefix="zisk_client_proto.")
    try:
        subprocess.run(["protoc", f"-I{ROOT}/proto", "-I/usr/include", f"--python_out={folder}",
                        f"{ROOT}/proto/zisk_distributed_api.proto"], check=True)
    except FileNotFoundError:
        print("SKIPPED: protoc is missing; scripts/bootstrap installs protobuf-compiler")
        sys.exit(77)
    sys.path.insert(0, folder)
    import zisk_distributed_api_pb2
    return zisk_distributed_api_pb2


pb = messages()
SERVICE = "zisk.distributed.api.v1.ZiskDistributedApi"


class Refuse(Exception):
    """Ends a call with a gRPC status."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = getattr(grpc.StatusCode, code)
        self.text = text


class FakeCoordinator:
    """Handlers are attributes by method name: a function from request (or iterator) and context to
    the answer (or an iterator); Refuse ends the call."""

    STREAM_IN = {"UploadInput"}
    STREAM_OUT = {"WatchJob", "FetchProof"}
    REQUESTS = {"LaunchProof": "LaunchProofRequest", "JobsList": "JobsListRequest",
                "WorkersList": "WorkersListRequest", "JobStatus": "JobStatusRequest",
                "StatusInfo": "StatusInfoRequest", "SystemStatus": "SystemStatusRequest",
                "QueueList": "QueueListRequest", "CancelJob": "CancelJobRequest",
                "WatchJob": "WatchJobRequest", "FetchProof": "FetchProofRequest",
                "UploadInput": "UploadChunk"}

    def __init__(self):
        self.asked = []  # (method, request or list of requests)
        self.stored = {}  # uploads by digest
        self.handlers = {}
        self.metadata = {}
        self.port = 0
        self.server = None
        self.credentials = None
        self.UploadInput = self.upload
        self.start()

    @property
    def url(self):
        return f"http{'s' if self.credentials else ''}://127.0.0.1:{self.port}"

    def serve_tls(self, key, certificate, client_authority):
        self.credentials = grpc.ssl_server_credentials([(key, certificate)], client_authority, True)
        self.start()

    def start(self):
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(8),
                             options=[("grpc.so_reuseport", 1)])
        table = {}
        for method, request in self.REQUESTS.items():
            kind = ("stream" if method in self.STREAM_IN else "unary") + "_" + (
                "stream" if method in self.STREAM_OUT else "unary") + "_rpc_method_handler"
            table[method] = getattr(grpc, kind)(
                self.behaviour(method), request_deserializer=getattr(pb, request).FromString,
                response_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString())
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, table),))
        for _ in range(100):  # the port of the server before may take a moment to be free
            try:
                address = f"127.0.0.1:{self.port}"
                port = (server.add_secure_port(address, self.credentials) if self.credentials
                        else server.add_insecure_port(address))
            except RuntimeError:
                port = 0
            if port:
                break
            time.sleep(0.05)
        assert port, "the port is taken"
        self.port = port
        server.start()
        self.server = server

    def stop(self):
        self.server.stop(0).wait()

    def restart(self, pause=0.5):
        self.stop()
        time.sleep(pause)
        self.start()

    def restart_later(self, after=0.0, pause=0.5):
        def work():
            time.sleep(after)
            self.restart(pause)
        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def behaviour(self, method):
        def refuse(e, context):
            context.abort(e.code, e.text)

        def unary(request, context):
            self.metadata = dict(context.invocation_metadata())
            if method not in self.STREAM_IN:
                self.asked.append((method, request))
            try:
                return getattr(self, method)(request, context)
            except Refuse as e:
                refuse(e, context)

        def stream(request, context):
            context.send_initial_metadata(())
            self.asked.append((method, request))
            try:
                yield from getattr(self, method)(request, context)
            except Refuse as e:
                refuse(e, context)
        return stream if method in self.STREAM_OUT else unary

    def requests(self, method):
        return [r for m, r in self.asked if m == method]

    def upload(self, chunks, context):
        data, head = b"", None
        for chunk in chunks:
            head = head or chunk
            self.asked.append(("UploadInput", chunk))
            if head is chunk and chunk.sha256 in self.stored:
                return pb.UploadResponse(sha256=chunk.sha256, size=head.size)
            if chunk.offset != len(data):
                raise Refuse("OUT_OF_RANGE", "a gap")
            data += chunk.data
        if hashlib.sha256(data).digest() != head.sha256 or len(data) != head.size:
            raise Refuse("INVALID_ARGUMENT", "the digest is another one")
        self.stored[head.sha256] = data
        return pb.UploadResponse(sha256=head.sha256, size=head.size)


def status(state, phase="None", job="job-1", **more):
    return pb.JobStatus(job_id=job, data_id="data", state=state, phase=phase, start_time=1700000000,
                        duration_ms=65000, **more)


def event(message, job="job-1"):
    e = pb.JobEvent(job_id=job)
    name = {pb.JobStatus: "status", pb.JobProgress: "progress", pb.JobNote: "note"}[type(message)]
    getattr(e, name).CopyFrom(message)
    return e


def chunks(data, offset=0, size=1 << 16, digest=None):
    first = True
    while first or offset < len(data):
        piece = data[offset:offset + size]
        head = {"size": len(data), "sha256": digest or hashlib.sha256(data).digest()}
        yield pb.DataChunk(offset=offset, data=piece, **(head if first else {}))
        offset += len(piece)
        first = False
