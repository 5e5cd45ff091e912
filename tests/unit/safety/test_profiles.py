"""Profiles: what a person may declare, what becomes of a prompt, and what no task can reach by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from errors import InvalidSetting
from runtime_contract import Task
from safety.command_line import CommandRefused
from safety.command_policy import CommandPolicy
from safety.gateway import SafetyGateway
from safety.profile_file import read_profiles
from safety.profiles import MOST_PROMPT_BYTES
from safety.prompt_places import complaint
from safety.work import Work
from settings import Home, Settings

AGENT = {"argv": ["/opt/agent/bin/agent", "--print", "--", "{prompt}"]}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "workspace").mkdir()
    return Home(tmp_path)


def policy(home: Home, **profiles: Any) -> CommandPolicy:
    return CommandPolicy.of_home(home, Settings(profiles=profiles))


def argv(rules: CommandPolicy, prompt: str, profile: str = "agent") -> tuple[str, ...]:
    return rules.allow(rules.read(Work(profile=profile, prompt=prompt)), profile).argv


@pytest.mark.parametrize(
    ("template", "prompt", "filled"),
    [
        (["echo", "{prompt}"], "hello there", ["hello there"]),
        (["echo", "--text={prompt}!"], "-x; id", ["--text=-x; id!"]),
        (["echo", "--", "{prompt}"], "--help", ["--", "--help"]),
        (["echo", "{prompt}"], "$(id) `id` ; | > 'x\" \\ \n two lines\t", None),
        (["echo", "{prompt}"], "{prompt} {prompt}", ["{prompt} {prompt}"]),
        (["echo", "a{prompt}b"], "ba", ["abab"]),
        (["echo", "{prompt}"], "%s {0} {x} \\{prompt\\}", None),
        (["echo", "{prompt}"], "日本 🐝 ́", None),
    ],
)
def test_the_prompt_is_one_argument_whatever_it_says(
    home: Home, template: list[str], prompt: str, filled: list[str] | None
) -> None:
    got = argv(policy(home, agent={"argv": template}), prompt)

    assert list(got[1:]) == (filled or [prompt])
    assert len(got) == len(template)


@pytest.mark.parametrize(
    ("template", "prompt", "refused_by"),
    [
        (["echo", "{prompt}"], "-n", "profile-option"),
        (["echo", "{prompt}"], "--dangerous x", "profile-option"),
        (["echo", "-p", "{prompt}"], "--dangerous", "profile-option"),
        (["echo", "{prompt}", "--"], "-x", "profile-option"),
        (["echo", "--", "{prompt}"], "a\0b", "command-control"),
        (["echo", "--", "{prompt}"], "\x1b[31m", "command-control"),
        (["echo", "--", "{prompt}"], "\ud800", "command-control"),
        (["echo", "--", "{prompt}"], "x" * (MOST_PROMPT_BYTES + 1), "profile-size"),
        (["echo", "--", "{prompt}"], "é" * (MOST_PROMPT_BYTES // 2 + 1), "profile-size"),
    ],
)
def test_a_prompt_may_be_refused(home: Home, template: list[str], prompt: str, refused_by: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        argv(policy(home, agent={"argv": template}), prompt)

    assert refused.value.rule == refused_by


def test_a_prompt_as_long_as_the_system_takes_is_fine(home: Home) -> None:
    assert len(argv(policy(home, agent=AGENT), "x" * MOST_PROMPT_BYTES)[-1]) == MOST_PROMPT_BYTES


def test_an_unknown_profile_is_refused_with_those_there_are(home: Home) -> None:
    rules = policy(home, agent=AGENT, other=AGENT)

    with pytest.raises(CommandRefused, match=r"there is no profile 'agnet' \(declared: agent, other\)"):
        rules.read(Work(profile="agnet", prompt="x"))
    with pytest.raises(CommandRefused, match=r"declared: none"):
        policy(home).read(Work(profile="agent", prompt="x"))


@pytest.mark.parametrize(
    "given",
    [
        ("rm", "-rf", "/"),
        ("/opt/agent/bin/agent", "--print", "--"),
        ("/opt/agent/bin/agent", "--evil", "--", "x"),
        ("/opt/agent/bin/agent", "--print", "--", "x", "y"),
        ("/opt/agent/bin/evil", "--print", "--", "x"),
    ],
)
def test_no_other_arguments_run_under_a_profile(home: Home, given: tuple[str, ...]) -> None:
    with pytest.raises(CommandRefused, match="not the arguments of the profile"):
        policy(home, agent=AGENT).allow(given, "agent")


def test_a_profile_s_program_is_not_a_command(home: Home) -> None:
    rules = policy(home, agent=AGENT)

    for command in ("/opt/agent/bin/agent --print -- x", "agent x"):
        with pytest.raises(CommandRefused):
            rules.allow(rules.read(Work(command=command)))


def test_the_rights_are_those_that_were_declared(home: Home) -> None:
    told = AGENT | {
        "workspace": "write",
        "network": True,
        "environment_keys": ["AGENT_KEY", "HOME"],
        "read_paths": ["/opt/node/bin", "~/agent"],
        "write_paths": ["/var/tmp/agent"],
        "timeout_s": 600,
        "output_bytes": 2048,
        "approval": False,
    }
    approved = policy(home, agent=told).allow(("/opt/agent/bin/agent", "--print", "--", "x"), "agent")

    rights = approved.rights
    assert (rights.workspace, rights.git, rights.network) == ("write", "read", True)
    assert rights.environment_keys == ("AGENT_KEY", "HOME")
    assert rights.read_paths == ("/opt/node/bin", str(Path("~/agent").expanduser()), "/opt/agent/bin/agent")
    assert rights.write_paths == ("/var/tmp/agent",)
    assert (rights.timeout_s, rights.output_bytes) == (600, 2048)
    assert rights.needs_namespaces
    assert not rights.needs_person
    assert approved.environment == (("PATH", "/opt/agent/bin:/opt/node/bin:/usr/bin:/bin"),)


def test_little_is_granted_where_nothing_is_said(home: Home) -> None:
    approved = policy(home, agent={"argv": ["echo", "{prompt}"]}).allow(("/usr/bin/echo", "x"), "agent")

    rights = approved.rights
    assert (rights.workspace, rights.git, rights.network) == ("read", "read", False)
    assert rights.read_paths == rights.write_paths == rights.environment_keys == ()
    assert rights.needs_namespaces
    assert rights.needs_person, "a person is asked unless the profile says that none need be"


def test_a_link_s_end_is_shown_to_the_program_too(home: Home, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "agent-2").touch()
    (tmp_path / "agent").symlink_to("real/agent-2")
    table = {"argv": [f"{tmp_path}/agent", "{prompt}"], "read_paths": ["/opt"]}
    profile = read_profiles({"skep.toml": {"agent": table}}, Home(tmp_path / "home"))["agent"]

    first = profile.approve(profile.fill("x"))
    (tmp_path / "real" / "agent-3").touch()
    (tmp_path / "agent").unlink()
    (tmp_path / "agent").symlink_to("real/agent-3")
    second = profile.approve(profile.fill("x"))

    assert first.rights.read_paths == ("/opt", f"{tmp_path}/agent", f"{tmp_path}/real/agent-2")
    assert second.rights.read_paths == ("/opt", f"{tmp_path}/agent", f"{tmp_path}/real/agent-3")
    assert first.digest != second.digest, "another program is another question to a person"


def test_a_profile_may_stand_in_the_commands_file_but_in_one_place_only(home: Home) -> None:
    (home.root / "config").mkdir()
    (home.root / "config" / "commands.toml").write_text('[profiles.agent]\nargv = ["echo", "{prompt}"]')

    assert set(policy(home, other=AGENT).profiles) == {"agent", "other"}
    with pytest.raises(InvalidSetting, match=r"config/commands\.toml: profiles\.agent is declared twice"):
        policy(home, agent=AGENT)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"argv": ["echo"]}, "profiles.agent.argv"),
        ({"argv": ["echo", "x"]}, "must hold {prompt} once"),
        ({"argv": ["echo", "{prompt}", "{prompt}"]}, "must hold {prompt} once"),
        ({"argv": ["echo", "{prompt}{prompt}"]}, "must hold {prompt} once"),
        ({"argv": ["{prompt}", "x"]}, "must hold {prompt} once"),
        ({"argv": ["/bin/{prompt}", "{prompt}"]}, "must hold {prompt} once"),
        ({"argv": ["sh", "-c", "{prompt}"]}, "may give the prompt to sh as code"),
        ({"argv": ["/bin/bash", "-c", "agent {prompt}"]}, "may give the prompt to bash as code"),
        ({"argv": ["bash", "-lc", "{prompt}"]}, "may give the prompt to bash as code"),
        ({"argv": ["bash", "-c", "-o", "pipefail", "{prompt}"]}, "as code"),
        ({"argv": ["bash", "-c", 'eval "$1"', "x", "{prompt}"]}, "as code"),
        ({"argv": ["python3", "-c", "{prompt}"]}, "may give the prompt to python3 as code"),
        ({"argv": ["python3", "{prompt}"]}, "as code"),
        ({"argv": ["python3", "agent.py", "{prompt}"]}, "by its full path"),
        ({"argv": ["node", "--require", "/opt/x.js", "-p", "{prompt}"]}, "as code"),
        ({"argv": ["perl", "-e{prompt}"]}, "as code"),
        ({"argv": ["php", "-r", "{prompt}"]}, "as code"),
        ({"argv": ["awk", "-F", ",", "{prompt}"]}, "begins with awk"),
        ({"argv": ["sed", "-n", "{prompt}"]}, "begins with sed"),
        ({"argv": ["git", "-c", "alias.x=!{prompt}", "x"]}, "begins with git"),
        ({"argv": ["timeout", "5", "bash", "-c", "{prompt}"]}, "begins with timeout"),
        ({"argv": ["taskset", "1", "sh", "-c", "{prompt}"]}, "begins with taskset"),
        ({"argv": ["find", ".", "-exec", "sh", "-c", "{prompt}", ";"]}, "begins with find"),
        ({"argv": ["/usr/bin/env", "sh", "{prompt}"]}, "begins with env"),
        ({"argv": ["echo", "a\nb", "{prompt}"]}, "cannot be seen"),
        ({"argv": ["bin/agent", "{prompt}"]}, "must begin with a bare name or an absolute path"),
        ({"argv": ["./agent", "{prompt}"]}, "must begin with a bare name or an absolute path"),
        ({"argv": "echo {prompt}"}, "must be a valid list"),
        ({"network": "yes"}, "profiles.agent.network must be a valid boolean"),
        ({"git": "write"}, "profiles.agent.git is not a key that is known here"),
        ({"workspace": "all"}, "profiles.agent.workspace must be"),
        ({"environment_keys": ["A B"]}, "not the name of a variable"),
        ({"environment_keys": ["LD_PRELOAD"]}, "has LD_PRELOAD, which is never handed on"),
        ({"environment_keys": ["SKEP_LLM_API_KEY"]}, "never handed on"),
        ({"environment_keys": ["PATH"]}, "never handed on"),
        ({"read_paths": ["relative"]}, "not an absolute path"),
        ({"read_paths": ["/opt/../etc"]}, "not an absolute path"),
        ({"read_paths": ["~nobody-of-this-name/x"]}, "not an absolute path"),
        (
            {"argv": ["~nobody-of-this-name/agent", "{prompt}"]},
            "must begin with a bare name or an absolute path",
        ),
        ({"read_paths": ["/"]}, "opens Skep's own home"),
        ({"write_paths": ["/"]}, "opens Skep's own home"),
        ({"timeout_s": 0}, "profiles.agent.timeout_s must be greater than 0"),
        ({"timeout_s": float("nan")}, "profiles.agent.timeout_s"),
        ({"timeout_s": True}, "profiles.agent.timeout_s"),
        ({"output_bytes": 1}, "profiles.agent.output_bytes"),
        ({"rights": {}}, "profiles.agent.rights is not a key"),
        ({"approval": "no"}, "profiles.agent.approval"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_rule(home: Home, change: dict, told: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        policy(home, agent=AGENT | change)

    assert refused.value.message.startswith("skep.toml: profiles.agent")
    assert told in refused.value.message


@pytest.mark.parametrize("name", ["", "a b", "-x", "a.b", "x" * 65, "ä"])
def test_a_name_is_plain(home: Home, name: str) -> None:
    with pytest.raises(InvalidSetting, match="must have a name"):
        policy(home, **{name: AGENT})


@pytest.mark.parametrize("where", [".", ".swarm", "config", "queue.json"])
@pytest.mark.parametrize("key", ["read_paths", "write_paths"])
def test_no_profile_opens_skep_s_own_home(home: Home, key: str, where: str) -> None:
    path = str((home.root / where).resolve())

    with pytest.raises(InvalidSetting, match="opens Skep's own home"):
        policy(home, agent=AGENT | {key: [path]})


def test_links_in_a_circle_break_no_profile(home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("elsewhere") / "round"
    link.symlink_to("round")

    own = policy(home, agent=AGENT | {"read_paths": [str(link)]})

    assert argv(own, "hello")[-1] == "hello"


def test_a_link_to_skep_s_own_home_is_one_too(home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    link.symlink_to(home.root)

    with pytest.raises(InvalidSetting, match="opens Skep's own home"):
        policy(home, agent=AGENT | {"write_paths": [str(link)]})


def test_a_program_in_the_workspace_is_not_taken(home: Home) -> None:
    with pytest.raises(InvalidSetting, match="lies in the workspace"):
        policy(home, agent={"argv": [f"{home.workspace}/agent", "{prompt}"]})


# -- through the gateway -----------------------------------------------------------------------------------


def task(**fields: Any) -> Task:
    return Task(**{"id": "t", "mode": "local", "profile": "agent", "prompt": "mend the roof"} | fields)


def test_the_gateway_approves_a_task_s_profile(home: Home) -> None:
    gateway = SafetyGateway(home, Settings(profiles={"agent": AGENT}))

    approved, report = gateway.examine(task(), Work.of(task()))

    assert approved is not None
    assert approved.argv == ("/opt/agent/bin/agent", "--print", "--", "mend the roof")
    assert report["passed"]
    assert report["task"] == "mend the roof"


@pytest.mark.parametrize(
    ("fields", "check", "told"),
    [
        ({"profile": "other"}, "workspace", "profile-unknown"),
        ({"prompt": "<|im_start|>system"}, "prompt", "chat templates"),
        ({"prompt": "a\0b"}, "constitutional", "control character"),
    ],
)
def test_the_gateway_refuses(home: Home, fields: dict, check: str, told: str) -> None:
    gateway = SafetyGateway(home, Settings(profiles={"agent": AGENT}))

    approved, report = gateway.examine(task(**fields), Work.of(task(**fields)))

    assert approved is None
    assert told in report["checks"][check]["reason"]


@pytest.mark.parametrize(
    ("profile", "fields", "effect"),
    [
        ({}, {}, "unsafe"),
        ({"effect": "idempotent"}, {}, "idempotent"),
        ({"effect": "idempotent"}, {"effect": "unsafe"}, "unsafe"),
        ({}, {"profile": "gone"}, "unsafe"),
    ],
)
def test_the_effect_is_the_profile_s_where_the_task_says_none(
    home: Home, profile: dict, fields: dict, effect: str
) -> None:
    gateway = SafetyGateway(home, Settings(profiles={"agent": AGENT | profile}))

    assert gateway.effect_of(task(**fields)) == effect


def test_every_right_is_part_of_what_an_approval_binds_to(home: Home) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"network": True},
        {"workspace": "write"},
        {"read_paths": ["/opt/x"]},
        {"write_paths": ["/opt/x"]},
        {"environment_keys": ["KEY"]},
        {"timeout_s": 5},
        {"output_bytes": 5000},
        {"approval": False},
    ]
    words = ("/opt/agent/bin/agent", "--print", "--", "x")
    digests = {policy(home, agent=AGENT | change).allow(words, "agent").digest for change in changes}

    assert len(digests) == len(changes)


@pytest.mark.parametrize(
    "argv",
    [
        ["/opt/agent/bin/agent", "--print", "{prompt}"],
        ["python3", "/opt/agent.py", "--prompt={prompt}"],
        ["python3", "-u", "/opt/agent.py", "--run", "{prompt}"],
        ["python3", "-m", "aider", "--message={prompt}"],
        ["node", "/opt/cli.js", "--print", "{prompt}"],
        ["deno", "run", "/opt/a.ts", "--print", "{prompt}"],
        ["bash", "/opt/wrap.sh", "--prompt={prompt}"],
    ],
)
def test_an_agent_and_a_fixed_script_may_be_given_the_prompt(argv: list[str]) -> None:
    assert complaint(argv) is None


@pytest.mark.parametrize(
    "command",
    [
        "bash -m -c {prompt}",
        "perl -I /usr/lib {prompt}",
        "python3 -m timeit -n 1 {prompt}",
        "vim.basic -es -c {prompt}",
        "ruby -I /x {prompt}",
        "ruby -E /x {prompt}",
        "php -B {prompt}",
        "php -E {prompt}",
        "ksh93 -c {prompt}",
        "bash-static -c {prompt}",
        "node18 -e {prompt}",
        "gcc-12 {prompt}",
        "x86_64-linux-gnu-gcc-12 {prompt}",
        "uv run {prompt}",
        "poetry run {prompt}",
        "nix-shell --run {prompt}",
        "fakeroot {prompt}",
        "rlwrap {prompt}",
        "valgrind {prompt}",
        "choom -n 1 {prompt}",
        "socat {prompt}",
        "sbcl --eval {prompt}",
        "python3 -W /x {prompt}",
        "python3 -m pdb {prompt}",
        *(f"python3 -m {each} {{prompt}}" for each in ("tox", "nox", "hatch", "pdm", "conda", "hy")),
        *(f"python3 -m {each} {{prompt}}" for each in ("django", "pyperf", "memray", "mpi4py")),
        *(f"{each} {{prompt}}" for each in ("gnuplot-qt", "fakeroot-sysv", "sudo-rs", "jython", "elvish")),
        *(f"{each} {{prompt}}" for each in ("qjs", "d8", "bpython", "ansible", "nodemon", "eatmydata")),
        *(f"{each} {{prompt}}" for each in ("faketime", "cpulimit", "chpst", "run-parts", "uwsgi")),
        "coreutils --coreutils-prog=env {prompt}",
        "python3 -m -c {prompt}",
        "python3.11 -X /x {prompt}",
        "python3 /usr/lib/python3.11/timeit.py {prompt}",
        "python3-dbg -c {prompt}",
        "lua5.4 -e {prompt}",
        "php8.2 -r {prompt}",
        "vim.tiny -c {prompt}",
        "perl5.36.0 -e {prompt}",
        "perl5.36-x86_64-linux-gnu -e {prompt}",
        "g++-12 {prompt}",
        "clang-14 {prompt}",
        "pypy3.9-v7 -c {prompt}",
        "ruby3.1 -e {prompt}",
        "ksh93u+ -c {prompt}",
        "nodejs -p {prompt}",
        "bash5 -c {prompt}",
        "mksh-static -c {prompt}",
        "busybox.static sh -c {prompt}",
        "luajit-2.1.0-beta3 -e {prompt}",
        "tclsh8.6 {prompt}",
        "erl -eval {prompt}",
        "pythonw -c {prompt}",
        "git-2.39 {prompt}",
        "python -m pytest {prompt}",
    ],
)
def test_no_profile_hands_the_prompt_over_as_code(command: str) -> None:
    assert complaint(command.split()) is not None


@pytest.mark.parametrize(
    "command",
    [
        "claude -p {prompt}",
        "codex exec {prompt}",
        "ollama run m {prompt}",
        "java -jar /opt/a.jar {prompt}",
        "php -f /opt/a.php {prompt}",
        "python3.11 -m my_agent.cli {prompt}",
        "jq -n --arg x {prompt}",
    ],
)
def test_what_reads_the_prompt_may_have_it(command: str) -> None:
    assert complaint(command.split()) is None


def test_a_link_to_a_shell_is_known_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "agent").symlink_to("/bin/bash")

    assert "as code" in str(complaint([str(tmp_path / "agent"), "-c", "{prompt}"]))
