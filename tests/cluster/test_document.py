# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The examples of ZisK's chapter "Distributed Proving" as they are printed there: commands with
`cargo run --release --bin X --` read as X, placeholders and folders of the examples replaced, calls
of grpcurl made with the JSON that is printed, configuration files word for word.

usage: test_document.py GUEST.elf"""
import glob
import http.server
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(os.path.dirname(HERE), "docs"))
from test_pages import private_shell  # noqa: E402

if os.environ.get("ZISK_DOCUMENT_ALONE") is None:
    # The examples use port 50051 and /var/log: both are to be this test's own.
    private = private_shell()
    if not private:
        print("SKIPPED: the examples take port 50051 and /var/log, and there are no namespaces here")
        sys.exit(77)
    script = 'ip link set lo up && mount -t tmpfs none /var/log && exec "$@"'
    os.execvpe(private[0], [*private, "--mount", "sh", "-c", script, "sh", sys.executable,
                            *sys.argv], {**os.environ, "ZISK_DOCUMENT_ALONE": "1"})

from google.protobuf import json_format  # noqa: E402
from harness import BIN, PATIENCE, Client, Process, wait_until  # noqa: E402

ELF = os.path.abspath(sys.argv[1])
ADDRESS = "127.0.0.1:50051"

COORDINATOR_DEVELOPMENT = '''
[service]
name = "ZisK Distributed Coordinator"
environment = "development"
[logging]
level = "debug"
format = "pretty"
'''
COORDINATOR_PRODUCTION = '''
[service]
name = "ZisK Distributed Coordinator"
environment = "production"
[server]
host = "0.0.0.0"
port = 50051
proofs_dir = "proofs"
[logging]
level = "info"
format = "json"
file_path = "/var/log/distributed/coordinator.log"
[coordinator]
max_workers_per_job = 20 # Maximum workers per proof job
max_total_workers = 5000 # Maximum total registered workers
phase1_timeout_seconds = 600 # 10 minutes for phase 1
phase2_timeout_seconds = 1200 # 20 minutes for phase 2
webhook_url = "http://webhook.example.com/notify?job_id={$job_id}"
'''
WORKER_DEVELOPMENT = '''
[worker]
compute_capacity.compute_units = 10
environment = "development"
[logging]
level = "debug"
format = "pretty"
'''
WORKER_PRODUCTION = '''
[worker]
worker_id = "my-worker-001"
compute_capacity.compute_units = 10
environment = "production"
inputs_folder = "/app/inputs"
[coordinator]
url = "http://127.0.0.1:50051"
[connection]
reconnect_interval_seconds = 5
heartbeat_timeout_seconds = 30
[logging]
level = "info"
format = "pretty"
file_path = "/var/log/distributed/worker-001.log"
'''
DEBUG = '''
[logging]
level = "debug"
format = "pretty"
'''
GRPCURL = '''
grpcurl -plaintext 127.0.0.1:50051 zisk.distributed.api.v1.ZiskDistributedApi/HealthCheck
grpcurl -plaintext 127.0.0.1:50051 zisk.distributed.api.v1.ZiskDistributedApi/SystemStatus
grpcurl -plaintext -d '{"active_only": true}' 127.0.0.1:50051 zisk.distributed.api.v1.ZiskDistributedApi/JobsList
grpcurl -plaintext -d '{"available_only": true}' 127.0.0.1:50051 zisk.distributed.api.v1.ZiskDistributedApi/WorkersList
'''


class Webhook(http.server.BaseHTTPRequestHandler):
    got = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, self.headers["Content-Type"], json.loads(body)))
        answer = json.dumps({"received": True}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Document(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="zisk-document-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.inputs = os.path.join(self.folder, "inputs")
        os.mkdir(self.inputs)
        # One record, as `zisk run -i` takes it: its length, then the number of rounds.
        with open(os.path.join(self.inputs, "input.bin"), "wb") as f:
            f.write((4).to_bytes(8, "little") + (20).to_bytes(8, "little"))
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("ZISK_") and k != "RUST_LOG"}
        self.env["HOME"] = self.folder

    def words(self, line):
        for placeholder, path in (
                ("cargo run --release --bin ", ""), (" -- ", " "), ("<elf-file-path>", ELF),
                ("<inputs-folder>", self.inputs), ("<input-filename>", "input.bin"),
                ("<input_filename>", "input.bin"), ("program.elf", ELF),
                ("/data/inputs/my_input.bin", os.path.join(self.inputs, "input.bin")),
                ("/data/inputs/", self.inputs), ("/path/to/my-config.toml", "my-config.toml")):
            line = line.replace(placeholder, path)
        return shlex.split(line)

    def start(self, line, env=None, ready=None):
        program, *args = self.words(line)
        p = Process(program, args, folder=self.folder, env={**self.env, **(env or {})}, ready=ready)
        p.own_folder = False
        p.start()
        self.addCleanup(p.__exit__, None)
        return p

    def coordinator(self, line="cargo run --release --bin zisk-coordinator", env=None, port=50051):
        return self.start(line, env, rf"Listening on 0\.0\.0\.0:{port}\b")

    def worker(self, line, env=None):
        w = self.start(line, env)
        with Client(ADDRESS) as c:
            wait_until(lambda: any(x.state == "Idle" for x in c.workers().values()),
                       f"a worker registers: {w.tail()}")
        return w

    def command(self, line, code=0):
        program, *args = self.words(line)
        done = subprocess.run([os.path.join(BIN, program), *args], cwd=self.folder, env=self.env,
                              capture_output=True, text=True, timeout=10 * PATIENCE)
        self.assertEqual(done.returncode, code, f"{line}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def test_running_locally(self):
        self.coordinator()
        w = self.worker("cargo run --release --bin zisk-worker -- --elf <elf-file-path> "
                        "--inputs-folder <inputs-folder>")
        for line in (
                "cargo run --release --bin zisk-coordinator prove --inputs-uri <input-filename> "
                "--compute-capacity 10",
                "cargo run --release --bin zisk-coordinator -- prove --inputs-uri <input_filename> "
                "--compute-capacity 10",
                "zisk-coordinator prove --inputs-uri /data/inputs/my_input.bin "
                "--compute-capacity 10",
                "zisk-coordinator prove --inputs-uri /data/inputs/my_input.bin -x "
                "--compute-capacity 10"):
            self.assertRegex(self.command(line), "job .* completed in .*proof of")
        # server.proofs_dir is "proofs", and the file is there when the client is told.
        proofs = glob.glob(os.path.join(self.folder, "proofs", "proof_*.bin"))
        self.assertEqual(len(proofs), 4)
        for proof in proofs:
            verified = subprocess.run([os.path.join(BIN, "zisk"), "verify", proof, "--elf", ELF],
                                      capture_output=True, text=True)
            self.assertIn("valid", verified.stdout)
        # "Requests exceeding the combined capacity of available workers ... an error".
        self.assertIn("Insufficient compute capacity", self.command(
            "zisk-coordinator prove --inputs-uri input.bin --compute-capacity 11", code=1))
        # Hints are not there: refused, not ignored.
        for line in ("zisk-coordinator prove --inputs-uri input.bin --hints-uri "
                     "/data/hints/hints.bin --compute-capacity 10",
                     "zisk-coordinator prove --inputs-uri input.bin --hints-uri "
                     "unix:///tmp/hints.sock --stream-hints --compute-capacity 10"):
            self.assertIn("--hints-uri: cannot be used: precompile hints are not implemented yet",
                          self.command(line, code=2))
        self.calls(w)

    def calls(self, w):
        """The calls of grpcurl: each gives JSON with what they are for."""
        answers = {}
        with Client(ADDRESS) as c:
            for line in GRPCURL.strip().split("\n"):
                words = shlex.split(line)
                address, method = words[-2:]
                self.assertEqual(address, ADDRESS)
                request = c.request(method.split("/")[1])
                json_format.Parse(words[words.index("-d") + 1] if "-d" in words else "{}", request)
                answers[method.split("/")[1]] = json_format.MessageToDict(
                    c._callable(method.split("/")[1])(request, timeout=PATIENCE))
        self.assertEqual(answers["SystemStatus"]["status"]["totalWorkers"], 1)
        self.assertEqual(len(answers["WorkersList"]["workersList"]["workers"]), 1)
        self.assertEqual(answers["JobsList"]["jobsList"].get("jobs", []), [])
        self.assertIn("HealthCheck", answers)

    def test_configuration_files(self):
        for text in (COORDINATOR_DEVELOPMENT, DEBUG):
            self.write("my-config.toml", text)
            c = self.coordinator("cargo run --release --bin zisk-coordinator -- "
                                 "--config /path/to/my-config.toml")
            c.wait_log(r"\bINFO\b.*started")
            self.assertEqual(c.stop(), 0)
        self.write("production.toml", COORDINATOR_PRODUCTION)
        c = self.coordinator("cargo run --release --bin zisk-coordinator -- "
                             "--config production.toml")
        self.assertIn("(production)", "".join(c.output))
        c.stop()
        # A file each day, its name ends with the date.
        (log,) = glob.glob("/var/log/distributed/coordinator.log.*")
        self.assertRegex(log, r"\.log\.\d{4}-\d\d-\d\d$")
        with open(log) as f:
            self.assertTrue(any("started" in json.dumps(json.loads(line)) for line in f))
        # The environment names the file.
        c = self.coordinator(env={"ZISK_COORDINATOR_CONFIG_PATH":
                                  os.path.join(self.folder, "production.toml")})
        self.assertIn("(production)", "".join(c.output))
        c.stop()
        self.write("broken.toml", "[server]\nport = \n")
        self.assertIn("broken.toml:2", self.command(
            "cargo run --release --bin zisk-coordinator -- --config broken.toml", code=2))

    def test_worker_configuration_files(self):
        self.coordinator()
        flags = f" --elf {ELF}"
        for text in (WORKER_DEVELOPMENT, DEBUG):
            self.write("my-config.toml", text)
            w = self.worker("cargo run --release --bin zisk-worker -- --config "
                            "/path/to/my-config.toml" + flags)
            self.assertEqual(w.stop(), 0)
            self.gone()
        production = WORKER_PRODUCTION.replace("/app/inputs", self.inputs)
        self.write("my-config.toml", production)
        w = self.worker("cargo run --release --bin zisk-worker" + flags, env={
            "ZISK_WORKER_CONFIG_PATH": os.path.join(self.folder, "my-config.toml")})
        with Client(ADDRESS) as c:
            self.assertEqual(c.workers()["my-worker-001"].compute_capacity.compute_units, 10)
        self.assertEqual(w.stop(), 0)
        (log,) = glob.glob("/var/log/distributed/worker-001.log.*")
        self.assertRegex(log, r"\.log\.\d{4}-\d\d-\d\d$")
        # Word for word: nothing is wrong with it but that its folder is not on this machine.
        self.write("my-config.toml", WORKER_PRODUCTION)
        if not os.path.exists("/app/inputs"):
            self.assertIn("the inputs folder /app/inputs", self.command(
                "cargo run --release --bin zisk-worker -- --config my-config.toml" + flags, code=1))

    def gone(self):
        with Client(ADDRESS) as c:
            wait_until(lambda: not any(w.state == "Idle" for w in c.workers().values()),
                       "the worker is gone")

    def test_webhook_and_port(self):
        self.assertIn("--webhook-url", self.command(
            "cargo run --release --bin zisk-coordinator -- --help"))
        server = http.server.HTTPServer(("127.0.0.1", 0), Webhook)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.coordinator("cargo run --release --bin zisk-coordinator -- --webhook-url "
                         "http://webhook.example.com/notify --port 50051".replace(
                             "webhook.example.com", f"127.0.0.1:{server.server_port}"))
        self.worker("cargo run --release --bin zisk-worker -- --elf program.elf "
                    "--inputs-folder /data/inputs/")
        self.command("cargo run --release --bin zisk-coordinator -- prove --inputs-uri input.bin "
                     "--compute-capacity 10")
        path, kind, body = wait_until(lambda: Webhook.got and Webhook.got[0], "the webhook is called")
        self.assertEqual(kind, "application/json")
        self.assertEqual(path, f"/notify/{body['job_id']}")
        self.assertLessEqual({"job_id", "success", "duration_ms", "proof", "timestamp", "error"},
                             set(body))
        self.assertIs(body["success"], True)
        self.assertIsNone(body["error"])
        self.assertTrue(all(isinstance(x, int) for x in body["proof"]))
        self.assertRegex(body["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        # Port conflicts: "Use --port".
        self.env["ZISK_COORDINATOR_SERVER_STATE_DIR"] = "state of another"
        other = self.command("cargo run --release --bin zisk-coordinator -- --port 50051", code=1)
        self.assertIn("port 50051 of 0.0.0.0 is already in use", other)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
