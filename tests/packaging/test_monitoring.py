#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The files below distributed/ against what the programs know: metrics and their labels in rules and
dashboard, flags and environment in the compose file, the settings of the Debian package and image.

usage: test_monitoring.py SOURCE_DIR BIN_DIR [--promtool]

--promtool has Prometheus itself check rules and configuration instead."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

try:
    import yaml
except ImportError as e:
    print(f"SKIPPED: {e}; scripts/bootstrap installs python3-yaml")
    sys.exit(77)

SOURCE, BIN = (os.path.abspath(p) for p in sys.argv[1:3])
DISTRIBUTED = os.path.join(SOURCE, "distributed")
MONITORING = os.path.join(DISTRIBUTED, "monitoring")
SERIES = re.compile(r"\b((?:coordinator|worker|process)_[a-z_]+)(\{[^}]*\})?")
OF_PROMETHEUS = {"job", "instance", "le"}


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as f:
        return f.read()


def load(*path):
    return yaml.safe_load(read("distributed", *path))


def metrics_of_page(page):
    """{name of a series: its labels}; a histogram has three series."""
    found = {}
    for name, labels in re.findall(r"^\| `([a-z_]+)(?:\{([a-z_,]+)\})?` \|", page, re.M):
        names = [name]
        if name.endswith("_duration_seconds"):
            names = [name + s for s in ("_bucket", "_sum", "_count")]
        for n in names:
            found[n] = set(labels.split(",")) if labels else set()
    return found


def unknown(expression, metrics):
    """What an expression asks for that no program writes."""
    wrong = []
    names = set()
    for name, matchers in SERIES.findall(expression):
        if name not in metrics:
            wrong.append(name)
            continue
        names |= metrics[name]
        for label in re.findall(r'([a-z_]+)\s*[!=]', matchers):
            if label not in metrics[name] | OF_PROMETHEUS:
                wrong.append(f"{name}{{{label}}}")
    for labels in re.findall(r"\bby \(([^)]*)\)", expression):
        wrong += [f"by ({x})" for x in re.split(r",\s*", labels) if x not in names | OF_PROMETHEUS]
    return wrong


def dashboard_expressions():
    dashboard = json.loads(read("distributed/monitoring/zisk-dashboard.json"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


class Monitoring(unittest.TestCase):
    METRICS = metrics_of_page(read("doc/metrics.md"))

    def test_the_check_itself(self):
        self.assertIn("coordinator_active_jobs", self.METRICS)
        self.assertEqual(unknown('sum by (kind) (coordinator_jobs_total{outcome="x"})',
                                 self.METRICS), [])
        self.assertEqual(unknown("coordinator_active_job", self.METRICS), ["coordinator_active_job"])
        self.assertEqual(unknown('coordinator_jobs_total{state="x"}', self.METRICS),
                         ["coordinator_jobs_total{state}"])
        self.assertEqual(unknown("sum by (state) (coordinator_jobs_total)", self.METRICS),
                         ["by (state)"])
        self.assertEqual(unknown("coordinator_job_duration_seconds", self.METRICS),
                         ["coordinator_job_duration_seconds"])

    def test_dashboard(self):
        titles = set()
        for title, expression in dashboard_expressions():
            self.assertEqual(unknown(expression, self.METRICS), [], title)
            self.assertTrue(SERIES.search(expression), title)
            titles.add(title)
        self.assertGreater(len(titles), 20)
        panels = json.loads(read("distributed/monitoring/zisk-dashboard.json"))["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        taken = set()
        for p in panels:  # none over another
            at = p["gridPos"]
            cells = {(at["x"] + i, at["y"] + k) for i in range(at["w"]) for k in range(at["h"])}
            self.assertFalse(cells & taken, p["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells

    def test_rules(self):
        rules = [r for g in load("monitoring/zisk-rules.yml")["groups"] for r in g["rules"]]
        self.assertGreater(len(rules), 8)
        self.assertEqual(len({r["alert"] for r in rules}), len(rules))
        jobs = {c["job_name"] for c in load("monitoring/prometheus.yml")["scrape_configs"]}
        for r in rules:
            self.assertEqual(unknown(r["expr"], self.METRICS), [], r["alert"])
            self.assertIn(r["labels"]["severity"], ("critical", "warning"))
            self.assertTrue(r["annotations"]["summary"] and r["annotations"]["description"])
            self.assertLessEqual(set(re.findall(r'\bjob="([^"]*)"', r["expr"])), jobs)


class Compose(unittest.TestCase):
    COMPOSE = load("docker-compose.yml")

    def test_commands(self):
        settings = read("doc/configuration.md")
        seen = 0
        for name, service in self.COMPOSE["services"].items():
            program, *words = service.get("command", [None])
            if program is None:
                continue
            help = subprocess.run([os.path.join(BIN, program), "--help"], capture_output=True,
                                  text=True, check=True).stdout
            for flag in [w.split("=")[0] for w in words if w.startswith("--")]:
                self.assertRegex(help, re.escape(flag) + r"\b", name)
                seen += 1
            for variable in service.get("environment", {}):
                self.assertTrue(f"`{variable}`" in settings, variable)
                seen += 1
            for path in re.findall(r"/app/config/(\S+)", " ".join(words).replace(",", " ")):
                self.assertTrue(os.path.exists(os.path.join(DISTRIBUTED, "config", path)), path)
        self.assertGreater(seen, 7)

    def test_ports_and_names(self):
        services = self.COMPOSE["services"]
        coordinator, worker = load("monitoring/prometheus.yml")["scrape_configs"]
        port = services["coordinator"]["environment"]["ZISK_COORDINATOR_SERVER_METRICS_PORT"]
        self.assertEqual(coordinator["static_configs"][0]["targets"], [f"zisk-coordinator:{port}"])
        self.assertEqual(worker["dns_sd_configs"][0]["names"], ["worker"])
        self.assertEqual(worker["dns_sd_configs"][0]["port"],
                         services["worker"]["environment"]["ZISK_WORKER_WORKER_METRICS_PORT"])
        self.assertEqual(services["coordinator"]["container_name"], "zisk-coordinator")
        self.assertIn("--coordinator-url=http://zisk-coordinator:50051",
                      services["worker"]["command"])

    def test_mounted_files_are_there(self):
        named = set(self.COMPOSE["volumes"])
        for name, service in self.COMPOSE["services"].items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("./"):
                    self.assertTrue(os.path.isfile(os.path.join(DISTRIBUTED, source)), volume)
                elif not source.startswith("${"):
                    self.assertIn(source, named, name)
            for network in service["networks"]:
                self.assertIn(network, self.COMPOSE["networks"])


class Settings(unittest.TestCase):
    def test_keys(self):
        page = read("doc/configuration.md")
        files = [os.path.join(d, f) for d, _, names in os.walk(DISTRIBUTED) for f in names
                 if f.endswith(".toml")]
        self.assertEqual(len(files), 6)

        def keys(table, prefix=""):
            for key, value in table.items():
                yield from (keys(value, f"{prefix}{key}.") if isinstance(value, dict)
                            else [prefix + key])
        for path in files:
            with open(path, "rb") as f:
                for key in keys(tomllib.load(f)):
                    self.assertTrue(f"| `{key}` |" in page, f"{path}: {key}")


def promtool():
    tool = shutil.which("promtool")
    if tool is None:
        print("SKIPPED: promtool is missing (package prometheus)")
        sys.exit(77)
    for arguments in (["check", "rules", "zisk-rules.yml"], ["check", "config", "prometheus.yml"]):
        subprocess.run([tool, *arguments], cwd=MONITORING, check=True)
    # Expressions of the dashboard are rules to a parser; Grafana's own names get a value first.
    rules = [{"record": f"zisk:panel_{i}", "expr": e.replace("$__rate_interval", "1m")}
             for i, (_, e) in enumerate(dashboard_expressions())]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, f)
        f.flush()
        subprocess.run([tool, "check", "rules", f.name], check=True)


if __name__ == "__main__":
    if sys.argv[3:] == ["--promtool"]:
        promtool()
    else:
        unittest.main(argv=sys.argv[:1])
