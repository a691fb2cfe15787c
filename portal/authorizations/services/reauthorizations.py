"""Lost authorizations: a task for each, opened and closed by Leap's word, and the new link handed out for it."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    PROVEN,
    AuditAction,
    Customer,
    Journey,
    Link,
    Meter,
    Party,
    Reauthorization,
    ReauthorizationEnd,
    RequiredAction,
    Utility,
)
from portal.authorizations.services.audit import record
from portal.authorizations.services.links import IssueRefused, issue_link, replace_link
from portal.leap.required_actions import REAUTHORIZE, REAUTHORIZE_TYPE

#: The action that says that an authorization is lost, by its code or by its type: what `needs_authorization` notes.
_LOST = Q(party=Party.PARTNER) & (Q(action_code=REAUTHORIZE) | Q(action_type=REAUTHORIZE_TYPE))

#: So many are shown on the page of a customer, a link (a poster may have many) or a meter.
SHOWN = 10


def settle_reauthorizations(*, meter_ids: Collection[int], at: datetime) -> None:
    """Open, update and close the tasks of these meters by what Leap says of them now. Twice is once.

    A meter that lost its authorization has one task until Leap says otherwise: its deadline is the earliest that Leap
    names. It is closed as authorized once the requirement is gone, and as archived once the meter is; never by a claim.
    """
    tasks = {task.meter_id: task for task in Reauthorization.objects.filter(meter__in=meter_ids, ended_at__isnull=True)}
    meters = Meter.objects.filter(pk__in=meter_ids, needs_authorization=True, is_archived=False)
    lost = set(meters.values_list("pk", flat=True))
    actions: dict[int, RequiredAction] = {}
    for action in RequiredAction.objects.filter(_LOST, meter__in=lost).order_by("meter", "deadline_at"):
        known = actions.get(action.meter_id)
        # On SQLite those without a deadline come first.
        if known is None or (known.deadline_at is None and action.deadline_at is not None):
            actions[action.meter_id] = action
    new, changed = [], []
    for pk in lost:
        action = actions.get(pk, RequiredAction())
        code, deadline = (action.action_code or action.action_type)[:30], action.deadline_at
        task = tasks.get(pk)
        if task is None:
            new.append(Reauthorization(meter_id=pk, code=code, deadline_at=deadline, opened_at=at))
        elif (task.code, task.deadline_at) != (code, deadline):
            task.code, task.deadline_at = code, deadline
            changed.append(task)
    Reauthorization.objects.bulk_create(new, ignore_conflicts=True)
    Reauthorization.objects.bulk_update(changed, ["code", "deadline_at"], batch_size=200)
    over = Reauthorization.objects.filter(pk__in=[task.pk for pk, task in tasks.items() if pk not in lost])
    for closed_as, is_lost in ((ReauthorizationEnd.AUTHORIZED, False), (ReauthorizationEnd.ARCHIVED, True)):
        # Of a meter that is archived and asks for nothing, too, the authorization stands.
        ended = over.filter(meter__needs_authorization=is_lost, ended_at__isnull=True)
        ended.filter(closed_at__isnull=True).update(closed_at=at, closed_as=closed_as, ended_at=at)
        ended.update(ended_at=at)


def list_open_tasks(
    *, user: User, meter: Meter | None = None, link: Link | None = None, customer: Customer | None = None
) -> list[Reauthorization]:
    """Return the open tasks of a meter, a link or a customer, the nearest deadline first; none for whom may not see."""
    if not user.has_perm("authorizations.view_reauthorization"):
        return []
    tasks = Reauthorization.objects.open()
    if meter is not None:
        tasks = tasks.filter(meter=meter)
    if link is not None:
        tasks = tasks.of_link(link)
    if customer is not None:
        tasks = tasks.of_customer(customer)
    return list(tasks.with_people().nearest_first()[:SHOWN])


@transaction.atomic
def hand_out_new_link(*, task: Reauthorization, issued_by: User) -> Link:
    """Return the customer's new link for a lost authorization; issue it if there is none yet.

    The link by which the meter came is proven, and stays so: it is marked replaced, and its short link, also where it
    is printed, forwards to the new one, which is of the same flow and campaign and asks for the meter's utility too.
    A void one stays void, and the new one is of its campaign only while that runs.
    Raises IssueRefused, also when it is not known whose meter it is.
    """
    task = Reauthorization.objects.select_for_update(of=("self",)).get(pk=task.pk)
    if task.closed_at is not None:
        raise IssueRefused("This task is closed: nothing has to be authorized again.")
    if task.link is not None and task.link.is_live:
        return task.link
    if not task.can_have_a_link:
        raise IssueRefused("The portal does not know by which link this customer was asked: issue one by hand.")
    assert task.owner is not None
    assert task.owner.link is not None
    newest = _find_newest(task.owner.link)
    if _serves(newest, task):
        task.link = newest
    else:
        utilities = _choose_utilities(newest, task.meter)
        if newest.is_live:
            task.link = replace_link(link=newest, issued_by=issued_by, utilities=utilities)
        else:
            assert newest.customer is not None
            # A lost authorization has to be given again, whatever has become of the campaign that asked for it.
            campaign = newest.campaign if newest.campaign and newest.campaign.is_running else None
            issued = issue_link(
                customer=newest.customer,
                flow=newest.flow,
                campaign=campaign,
                issued_by=issued_by,
                utilities=utilities,
            )
            task.link = issued.link
            if not issued.created and not _serves(issued.link, task):
                task.link = replace_link(link=issued.link, issued_by=issued_by, utilities=utilities)
    task.save(update_fields=["link"])
    record(
        action=AuditAction.CHANGED,
        noun="re-authorization",
        row=task.pk,
        by=issued_by,
        fields=["link"],
        link=task.link.pk,
    )
    return task.link


def dismiss_reauthorization(*, task: Reauthorization, dismissed_by: User, reason: str) -> bool:
    """Close a task by a person's word: it proves nothing, and is not opened again for the same loss.

    Return False if it was closed already. Raises ValueError without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ValueError("Say why nothing has to be done.")
    closed = Reauthorization.objects.open().filter(pk=task.pk)
    values = {"closed_as": ReauthorizationEnd.DISMISSED, "closed_by": dismissed_by, "reason": reason[:200]}
    with transaction.atomic():
        done = bool(closed.update(closed_at=timezone.now(), **values))
        if done:
            record(action=AuditAction.CHANGED, noun="re-authorization", row=task.pk, by=dismissed_by, state="dismissed")
    return done


def _find_newest(link: Link) -> Link:
    """Follow a link to its last successor."""
    seen = {link.pk}
    while link.replaced_by is not None and link.replaced_by.pk not in seen:
        link = link.replaced_by
        seen.add(link.pk)
    return link


def _serves(link: Link, task: Reauthorization) -> bool:
    """Whether a live link was issued since the loss, is not used yet, and leads to the meter's utility."""
    if not link.is_live or link.status in PROVEN or link.issued_at < task.opened_at:
        return False
    asked = link.utilities_asked
    return not asked or task.meter.utility in asked


def _choose_utilities(link: Link, meter: Meter) -> list[Utility]:
    """What the link before asked for, and the meter's utility. A Legacy link leads to one; none stays none."""
    if link.flow.journey == Journey.LEGACY:
        return [meter.utility or link.utility] if meter.utility or link.utility else []  # type: ignore[list-item]
    asked = link.utilities_asked
    offered = link.flow.utilities.all()
    if asked and meter.utility is not None and meter.utility not in asked and meter.utility in offered:
        asked = [*asked, meter.utility]
    return asked
