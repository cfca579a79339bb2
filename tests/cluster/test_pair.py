#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Coordinator and workers as they are: the final proof is that of `zisk prove`, byte for byte,
from 1, 2 and 4 workers, with inputs by path, by upload and none; a worker that is told to leave
in the middle changes nothing; what cannot be proved ends with its code.

    test_pair.py GUESTS_FOLDER [BYTES_OF_INPUT [TEST]]
"""
import contextlib
import functools
import os
import subprocess
import sys
import tempfile

from harness import BIN, PATIENCE, Coordinator, Worker, wait_until

GUESTS = os.path.abspath(sys.argv[1])
SHA = os.path.join(GUESTS, "sha256.elf")
CALLS = os.path.join(GUESTS, "accelerators-precompiles.elf")
LONG = 40 * PATIENCE  # a proof on a machine that does much else
N_BYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 2300  # two instances
INPUT = bytes((i * 7 + 1) % 256 for i in range(N_BYTES))


@functools.lru_cache
def prove_alone(folder, elf, data, cells):
    given, proof = os.path.join(folder, "input"), os.path.join(folder, "proof")
    with open(given, "wb") as f:
        f.write(data)
    subprocess.run([os.path.join(BIN, "zisk"), "prove", elf, "--raw-input", given, "-o", proof,
                    "--instance-log-cells", str(cells)], check=True, capture_output=True)
    with open(proof, "rb") as f:
        return f.read()


@contextlib.contextmanager
def cluster(n, elf=SHA, units=1, cells=23, key_folder=None, args=()):
    """A client of a coordinator, and its workers."""
    settings = {"coordinator.instance_log_cells": str(cells), "coordinator.heartbeat_timeout_seconds": 60}
    with contextlib.ExitStack() as stack:
        keys = key_folder or stack.enter_context(tempfile.TemporaryDirectory())
        c = stack.enter_context(Coordinator(settings))
        client = c.client()
        workers = [stack.enter_context(Worker(c, elf, f"w{k}", units=units, args=[
            "--proving-key", keys, "-n", "1", *args])) for k in range(n)]

        def registered():
            assert all(w.alive() for w in workers), "".join(w.tail() for w in workers)
            return len(client.workers(available_only=True)) == n
        wait_until(registered, "all registered", LONG)
        yield client, workers


def launch(c, **fields):
    answer = c.call("LaunchProof", **fields)
    assert not answer.error.code, answer.error
    return answer.job_id


def completed(c, job_id):
    job = c.wait_job(job_id, seconds=LONG)
    assert job.state == "Completed", (job.state, job.failure)
    return c.download("FetchProof", job_id=job_id)


def test_same_proof_from_any_number_of_workers(folder):
    expected = prove_alone(folder, SHA, INPUT, 23)
    assert len(expected) > 1 << 20  # of several instances
    for n in (1, 2, 4):
        with cluster(n, key_folder=folder) as (c, workers):
            digest = c.upload("UploadInput", INPUT).sha256
            job = launch(c, compute_capacity=n, inputs_mode=2, input_digest=digest, raw_input=True)
            assert completed(c, job) == expected, f"{n} workers"
            status = c.job(job)
            assert len(status.assigned_workers) == n
            for w in workers:
                assert w.stop() == 0, w.tail()
    # The key's cache is left, and nothing of the workers.
    assert any(name.startswith("fixed-") for name in os.listdir(folder)), os.listdir(folder)
    assert os.listdir(os.path.join(folder, "work")) == ["lock"]


def test_inputs_by_path(folder):
    with cluster(1, key_folder=folder) as (c, (w,)):
        with open(os.path.join(w.folder, "in.bin"), "wb") as f:
            f.write(b"abc")
        job = launch(c, compute_capacity=1, inputs_mode=1, inputs_uri="in.bin", raw_input=True)
        assert completed(c, job) == prove_alone(folder, SHA, b"abc", 23)
        job = launch(c, compute_capacity=1, inputs_mode=1, inputs_uri="../in.bin", raw_input=True)
        status = c.wait_job(job, seconds=LONG)
        assert status.state == "Failed" and status.failure.code == "INPUT_ERROR", status
        assert c.workers()["w0"].state == "Idle"


def test_failed_program(folder):
    with cluster(2, elf=CALLS, key_folder=folder) as (c, _):
        job = launch(c, compute_capacity=2, inputs_mode=0)
        status = c.wait_job(job, seconds=LONG)
        assert status.failure.code == "PROGRAM_FAILED" and "pc" in status.failure.message, status


def test_leaving_and_cancel(folder):
    expected = prove_alone(folder, SHA, INPUT, 23)
    with cluster(2, key_folder=folder) as (c, (leaver, stayer)):
        digest = c.upload("UploadInput", INPUT).sha256
        launch_it = dict(compute_capacity=2, inputs_mode=2, input_digest=digest, raw_input=True)
        job = launch(c, **launch_it)
        wait_until(lambda: c.job(job).progress.instances_done > 0, "something done", LONG)
        assert leaver.stop(seconds=LONG) == 0
        assert completed(c, job) == expected
        launch_it["compute_capacity"] = 1
        job = launch(c, **launch_it)
        stayer.wait_log("task begins.*job=" + job, LONG)
        c.call("CancelJob", job_id=job, reason="test")
        wait_until(lambda: c.workers()["w1"].state == "Idle", "free after a cancel", LONG)
        job = launch(c, compute_capacity=1, inputs_mode=1, inputs_uri="no such file")
        assert c.wait_job(job, seconds=LONG).failure.code == "INPUT_ERROR"
        assert stayer.alive()


def test_one_that_cannot_start(folder):
    for args in (["--elf", "/nowhere"], ["--elf", "/etc/passwd"], []):
        result = subprocess.run([os.path.join(BIN, "zisk-worker"), "-k", folder, *args],
                                capture_output=True, text=True)
        assert result.returncode in (1, 2) and result.stderr.strip(), result


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, test in list(globals().items()):
            if name.startswith("test_") and (len(sys.argv) < 4 or sys.argv[3] in name):
                print(name, flush=True)
                test(folder)
