"""Where Leap lives: one value per environment, each with the four addresses that the portal talks to or hands out.

Every address is scheme and host, with a path only where the sandbox is mounted, and never a slash at the end.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Environment:
    """The four base URLs of one environment.

    ``api_url``: the API. ``connect_url``: Leap Connect under a title ("https://onboarding.leap.energy/<org-name>/
    <url-friendly-title>/"). ``connect_new_url``: Leap Connect's newer address, by region. ``legacy_url``: Legacy
    ShareMyData ("https://www.addleap.com/<org-name>/<utility-id>/getting-started").
    """

    api_url: str
    connect_url: str
    connect_new_url: str
    legacy_url: str


# Leap, Collect Data Authorizations, section 3 gives the connect and legacy hosts; Leap's meter details OpenAPI,
# "servers", the API's; Leap's changelog of 2025-10-24 the newer connect host.
PRODUCTION = Environment(
    api_url="https://api.leap.energy",
    connect_url="https://onboarding.leap.energy",
    connect_new_url="https://connect.leap.energy",
    legacy_url="https://www.addleap.com",
)

# Published for staging: the API's host (meter details OpenAPI, "servers") and staging.addleap.com (Leap, Test
# Utilities). Leap publishes no staging host for either address of Connect: the two below are INFERRED from
# api.staging.leap.energy and partner.staging.leap.energy, and can be overridden by LEAP_CONNECT_URL and
# LEAP_CONNECT_NEW_URL.
STAGING = Environment(
    api_url="https://api.staging.leap.energy",
    connect_url="https://onboarding.staging.leap.energy",
    connect_new_url="https://connect.staging.leap.energy",
    legacy_url="https://staging.addleap.com",
)


def sandbox(public_url: str) -> Environment:
    """Return the environment of our own sandbox, mounted at ``/sandbox`` of the portal that ``public_url`` reaches."""
    base = public_url.rstrip("/") + "/sandbox"
    return Environment(api_url=base, connect_url=base, connect_new_url=base, legacy_url=base)
