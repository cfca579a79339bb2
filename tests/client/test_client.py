#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The client's commands against a fake coordinator.

usage: test_client.py CLIENT ZISK sha256.elf help.txt [TEST...]
"""
import fcntl
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

from fake_coordinator import FakeCoordinator, Refuse, chunks, event, pb, status

CLIENT, ZISK, ELF, HELP = sys.argv[1:5]
LIMIT_S = 60
COMMANDS = ["prove", "jobs", "workers", "status", "queue", "watch", "fetch", "cancel", "top"]


def completed(proof=b"", **more):
    import hashlib
    return status("Completed", proof_bytes=len(proof), executed_steps=1234,
                  proof_sha256=hashlib.sha256(proof).digest() if proof else b"", **more)


def progress(done, total=8, phase="Prove", **more):
    return pb.JobProgress(phase=phase, instances_done=done, instances_total=total,
                          phase_elapsed_ms=5000, **more)


def hang(context):
    """Until the call or its server is gone."""
    end = time.time() + LIMIT_S
    while context.is_active() and time.time() < end:
        time.sleep(0.02)


class Case(unittest.TestCase):
    def setUp(self):
        self.fake = FakeCoordinator()
        self.addCleanup(self.fake.stop)
        self.folder = tempfile.TemporaryDirectory(prefix="zisk_client.")
        self.addCleanup(self.folder.cleanup)

    def path(self, name, data=None):
        path = os.path.join(self.folder.name, name)
        if data is not None:
            with open(path, "wb") as f:
                f.write(data)
        return path

    def read(self, path):
        with open(path, "rb") as f:
            return f.read()

    def command(self, *args):
        return [CLIENT, args[0], *args[1:], "--coordinator-url", self.fake.url]

    def run_client(self, *args, code=0):
        """stdout and stderr; the exit code must be `code`."""
        p = subprocess.run(self.command(*args), capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stdout, p.stderr

    def error(self, *args):
        """The last line of stderr of a command that fails."""
        out, err = self.run_client(*args, code=1)
        self.assertEqual(out, "")
        return err.rstrip("\n").split("\n")[-1]

    def launches(self, job="job-1", queued=False):
        self.fake.LaunchProof = lambda r, c: pb.LaunchProofResponse(job_id=job, queued=queued)

    def events(self, *list_of_events, pause=0.0):
        def watch(request, context):
            for e in list_of_events:
                time.sleep(pause)
                yield event(e)
        self.fake.WatchJob = watch

    def proof(self, data):
        self.fake.FetchProof = lambda r, c: chunks(data, r.offset)


class Lists(Case):
    JOBS = [
        status("Running (Prove)", "Prove", compute_capacity=20, assigned_workers=["w1", "w2"],
               progress=progress(3, time_left_ms=83000)),
        status("Queued", job="job-2", queue_position=1, priority=7, compute_capacity=5),
        status("Failed", job="job-3", failure=pb.ErrorResponse(
            code="WORKER_FAILURE", message="worker w3 said:\x1b[2J\nout of memory")),
    ]

    def test_jobs(self):
        self.fake.JobsList = lambda r, c: pb.JobsListResponse(jobs_list=pb.JobsList(jobs=self.JOBS))
        out, _ = self.run_client("jobs")
        self.assertEqual(out.split("\n"), [
            "JOB    DATA  STATE            DONE  AGE   UNITS  WORKERS  REMARK",
            "job-1  data  Running (Prove)  3/8   1:05  20     2        1:23 left",
            "job-2  data  Queued           -     1:05  5      0        place 1, priority 7",
            "job-3  data  Failed           -     1:05  0      0        "
            "WORKER_FAILURE: worker w3 said:\\u001b[2J\\nout of memory", ""])
        self.assertFalse(self.fake.requests("JobsList")[0].active_only)
        out, _ = self.run_client("jobs", "--active", "--json")
        self.assertTrue(self.fake.requests("JobsList")[1].active_only)
        jobs = json.loads(out)["jobs"]
        self.assertEqual(jobs[0]["progress"]["instances_done"], 3)
        self.assertEqual(jobs[0]["assigned_workers"], ["w1", "w2"])
        self.assertEqual(jobs[2]["failure"]["message"], "worker w3 said:\x1b[2J\nout of memory")
        self.assertIsNone(jobs[1]["progress"])

    def test_workers(self):
        now = int(time.time())
        worker = pb.WorkerInfo(worker_id="w1", state="Idle", address="10.0.0.7:4711", version="0.1.0",
                               reason="no job asks for its program", program_digest=b"\x01\xff")
        worker.compute_capacity.compute_units = 10
        worker.connected_at.seconds = now - 3700
        worker.connected_at.nanos = 5000000
        worker.last_heartbeat.seconds = now - 2
        workers = [worker, pb.WorkerInfo(worker_id="w2", state="Disconnected")]
        self.fake.WorkersList = lambda r, c: pb.WorkersListResponse(
            workers_list=pb.WorkersList(workers=workers))
        out, _ = self.run_client("workers", "--available")
        lines = out.split("\n")
        self.assertRegex(lines[0], r"^WORKER  STATE         UNITS  JOB  CONNECTED  HEARD  ADDRESS +"
                                   r"VERSION  REASON$")
        self.assertRegex(lines[1], r"^w1      Idle          10     -    1:01:4\d    0:0\d   "
                                   r"10.0.0.7:4711  0.1.0    no job asks for its program$")
        self.assertRegex(lines[2], r"^w2      Disconnected  0      -    -          -      - ")
        self.assertTrue(self.fake.requests("WorkersList")[0].available_only)
        out, _ = self.run_client("workers", "--json")
        first = json.loads(out)["workers"][0]
        self.assertEqual(first["program_digest"], "01ff")
        self.assertRegex(first["connected_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.005Z$")

    def test_status(self):
        self.fake.StatusInfo = lambda r, c: pb.StatusInfoResponse(
            service_name="ZisK", version="0.1.0", uptime_seconds=3700, proof_system="1",
            metrics=pb.Metrics(active_connections=4))
        self.fake.SystemStatus = lambda r, c: pb.SystemStatusResponse(status=pb.SystemStatus(
            total_workers=3, compute_capacity=30, idle_workers=2, busy_workers=1, active_jobs=1,
            queued_jobs=5))
        out, _ = self.run_client("status")
        self.assertIn("workers      3: 2 idle, 1 busy\n", out)
        self.assertIn("up           1:01:40\n", out)
        self.assertIn("jobs         1 active, 5 queued\n", out)
        both = json.loads(self.run_client("status", "--json")[0])
        self.assertEqual(both["info"]["metrics"]["active_connections"], 4)
        self.assertEqual(both["status"]["queued_jobs"], 5)

        self.fake.JobStatus = lambda r, c: pb.JobStatusResponse(job=self.JOBS[0])
        out, _ = self.run_client("status", "job-1")
        self.assertIn("state        Running (Prove)\n", out)
        self.assertIn("started      2023-11-14 22:13:20 UTC\n", out)
        self.assertIn("done         3 of 8 instances\n", out)
        self.assertEqual(self.fake.requests("JobStatus")[0].job_id, "job-1")
        self.assertEqual(json.loads(self.run_client("status", "job-1", "--json")[0])["state"],
                         "Running (Prove)")
        self.fake.JobStatus = lambda r, c: pb.JobStatusResponse(
            error=pb.ErrorResponse(code="JOB_NOT_FOUND", message="no job job-1"))
        self.assertEqual(self.error("status", "job-1"), "error: JOB_NOT_FOUND: no job job-1")
        self.fake.JobStatus = lambda r, c: pb.JobStatusResponse(job=status(
            "Running (Contributions)", progress=progress(0, 0, steps_done=2345678901)))
        self.assertIn("executed     2345 M steps\n", self.run_client("status", "job-1")[0])

    def test_queue_and_cancel(self):
        self.fake.QueueList = lambda r, c: pb.QueueListResponse(jobs=[self.JOBS[1]])
        self.assertIn("place 1, priority 7", self.run_client("queue")[0])
        self.assertEqual(json.loads(self.run_client("queue", "--json")[0])["jobs"][0]["job_id"],
                         "job-2")
        self.fake.CancelJob = lambda r, c: pb.CancelJobResponse(state="Cancelled")
        self.assertEqual(self.run_client("cancel", "job-2", "--reason", "too late")[0],
                         "job job-2 is cancelled\n")
        self.assertEqual(self.fake.requests("CancelJob")[0].reason, "too late")
        self.assertEqual(json.loads(self.run_client("cancel", "job-2", "--json")[0]),
                         {"state": "Cancelled"})
        self.fake.CancelJob = lambda r, c: pb.CancelJobResponse(state="Completed")
        self.assertEqual(self.run_client("cancel", "job-2")[0],
                         "job job-2 was over before: Completed\n")

    def test_top(self):
        self.test_status()
        self.test_jobs()
        self.test_workers()
        out, _ = self.run_client("top")
        self.assertIn("workers 3 (2 idle, 1 busy), 30 units; jobs 1 active, 5 queued; 3 in all", out)
        self.assertIn("no job asks for its program", out)
        self.assertEqual(set(json.loads(self.run_client("top", "--json")[0])),
                         {"status", "jobs", "workers"})


class Failures(Case):
    def test_nobody_there(self):
        self.fake.stop()
        line = self.error("jobs")
        self.assertRegex(line, r"^error: UNAVAILABLE: cannot reach a coordinator at "
                               r"http://127.0.0.1:\d+: .*refused; is it running there\?")
        self.fake.start()

    def test_somebody_else_there(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def answer():
                with server.accept()[0] as peer:
                    peer.recv(4096)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    peer.recv(4096)
            thread = threading.Thread(target=answer)
            thread.start()
            p = subprocess.run([CLIENT, "jobs", "--coordinator-url",
                                f"http://127.0.0.1:{server.getsockname()[1]}"],
                               capture_output=True, text=True, timeout=LIMIT_S)
            thread.join()
        self.assertIn("the peer speaks no HTTP/2 (is it the port of another service?)", p.stderr)

    def test_statuses(self):
        def refuse(code, text):
            def handler(request, context):
                raise Refuse(code, text)
            return handler
        for code, text, want in [
                ("PERMISSION_DENIED", "10.0.0.1 is not allowed", "10.0.0.1 is not allowed"),
                ("UNAUTHENTICATED", "this call needs a token",
                 "this call needs a token (--token-file, --tls-cert)"),
                ("RESOURCE_EXHAUSTED", "Insufficient compute capacity",
                 "Insufficient compute capacity"),
                ("NOT_FOUND", "evil \x1b]0;x\x07", "evil \\u001b]0;x\\u0007")]:
            self.fake.CancelJob = refuse(code, text)
            self.assertEqual(self.error("cancel", "job-1"), f"error: {code}: {want}")

    def test_answers_that_are_none(self):
        self.fake.CancelJob = lambda r, c: b"\xff\xff"
        self.assertRegex(self.error("cancel", "job-1"), "^error: DATA_LOSS: the coordinator's answer")
        self.fake.JobsList = lambda r, c: pb.JobsListResponse()
        self.assertEqual(self.error("jobs"), "error: UNKNOWN: an answer without content")
        self.launches(job="../../x y")
        self.assertEqual(self.error("prove", "-c", "1"),
                         "error: DATA_LOSS: the answer to LaunchProof names no job")

    def test_usage(self):
        for args in (["jobs", "--bogus"], ["watch"], ["watch", "a", "b"], ["watch", "a/b"], ["prove"],
                     ["fetch", "a"], ["cancel", "a", "--reason"], ["prove", "-c", "1", "--priority", "3"],
                     ["prove", "-c", "1", "--vk", "12"], ["prove", "-c", "1", "--raw-input"],
                     ["prove", "-c", "1", "--vk", "0" * 64],
                     ["prove", "-c", "1", "--hints-uri", "x"],
                     ["prove", "-c", "1", "--inputs-uri", "https://host/in"],
                     ["jobs", "--tls-ca", "x"], ["prove", "-c", "1", "--no-wait", "--output", "x"]):
            _, err = self.run_client(*args, code=2)
            self.assertRegex(err, r"^zisk-coordinator [a-z]+: .*; `zisk-coordinator [a-z]+ --help` "
                                  r"explains it\n$", args)

    def test_no_such_command(self):
        p = subprocess.run([CLIENT, "list"], capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual((p.returncode, p.stdout), (2, ""))
        self.assertIn('there is no command "list"\n', p.stderr)
        for command in COMMANDS:
            self.assertRegex(p.stderr, f"(?m)^  {command} +[A-Z]")

    def test_output_that_is_lost_is_a_failure(self):
        self.fake.QueueList = lambda r, c: pb.QueueListResponse()
        with open("/dev/null", "rb") as reader:  # cannot be written to
            for args in (["queue"], ["queue", "--json"], ["queue", "--help"]):
                p = subprocess.run(self.command(*args), stdout=reader, stderr=subprocess.PIPE,
                                   text=True, timeout=LIMIT_S)
                self.assertEqual(p.returncode, 1, args)
                self.assertRegex(p.stderr, "zisk-coordinator queue: the output cannot be written: ")

    def test_token(self):
        self.fake.CancelJob = lambda r, c: pb.CancelJobResponse(state="Cancelled")
        token = self.path("token", b"secret-token-1\nrest\n")
        self.run_client("cancel", "job-1", "--token-file", token)
        self.assertEqual(self.fake.metadata["authorization"], "Bearer secret-token-1")
        p = subprocess.run([CLIENT, "jobs", "--coordinator-url", "http://192.0.2.1:1",
                            "--token-file", token], capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(p.returncode, 1)
        self.assertIn("in the clear", p.stderr)
        self.assertNotIn("secret-token", p.stderr)
        self.assertIn("is empty", self.error("jobs", "--token-file", self.path("none", b"\n")))
        self.assertIn("/nonexistent/t", self.error("jobs", "--token-file", "/nonexistent/t"))


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificates")
class Tls(Case):
    def certificate(self, name):
        key, cert = self.path(name + ".key"), self.path(name + ".pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=client:" + name, "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", cert], check=True, capture_output=True,
                       timeout=LIMIT_S)
        return key, cert

    def test_both_sides_show_certificates(self):
        key, cert = self.certificate("server")
        own_key, own_cert = self.certificate("me")
        self.fake.stop()
        self.fake.serve_tls(self.read(key), self.read(cert), self.read(own_cert))
        self.fake.CancelJob = lambda r, c: pb.CancelJobResponse(state="Cancelled")
        own = ["--tls-cert", own_cert, "--tls-key", own_key]
        token = ["--token-file", self.path("token", b"secret\n")]
        self.run_client("cancel", "job-1", "--tls-ca", cert, *own, *token)
        self.assertEqual(self.fake.metadata["authorization"], "Bearer secret")
        for args in (["--tls-ca", cert], ["--tls-ca", own_cert, *own], own):
            self.assertRegex(self.error("cancel", "job-1", *args),
                             r"^error: UNAVAILABLE: no agreement .*: TLS .*\(--tls-ca, --tls-cert\)$")
        self.assertIn("/nonexistent/ca", self.error("cancel", "job-1", "--tls-ca", "/nonexistent/ca"))
        self.assertEqual(len(self.fake.requests("CancelJob")), 1)


class Prove(Case):
    def test_no_wait(self):
        self.launches()
        self.assertEqual(self.run_client("prove", "-c", "10", "--no-wait")[0], "job-1\n")
        r = self.fake.requests("LaunchProof")[0]
        self.assertEqual((r.compute_capacity, r.minimal_compute_capacity), (10, 10))
        self.assertEqual(r.inputs_mode, pb.INPUT_MODE_NONE)
        self.assertRegex(r.data_id, r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                    r"[0-9a-f]{12}$")
        self.assertEqual(len(r.request_id), 16)
        self.assertEqual(r.WhichOneof("_simulated_node"), None)
        self.launches(queued=True)
        out, _ = self.run_client("prove", "-c", "10", "-m", "5", "--no-wait", "--json", "--queue",
                                 "--priority", "9", "--queue-seconds", "60", "--inputs-uri",
                                 "folder/in.v2.bin", "--raw-input", "--simulated-node", "0")
        self.assertEqual(json.loads(out), {"job_id": "job-1", "queued": True})
        self.run_client("prove", "-c", "1", "--no-wait", "--inputs-uri", "file:///folder/in")
        self.assertEqual(self.fake.requests("LaunchProof")[2].inputs_uri, "/folder/in")
        r = self.fake.requests("LaunchProof")[1]
        self.assertEqual((r.minimal_compute_capacity, r.queue, r.priority, r.queue_seconds),
                         (5, True, 9, 60))
        self.assertEqual((r.inputs_mode, r.inputs_uri, r.data_id, r.raw_input),
                         (pb.INPUT_MODE_PATH, "folder/in.v2.bin", "in.v2", True))
        self.assertEqual((r.WhichOneof("_simulated_node"), r.simulated_node), ("simulated_node", 0))
        self.assertNotEqual(r.request_id, self.fake.requests("LaunchProof")[0].request_id)

    def test_to_a_file(self):
        self.launches()
        mask = os.umask(0)
        os.umask(mask)
        proof = bytes(range(256)) * 1000
        self.events(status("Queued", queue_position=2), status("Running (Contributions)",
                    "Contributions"), progress(1, 8, "Contributions"),
                    pb.JobNote(worker_id="w9", text="lost; its share moves"),
                    status("Running (Prove)", "Prove"), progress(4), progress(8),
                    completed(proof), pause=0.05)
        self.proof(proof)
        path = self.path("out.proof", b"old")
        out, err = self.run_client("prove", "-c", "10", "--output", path)
        self.assertEqual(self.read(path), proof)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o666 & ~mask)
        self.assertEqual(out, f"{path}: proof of job job-1, 256000 bytes, 1234 steps, 1:05; not "
                              "verified here (--vk or --elf do that)\n")
        self.assertEqual(err.split("\n"), [
            "job job-1 started", "Queued, place 2", "Running (Contributions)",
            "Contributions: 1 of 8 instances, 0:05", "note, worker w9: lost; its share moves",
            "Running (Prove)", "Prove: 4 of 8 instances, 0:05", "Prove: 8 of 8 instances, 0:05",
            "Completed", ""])
        self.assertEqual(os.listdir(self.folder.name), ["out.proof"])
        out, _ = self.run_client("prove", "-c", "10", "--output", path, "--json")
        end = json.loads(out)
        self.assertEqual((end["state"], end["proof_bytes"], end["output"], end["verified"]),
                         ("Completed", 256000, path, False))

    def test_without_output(self):
        self.launches()
        self.events(completed(b"x" * 80))
        self.assertIn("the coordinator keeps the proof of 80 bytes as proof_job-1.bin",
                      self.run_client("prove", "-c", "10")[0])
        self.events(completed())
        self.assertIn("without a proof: it was simulated", self.run_client("prove", "-c", "10")[0])

    def test_job_fails(self):
        self.launches()
        self.events(status("Failed", failure=pb.ErrorResponse(
            code="PROGRAM_FAILED", message="the program exits with code 3")))
        path = self.path("out.proof")
        self.assertEqual(self.error("prove", "-c", "1", "--output", path),
                         "error: PROGRAM_FAILED: job job-1 failed: the program exits with code 3")
        self.assertEqual(os.listdir(self.folder.name), [])
        self.events(status("Cancelled", failure=pb.ErrorResponse(code="CANCELLED", message="no")))
        self.assertEqual(self.error("watch", "job-1"), "error: CANCELLED: job job-1 was cancelled: no")
        self.fake.LaunchProof = lambda r, c: pb.LaunchProofResponse(
            error=pb.ErrorResponse(code="PROOF_ERROR", message="no"))
        self.assertEqual(self.error("prove", "-c", "1"), "error: PROOF_ERROR: no")

    def test_upload(self):
        self.launches()
        data = os.urandom(5 << 20) + b"end"
        path = self.path("input.bin", data)
        self.run_client("prove", "-c", "1", "--no-wait", "-x", "--inputs-uri", path)
        r = self.fake.requests("LaunchProof")[0]
        self.assertEqual(self.fake.stored[r.input_digest], data)
        self.assertEqual((r.inputs_mode, r.inputs_uri, r.data_id), (pb.INPUT_MODE_DATA, "", "input"))
        sent = self.fake.requests("UploadInput")
        self.assertEqual((sent[0].name, sent[0].size), ("input.bin", len(data)))
        self.assertLessEqual(max(len(c.data) for c in sent), 1 << 20)
        # The coordinator has it: little more than the first chunk is sent, and no error.
        self.fake.asked.clear()
        self.run_client("prove", "-c", "1", "--no-wait", "-x", "--inputs-uri", "file://" + path)
        self.assertEqual(len(self.fake.requests("UploadInput")), 1)
        self.run_client("prove", "-c", "1", "--no-wait", "-x", "--inputs-uri", self.path("e", b""))
        self.assertIn(b"", self.fake.stored.values())
        self.assertIn("/nonexistent/i", self.error("prove", "-c", "1", "-x", "--inputs-uri",
                                                   "/nonexistent/i"))
        self.assertIn("not a file", self.error("prove", "-c", "1", "-x", "--inputs-uri", "/"))

        def full(request, context):
            raise Refuse("RESOURCE_EXHAUSTED", "no room for uploads")
        self.fake.UploadInput = full
        self.assertEqual(self.error("prove", "-c", "1", "-x", "--inputs-uri", path),
                         "error: RESOURCE_EXHAUSTED: no room for uploads")

    def test_output_is_looked_at_first(self):
        self.launches()
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        for place in "/nonexistent/p", self.folder.name, pipe:
            self.assertIn(place, self.error("prove", "-c", "1", "--output", place))
            self.assertIn(place, self.error("fetch", "job-1", "-o", place))
        self.assertEqual(self.fake.asked, [])
        self.assertEqual(os.listdir(self.folder.name), ["pipe"])

    def test_damaged_proofs(self):
        self.launches()
        proof = bytes(100000)
        self.events(completed(proof))
        path = self.path("out.proof")
        for broken in (lambda r, c: chunks(proof, r.offset, digest=bytes(32)),
                       lambda r, c: list(chunks(proof, r.offset))[:-1],
                       lambda r, c: list(chunks(proof, r.offset))[1:],
                       lambda r, c: [pb.DataChunk(size=3, sha256=bytes(32), data=b"long")],
                       lambda r, c: []):
            self.fake.FetchProof = broken
            _, err = self.run_client("prove", "-c", "1", "--output", path, code=1)
            self.assertRegex(err, "(?m)^error: DATA_LOSS: the proof of job job-1 (was damaged|came with "
                                  "a gap).*\n\\Z")
            self.assertIn("the coordinator keeps the proof: zisk-coordinator fetch job-1 -o FILE "
                          f"--coordinator-url {self.fake.url}\n", err)
            self.assertEqual(os.listdir(self.folder.name), [])

    def test_fetch(self):
        self.proof(b"12345678" * 10)
        path = self.path("p")
        self.run_client("fetch", "job-1", "-o", path)
        self.assertEqual(self.read(path), b"12345678" * 10)
        self.assertEqual(json.loads(self.run_client("fetch", "job-1", "-o", path, "--json")[0]),
                         {"job_id": "job-1", "verified": False})

        # A disk that is full, as far as the client can tell.
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
        p = subprocess.run(self.command("fetch", "job-1", "-o", path), capture_output=True, text=True,
                           preexec_fn=limit, restore_signals=False, timeout=LIMIT_S)
        self.assertEqual((p.returncode, p.stderr),
                         (1, f"error: CLIENT: {path}: cannot be written: File too large\n"))
        self.assertEqual(os.listdir(self.folder.name), ["p"])

        def none(request, context):
            raise Refuse("FAILED_PRECONDITION", "this job has no proof; its state is: Failed")
            yield
        self.fake.FetchProof = none
        self.assertEqual(self.error("fetch", "job-1", "-o", path),
                         "error: FAILED_PRECONDITION: this job has no proof; its state is: Failed")
        self.assertEqual(self.read(path), b"12345678" * 10)  # as it was

    def test_verification(self):
        made, raw = self.path("made.proof"), self.path("abc", b"abc")
        subprocess.run([ZISK, "prove", ELF, "--raw-input", raw, "-o", made], check=True,
                       capture_output=True, timeout=10 * LIMIT_S)
        vk = subprocess.run([ZISK, "vk", ELF], check=True, capture_output=True, text=True,
                            timeout=LIMIT_S).stdout.strip()
        proof = self.read(made)
        self.launches()
        self.events(completed(proof))
        self.proof(proof)
        path = self.path("out.proof")
        out, err = self.run_client("prove", "-c", "1", "--output", path, "--vk", vk)
        self.assertNotIn("not verified", out)
        self.assertIn("the proof is valid for the program with key " + vk[:16], err)
        self.assertIn(f"\n  {0xbf1678ba} ", err)  # sha256("abc") begins with ba 78 16 bf
        self.assertEqual(self.read(path), proof)
        os.unlink(path)
        out, _ = self.run_client("fetch", "job-1", "-o", path, "--elf", ELF)
        self.assertNotIn("not verified", out)
        os.unlink(path)
        other = vk[:-1] + ("0" if vk[-1] != "0" else "1")
        self.assertRegex(self.error("fetch", "job-1", "-o", path, "--vk", other),
                         "^error: PROOF_INVALID: .*another program; nothing was written$")
        self.assertFalse(os.path.exists(path))
        self.proof(proof[:-8] + b"\0" * 8)
        self.assertRegex(self.error("fetch", "job-1", "-o", path, "--vk", vk), "PROOF_INVALID")
        self.proof(b"no proof")
        self.assertRegex(self.error("fetch", "job-1", "-o", path, "--vk", vk), "not a proof file")
        self.proof(b"odd")
        self.assertRegex(self.error("fetch", "job-1", "-o", path, "--vk", vk), "is no proof")
        self.assertIn("no key can be made", self.error("fetch", "job-1", "-o", path, "--elf", raw))
        self.assertFalse(os.path.exists(path))
        launched = len(self.fake.requests("LaunchProof"))
        self.assertIn("no key can be made",  # before the job, not after its hours
                      self.error("prove", "-c", "1", "--output", path, "--elf", raw))
        self.assertEqual(len(self.fake.requests("LaunchProof")), launched)
        self.run_client("prove", "-c", "1", "--no-wait", "--elf", ELF)
        import hashlib
        self.assertEqual(self.fake.requests("LaunchProof")[-1].program_digest,
                         hashlib.sha256(self.read(ELF)).digest())

    def test_key_without_zisk(self):
        lonely, bin = self.path("client"), self.path("bin")
        shutil.copy(CLIENT, lonely)
        os.mkdir(bin)

        def fetch():
            p = subprocess.run([lonely, "fetch", "job-1", "-o", self.path("p"), "--elf", ELF,
                                "--coordinator-url", self.fake.url], capture_output=True, text=True,
                               env={"PATH": bin}, timeout=LIMIT_S)
            self.assertEqual(p.returncode, 1)
            return p.stderr
        self.assertIn("the program zisk, which is neither beside this program nor in the PATH; "
                      "install it, or give the key with --vk", fetch())
        with open(os.path.join(bin, "zisk"), "w") as f:
            f.write("#!/bin/sh\necho \"$@\"\n")
        os.chmod(f.name, 0o755)
        self.assertIn(f"`zisk vk` printed no key but \"vk -- {ELF}\"", fetch())
        with open(f.name, "w") as f:
            f.write("#!/bin/sh\necho one >&2; echo two >&2; exit 3\n")
        self.assertIn(f"{ELF}: no key can be made of it: two", fetch())

    def test_no_prover_is_linked(self):
        def symbols(path):
            out = subprocess.run(["nm", "--defined-only", "-g", path], capture_output=True,
                                 text=True, check=True).stdout
            return set(re.findall(r" [TDBR] (\w+)$", out, re.M))
        bin = os.path.dirname(ZISK)
        prover = symbols(os.path.join(bin, "../src/prover/libzisk_prover.a"))
        self.assertTrue(prover & symbols(ZISK))
        for program in CLIENT, os.path.join(bin, "zisk-coordinator"):
            self.assertEqual(prover & symbols(program), set(), program)


class Restarts(Case):
    def test_while_waiting(self):
        self.launches()
        proof = b"8 bytes." * 1000
        gone = threading.Event()

        def watch(request, context):
            n = len(self.fake.requests("WatchJob"))
            yield event(status("Running (Prove)", "Prove", progress=progress(n)))
            if n < 3:
                gone.set()
                hang(context)
            yield event(completed(proof))
        self.fake.WatchJob = watch

        def crash():
            for _ in range(2):
                gone.wait(LIMIT_S)
                gone.clear()
                self.fake.restart(1.0)
        thread = threading.Thread(target=crash)
        thread.start()
        self.proof(proof)
        path = self.path("out.proof")
        _, err = self.run_client("prove", "-c", "1", "--output", path)
        thread.join()
        self.assertEqual(self.read(path), proof)
        self.assertEqual(err.count("went away"), 2)
        self.assertEqual(err.count("the coordinator is back"), 2)
        self.assertEqual(len(self.fake.requests("LaunchProof")), 1)

    def test_while_fetching(self):
        proof = os.urandom(1 << 20)
        thread = []

        def fetch(request, context):
            if request.offset == 0:
                for chunk in list(chunks(proof))[:5]:
                    yield chunk
                time.sleep(0.3)
                thread.append(self.fake.restart_later())
                hang(context)
            yield from chunks(proof, request.offset)
        self.fake.FetchProof = fetch
        path = self.path("p")
        self.run_client("fetch", "job-1", "-o", path)
        thread[0].join()
        self.assertEqual(self.read(path), proof)
        self.assertEqual([r.offset for r in self.fake.requests("FetchProof")], [0, 5 << 16])

    def test_while_launching(self):
        """The answer is lost: the same request comes again, and it is the same job."""
        thread = []

        def launch(request, context):
            if len(self.fake.requests("LaunchProof")) == 1:
                thread.append(self.fake.restart_later())
                hang(context)
            return pb.LaunchProofResponse(job_id="job-1")
        self.fake.LaunchProof = launch
        self.assertEqual(self.run_client("prove", "-c", "1", "--no-wait")[0], "job-1\n")
        thread[0].join()
        ids = [r.request_id for r in self.fake.requests("LaunchProof")]
        self.assertEqual(len(ids), 2)
        self.assertEqual(ids[0], ids[1])

    def test_never_comes_back(self):
        def watch(request, context):
            yield event(status("Running (Prove)", "Prove"))
            threading.Thread(target=self.fake.stop).start()
            hang(context)
        self.fake.WatchJob = watch
        line = self.error("watch", "job-1", "--reconnect-seconds", "2")
        self.assertRegex(line, "^error: UNAVAILABLE: the coordinator at .* did not come back within 2 s")
        self.fake.start()
        self.assertRegex(self.error("watch", "job-1", "--reconnect-seconds", "0"),
                         "^error: UNAVAILABLE: ")
        self.fake.start()

    def test_slow_streams(self):
        self.launches()
        proof = b"slow..  " * 100
        self.events(status("Running (Prove)", "Prove"), progress(1), progress(2), completed(proof),
                    pause=0.7)

        def fetch(request, context):
            for chunk in chunks(proof, size=100):
                time.sleep(0.1)
                yield chunk
        self.fake.FetchProof = fetch
        path = self.path("p")
        self.run_client("prove", "-c", "1", "--output", path)
        self.assertEqual(self.read(path), proof)


class Signals(Case):
    def wait_for(self, condition):
        end = time.time() + LIMIT_S
        while not condition():
            self.assertLess(time.time(), end, "it did not happen")
            time.sleep(0.02)

    def hanging_watch(self):
        def watch(request, context):
            yield event(status("Running (Prove)", "Prove"))
            hang(context)
        self.fake.WatchJob = watch

    def test_interrupt(self):
        self.launches()
        self.hanging_watch()
        path = self.path("p")
        for number in (signal.SIGINT, signal.SIGTERM):
            self.fake.asked.clear()
            p = subprocess.Popen(self.command("prove", "-c", "1", "--output", path), text=True,
                                 stderr=subprocess.PIPE, stdout=subprocess.PIPE)
            self.wait_for(lambda: self.fake.requests("WatchJob"))
            p.send_signal(number)
            out, err = p.communicate(timeout=LIMIT_S)
            self.assertEqual(p.returncode, 130, err)
            self.assertEqual(out, "")
            self.assertIn("job job-1 goes on without this command:\n  zisk-coordinator watch job-1 "
                          f"--coordinator-url {self.fake.url}\n", err)
            self.assertIn("zisk-coordinator cancel job-1", err)
            self.assertNotIn("error:", err)
            self.assertEqual(self.fake.requests("CancelJob"), [])
            self.assertEqual(os.listdir(self.folder.name), [])

    def test_interrupt_before_the_job(self):
        self.fake.LaunchProof = lambda r, c: hang(c)
        p = subprocess.Popen(self.command("prove", "-c", "1"), text=True, stderr=subprocess.PIPE)
        self.wait_for(lambda: self.fake.requests("LaunchProof"))
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=LIMIT_S)
        self.assertEqual((p.returncode, err), (130, "interrupted before a job was started\n"))


class Terminal(Case):
    """On a terminal: a display that is drawn again, a screen that is left as it was."""

    def start(self, *args):
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(CLIENT, self.command(*args))
        self.resize(fd, 24, 100)
        return pid, fd

    def resize(self, fd, rows, columns):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, fd, text, seen=b""):
        end = time.time() + LIMIT_S
        while text not in seen and time.time() < end:
            if select.select([fd], [], [], 0.5)[0]:
                try:
                    piece = os.read(fd, 65536)
                except OSError:  # the other side is gone
                    break
                seen += piece
        self.assertIn(text, seen)
        return seen

    def end(self, pid, fd):
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(fd)
        return code

    def test_progress(self):
        workers = [pb.WorkerProgress(worker_id=f"w{i}\x1b[31m", instances_done=i, instances_total=4)
                   for i in range(20)]
        self.events(progress(0, 0, "Contributions", steps_done=2345678901),
                    status("Running (Prove)", "Prove"),
                    progress(2, workers=workers, time_left_ms=61000), progress(4, workers=workers[:2]),
                    pb.JobNote(text="a share moved"), completed(b"x" * 8), pause=0.1)
        pid, fd = self.start("watch", "job-1")
        seen = self.read_until(fd, b"completed in")
        self.assertEqual(self.end(pid, fd), 0)
        self.assertIn(b"Contributions [" + b"." * 30 + b"] 2345 M steps executed, 0:05\r\n", seen)
        self.assertIn(b"Prove [#######.......................] 2 of 8 instances, 0:05, 1:01 left", seen)
        self.assertIn(b"  [#######.......................] 1 of 4 w1\\u001b[31m", seen)
        self.assertIn(b"and 8 workers more", seen)
        self.assertIn(b"\x1b[14A\r\x1b[J", seen)  # the 14 lines go before the next are drawn
        self.assertIn(b"\x1b[3A\r\x1b[Jnote: a share moved", seen)

    def test_top(self):
        Lists.test_top(self)
        before = len(self.fake.requests("JobsList"))
        pid, fd = self.start("top")
        seen = self.read_until(fd, b"q quits")
        self.assertIn(b"\x1b[?1049h", seen)
        self.assertIn(b"job-2", seen)
        # 80 columns: no long id, address or version, but why a job or worker waits.
        uuid = "a922bb6f-ef2b-4531-aa41-c378181aee27"
        self.fake.JobsList = lambda r, c: pb.JobsListResponse(jobs_list=pb.JobsList(jobs=[
            pb.JobStatus(job_id=uuid, data_id="data", state="Queued", queue_position=3)]))
        seen = self.read_until(fd, b"place 3, priority 0")
        self.assertIn(b"a922bb6f  data ", seen)
        seen = self.read_until(fd, b"no job asks for its program", seen)
        self.assertNotIn(b"ADDRESS", seen)
        self.resize(fd, 24, 200)
        os.kill(pid, signal.SIGWINCH)
        seen = self.read_until(fd, uuid.encode())
        self.assertIn(b"ADDRESS", self.read_until(fd, b"ADDRESS", seen))
        # However many jobs there are, the workers are on the screen.
        self.resize(fd, 12, 100)
        self.fake.JobsList = lambda r, c: pb.JobsListResponse(jobs_list=pb.JobsList(jobs=[
            status("Completed", job=f"many-{k}") for k in range(50)]))
        self.read_until(fd, b"many-0")
        seen = self.read_until(fd, b"q quits", self.read_until(fd, b"\x1b[H"))
        self.assertIn(b"no job asks for its program", seen)
        self.assertIn(b"50 in all", seen)
        self.resize(fd, 8, 30)
        os.kill(pid, signal.SIGWINCH)
        time.sleep(0.2)
        self.read_until(fd, b"q quits")
        end = time.time() + LIMIT_S
        while len(self.fake.requests("JobsList")) < before + 3 and time.time() < end:
            select.select([fd], [], [], 0.1)[0] and os.read(fd, 65536)
        os.write(fd, b"q")
        self.read_until(fd, b"\x1b[?1049l")
        self.assertEqual(self.end(pid, fd), 0)

    test_jobs, test_workers, test_status = Lists.test_jobs, Lists.test_workers, Lists.test_status
    JOBS = Lists.JOBS


class Pages(unittest.TestCase):
    def test_help(self):
        text = ""
        for command in COMMANDS:
            p = subprocess.run([CLIENT, command, "--help"], capture_output=True, text=True, check=True)
            text += p.stdout + "\n"
        if os.environ.get("WRITE_HELP"):
            with open(HELP, "w", encoding="utf-8") as f:
                f.write(text)
        with open(HELP, encoding="utf-8") as f:
            self.assertEqual(f.read(), text, "after a change on purpose: WRITE_HELP=1")
        p = subprocess.run([CLIENT, "jobs", "--version"], capture_output=True, text=True, check=True)
        self.assertRegex(p.stdout, r"^zisk-coordinator jobs \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
