"""Which links and paper authorizations a meter belongs to, and what that proves of them (R14)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, F, Model, Value
from django.db.models.functions import Coalesce

from portal.authorizations.models import Link, MatchedBy, Meter, MeterMatch, PaperAuthorization
from portal.leap import reference_ids
from portal.leap.meters import ACTIVE

#: Values in one IN list, well below what SQLite takes.
_CHUNK = 500


def match_meters(*, meters: Sequence[Meter], at: datetime) -> int:
    """Match saved meters with what the portal issued, note what it proves, and return how many match nothing.

    Every reference a meter carries counts, exactly and case-sensitively: its connection references first, and its
    partner reference for those links that no connection reference names. A match is never taken back, for a partner
    reference may be changed at Leap; one by partner reference becomes one by connection reference once Leap says so.
    Void and replaced links match too: the authorization happened.
    """
    wanted = {meter.pk: _references(meter) for meter in meters}
    references = {reference for found in wanted.values() for reference in found}
    links, papers = _find(Link, references), _find(PaperAuthorization, references)
    known = {
        (match.meter_id, match.link_id, match.paper_id): match
        for match in MeterMatch.objects.filter(meter__in=list(wanted))
    }
    new: list[MeterMatch] = []
    stronger: list[int] = []
    for meter_pk, found in wanted.items():
        for reference, matched_by in found.items():
            for link_pk, paper_pk in ((links.get(reference), None), (None, papers.get(reference))):
                if link_pk is None and paper_pk is None:
                    continue
                match = known.get((meter_pk, link_pk, paper_pk))
                if match is None:
                    new.append(
                        MeterMatch(
                            meter_id=meter_pk, link_id=link_pk, paper_id=paper_pk, matched_by=matched_by, matched_at=at
                        )
                    )
                elif match.matched_by != matched_by and matched_by == MatchedBy.CONNECTION_REFERENCE:
                    stronger.append(match.pk)
    MeterMatch.objects.bulk_create(new, ignore_conflicts=True)
    if stronger:
        MeterMatch.objects.filter(pk__in=stronger).update(matched_by=MatchedBy.CONNECTION_REFERENCE)
    matched = {key[0] for key in known} | {match.meter_id for match in new}
    note_proof(meters=[meter for meter in meters if meter.pk in matched], at=at)
    return sum(meter.pk not in matched for meter in meters)


def match_later_references(*, since: datetime, at: datetime) -> None:
    """Match meters that were there before the link or paper with their partner reference was: those since `since`.

    A connection reference, which no index finds, is matched when Leap sends the meter again: by a full sync.
    """
    links = Link.objects.filter(issued_at__gte=since, reference_id__isnull=False)
    papers = PaperAuthorization.objects.filter(recorded_at__gte=since)
    for rows in (links, papers):
        references = [*rows.values_list("reference_id", flat=True)]
        for chunk in _chunks(references):
            meters = list(Meter.objects.filter(partner_reference__in=chunk))
            with transaction.atomic():
                match_meters(meters=meters, at=at)


def note_proof(*, meters: Sequence[Meter], at: datetime) -> None:
    """Set the milestones that these meters prove, of links and paper authorizations; one that is set stays.

    ``metered_at`` is when Leap created the meter: the funnel measures the days that Leap and the utility took, not
    how often the portal asks. A meter that is older than its link (authorized once more, by a link of later) says
    nothing of when, and neither does a moment yet to come: then it is when the portal first saw it. A meter proves the
    authorization: ``authorized_at`` is set to the same unless an event said it earlier. Leap does not say since when a
    meter is active: ``enrolled_at`` is when the portal first saw it so.
    """
    by_pk = {meter.pk: meter for meter in meters}
    meters_of_link: dict[int, list[Meter]] = defaultdict(list)
    meters_of_paper: dict[int, list[Meter]] = defaultdict(list)
    for meter_pk, link_pk, paper_pk in MeterMatch.objects.filter(meter__in=list(by_pk)).values_list(
        "meter_id", "link_id", "paper_id"
    ):
        if link_pk is not None:
            meters_of_link[link_pk].append(by_pk[meter_pk])
        if paper_pk is not None:
            meters_of_paper[paper_pk].append(by_pk[meter_pk])
    _note(Link, meters_of_link, "issued_at", ("authorized_at", "metered_at"), at)
    _note(PaperAuthorization, meters_of_paper, "recorded_at", ("metered_at",), at)


def _note(
    model: type[Link] | type[PaperAuthorization],
    meters: dict[int, list[Meter]],
    begun: str,
    metered: tuple[str, ...],
    at: datetime,
) -> None:
    fields = (*metered, "enrolled_at")
    changed: list[Any] = []
    for chunk in _chunks(sorted(meters)):
        for row in model._default_manager.filter(pk__in=chunk).only("pk", begun, *fields):
            moments = [m.created_at for m in meters[row.pk] if getattr(row, begun) <= m.created_at <= at]
            proven: dict[str, datetime] = dict.fromkeys(metered, min(moments, default=at))
            if any(meter.enrollment_status == ACTIVE for meter in meters[row.pk]):
                proven["enrolled_at"] = at
            missing = [name for name in proven if getattr(row, name) is None]
            for name in fields:
                # Whoever sets it in the meantime, as an event may, is the first; the rest stays as it is by then.
                new = Value(proven[name], output_field=DateTimeField()) if name in missing else None
                setattr(row, name, F(name) if new is None else Coalesce(F(name), new))
            if missing:
                changed.append(row)
    if changed:
        model._default_manager.bulk_update(changed, fields)


def _references(meter: Meter) -> dict[str, MatchedBy]:
    """The references of a meter that can be one of the portal's, and how each would match."""
    found = {meter.partner_reference: MatchedBy.PARTNER_REFERENCE}
    found.update(dict.fromkeys(meter.connection_references, MatchedBy.CONNECTION_REFERENCE))
    return {reference: by for reference, by in found.items() if reference_ids.is_valid(reference)}


def _find(model: type[Model], references: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in _chunks(sorted(references)):
        rows = model._default_manager.filter(reference_id__in=chunk)
        found.update(rows.values_list("reference_id", "pk"))
    return found


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
