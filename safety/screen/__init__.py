"""The prompt screen: what a text asks for, in whatever words and disguise."""

from safety.screen.screen import Hit, Screen, ScreenRule

__all__ = ["Hit", "Screen", "ScreenRule"]
