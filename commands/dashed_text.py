"""A verb whose text may begin with a dash, as the first item of a list does."""

from __future__ import annotations

import click


class TextCommand(click.Command):
    """A command that takes an argument with a dash and a space in it for text, and never for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such arguments behind two dashes, where they are arguments; values of options stay."""
        takes_value = {
            name
            for option in self.params
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        }
        kept: list[str] = []
        texts: list[str] = []
        for place, each in enumerate(args):
            if each == "--":
                kept += args[place:]
                break
            is_value = place > 0 and args[place - 1] in takes_value
            is_text = each.startswith("-") and any(sign.isspace() for sign in each.partition("=")[0])
            (texts if is_text and not is_value else kept).append(each)
        if texts:
            kept = [*kept, *texts] if "--" in kept else [*kept, "--", *texts]
        return super().parse_args(ctx, kept)
