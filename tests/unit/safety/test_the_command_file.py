"""``config/commands.toml``: Skep's own, the home's over it, every mistake told with file, key and rule."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from errors import InvalidSetting
from safety.command_file import SHIPPED, read_rules, shipped_rules
from safety.command_line import CommandRefused
from safety.command_policy import CommandPolicy
from safety.work import Work
from settings import Home, Settings
from tests.unit.safety.policy_table import furnish, rule


@pytest.fixture
def home(tmp_path: Path) -> Home:
    furnish(tmp_path)
    return Home(tmp_path)


def write(home: Home, text: str) -> None:
    path = home.root / "config" / "commands.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def policy(home: Home, text: str = "") -> CommandPolicy:
    write(home, text)
    return CommandPolicy.of_home(home, Settings())


def verdict(home: Home, text: str, command: str) -> str | None:
    return rule(policy(home, text), Work(command=command))


def test_a_home_without_a_file_has_skep_s_own_rules(home: Home) -> None:
    assert read_rules(home.root) == (shipped_rules(), {})


def test_an_empty_file_changes_nothing(home: Home) -> None:
    write(home, "")

    assert read_rules(home.root)[0].programs == shipped_rules().programs


def test_the_checkout_s_own_file_is_not_laid_over_itself() -> None:
    assert read_rules(SHIPPED.parents[1]) == (shipped_rules(), {})


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("programs.mkdir.allowed = true", "mkdir -p sub/new"),
        ("programs.touch.allowed = true", "touch new"),
        ("programs.cp.allowed = true", "cp file.txt a sub"),
        ("programs.mv.allowed = true", "mv -n a new"),
        ("programs.rm.allowed = true", "rm -f a"),
        ('programs.python3.use = "interpreter"', "python3 -c 'import os; print(1)' ../x -- -y"),
        ('programs.make.use = "interpreter"', "make -j4 all"),
        ('programs.sed.use = "interpreter"', "sed -i s/a/b/ file.txt"),
        ('[programs.pytest]\nuse = "interpreter"', "pytest -q tests"),
        ('programs.ls.options = ["--dired-x"]', "ls -la --dired-x sub"),
        ('programs.ls.options = ["--top=number"]', "ls --top=3"),
        ('programs.git.subcommands.log.options = ["--my-own"]', "git log --my-own --oneline"),
        ('programs.git.subcommands.notes.arguments = "list|show revision?"', "git notes show HEAD"),
        ('[programs.strings]\noptions = ["-n=number"]\narguments = "path+"', "strings -n8 file.txt"),
        ('programs.uniq.arguments = "path path"', "uniq a b"),
    ],
)
def test_one_line_allows_more(home: Home, text: str, command: str) -> None:
    assert rule(CommandPolicy(home.workspace, Settings().limits), Work(command=command)) is not None
    assert verdict(home, text, command) is None


def test_a_replaced_entry_has_nothing_of_the_old_one(home: Home) -> None:
    text = '[programs.ls]\nreplace = true\noptions = ["-l"]'

    assert verdict(home, text, "ls -l") is None
    assert verdict(home, text, "ls -a") == "ls-option"
    assert verdict(home, text, "ls sub") == "ls-arguments"


@pytest.mark.parametrize(
    ("text", "command", "refused_by"),
    [
        ("programs.cat.allowed = false", "cat file.txt", "program-unknown"),
        ("programs.git.subcommands.commit.allowed = false", "git commit -m x", "git-subcommand"),
        ('never.cat = "not here"', "cat file.txt", "program-unknown"),
        ("programs.mkdir.allowed = true", "mkdir ../x", "mkdir-outside"),
        ("programs.mkdir.allowed = true", "mkdir .git/hooks", "mkdir-target"),
        ("programs.rm.allowed = true", "rm -rf .", "rm-option"),
        ("programs.rm.allowed = true", "rm .git/config", "rm-target"),
        ("programs.rm.allowed = true", "rm .GIT/config", "rm-target"),
        ("programs.rm.allowed = true", "rm link", "rm-outside"),
        ("programs.cp.allowed = true", "cp -t sub a", "cp-option"),
        ("programs.cp.allowed = true", "cp link a", "cp-outside"),
        ("programs.cp.allowed = true", "cp a", "cp-arguments"),
        ("programs.mv.allowed = true", "mv .git .git2", "mv-target"),
        ("programs.mv.allowed = true", "mv a .", "mv-target"),
        ('programs.ls.options = ["--top=number"]', "ls --top=x", "ls-value"),
    ],
)
def test_what_it_allows_is_held_to_its_rule(home: Home, text: str, command: str, refused_by: str) -> None:
    assert verdict(home, text, command) == refused_by


def test_an_interpreter_writes_the_workspace_in_the_strongest_sandbox_only(home: Home) -> None:
    approved = policy(home, 'programs.python3.use = "interpreter"').allow(("python3", "x.py"))

    assert (approved.rights.workspace, approved.rights.git) == ("write", "read")
    assert approved.rights.needs_namespaces
    assert not approved.rights.network


def test_another_subcommand_that_writes_the_repository_starts_nothing_either(home: Home) -> None:
    text = (
        'programs.git.subcommands.checkout = { arguments = "revision+", git = "write", workspace = "write" }'
    )
    rules = policy(home, text)
    (home.workspace / ".git").mkdir()

    approved = rules.allow(("git", "checkout", "main"))
    assert (approved.rights.git, approved.rights.workspace) == ("write", "write")
    assert dict(approved.environment)["GIT_EXEC_PATH"] == "/dev/null"
    (home.workspace / ".git" / "config").write_text('[filter "x"]\n\tsmudge = touch sprung')
    assert rule(rules, Work(argv=("git", "checkout", "main"))) == "git-config"


def test_a_program_may_ask_for_a_person(home: Home) -> None:
    rules = policy(home, "programs.git.approval = true\nprograms.echo.approval = true")

    assert rules.allow(("echo", "x")).rights.needs_person
    assert rules.allow(("git", "commit", "-m", "x")).rights.needs_person
    assert not rules.allow(("true",)).rights.needs_person


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("programs = 1", "config/commands.toml: programs"),
        ("version = 2", "config/commands.toml: version must be 1"),
        ("[program.x]", "config/commands.toml: program is not a key that is known here"),
        ("programs.x.option = []", "programs.x.option is not a key that is known here"),
        ('programs.x.options = ["a"]', "programs.x.options 'a' is not an option such as"),
        ('programs.x.options = "-a"', "programs.x.options must be a valid list"),
        ('programs.x.arguments = "paths"', "programs.x.arguments 'paths' is not a kind"),
        ('programs.x.arguments_with = { "-e" = "path*" }', "programs.x speaks of -e, which is not"),
        ('programs.x.needs = ["-m"]', "programs.x speaks of -m"),
        ('programs.x.style = "sh"', "programs.x.style must be 'options'"),
        ('programs.x.workspace = "all"', "programs.x.workspace must be 'read' or 'write'"),
        ('programs.x.allowed = "yes"', "programs.x.allowed must be a valid boolean"),
        (
            'programs.x.use = "anything"',
            "programs.x.use must be the name of a template: checksum, interpreter",
        ),
        ('programs."a/b".about = "x"', "programs.a/b is not the bare name of a program"),
        ('programs.sort.options = ["-o=path"]', "programs.sort.options has -o, which can never be allowed"),
        (
            'programs.git.subcommands.diff.options = ["--no-index"]',
            "programs.git.subcommands.diff.options has --no-index, which can never be allowed",
        ),
        ('programs.git.use = "interpreter"', "programs.git cannot be replaced"),
        ("programs.git.replace = true", "programs.git cannot be replaced"),
        ("programs.sudo.allowed = true", "programs.sudo can never be allowed: a command cannot gain rights"),
        ('programs.ls.git = "write"', "programs.ls.git can be write for a subcommand of git alone"),
        ('programs.git.options = ["-x"]', "programs.git has subcommands"),
        ("programs.ls.options = [", "config/commands.toml: "),
        ("[programs.x]\nprograms.y.allowed = true", "programs.x.programs is not a key that is known here; "),
        ('programs.x.options = ["@gnus"]', "programs.x.options there is no set 'gnus'"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_rule(home: Home, text: str, told: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        policy(home, text)

    assert refused.value.message.startswith("config/commands.toml: ")
    assert told in refused.value.message


def test_a_file_that_everybody_can_write_is_not_read(home: Home) -> None:
    write(home, "")
    (home.root / "config" / "commands.toml").chmod(0o666)

    with pytest.raises(InvalidSetting, match="everybody can write it; chmod o-w"):
        read_rules(home.root)


def test_a_file_of_another_user_is_not_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "")
    path = home.root / "config" / "commands.toml"
    if os.getuid() == 0:  # root can give it away, everybody else can only be somebody else
        os.chown(path, 23456, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    with pytest.raises(InvalidSetting, match="belongs to another user"):
        read_rules(home.root)


def test_a_file_that_is_no_text_is_told(home: Home) -> None:
    write(home, "")
    (home.root / "config" / "commands.toml").write_bytes(b"\xff")

    with pytest.raises(InvalidSetting, match=r"config/commands\.toml: "):
        read_rules(home.root)


def test_the_queue_cannot_name_rules(home: Home) -> None:
    with pytest.raises(CommandRefused):
        policy(home).read(Work(profile="anything", prompt="x"))


def test_a_refusal_says_that_skep_is_to_be_started_again_where_the_file_has_changed_since(home: Home) -> None:
    read = policy(home)
    with pytest.raises(CommandRefused) as before:
        read.approve(Work(command="touch new"))
    write(home, "programs.touch.allowed = true")

    with pytest.raises(CommandRefused) as after:
        read.approve(Work(command="touch new"))

    assert "start Skep again" not in before.value.message
    assert after.value.rule == before.value.rule
    assert after.value.message.startswith(before.value.message)
    assert "start Skep again, and then `skep retry`" in after.value.message
    CommandPolicy.of_home(home, Settings()).approve(Work(command="touch new"))
