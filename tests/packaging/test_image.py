#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The container image: built from distributed/Dockerfile by buildah on a base that mmdebstrap makes, so
that no registry is asked; then a coordinator, a worker and a client from it give a proof. Skipped,
aloud, without root or a tool it takes; what it takes is not in scripts/bootstrap.

usage: test_image.py SOURCE_DIR BIN_DIR GUEST.elf [--image STORAGE]

--image tries an image that is built already: STORAGE is the folder of buildah's storage."""
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE, BIN, ELF = (os.path.abspath(p) for p in sys.argv[1:4])
BASE, IMAGE = "debian:bookworm", "localhost/zisk-distributed:latest"

for tool in ("buildah", "mmdebstrap", "unshare"):
    if shutil.which(tool) is None:
        print(f"SKIPPED: {tool} is missing")
        sys.exit(77)
if os.getuid() != 0:
    print("SKIPPED: building an image without an engine takes root")
    sys.exit(77)


class Buildah:
    def __init__(self, folder, storage):
        self.policy = os.path.join(folder, "policy.json")
        with open(self.policy, "w") as f:
            f.write('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.command = ["buildah", "--root", f"{storage}/root",
                        "--runroot", f"{storage}/runroot"]

    def __call__(self, *words, check=True, **options):
        done = subprocess.run([*self.command, *words], capture_output=True, text=True,
                              timeout=5400, **options)
        if check and done.returncode != 0:
            raise SystemExit(f"{words}: {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-3000:]}")
        return done.stdout.strip() if check else done

    def base(self, folder):
        tar = os.path.join(folder, "base.tar")
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase",
                        "--include=ca-certificates", "bookworm", tar], check=True)
        container = self("from", "scratch")
        self("add", container, tar, "/")
        self("commit", "--signature-policy", self.policy, "--format", "docker", container, BASE)
        self("tag", BASE, BASE + "-slim")
        self("rm", container)

    def build(self):
        self("bud", "--isolation", "chroot", "--network", "host", "--pull-never",
             "--signature-policy", self.policy, "--format", "docker", "-t", IMAGE,
             "-f", os.path.join(SOURCE, "distributed/Dockerfile"), SOURCE)


def check(condition, what):
    if not condition:
        raise SystemExit(what)


def in_container(buildah, container, words, volumes=()):
    """A command in a container, as the user of the image."""
    mounts = [w for host, inside, how in volumes for w in ("--volume", f"{host}:{inside}:{how}")]
    return [*buildah.command, "run", "--isolation", "chroot", "--network", "host", *mounts,
            container, "--", *words]


def healthy(buildah, container, volumes=()):
    test = buildah("inspect", "--type", "image", "--format",
                   "{{index .Docker.Config.Healthcheck.Test 1}}", IMAGE)
    return subprocess.run(in_container(buildah, container, ["sh", "-c", test], volumes),
                          capture_output=True, timeout=60).returncode == 0


def wait_until(condition, what, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"it did not happen in time: {what}")
        time.sleep(0.5)


def stop(process, name):
    """As an engine does: a signal to the program. All processes that we see are this test's."""
    for comm in glob.glob("/proc/[0-9]*/comm"):
        with open(comm) as f:
            if f.read().strip() == name:
                os.kill(int(comm.split("/")[2]), signal.SIGTERM)
    process.wait(60)


def cluster(buildah, folder):
    """The commands of doc/operate.md, without an engine's network: localhost in place of names."""
    made = {name: buildah("from", "--signature-policy", buildah.policy, "--pull-never", IMAGE)
            for name in ("coordinator", "worker")}
    settings = buildah("inspect", "--type", "image", "--format",
                       "{{.Docker.Config.User}} {{.Docker.Config.WorkingDir}} "
                       "{{.Docker.Config.Cmd}}", IMAGE)
    check(settings == "zisk /app [zisk-coordinator --config /app/config/coordinator/prod.toml]",
          f"user, folder and command of the image: {settings}")
    for path in ("inputs", "elf", "proofs"):
        os.mkdir(os.path.join(folder, path))
    os.chmod(os.path.join(folder, "proofs"), 0o777)  # the containers' user is not root
    shutil.copy(ELF, os.path.join(folder, "elf/program.elf"))
    with open(os.path.join(folder, "inputs/input.bin"), "wb") as f:
        f.write((4).to_bytes(8, "little") + (20).to_bytes(8, "little"))
    os.chmod(folder, 0o755)
    volumes = [(f"{folder}/elf", "/app/elf", "ro"), (f"{folder}/inputs", "/app/inputs", "ro")]
    started = []

    def start(name, words, more=()):
        log = open(os.path.join(folder, f"{name}.log"), "wb")
        started.append(subprocess.Popen(in_container(buildah, made[name], words, more), stdout=log,
                                        stderr=log, start_new_session=True))

    def log(name):
        with open(os.path.join(folder, f"{name}.log"), errors="replace") as f:
            return f.read()

    def client(*words):
        return subprocess.run(in_container(buildah, made["coordinator"], words),
                              capture_output=True, text=True, timeout=300)
    try:
        check(not healthy(buildah, made["coordinator"]), "healthy although nothing runs")
        start("coordinator", ["zisk-coordinator", "--config", "/app/config/coordinator/dev.toml"],
              [(f"{folder}/proofs", "/app/proofs", "rw")])
        wait_until(lambda: healthy(buildah, made["coordinator"]), "the coordinator is healthy")
        start("worker", ["zisk-worker", "--coordinator-url", "http://127.0.0.1:50051", "--elf",
                         "/app/elf/program.elf", "--proving-key", "/app/proving-keys",
                         "--inputs-folder", "/app/inputs"], volumes)
        wait_until(lambda: "Idle" in client("zisk-coordinator", "workers").stdout,
                   "the worker registers")
        done = client("zisk-coordinator", "prove", "--inputs-uri", "input.bin",
                      "--compute-capacity", "10")
        check(done.returncode == 0, done.stderr + log("coordinator") + log("worker"))
        (proof,) = glob.glob(os.path.join(folder, "proofs/proof_*.bin"))
        check(os.stat(proof).st_uid != 0, "the coordinator runs as root")
        said = subprocess.run([os.path.join(BIN, "zisk"), "verify", proof, "--elf", ELF],
                              capture_output=True, text=True)
        check(said.returncode == 0 and said.stdout.startswith("valid"), said.stdout + said.stderr)
        print("a proof from the image's cluster is valid:", said.stdout.split("\n")[1])
        # The health of a worker does not hang on the coordinator's.
        stop(started[0], "zisk-coordinato")
        check("coordinator: stopped" in log("coordinator"), log("coordinator")[-2000:])
        check(healthy(buildah, made["worker"]), "a worker that runs is not healthy")
        stop(started[1], "zisk-worker")
        check("worker: ended" in log("worker"), log("worker")[-2000:])
        check(not healthy(buildah, made["worker"]), "healthy although the worker is gone")
    finally:
        for p in started:
            if p.poll() is None:
                os.killpg(p.pid, signal.SIGKILL)
                p.wait()
        for container in made.values():
            buildah("rm", container, check=False)


def main():
    alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if sys.argv[4:5] == ["--alone"]:  # in a network and a process table of our own
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        with tempfile.TemporaryDirectory(prefix="zisk-image-") as folder:
            cluster(Buildah(folder, sys.argv[5]), folder)
        return
    storage = sys.argv[5] if sys.argv[4:5] == ["--image"] else None
    with tempfile.TemporaryDirectory(prefix="zisk-image-") as folder:
        if storage is None:
            storage = os.path.join(folder, "storage")
            buildah = Buildah(folder, storage)
            start = time.monotonic()
            buildah.base(folder)
            buildah.build()
            print(f"the image was built in {time.monotonic() - start:.0f} s")
        done = subprocess.run([*alone, sys.executable, *sys.argv[:4], "--alone", storage])
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
