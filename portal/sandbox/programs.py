"""What meters are enrolled in: a program for each utility, its season and deadlines (Leap's enrollment OpenAPI).

The deadlines of CONED-CSRP are Leap's own example; the others follow it.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from portal.sandbox.utilities import Utility

Record = dict[str, Any]

_BY_UTILITY = {"cecony-utilityapi": "CONED-CSRP", "psegli-utilityapi": "PSEGLI-CSRP"}
_BY_REGION = {
    "CAISO": "CEC-DSGS",
    "NYISO": "NYISO-SCR",
    "PJM": "PJM-CAPACITY",
    "ERCOT": "ERCOT-ERS",
    "WECC_PC": "PSE-RPO",
    "WECC_SW": "SRP-RPO",
}
#: Deadline and the day it activates, month and day each; the season is May to September.
_DEADLINES = [((3, 15), (5, 1)), ((4, 15), (6, 1)), ((6, 15), (7, 1)), ((7, 15), (8, 1)), ((8, 15), (9, 1))]
#: action_type → what Leap writes beside it. AUTH_0001 and its description are Leap's; which codes the others carry
#: is not published: SERV_0002 and LEAP_0001 are codes that its examples show.
ACTIONS = {
    "IS_AUTHORIZED": ("AUTH_0001", "End customer must re-authorize meter. Learn more in our partner guide"),
    "NOT_ENROLLED_IN_CONFLICTING_PROGRAM": ("SERV_0002", "This meter is enrolled in a conflicting utility program"),
    "HAS_MARKET_REGISTRATION": ("LEAP_0001", "This meter is being registered with the market"),
}


def enroll(*, utility: Utility, at: datetime, status: str, program: str = "") -> list[Record]:
    """Return `program_enrollment` of a meter: one program, in the next season that can still be entered."""
    identifier = program or _BY_UTILITY.get(utility.utility_id) or _BY_REGION[utility.region]
    last = _DEADLINES[-1][0]
    year = at.year if at < _day(at.year, last) else at.year + 1
    return [
        {
            "program_identifier": identifier,
            "delivery_period": f"{identifier}_{year}_MAY_SEP",
            "delivery_period_start_date_time": _written(_day(year, (5, 1))),
            "delivery_period_end_date_time": _written(_day(year, (10, 1))),
            "enrollment_status": status,
            "enrollment_deadlines": [
                {
                    "enrollment_deadline_date_time": _written(_day(year, deadline)),
                    "activation_date_time": _written(_day(year, activation)),
                }
                for deadline, activation in _DEADLINES
            ],
        }
    ]


def activated(enrollment: list[Record], *, group_name: str) -> list[Record]:
    """Return the same enrollments, active and in a market group of that name."""
    group_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"leap-sandbox:{group_name}"))
    return [
        {**entry, "enrollment_status": "ACTIVE", "market_group_id": group_id, "market_group_name": group_name}
        for entry in enrollment
    ]


def action(enrollment: list[Record], action_type: str, at: datetime) -> Record:
    """Return one required action, to be done before the next deadline of the first enrollment."""
    code, description = ACTIONS[action_type]
    entry = enrollment[0]
    deadlines = [line["enrollment_deadline_date_time"] for line in entry["enrollment_deadlines"]]
    return {
        "program_identifier": entry["program_identifier"],
        "delivery_period": entry["delivery_period"],
        "enrollment_deadline_date_time": next((d for d in deadlines if d > _written(at)), deadlines[-1]),
        "action_type": action_type,
        "action_description": description,
        "action_code": code,
    }


def _day(year: int, day: tuple[int, int]) -> datetime:
    return datetime(year, *day, 7, tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
