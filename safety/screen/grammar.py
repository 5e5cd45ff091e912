"""The forms of English words, as far as lists of verbs and nouns need them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_IRREGULAR: Final = {
    "forget": ("forgets", "forgot", "forgotten", "forgetting"),
    "override": ("overrides", "overrode", "overridden", "overriding"),
    "overwrite": ("overwrites", "overwrote", "overwritten", "overwriting"),
    "rewrite": ("rewrites", "rewrote", "rewritten", "rewriting"),
    "send": ("sends", "sent", "sending"),
    "tell": ("tells", "told", "telling"),
    "show": ("shows", "showed", "shown", "showing"),
    "give": ("gives", "gave", "given", "giving"),
    "write": ("writes", "wrote", "written", "writing"),
    "read": ("reads", "reading"),
    "put": ("puts", "putting"),
    "set": ("sets", "setting"),
    "let": ("lets", "letting"),
    "get": ("gets", "got", "getting"),
    "leave": ("leaves", "left", "leaving"),
    "throw": ("throws", "threw", "thrown", "throwing"),
    "break": ("breaks", "broke", "broken", "breaking"),
    "take": ("takes", "took", "taken", "taking"),
    "keep": ("keeps", "kept", "keeping"),
    "steal": ("steals", "stole", "stolen", "stealing"),
    "hide": ("hides", "hid", "hidden", "hiding"),
    "run": ("runs", "ran", "running"),
    "obey": ("obeys", "obeyed", "obeying"),
    "pay": ("pays", "paid", "paying"),
    "do": ("does", "did", "done", "doing"),
    "go": ("goes", "went", "gone", "going"),
    "be": ("am", "is", "are", "was", "were", "been", "being"),
    "speak": ("speaks", "spoke", "spoken", "speaking"),
    "say": ("says", "said", "saying"),
    "mean": ("means", "meant", "meaning"),
    "teach": ("teaches", "taught", "teaching"),
    "cast": ("casts", "casting"),
    "shed": ("sheds", "shedding"),
    "spell": ("spells", "spelled", "spelt", "spelling"),
    "undo": ("undoes", "undid", "undone", "undoing"),
    "find": ("finds", "found", "finding"),
    "make": ("makes", "made", "making"),
    "think": ("thinks", "thought", "thinking"),
    "feed": ("feeds", "fed", "feeding"),
    "lay": ("lays", "laid", "laying"),
    "lift": ("lifts", "lifted", "lifting"),
    "beam": ("beams", "beamed", "beaming"),
    "slip": ("slips", "slipped", "slipping"),
    "ship": ("ships", "shipped", "shipping"),
    "drop": ("drops", "dropped", "dropping"),
    "stop": ("stops", "stopped", "stopping"),
    "skip": ("skips", "skipped", "skipping"),
    "scrap": ("scraps", "scrapped", "scrapping"),
    "wipe": ("wipes", "wiped", "wiping"),
    "grab": ("grabs", "grabbed", "grabbing"),
    "submit": ("submits", "submitted", "submitting"),
    "transmit": ("transmits", "transmitted", "transmitting"),
    "transfer": ("transfers", "transferred", "transferring"),
    "shut": ("shuts", "shutting"),
    "quit": ("quits", "quitting"),
    "permit": ("permits", "permitted", "permitting"),
    "cat": ("cats", "catting"),
    "scrub": ("scrubs", "scrubbed", "scrubbing"),
    "tamper": ("tampers", "tampered", "tampering"),
    "dump": ("dumps", "dumped", "dumping"),
    "pretend": ("pretends", "pretended", "pretending"),
    "behave": ("behaves", "behaved", "behaving"),
    "repeat": ("repeats", "repeated", "repeating"),
    "print": ("prints", "printed", "printing"),
    "output": ("outputs", "outputted", "outputting"),
    "upload": ("uploads", "uploaded", "uploading"),
    "bypass": ("bypasses", "bypassed", "bypassing"),
    "dismiss": ("dismisses", "dismissed", "dismissing"),
    "cancel": ("cancels", "cancelled", "canceled", "cancelling", "canceling"),
    "reveal": ("reveals", "revealed", "revealing"),
    "leak": ("leaks", "leaked", "leaking"),
    "void": ("voids", "voided", "voiding"),
}
_VOWELS: Final = "aeiou"


def verb_forms(verb: str) -> Iterator[str]:
    """Every form of a verb or of a phrase that begins with one: turn off, turned off, turning off."""
    first, _, rest = verb.partition(" ")
    tail = f" {rest}" if rest else ""
    yield verb
    for form in _IRREGULAR.get(first) or _regular(first):
        yield form + tail


def _regular(verb: str) -> Iterator[str]:
    if not verb.isascii() or len(verb) < 3:
        return
    if verb.endswith("e"):
        yield from (f"{verb}s", f"{verb}d", f"{verb[:-1]}ing")
    elif verb.endswith("y") and verb[-2] not in _VOWELS:
        yield from (f"{verb[:-1]}ies", f"{verb[:-1]}ied", f"{verb}ing")
    else:
        yield f"{verb}es" if verb.endswith(("s", "x", "z", "ch", "sh", "o")) else f"{verb}s"
        yield from (f"{verb}ed", f"{verb}ing")


def noun_forms(noun: str) -> Iterator[str]:
    """A noun and its plural; of a phrase, of its last word."""
    yield noun
    if not noun.isascii() or noun.endswith("s"):
        return
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        yield f"{noun[:-1]}ies"
    else:
        yield f"{noun}es" if noun.endswith(("x", "z", "ch", "sh")) else f"{noun}s"


def is_base(word: str) -> bool:
    """Whether a form may be an order: not a past, a third person or a noun in -ing by its ending."""
    return not word.endswith(("ing", "ed")) and not (word.endswith("s") and not word.endswith("ss"))
