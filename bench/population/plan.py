"""The plan of a population: which customer, campaign and fate each link has. Plain Python: no Django here.

All comes from the seed and the size alone; the columns are arrays, so that a million links take little memory.
"""

import random
from array import array
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from bench.population.fates import BLOCK, Fate, make_fates
from portal.leap import reference_ids

SEED = 20261125
#: "Now" of every population. Bench sets the clock to it, so that this week is the same week in every run.
TODAY = date(2026, 11, 25)
DAYS = 730
MINUTES = DAYS * 1440
#: The campaigns' share of links; the rest are issued one by one.
IN_CAMPAIGNS = 0.9
#: Customers of each rep, as far as there are customers: the first two are of the same size in every population.
REP_SIZES = (100, 100, 5000, 2500, 1000, 750, 500, 500, 250, 250, *[150] * 10, *[100] * 10)
#: Titled flows of all utilities, one regional one and Legacy's.
TITLED, REGIONAL, LEGACY = (1, 2, 3, 4), 5, 6
CHANNELS = ("email", "post", "email", "door", "email", "phone", "post", "web", "event", "email")

_DAYS = [(TODAY - timedelta(days=DAYS) + timedelta(days=day)).isoformat() for day in range(DAYS + 400)]
_TIMES = [f"{minute // 60:02}:{minute % 60:02}:00" for minute in range(1440)]
_FIRST_COPRIME = 48271


def moment(minute: int) -> str:
    """A minute since the population began as both databases take it, in UTC."""
    return f"{_DAYS[minute // 1440]} {_TIMES[minute % 1440]}"


def day(minute: int) -> str:
    return _DAYS[minute // 1440]


@dataclass
class Plan:
    """Who has which link. Keys of rows count from 1: link `number` is the one of index `number - 1`."""

    links: int
    fates: list[Fate] = field(default_factory=make_fates)

    def __post_init__(self) -> None:
        if self.links < BLOCK or self.links % BLOCK:
            raise ValueError(f"{self.links} links are no multiple of {BLOCK}")
        self.customers = self.links * 3 // 10
        self.campaigns = min(400, max(8, self.links // 2500))
        self.fate_of = array("H")
        self.customer_of = array("i")
        self.campaign_of = array("h")
        self.flow_of = array("b")
        self.began: dict[int, int] = {}
        """Campaign → the index of its first link."""
        self._lay_out()

    def chance(self, of: str) -> random.Random:
        """A generator of its own for each table, so that a change of one leaves the others as they are."""
        return random.Random(f"{SEED} {of}")

    def minute(self, index: int) -> int:
        """When the link of an index was issued: evenly over two years, the last ones today."""
        return (index + 1) * (MINUTES - 30) // self.links

    def fate(self, index: int) -> Fate:
        return self.fates[self.fate_of[index]]

    def is_replaced(self, index: int) -> bool:
        """Whether the next link is this one, issued anew."""
        return (
            self.fate(index).replaced
            and index + 1 < self.links
            and 0 < self.customer_of[index] == self.customer_of[index + 1]
            and self.campaign_of[index] == self.campaign_of[index + 1]
            and self.flow_of[index] == self.flow_of[index + 1]
        )

    def campaign_flow(self, campaign: int) -> int:
        return (*TITLED, *TITLED, REGIONAL, LEGACY)[campaign % 10]

    def campaign_channel(self, campaign: int) -> str:
        return CHANNELS[campaign * 3 % 10]

    def rep_of(self, customer: int) -> int | None:
        """The index of a customer's rep, None for the most of them. A rep's customers lie far apart."""
        place = customer * _FIRST_COPRIME % self.customers
        for index, end in enumerate(self._rep_ends):
            if place < end:
                return index
        return None

    @property
    def reps(self) -> int:
        return len(self._rep_ends)

    @cached_property
    def _rep_ends(self) -> list[int]:
        ends: list[int] = []
        for size in REP_SIZES:
            end = (ends[-1] if ends else 0) + size
            if end <= self.customers * 7 // 10 or len(ends) < 2:
                ends.append(end)
        return ends

    @cached_property
    def reference_ids(self) -> list[str]:
        """For every link; an anonymous one has it for its code only."""
        return reference_ids.generate_many(self.links, self.chance("reference ids").randbytes)

    def _lay_out(self) -> None:
        chance = self.chance("fates")
        order = list(range(BLOCK))
        for _ in range(self.links // BLOCK):
            chance.shuffle(order)
            self.fate_of.extend(order)
        walks = dict.fromkeys((*TITLED, REGIONAL, LEGACY), 0)
        for campaign, flow, size in self._groups():
            at = campaign * 7919 if campaign else walks[flow]
            self.began.setdefault(campaign, len(self.customer_of))
            for _ in range(size):
                index = len(self.customer_of)
                shared = self.fate(index).shared
                self.customer_of.append(0 if shared else at % self.customers + 1)
                self.campaign_of.append(campaign)
                self.flow_of.append(flow)
                if not shared and not self._goes_on(index):
                    at += 1
            if not campaign:
                walks[flow] = at + 1
        # What was marked but has no next link of its own is live all the same: `is_replaced` says so.

    def _goes_on(self, index: int) -> bool:
        """Whether the next link is for the same customer."""
        return self.fate(index).replaced and index + 1 < self.links and not self.fate(index + 1).shared

    def _groups(self) -> list[tuple[int, int, int]]:
        """Campaign (0: none), flow and number of links, in the order in which they were issued."""
        weights = [1 / rank**1.1 for rank in range(1, self.campaigns + 1)]
        scale = self.links * IN_CAMPAIGNS / sum(weights)
        sizes = [min(max(1, int(weight * scale)), self.customers * 8 // 10) for weight in weights]
        self.chance("campaigns").shuffle(sizes)
        groups = [(number, self.campaign_flow(number), size) for number, size in enumerate(sizes, start=1)]
        rest = self.links - sum(sizes)
        every = max(1, self.campaigns // 8)
        parts = len(range(0, self.campaigns, every))
        for part in range(parts):
            size = rest // parts + (rest % parts if part == 0 else 0)
            groups.insert(part * (every + 1), (0, TITLED[part % len(TITLED)], size))
        return [group for group in groups if group[2]]
