# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Real processes of the cluster under a test's hand: started on free ports, watched, stopped by pid.

    with Coordinator() as c, Worker(c, elf) as w:
        job = c.client().call("LaunchProof", compute_capacity=10).job_id
        c.client().wait_job(job)

Messages come from proto/ through protoc at start; names are those of the file: `api.JobStatus`.
Everything that waits has a limit. Leaving a `with` ends the process and fails the test when it had
to be killed.
"""
import contextlib
import hashlib
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
except ImportError as e:
    print(f"SKIPPED: {e}; scripts/bootstrap installs python3-grpcio and python3-protobuf")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("ZISK_BIN", os.path.join(ROOT, "build/release/bin"))
SERVICE = "zisk.distributed.api.v1.ZiskDistributedApi"
PATIENCE = float(os.environ.get("ZISK_TEST_PATIENCE", "20"))  # seconds for one thing to happen
OPTIONS = [("grpc.max_receive_message_length", 128 << 20),
           ("grpc.max_send_message_length", 128 << 20), ("grpc.use_local_subchannel_pool", 1),
           ("grpc.enable_http_proxy", 0)]


class Api:
    """Message classes as attributes, and the methods of the service."""

    def __init__(self):
        with tempfile.NamedTemporaryFile() as out:
            subprocess.run(["protoc", "-I", os.path.join(ROOT, "proto"), "-I", "/usr/include",
                            "--include_imports", f"--descriptor_set_out={out.name}",
                            "zisk_distributed_api.proto"], check=True)
            files = descriptor_pb2.FileDescriptorSet.FromString(out.read())
        self.pool = descriptor_pool.DescriptorPool()
        for f in files.file:
            self.pool.Add(f)
        factory = message_factory.MessageFactory(self.pool)
        names = self.pool.FindFileByName("zisk_distributed_api.proto").message_types_by_name
        for name, descriptor in names.items():
            setattr(self, name, factory.GetPrototype(descriptor))
        self.methods = {m.name: m for m in self.pool.FindServiceByName(SERVICE).methods}


api = Api()


def wait_until(condition, what, seconds=None):
    """The first true value of condition()."""
    end = time.monotonic() + (PATIENCE if seconds is None else seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"it did not happen in time: {what}")
        time.sleep(0.01)


class Client:
    """Calls by name: client.call("JobStatus", job_id=...) gives the answer or raises RpcError."""

    def __init__(self, address, credentials=None, token=None, options=()):
        options = OPTIONS + list(options)
        self.channel = (grpc.secure_channel(address, credentials, options) if credentials
                        else grpc.insecure_channel(address, options))
        self.metadata = [("authorization", f"Bearer {token}")] if token else []

    def _callable(self, name):
        m = api.methods[name]
        kind = {(False, False): "unary_unary", (False, True): "unary_stream",
                (True, False): "stream_unary", (True, True): "stream_stream"}
        answer = getattr(api, m.output_type.name)
        return getattr(self.channel, kind[streaming(name)])(
            f"/{SERVICE}/{name}", request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=answer.FromString)

    def request(self, name, **fields):
        return getattr(api, api.methods[name].input_type.name)(**fields)

    def call(self, name, timeout=None, **fields):
        return self._callable(name)(self.request(name, **fields), metadata=self.metadata,
                                    timeout=timeout or PATIENCE)

    def stream(self, name, timeout=None, **fields):
        """Server streaming: an iterator of answers."""
        return self._callable(name)(self.request(name, **fields), metadata=self.metadata,
                                    timeout=timeout or 10 * PATIENCE)

    def send(self, name, messages, timeout=None):
        """Client streaming, or both ways with an iterator of messages."""
        return self._callable(name)(iter(messages), metadata=self.metadata, timeout=timeout)

    def code(self, name, **fields):
        """The status that a call ends with, as (name, text)."""
        try:
            answer = self.call(name, **fields)
            return "OK", answer
        except grpc.RpcError as e:
            return e.code().name, e.details()

    def upload(self, name, data, chunk=1 << 20, sha256=None):
        digest = sha256 if sha256 is not None else hashlib.sha256(data).digest()

        def chunks():
            for at in range(0, max(len(data), 1), chunk):
                first = {"size": len(data), "sha256": digest, "name": "test"} if at == 0 else {}
                yield api.UploadChunk(offset=at, data=data[at:at + chunk], **first)
        return self.send(name, chunks(), timeout=10 * PATIENCE)

    def download(self, name, **fields):
        return b"".join(c.data for c in self.stream(name, **fields))

    def job(self, job_id):
        return self.call("JobStatus", job_id=job_id).job

    def wait_job(self, job_id, states=("Completed", "Failed", "Cancelled"), seconds=None):
        def there():
            job = self.job(job_id)
            return job if job.state in states else None
        return wait_until(there, f"job {job_id} in {states}", seconds)

    def workers(self, **fields):
        return {w.worker_id: w for w in self.call("WorkersList", **fields).workers_list.workers}

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def streaming(name):
    file = api.pool.FindFileByName("zisk_distributed_api.proto")
    proto = descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb)
    m = next(m for m in proto.service[0].method if m.name == name)
    return m.client_streaming, m.server_streaming


class Process:
    """A program with its own folder; standard error goes to FOLDER/log."""

    def __init__(self, program, args, folder=None, env=None, ready=None, limits="", name=None,
                 prefix=()):
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="zisk-cluster-")
        self.name = name or program
        self.command = [*prefix, os.path.join(BIN, program)] + [str(a) for a in args]
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("ZISK_") and k != "RUST_LOG"}
        self.env.update(env or {})
        self.ready, self.limits = ready, limits
        self.process = None

    def start(self):
        self.log = open(os.path.join(self.folder, f"{self.name}.log"), "ab")
        command = self.command
        if self.limits:  # "ulimit -n 40"
            command = ["bash", "-c", f'{self.limits}; exec "$@"', "bash"] + command
        self.process = subprocess.Popen(command, cwd=self.folder, env=self.env, text=True,
                                        stdout=subprocess.PIPE, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        self.lines, self.output = queue.Queue(), []
        threading.Thread(target=self._read, args=(self.process.stdout, self.lines),
                         daemon=True).start()
        self.match = self.expect(self.ready) if self.ready else None
        return self

    @staticmethod
    def _read(out, lines):
        for line in out:
            lines.put(line)
        lines.put(None)
        out.close()

    def expect(self, pattern, seconds=None):
        """Waits for a line of standard output."""
        end = time.monotonic() + (PATIENCE if seconds is None else seconds)
        while True:
            try:
                line = self.lines.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.name} did not print {pattern!r}: {self.tail()}")
            if line is None:
                raise AssertionError(f"{self.name} ended with {self.wait()} before it "
                                     f"printed {pattern!r}: {self.tail()}")
            self.output.append(line)
            match = re.search(pattern, line)
            if match:
                return match

    def tail(self, n=30):
        return "".join(self.output[-n:]) + "\n".join(self.log_text().splitlines()[-n:])

    def log_text(self):
        with open(os.path.join(self.folder, f"{self.name}.log"), errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, seconds=None):
        return wait_until(lambda: re.search(pattern, self.log_text()),
                          f"{pattern!r} in the log of {self.name}: {self.tail()}", seconds)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9, at any moment."""
        if self.alive():
            self.process.kill()
            self.process.wait(PATIENCE)

    def wait(self, seconds=None):
        """The exit code."""
        try:
            return self.process.wait(PATIENCE if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end: {self.tail()}")

    def stop(self, number=signal.SIGTERM, seconds=None):
        """Asks it to go; the exit code."""
        if self.alive():
            self.send_signal(number)
        return self.wait(seconds)

    def memory_kib(self):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def __enter__(self):
        return self.start() if self.process is None else self

    def __exit__(self, failure, *_):
        killed = False
        if self.alive():
            self.send_signal(signal.SIGCONT)
            self.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                killed = True
                self.kill()
        self.log.close()
        if failure:
            sys.stderr.write(f"---- {self.name}\n{self.tail(60)}\n")
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        if killed and not failure:
            raise AssertionError(f"{self.name} had to be killed")


class Coordinator(Process):
    """zisk-coordinator on a free port of this machine. `settings`: {"server.host": "127.0.0.1"}."""

    def __init__(self, settings=None, args=(), port=0, folder=None, **more):
        folder_made = folder or tempfile.mkdtemp(prefix="zisk-cluster-")
        self.file = os.path.join(folder_made, "coordinator.toml")
        with open(self.file, "w") as f:
            for key, value in {"server.host": "127.0.0.1", "server.shutdown_timeout_seconds": 1,
                               **(settings or {})}.items():
                f.write(f"{key} = {json.dumps(value)}\n")
        super().__init__("zisk-coordinator", ["--config", self.file, "--port", port, *args],
                         folder=folder_made, ready=r"Listening on \S+:(\d+)", **more)
        self.own_folder = folder is None
        self.clients = contextlib.ExitStack()

    def start(self):
        super().start()
        self.port = int(self.match.group(1))
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        # Once started again it comes back to the same port.
        self.command[self.command.index("--port") + 1] = str(self.port)
        return self

    def restart(self):
        """After a kill: the same folder, the same port."""
        assert not self.alive()
        self.log.close()
        return self.start()

    def client(self, **options):
        return self.clients.enter_context(Client(self.address, **options))

    def proof_file(self, job_id):
        return os.path.join(self.folder, "proofs", f"proof_{job_id}.bin")

    def __exit__(self, *failure):
        self.clients.close()
        return super().__exit__(*failure)


class Worker(Process):
    """zisk-worker of a coordinator (anything with a url)."""

    def __init__(self, coordinator, elf, worker_id, units=10, args=(), folder=None,
                 program="zisk-worker", **more):
        folder_made = folder or tempfile.mkdtemp(prefix="zisk-cluster-")
        super().__init__(program,
                         ["--elf", elf, "--coordinator-url", coordinator.url,
                          "--worker-id", worker_id, "--compute-capacity", units,
                          "--inputs-folder", folder_made, *args],
                         folder=folder_made, name=worker_id, **more)
        self.own_folder = folder is None


class Proxy:
    """TCP between a worker and the coordinator, on a port of its own. While it is cut, nothing
    passes and nobody is told: connections stay half open, as behind a broken router."""

    def __init__(self, port):
        self.to, self.cut = port, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                a, _ = self.listener.accept()
                b = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.sockets += [a, b]
            for x, y in (a, b), (b, a):
                threading.Thread(target=self._pump, args=(x, y), daemon=True).start()

    def _pump(self, x, y):
        try:
            while data := x.recv(1 << 16):
                while self.cut.is_set():  # what was on the wire is late, not lost
                    time.sleep(0.05)
                y.sendall(data)
        except OSError:
            pass
        for s in x, y:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut.clear()
        for s in [self.listener, *self.sockets]:
            s.close()


class StubWorker:
    """A worker of the test's own making: says what it is told to say."""

    def __init__(self, client, worker_id, units=10, program=b"\x01" * 32, key_words=(1, 2, 3),
                 register=True, tasks=None):
        self.outgoing, self.incoming = queue.Queue(), queue.Queue()
        self.worker_id, self.ended = worker_id, None
        self.call = client.send("WorkerStream", iter(self.outgoing.get, None))
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        if not register:
            return
        abilities = api.WorkerAbilities(program_digest=program, program_key=b"\x02" * 32,
                                        proof_system="stub", version="0", instance_proofs=True,
                                        key_words=key_words)
        capacity = api.ComputeCapacity(compute_units=units)
        if tasks is None:
            self.send(register=api.WorkerRegisterRequest(
                worker_id=worker_id, compute_capacity=capacity, abilities=abilities))
        else:
            self.send(reconnect=api.WorkerReconnectRequest(
                worker_id=worker_id, compute_capacity=capacity, abilities=abilities, tasks=tasks))

    def _read(self):
        try:
            for m in self.call:
                kind = m.WhichOneof("payload")
                if kind == "heartbeat":
                    self.send(heartbeat_ack=api.HeartbeatAck(worker_id=self.worker_id))
                self.incoming.put((kind, getattr(m, kind)))
            self.ended = (self.call.code().name, self.call.details())
        except grpc.RpcError as e:
            self.ended = (e.code().name, e.details())
        self.incoming.put((None, self.ended))

    def send(self, **payload):
        self.outgoing.put(api.WorkerMessage(**payload))

    def expect(self, kind, seconds=None):
        """The next message of that kind; None waits for the end and gives its status."""
        end = time.monotonic() + (PATIENCE if seconds is None else seconds)
        while True:
            try:
                got, message = self.incoming.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.worker_id} got no {kind}")
            if got == kind:
                return message
            if got is None:
                raise AssertionError(f"the stream of {self.worker_id} ended: {message}")

    def close(self):
        self.outgoing.put(None)
        self.call.cancel()
        self.thread.join(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def certificate(folder, name, subject, ca=None, days=2):
    """NAME.crt and NAME.key, signed by `ca` or by itself."""
    path = os.path.join(folder, name)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
           f"{path}.key", "-out", f"{path}.crt", "-days", str(days), "-subj", f"/CN={subject}",
           "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    if ca is None:
        key += ["-addext", "basicConstraints=critical,CA:TRUE"]
    else:
        key += ["-CA", f"{folder}/{ca}.crt", "-CAkey", f"{folder}/{ca}.key", "-addext",
                "basicConstraints=critical,CA:FALSE"]
    subprocess.run(["openssl", "req", "-x509", *key], check=True, capture_output=True)
