#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The process zisk-coordinator: start, settings, every call, restart, drain. No real workers."""
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import queue
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

from harness import (BIN, PATIENCE, SERVICE, Client, Coordinator, StubWorker, api,
                     certificate, descriptor_pb2, descriptor_pool, grpc, json_format,
                     message_factory, wait_until)

DIGEST = hashlib.sha256


def run(*args, **more):
    return subprocess.run([os.path.join(BIN, "zisk-coordinator"), *args], capture_output=True,
                          text=True, timeout=PATIENCE, **more)


class Start(unittest.TestCase):
    def test_help_and_version(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--proofs-dir", done.stdout)
        done = run("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^zisk-coordinator \d+\.\d+\.\d+\n$")

    def test_bad_settings_name_their_place(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "c.toml")
            for text, says in ((
                    '[server]\nport = 50051\nprots_dir = "x"\n', ["c.toml:3", "server.prots_dir"]),
                    ('[server]\nport = "high"\n', ["c.toml:2", "server.port"]),
                    ("[server]\nport = 65536\n", ["c.toml:2", "server.port"]),
                    ('[server]\nadmin_allow = "localhost"\n', ["c.toml:2", "server.admin_allow"]),
                    ('[server]\ntls_cert = "x"\n', ["server.tls_key"]),
                    ('[server]\ntokens_file = "x"\n', ["server.tokens_file", "loopback"]),
                    ('[server]\ntls_client_ca = "x"\n', ["server.tls_cert"]),
                    ('[server]\nhost = "127.0.0.1"\ntokens_file = "x"\nadmin_allow = "::1"\n',
                     ["server.admin_allow"]),
                    ("[coordinator]\ninstance_log_cells = \"25\"\n", ["instance_log_cells"]),
                    ("[coordinator]\ninstance_log_cells = 25\n", ['"25" is none of 20, 23, 26']),
                    ("[coordinator]\ninstance_log_cells = -26\n", ['"-26" is none of']),
                    ("[server]\nupload_max_mib = 2\nartifacts_max_mib = 1\n", ["upload_max_mib"])):
                with open(file, "w") as f:
                    f.write(text)
                done = run("--config", file, cwd=folder)
                self.assertEqual(done.returncode, 2, text)
                self.assertIn("`zisk-coordinator --help` explains it", done.stderr)
                for part in says:
                    self.assertIn(part, done.stderr)
                self.assertEqual(os.listdir(folder), ["c.toml"], "something was made")

    def test_port_taken(self):
        with socket.socket() as taken, tempfile.TemporaryDirectory() as folder:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = run("--port", str(port), cwd=folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(port), done.stderr)
            self.assertIn("in use", done.stderr)

    def test_folders_that_cannot_be(self):
        with tempfile.TemporaryDirectory() as folder:
            open(os.path.join(folder, "file"), "w").close()
            done = run("--port", "0", "--proofs-dir", "file", cwd=folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("file has to be a folder and is something else", done.stderr)
            done = run("--port", "0", "--proofs-dir", "/proc", cwd=folder)  # takes no files
            self.assertEqual(done.returncode, 1)
            self.assertIn("no proof can be saved in /proc: ", done.stderr)
            for name, value, says in (("STATE_DIR", "file", "file"),
                                      ("STATE_DIR", "/proc", "cannot write /proc/jobs.sqlite: "),
                                      ("INPUTS_FOLDER", "none", "server.inputs_folder none: "),
                                      ("INPUTS_FOLDER", "file", "file is no folder")):
                env = {**os.environ, f"ZISK_COORDINATOR_SERVER_{name}": value}
                done = run("--port", "0", cwd=folder, env=env)
                self.assertEqual(done.returncode, 1, (name, value))
                self.assertIn(says, done.stderr)

    def test_one_state_folder_one_coordinator(self):
        with Coordinator() as c:
            done = run("--config", c.file, "--port", "0", cwd=c.folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("jobs.sqlite is used by another coordinator: stop that one, or give "
                          "this one a server.state_dir of its own", done.stderr)

    def test_unknown_variables_are_warned_of(self):
        with Coordinator(env={"ZISK_COORDINATOR_SERVER_PROT": "1"}) as c:
            c.wait_log("ZISK_COORDINATOR_SERVER_PROT")

    def test_json_log(self):
        with Coordinator({"logging.format": "json", "logging.level": "info"}) as c:
            c.client().call("HealthCheck")
            for line in c.log_text().splitlines():
                self.assertIn("timestamp", json.loads(line))


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.inputs = tempfile.TemporaryDirectory()
        cls.c = Coordinator({"server.inputs_folder": cls.inputs.name,
                             "server.upload_max_mib": 64,
                             "service.name": "a name"}).start()
        cls.client = cls.c.client()

    @classmethod
    def tearDownClass(cls):
        cls.c.__exit__(None, None, None)
        cls.inputs.cleanup()

    def launch(self, **fields):
        return self.client.call("LaunchProof", **{"compute_capacity": 10, "queue": True, **fields})

    def test_status(self):
        self.client.call("HealthCheck")
        info = self.client.call("StatusInfo")
        self.assertEqual(info.service_name, "a name")
        self.assertRegex(info.version, r"^\d")
        self.assertIn("protocol", info.proof_system)
        self.assertLess(abs(info.start_time.seconds - time.time()), 3600)
        self.assertGreaterEqual(info.metrics.active_connections, 1)
        self.assertTrue(self.client.call("SystemStatus").HasField("status"))

    def test_unknown_jobs(self):
        for name in ("JobStatus", "CancelJob"):
            self.assertEqual(self.client.code(name, job_id="no such")[0], "NOT_FOUND")
        for name in ("WatchJob", "FetchProof"):
            with self.assertRaises(grpc.RpcError) as e:
                list(self.client.stream(name, job_id="no such"))
            self.assertEqual(e.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_bad_launches(self):
        for code, says, fields in (
                ("RESOURCE_EXHAUSTED", "capacity", {"compute_capacity": 10}),
                ("INVALID_ARGUMENT", "", {"compute_capacity": 0, "queue": True}),
                ("INVALID_ARGUMENT", "", {"compute_capacity": 1, "minimal_compute_capacity": 2,
                                          "queue": True}),
                ("UNIMPLEMENTED", "hints", {"compute_capacity": 1, "hints_mode": 1}),
                ("INVALID_ARGUMENT", "inputs_uri", {"compute_capacity": 1, "inputs_mode": 1}),
                ("INVALID_ARGUMENT", "UploadInput", {"compute_capacity": 1, "inputs_mode": 2}),
                ("INVALID_ARGUMENT", "outside", {"compute_capacity": 1, "inputs_mode": 2,
                                                 "inputs_uri": "/etc/passwd", "queue": True}),
                ("INVALID_ARGUMENT", "outside", {"compute_capacity": 1, "inputs_mode": 2,
                                                 "inputs_uri": "../x", "queue": True})):
            got = self.client.code("LaunchProof", **fields)
            self.assertEqual(got[0], code, fields)
            self.assertIn(says, got[1])

    def test_queue_filters_and_cancel(self):
        low = self.launch(priority=1, data_id="low")
        high = self.launch(priority=9, data_id="high")
        self.assertTrue(low.queued and high.queued)
        waiting = self.client.call("QueueList").jobs
        order = [j.job_id for j in waiting]
        self.assertLess(order.index(high.job_id), order.index(low.job_id))
        self.assertEqual(self.client.job(low.job_id).data_id, "low")
        self.assertIn(low.job_id, [j.job_id for j in self.client.call("JobsList").jobs_list.jobs])
        active = self.client.call("JobsList", active_only=True).jobs_list.jobs
        self.assertNotIn(low.job_id, [j.job_id for j in active])
        events = self.client.stream("WatchJob", job_id=low.job_id, from_start=True)
        self.assertEqual(next(events).status.state, "Queued")
        for job in low, high:
            self.assertEqual(self.client.call("CancelJob", job_id=job.job_id).state, "Cancelled")
        self.assertEqual([e.status.state for e in events if e.HasField("status")], ["Cancelled"])
        self.assertEqual(events.code(), grpc.StatusCode.OK)
        self.assertEqual(self.client.job(low.job_id).state, "Cancelled")
        self.assertEqual(list(self.client.call("QueueList").jobs), [])
        with self.assertRaises(grpc.RpcError) as e:
            self.client.download("FetchProof", job_id=low.job_id)
        self.assertEqual(e.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertIn("Cancelled, CANCELLED: ", e.exception.details())  # why there will be none

    def test_uploads(self):
        data = os.urandom((3 << 20) + 17)
        for name in ("UploadInput", "UploadArtifact"):
            answer = self.client.upload(name, data)
            self.assertEqual((answer.size, answer.sha256), (len(data), DIGEST(data).digest()))
        for offset in 0, 1 << 20, len(data):
            self.assertEqual(self.client.download("DownloadArtifact", sha256=DIGEST(data).digest(),
                                                  offset=offset), data[offset:])
        with self.assertRaises(grpc.RpcError) as e:
            self.client.upload("UploadInput", data, sha256=b"\0" * 32)
        self.assertEqual(e.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        with self.assertRaises(grpc.RpcError) as e:
            self.client.upload("UploadInput", bytes(65 << 20))
        self.assertEqual(e.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertEqual([f for f in os.listdir(os.path.join(self.c.folder, "state/artifacts"))
                          if f.startswith("part-")], [])

    def test_inputs_become_artifacts(self):
        data = os.urandom(100000)
        with open(os.path.join(self.inputs.name, "in.bin"), "wb") as f:
            f.write(data)
        uploaded = self.client.upload("UploadInput", b"uploaded").sha256
        for fields, want in (({"inputs_mode": 2, "inputs_uri": "in.bin"}, data),
                             ({"inputs_mode": 2, "input_digest": uploaded}, b"uploaded")):
            job = self.launch(**fields).job_id
            self.assertEqual(self.client.download("DownloadArtifact",
                                                  sha256=DIGEST(want).digest()), want)
            self.client.call("CancelJob", job_id=job)
        self.assertEqual(self.client.code("LaunchProof", compute_capacity=1, queue=True,
                                          inputs_mode=2, input_digest=b"\7" * 32)[0],
                         "INVALID_ARGUMENT")

    def test_workers(self):
        with StubWorker(self.client, "stub-1", units=7) as w:
            self.assertTrue(w.expect("register_response").accepted)
            there = self.client.workers()["stub-1"]
            self.assertEqual((there.state, there.compute_capacity.compute_units), ("Idle", 7))
            self.assertTrue(there.address.startswith("127.0.0.1:"))
            self.assertIn("stub-1", self.client.workers(available_only=True))
            job = self.client.call("LaunchProof", compute_capacity=7, inputs_mode=1,
                                   inputs_uri="some/path").job_id
            task = w.expect("execute_task")
            self.assertEqual(task.job_id, job)
            self.assertEqual(task.contribution_params.input_path, "some/path")
            self.assertEqual(task.contribution_params.plan.instance_log_cells, 26)
            self.assertEqual(task.contribution_params.plan.max_steps, 1 << 36)
            self.assertNotIn("stub-1", self.client.workers(available_only=True))
            active = self.client.call("JobsList", active_only=True).jobs_list.jobs
            self.assertEqual([j.job_id for j in active], [job])
            self.client.call("CancelJob", job_id=job, reason="enough")
            self.assertEqual(w.expect("job_cancelled").job_id, job)
        wait_until(lambda: self.client.workers()["stub-1"].state == "Disconnected", "loss seen")
        self.assertNotIn("stub-1", self.client.workers(available_only=True))

    def test_nonsense_from_workers(self):
        with StubWorker(self.client, "stub-2", register=False) as w:
            w.send(heartbeat_ack=api.HeartbeatAck(worker_id="stub-2"))
            with self.assertRaises(AssertionError):
                w.expect("register_response")
            self.assertNotEqual(w.ended[0], "OK")
        raw = self.client.channel.stream_stream(f"/{SERVICE}/WorkerStream")
        call = raw(iter([b"\xff\xff\xff\xff"]), timeout=PATIENCE)
        with self.assertRaises(grpc.RpcError) as e:
            list(call)
        self.assertEqual(e.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.client.call("HealthCheck")

    def test_reflection_and_health(self):
        def text(number, data):
            return bytes([number << 3 | 2, len(data)]) + data
        for version in "v1", "v1alpha":
            ask = self.client.channel.stream_stream(
                f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
            answers = list(ask(iter([text(7, b"*"), text(4, SERVICE.encode())]), timeout=PATIENCE))
            self.assertIn(SERVICE.encode(), answers[0])
            for method in api.methods:  # what grpcurl needs for `describe` and for calls by name
                self.assertIn(method.encode(), answers[1])
        check = self.client.channel.unary_unary("/grpc.health.v1.Health/Check")
        for service in b"", SERVICE.encode():
            self.assertEqual(check(text(1, service) if service else b"", timeout=PATIENCE),
                             b"\x08\x01")

    def test_calls_by_a_stranger(self):
        """The chapter's administrative calls as grpcurl makes them: nothing known but reflection."""
        def field(number, data):
            return bytes([number << 3 | 2, len(data)]) + data
        ask = self.client.channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        answer = next(ask(iter([field(4, SERVICE.encode())]), timeout=PATIENCE))
        stranger = descriptor_pool.DescriptorPool()
        for raw in reversed(files_of(answer)):
            stranger.Add(descriptor_pb2.FileDescriptorProto.FromString(raw))
        factory = message_factory.MessageFactory(stranger)
        methods = stranger.FindServiceByName(SERVICE).methods_by_name
        for name, data, wants in (("HealthCheck", "{}", set()),
                                  ("SystemStatus", "{}", {"status"}),
                                  ("JobsList", '{"active_only": true}', {"jobsList"}),
                                  ("WorkersList", '{"available_only": true}', {"workersList"})):
            request = factory.GetPrototype(methods[name].input_type)()
            json_format.Parse(data, request)
            response = factory.GetPrototype(methods[name].output_type)
            call = self.client.channel.unary_unary(f"/{SERVICE}/{name}")
            got = response.FromString(call(request.SerializeToString(), timeout=PATIENCE))
            self.assertEqual(set(json.loads(json_format.MessageToJson(got))), wants)


def files_of(answer):
    """file_descriptor_response.file_descriptor_proto of a ServerReflectionResponse."""
    def varint(data, at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                return value, at

    def fields(data):
        at = 0
        while at < len(data):
            tag, at = varint(data, at)
            n, at = varint(data, at)  # every field on the way is length-delimited
            yield tag >> 3, data[at:at + n]
            at += n
    response = next(v for k, v in fields(answer) if k == 4)
    return [v for k, v in fields(response) if k == 1]


class Hook:
    """A web server that keeps what is posted, and is out of order for the first `failures`."""

    def __init__(self, failures=0):
        self.posts = posts = queue.Queue()
        self.calls = calls = []  # headers and body, of all

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                time.sleep(0.3)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                calls.append((dict(self.headers), body))
                if len(calls) > failures:
                    posts.put((self.path, json.loads(body)))
                self.send_response(200 if len(calls) > failures else 503)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/done"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Life(unittest.TestCase):
    def test_restart_keeps_jobs(self):
        with Coordinator() as c:
            client = c.client()
            data = b"an input that outlives its coordinator"
            digest = client.upload("UploadInput", data).sha256
            job = client.call("LaunchProof", compute_capacity=10, queue=True, data_id="kept",
                              inputs_mode=2, input_digest=digest).job_id
            over = client.call("LaunchProof", compute_capacity=10, queue=True).job_id
            client.call("CancelJob", job_id=over)
            c.kill()
            c.restart()
            client = c.client()
            self.assertEqual((client.job(job).state, client.job(job).data_id), ("Queued", "kept"))
            self.assertEqual(client.job(over).state, "Cancelled")
            self.assertEqual(client.download("DownloadArtifact", sha256=digest), data)
            events = client.stream("WatchJob", job_id=over, from_start=True)
            self.assertEqual([e.status.state for e in events], ["Cancelled"])
            with StubWorker(client, "late") as w:  # and the queue moves on
                w.expect("register_response")
                task = w.expect("execute_task")
                self.assertEqual(task.job_id, job)
                self.assertEqual(task.contribution_params.input_digest, digest)

    def test_drain(self):
        with Hook() as hook, Coordinator({"server.shutdown_timeout_seconds": 30,
                                          "coordinator.webhook_url": hook.url}) as c:
            client = c.client()
            with StubWorker(client, "w") as w:
                w.expect("register_response")
                job = client.call("LaunchProof", compute_capacity=10).job_id
                w.expect("execute_task")
                events = client.stream("WatchJob", job_id=job)
                next(events)
                c.send_signal(signal.SIGTERM)
                wait_until(lambda: client.code("LaunchProof", compute_capacity=1)[0] ==
                           "UNAVAILABLE", "launches are refused")
                self.assertTrue(c.alive())  # a job runs
                self.assertEqual(client.job(job).state, "Running (Contributions)")
                client.call("CancelJob", job_id=job)
                self.assertIn("Cancelled", [e.status.state for e in events])
                w.expect("shutdown")
            self.assertEqual(c.wait(), 0)
            # The end of a job that ended meanwhile is told before the process goes.
            path, body = hook.posts.get(timeout=PATIENCE)
            self.assertEqual(path, f"/done/{job}")
            self.assertEqual((body["job_id"], body["success"], body["proof"],
                              body["error"]["code"]), (job, False, None, "CANCELLED"))

    def test_webhook_is_signed_and_tried_again(self):
        with tempfile.NamedTemporaryFile("w") as secret, Hook(failures=2) as hook:
            secret.write("a shared secret\n")
            secret.flush()
            with Coordinator({"coordinator.webhook_url": hook.url,
                              "coordinator.webhook_retries": 3,
                              "coordinator.webhook_secret_file": secret.name}) as c:
                job = c.client().call("LaunchProof", compute_capacity=10, queue=True).job_id
                c.client().call("CancelJob", job_id=job)
                path, body = hook.posts.get(timeout=PATIENCE)
                self.assertEqual((path, body["job_id"]), (f"/done/{job}", job))
                self.assertNotIn("a shared secret", c.log_text())
            self.assertEqual(len(hook.calls), 3)  # two without success, and none after it
            for headers, raw in hook.calls:
                signed = headers["X-Zisk-Timestamp"].encode() + b"." + raw
                self.assertEqual(headers["X-Zisk-Signature"], "sha256=" + hmac.new(
                    b"a shared secret", signed, "sha256").hexdigest())

    def test_drain_has_an_end_and_the_job_stays(self):
        with Coordinator({"server.shutdown_timeout_seconds": 1}) as c:
            client = c.client()
            with StubWorker(client, "w") as w:
                w.expect("register_response")
                job = client.call("LaunchProof", compute_capacity=10).job_id
                w.expect("execute_task")
                self.assertEqual(c.stop(), 0)
            c.restart()
            self.assertEqual(c.client().job(job).state, "Running (Contributions)")

    def test_second_signal_stops_at_once(self):
        with Coordinator({"server.shutdown_timeout_seconds": 600}) as c:
            client = c.client()
            with StubWorker(client, "w") as w:
                w.expect("register_response")
                client.call("LaunchProof", compute_capacity=10)
                c.send_signal(signal.SIGINT)
                c.wait_log("shutting down")
                self.assertTrue(c.alive())
                c.send_signal(signal.SIGINT)
                self.assertEqual(c.wait(), 0)

    def test_silent_workers_are_lost(self):
        with Coordinator({"coordinator.heartbeat_timeout_seconds": 2}) as c:
            client = c.client()
            w = StubWorker(client, "w", register=False)
            w.send(register=api.WorkerRegisterRequest(
                worker_id="w", compute_capacity=api.ComputeCapacity(compute_units=1)))
            self.assertEqual(w.expect("register_response").heartbeat_timeout_seconds, 2)
            w.expect("heartbeat")
            w.send = lambda **_: None  # from now on it is dead
            wait_until(lambda: client.workers()["w"].state == "Disconnected", "loss seen")
            w.close()

    def test_few_file_descriptors(self):
        with Coordinator(limits="ulimit -Hn 40; ulimit -Sn 40", name="few") as c:
            client = c.client()
            client.call("HealthCheck")
            sockets = []
            for _ in range(100):
                s = socket.socket()
                s.settimeout(PATIENCE)
                s.connect(("127.0.0.1", c.port))
                sockets.append(s)
            client.call("HealthCheck")  # those who are connected notice nothing
            job = client.call("LaunchProof", compute_capacity=10, queue=True).job_id
            for s in sockets:
                s.close()

            def answers():
                with Client(c.address) as other:
                    return other.code("JobStatus", job_id=job)[0] == "OK"
            wait_until(answers, "a new connection")

    def test_connections_of_one_address(self):
        with Coordinator({"server.max_connections_host": 3}) as c:
            sockets = [socket.create_connection(("127.0.0.1", c.port)) for _ in range(4)]
            for s in sockets:
                s.settimeout(PATIENCE)
            self.assertEqual(sockets[3].recv(1), b"")  # refused
            sockets[0].close()
            with c.client() as client:
                wait_until(lambda: client.code("HealthCheck")[0] == "OK", "a place is free")
            for s in sockets:
                s.close()

    def test_limits_of_workers(self):
        with Coordinator({"coordinator.max_total_workers": 1,
                          "coordinator.max_workers_per_job": 1}) as c:
            client = c.client()
            with StubWorker(client, "a", units=5) as a:
                self.assertTrue(a.expect("register_response").accepted)
                with StubWorker(client, "b", units=5) as b:
                    self.assertFalse(b.expect("register_response").accepted)
                self.assertEqual(client.code("LaunchProof", compute_capacity=10)[0],
                                 "RESOURCE_EXHAUSTED")


class Settings(unittest.TestCase):
    """What a key of the file changes."""

    def test_plan_of_new_jobs(self):
        with Coordinator({"coordinator.instance_log_cells": 23,
                          "coordinator.max_steps": 1000}) as c:
            client = c.client()
            with StubWorker(client, "w") as w:
                client.call("LaunchProof", compute_capacity=1, queue=True)
                plan = w.expect("execute_task").contribution_params.plan
                self.assertEqual((plan.instance_log_cells, plan.max_steps), (23, 1000))

    def test_metrics(self):
        port = free_port()
        with Coordinator({"server.metrics_port": port}) as c:
            c.expect(f"http://127.0.0.1:{port}/metrics")
            client = c.client()
            client.code("JobStatus", job_id="none")
            with StubWorker(client, "w", units=4) as w:
                w.expect("register_response")
                job = client.call("LaunchProof", compute_capacity=4).job_id
                client.call("CancelJob", job_id=job)
                text = http_get(port, "/metrics")
                for line in ('coordinator_requests_total{method="JobStatus",status="NOT_FOUND"} 1',
                             'coordinator_workers_connected 1', 'coordinator_capacity_units 4',
                             'coordinator_jobs_total{kind="prove",outcome="cancelled"} 1',
                             'coordinator_worker_registrations_total 1'):
                    self.assertIn(line + "\n", text)
                self.assertNotIn("tls_certificate", text)
            self.assertIn("serving", http_get(port, "/health"))
            done = run("--config", c.file, "--port", "0", cwd=c.folder,
                       env={**os.environ, "ZISK_COORDINATOR_SERVER_STATE_DIR": "other"})
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(port), done.stderr)

    def test_trouble_of_its_disk_is_logged(self):
        with Coordinator() as c:
            uploads = os.path.join(c.folder, "state", "artifacts")
            shutil.rmtree(uploads)
            with open(uploads, "w"):  # a file in place of the folder
                pass
            with self.assertRaises(grpc.RpcError) as refused:
                c.client().upload("UploadInput", b"x")
            self.assertEqual(refused.exception.code(), grpc.StatusCode.INTERNAL)
            c.wait_log("ERROR coordinator::service: a call failed .*artifacts")

    def test_limit_of_all_uploads(self):
        with Coordinator({"server.artifacts_max_mib": 2, "server.upload_max_mib": 2}) as c:
            client = c.client()
            client.upload("UploadInput", bytes(1 << 20))
            with self.assertRaises(grpc.RpcError) as e:
                client.upload("UploadInput", bytes((1 << 20) + 1))
            self.assertEqual(e.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_retention_of_proofs(self):
        c = Coordinator({"server.proofs_retention_days": 2})
        folder = os.path.join(c.folder, "proofs")
        os.makedirs(folder)
        name = "proof_00000000-0000-4000-8000-00000000000%d.bin"
        for i, days in enumerate((3, 1)):
            path = os.path.join(folder, name % i)
            open(path, "w").close()
            os.utime(path, (time.time() - days * 86400,) * 2)
        open(os.path.join(folder, "mine.bin"), "w").close()
        os.utime(os.path.join(folder, "mine.bin"), (1, 1))
        with c:
            wait_until(lambda: sorted(os.listdir(folder)) == ["mine.bin", name % 1], "it is gone")

    def test_retention_of_jobs(self):
        with Coordinator({"coordinator.job_retention_hours": 2}) as c:
            client = c.client()
            jobs = [client.call("LaunchProof", compute_capacity=1, queue=True).job_id
                    for _ in range(2)]
            for job in jobs:
                client.call("CancelJob", job_id=job)
            self.assertEqual(c.stop(), 0)
            with sqlite3.connect(os.path.join(c.folder, "state/jobs.sqlite")) as db:
                db.execute("UPDATE job SET changed_ms = changed_ms - 3 * 3600000 WHERE id = ?",
                           (jobs[0],))
            db.close()
            c.restart()
            client = c.client()
            wait_until(lambda: client.code("JobStatus", job_id=jobs[0])[0] == "NOT_FOUND", "gone")
            self.assertEqual(client.job(jobs[1]).state, "Cancelled")

    def test_grace_and_capacity(self):
        with Coordinator({"coordinator.reconnect_grace_seconds": 1,
                          "coordinator.capacity_timeout_seconds": 2}) as c:
            client = c.client()
            with StubWorker(client, "a") as a:
                job = client.call("LaunchProof", compute_capacity=10, queue=True).job_id
                a.expect("execute_task")
            with StubWorker(client, "b") as b:
                self.assertEqual(b.expect("execute_task").job_id, job)
            done = client.wait_job(job)
            self.assertEqual((done.state, done.failure.code), ("Failed", "CAPACITY_LOST"))

    def test_phase_timeout_and_attempts(self):
        with Coordinator({"coordinator.phase1_timeout_seconds": 1,
                          "coordinator.max_attempts": 1}) as c:
            client = c.client()
            with StubWorker(client, "a") as a:
                job = client.call("LaunchProof", compute_capacity=10, queue=True).job_id
                a.expect("execute_task")
                done = client.wait_job(job)
                self.assertEqual((done.state, done.failure.code), ("Failed", "PHASE1_TIMEOUT"))

    def test_attempts(self):
        with Coordinator({"coordinator.max_attempts": 2}) as c:
            client = c.client()
            with contextlib.ExitStack() as both:
                a = both.enter_context(StubWorker(client, "a"))
                a.expect("register_response")  # before the other: work goes in this order
                b = both.enter_context(StubWorker(client, "b"))
                b.expect("register_response")
                job = client.call("LaunchProof", compute_capacity=10).job_id
                for w in a, b:  # the share moves once, and that is all
                    task = w.expect("execute_task")
                    w.send(execute_task_response=api.ExecuteTaskResponse(
                        job_id=job, worker_id=w.worker_id, task_type=task.task_type,
                        success=False, error_message=f"{w.worker_id} is out of luck",
                        error_code="INTERNAL", epoch=task.epoch, task_id=task.task_id))
                done = client.wait_job(job)
                self.assertEqual((done.state, done.failure.code), ("Failed", "WORKER_FAILURE"))
                self.assertIn("b is out of luck", done.failure.message)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def http_get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as r:
        return r.read().decode()


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as f:
        return f.read()


class Security(unittest.TestCase):
    def test_addresses(self):
        with Coordinator({"server.admin_allow": "10.1.2.3"}) as c:
            client = c.client()
            client.call("HealthCheck")
            for name in ("LaunchProof", "JobsList", "CancelJob", "StatusInfo"):
                code, text = client.code(name)
                self.assertEqual(code, "PERMISSION_DENIED")
                self.assertIn("server.admin_allow", text)
            with self.assertRaises(grpc.RpcError) as e:
                client.upload("UploadInput", b"x")
            self.assertEqual(e.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
            client.upload("UploadArtifact", b"x")
            with StubWorker(client, "w") as w:
                self.assertTrue(w.expect("register_response").accepted)

    def test_tokens(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokens")

            def tokens(text):
                with open(file, "w") as f:
                    f.write(text)
                os.chmod(file, 0o600)
            tokens("worker w worker-token-00001\nclient c client-token-00001\n"
                   "admin a admin-token-000001\n")
            with Coordinator({"server.tokens_file": file, "logging.level": "trace"}) as c:
                for token, calls in (
                        (None, {"HealthCheck": "OK", "StatusInfo": "UNAUTHENTICATED"}),
                        ("client-token-00001", {"StatusInfo": "OK",
                                                "JobsList": "PERMISSION_DENIED"}),
                        ("worker-token-00001", {"StatusInfo": "PERMISSION_DENIED"}),
                        ("admin-token-000001", {"StatusInfo": "OK", "JobsList": "OK"})):
                    client = c.client(token=token)
                    for name, code in calls.items():
                        self.assertEqual(client.code(name)[0], code, (token, name))
                worker = c.client(token="worker-token-00001")
                raw = worker.send("WorkerStream", iter([]))
                raw.cancel()
                tokens("admin a admin-token-000002\n")
                c.send_signal(signal.SIGHUP)
                c.wait_log("read tokens")
                self.assertEqual(c.client(token="admin-token-000002").code("JobsList")[0], "OK")
                old = c.client(token="admin-token-000001")
                codes = [old.code("JobsList")[0] for _ in range(12)]
                self.assertEqual(codes[0], "UNAUTHENTICATED")
                self.assertEqual(codes[-1], "RESOURCE_EXHAUSTED")
                self.assertNotIn("-token-0", c.log_text())

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate(folder, "ca", "a test authority")
            for name, subject in (("server", "localhost"), ("admin", "admin:ops"),
                                  ("worker", "worker:w1"), ("other", "nobody")):
                certificate(folder, name, subject, ca="ca")
            certificate(folder, "stranger", "admin:stranger")

            def credentials(name=None):
                return grpc.ssl_channel_credentials(
                    read(folder, "ca.crt"), *([read(folder, f"{name}.key"),
                                               read(folder, f"{name}.crt")] if name else []))

            def seconds_left():
                return float(re.search(r"^coordinator_tls_certificate_seconds (\S+)$",
                                       http_get(port, "/metrics"), re.M)[1])
            port, day = free_port(), 86400
            with Coordinator({"server.tls_cert": f"{folder}/server.crt",
                              "server.tls_key": f"{folder}/server.key",
                              "server.tls_client_ca": f"{folder}/ca.crt",
                              "server.metrics_port": port}) as c:
                for name, method, code in (("admin", "JobsList", "OK"),
                                           ("worker", "JobsList", "PERMISSION_DENIED"),
                                           ("other", "JobsList", "UNAUTHENTICATED"),
                                           ("other", "HealthCheck", "OK"),
                                           ("stranger", "HealthCheck", "UNAVAILABLE"),
                                           (None, "HealthCheck", "UNAVAILABLE")):
                    got = c.client(credentials=credentials(name)).code(method, timeout=10)
                    self.assertEqual(got[0], code, (name, method, got[1]))
                c.wait_log(r"the TLS certificate expires soon.*days=[12]\b")
                self.assertTrue(day < seconds_left() <= 2 * day)
                # A new certificate, read on SIGHUP.
                before = ssl_peer(c.port, folder)
                certificate(folder, "server", "localhost", ca="ca", days=30)
                c.send_signal(signal.SIGHUP)
                c.wait_log("read tokens")
                self.assertEqual(c.log_text().count("expires soon"), 1)
                self.assertTrue(29 * day < seconds_left() <= 30 * day)
                self.assertNotEqual(ssl_peer(c.port, folder), before)
                self.assertEqual(c.client(credentials=credentials("admin")).code("JobsList")[0],
                                 "OK")
                base = f"{folder}/server"
                for command in (["req", "-new", "-key", f"{base}.key", "-subj", "/CN=localhost",
                                 "-out", f"{base}.csr"],
                                ["x509", "-req", "-in", f"{base}.csr", "-CA", f"{folder}/ca.crt",
                                 "-CAkey", f"{folder}/ca.key", "-CAcreateserial", "-days", "-1",
                                 "-out", f"{base}.crt"]):
                    subprocess.run(["openssl", *command], check=True, capture_output=True)
                c.send_signal(signal.SIGHUP)
                c.wait_log("the TLS certificate has expired")
                self.assertLess(seconds_left(), 0)


def ssl_peer(port, folder):
    context = ssl.create_default_context(cafile=f"{folder}/ca.crt")
    context.load_cert_chain(f"{folder}/admin.crt", f"{folder}/admin.key")
    with socket.create_connection(("127.0.0.1", port)) as s:
        with context.wrap_socket(s, server_hostname="localhost") as t:
            return t.getpeercert(binary_form=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
