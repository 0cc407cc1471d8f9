#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The NixOS module: what configurations become, which are refused, and that our own programs accept what
it writes. Evaluated by Nix with the small stand-in for nixpkgs' lib beside this file; where nixpkgs is at
hand (IH_NIXPKGS_LIB names its lib, or <nixpkgs> is on NIX_PATH) with that as well.

usage: module.py SOURCE IHARD IHARD-STAGE2 IHARD-EXEC IHARD-GUARD"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
from tap import Tap, run, skip_all  # noqa: E402

if not shutil.which("nix-instantiate"):
    skip_all("nix-instantiate is missing (Debian: nix-bin)")
source, ihard, stage2, ihard_exec, guard = sys.argv[1:6]
t = Tap()
work = tempfile.mkdtemp(prefix="ih-nix.")
store = work + "/store"
env = dict(os.environ, NIX_REMOTE="", HOME=work)
KEY = "k-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
KEY2 = "k-2:gocY9K977sPpTXjdVlgRjvTrLgUKQn+SJyQ2HeMDp4g="


def nix(*arguments):
    return subprocess.run(["nix-instantiate", "--store", store, "--read-write-mode", *arguments], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")


def evaluate(configuration, lib=None):
    """What the module makes of a configuration; a string when Nix refuses it."""
    name = work + "/configuration.nix"
    with open(name, "w") as f:
        f.write("{ pkgs, lib, ... }: { %s }\n" % configuration)
    lib = ["--arg", "nixpkgsLib", lib] if lib else []
    p = nix("--eval", "--strict", "--json", os.path.join(source, "tests/nix/eval.nix"), "--arg", "configuration", name, *lib)
    return json.loads(p.stdout) if p.returncode == 0 else p.stderr


def physical(path):
    return store + path


def written(text, pattern):
    """The file in the store whose name a script of the module carries."""
    found = re.search(pattern, text)
    return physical(found.group(0)) if found else "/nonexistent"


POLICY = r"/nix/store/\S+-policy\.json"
CONF = r"/nix/store/\S+-stage2\.conf"
ENABLE = 'security.ihard = { enable = true; trustedPublicKeys = [ "%s" ]; };' % KEY
VERIFY = 'boot.initrd.verify = { enable = true; trustedPublicKeys = [ "%s" ]; };' % KEY
LOADER = 'boot.loader.ihard = { enable = true; key = "/var/keys/db.key"; certificate = "/var/keys/db.pem"; };'


# ---- switched off it does nothing -----------------------------------------------------------------------
off = evaluate("")
t.ok(isinstance(off, dict) and not off["failed"] and not off["etc"] and not off["packages"]
     and not off["units"]["services"] and not off["initrd"]["storePaths"] and not off["loader"]["enable"],
     "nothing is on unless it is asked for", off)
t.ok(isinstance(off, dict) and off["undocumented"] == [], "every option says what it is for", off)

# ---- the policy: each profile is linted and compiled by the real program --------------------------------
for profile in ["audit", "server", "developer", "appliance"]:
    got = evaluate(ENABLE + 'security.ihard.profile = "%s";' % profile)
    if not t.ok(isinstance(got, dict) and got["failed"] == [], "profile %s evaluates" % profile, got):
        continue
    source_file = written(got["policy"], POLICY)
    shutil.copy(source_file, work + "/policy.json")
    os.chmod(work + "/policy.json", 0o644)
    r = run([ihard, "policy", "lint", "--policy", work + "/policy.json"])
    t.ok(r.rc == 0, "profile %s: the policy has no mistakes" % profile, r)
    r = run([ihard, "policy", "compile", "--policy", work + "/policy.json", "--output", work + "/policy.bin"])
    t.ok(r.rc == 0, "profile %s: the policy compiles" % profile, r)
    policy = json.load(open(work + "/policy.json"))
    t.ok(policy["enforce"] == (profile != "audit") and policy["extends"] == profile
         and policy["trust"][0]["keys"] == [KEY] and policy["trust"][1]["trees"] == ["/run/wrappers"],
         "profile %s: who is trusted, and whether it denies" % profile, policy)
    t.ok(set(got["etc"]) == {"ihard/policy.json", "ihard/policy.bin"}
         and got["etc"]["ihard/policy.bin"]["source"].endswith("-ihard-policy/policy.bin"),
         "profile %s: /etc/ihard has the policy and its compiled form" % profile, got["etc"])

rule = '''security.ihard.rules = [ { name = "backups"; interpreters = [ "python3" ]; modes = [ "script" ];
  program = ">=verified"; sources = ">=owned"; users = [ "backup" ]; verdict = "allow"; reason = "ours"; } ];'''
got = evaluate(ENABLE + rule + "users.users.backup.uid = 34;")
if t.ok(isinstance(got, dict) and got["failed"] == [], "a rule for a user with a number", got):
    policy = json.load(open(written(got["policy"], POLICY)))
    t.ok(policy["rules"][0]["uids"] == [34] and "users" not in policy["rules"][0], "the name became the number", policy)
    shutil.copy(written(got["policy"], POLICY), work + "/policy.json")
    os.chmod(work + "/policy.json", 0o644)
    r = run([ihard, "policy", "lint", "--policy", work + "/policy.json"])
    t.ok(r.rc == 0, "the rule has no mistakes", r)

got = evaluate(ENABLE + 'security.ihard.interpreters.ours = { name = "ours"; };')
t.ok(isinstance(got, dict) and "--interpreters" in got["policy"], "own grammars are compiled in", got)

# ---- shims -----------------------------------------------------------------------------------------------
got = evaluate(ENABLE + 'security.ihard.shims.python3 = "/usr/bin/python3";')
if t.ok(isinstance(got, dict) and got["etc"]["ihard/shims"]["text"] == "python3 /usr/bin/python3\n",
        "shims: the table", got):
    with open(work + "/shims", "w") as f:
        f.write(got["etc"]["ihard/shims"]["text"])
    os.chmod(work + "/shims", 0o644)
    r = run([ihard_exec, "--shims=" + work + "/shims", "--as=python3", "python3", "--version"])
    t.ok(r.rc == 0 and "Python" in r.out, "shims: ihard-exec reads the table", r)
    r = run([ihard_exec, "--shims=" + work + "/shims", "--as=ruby", "ruby", "--version"])
    t.ok(r.rc == 127 or r.rc == 125, "shims: a name that is not in it is nobody's", r)
    t.ok({"package": "ihard-shims"} in got["packages"], "shims: the links are installed", got["packages"])

# ---- the guard ------------------------------------------------------------------------------------------
got = evaluate(ENABLE + 'security.ihard.guard = { enable = true; lock = true; metricsFile = "/var/lib/m.prom"; };')
if t.ok(isinstance(got, dict) and got["failed"] == [], "the guard", got):
    unit = got["units"]["services"]["ihard-guard"]
    words = unit["serviceConfig"]["ExecStart"][1].split()[1:]
    t.ok("--lock" in words and "--audit" not in words and unit["reloadIfChanged"] and unit["serviceConfig"]["ExecStart"][0] == "",
         "the guard: locked, reloaded by a switch", unit)
    known = run([guard, "--help"])
    t.ok(all(w in known.out + known.err for w in words if w.startswith("--")), "ihard-guard knows all the options", known)
got = evaluate(ENABLE + 'security.ihard.guard = { enable = true; backend = "fanotify"; verifyAll = true; files = 1000; };')
t.ok(isinstance(got, dict) and "--backend fanotify --all --files 1000" in got["units"]["services"]["ihard-guard"]["serviceConfig"]["ExecStart"][1],
     "the guard: back end, the whole store, how many files", got)
got = evaluate(ENABLE + 'security.ihard.profile = "audit"; security.ihard.guard.enable = true;')
t.ok(isinstance(got, dict) and "--audit" in got["units"]["services"]["ihard-guard"]["serviceConfig"]["ExecStart"][1],
     "with profile audit the guard only reports", got)

# ---- the initrd: both kinds, every way to fail ----------------------------------------------------------------
for action in ["halt", "reboot", "warn"]:
    got = evaluate(VERIFY + 'boot.initrd.verify.onFailure = "%s";' % action)
    if not t.ok(isinstance(got, dict) and got["failed"] == [], "initrd, on failure %s" % action, got):
        continue
    script = got["initrd"]["postMountCommands"]
    t.ok("copy_bin_and_libs" in got["initrd"]["extraUtilsCommands"] and "ihard_stage2 $targetRoot" in script
         and not got["initrd"]["services"], "scripted initrd: the program and its call", got["initrd"])
    conf = work + "/stage2.conf"
    shutil.copy(written(script, CONF), conf)
    os.chmod(conf, 0o644)
    r = run([stage2, "--config", conf, "--init", "/nix/store/" + "0" * 32 + "-nothing/init", "--sysroot", work,
             "--state", work, "--dry-run"])
    t.ok(conf not in r.err and ("database" in r.err or "store" in r.err), "ihard-stage2 reads its configuration", r)
    t.ok("on-failure = %s\n" % action in open(conf).read() and KEY in open(conf).read(), "the configuration says it")

got = evaluate(VERIFY + "boot.initrd.systemd.enable = true;")
if t.ok(isinstance(got, dict) and got["failed"] == [], "systemd initrd", got):
    initrd = got["initrd"]
    t.ok(initrd["storePaths"][0].endswith("/bin/ihard-stage2") and not initrd["postMountCommands"]
         and "-stage2/" in initrd["storePaths"][0], "systemd initrd: the program, and only it", initrd)
    t.ok(sorted(initrd["services"]["ihard-stage2"]["requiredBy"]) ==
         ["initrd-nixos-activation.service", "initrd-switch-root.service", "initrd-switch-root.target"],
         "systemd initrd: nothing goes on without it", initrd)
    t.ok("sigs-needed = 1\n" in initrd["contents"]["/etc/ihard/stage2.conf"]["text"], "systemd initrd: the configuration")

got = evaluate('boot.initrd.verify = { enable = true; trustedPublicKeys = [ "%s" "%s" ]; sigsNeeded = 2; timeLimit = 90; signing.enable = true; '
               'seal = { enable = true; require = true; directory = "/var/seals"; }; };' % (KEY, KEY2))
if t.ok(isinstance(got, dict) and got["failed"] == [], "initrd: two signatures, a time limit, seals", got):
    shutil.copy(written(got["initrd"]["postMountCommands"], CONF), conf)
    text = open(conf).read()
    t.ok(all(line + "\n" in text for line in ["trusted-public-keys = %s %s" % (KEY, KEY2), "sigs-needed = 2", "time-limit = 90", "seal = /var/seals",
                                              "require-seal = yes"]), "the configuration says them", text)
    r = run([stage2, "--config", conf, "--init", "/nix/store/" + "0" * 32 + "-nothing/init", "--sysroot", work, "--state", work, "--dry-run"])
    t.ok(conf not in r.err and r.rc != 0, "ihard-stage2 reads them", r)
    t.ok("--output /var/seals/" in got["signing"].replace("'", "") and "--sigs-needed 2" in got["signing"], "and the seal is made so", got["signing"])

# ---- the boot loader, counting, assessment, signing --------------------------------------------------------
NSD = '''systemd.services.nsd = { before = [ "boot-complete.target" ]; wantedBy = [ "boot-complete.target" ];
  unitConfig.FailureAction = "reboot"; };'''
got = evaluate(LOADER + "boot.loader.ihard.bootCounting = { enable = true; tries = 4; };" + NSD)
if t.ok(isinstance(got, dict) and got["failed"] == [], "the boot loader with counting", got):
    hook = got["loader"]["hook"]
    t.ok("--tries 4" in hook and "boot install" in hook, "new entries have four tries", hook)
    t.ok("boot-complete" in got["units"]["targets"] and "multi-user.target" in got["units"]["services"]["ihard-boot-bless"]["wantedBy"]
         and got["units"]["services"]["nsd"]["unitConfig"]["FailureAction"] == "reboot",
         "a service that must come up gates the blessing", got["units"])
    t.ok("store sign" not in hook, "signing is not on by itself")

got = evaluate(LOADER)
t.ok(isinstance(got, dict) and "--tries" not in got["loader"]["hook"] and not got["units"]["services"],
     "without counting there are no tries and no blessing", got)

got = evaluate(LOADER + '''boot.loader.ihard = { configurationLimit = 7; collectFirst = true; pcrKey = "/var/keys/pcr.key"; installLoader = false;
  espMountPoint = "/efi"; xbootldrMountPoint = "/boot"; };''')
if t.ok(isinstance(got, dict) and got["failed"] == [], "the boot loader with everything else", got):
    line = [line for line in got["loader"]["hook"].splitlines() if "ihard boot install" in line][0].replace("'", "")
    words = ["--esp /efi", "--xbootldr /boot", "--limit 7", "--collect-first", "--key /var/keys/db.key", "--certificate /var/keys/db.pem",
             "--pcr-key /var/keys/pcr.key"]
    t.ok(all(w in line for w in words) and "boot sign" not in got["loader"]["hook"], "its options are the installer's", line)
    known = run([ihard, "boot", "install", "--help"])
    t.ok(all(w.split()[0] in known.out + known.err for w in line.split() if w.startswith("--")), "ihard boot install knows all of them", known)

stock = "imports = [ %s/nix/compat/boot-counting.nix ]; boot.loader.systemd-boot.bootCounting = { enable = true; tries = 5; };"
got = evaluate(LOADER + stock % source)
t.ok(isinstance(got, dict) and "--tries 5" in got["loader"]["hook"], "NixOS' own options for counting are respected", got)

got = evaluate(LOADER + '''boot.loader.ihard.bootCounting.enable = true;
  boot.loader.ihard.assess.checks = [ { name = "true is true"; command = [ "/bin/true" ]; timeLimit = 5; } ];''')
if t.ok(isinstance(got, dict) and got["failed"] == [], "checks of the boot", got):
    with open(work + "/assess.json", "w") as f:
        f.write(got["etc"]["ihard/assess.json"]["text"])
    os.chmod(work + "/assess.json", 0o644)
    r = run([ihard, "boot", "assess", "--check-only", "--file", work + "/assess.json", "--history", work + "/history"])
    t.ok(r.rc == 0, "ihard boot assess reads its list", r)
    t.ok(got["units"]["services"]["ihard-boot-assess"]["requiredBy"] == ["boot-complete.target"]
         and not got["units"]["services"]["ihard-boot-assess"].get("unitConfig"), "and gates the target", got["units"])
got = evaluate(LOADER + '''boot.loader.ihard.bootCounting.enable = true;
  boot.loader.ihard.assess = { checks = [ { unit = "a.service"; } ]; bootTimeLimit = 600; };''')
t.ok(isinstance(got, dict) and got["units"]["services"]["ihard-boot-assess"]["unitConfig"] ==
     {"JobTimeoutSec": 600, "JobTimeoutAction": "reboot-force"}, "a time limit for the whole boot", got)

got = evaluate(VERIFY + LOADER + "boot.initrd.verify.signing.enable = true; boot.initrd.verify.seal.enable = true;")
if t.ok(isinstance(got, dict) and got["failed"] == [] and got["warnings"] == [], "signed, sealed, verified: no warnings", got):
    hook = got["loader"]["hook"]
    t.ok(hook.index("ihard-sign-system") < hook.index("boot install"), "the system is signed before it gets an entry", hook)
    t.ok("ihard seal" in got["signing"] and "store sign --recursive" in got["signing"], "signed, then sealed", got["signing"])
for kind in ["systemd-boot", "grub"]:
    got = evaluate(VERIFY + "boot.initrd.verify.signing.enable = true; boot.loader.%s.enable = true;" % kind)
    t.ok(isinstance(got, dict) and "ihard-sign-system" in got["loader"][kind], "with %s the system is signed, too" % kind, got)
    t.ok(isinstance(got, dict) and any("nothing on this machine signs them" in w for w in got["warnings"]),
         "%s: a warning that nobody signs the command line" % kind, got)

# scripts are shell scripts
got = evaluate(VERIFY + LOADER + "boot.initrd.verify.signing.enable = true; boot.initrd.verify.seal.enable = true;")
for name, text in [("hook", got["loader"]["hook"]), ("signing", got["signing"]), ("initrd", got["initrd"]["postMountCommands"])]:
    r = run(["bash", "-n", "-c", text])
    t.ok(r.rc == 0, "the %s script is a shell script" % name, r)

# ---- configurations that cannot work, each with its sentence; the one beside it works --------------------
IMPOSSIBLE = [
    ("security.ihard.enable = true;", "nobody is trusted", "security.ihard.enable without a key"),
    ("boot.initrd.verify.enable = true;", "nobody is trusted", "verification without a key"),
    (ENABLE + "security.ihard.sigsNeeded = 2;", "has only", "two signatures of one key"),
    (VERIFY + 'imports = [ { boot.initrd.verify.trustedPublicKeys = [ "%s" ]; } ]; boot.initrd.verify.sigsNeeded = 2;' % KEY, "has only",
     "one key twice is one key"),
    (ENABLE + 'security.ihard.profile = "audit"; security.ihard.audit = false;', "denies nothing", "audit that denies"),
    (ENABLE + rule, "no number", "a rule for a user without number"),
    (ENABLE + 'security.ihard.shims.python3 = "python3";', "absolute", "a shim that would search PATH"),
    (ENABLE + 'security.ihard.shims."a/b" = "/x";', "no program can have", "a shim with a slash"),
    ("security.ihard.guard.enable = true;", "no policy to enforce", "a guard without a policy"),
    (ENABLE + 'security.ihard.guard = { enable = true; lock = true; backend = "fanotify"; };', "nothing can be", "a lock that fanotify cannot have"),
    (ENABLE + 'security.ihard.audit = true; security.ihard.guard = { enable = true; lock = true; };', "refuses nothing",
     "a lock on a guard that only reports"),
    (VERIFY + "boot.initrd.verify.seal.enable = true;", "a seal is signed", "a seal that nobody signs"),
    (VERIFY + "boot.initrd.verify.seal.require = true;", "nothing makes the seals", "seals required and not made"),
    (VERIFY + '''boot.initrd.verify.signing.enable = true; boot.initrd.verify.seal = { enable = true; require = true; };
     fileSystems."/".fsType = "xfs";''', "no fs-verity", "seals on a file system without fs-verity"),
    (VERIFY + 'boot.initrd.verify.signing = { enable = true; keyFile = "/nix/store/x-key"; };', "everybody can read",
     "the signing key in the store"),
    (LOADER + "boot.loader.grub.enable = true;", "another boot loader", "two boot loaders"),
    ("boot.loader.ihard.enable = true;", "needs a key", "images that nobody signs"),
    ("boot.loader.ihard = { enable = true; unsigned = true; key = \"/k\"; };", "never be used", "a key that is never used"),
    ('boot.loader.ihard = { enable = true; key = "/nix/store/x"; certificate = "/c"; };', "everybody can read",
     "the image key in the store"),
    (LOADER + 'boot.loader.ihard.assess.checks = [ { unit = "a.service"; } ];', "count as good all the same",
     "checks that nothing waits for"),
    (LOADER + 'boot.loader.ihard.bootCounting.enable = true; boot.loader.ihard.assess.checks = [ { } ];',
     "either a unit or a command", "a check of nothing"),
]
for configuration, sentence, name in IMPOSSIBLE:
    got = evaluate(configuration)
    t.ok(isinstance(got, dict) and len(got["failed"]) == 1 and sentence in got["failed"][0].replace("\n", " "),
         "refused: " + name, got if isinstance(got, str) else got["failed"])
POSSIBLE = [
    (ENABLE + 'imports = [ { security.ihard.trustedPublicKeys = [ "%s" ]; } ]; security.ihard.sigsNeeded = 2;' % KEY2, "two keys, two signatures"),
    (VERIFY + '''boot.initrd.verify.signing.enable = true; boot.initrd.verify.seal = { enable = true; require = true; };
     fileSystems."/".fsType = "ext4";''', "seals required on ext4"),
    ("boot.loader.ihard = { enable = true; unsigned = true; };", "no Secure Boot"),
]
for configuration, name in POSSIBLE:
    got = evaluate(configuration)
    t.ok(isinstance(got, dict) and got["failed"] == [], "beside it works: " + name, got)
WRONG = [
    (VERIFY + "boot.initrd.verify.sigsNeeded = 0;", "positive", "no signature needed is no check"),
    (VERIFY + 'boot.initrd.verify.onFailure = "ignore";', "one of", "an action that does not exist"),
    (ENABLE + 'security.ihard.profile = "lax";', "one of", "a profile that does not exist"),
    ("security.ihard.enabled = true;", "does not exist", "a misspelt option"),
]
for configuration, sentence, name in WRONG:
    got = evaluate(configuration)
    t.ok(isinstance(got, str) and sentence in got, "refused: " + name, got)

# ---- package and flake ----------------------------------------------------------------------------------------
tests = os.path.join(source, "tests/nix")
pkgs = "(import %s/pkgs.nix { lib = import %s/lib.nix; })" % (tests, tests)
p = nix("-E", "import %s/nix { pkgs = %s; }" % (source, pkgs))
t.ok(p.returncode == 0 and re.search(r"-ihard-[0-9.]+\.drv", p.stdout), "nix-instantiate of the package", p.stderr)
p = nix("--eval", "--json", "-E", "(import %s/nix/overlay.nix %s { }).ihard.name" % (source, pkgs))
t.ok(p.returncode == 0 and "ihard-" in p.stdout, "the overlay", p.stderr)
p = nix("--eval", "--strict", "--json", "-E",
        'let f = (import %s/flake.nix).outputs { self = { }; nixpkgs = { lib = import %s/lib.nix; legacyPackages = {'
        ' x86_64-linux = %s; aarch64-linux = %s; }; }; }; in [ f.packages.x86_64-linux.default.name (f ? overlays) '
        '(builtins.attrNames f.nixosModules) (builtins.attrNames f.checks.x86_64-linux) ]' % (source, tests, pkgs, pkgs))
t.ok(p.returncode == 0 and "ihard-" in p.stdout, "the flake's outputs", p.stderr)

# ---- the NixOS VM tests: their machines evaluate, their scripts are Python ------------------------------------
p = nix("--eval", "--strict", "--json", "-E", "builtins.mapAttrs (_: t: { inherit (t) name testScript; }) (import %s/nix/tests { pkgs = %s; })" % (source, pkgs))
vm_tests = json.loads(p.stdout) if p.returncode == 0 else {}
files = {n[:-4] for n in os.listdir(source + "/nix/tests") if n.endswith(".nix")} - {"default", "machine", "console", "store", "key"}
t.ok(set(vm_tests) == files, "each attack of nix/tests is a test", p.stderr)
for name, test in sorted(vm_tests.items()):
    try:
        compile(test["testScript"], name, "exec")
        wrong = None
    except SyntaxError as e:
        wrong = e
    t.ok(wrong is None and test["name"] == "ihard-" + name, "nix/tests: %s: the script is Python" % name, wrong)
    got = evaluate("imports = [ (import %s/nix/tests/%s.nix).nodes.machine ];" % (source, name))
    t.ok(isinstance(got, dict) and got["failed"] == [] and "ihard/policy.bin" in got["etc"], "nix/tests: %s: the machine evaluates" % name, got)

p = nix("--eval", "--strict", "--json", source + "/nix/options.nix", "--arg", "lib", "import %s/lib.nix" % tests,
        "--arg", "pkgs", pkgs, "--arg", "nixos", tests + "/nixos.nix")
page = source + "/docs/nixos-options.md"
made = json.loads(p.stdout) if p.returncode == 0 else p.stderr
if os.environ.get("IH_WRITE") and p.returncode == 0:
    with open(page, "w") as f:
        f.write(made)
t.ok(p.returncode == 0 and open(page).read() == made, "docs/nixos-options.md is what the options say",
     made if p.returncode else "it is not: run this test with IH_WRITE=1 and look at the difference")

# ---- the real module system says the same ----------------------------------------------------------------
real = os.environ.get("IH_NIXPKGS_LIB")
if not real:
    p = nix("--eval", "-E", "toString <nixpkgs/lib>")
    real = p.stdout.strip().strip('"') if p.returncode == 0 else None
if real:
    def bare(value):  # quotes that one lib writes and the other leaves out; names that follow from them
        value["packages"].sort(key=str)
        return re.sub(r"/nix/store/[0-9a-z]{32}", "", json.dumps(value, sort_keys=True).replace("'", ""))

    for configuration in [ENABLE, VERIFY, LOADER, ENABLE + rule + "users.users.backup.uid = 34;",
                          VERIFY + LOADER + "boot.initrd.verify.signing.enable = true;",
                          VERIFY + "boot.initrd.systemd.enable = true;",
                          "imports = [ (import %s/nix/tests/inline.nix).nodes.machine ];" % source] + [i[0] for i in IMPOSSIBLE]:
        ours, theirs = evaluate(configuration), evaluate(configuration, real)
        t.ok(isinstance(ours, dict) and isinstance(theirs, dict) and bare(ours) == bare(theirs), "nixpkgs' lib agrees: " + configuration[:60].replace("\n", " "), theirs)
    for configuration, sentence, name in WRONG:
        got = evaluate(configuration, real)
        t.ok(isinstance(got, str), "nixpkgs' lib agrees: " + name, got)
else:
    t.skip("nixpkgs' lib agrees", "no nixpkgs here; IH_NIXPKGS_LIB names one")

shutil.rmtree(work, ignore_errors=True)
t.done()
