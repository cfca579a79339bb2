#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A whole job between strangers: worker and client prove who they are, by certificates that make
the connection and tokens that give the role. Nobody without both gets anywhere.

usage: test_secure.py GUEST.elf
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

import grpc
from harness import BIN, PATIENCE, Coordinator, Worker, certificate, wait_until

ELF = os.path.abspath(sys.argv.pop())
LONG = 12 * PATIENCE
WORKER_TOKEN, CLIENT_TOKEN = "the-token-of-a-worker-1", "the-token-of-a-client-1"


class Secure(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="zisk-secure-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        certificate(self.folder, "ca", "a test authority")
        for name in "server", "worker", "client":  # names without a role: tokens have it
            certificate(self.folder, name, name, ca="ca")
        certificate(self.folder, "stranger", "worker:stranger")
        self.write("tokens", f"worker w {WORKER_TOKEN}\nclient c {CLIENT_TOKEN}\n"
                             "admin a the-token-of-an-admin-1\n")
        self.write("worker-token", WORKER_TOKEN)
        self.write("client-token", CLIENT_TOKEN)
        self.write("wrong-token", "a-token-that-nobody-has")
        self.write("input", "an input")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), 0o600)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def worker(self, c, name, own, token):
        c.url = f"https://{c.address}"
        env = {f"ZISK_WORKER_COORDINATOR_{k}": self.path(v) for k, v in (
            ("TLS_CA", "ca.crt"), ("TLS_CERT", f"{own}.crt"), ("TLS_KEY", f"{own}.key"),
            ("TOKEN_FILE", token))}
        env["ZISK_WORKER_CONNECTION_RECONNECT_INTERVAL_SECONDS"] = "1"
        return Worker(c, ELF, name, units=1, env=env, limits="ulimit -Sn 64",
                      args=["--proving-key", self.path("keys"), "-n", "1"])

    def prove(self, c, own="client", token="client-token"):
        """zisk-coordinator prove; its exit code and what it says."""
        run = subprocess.run(
            [os.path.join(BIN, "zisk-coordinator"), "prove", "--coordinator-url", c.url,
             "--tls-ca", self.path("ca.crt"), "--tls-cert", self.path(f"{own}.crt"), "--tls-key",
             self.path(f"{own}.key"), "--token-file", self.path(token), "-x", "--raw-input",
             "--inputs-uri", self.path("input"), "-c", "1", "--reconnect-seconds", "1",
             "--output", self.path("proof")], capture_output=True, text=True, timeout=LONG)
        return run.returncode, run.stdout + run.stderr

    def admin(self, c):
        credentials = grpc.ssl_channel_credentials(
            self.read("ca.crt"), self.read("client.key"), self.read("client.crt"))
        return c.client(credentials=credentials, token="the-token-of-an-admin-1")

    def test_a_job(self):
        with Coordinator({"server.tls_cert": self.path("server.crt"),
                          "server.tls_key": self.path("server.key"),
                          "server.tls_client_ca": self.path("ca.crt"),
                          "server.tokens_file": self.path("tokens"),
                          "coordinator.instance_log_cells": "20"},
                         limits="ulimit -Sn 64") as c, \
                self.worker(c, "good", "worker", "worker-token") as good:
            admin = self.admin(c)
            wait_until(lambda: "good" in admin.workers(available_only=True), "a worker", LONG)
            for program in c, good:  # a connection is a file
                with open(f"/proc/{program.pid}/limits") as f:
                    soft, hard = re.search(r"Max open files +(\d+) +(\d+)", f.read()).groups()
                self.assertEqual(soft, hard)

            for own, token, says in (("client", "worker-token", "PERMISSION_DENIED"),
                                     ("client", "wrong-token", "UNAUTHENTICATED"),
                                     ("stranger", "client-token", "")):
                code, text = self.prove(c, own, token)
                self.assertEqual(code, 1, (own, token, text))
                self.assertIn(says, text)
                self.assertFalse(os.path.exists(self.path("proof")))

            code, text = self.prove(c)
            self.assertEqual(code, 0, text)
            valid = subprocess.run([os.path.join(BIN, "zisk"), "verify", self.path("proof"),
                                    "--elf", ELF], capture_output=True, text=True)
            self.assertEqual(valid.returncode, 0, valid.stdout + valid.stderr)

            # Workers that lack one of the two. The key is there since the first one made it.
            with self.worker(c, "no-role", "worker", "client-token") as no_role, \
                    self.worker(c, "stranger", "stranger", "worker-token") as stranger:
                no_role.wait_log("the role of this token", LONG)
                stranger.wait_log("worker::link", LONG)
                self.assertEqual(list(admin.workers()), ["good"])
                for program in c, good, no_role, stranger:
                    self.assertNotIn("the-token-of", program.log_text())


unittest.main(verbosity=2)
