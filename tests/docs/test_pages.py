#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs the commands of a page as its reader would, and compares what the page says they print.

usage: test_pages.py SOURCE_DIR BUILD_DIR PAGE...

In a page a fenced block whose first line is

    ```sh run          is run: all such blocks of a page, in order, in one shell
    ```text output     is what the `sh run` block before it prints (both streams): each line has to
                       occur, in this order, where "..." stands for anything; a line that is "..."
                       alone for any number of lines

The shell stops at the first command that fails. It starts in a temporary folder that looks like the
checkout: examples, guest, scripts and doc, and the build as build/release, so that a page may name
files as its reader sees them and leave files behind. Where the kernel lets us, the page has a network
and a process table of its own, and it may use the ports that it names. What it leaves running in the
background ends with it.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(.*)$")
TIME_LIMIT_S = 900


def blocks(text):
    """(info string, line number, content) of each fenced block."""
    info = None
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.match(line)
        if info is None:
            if fence:
                info, start, content = fence.group(1).strip(), number, []
        elif fence:
            yield info, start, "\n".join(content) + "\n"
            info = None
        else:
            content.append(line)
    if info is not None:
        raise SystemExit(f"line {start}: the block has no end")


def steps(text):
    """[(line number, script, expected output or None)] of a page."""
    found = []
    for info, number, content in blocks(text):
        if info == "sh run":
            found.append([number, content, None])
        elif info == "text output":
            if not found or found[-1][2] is not None:
                raise SystemExit(f"line {number}: output without a command before it")
            found[-1][2] = content
        elif info.startswith(("sh ", "text ")):
            raise SystemExit(f"line {number}: \"{info}\" is none of the marks of {__file__}")
    return found


def missing_line(expected, printed):
    """The first line of `expected` that `printed` does not have at its place, or None."""
    lines = iter(printed.replace("\r", "\n").split("\n"))
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "...":
            continue
        pattern = re.compile(".*".join(map(re.escape, line.strip().split("..."))))
        if not any(pattern.fullmatch(candidate.strip()) for candidate in lines):
            return line
    return None


def checkout_like(folder, source, build):
    for name in ("examples", "guest", "scripts", "doc"):
        os.symlink(os.path.join(source, name), os.path.join(folder, name))
    os.mkdir(os.path.join(folder, "build"))
    os.symlink(build, os.path.join(folder, "build", "release"))


def private_shell():
    """Command that runs a shell with a loopback network and processes of its own; [] without."""
    for user in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *user, "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        try:
            if subprocess.run([*command, "ip", "link", "set", "lo", "up"],
                              stderr=subprocess.DEVNULL).returncode == 0:
                return command
        except OSError:
            pass
    print("no namespaces here: pages share this machine's ports")
    return []


def run_shell(command, folder):
    """Its exit code and what it printed. What it leaves running in the background, with its output
    still in hand, ends with it."""
    with tempfile.TemporaryFile() as output:
        shell = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                 start_new_session=True)
        try:
            code = shell.wait(TIME_LIMIT_S)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            shell.wait()
        output.seek(0)
        return code, output.read().decode(errors="replace")


def run_page(path, source, build):
    """Problems found, as a list of text; and how many blocks were run."""
    with open(path, encoding="utf-8") as f:
        todo = steps(f.read())
    if not todo:
        return [f"{path}: no block is marked `sh run`"], 0
    with tempfile.TemporaryDirectory(prefix="zisk-pages-") as folder:
        checkout_like(folder, source, build)
        # One shell for the page; a line that no command prints ends the output of each block.
        mark = "=== end of block ==="
        private = private_shell()
        script = "exec 2>&1\n" + ("ip link set lo up\n" if private else "")
        script += "set -eu -o pipefail\n"
        for number, content, _ in todo:
            script += f"{content}echo; echo '{mark}'\n"
        code, printed = run_shell([*private, "bash", "-c", script], folder)
    printed = printed.split(f"\n{mark}\n")
    problems = []
    for (number, _, expected), output in zip(todo, printed[:-1]):
        line = missing_line(expected, output) if expected is not None else None
        if line is not None:
            problems.append(f"{path}:{number}: this line is not printed, or not in this place:\n"
                            f"  {line}\nwhat the commands printed:\n{output}")
    finished = len(printed) - 1
    if code != 0 or finished != len(todo):
        number, content, _ = todo[min(finished, len(todo) - 1)]
        problems.append(f"{path}:{number}: exit code {code} in these commands:\n"
                        f"{content}what they printed:\n{printed[-1]}")
    return problems, finished


def main():
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    source, build = map(os.path.abspath, sys.argv[1:3])
    failed = False
    for page in sys.argv[3:]:
        problems, n = run_page(os.path.join(source, page), source, build)
        for p in problems:
            print(p)
        failed |= bool(problems)
        print(f"{page}: {n} blocks run, {'failed' if problems else 'as the page says'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
