#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What can happen to a cluster, one function each: real coordinators and workers on loopback, real
proofs of a small run, faults on purpose.

    test_scenarios.py [--quick | NAME ...]     those of the quick tier; with NAME in the name; all

Every scenario ends jobs in the proof of `zisk prove`, byte for byte, or in its typed error; and at
its end each worker that lives is idle or set aside for a reason, the coordinator's memory is
within its bounds, all processes go away when asked, and none is left behind.
"""
import contextlib
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from harness import BIN, PATIENCE, Coordinator, Proxy, Worker, wait_until

GUESTS = os.environ.get("ZISK_GUESTS", os.path.join(BIN, "../guests"))
ELF = os.path.join(GUESTS, "sha256.elf")
LONG = 15 * PATIENCE  # one job on a machine that does much else
COORDINATOR_MAX_MIB = 150 if os.environ.get("ZISK_SANITIZED") != "ON" else 4096
FOLDER = tempfile.TemporaryDirectory(prefix="zisk-scenarios-")
KEYS = os.path.join(FOLDER.name, "keys")
QUICK = ["single_worker", "killed_in_contributions", "coordinator_killed_in_prove", "forged_proof"]


class Skipped(Exception):
    pass


def data(n):
    return bytes((i * 7 + n) % 256 for i in range(n))


SMALL, MIDDLE = data(100), data(300)  # three instances of 2^20 cells, and some more


@functools.cache
def expected(given):
    """The proof that one machine makes."""
    path = os.path.join(FOLDER.name, "alone")
    with open(path, "wb") as f:
        f.write(given)
    subprocess.run([os.path.join(BIN, "zisk"), "prove", ELF, "--raw-input", path, "-o",
                    path + ".proof", "--instance-log-cells", "20", "--cache-dir", KEYS],
                   check=True, capture_output=True)
    with open(path + ".proof", "rb") as f:
        return f.read()


class Cluster:
    """A coordinator and its workers w0, w1, .. `faults`: {0: "forged-proof"}."""

    def __init__(self, units=(1, 1), faults=None, settings=None, via=None, **more):
        self.faults = faults or {}
        self.workers, self.via = {}, via or {}
        self.stack = contextlib.ExitStack()
        self.c = Coordinator({"coordinator.instance_log_cells": "20",
                              "coordinator.reconnect_grace_seconds": 1,
                              "coordinator.max_attempts": 10, **(settings or {})}, **more)
        self.units = units

    def __enter__(self):
        try:
            self.stack.enter_context(self.c)
            self.client = self.c.client()
            for k, n in enumerate(self.units):
                self.add(f"w{k}", n, self.faults.get(k))
        except BaseException:
            self.stack.close()
            raise
        return self

    def add(self, name, units=1, fault=None, **more):
        more.setdefault("program", "zisk-worker-faulty" if fault else "zisk-worker")
        env = {"ZISK_WORKER_CONNECTION_RECONNECT_INTERVAL_SECONDS": "1", **more.pop("env", {})}
        if fault:
            env["ZISK_FAULT"] = fault
        w = Worker(self.via.get(name, self.c), ELF, name, units=units, env=env,
                   args=["--proving-key", KEYS, "-n", "1"], **more)
        self.workers[name] = self.stack.enter_context(w)
        self.wait_state(name, "Idle")  # one after the other: the order of registration
        return w

    def state(self, name):
        w = self.client.workers().get(name)
        return w.state if w else "unknown"

    def wait_state(self, name, state):
        wait_until(lambda: self.state(name) == state,
                   f"{name} is {state}: {self.workers[name].tail()}", LONG)

    def launch(self, given=SMALL, units=None, **fields):
        digest = self.client.upload("UploadInput", given).sha256
        answer = self.client.call("LaunchProof", compute_capacity=units or sum(self.units),
                                  inputs_mode=2, input_digest=digest, raw_input=True, **fields)
        assert not answer.error.code, answer.error
        return answer.job_id

    def wait(self, job, *states):
        return self.client.wait_job(job, states, LONG)

    def phase(self, job, phase):
        """Waits for it; a job that is beyond it was too quick for the scenario."""
        status = self.wait(job, f"Running ({phase})", "Completed", "Failed", "Cancelled")
        assert status.state.startswith("Running"), f"{status}{self.c.tail(60)}"
        return status

    def prove(self, job, given=SMALL):
        """The job ends in the right proof: given back, and in its file."""
        status = self.client.wait_job(job, seconds=LONG)
        assert status.state == "Completed", f"{status.state}: {status.failure}{self.c.tail()}"
        proof = self.client.download("FetchProof", job_id=job)
        assert proof == expected(given), "another proof than that of one machine"
        wait_until(lambda: os.path.exists(self.c.proof_file(job)), "the proof file")
        with open(self.c.proof_file(job), "rb") as f:
            assert f.read() == proof
        return status

    def fail(self, job, code):
        status = self.client.wait_job(job, seconds=LONG)
        assert (status.state, status.failure.code) == ("Failed", code), status
        assert status.failure.message
        return status

    def kill_coordinator(self):
        self.c.kill()
        self.c.restart()
        self.client = self.c.client()

    def __exit__(self, failure, *rest):
        try:
            if not failure:
                self.all_is_well()
        finally:
            self.stack.__exit__(failure, *rest)

    def all_is_well(self):
        if self.c.alive():
            for name, w in self.workers.items():
                if w.alive():
                    wait_until(lambda n=name: self.state(n) in ("Idle", "Set aside"),
                               f"{name} is {self.state(name)}", LONG)
            used = self.c.memory_kib() // 1024
            assert used < COORDINATOR_MAX_MIB, f"the coordinator takes {used} MiB"
            assert self.c.open_files() < 100, "files or connections pile up"
        for name, w in self.workers.items():
            if w.alive():
                assert w.stop(seconds=LONG) == 0, w.tail()
        if self.c.alive():
            assert self.c.stop(seconds=LONG) == 0, self.c.tail()
        # The files of one that was killed are removed by the next that starts.
        killed = any(w.process.returncode != 0 for w in self.workers.values())
        work = os.listdir(os.path.join(KEYS, "work"))
        assert killed or work == ["lock"], work


def children():
    """Processes that this one started and that run."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as f:
            state, parent = f.read().rsplit(") ", 1)[1].split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(pid))
    return found


# ---- Sizes and choice --------------------------------------------------------------------------

def single_worker():
    with Cluster([1]) as k:
        k.prove(k.launch())


def one_two_and_four_workers():
    for units in [1], [1, 1], [1, 1, 1, 1]:
        with Cluster(units) as k:
            status = k.prove(k.launch(MIDDLE), MIDDLE)
            assert len(status.assigned_workers) == len(units)


def uneven_capacity():
    with Cluster([4, 3, 2, 1]) as k:
        job = k.launch(MIDDLE)
        status = k.phase(job, "Prove")
        shares = {w.worker_id: w.instances_total for w in status.progress.workers}
        assert shares["w0"] > shares.get("w3", 0), shares
        assert len(k.prove(job, MIDDLE).assigned_workers) == 4
        # Two of them are enough for this one, in the order of registration.
        assert list(k.prove(k.launch(units=7)).assigned_workers) == ["w0", "w1"]


def minimal_and_insufficient_capacity():
    with Cluster([1, 1]) as k:
        code, text = k.client.code("LaunchProof", compute_capacity=3)
        assert code == "RESOURCE_EXHAUSTED" and "Insufficient compute capacity" in text, text
        code, _ = k.client.code("LaunchProof", compute_capacity=9, minimal_compute_capacity=3)
        assert code == "RESOURCE_EXHAUSTED"
        k.prove(k.launch(units=9, minimal_compute_capacity=2))


# ---- The queue ---------------------------------------------------------------------------------

def queue_with_priorities():
    with Cluster([1]) as k:
        first = k.launch()
        jobs = [k.launch(queue=True, priority=p, data_id=str(p)) for p in (1, 9, 1, 5)]
        order = []
        wait_until(lambda: note_ended(k, [first, *jobs], order), "all end", LONG)
        assert order == [first, jobs[1], jobs[3], jobs[0], jobs[2]], order
        for job in jobs:
            k.prove(job)


def note_ended(k, jobs, order):
    """Appends to order what has ended since; one worker ends one at a time."""
    for job in jobs:
        if job not in order and k.client.job(job).state in ("Completed", "Failed"):
            order.append(job)
    return len(order) == len(jobs)


def twenty_jobs_at_once():
    with Cluster([1, 1]) as k:
        # Large ones first in line are not starved by small ones behind them.
        jobs = [k.launch(queue=True, units=2 if i % 5 == 0 else 1, data_id=f"job {i}")
                for i in range(20)]
        for job in jobs:
            k.prove(job)
        started = [k.client.job(job).start_time for job in jobs]
        assert started == sorted(started), started


def cancelled_while_waiting_and_while_running():
    with Cluster([1, 1]) as k:
        running, waiting = k.launch(MIDDLE), k.launch(queue=True)
        assert k.client.call("CancelJob", job_id=waiting).state == "Cancelled"
        for phase in "Contributions", "Prove":
            k.phase(running, phase)
            k.client.call("CancelJob", job_id=running)
            assert k.wait(running, "Cancelled").state == "Cancelled"
            for name in k.workers:
                k.wait_state(name, "Idle")
            running = k.launch(MIDDLE)
        k.prove(running, MIDDLE)


# ---- Workers that die, stop and stall ----------------------------------------------------------

def killed(fault, given=MIDDLE):
    with Cluster([1, 1], {0: fault}) as k:
        k.prove(k.launch(given), given)
        assert k.workers["w0"].wait() == -signal.SIGKILL
        assert k.state("w0") in ("Disconnected", "unknown")


def killed_in_contributions():
    killed("die-in-contributions", SMALL)


def killed_in_prove():
    killed("die-in-prove")


def aggregator_killed():
    # Whoever of the two is done first dies as the aggregator, and the other one if it is asked; a
    # third, which had no share, ends the job.
    with Cluster([1, 1, 1], {0: "die-in-aggregate", 1: "die-in-aggregate"}) as k:
        k.prove(k.launch(units=2))
        assert not (k.workers["w0"].alive() and k.workers["w1"].alive())


def killed_in_aggregate():
    with Cluster([1, 1, 1]) as k:
        job = k.launch(MIDDLE)
        k.phase(job, "Aggregate")
        # Who aggregates is in the log; another one dies.
        for name, w in k.workers.items():
            if not re.search(r"task begins.*aggregate", w.log_text(), re.I):
                w.kill()
                break
        else:
            raise AssertionError("all of them aggregate")
        k.prove(job, MIDDLE)


def all_are_killed():
    with Cluster([1, 1], settings={"coordinator.capacity_timeout_seconds": 3}) as k:
        job = k.launch(MIDDLE)
        k.phase(job, "Prove")
        for w in k.workers.values():
            w.kill()
        k.fail(job, "CAPACITY_LOST")


def all_are_killed_and_others_come():
    with Cluster([1, 1]) as k:
        job = k.launch(MIDDLE)
        k.phase(job, "Prove")
        for w in k.workers.values():
            w.kill()
        k.add("w2")
        k.prove(job, MIDDLE)


SHORT = {"coordinator.heartbeat_timeout_seconds": 2}


def stopped_and_resumed():
    with Cluster([1, 1], settings=SHORT) as k:
        job = k.launch(MIDDLE)
        k.phase(job, "Prove")
        k.workers["w0"].send_signal(signal.SIGSTOP)
        k.prove(job, MIDDLE)  # by the other one
        k.wait_state("w0", "Disconnected")
        k.workers["w0"].send_signal(signal.SIGCONT)
        k.wait_state("w0", "Idle")
        assert len(k.prove(k.launch()).assigned_workers) == 2


def stopped_for_a_moment():
    with Cluster([1, 1], settings={"coordinator.heartbeat_timeout_seconds": 30}) as k:
        job = k.launch(MIDDLE)
        k.phase(job, "Prove")
        k.workers["w0"].send_signal(signal.SIGSTOP)
        time.sleep(2)
        k.workers["w0"].send_signal(signal.SIGCONT)
        assert set(k.prove(job, MIDDLE).assigned_workers) == {"w0", "w1"}


def stalls(units, faults, timeout, job_units):
    with Cluster(units, faults, {f"coordinator.{timeout}": 10}) as k:
        k.prove(k.launch(units=job_units))
        stalled = [w for name, w in k.workers.items() if "misbehaving as told" in w.log_text()]
        assert stalled, "nobody stalled"
        for w in stalled:
            w.wait_log('released from a job.*reason="no progress"')
            w.kill()  # it sleeps for good, that is what it was told


def stalls_in_contributions():
    stalls([1, 1], {0: "stall-in-contributions"}, "phase1_timeout_seconds", 2)


def stalls_in_prove():
    stalls([1, 1], {0: "stall-in-prove"}, "phase2_timeout_seconds", 2)


def aggregator_stalls():
    # Whoever is done first aggregates, and stalls; the third has no part in the job until then.
    stalls([1, 1, 1], {0: "stall-in-aggregate", 1: "stall-in-aggregate"},
           "phase3_timeout_seconds", 2)


# ---- Workers that lie --------------------------------------------------------------------------

def lies(fault, aside=True, units=(1, 1, 1), given=SMALL, settings=None):
    with Cluster(units, {0: fault}, settings) as k:
        k.prove(k.launch(given), given)
        if aside:
            k.wait_state("w0", "Set aside")
            assert k.client.workers()["w0"].reason
            # The rest goes on without it.
            status = k.prove(k.launch(units=len(units) - 1))
            assert "w0" not in status.assigned_workers


def forged_contribution():
    lies("forged-contribution")


def forged_proof():
    lies("forged-proof", units=(1, 1))


def forged_final_proof():
    # Only the first to finish makes it; with all but one lying, one of them is caught.
    with Cluster([1, 1, 1], {0: "lie-final", 1: "lie-final"}) as k:
        k.prove(k.launch(units=2))
        assert "Set aside" in (k.state("w0"), k.state("w1"))


def garbage():
    lies("garbage-answer", units=(1, 1))


def another_plan():
    lies("wrong-plan")


def another_plan_and_nobody_to_settle_it():
    with Cluster([1, 1], {0: "wrong-plan"}) as k:
        k.fail(k.launch(), "CONTRIBUTIONS_DISAGREE")


def result_of_another_job():
    lies("other-job-answer", aside=False, settings={"coordinator.phase1_timeout_seconds": 20,
                                                   "coordinator.phase2_timeout_seconds": 20})


def results_twice():
    lies("twice", aside=False)


def result_of_the_wrong_phase():
    lies("wrong-phase", aside=False)


# ---- The coordinator dies ----------------------------------------------------------------------

def coordinator_killed_in(phase):
    with Cluster([1, 1]) as k:
        job, waiting = k.launch(MIDDLE), k.launch(queue=True)
        k.phase(job, phase)
        k.kill_coordinator()
        k.prove(job, MIDDLE)
        k.prove(waiting)


def coordinator_killed_in_contributions():
    coordinator_killed_in("Contributions")


def coordinator_killed_in_prove():
    coordinator_killed_in("Prove")


def coordinator_killed_in_aggregate():
    coordinator_killed_in("Aggregate")


def coordinator_killed_often():
    with Cluster([1, 1]) as k:
        job = k.launch(MIDDLE)
        for _ in range(4):
            time.sleep(1)
            k.kill_coordinator()
        k.prove(job, MIDDLE)


def coordinator_and_worker_killed():
    with Cluster([1, 1]) as k:
        job = k.launch(MIDDLE)
        k.phase(job, "Prove")
        k.workers["w0"].kill()
        k.kill_coordinator()
        k.prove(job, MIDDLE)


# ---- The network -------------------------------------------------------------------------------

def network_cut():
    with Cluster([1], settings=SHORT) as k, Proxy(k.c.port) as p:
        k.via["w1"] = p
        k.add("w1", env={"ZISK_WORKER_CONNECTION_HEARTBEAT_TIMEOUT_SECONDS": "3"})
        job = k.launch(MIDDLE, units=2)
        k.phase(job, "Prove")
        p.cut.set()
        k.prove(job, MIDDLE)
        k.wait_state("w1", "Disconnected")
        p.cut.clear()
        k.wait_state("w1", "Idle")
        assert len(k.prove(k.launch(units=2)).assigned_workers) == 2
        k.all_is_well()


def network_cut_for_a_moment():
    settings = {**SHORT, "coordinator.reconnect_grace_seconds": 60}
    with Cluster([1], settings=settings) as k, Proxy(k.c.port) as p:
        k.via["w1"] = p
        w = k.add("w1", env={"ZISK_WORKER_CONNECTION_HEARTBEAT_TIMEOUT_SECONDS": "3"})
        job = k.launch(MIDDLE, units=2)
        k.phase(job, "Prove")
        p.cut.set()
        k.wait_state("w1", "Disconnected")
        p.cut.clear()
        k.prove(job, MIDDLE)  # it came back with what it had
        assert len(re.findall("task begins.*kind=[01]", w.log_text())) == 2, w.tail()
        k.all_is_well()


class Namespace:
    """A network of its own for a worker, with one cable to ours, which can be pulled."""

    def __init__(self, name):
        self.space, self.cable, self.url = name, name[-8:] + "a", None

    def __enter__(self):
        other = self.cable[:-1] + "b"
        try:
            for line in (f"netns add {self.space}",
                         f"link add {self.cable} type veth peer name {other} netns {self.space}",
                         f"addr add 10.213.77.1/30 dev {self.cable}", f"link set {self.cable} up",
                         f"-n {self.space} addr add 10.213.77.2/30 dev {other}",
                         f"-n {self.space} link set {other} up"):
                subprocess.run(["ip", *line.split()], check=True, capture_output=True, text=True)
        except (subprocess.CalledProcessError, FileNotFoundError) as e:
            self.__exit__()
            raise Skipped(f"no network namespaces here: {getattr(e, 'stderr', e)}")
        return self

    def plug(self, there):
        subprocess.run(["ip", "link", "set", self.cable, "up" if there else "down"], check=True)

    def __exit__(self, *_):
        for line in f"link del {self.cable}", f"netns del {self.space}":
            subprocess.run(["ip", *line.split()], capture_output=True)


def cable_pulled():
    if os.getuid() != 0 or not shutil.which("ip"):
        raise Skipped("needs root and iproute2")
    with Namespace(f"zisk{os.getpid()}") as n, \
            Cluster([1], settings={**SHORT, "server.host": "0.0.0.0"}) as k:
        n.url = f"http://10.213.77.1:{k.c.port}"
        k.via["w1"] = n
        k.add("w1", env={"ZISK_WORKER_CONNECTION_HEARTBEAT_TIMEOUT_SECONDS": "3"},
              prefix=["ip", "netns", "exec", n.space])
        job = k.launch(MIDDLE, units=2)
        k.phase(job, "Prove")
        n.plug(False)
        k.prove(job, MIDDLE)
        k.wait_state("w1", "Disconnected")
        n.plug(True)
        k.wait_state("w1", "Idle")
        assert len(k.prove(k.launch(units=2)).assigned_workers) == 2
        k.all_is_well()


# ---- The coordinator's machine -----------------------------------------------------------------

def disk_full():
    if os.getuid() != 0:
        raise Skipped("only root mounts a small disk")
    disk = os.path.join(FOLDER.name, "disk")
    os.makedirs(disk, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skipped(f"no mount here: {mounted.stderr}")
    try:
        with Cluster([1, 1], settings={"server.state_dir": os.path.join(disk, "state")}) as k:
            k.fail(k.launch(), "STORAGE_FAILURE")
            for name in k.workers:
                k.wait_state(name, "Idle")
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            k.prove(k.launch())
    finally:
        subprocess.run(["umount", disk], check=True)


def port_taken():
    with Cluster([1]) as k, tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.path.join(BIN, "zisk-coordinator"), "--port", str(k.c.port)],
                              cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 1 and "in use" in done.stderr, done
        k.prove(k.launch())  # the first one does not care


def files_exhausted():
    with Cluster([1], limits="ulimit -n 64") as k:
        job = k.launch(MIDDLE)
        taken = []
        for _ in range(100):
            with contextlib.suppress(OSError):
                taken.append(socket.create_connection(("127.0.0.1", k.c.port), timeout=1))
        wait_until(lambda: k.c.open_files() >= 60, "no file is left")
        time.sleep(3)
        spent = k.c.cpu_seconds()
        time.sleep(2)
        assert k.c.cpu_seconds() - spent < 1, "it spins"
        for s in taken:
            s.close()
        k.client = k.c.client()
        # It may have failed for the disk, which is typed; the next one has to work.
        status = k.client.wait_job(job, seconds=LONG)
        assert status.state == "Completed" or status.failure.code == "STORAGE_FAILURE", status
        k.prove(k.launch())


# ---- Clients and goodbyes ----------------------------------------------------------------------

def client_gone():
    with Cluster([1, 1]) as k:
        path = os.path.join(k.c.folder, "in.bin")
        with open(path, "wb") as f:
            f.write(MIDDLE)
        client = subprocess.Popen(
            [os.path.join(BIN, "zisk-coordinator"), "prove", "-x", "--inputs-uri", path,
             "--raw-input", "--compute-capacity", "2", "--coordinator-url", k.c.url, "--output",
             path + ".proof"], cwd=k.c.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        jobs = wait_until(lambda: k.client.call("JobsList").jobs_list.jobs, "it launches", LONG)
        k.phase(jobs[0].job_id, "Prove")
        client.kill()
        client.wait()
        k.prove(jobs[0].job_id, MIDDLE)
        assert not os.path.exists(path + ".proof")


def drained():
    with Cluster([1, 1], settings={"server.shutdown_timeout_seconds": int(LONG)}) as k:
        job = k.launch(MIDDLE)
        k.phase(job, "Prove")
        k.c.send_signal(signal.SIGTERM)
        wait_until(lambda: k.client.code("LaunchProof", compute_capacity=2)[0] == "UNAVAILABLE",
                   "nothing more is launched")
        assert k.c.wait(LONG) == 0
        with open(k.c.proof_file(job), "rb") as f:
            assert f.read() == expected(MIDDLE)
        k.c.restart()
        k.client = k.c.client()
        for name in k.workers:
            k.wait_state(name, "Idle")


def gone_before_the_job_is_done():
    with Cluster([1, 1]) as k:
        job = k.launch(MIDDLE)
        k.phase(job, "Prove")
        assert k.c.stop(seconds=LONG) == 0
        k.c.restart()
        k.client = k.c.client()
        k.prove(job, MIDDLE)


SCENARIOS = [
    single_worker, one_two_and_four_workers, uneven_capacity, minimal_and_insufficient_capacity,
    queue_with_priorities, twenty_jobs_at_once, cancelled_while_waiting_and_while_running,
    killed_in_contributions, killed_in_prove, killed_in_aggregate, aggregator_killed,
    all_are_killed, all_are_killed_and_others_come, stopped_and_resumed, stopped_for_a_moment,
    stalls_in_contributions, stalls_in_prove, aggregator_stalls, forged_contribution, forged_proof, forged_final_proof, garbage, another_plan,
    another_plan_and_nobody_to_settle_it, result_of_another_job, results_twice,
    result_of_the_wrong_phase, coordinator_killed_in_contributions, coordinator_killed_in_prove,
    coordinator_killed_in_aggregate, coordinator_killed_often, coordinator_and_worker_killed,
    network_cut, network_cut_for_a_moment, cable_pulled, disk_full, port_taken, files_exhausted,
    client_gone, drained, gone_before_the_job_is_done,
]


def run(scenario):
    """Prints its row; true when it is as it should be."""
    begin, before = time.monotonic(), os.times()
    try:
        scenario()
        assert not children(), f"processes are left: {children()}"
        result = "ok"
    except Skipped as e:
        result = f"SKIPPED: {e}"
    except Exception as e:  # a row, whatever it was
        place = [f for f in traceback.extract_tb(e.__traceback__) if f.filename == __file__]
        where = ", ".join(str(f.lineno) for f in place)
        result = f"FAILED at {where}: {type(e).__name__}: {e}"
    after = os.times()
    used = sum(after[2:4]) - sum(before[2:4])
    print(f"{scenario.__name__:44} {used:6.1f} s CPU {time.monotonic() - begin:7.1f} s  {result}",
          flush=True)
    return not result.startswith("FAILED")


def main(args):
    if not os.path.exists(ELF) or not os.path.exists(os.path.join(BIN, "zisk-worker-faulty")):
        print(f"SKIPPED: no {ELF} or no zisk-worker-faulty")
        return 77
    exact = args == ["--quick"]
    names = QUICK if exact else args or [""]
    chosen = [s for s in SCENARIOS if any(s.__name__ == n if exact else n in s.__name__
                                          for n in names)]
    if not chosen:
        print(f"no scenario {args}")
        return 2
    bad = [s.__name__ for s in chosen if not run(s)]
    print(f"{len(chosen) - len(bad)} of {len(chosen)} as they should be" +
          "".join(f"; failed: {n}" for n in bad))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    finally:
        FOLDER.cleanup()
    sys.exit(code)
