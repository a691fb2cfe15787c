"""What the public doors keep of a request, and which requests are no person's."""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypedDict

#: Crawlers, link previewers of messengers and mail scanners, and programs that are no browser. Their user agents say
#: so themselves; a list of thousands (and the milliseconds to search it) would not catch those that do not.
#: People come with the apps of the same companies ("Twitter for iPhone", "[LinkedInApp]", "Snapchat/12"): messengers
#: that fetch previews in their own name are known by how the whole text begins.
_BOTS = re.compile(
    # "bot" at the end of a word: Googlebot, Facebot, bot.html. Cubot is a maker of phones.
    r"(?<!cu)bot(?![a-z])|crawl|spider|slurp|preview|prefetch|headlesschrome|lighthouse|"
    r"^(?:whatsapp|viber|snapchat|telegram|line|kakaotalk|signal|skype|slack|pinterest)/|"
    r"facebookexternalhit|facebookcatalog|meta-external|slack-imgproxy|redditbot|embedly|vkshare|iframely|"
    r"google-(?!chrome)|googleother|googleimageproxy|mediapartners|feedfetcher|bytespider|"
    r"safelinks|ms-office|proofpoint|mimecast|barracuda|urlscan|virustotal|zgrab|masscan|nmap|censys|palo alto|"
    r"uptime|pingdom|statuscake|site24x7|synthetic|monitor(?:ing)?/|"
    r"curl/|wget/|\bpython|httpx|aiohttp|okhttp|go-http|\bjava/|libwww|\bruby\b|\bperl\b|\bphp/|guzzle|axios|"
    r"node-fetch|undici|\bnode\b|\bdeno/|postman|insomnia|scrapy|httpclient|cfnetwork(?!.*mobile)",
    re.IGNORECASE,
)


class Visitor(TypedDict):
    """What is kept of who came: the shortened address and the browser's own words."""

    ip: str
    user_agent: str


#: So much is read of a user agent, in characters: what a browser sends is shorter.
_READ = 1000
_PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


def is_bot(meta: Mapping[str, str]) -> bool:
    """Whether a request is a known bot's, a link preview or a prefetch, by its `META`.

    An empty user agent counts as a bot's: every browser sends one. (`request.headers` would first be made of all of
    META, which takes longer than the rest of this module.)
    """
    if _is_bots_name(meta.get("HTTP_USER_AGENT", "")[:_READ]):
        return True
    purposes = [meta[name].lower() for name in _PURPOSES if name in meta]
    return any("prefetch" in purpose or "preview" in purpose for purpose in purposes)


@lru_cache(maxsize=1000)
def _is_bots_name(agent: str) -> bool:
    """Remembered, as the same browsers come again and again and the search takes as long as a select."""
    return not agent or _BOTS.search(agent) is not None


@lru_cache(maxsize=1000)
def shorten_ip(address: str) -> str:
    """Return the network of an IP address: /24 of IPv4, /48 of IPv6; empty for what is none."""
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        return ""
    if parsed.version == 6 and (parsed := parsed.ipv4_mapped or parsed).version == 6:
        return f"{IPv6Address(int(parsed) >> 80 << 80)}/48"
    return f"{IPv4Address(int(parsed) >> 8 << 8)}/24"
