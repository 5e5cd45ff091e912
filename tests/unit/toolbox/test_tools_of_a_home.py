"""Where tools are kept: read whole or not at all, taken in when they change, kept by a rename."""

from __future__ import annotations

import pytest

from errors import InvalidRequest, InvalidSetting
from settings import Settings
from tool_router import HomeTools
from toolbox import files
from toolbox.keeping import keep
from toolbox.standing import Use
from toolbox.tool import Tool


@pytest.fixture
def root(tmp_path):
    (tmp_path / "config").mkdir()
    return tmp_path


def write(root, text):
    (root / "config/tools.toml").write_text(text, "utf-8")


def folder(root, name, **content):
    (root / "tools" / name).mkdir(parents=True)
    for file, text in content.items():
        (root / "tools" / name / file.replace("_toml", ".toml").replace("_md", ".md")).write_text(
            text, "utf-8"
        )


def test_a_folder_is_a_tool_of_its_name_with_the_text_of_a_file(root):
    write(root, '[[tool]]\nname = "one"\ndescription = "x"\n')
    folder(root, "two", tool_toml='description = "y"\ntext_file = "long.md"\n', long_md="much text\n")
    folder(root, ".hidden", tool_toml="[")
    tools = files.read_home(root)
    assert [(tool.name, tool.text) for tool in tools] == [("one", ""), ("two", "much text\n")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"tool_toml": 'description = "y"\ntext_file = "../../secret"\n'}, "name of a file in this folder"),
        ({"tool_toml": 'description = "y"\ntext_file = "none.md"\n'}, "does not exist"),
        ({"tool_toml": 'description = "y"\nname = "one"\n'}, "two tools are named one"),
        ({"tool_toml": 'description = "y"\nsurprise = 1\n'}, "surprise"),
        ({"tool_toml": "description = 5\n"}, "description"),
        ({}, "there is no tool.toml"),
    ],
)
def test_a_wrong_folder_is_named_and_no_tool_counts(root, content, told):
    write(root, '[[tool]]\nname = "one"\ndescription = "x"\n')
    folder(root, "two", **content)
    with pytest.raises(InvalidSetting, match=told):
        files.read_home(root)


def test_what_is_no_plain_file_or_open_to_all_is_refused(root):
    import os

    write(root, '[[tool]]\nname = "one"\ndescription = "x"\n')
    (root / "config/tools.toml").chmod(0o666)
    with pytest.raises(InvalidSetting, match="everybody can write it"):
        files.read_home(root)
    (root / "config/tools.toml").unlink()
    os.mkfifo(root / "config/tools.toml")
    with pytest.raises(InvalidSetting, match="plain file"):
        files.read_home(root)


def test_a_change_is_taken_in_and_one_that_is_wrong_leaves_what_was(root):
    told = []
    write(root, '[[tool]]\nname = "sun_dial"\ndescription = "x"\n')
    tools = HomeTools(root, Settings(), on_change=lambda reason, count: told.append((reason is None, count)))
    assert tools.route("sun_dial").name == "sun_dial"
    write(root, '[[tool]]\nname = "moon_dial"\ndescription = "xy"\n')
    assert tools.router(refreshed=True).route("moon_dial").name == "moon_dial"
    write(root, "[[tool]")
    assert tools.router(refreshed=True).route("moon_dial").name == "moon_dial"
    folder(root, "tide_dial", tool_toml='description = "y"\n')
    write(root, "")
    assert tools.router(refreshed=True).route("tide_dial").name == "tide_dial"
    assert told == [(True, 1), (False, 1), (True, 1)]


def test_a_kept_tool_reads_back_as_it_was(root):
    tool = Tool(
        name="odd-one",
        description='quotes " and \\ and \x7f and 漢字 😀',
        examples=["do 'it'"],
        kind="context",
        text="line\n\ttab \"\"\" ''' \\ end",
    )
    place = keep(root, tool)
    assert place == root / "tools/odd-one"
    assert files.read_home(root) == [tool]
    assert [path.name for path in (root / "tools").iterdir()] == ["odd-one"]


@pytest.mark.parametrize("name", ["../up", "with blank", ".hidden", "x/y"])
def test_a_name_that_is_no_folder_name_is_refused(root, name):
    with pytest.raises(InvalidRequest, match="name"):
        keep(root, Tool.model_construct(name=name, description="x"))
    assert not (root / "tools").exists()


def test_a_name_that_is_taken_is_refused_and_nothing_is_left_behind(root):
    write(root, '[[tool]]\nname = "One"\ndescription = "x"\n')
    with pytest.raises(InvalidRequest, match="already"):
        keep(root, Tool(name="one", description="y", kind="context"))
    folder(root, "two", tool_toml='name = "other"\ndescription = "z"\n')
    with pytest.raises(InvalidRequest, match="there already"):
        keep(root, Tool(name="two", description="y", kind="context"))
    assert sorted(path.name for path in (root / "tools").iterdir()) == ["two"]


@pytest.mark.parametrize(("approvals", "rejections", "standing"), [(0, 0, 1.0), (0, 4, 0.5), (12, 4, 0.8)])
def test_rejections_take_a_tool_down_and_approvals_bring_it_up(approvals, rejections, standing):
    assert Use(0, approvals, rejections).standing == standing


def test_a_tool_that_is_rejected_again_and_again_is_found_no_more(root):
    from tool_router import ToolRouter

    tool = Tool(name="sun-dial", description="Tells the time by the shadow of the sun.")
    uses: dict[str, Use] = {}
    router = ToolRouter([tool], uses=lambda: uses)
    assert router.route("tell the time by the shadow").name == "sun-dial"
    uses["sun-dial"] = Use(20, 0, 20)
    assert router.route("tell the time by the shadow").name is None
    uses["sun-dial"] = Use(200, 180, 20)
    assert router.route("tell the time by the shadow").name == "sun-dial"


def test_a_long_text_is_cut_at_the_budget():
    from tool_router import ToolRouter

    router = ToolRouter([Tool(name="long_one", description="x", text="y" * 9000)], context_tokens=1000)
    text = router.route("long_one").text
    assert text.startswith("y" * 4000 + "\n[cut")
