"""The rows of a population that are few: people, flows, campaigns, prints, imports, jobs, syncs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group

from bench.population.people import UTILITIES
from bench.population.plan import LEGACY, MINUTES, REGIONAL, TITLED, Plan, day, moment
from bench.population.rows import World
from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.accounts.services.roles import sync_roles
from portal.authorizations.models import (
    Address,
    Batch,
    Campaign,
    CustomerImport,
    DoorDevice,
    Flow,
    FlowState,
    Job,
    Journey,
    LandingPage,
    Message,
    Outage,
    PrintJob,
    PrintLabel,
    Region,
    SyncRun,
    Utility,
)
from portal.authorizations.services.flow_urls import build_url

MANAGER, ADMIN = "manager", "admin"
_LABELS = 40


def rep_name(index: int) -> str:
    return f"rep{index + 1:02}"


def add_people(plan: Plan) -> tuple[int, list[int]]:
    """A manager, an admin and the reps; nobody has a password. Return the keys of the manager and the reps."""
    sync_roles()
    people = {MANAGER: Role.PROGRAM_MANAGER, ADMIN: Role.ADMIN}
    people |= {rep_name(index): Role.FIELD_REP for index in range(plan.reps)}
    keys = []
    for name, role in people.items():
        user = User.objects.create_user(name, email=f"{name}@acme.example", is_staff=role == Role.ADMIN)
        user.groups.add(Group.objects.get(name=role.value))
        keys.append(user.pk)
    return keys[0], keys[2:]


def add_flows(utilities: dict[str, int]) -> dict[tuple[int, str], str]:
    """Four titled flows, a regional one and Legacy's, all live. Return the beginnings of their URLs."""
    everyone = Utility.objects.filter(pk__in=utilities.values())
    prefixes: dict[tuple[int, str], str] = {}
    for key in (*TITLED, REGIONAL, LEGACY):
        flow = Flow(pk=key, name=f"Flow {key}", org_name="acme-energy", state=FlowState.LIVE)
        if key == LEGACY:
            flow.journey, flow.address = Journey.LEGACY, ""
            offered = everyone.filter(supports_legacy=True)
        elif key == REGIONAL:
            flow.journey, flow.address, flow.region = Journey.CONNECT, Address.REGIONAL, Region.CAISO
            offered = everyone.filter(region=Region.CAISO)
        else:
            flow.journey, flow.address, flow.title = Journey.CONNECT, Address.TITLED, f"program-{key}"
            offered = everyone
        flow.save(force_insert=True)
        flow.utilities.set(offered)
        for name in ("", *UTILITIES):
            if key == LEGACY and name not in offered.values_list("utility_id", flat=True):
                continue
            url = build_url(
                flow=flow,
                utility_id=name if key == LEGACY else "",
                requested_utilities=[name] if name and key in TITLED else [],
                reference_id="the-mark",
            )
            prefixes[key, name] = url.removesuffix("the-mark")
    return prefixes


def mail_campaigns(plan: Plan) -> dict[int, int]:
    """Campaign → the key of its invitation, of those that write mails."""
    writes = [number for number in range(1, plan.campaigns + 1) if plan.campaign_channel(number) == "email"]
    return {campaign: key for key, campaign in enumerate(writes, start=1)}


def campaign_rows(plan: Plan, manager: int) -> Iterator[tuple[Any, ...]]:
    for number in range(1, plan.campaigns + 1):
        begun = plan.minute(plan.began[number])
        left = plan.campaigns - number
        state = "running" if left < max(3, plan.campaigns // 10) else "paused" if number % 9 == 0 else "closed"
        channel = plan.campaign_channel(number)
        ends = None if state == "running" else day(min(begun + 200_000, MINUTES - 1))
        name = f"{channel.title()} campaign {number}"
        yield (
            *(number, name, plan.campaign_flow(number), channel, state, day(begun), ends),
            *(manager, moment(begun), moment(begun), manager),
        )


def small_tables(world: World) -> list[tuple[type, str, Iterator[tuple[Any, ...]]]]:
    """Model, columns and rows of what comes before the customers."""
    plan, by = world.plan, world.manager
    campaigns = range(1, plan.campaigns + 1)
    columns = "id name flow_id channel state starts_on ends_on owner_id created_at launched_at launched_by_id"
    pages = ((key, key, f"page-{key}", 1, moment(0)) for key in TITLED)
    batches = ((number, by, moment(plan.minute(plan.began[number]))) for number in campaigns)
    messages = ((key, campaign, "invitation", moment(0)) for campaign, key in world.messages.items())
    return [
        (Campaign, columns, campaign_rows(plan, by)),
        (Batch, "id issued_by_id created_at", batches),
        (Message, "id campaign_id kind updated_at", messages),
        (LandingPage, "id flow_id slug is_open created_at", pages),
    ]


def late_tables(world: World) -> list[tuple[type, str, Iterator[tuple[Any, ...]]]]:
    """Model, columns and rows of what comes after the links."""
    plan, by = world.plan, world.manager
    many = plan.links // 10_000 + 3
    every = MINUTES // (many + 1)
    at = [moment(every * (number + 1)) for number in range(many)]
    prints = (
        (number + 1, by, at[number], at[number], "40 links", "avery-5160", "done", _LABELS, 2) for number in range(many)
    )
    labels = (
        (job + 1, job * _LABELS + number + 1, number + 1)
        for job in range(many)
        if (job + 1) * _LABELS <= plan.links
        for number in range(_LABELS)
    )
    imports = (
        (number + 1, f"imports/{number}.csv", f"customers-{number}.csv", "applied", 1000, by, at[number], at[number])
        for number in range(many)
    )
    result = json.dumps({"created": 900, "existing": 100, "differing": 0, "refused_count": 0, "refused": []})
    jobs = ((number + 1, "issue links", "done", result, by, at[number], at[number]) for number in range(many))
    syncs = ((number + 1, "done", "enrollments", at[number], at[number], at[number], 20) for number in range(many))
    devices = ((number + 1, key, at[0], moment(MINUTES - 1)) for number, key in enumerate(world.reps))
    outages = [(world.utilities["pge"], moment(MINUTES - 300), None, by), (world.utilities["sce"], at[0], at[1], by)]
    return [
        (PrintJob, "id created_by_id created_at finished_at chosen stock state label_count page_count", prints),
        (PrintLabel, "job_id link_id number", labels),
        (CustomerImport, "id file file_name state new_count uploaded_by_id created_at applied_at", imports),
        (Job, "id kind state result created_by_id created_at finished_at", jobs),
        (SyncRun, "id state phase started_at heartbeat_at finished_at pages", syncs),
        (DoorDevice, "id rep_id created_at seen_at", devices),
        (Outage, "utility_id began_at ended_at marked_by_id", iter(outages)),
    ]


def now() -> datetime:
    """The last minute of a population: what the clock is set to while it is measured."""
    from bench.population.plan import TODAY

    return datetime.combine(TODAY, datetime.min.time(), UTC) - timedelta(minutes=1)
