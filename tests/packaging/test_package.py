#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The Debian package: made by cpack, installed by apt in a Debian 12 of its own, tried there, purged
again. Skipped, aloud, without root or a tool it takes; what it takes is not in scripts/bootstrap.

usage: test_package.py SOURCE_DIR BIN_DIR"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, BIN = (os.path.abspath(p) for p in sys.argv[1:3])
UNITS = ("zisk-coordinator.service", "zisk-worker.service")
FOLDERS = ("proofs", "coordinator", "inputs", "keys")
# No Debian archive takes this package: its tools compress pages and want a changelog.
TOLERATED = ("uncompressed-manual-page", "no-changelog", "bogus-mail-host", "no-manual-page",
             "maintainer-script-calls-systemctl")

for tool, package in (("mmdebstrap", "mmdebstrap"), ("dpkg-shlibdeps", "dpkg-dev"),
                      ("systemd-analyze", "systemd"), ("unshare", "util-linux")):
    if shutil.which(tool) is None:
        print(f"SKIPPED: {tool} is missing (package {package})")
        sys.exit(77)
if os.getuid() != 0:
    print("SKIPPED: installing takes root")
    sys.exit(77)


def run(*command, code=0, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, **options)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="zisk-package-")
        build, cls.root = os.path.join(cls.folder, "build"), os.path.join(cls.folder, "root")
        launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        run("cmake", "--preset", "release", "-B", build, "-DZISK_SYSTEM_FILES=ON",
            "-DZISK_TESTS=OFF", *launcher, cwd=SOURCE)
        run("cmake", "--build", build, "--target", "zisk_programs")
        run("cpack", cwd=build)
        (cls.deb,) = glob.glob(os.path.join(build, "zisk_*.deb"))

    @classmethod
    def tearDownClass(cls):
        # Should a mount be left in spite of all, nothing behind it is touched.
        subprocess.run(["rm", "-rf", "--one-file-system", cls.folder], check=False)

    def inside(self, script, code=0):
        """Runs a script as root of the Debian, with processes and mounts of its own."""
        enter = ('mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
                 'exec chroot "$0" sh -euc "$1"')
        return run("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--",
                   "sh", "-c", enter, self.root, script, code=code,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/",
                        "DEBIAN_FRONTEND": "noninteractive"})

    def test_content_and_depends(self):
        depends = run("dpkg-deb", "-f", self.deb, "Depends")
        for library in ("libc6", "libssl3", "libuv1", "libnghttp2-14", "libsqlite3-0",
                        "libprotobuf-c1", "libcurl4", "libmicrohttpd12"):
            self.assertRegex(depends, rf"\b{re.escape(library)}\b")
        content = run("dpkg-deb", "-c", self.deb)
        for path in ("usr/bin/zisk-coordinator", "usr/bin/zisk-worker", "usr/bin/zisk",
                     "etc/zisk/coordinator.toml", "usr/share/man/man1/zisk-coordinator-prove.1",
                     "usr/share/zisk/monitoring/zisk-rules.yml", "usr/share/doc/zisk/copyright",
                     *(f"lib/systemd/system/{u}" for u in UNITS)):
            self.assertIn(f" ./{path}\n", content)
        for line in content.splitlines():
            self.assertIn(" root/root ", line)
            self.assertRegex(line, "^(d|l|.......r-.r-.) |^.rwxr-xr-x |^drwxr-xr-x |^lrwxrwxrwx "
                                   "|^-rw-r--r-- ")

    def test_units(self):
        for unit in UNITS:
            with open(os.path.join(SOURCE, "distributed/systemd", unit)) as f:
                text = f.read()
            self.assertIn("ExecStart=/usr/bin/", text)
            copy = os.path.join(self.folder, unit)
            with open(copy, "w") as f:  # the programs are not installed on this machine
                f.write(text.replace("ExecStart=/usr/bin", f"ExecStart={BIN}"))
            # The exit code is 0 even for keys that systemd does not know: it prints them.
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy],
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            told = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                   copy], capture_output=True, text=True).stdout
            exposure = float(re.search(r"exposure level for \S+: ([0-9.]+)", told).group(1))
            self.assertLess(exposure, 2.0)
            print(f"{unit}: exposure {exposure}")
            os.makedirs(os.path.join(self.folder, "wrong"), exist_ok=True)
            wrong = shutil.copy(copy, os.path.join(self.folder, "wrong"))
            with open(wrong, "a") as f:
                f.write("[Service]\nNoNewPrivilege=yes\n")
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", wrong],
                                  capture_output=True, text=True)
            self.assertIn("NoNewPrivilege", done.stderr)  # so it does look

    def test_lintian(self):
        if shutil.which("lintian") is None:
            self.skipTest("lintian is missing")
        out = run("lintian", "--allow-root", "--fail-on", "none", "--suppress-tags",
                  ",".join(TOLERATED), self.deb)
        self.assertEqual(out, "")

    def test_installed_and_purged(self):
        run("mmdebstrap", "--quiet", "--variant=minbase", "bookworm", self.root)
        shutil.copy(self.deb, os.path.join(self.root, "zisk.deb"))
        self.inside("apt-get update -qq; apt-get install -qq -y --no-install-recommends /zisk.deb")
        for folder in FOLDERS:
            self.assertEqual(self.inside(f"stat -c '%U:%G %a' /var/lib/zisk/{folder}"),
                             "zisk:zisk 750\n")
        # The coordinator with the package's settings, as its user; what its client says of it.
        said = self.inside('''
            cd /var/lib/zisk
            setpriv --reuid zisk --regid zisk --clear-groups \\
              zisk-coordinator --config /etc/zisk/coordinator.toml > /tmp/out 2> /tmp/log & pid=$!
            for i in $(seq 100); do zisk-coordinator status >/tmp/status 2>&1 && break; sleep 0.2; done
            cat /tmp/out /tmp/status
            kill $pid; wait $pid
            ls -A /var/lib/zisk/coordinator''')
        self.assertIn("Listening on 0.0.0.0:50051", said)
        self.assertRegex(said, r"workers +0: 0 idle")
        self.assertRegex(said, r"(?m)^jobs")
        # A worker whose program is not there says what to do.
        self.assertIn("/var/lib/zisk/program.elf", self.inside(
            ". /etc/default/zisk-worker; export ZISK_WORKER_ELF ZISK_WORKER_PROVING_KEY; "
            "zisk-worker --config /etc/zisk/worker.toml 2>&1 && exit 9; true"))
        self.inside("echo '# mine' >> /etc/zisk/worker.toml; apt-get remove -qq -y zisk;"
                    "grep -q mine /etc/zisk/worker.toml; test -d /var/lib/zisk/coordinator")
        self.inside("apt-get purge -qq -y zisk; test ! -e /etc/zisk; test ! -e /var/lib/zisk;"
                    "test ! -e /etc/default/zisk-worker; ! getent passwd zisk; test ! -e /usr/lib/zisk")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
