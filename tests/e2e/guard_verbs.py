#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guard's socket, natively: status, metrics, reload, unload and events, asked well and badly, by root and by
others. The guard enforces by fanotify in a root directory on a file system of its own, never the machine's.

  guard_verbs.py IHARD-GUARD PROFILE STATUS-SCHEMA EVENT-SCHEMA
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import small_root  # noqa: E402
import tap  # noqa: E402

try:
    import jsonschema
except ImportError:
    tap.skip_all("python3-jsonschema is missing")

t = tap.Tap()
SOCKET, POLICY, METRICS, EVENTS = "/run/guard.socket", "/etc/policy.json", "/run/guard.prom", "/run/events.jsonl"


def start():
    with open("/run/guard.log", "a", encoding="utf-8") as log:
        p = subprocess.Popen(["/usr/bin/ihard-guard", "--backend", "fanotify", "--policy", POLICY, "--socket", SOCKET,
                              "--metrics", METRICS, "--events", EVENTS], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    for _ in range(300):
        if os.path.exists(SOCKET) or p.poll() is not None:
            break
        time.sleep(0.1)
    return p


def said():
    with open("/run/guard.log", encoding="utf-8") as f:
        return f.read()


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(SOCKET)  # waits when more ask at once than the queue holds, which it would not with a limit
    s.settimeout(60)
    return s


def ask(request):
    with connect() as s:
        try:
            s.sendall(request)
            answer = b""
            while True:
                part = s.recv(65536)
                if not part:
                    return answer.decode()
                answer += part
        except ConnectionError:
            return "dropped"


def act(path="/home/tool"):
    try:
        return subprocess.run([path], check=False).returncode
    except PermissionError:
        return "EPERM"


def write_policy(policy):
    with open(POLICY, "w", encoding="utf-8") as f:
        f.write(policy if isinstance(policy, str) else json.dumps(policy))


def check_status(schema):
    text = ask(b"status\n")
    status = json.loads(text)
    errors = [e.message for e in schema.iter_errors(status)]
    t.ok(not errors, "status is as its schema says", errors)
    t.ok(status["enforces"] and status["backend"] == "fanotify" and status["files"] > 3, "and says what enforces", text)
    t.ok(text.count("\n") == 1, "on one line")


def check_metrics():
    text = ask(b"metrics\n")
    bad = [line for line in text.splitlines()
           if not re.fullmatch(r'# (HELP|TYPE) ihard_guard_\w+ .+|ihard_guard_\w+(\{(\w+="([^"\\]|\\.)*",?)+\})? \d+', line)]
    t.ok(not bad, "metrics are in Prometheus' text form", bad)
    names = re.findall(r"^# TYPE (\w+)", text, re.M)
    t.ok(len(names) == len(set(names)), "no metric is there twice")
    t.ok(re.search(r'^ihard_guard_denials_total\{reason="program"\} [1-9]', text, re.M), "denials are counted by reason", text)
    for _ in range(150):
        if os.path.exists(METRICS):
            break
        time.sleep(0.1)
    with open(METRICS, encoding="utf-8") as f:
        t.ok("ihard_guard_enforcing 1" in f.read(), "and are written to a file")


def check_asking_badly():
    t.ok(ask(b"frobnicate\n").startswith("error: the guard knows no request 'frobnicate'"), "an unknown request is refused")
    t.ok("\x1b" not in ask(b"\x1b[31m\n"), "and does not come back as it was")
    t.ok(ask(b"\n").startswith("error: "), "nor is an empty one taken")
    t.ok(ask(b"x" * 5000) in ("", "dropped"), "one without an end is dropped")
    t.ok(ask(b"status\nstatus\n").count("\n") <= 1, "one request a connection")
    idle = [connect() for _ in range(80)]
    time.sleep(0.5)
    for s in idle:
        s.close()
    time.sleep(0.5)
    t.ok('"enforces":true' in ask(b"status\n"), "a crowd that says nothing does not stop it")
    half = connect()
    half.sendall(b"sta")
    t.ok('"enforces":true' in ask(b"status\n"), "nor does one that says half a word")
    half.sendall(b"tus\n")
    t.ok(b"enforces" in half.recv(65536), "which gets its answer when it says the rest")
    half.close()


def check_others():
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(1000)
        os.setuid(1000)
        try:
            connect()
            os._exit(0)
        except PermissionError:
            os._exit(13)
    t.ok(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 13, "who is not root may not even connect")
    os.chmod(SOCKET, 0o666)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(1000)
        os.setuid(1000)
        os._exit(0 if ask(b"status\n") in ("", "dropped") else 1)
    t.ok(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "and is told nothing when the socket's mode is opened")
    os.chmod(SOCKET, 0o600)


def check_events(schema):
    follower = connect()
    follower.sendall(b"events\n")
    stuck = connect()
    stuck.sendall(b"events\n")
    time.sleep(0.5)
    for _ in range(20):
        act()
    text = b""
    while text.count(b"\n") < 20:
        text += follower.recv(65536)
    events = [json.loads(line) for line in text.decode().splitlines()]
    errors = [e.message for event in events for e in schema.iter_errors(event)]
    t.ok(not errors, "events that are followed are as their schema says", errors[:3])
    t.ok(all(e["program"] == "/home/tool" and e["event"] == "denied" for e in events), "and about what was refused", events[0])
    with open(EVENTS, encoding="utf-8") as f:
        t.ok(sum("/home/tool" in line for line in f) >= 20, "the file has them, too")
    t.ok(os.stat(EVENTS).st_mode & 0o777 == 0o600, "for root alone")
    follower.close()
    stuck.close()
    t.ok('"enforces":true' in ask(b"status\n"), "followers that leave are forgotten")


def check_reload(profile):
    write_policy('{ "version": 1, "rules": 7 }')
    answer = ask(b"reload\n")
    t.ok(answer.startswith("error: ") and "line 1" in answer, "a policy that cannot be read is refused, with its place", answer)
    t.ok(act() == "EPERM", "and the old one stays in force")
    t.ok("lastFailure" in ask(b"status\n"), "which the status tells")
    write_policy(dict(profile, enforce=False))
    t.ok(ask(b"reload\n") == "ok\n", "another policy is loaded")
    t.ok(act() == 0 and '"enforces":false' in ask(b"status\n"), "and is in force when the answer comes")
    first = connect()
    first.sendall(b"reload\n")
    second = ask(b"reload\n")
    t.ok(second in ("ok\n", "error: a reload is under way\n"), "two reloads at once do not mix", second)
    t.ok(first.recv(64) == b"ok\n", "and the first ends well")
    first.close()
    write_policy(profile)
    t.ok(ask(b"reload\n") == "ok\n" and act() == "EPERM", "the first policy is in force again")
    os.chmod(POLICY, 0o666)
    answer = ask(b"reload\n")
    t.ok(answer.startswith("error: ") and "can be written by others" in answer, "a policy that others can write is refused", answer)
    os.chmod(POLICY, 0o644)


def furnish(guard):
    small_root.unshare_mounts()
    root = small_root.make(small_root.workplace(), ["true", "bash", "ls"])
    small_root.add_program(root, guard)
    small_root.enter(root)
    for folder in ("/run", "/home", "/etc", "/tmp"):
        os.makedirs(folder, exist_ok=True)
    with open("/usr/bin/true", "rb") as f, open("/home/tool", "wb") as g:
        g.write(f.read())
    os.chmod("/home/tool", 0o755)


def main():
    guard, profile, status_schema, event_schema = sys.argv[1:]
    if os.geteuid() != 0:
        tap.skip_all("needs root")
    read = []
    for name in (profile, status_schema, event_schema):
        with open(name, encoding="utf-8") as f:
            read.append(json.load(f))
    profile = read[0]
    # made here, because they read files of their own
    status_schema, event_schema = (jsonschema.Draft7Validator(s) for s in read[1:])
    list(status_schema.iter_errors({}))
    list(event_schema.iter_errors({}))
    try:
        furnish(guard)
    except (OSError, subprocess.CalledProcessError) as e:
        tap.skip_all("cannot make a root directory on a file system of its own: %s" % e)
    write_policy(profile)
    t.ok(act() == 0, "without the guard a program runs that nobody vouches for")
    p = start()
    t.ok(act() == "EPERM", "with it, it does not", said())
    t.ok(act("/usr/bin/true") == 0, "and what is trusted does")
    check_status(status_schema)
    check_metrics()
    check_asking_badly()
    check_others()
    check_events(event_schema)
    check_reload(profile)
    p.send_signal(signal.SIGHUP)
    time.sleep(1)
    t.ok(act() == "EPERM" and p.poll() is None, "a signal reloads as well")
    t.ok(ask(b"unload\n") == "ok\n", "it is unloaded")
    t.ok(p.wait(30) == 0, "and ends", said()[-500:])
    t.ok(act() == 0 and not os.path.exists(SOCKET), "the gates are open, and the socket is gone")
    t.done()


main()
