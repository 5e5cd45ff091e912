"""Programs that run what an argument says: which interpreters run a fixed script, and what never fits.

The lists stop accidents: a program that nobody thought of is not among them, and the author of a profile
may always write a script that runs its words. The sandbox is what holds then.
"""

from __future__ import annotations

import re
from typing import Final

_FLAGS: Final = re.ASCII | re.IGNORECASE

#: Interpreters, each with the options without a value that may stand before its script. Every other option
#: may take what follows for code, or for a value, so that what seems the script is none.
_INTERPRETERS: Final[tuple[tuple[re.Pattern[str], frozenset[str]], ...]] = tuple(
    (re.compile(names, _FLAGS), frozenset(options.split()))
    for names, options in (
        (r"i?pythonw?|pypy|micropython|graalpy", "-u -B -E -I -s -S -O -OO -P -q --"),
        (
            r"(a|ba|da|fi|k|mk|l?ok|pdk|z|c|tc|r|ya|rba|el|x?on|po|ion|murex)?sh|nu|r?bash|lksh",
            "-e -u -x -f -p --",
        ),
        (r"pwsh|powershell", "-NoProfile -NonInteractive -File"),
        (r"perl", "-w -T --"),
        (r"[jm]?ruby|truffleruby", "-w --"),
        (r"node(js)?|tsx|ts-node|iojs", "--no-warnings --enable-source-maps --"),
        (
            r"deno",
            "run -A -q --quiet --no-prompt --allow-all --allow-net --allow-read --allow-write --allow-env "
            "--allow-run --",
        ),
        (r"bun", "run --"),
        (r"php(-?(cgi|fpm))?|hhvm", "-f -n -q --"),
        (r"lua(jit)?|texlua", "-E --"),
        (r"java", "-jar -server"),
        (r"dotnet", "exec"),
        (r"guile", "-s"),
        (r"rscript", "--vanilla --no-save"),
        (r"tclsh|wish|osascript|julia|elixir|erl|escript|raku|swift|groovy|scala|clojure|clj|bb|jimsh", ""),
    )
)
#: Those that run a module by its name, and what names one.
_PYTHON: Final = re.compile(r"pythonw?|pypy|graalpy", _FLAGS)
MODULE_OPTION: Final = "-m"
_MODULE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
#: Modules that run what their arguments say, by their first name.
_CODE_MODULES: Final = frozenset(
    {
        "timeit",
        "pdb",
        "bdb",
        "runpy",
        "cprofile",
        "profile",
        "trace",
        "code",
        "codeop",
        "doctest",
        "idlelib",
        "ipython",
        "ptpython",
        "bpython",
        "ipdb",
        "pudb",
        "debugpy",
        "coverage",
        "pytest",
        "unittest",
        "nose",
        "pydoc",
        "asyncio",
        "sqlite3",
        "inspect",
        "pickle",
        "ensurepip",
        "venv",
        "virtualenv",
        "pip",
        "pipx",
        "uv",
        "poetry",
        "line_profiler",
        "kernprof",
        "memory_profiler",
        "viztracer",
        "scalene",
        "pyinstrument",
        "torch",
        "accelerate",
        "jupyter",
        "ipykernel",
        "notebook",
        "xonsh",
        "invoke",
        "fabric",
        "scons",
        "zipapp",
        "compileall",
        "dis",
        "tokenize",
        "ast",
        "lib2to3",
        "turtledemo",
        "hy",
        "django",
        "pyperf",
        "memray",
        "mpi4py",
    }
)
#: Programs that find a program in their arguments in many ways, or run another.
_NEVER: Final = re.compile(
    # languages and tools that read a program from an argument
    r"(original-)?[gmnb]?awk|sed|gsed|ed|ex|r?view|[rgenm]*vim?(diff)?|vimdiff|elvish?|kak|emacs(client)?|nano|micro|joe"
    r"|expect|bc|dc|m4|gdb(server)?|lldb|r|octave|gnuplot|maxima|sage|gp|gs|ghostscript|(pdf|xe|lua)?(la)?tex"
    r"|sqlite|duckdb|psql|mysql|mariadb|mongo(sh)?|redis-cli|clickhouse(-(client|local))?|cqlsh|isql|sqlcmd"
    r"|sbcl|ecl|clisp|ccl|abcl|lisp|racket|gracket|scheme|mit-scheme|chez|csi|gosh|gforth|ocaml|utop|ghci?|runghc"
    r"|jython|qjs|d8|bpython|ansible(-.*)?|runhaskell|jshell|kotlinc?|groovysh|irb|pry|psysh|iex|swipl|gprolog|nim|crystal|janet|fennel|pdb|ipdb|tcc"
    r"|[a-z0-9_-]*[gt]?(cc|\+\+|cpp)|clang|gfortran|rustc|zig|ld(-.*)?|ld\..*|cmake|ninja|meson|bazel|gradle|mvn|ant"
    r"|[gb]?make|just|task|rake|bundle|gem|jupyter|ipykernel|coverage|kernprof|hyperfine"
    # version control, archives and transfer, which start helpers that an option names
    r"|git|hg|svn|bzr|g?tar|bsdtar|rsync|scp|sftp|ssh|sshpass|mosh|socat|ncat|nc|netcat|telnet|man|less|more|most"
    # package runners and environments
    r"|npx|pnpx|bunx|uvx?|pip|pipx|pipenv|poetry|pdm|hatch|rye|pixi|conda|mamba|micromamba|npm|pnpm|yarn|cargo|go"
    r"|stack|cabal|composer|nix|nix-(shell|build|env|instantiate)|guix|asdf|mise|rtx|volta|fnm|nvm|rbenv|pyenv|direnv"
    r"|dotenv|virtualenv|tox|nox"
    # containers, terminals and other users
    r"|docker|podman|nerdctl|kubectl|lxc|machinectl|tmux|screen|xterm|konsole|gnome-terminal|kitty|alacritty|busybox"
    r"|toybox|bwrap|firejail|nsjail|proot|chroot|fakeroot|fakechroot|wine|mono|qemu(-.*)?|box|doas|su|su-exec|gosu"
    r"|runuser|sudo|pkexec|sg|newgrp|capsh|setpriv"
    # programs whose work is to run another
    r"|chrt|choom|dbus-run-session|dbus-launch|env|eval|find|fd(find)?|flock|ionice|ip|linux|setarch|arch|i386|x86_64"
    r"|uname26|nice|nohup|nsenter|unshare|parallel|sem|prlimit|script|scriptreplay|rlwrap|rlfe|setsid|stdbuf|strace"
    r"|ltrace|perf|valgrind|bpftrace|stap|dtrace|start-stop-daemon|systemd-(run|inhibit|nspawn|cat)|taskset|numactl"
    r"|cgexec|time|gtime|timeout|gtimeout|trap|watch|viddy|entr|xargs|gxargs|xvfb-run|caffeinate|unbuffer|ts|at|batch"
    r"|crontab|tini|dumb-init|catatonit|s6-.*|chpst|run-parts|cpulimit|eatmydata|faketime|nodemon|uwsgi|coreutils|torsocks|torify|tsocks|proxychains|annotate-output|command|exec",
    _FLAGS,
)
#: What distributions and builds put behind a program's name: a version, a build, an ending.
_BEHIND: Final = re.compile(
    r"(?<=[a-z+])(?:[-_.]?v?\d[\d._]*(?:[a-z]{0,3}\d*)?\+?|[-_.](?:static|basic|tiny|nox|qt\d?|x11|sysv|tcp|rs|gtk\d?|athena|motif|real|exe"
    r"|bin|dbg|debug|minimal|full|cli|stable|nightly|beta|lts|current|release|threaded|multi-call|posix|restricted"
    r"|(?:x86_64|aarch64|amd64|arm64|i\d86|linux|darwin|gnu|musl)))+",
    _FLAGS,
)


def is_never_run(name: str) -> bool:
    """Whether a program of that name is none for a profile."""
    return any(_NEVER.fullmatch(each) for each in _forms(name))


def options_before_a_script(name: str) -> frozenset[str] | None:
    """What may stand before the script of an interpreter; none where the name is no interpreter's."""
    for each in _forms(name):
        for pattern, options in _INTERPRETERS:
            if pattern.fullmatch(each):
                return options
    return None


def runs_modules(name: str) -> bool:
    """Whether a program runs a module that stands behind ``-m``."""
    return any(_PYTHON.fullmatch(each) for each in _forms(name))


def is_safe_module(word: str) -> bool:
    """Whether a word names a module that is not known to run what its arguments say."""
    first = word.partition(".")[0]
    is_code = first.casefold() in _CODE_MODULES or is_never_run(first)
    return bool(_MODULE.fullmatch(word)) and not is_code and options_before_a_script(first) is None


def is_safe_script(path: str) -> bool:
    """Whether a script is not, by its name, one that runs what its arguments say."""
    name = path.rsplit("/", 1)[-1]
    stem = name.rsplit(".", 1)[0] if name.endswith((".py", ".pyc", ".pyz")) else name
    is_code = stem.casefold() in _CODE_MODULES or is_never_run(name)
    return not is_code and options_before_a_script(name) is None


def _forms(name: str) -> tuple[str, ...]:
    """A name as it is, and without what stands behind it."""
    bare = re.fullmatch(rf"(.*?){_BEHIND.pattern}", name, _FLAGS)
    return (name,) if bare is None else (name, bare[1])
