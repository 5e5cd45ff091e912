"""What a secret looks like: the forms that services give their keys, and the places people write them.

Every pattern begins with a fixed text at a word's beginning and has no two open ends beside each other, so a
search is linear in the text. `needles` are texts one of which must occur for the pattern to be tried at all:
looking for a fixed text costs a tenth of a microsecond, so a clean event is let through at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Check = Callable[[re.Match[str]], bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """One form of secret."""

    #: the word that stands in its place
    kind: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    #: the group that is the secret; 0: all that matched
    group: int = 0
    #: a last look at what matched
    check: Check | None = None


def _shape(kind: str, needles: str, pattern: str, group: int = 0, check: Check | None = None) -> Shape:
    return Shape(kind, tuple(needles.split()), re.compile(pattern, re.ASCII), group, check)


def _is_varied(found: re.Match[str]) -> bool:
    """Whether it has digits and letters, as chance gives them: names of things have words only."""
    text = found[0]
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def _is_filled_in(found: re.Match[str]) -> bool:
    return not is_placeholder(found[1])


#: What a person is to fill in, as documents show it: ``<your key>``, ``${TOKEN}``, ``xxxx``, ``my-key``.
_PLACEHOLDER: Final = re.compile(
    r"[<{\[$%(].*|[xX*.\-_#•]+|(.)\1+|(?i:your|my|the|an?|some|insert|replace)[-_ ].*"
    r"|.*(?:\.\.\.|…|\*{4,}|x{5,}|X{5,}).*"
    r"|(?i:redacted|changeme|change[-_]me|placeholder|example|dummy|todo|tbd|foo|bar|foobar|(?:user|pass)(?:name|word)?)",
    re.ASCII | re.DOTALL,
)


#: Words of which one makes a value of words a placeholder: ``my-secret-here``, ``example_token``.
_FILL_IN: Final = frozenset(
    [
        "your",
        "my",
        "here",
        "example",
        "sample",
        "placeholder",
        "changeme",
        "change",
        "dummy",
        "fake",
        "insert",
        "todo",
        "replace",
        "some",
        "redacted",
        "mock",
        "demo",
        "test",
        "goes",
        "xxx",
        "actual",
        "real",
        "value",
    ]
)


def is_placeholder(value: str) -> bool:
    """Whether a value stands for one that a person is to fill in."""
    if _PLACEHOLDER.fullmatch(value) is not None:
        return True
    words = re.split(r"[-_. ]", value.lower())
    return len(words) > 1 and not _FILL_IN.isdisjoint(words) and not any(map(str.isdigit, value))


#: Keys that are known by how they begin. The order matters: the closer name first.
KEYS: Final[tuple[Shape, ...]] = (
    _shape("anthropic-key", "sk-ant-", r"(?<![A-Za-z0-9])sk-ant-[\w-]{16,}", check=_is_varied),
    _shape("openrouter-key", "sk-or-", r"(?<![A-Za-z0-9])sk-or-[\w-]{16,}", check=_is_varied),
    _shape("openai-key", "sk-", r"(?<![A-Za-z0-9])sk-(?:proj-|svcacct-|admin-)?[\w-]{16,}", check=_is_varied),
    _shape("groq-key", "gsk_", r"(?<![A-Za-z0-9])gsk_\w{20,}", check=_is_varied),
    _shape("xai-key", "xai-", r"(?<![A-Za-z0-9])xai-\w{20,}", check=_is_varied),
    _shape("perplexity-key", "pplx-", r"(?<![A-Za-z0-9])pplx-\w{20,}", check=_is_varied),
    _shape("replicate-key", "r8_", r"(?<![A-Za-z0-9])r8_\w{30,}", check=_is_varied),
    _shape("huggingface-token", "hf_ api_org_", r"(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    _shape("google-key", "AIza", r"(?<![A-Za-z0-9])AIza[\w-]{30,}"),
    _shape("google-oauth", "ya29. GOCSPX-", r"(?<![A-Za-z0-9])(?:ya29\.|GOCSPX-)[\w-]{20,}"),
    _shape(
        "github-token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"(?<![A-Za-z0-9])(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,})",
    ),
    _shape(
        "gitlab-token",
        "glpat- gldt- glrt- glptt- glcbt- glsoat- glft-",
        r"(?<![A-Za-z0-9])gl(?:pat|dt|rt|ptt|cbt|soat|ft)-[\w-]{16,}",
    ),
    _shape(
        "slack-token", "xox xapp-", r"(?<![A-Za-z0-9])(?:xox[abceoprs]|xapp)-[\w-]{10,}", check=_is_varied
    ),
    _shape("slack-webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows)/[\w/]{20,}"),
    _shape("discord-webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d{5,}/[\w-]{20,}"),
    _shape("aws-key-id", "AKIA ASIA", r"(?<![A-Za-z0-9])A(?:K|S)IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape(
        "stripe-key",
        "_live_ _test_ whsec_",
        r"(?<![A-Za-z0-9])(?:[srp]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,})",
    ),
    _shape("npm-token", "npm_", r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{30,}"),
    _shape("pypi-token", "pypi-", r"(?<![A-Za-z0-9])pypi-[\w-]{30,}", check=_is_varied),
    _shape("docker-token", "dckr_", r"(?<![A-Za-z0-9])dckr_[a-z]{2,4}_[\w-]{20,}"),
    _shape("digitalocean-token", "_v1_", r"(?<![A-Za-z0-9])do[opr]_v1_[a-f0-9]{40,}"),
    _shape("databricks-token", "dapi", r"(?<![A-Za-z0-9])dapi[a-f0-9]{32}"),
    _shape("shopify-token", "shp", r"(?<![A-Za-z0-9])shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    _shape("square-token", "sq0 EAAA", r"(?<![A-Za-z0-9])(?:sq0[a-z]{3}-[\w-]{22,}|EAAA[\w-]{60})"),
    _shape("linear-key", "lin_api_", r"(?<![A-Za-z0-9])lin_api_[A-Za-z0-9]{30,}"),
    _shape("notion-token", "ntn_ secret_", r"(?<![A-Za-z0-9])(?:ntn_|secret_)[A-Za-z0-9]{40,}"),
    _shape("grafana-token", "glsa_ glc_", r"(?<![A-Za-z0-9])gl(?:sa|c)_[\w+/=]{30,}"),
    _shape("sentry-token", "sntry", r"(?<![A-Za-z0-9])sntry[su]_[\w+/=-]{30,}"),
    _shape("postman-key", "PMAK-", r"(?<![A-Za-z0-9])PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _shape("vault-token", "hvs. hvb.", r"(?<![A-Za-z0-9])hv[sb]\.[\w-]{24,}"),
    _shape("doppler-token", "dp.pt. dp.st.", r"(?<![A-Za-z0-9])dp\.[ps]t\.[\w.-]{40,}"),
    _shape("heroku-key", "HRKU-", r"(?<![A-Za-z0-9])HRKU-[\w-]{30,}"),
    _shape("supabase-key", "sbp_ sb_secret_", r"(?<![A-Za-z0-9])(?:sbp_[a-f0-9]{40}|sb_secret_[\w-]{20,})"),
    _shape("newrelic-key", "NRAK-", r"(?<![A-Za-z0-9])NRAK-[A-Z0-9]{27}"),
    _shape("airtable-token", "pat", r"(?<![A-Za-z0-9])pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    _shape("mailchimp-key", "-us", r"(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}(?!\d)"),
    _shape("mailgun-key", "key-", r"(?<![A-Za-z0-9])key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    _shape("sendgrid-key", "SG.", r"(?<![A-Za-z0-9])SG\.[\w-]{16,}\.[\w-]{16,}"),
    _shape("twilio-key", "SK AC", r"(?<![A-Za-z0-9])(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])"),
    _shape("telegram-token", ":AA", r"(?<!\d)\d{8,10}:AA[\w-]{30,}"),
    _shape(
        "discord-token",
        ".",
        r"(?<![\w.-])[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])",
        check=_is_varied,
    ),
    _shape("azure-secret", "8Q~", r"(?<![\w~.-])[\w~.-]{3}8Q~[\w~.-]{31,34}"),
    _shape(
        "azure-key",
        "AccountKey= SharedAccessKey=",
        r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{30,}={0,2})",
        1,
    ),
    _shape("signed-url", "sig= Signature=", r"[?&](?:sig|X-Amz-Signature|Signature)=([\w%+/=-]{20,})", 1),
    _shape("age-key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    _shape("jwt", "eyJ", r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]+){0,2}"),
    _shape("execution-token", "skep_", r"(?<![A-Za-z0-9])skep_[\w-]{40,}"),
)

#: What stands in an address before its host.
USERINFO: Final = (
    _shape(
        "url-password",
        "://",
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/:@\"'<>\\]{0,200}:([^\s/@\"'<>\\]{1,300})@",
        1,
        _is_filled_in,
    ),
    _shape(
        "url-password",
        "://",
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://([^\s/:@\"'<>\\]{16,300})@",
        1,
        _is_varied,
    ),
)
