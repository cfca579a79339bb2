#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Metrics of both programs: values after a made-up history, the format, the list in doc/metrics.md.

usage: test_metrics.py METRICS_DUMP doc/metrics.md [--promtool]
--promtool: also Prometheus' own checker; exit 77 where it is not installed.
"""
import re
import shutil
import subprocess
import sys

# Sample lines that must be there, of what the program counts itself.
COORDINATOR = """
coordinator_requests_total{method="LaunchProof",status="OK"} 1
coordinator_requests_total{method="LaunchProof",status="RESOURCE_EXHAUSTED"} 1
coordinator_request_duration_seconds_bucket{method="LaunchProof",le="0.005"} 1
coordinator_request_duration_seconds_bucket{method="LaunchProof",le="0.5"} 2
coordinator_request_duration_seconds_count{method="WorkerStream"} 1
coordinator_jobs_total{kind="prove",outcome="success"} 1
coordinator_jobs_total{kind="prove",outcome="failure"} 1
coordinator_jobs_total{kind="prove",outcome="cancelled"} 1
coordinator_jobs_total{kind="simulate",outcome="success"} 1
coordinator_job_duration_seconds_sum{outcome="success"} 12
coordinator_phase_duration_seconds_sum{phase="queue"} 1.5
coordinator_phase_duration_seconds_sum{phase="contributions"} 1.5
coordinator_phase_duration_seconds_sum{phase="prove"} 6
coordinator_phase_duration_seconds_count{phase="prove"} 4
coordinator_phase_duration_seconds_sum{phase="aggregate"} 1.5
coordinator_worker_jobs_total{worker_id="w\\"2\\"\\n",outcome="success"} 2
coordinator_worker_jobs_total{worker_id="w1",outcome="failure"} 1
coordinator_active_jobs 3
coordinator_queued_jobs 2
coordinator_capacity_units 70
coordinator_capacity_idle_units 20
coordinator_workers_connected 3
coordinator_workers{state="Set aside"} 1
coordinator_workers_set_aside_total 4
coordinator_tasks_moved_total 6
coordinator_received_bytes_total 1152921504606846976
coordinator_checks_total{kind="proof",outcome="accepted"} 6
coordinator_checks_total{kind="proof",outcome="refused"} 1
coordinator_checks_total{kind="proof",outcome="undecided"} 2
coordinator_checks_total{kind="final",outcome="undecided"} 0
coordinator_check_seconds_total 1.5
coordinator_webhooks_total{outcome="given_up"} 1
coordinator_tls_certificate_seconds -5
coordinator_uptime_seconds 60
"""
WORKER = """
worker_info{worker_id="w1",version="0.1.0",program="ab12"} 1
worker_connected 1
worker_connections_total 2
worker_connection_losses_total 1
worker_tasks_total{type="contribution",code="OK"} 0
worker_tasks_total{type="prove",code="OK"} 1
worker_tasks_total{type="prove",code="STORAGE"} 1
worker_tasks_total{type="aggregate",code="INTERNAL"} 1
worker_task_duration_seconds_count{type="prove"} 2
worker_steps_total 1099511627776
"""
SAMPLE = re.compile(r'^([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
                    r'(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (-?[0-9.e+]+)$')


def families(text):
    """Names of the families; checks that each sample stands below its own family's lines."""
    names, current, kind = [], None, None
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            assert len(line.split(" ", 3)[3]) > 3, line
            assert current not in names, f"{current} twice"
            names.append(current)
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == current, line
            kind = line.split(" ")[3]
        else:
            match = SAMPLE.match(line)
            assert match, f"no sample: {line!r}"
            ends = ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]
            assert match[1] in [current + end for end in ends], f"{line} below {current}"
            assert (kind == "counter") == (current.endswith("_total")), f"{current} is a {kind}"
    return names


def main():
    dump, page = sys.argv[1:3]
    with open(page, encoding="utf-8") as f:
        listed = re.findall(r"^\| `([a-z_]+)(?:\{[^`]*\})?` \|", f.read(), re.M)
    all_names, of_process = [], []
    for program, wanted in (("coordinator", COORDINATOR), ("worker", WORKER)):
        text = subprocess.run([dump, program], check=True, capture_output=True, text=True).stdout
        lines = set(text.split("\n"))
        for line in wanted.strip().split("\n"):
            assert line in lines, f"missing: {line}"
        names = families(text)
        all_names += [n for n in names if not n.startswith("process_")]
        of_process = [n for n in names if n.startswith("process_")]
        assert len(of_process) == 5, of_process
        if "--promtool" in sys.argv:
            if shutil.which("promtool") is None:
                print("SKIPPED: promtool (package prometheus) is not installed")
                return 77
            check = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                   capture_output=True)
            assert check.returncode == 0 and not check.stderr, check.stderr + check.stdout
    all_names += of_process
    assert all_names == listed, f"{page}: {set(all_names) ^ set(listed) or 'another order'}"
    print(f"{len(all_names)} families")
    return 0


if __name__ == "__main__":
    sys.exit(main())
