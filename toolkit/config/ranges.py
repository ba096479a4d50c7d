"""Addresses that no record may hold, whatever else is allowed: they lead back to who looks them up.

A name that answers with a loopback, link-local or metadata address makes a reader of it talk to
itself, or to the credentials of its machine.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
"""Allowed in development, where kick.toml says so."""

NEVER: tuple[tuple[Network, str], ...] = (
    (ip_network("0.0.0.0/8"), "of this host"),
    (ip_network("169.254.0.0/16"), "link-local: metadata of clouds is there"),
    (ip_network("100.100.100.200/32"), "metadata of a cloud"),
    (ip_network("192.0.0.192/32"), "metadata of a cloud"),
    (ip_network("224.0.0.0/4"), "multicast"),
    (ip_network("240.0.0.0/4"), "reserved or broadcast"),
    (ip_network("::/128"), "of no host"),
    (ip_network("fe80::/10"), "link-local"),
    (ip_network("fec0::/10"), "site-local, which is no more"),
    (ip_network("fd00:ec2::/32"), "metadata of a cloud"),
    (ip_network("fd20:ce::/32"), "metadata of a cloud"),
    (ip_network("ff00::/8"), "multicast"),
    (ip_network("100::/64"), "discarded"),
)
"""Range -> what it is."""

_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


def parse_ip(text: str) -> Address:
    """The address that `text` is in its usual spelling; ValueError says what is wrong.

    No octal, hexadecimal or short IPv4, no zone, no IPv4 dressed as IPv6.
    """
    if "%" in text:
        raise ValueError("must not name an interface after %")
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError("is no IP address") from None
    if isinstance(address, IPv6Address) and (inner := address.ipv4_mapped):
        raise ValueError(f"is the IPv4 address {inner} written as IPv6")
    return address


def never(address: Address, *, loopback: bool = False) -> str | None:
    """What makes the address one that no record may hold, or None; `loopback` allows that.

    An IPv4 address inside an IPv6 one is judged, too.
    """
    inner = embedded(address)
    if inner is not None and (why := never(inner, loopback=loopback)):
        return f"{inner} in IPv6: {why}"
    if not loopback and is_within(address, LOOPBACK):
        return "a loopback address"
    return next((why for network, why in NEVER if address in network), None)


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """True when one of the networks holds the address; IPv4 dressed as IPv6 is IPv4."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, 6to4, NAT64, Teredo, compatible."""
    if not isinstance(address, IPv6Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
