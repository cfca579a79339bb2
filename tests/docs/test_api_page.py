#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs the `sh buf` blocks of doc/api.md against a coordinator on the page's own port, and the page's
Python against one with a worker.

usage: test_api_page.py SOURCE_DIR BUILD_DIR NPM_DIR    exits 77 without buf or namespaces"""
import os
import subprocess
import sys
import tempfile

import test_pages

source, build, npm = map(os.path.abspath, sys.argv[1:4])
with open(os.path.join(source, "doc", "api.md"), encoding="utf-8") as f:
    found = list(test_pages.blocks(f.read()))
buf = [content for info, _, content in found if info == "sh buf"]
python = [content for info, _, content in found if info == "python"]
assert len(buf) == 1 and len(python) == 1, found
private = test_pages.private_shell()
if not private or not os.path.exists(os.path.join(npm, "node_modules", ".bin", "buf")):
    print("SKIPPED: needs namespaces and the packages of tests/peers (the test peer_npm)")
    sys.exit(77)

script = f"""exec 2>&1
ip link set lo up
set -eu -o pipefail
export PATH={build}/bin:{npm}/node_modules/.bin:$PATH HOME=$PWD
zisk-coordinator > coordinator.log 2>&1 &
until grep -q 'Listening on' coordinator.log; do sleep 0.05; done
{buf[0]}
zisk-worker --elf {build}/guests/sha256.elf --proving-key keys > worker.log 2>&1 &
until zisk-coordinator workers --available | grep -q Idle; do sleep 0.1; done
zisk-coordinator jobs --json | tr ',' '\\n' | sed -n 's/.*"job_id":"\\(.*\\)"/\\1/p' |
  while read -r id; do zisk-coordinator cancel "$id"; done
protoc -I {source}/proto -I /usr/include --python_out=. zisk_distributed_api.proto
printf '\\003\\0\\0\\0\\0\\0\\0\\0abc\\0\\0\\0\\0\\0' > input.bin
/usr/bin/python3 page.py
zisk verify proof.bin --elf {build}/guests/sha256.elf
"""
# The page's stub comes from grpc's plugin, which Debian packages apart: this is the same by hand.
STUB = """
import grpc
import zisk_distributed_api_pb2 as pb
class ZiskDistributedApiStub:
    def __init__(self, channel):
        for m in pb.DESCRIPTOR.services_by_name["ZiskDistributedApi"].methods:
            make = {"UploadInput": channel.stream_unary, "WatchJob": channel.unary_stream,
                    "FetchProof": channel.unary_stream}.get(m.name, channel.unary_unary)
            setattr(self, m.name, make(f"/zisk.distributed.api.v1.ZiskDistributedApi/{m.name}",
                    request_serializer=lambda r: r.SerializeToString(),
                    response_deserializer=getattr(pb, m.output_type.name).FromString))
"""
with tempfile.TemporaryDirectory(prefix="zisk-api-") as folder:
    for name, text in (("page.py", python[0]), ("zisk_distributed_api_pb2_grpc.py", STUB)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    done = subprocess.run([*private, "bash", "-c", script], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, timeout=600)
print(done.stdout)
assert done.returncode == 0, done.returncode
for line in ("zisk.distributed.api.v1.ZiskDistributedApi", '"jobId": "', "Completed", "valid"):
    assert line in done.stdout, line
