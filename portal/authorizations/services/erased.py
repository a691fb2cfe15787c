"""Whom no list brings back: the digests of ids and addresses of those who were erased."""

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from portal.authorizations.models import ErasedIdentity, Erasure


def find_erased(digests: Iterable[str]) -> dict[str, Erasure]:
    """Return the erasures of those among these digests who must not be added again, in two queries.

    Where nobody ever was erased, no digest is asked for.
    """
    if not ErasedIdentity.objects.exists():
        return {}
    wanted = set(digests)
    if not wanted:
        return {}
    found = ErasedIdentity.objects.filter(digest__in=wanted).select_related("erasure")
    return {identity.digest: identity.erasure for identity in found}


def explain_erased(erasure: Erasure) -> str:
    """Say why somebody who was erased is not added."""
    day = date_format(timezone.localtime(erasure.at))
    return (
        f"Erased on {day}: whoever this is must not be added again. If the person "
        f"wants to be, an admin allows it on the page of customer {erasure.customer_id}."
    )


def digests_of(*, external_id: str | None = None, email: str | None = None) -> list[str]:
    """Return what is kept of an id and an address: keyed digests, from which neither can be guessed without the key."""
    named = (("external id", external_id), ("email", email))
    key = _key(settings.SECRET_KEY)
    return [
        hmac.digest(key, f"{kind}:{value.strip().casefold()}".encode(), "sha256").hex()
        for kind, value in named
        if value and value.strip()
    ]


@lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    """As Django's salted_hmac makes it, which would make it anew for each row of a list."""
    return hashlib.sha256(f"portal.erasure{secret}".encode()).digest()
