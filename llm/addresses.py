"""Which addresses a model server's name may lead to. Pure.

The address of a model server comes from the user's own settings, but what its name means is told by a name
server. An answer that points into this machine, the local network or a cloud's metadata service would hand
the key and the prompts to somebody else, so such addresses are not connected to. What stands in the special
registries of IANA (iana-ipv4-special-registry, iana-ipv6-special-registry) is not of the public network;
addresses that carry another one inside are judged by that one.
"""

from __future__ import annotations

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Where clouds tell a machine its secrets, beside link-local 169.254.169.254: Azure, Alibaba, Oracle, AWS.
_METADATA: Final = frozenset(
    map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"))
)
#: RFC 1112: never given to anybody; holds the broadcast address too.
_FUTURE: Final = ipaddress.ip_network("240.0.0.0/4")
#: RFC 6052: an IPv4 address in the last 32 bits.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def why_refused(text: str, *, may_be_private: bool) -> str | None:
    """Why a server at this address is not connected to, or none. `may_be_private`: the user allows those."""
    address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    if address in _METADATA or address.is_link_local:
        return f"it leads to {text}, where machines are told secrets of their own"
    if address.is_unspecified or address.is_multicast or address in _FUTURE:
        return f"it leads to {text}, which is no address of a server"
    if _is_private(address) and not may_be_private:
        return (
            f"it leads to {text}, in a private network; if that is meant, set llm_private_addresses to allow"
        )
    return None


def _is_private(address: Address) -> bool:
    return address.is_private or address.is_loopback or not address.is_global


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, NAT64, 6to4), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
