#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The grammars against the real programs.

Generates command lines from each program's own words, runs the program on them in a scratch directory
where every place that code can come from holds code that leaves its own mark, and holds the marks
against what `describe` says. The grammar may be stricter than the program, never laxer: each mark needs
a source of its kind, or the answer must be "unclear".

differential.py DESCRIBE [PROGRAM…]; IH_DIFFERENTIAL_SECONDS (60) bounds the whole, IH_DIFFERENTIAL_SEED
chooses other command lines.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SECONDS = float(os.environ.get("IH_DIFFERENTIAL_SECONDS", "50"))
SEED = int(os.environ.get("IH_DIFFERENTIAL_SEED", "1"))

# For each program: how code leaves a mark, words to build command lines from, variables that may be set.
# {s} is a script, {c} inline code, {f} another file of code, {n} no such file.
PROGRAMS = {
    "bash": {
        "mark": ": > $M/{}", "argv0": ["bash", "sh", "-bash"],
        "words": ["-c", "-e", "-lc", "-x", "-i", "-s", "-n", "--", "-", "+e", "-o", "posix", "-O", "extglob",
                  "--norc", "--posix", "--login", "--noprofile", "--rcfile", "--version", "-p", "-ec", "-cx", "-sc",
                  "-oc", "+O", "--init-file", "-a", "-B", "-nc", "-ni", "--verbose", "-t", "-Oc", "+n", "-D"],
        "env": {"BASH_ENV": "f", "ENV": "f", "PS4": "$(c)", "BASH_FUNC_true%%": "() { c; }", "SHELLOPTS": "xtrace"},
        "home": [".bashrc", ".bash_profile", ".profile"],
    },
    "dash": {
        "mark": ": > $M/{}", "argv0": ["sh", "-sh"],
        "words": ["-c", "-e", "-ec", "-x", "-i", "-s", "-n", "--", "-", "+e", "-o", "noglob", "-l", "-lc", "-sc",
                  "-cx", "-I", "-V", "-E", "-oc", "-u", "+o", "-b", "-nc", "-ce"],
        "env": {"ENV": "f", "PS4": "$(c)"}, "home": [".profile"],
    },
    "zsh": {
        "mark": ": > $M/{}",
        "words": ["-c", "-f", "-fc", "-x", "-i", "-s", "-n", "--", "-", "-b", "+e", "-o", "shwordsplit", "--no-rcs",
                  "-l", "-lc", "-e", "-cf", "-nc", "--login", "-fs", "+c", "-d", "-y"],
        "env": {"ENV": "f", "PS4": "$(c)", "HISTSIZE": "a[$(c)]", "COLUMNS": "a[$(c)]", "SHLVL": "a[$(c)]"},
        "home": [".zshenv", ".zshrc", ".zprofile", ".zlogin"],
    },
    "ksh": {
        "mark": ": > $M/{}",
        "words": ["-c", "-e", "-x", "-i", "-s", "-n", "--", "-", "+e", "-o", "noglob", "-E", "-l", "-ec", "-p", "-a",
                  "-nc", "-cE", "-sc", "-b"],
        "env": {"ENV": "f", "PS4": "$(c)", "COLUMNS": "a[$(c)]"}, "home": [".kshrc", ".profile"],
    },
    "mksh": {
        "mark": ": > $M/{}",
        "words": ["-c", "-e", "-x", "-i", "-s", "-n", "--", "-", "+e", "-o", "noglob", "-l", "-ec", "-p", "-a", "-nc"],
        "env": {"ENV": "f", "PS4": "$(c)", "COLUMNS": "a[$(c)]", "SECONDS": "a[$(c)]"}, "home": [".mkshrc", ".profile"],
    },
    "busybox": {
        "mark": ": > $M/{}", "prefix": ["sh"],
        "words": ["-c", "-e", "-ec", "-x", "-s", "-n", "--", "-", "+e", "-o", "noglob", "-l", "-i", "-nc"],
        "env": {"ENV": "f", "PS4": "$(c)"}, "home": [".profile"],
    },
    "/usr/bin/python3": {
        "mark": "open(__import__('os').environ['M']+'/{}','w')",
        "words": ["-c", "-cX", "-Bc", "-EsuBc", "-m", "-i", "-I", "-E", "-s", "-S", "-P", "-W", "ignore", "-X", "dev",
                  "-u", "-O", "-q", "-V", "-h", "--", "-", "--version", "--check-hash-based-pycs", "never", "-x", "-v",
                  "-mtimeit", "-n1", "-r1", "-mtrace", "-c", "-mpdb", "-mdoctest", "-mcProfile", "-mmod", "mod", "-bb",
                  "-mcode", "-d", "-R"],
        "env": {"PYTHONPATH": "dir", "PYTHONSTARTUP": "f", "PYTHONINSPECT": "1", "PYTHONHOME": None},
        "modules": {"mod.py": "mod", "dir/sitecustomize.py": "path"},
    },
    "perl": {
        "mark": "open(F,\">$ENV{M}/{}\");",
        "words": ["-e", "-E", "-ne", "-lne", "-0777", "-0", "-l", "-w", "-W", "-c", "-v", "-V", "-i.bak", "-n", "-p", "-a",
                  "-F:", "-Mlib=dir", "-Idir", "-I", "dir", "-Mmod", "-mmod", "-M-strict", "-x", "-s", "-S", "-t", "-T",
                  "--", "-", "-d:mod", "-we", "-l0e", "-C", "-C7", "-Mstrict", "-00", "-0x41", "-X", "-f", "-u", "-h"],
        "env": {"PERL5OPT": "-Mmod -Idir", "PERL5LIB": "dir"},
        "modules": {"dir/mod.pm": "path", "dir/Devel/mod.pm": "path"}, "end": "1;",
    },
    "ruby": {
        "mark": "File.write(ENV['M']+'/{}','');",
        "words": ["-e", "-ne", "-W0", "-w", "-c", "-v", "-I", "dir", "-Idir", "-r", "-rmod", "mod", "-l", "-n", "-p", "-a",
                  "-F:", "-C", "dir", "-S", "-s", "-x", "-0", "-Ku", "-U", "--", "-", "--version", "--disable", "gems",
                  "--disable-gems", "--encoding", "utf-8", "-E", "utf-8", "-W", "-W1e", "-r./dir/mod", "--verbose", "-lc"],
        "env": {"RUBYOPT": "-Idir -rmod", "RUBYLIB": "dir"}, "modules": {"dir/mod.rb": "path"},
    },
    "node": {
        "mark": "require('fs').writeFileSync(process.env.M+'/{}','');",
        "words": ["-e", "-p", "-pe", "--eval", "--print", "-c", "--check", "-r", "./f.js", "--require", "--no-warnings",
                  "--no_warnings", "-v", "-i", "--", "-", "--stack-trace-limit=5", "--max_old_space_size=200",
                  "--trace-warnings", "--title", "x", "--title=x", "--import", "--input-type=commonjs", "-C", "x"],
        "env": {"NODE_OPTIONS": "--require ./f.js"}, "suffix": "js", "share": 0.6,
    },
    "lua5.4": {
        "mark": "io.open(os.getenv('M')..'/{}','w')",
        "words": ["-e", "-eX", "-l", "mod", "-lmod", "-i", "-v", "-E", "-W", "--", "-"],
        "env": {"LUA_INIT": "c", "LUA_INIT_5_4": "@f", "LUA_PATH": "dir/?.lua"}, "modules": {"dir/mod.lua": "path", "mod.lua": "mod"},
    },
    "luajit": {
        "mark": "io.open(os.getenv('M')..'/{}','w')",
        "words": ["-e", "-eX", "-l", "mod", "-lmod", "-i", "-v", "-E", "-j", "off", "-joff", "-O2", "--", "-"],
        "env": {"LUA_INIT": "c", "LUA_PATH": "dir/?.lua"}, "modules": {"dir/mod.lua": "path", "mod.lua": "mod"},
    },
    "php": {
        "mark": "<?php file_put_contents(getenv('M').'/{}','');", "inline": "file_put_contents(getenv('M').'/{}','');",
        "words": ["-r", "-f", "-n", "-q", "-d", "auto_prepend_file=f.php", "-dauto_prepend_file=f.php", "display_errors=1",
                  "-l", "-v", "-m", "-B", "-R", "-E", "-s", "-w", "--", "-", "-H", "-C", "--run", "--file", "-i"],
        "env": {}, "suffix": "php",
    },
    "tclsh": {
        "mark": "close [open $env(M)/{} w]",
        "words": ["-encoding", "utf-8", "-x", "--", "-", "-e", "-c"], "env": {}, "home": [".tclshrc"],
    },
    "jimsh": {
        "mark": "close [open $env(M)/{} w]",
        "words": ["-e", "-", "--version", "--", "-x"], "env": {}, "home": [".jimrc"],
    },
    "expect": {
        "mark": "close [open $env(M)/{} w]",
        "words": ["-c", "-f", "-b", "-n", "-N", "-d", "-v", "--", "-", "-i"], "env": {}, "home": [".expect.rc"],
    },
    "gawk": {
        "mark": "BEGIN{printf \"\" > (ENVIRON[\"M\"] \"/{}\")}",
        "words": ["-f", "-e", "--source", "-F:", "-F", ":", "-v", "x=1", "-E", "-i", "f.awk", "--include=f.awk", "-n", "--posix",
                  "--", "-", "-V", "x=2", "--sandbox", "--file", "--fi", "-d", "-O", "--exec", "--lint"],
        "env": {}, "suffix": "awk",
    },
    "mawk": {
        "mark": "BEGIN{printf \"\" > (ENVIRON[\"M\"] \"/{}\")}",
        "words": ["-f", "-F:", "-F", ":", "-v", "x=1", "--", "-", "-W", "version", "x=2", "-ff.awk", "-vx=1"],
        "env": {}, "suffix": "awk",
    },
    "sed": {
        "mark": "1w {}", "per": True, "cwd_marks": True,
        "words": ["-n", "-e", "-f", "-E", "-s", "-i", "-l", "5", "--expression", "--expr", "--file", "--", "-z", "-u", "-ne", "--posix",
                  "--quiet", "--version", "-r"],
        "env": {"POSIXLY_CORRECT": "1"}, "operand": "data",
    },
    "make": {
        "mark": "$(shell : > $$M/{})x:;",
        "words": ["-f", "-s", "-k", "-j2", "-C", "dir", "-n", "-B", "--file", "--eval", "-i", "x", "V=1", "--", "-p", "-q", "-r", "-R", "-w",
                  "-e", "-I", "dir", "--no-print-directory", "-v"],
        "env": {"MAKEFLAGS": "--eval=c", "MAKEFILES": "f", "V": "$(shell c)"}, "here": ["GNUmakefile", "Makefile"],
    },
    "guile": {
        "mark": "(close (open-output-file (string-append (getenv \"M\") \"/{}\")))",
        "words": ["-c", "-s", "-l", "-e", "main", "-q", "-L", "dir", "--no-auto-compile", "-v", "--", "-ds"],
        "env": {"GUILE_AUTO_COMPILE": "0"}, "home": [".guile"], "share": 0.4,
    },
    "gnuplot": {
        "mark": "set print (system('echo $M').'/{}'); print 1;",
        "words": ["-e", "-c", "-p", "-d", "-V", "-"], "env": {}, "home": [".gnuplot"],
    },
    "m4": {
        "mark": "syscmd(: > $M/{})", "words": ["-D", "x=y", "-P", "-Q", "-I", "dir", "-E", "-s", "--", "-", "-R", "--version", "-Dx=y"],
        "env": {}, "reads_on": True,
    },
    "sqlite3": {
        "mark": ".shell : > $M/{}\n",
        "words": ["-batch", "-cmd", "-init", "-readonly", "-csv", "--", "-bail", "-separator", ":", "-version", ":memory:", "-init"],
        "env": {}, "home": [".sqliterc"],
    },
    "env": {
        "mark": ": > $M/{}", "phrases": [["sh", "-c", "{c}"], ["sh", "{s}"], ["sh", "-c", "{c}"]], 
        "words": ["-i", "-u", "M2", "A=1", "sh", "sh", "-c", "-S", "sh -c", "-", "-0", "-v", "-C", "dir", "--", "--unset=X", "-iS", "bash"],
        "env": {}, "keep_m": True,
    },
    "find": {
        "mark": ": > $M/{}", "phrases": [["-exec", "sh", "-c", "{c}", ";"], ["-exec", "sh", "{s}", "{}", "+"], ["-execdir", "sh", "-c", "{c}", ";"]],
        "words": [".", "-maxdepth", "0", "-exec", "sh", "-c", ";", "+", "{}", "-name", "x", "-o", "-true", "-print", "-execdir", "!", "-quit"],
        "env": {},
    },
    "xargs": {
        "mark": ": > $M/{}", "phrases": [["sh", "-c", "{c}"], ["sh", "{s}"], ["sh", "-c", "{c}"]], 
        "words": ["-0", "-n1", "-n", "1", "-I", "%", "sh", "-c", "%", "-r", "-t", "-i", "-P", "2", "--", "-x", "sh"],
        "env": {},
    },
    "timeout": {
        "mark": ": > $M/{}", "phrases": [["sh", "-c", "{c}"], ["sh", "{s}"], ["sh", "-c", "{c}"]], "words": ["1", "-k", "1", "-s", "9", "sh", "-c", "--", "--foreground", "2s", "-v", "sh"], "env": {},
    },
    "flock": {
        "mark": ": > $M/{}", "phrases": [["sh", "-c", "{c}"], ["sh", "{s}"], ["sh", "-c", "{c}"]], "words": ["lock", "-n", "-c", "sh", "-s", "-w", "1", "--", "-x", "lock", "-o", "-E", "1"], "env": {},
    },
    "nice": {"mark": ": > $M/{}", "phrases": [["sh", "-c", "{c}"], ["sh", "{s}"], ["sh", "-c", "{c}"]], "words": ["-n", "5", "-5", "--adjustment=1", "sh", "-c", "--", "-n5", "-10"], "env": {}},
}

MARKS = ("script", "inline", "file", "stdin", "env", "envfile", "mod", "path", "home", "here")


class Case:
    """One scratch directory's command line and what it may be blamed on."""

    def __init__(self, rng, name, spec):
        self.words, self.env = [], {}
        self.name = name
        self.spec = spec
        words = spec["words"]
        for _ in range(rng.randint(1, 5)):
            word = rng.choice(words + ["{s}", "{c}", "{s}", "{c}", "{f}"] + spec.get("phrases", []))
            self.words += word if isinstance(word, list) else [word]
        for key, value in spec["env"].items():
            if value is not None and rng.random() < 0.25:
                self.env[key] = value
        self.argv0 = rng.choice(spec.get("argv0", [os.path.basename(name)]))
        self.stdin = rng.random() < 0.7


def text(spec, mark, inline=False):
    if spec.get("per"):
        return spec["mark"].format("marks/" + mark)
    template = spec["inline"] if inline and "inline" in spec else spec["mark"]
    return template.replace("{}", mark) + ("" if inline else "\n" + spec.get("end", "") + "\n")


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(content)


def fill(root, spec):
    suffix = spec.get("suffix", "x")
    write(f"{root}/s.{suffix}", text(spec, "script"))
    write(f"{root}/f.{suffix}", text(spec, "file"))
    write(f"{root}/e.{suffix}", text(spec, "envfile"))
    write(f"{root}/data", "data\n")
    for d in ("marks", "dir", "home"):
        os.makedirs(f"{root}/{d}", exist_ok=True)
    for name, mark in spec.get("modules", {}).items():
        write(f"{root}/{name}", text(spec, mark))
    for name in spec.get("home", []):
        write(f"{root}/home/{name}", text(spec, "home"))
    for name in spec.get("here", []):
        write(f"{root}/{name}", text(spec, "here"))
    for name in ("s", "f", "e"):
        os.chmod(f"{root}/{name}.{suffix}", 0o755)
    return suffix


def value(spec, template, suffix):
    if template == "f":
        return f"e.{suffix}"
    if template == "@f":
        return f"@e.{suffix}"
    if template == "c":
        return text(spec, "env", True)
    return template.replace("c)", text(spec, "env", True) + ")").replace("c;", text(spec, "env", True) + ";") \
        .replace("=c", "=" + text(spec, "env", True)) if "$(" in template or "{ c" in template or "=c" in template else template


def expand(case, suffix):
    spec, argv = case.spec, []
    for word in spec.get("prefix", []) + case.words:
        if word == "{s}":
            word = "data" if spec.get("operand") == "data" else f"s.{suffix}"
        elif word == "{f}":
            word = f"f.{suffix}"
        elif word == "{c}":
            word = text(spec, "inline", True)
        elif word.endswith("X") and len(word) == 3 and word[0] == "-":
            word = word[:2] + text(spec, "inline", True)
        argv.append(word)
    return argv


def run(case, argv, env, root):
    stdin = open(f"{root}/stdin", "rb") if case.stdin else subprocess.DEVNULL
    try:
        with subprocess.Popen([case.argv0] + argv, executable=shutil.which(case.name), cwd=root, env=env, stdin=stdin,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as p:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(p.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    finally:
        if case.stdin:
            stdin.close()
    return {m for m in MARKS if os.path.exists(f"{root}/marks/{m}")}


def describe(program, case, argv, env, root):
    out = subprocess.run([program, os.path.basename(shutil.which(case.name)), case.argv0] + argv, cwd=root, env=env,
                         capture_output=True, text=True, errors="replace", check=True, stdin=subprocess.DEVNULL).stdout
    modes, sources = [], []
    for line in out.split("\n"):
        field = line.split("\t")
        if field[0] == "mode" and len(field) > 3:
            modes.append(field[2])
        elif field[0] == "source" and len(field) > 3:
            sources.append(field[1:5])
    return modes, sources


def excused(mark, modes, sources, suffix, reads_on):
    """Does the answer hold something that stands for this mark?"""
    if "unclear" in modes:
        return True

    def has(kind, end=None, origin=None):
        return any(s[0] == kind and (end is None or s[3].rstrip("/").endswith(end)) and (origin is None or s[1] == origin)
                   for s in sources if len(s) > 3)

    inline = "inline" in modes or has("inline")
    if mark == "script":
        return has("file", f"s.{suffix}") or has("path", f"s.{suffix}")
    if mark == "file":
        return has("file", f"f.{suffix}") or has("module", f"f.{suffix}") or has("config", f"f.{suffix}")
    if mark == "envfile":
        return has("file", f"e.{suffix}", "environment")
    if mark == "inline":
        return inline
    if mark == "env":
        return has("inline", None, "environment") or has("file", None, "environment")
    if mark == "stdin":
        # sh -c sh: what inline code does with standard input is its own business
        # m4 -Dx='syscmd(…)' reads it as well; every rule treats inline and stdin alike
        if "inline" in modes and has("inline", None, "argv") and reads_on:
            return True
        return "stdin" in modes or "interactive" in modes or any(s[0] == "inline" and "inline" not in s[3] for s in sources)
    if mark == "mod":
        return has("module") or has("directory") or has("path")
    if mark == "path":
        return has("path") or has("file", "mod")
    return has("implicit") or has("directory")


def one(program, rng, name, spec):
    case = Case(rng, name, spec)
    root = tempfile.mkdtemp(prefix="ih-differential-")
    try:
        suffix = fill(root, spec)
        write(f"{root}/stdin", text(spec, "stdin"))
        argv = expand(case, suffix)
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": f"{root}/home", "M": f"{root}/marks", "LC_ALL": "C"}
        env.update({k: value(spec, v, suffix) for k, v in case.env.items()})
        modes, sources = describe(program, case, argv, env, root)
        marks = run(case, argv, env, root)
        bad = [m for m in sorted(marks) if not excused(m, modes, sources, suffix, spec.get("reads_on", False))]
        shown = [case.argv0] + argv
        extra = {k: env[k] for k in case.env}
        return marks, modes, [f"{m}: {shown!r} env {extra!r} stdin {case.stdin}: {modes} {sources}" for m in bad]
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main():
    program = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or [n for n in PROGRAMS if shutil.which(n)]
    print("TAP version 13")
    print(f"1..{len(names)}")
    failed = False
    weights = sum(PROGRAMS[n].get("share", 1) for n in names)
    for number, name in enumerate(names, 1):
        spec, rng = PROGRAMS[name], random.Random(f"{SEED}-{name}")
        end = time.monotonic() + SECONDS * spec.get("share", 1) / weights
        runs, ran, unclear, findings = 0, 0, 0, []
        while time.monotonic() < end:
            marks, modes, bad = one(program, rng, name, spec)
            runs += 1
            ran += bool(marks)
            unclear += "unclear" in modes
            findings += bad
        print(f"{'not ok' if findings else 'ok'} {number} - {name}: {runs} command lines, {ran} ran code, {unclear} unclear, "
              f"{len(findings)} laxer than the program", flush=True)
        for line in findings[:5]:
            print(f"# {line[:600]}")
        failed = failed or bool(findings)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
