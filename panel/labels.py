"""The words on buttons, and what each will do, in the terms of the person who presses it."""

from __future__ import annotations

from dataclasses import dataclass

from panel.addresses import url_for


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button that sends one request to the API."""

    label: str
    #: where it posts to
    path: str
    #: what will happen; asked before, where there is anything to say
    ask: str = ""
    #: the text that is decided on
    about: str = ""
    #: id of the element that shows that text, where the page does
    about_from: str = ""
    #: the decision of the API whose words are loaded and shown, where they are too long for every row
    about_at: str = ""
    #: what the person may write along, and under which field
    reason: str = ""
    reason_field: str = "reason"
    #: further fields of the body
    values: dict[str, str]
    #: which of them are numbers, and none where they are empty; separated by spaces
    numbers: str = ""
    #: primary, secondary or danger
    look: str = "secondary"
    #: the word in the button's id
    name: str
    #: the command line that does the same
    cli: str


def switch_of(is_on: bool) -> Button:
    """The kill switch: a button to set it, or one to clear it, never one that does either."""
    if is_on:
        return Button(
            label="Clear the kill switch",
            path=url_for("api_kill_switch.off"),
            ask="Clear the kill switch? Tasks start again at once.",
            values={},
            look="primary",
            name="kill-switch-off",
            cli="skep kill-switch off",
        )
    return Button(
        label="Kill switch",
        path=url_for("api_kill_switch.on"),
        ask="Stop everything? Nothing new starts, running commands are killed, model calls are abandoned. "
        "What was stopped runs again when you clear the switch, or asks you.",
        reason="Why? It is shown wherever something waits for it.",
        values={},
        look="danger",
        name="kill-switch-on",
        cli="skep kill-switch on --reason '...'",
    )


def pause_of(is_paused: bool) -> Button:
    """Pause, or resume where it is paused or the circuit breaker has tripped."""
    if is_paused:
        return Button(
            label="Resume",
            path=url_for("api_steering.resume"),
            values={},
            look="primary",
            name="resume",
            cli="skep resume",
        )
    return Button(
        label="Pause",
        path=url_for("api_steering.pause"),
        ask="Pause? Nothing new starts until you resume; what runs goes on.",
        reason="Why? It is shown wherever something waits for it.",
        values={},
        name="pause",
        cli="skep pause",
    )


def capacity_buttons(name: str, count: int, most: int, *, is_set: bool) -> list[Button]:
    """One fewer, one more, and back to what the settings say where a person has said otherwise."""
    what = {"workers": "workers", "pace": "tasks at once"}[name]
    wanted = [(f"Fewer {what}", "fewer", count - 1), (f"More {what}", "more", count + 1)]
    buttons = [_count(name, label, word, number) for label, word, number in wanted if 1 <= number <= most]
    if is_set:
        said = f"{what.capitalize()} as in the settings"
        buttons.append(_count(name, said, "default", None))
    return buttons


def _count(name: str, label: str, word: str, number: int | None) -> Button:
    return Button(
        label=label,
        path=url_for(f"api_steering.set_{name}"),
        values={"count": "" if number is None else str(number)},
        numbers="count",
        name=f"{name}-{word}",
        cli=f"skep {name} {'default' if number is None else number}",
    )
