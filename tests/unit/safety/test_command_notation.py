"""The words in which the file says what a program may have."""

from __future__ import annotations

import pytest

from safety.command_notation import Option, read_options, read_shape


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ("-l", [Option("-l")]),
        ("-la1.", [Option("-l"), Option("-a"), Option("-1"), Option("-.")]),
        ("-n=number", [Option("-n", ("number",))]),
        ("-U[=number]", [Option("-U", ("number",), is_optional=True)]),
        ("--all", [Option("--all")]),
        ("--lines=number", [Option("--lines", ("number",))]),
        ("--color[=always|never]", [Option("--color", ("always|never",), is_optional=True)]),
        ("--arg=text path", [Option("--arg", ("text", "path"))]),
        ("--chmod=+x|-x", [Option("--chmod", ("+x|-x",))]),
    ],
)
def test_an_option(entry: str, options: list[Option]) -> None:
    assert list(read_options([entry], {}, "options").by_name.values()) == options


def test_words_are_options_as_they_are() -> None:
    table = read_options(["-name=pattern", "-print0", "-d"], {}, "words")

    assert table.by_name == {
        "-name": Option("-name", ("pattern",)),
        "-print0": Option("-print0"),
        "-d": Option("-d"),
    }


def test_a_set_stands_for_its_options_and_numbers_for_themselves() -> None:
    table = read_options(["@most", "-NUMBER", "-x"], {"most": ["-a", "--b"]}, "options")

    assert list(table.by_name) == ["-a", "--b", "-x"]
    assert table.has_numbers


@pytest.mark.parametrize(
    ("entry", "style", "told"),
    [
        ("all", "options", "is not an option such as"),
        ("-", "options", "is not an option such as"),
        ("--", "options", "is not an option such as"),
        ("-n=", "options", "is not an option such as"),
        ("--x=number=text", "options", "not a kind of value"),
        ("--x[=text text]", "options", "is not an option such as"),
        ("-ab=text", "options", "stands alone"),
        ("-n=nunber", "options", "'nunber' is not a kind of value"),
        ("--größe", "options", "is not an option such as"),
        ("@none", "options", "there is no set 'none'"),
        ("name", "words", "is not an option such as -name"),
        ("-a", "plain", "knows no options"),
    ],
)
def test_what_is_no_option_is_told(entry: str, style, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_options([entry], {}, style)


@pytest.mark.parametrize(
    ("text", "count", "kinds"),
    [
        ("", 0, ()),
        ("", 1, None),
        ("path", 0, None),
        ("path", 1, ("path",)),
        ("path", 2, None),
        ("path*", 0, ()),
        ("path*", 3, ("path", "path", "path")),
        ("path+", 0, None),
        ("path+", 1, ("path",)),
        ("pattern path*", 0, None),
        ("pattern path*", 1, ("pattern",)),
        ("pattern path*", 3, ("pattern", "path", "path")),
        ("path+ target", 1, None),
        ("path+ target", 2, ("path", "target")),
        ("path+ target", 4, ("path", "path", "path", "target")),
        ("number number? number?", 0, None),
        ("number number? number?", 2, ("number", "number")),
        ("number number? number?", 4, None),
        ("a|b path", 2, ("a|b", "path")),
    ],
)
def test_arguments_by_their_number(text: str, count: int, kinds: tuple[str, ...] | None) -> None:
    assert read_shape(text).kinds(count) == kinds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("paths*", "'paths' is not a kind of value"),
        ("path* text*", "only one kind"),
        ("path* text?", "only one kind"),
        ("text? path*", "only one kind"),
        ("text? path", "stands at the end"),
    ],
)
def test_arguments_that_say_two_things_are_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_shape(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no arguments"),
        ("path", "1 argument"),
        ("path path?", "1 to 2 arguments"),
        ("path*", "any number of arguments"),
        ("path+", "at least one argument"),
        ("path+ target", "at least 2 arguments"),
    ],
)
def test_how_many_is_told(text: str, told: str) -> None:
    assert str(read_shape(text)) == told
