"""A home as the corpus takes it for granted: a workspace with files, links and a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from testing.running_daemon import RunningDaemon

#: Known secrets of the environment: no shape would give them away.
ENVIRONMENT: Final = {
    "SKEP_LLM_API_KEY": "quiet-harbour.Linden+42/orchard",
    "BEEHIVE_API_KEY": "tall.meadow-77-Copper-lantern",
    "SHOP_DB_PASSWORD": "k8;R/q+v=Wz 3&x~pine",
    "DEPLOY_TOKEN": "river/stone+value=with%signs",
    "CLIENT_SECRET": "o?>o?>Winter~wheat:ferry<<9",
}

_FILES: Final = {
    "README.md": "# Hive\n\nNotes about bees.\n",
    "notes.txt": "honey\nwax\npollen\n",
    "data.csv": "name,jars\nanna,40\nben,12\n",
    "src/app.py": "import os\n\n\ndef main():\n    print('TODO')\n",
    "src/helper.py": "def help_out(honey):\n    return honey\n",
    "docs/guide.md": "The kill switch stops all.\nhoney\n",
    "a folder/letter.txt": "Dear Anna,\n",
    "logs/app.log": "one\ntwo\nthree\n",
    "evil.sh": "#!/bin/sh\nid\n",
    "cat": "#!/bin/sh\nid\n",
    "ls": "#!/bin/sh\nid\n",
    "bin/ls": "#!/bin/sh\nid\n",
}
_LINKS: Final = {"link-shadow": "/etc/shadow", "link-etc": "/etc", "link-inside": "notes.txt"}
_PROGRAMS: Final = ("evil.sh", "cat", "ls", "bin/ls")


def furnished(root: Path, **environment: str) -> RunningDaemon:
    """A home that is not started yet, its workspace furnished."""
    daemon = RunningDaemon(root, **environment)
    workspace = root / "workspace"
    for name, text in _FILES.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for name in _PROGRAMS:
        (workspace / name).chmod(0o755)
    for name, target in _LINKS.items():
        (workspace / name).symlink_to(target)
    _commit(workspace)
    return daemon


def _commit(workspace: Path) -> None:
    """Two commits, with no configuration but the repository's own."""
    who = {"NAME": "Anna", "EMAIL": "anna@example.org"}
    environment = {
        f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()
    }
    environment |= {"PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    for arguments in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "README.md", "notes.txt"],
        ["commit", "--quiet", "--message=first"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=second"],
    ):
        subprocess.run(["git", *arguments], cwd=workspace, env=environment, check=True)
