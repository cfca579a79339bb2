#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""One job over a real coordinator and a real worker: the proof that is fetched is the one that is
saved, it verifies, and it is the one that `zisk prove` writes.

usage: test_one_job.py GUEST.elf
"""
import os
import subprocess
import sys
import unittest

from harness import BIN, PATIENCE, Coordinator, Worker, wait_until

ELF = os.path.abspath(sys.argv.pop())
LONG = 12 * PATIENCE  # on a busy machine


def zisk(*args):
    done = subprocess.run([os.path.join(BIN, "zisk"), *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class OneJob(unittest.TestCase):
    def test_one_job(self):
        with Coordinator() as c, \
                Worker(c, ELF, "worker-1", args=["--proving-key", os.path.join(c.folder, "key")]):
            client = c.client()
            wait_until(lambda: "worker-1" in client.workers(available_only=True), "worker", LONG)
            digest = client.upload("UploadInput", b"an input").sha256
            job = client.call("LaunchProof", compute_capacity=10, inputs_mode=2,
                              input_digest=digest, raw_input=True).job_id
            events = list(client.stream("WatchJob", job_id=job, from_start=True, timeout=LONG))
            states = [e.status.state for e in events if e.HasField("status")]
            self.assertEqual(states, ["Running (Contributions)", "Running (Prove)",
                                      "Running (Aggregate)", "Completed"])
            done = client.job(job)
            proof = client.download("FetchProof", job_id=job)
            self.assertEqual(done.proof_bytes, len(proof))
            self.assertGreater(done.executed_steps, 0)
            file = c.proof_file(job)
            wait_until(lambda: os.path.exists(file), "the proof is saved")
            with open(file, "rb") as f:
                self.assertEqual(f.read(), proof)
            self.assertIn("valid", zisk("verify", file, "--elf", ELF))
            wait_until(lambda: client.workers()["worker-1"].state == "Idle", "released")

            raw, own = os.path.join(c.folder, "input"), os.path.join(c.folder, "own")
            with open(raw, "wb") as f:
                f.write(b"an input")
            zisk("prove", ELF, "--raw-input", raw, "-o", own)
            with open(own, "rb") as f:
                self.assertEqual(f.read(), proof)


unittest.main(verbosity=2)
