"""Where a model server is, which protocol it speaks, and whether it may be spoken to in the clear."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit, urlunsplit

from pydantic import SecretStr

from errors import InvalidSetting
from settings import Settings

Protocol = Literal["openai", "anthropic"]

ANTHROPIC_HOST: Final = "api.anthropic.com"
#: The version part of the path, where an address has none.
DEFAULT_PATH: Final = "/v1"
#: Ends of addresses that people paste from examples.
_PASTED: Final = ("/chat/completions", "/messages", "/models")


@dataclass(frozen=True)
class Endpoint:
    """One model server."""

    #: without a trailing slash, with the version part: https://api.openai.com/v1
    base_url: str
    #: never shown by repr
    api_key: str | None = field(repr=False)
    protocol: Protocol
    #: whether it is on this machine
    is_loopback: bool
    #: proxy for the calls; may hold a password, so never shown either
    proxy: str | None = field(default=None, repr=False)
    #: seconds to come to a connection
    connect_timeout_s: float = 10.0
    #: whether its name may lead into a private network
    may_be_private: bool = False

    @property
    def host(self) -> str:
        """The host alone."""
        return urlsplit(self.base_url).hostname or ""


def endpoint_from_settings(settings: Settings) -> Endpoint | None:
    """The endpoint that the settings name; None when `llm_base_url` is unset. Raises `InvalidSetting`."""
    if settings.llm_base_url is None:
        return None
    return make_endpoint(settings, settings.llm_base_url, "llm_base_url", settings.llm_api_key)


def ollama_endpoint(settings: Settings) -> Endpoint:
    """Where Ollama is looked for. It is never given the key, which is meant for somebody else."""
    return make_endpoint(settings, settings.ollama_url, "ollama_url", None)


def make_endpoint(settings: Settings, address: str, setting: str, key: SecretStr | None) -> Endpoint:
    """The endpoint at `address`, the value of `setting`. Raises `InvalidSetting`."""
    parts = _checked(address, setting)
    host = parts.hostname or ""
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise InvalidSetting(
            f"{setting}: http:// is for this machine only, as it shows key and prompts to the network; use "
            f"https://{host}, or a tunnel such as ssh -L 11434:127.0.0.1:11434 and http://127.0.0.1:11434",
            setting=setting,
        )
    return Endpoint(
        base_url=urlunsplit((parts.scheme, parts.netloc.lower(), _path(parts.path), "", "")),
        api_key=_readable_key(key),
        protocol=_protocol(settings.llm_protocol if setting == "llm_base_url" else "openai", host),
        is_loopback=loopback,
        # A proxy cannot reach this machine's loopback, and would read plain http.
        proxy=None if loopback else settings.llm_proxy,
        connect_timeout_s=settings.llm_connect_timeout_s,
        may_be_private=settings.llm_private_addresses == "allow",
    )


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its name alone, without asking a name server."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _checked(address: str, setting: str) -> SplitResult:
    """The parts of an address that is one. Its text is not repeated: it may hold a password."""
    try:
        parts = urlsplit(address.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable:
        raise InvalidSetting(
            f"{setting}: must be an address such as https://api.openai.com/v1", setting=setting
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidSetting(
            f"{setting}: must not hold a user or password; give the key as llm_api_key", setting=setting
        )
    if parts.query or parts.fragment:
        raise InvalidSetting(f"{setting}: must end before the '?' or '#'", setting=setting)
    return parts


def _path(path: str) -> str:
    path = path.rstrip("/")
    for pasted in _PASTED:
        path = path.removesuffix(pasted)
    return path.rstrip("/") or DEFAULT_PATH


def _protocol(wanted: Literal["auto", "openai", "anthropic"], host: str) -> Protocol:
    if wanted != "auto":
        return wanted
    return "anthropic" if host.lower() == ANTHROPIC_HOST else "openai"


def _readable_key(key: SecretStr | None) -> str | None:
    """The key without the white space that pasting adds. Raises `InvalidSetting` without showing it."""
    text = key.get_secret_value().strip() if key is not None else ""
    if not text:
        return None
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidSetting(
            "llm_api_key: has spaces, line ends or letters that no key has; copy it again",
            setting="llm_api_key",
        )
    return text
