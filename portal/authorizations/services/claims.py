"""A return that Leap has not proven: what is known of it, in words, and what to do next (R16)."""

from dataclasses import dataclass
from datetime import datetime

from portal.authorizations.models import ConnectionState, Link


@dataclass(frozen=True)
class Doubt:
    """What Leap has said so far, and the next step for a person."""

    heard: str
    detail: str
    next_step: str
    fault: bool = False


def read_doubt(link: Link) -> Doubt:
    """Return the words for a link whose connections are at hand; the furthest that Leap told wins."""
    if link.failed_at:
        where = ", ".join(
            connection.utility_name
            for connection in link.connections.all()
            if connection.utility_name and connection.state is ConnectionState.FAILED
        )
        return Doubt(
            f"failed at {where or 'the utility'}",
            "Sign-in, second factor or consent did not go through",
            "Ask the customer to open the link again, with the utility’s sign-in at hand.",
            fault=True,
        )
    if link.at_utility_at:
        return Doubt(
            "reached the utility",
            "The sign-in opened, nothing was authorized",
            "Ask whether the customer finished at the utility; if not, open the link again.",
        )
    if link.connections.all():
        return Doubt(
            "session opened",
            "Never reached a utility’s sign-in",
            "Ask where the customer stopped, and help with the first steps.",
        )
    if link.first_visited_at:
        return Doubt(
            "nothing",
            "No session, no meter",
            "Ask the customer whether they finished. Do not count this return.",
        )
    return Doubt(
        "nothing",
        "No session, no meter",
        "Nobody opened the short link either: a typed or forged address is likely. Do not count this return.",
    )


def days_waited(link: Link, now: datetime) -> int:
    """Return the whole days since the first return."""
    return (now - link.first_returned_at).days if link.first_returned_at else 0
