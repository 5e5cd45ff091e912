"""Which commands may run, and with what rights: ``config/commands.toml`` says, program by program.

A command is read without a shell (`safety.command_line`), its program is a bare name from the list, and its
arguments pass that program's own rule (`safety.command_reader`). A task that names a profile runs the
profile's program with its prompt in one argument (`safety.profiles`). Everything else is refused with the
name of the rule and the way out.

The verdict depends on the rules and on where the paths lead, never on what is installed. The checks look at
the file system as it is now; the command looks again a moment later. What holds then is the sandbox, which
shows a command nothing but what its `Rights` name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, Self

from config_files.signature import signature_of
from runtime_contract import Limits, Task
from safety import git_rules
from safety.command_file import FILE, read_rules, shipped_rules
from safety.command_line import CommandRefused, check_words, split
from safety.command_reader import check_arguments
from safety.command_rules import CommandRules, ProgramRule
from safety.profile_file import read_profiles
from safety.profiles import Profile
from safety.programs import place_of
from safety.work import Approved, Work
from setting_sources import SETTINGS_FILES
from settings import Home, Settings

#: Files that say what may run; they are read when swarm starts.
FILES: Final = (FILE, *SETTINGS_FILES)
#: Names of programs that a refusal lists.
_LISTED: Final = 80
_CHANGED: Final = (
    f"{FILE} or the settings have changed since Skep read them at its start: start Skep again, and then "
    "`skep retry`"
)


class CommandPolicy:
    """Allows commands of one workspace.

    Parameters:
        workspace: the directory commands run in; it need not exist yet.
        limits: bounds on the number and length of arguments.
        rules: what each program may do; Skep's own when not given.
        profiles: what a person declared, by name.
        is_stale: whether the files that say so have changed since they were read.
    """

    def __init__(
        self,
        workspace: Path,
        limits: Limits,
        rules: CommandRules | None = None,
        profiles: Mapping[str, Profile] | None = None,
        is_stale: Callable[[], bool] = lambda: False,
    ) -> None:
        self._workspace = workspace
        self._limits = limits
        self._rules = rules or shipped_rules()
        #: what a person declared, by name
        self.profiles = dict(profiles or {})
        self._is_stale = is_stale

    @classmethod
    def of_home(cls, home: Home, settings: Settings) -> Self:
        """The policy of a home, as its files say. Raises `InvalidSetting`."""
        before = signature_of(home.root, FILES)
        rules, profiles = read_rules(home.root)
        declared = read_profiles({"skep.toml": settings.profiles, FILE: profiles}, home)
        return cls(
            home.workspace, settings.limits, rules, declared, lambda: signature_of(home.root, FILES) != before
        )

    @property
    def allowed(self) -> list[str]:
        """Names of the programs that may run."""
        return self._rules.allowed

    @property
    def rules(self) -> CommandRules:
        """What each program may do."""
        return self._rules

    def approve(self, work: Work) -> Approved:
        """What runs for a command or a profile. Raises `CommandRefused`.

        Who was refused before, and has changed the files since, is told that they have not been read yet.
        """
        try:
            return self.allow(self.read(work), work.profile)
        except CommandRefused as error:
            if not self._is_stale():
                raise
            raise CommandRefused(error.rule, f"{error.sentence}; {_CHANGED}") from None

    def read(self, work: Work) -> tuple[str, ...]:
        """The argument list of a command, in whichever form it came. Raises `CommandRefused`."""
        most_items, most_chars = self._limits.argv_items, self._limits.command_chars
        if work.profile is not None:
            argv = self._profile(work.profile).fill(work.prompt or "")
            check_words(argv, len(argv), sum(map(len, argv)))
            return argv
        if work.argv is None and len(work.command or "") > most_chars:
            raise CommandRefused(
                "command-size",
                f"the command has {len(work.command or '')} characters, at most {most_chars} "
                "(setting: limit_command_chars)",
            )
        argv = split(work.command or "") if work.argv is None else work.argv
        check_words(argv, most_items, most_chars)
        return argv

    def allow(self, argv: tuple[str, ...], profile: str | None = None) -> Approved:
        """What runs for an argument list, the program by its full path, and its rights.

        `profile` names the profile that `read` filled. Raises `CommandRefused`.
        """
        if profile is not None:
            return self._profile(profile).approve(argv)
        rule, taken = self._rule(argv)
        words = argv[taken:]
        check_arguments(rule, words, self._workspace)
        forced = self._forced(rule, argv[1:taken])
        variables = rule.variables(self._workspace)
        if rule.rights.git == "write":
            variables |= git_rules.NO_PROGRAMS
        return Approved.command((place_of(argv[0]), *forced, *words), variables, rights=rule.rights)

    def effect_of(self, task: Task) -> Literal["idempotent", "unsafe"]:
        """What an interruption of the task means, where it does not say: may it simply run again?"""
        if task.effect is not None:
            return task.effect
        if task.mode == "llm":
            return "idempotent"
        try:
            if task.profile is not None:
                return self._profile(task.profile).effect
            rule, _ = self._rule(self.read(Work.of(task)))
        except CommandRefused:
            return "unsafe"
        return rule.effect

    def _rule(self, argv: tuple[str, ...]) -> tuple[ProgramRule, int]:
        """The rule for a command, and how many words it takes to name it. Raises `CommandRefused`."""
        program = self._program(argv[0])
        if not program.subcommands:
            return program, 1
        word = argv[1] if len(argv) > 1 else ""
        found = self._rules.rule(program.name, word)
        if found is None:
            raise CommandRefused(f"{program.name}-subcommand", _no_subcommand(program, word))
        return found, 2

    def _program(self, name: str) -> ProgramRule:
        if "/" in name:
            raise CommandRefused(
                "program-path",
                f"{_shown(name)} is a path; name a program of /usr/bin or /bin alone, "
                "and only a profile (profiles.NAME.argv in skep.toml) starts one from elsewhere",
            )
        if "=" in name:
            raise CommandRefused(
                "program-assignment",
                "variables cannot be set for a command, and never will be; leave the assignment out",
            )
        rule = self._rules.rule(name) or self._rules.programs.get(name)
        if rule is None or not rule.is_allowed:
            raise CommandRefused("program-unknown", self._no_program(name, rule))
        return rule

    def _no_program(self, name: str, rule: ProgramRule | None) -> str:
        if name in self._rules.never:
            return f"{name} can never be allowed: {self._rules.never[name]}"
        if rule is not None:
            return f"{name} ({rule.about}) is off; {rule.key}.allowed = true in {FILE} of your home allows it"
        if not name.isprintable() or not name.isascii() or not name.replace("-", "").isalnum():
            return f"{_shown(name)} is not the name of a program; those that may run are {self._known()}"
        return (
            f'{_shown(name)} may not run; programs.{name}.use = "interpreter" in {FILE} of your home allows '
            f"it in the strongest sandbox, without network; those that may run are {self._known()}"
        )

    def _known(self) -> str:
        names = self.allowed
        return ", ".join(names[:_LISTED]) + (" and more" if len(names) > _LISTED else "")

    def _forced(self, rule: ProgramRule, named: tuple[str, ...]) -> tuple[str, ...]:
        """What stands before the arguments that were given: forced ones, and the subcommand between."""
        program = self._rules.programs[rule.program]
        if not named:
            return rule.forced
        identity: tuple[str, ...] = ()
        if program.name == "git":
            writes = rule.rights.git == "write"
            identity = git_rules.check_repository(self._workspace / ".git", writes=writes)
        return (*program.forced, *identity, *named, *rule.forced)

    def _profile(self, name: str) -> Profile:
        found = self.profiles.get(name)
        if found is None:
            known = ", ".join(sorted(self.profiles)) or "none"
            raise CommandRefused(
                "profile-unknown",
                f"there is no profile {_shown(name)} (declared: {known}); "
                "declare it in skep.toml as profiles.NAME",
            )
        return found


def _no_subcommand(program: ProgramRule, word: str) -> str:
    allowed = sorted(name for name, rule in program.subcommands.items() if rule.is_allowed)
    told = f"{program.name} takes one of {', '.join(allowed)} as its first word"
    if not word or word.startswith("-"):
        return f"{told}, and never an option before it"
    where = f"{program.key}.subcommands" + (f".{word}" if word.replace("-", "").isalnum() else "")
    return f"{told}, not {_shown(word)}; {where} in {FILE} of your home is where another would be described"


def _shown(word: str) -> str:
    return repr(word if len(word) <= 60 else f"{word[:60]}...")
