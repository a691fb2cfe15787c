"""What a flow's URLs will look like, also while somebody is still typing: wrong parts are shown as wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from portal.authorizations.models import Address, Flow, Journey, Region, Utility
from portal.authorizations.services.flow_urls import build_url
from portal.leap.authorization_urls import is_valid_slug, mark_variable_parts
from portal.leap.characters import visible

#: Looks like a generated one, its check character included.
EXAMPLE_REFERENCE_ID = "7f3k9x2m4qad"


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a URL: `marked` if it varies, `wrong` if it is missing or cannot stand there."""

    text: str
    marked: bool = False
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One URL of a flow, and in words which links look so."""

    label: str
    parts: tuple[Part, ...]

    @property
    def url(self) -> str:
        return "".join(part.text for part in self.parts)


def make_examples(*, flow: Flow, utilities: Sequence[Utility]) -> list[Example]:
    """Return the URLs that links of `flow`, saved or not, will have: one a utility for Legacy, else one or two."""
    if flow.journey == Journey.LEGACY:
        legacy = [utility for utility in utilities if utility.supports_legacy]
        return [_example(flow, f"For {utility.short_name}", utility_id=utility.utility_id) for utility in legacy] or [
            _example(flow, "Without a utility yet", utility_id="")
        ]
    if flow.address == Address.REGIONAL:
        return [_example(flow, "For every customer of the region")]
    first = utilities[0] if utilities else None
    examples = [
        _example(flow, f"For a customer of {first.short_name}", requested=(first.utility_id,))
        if first
        else _example(flow, "Without requested utilities: shows all of the region")
    ]
    if len(utilities) > 1:
        ids = tuple(utility.utility_id for utility in utilities)
        examples.append(_example(flow, "If all of its utilities are requested", requested=ids))
    return examples


class _StandIns:
    """Takes parts that cannot stand in a URL out of a flow, so that it can be built, and puts them back as wrong."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}

    def take(self, text: str, name: str) -> str:
        if is_valid_slug(text):
            return text
        # A random word: nobody's organization is called so.
        token = f"wrong-{len(self.wrong)}-9c41e6b2"
        self.wrong[token] = visible(text) or f"<{name}>"
        return token

    def parts(self, url: str) -> tuple[Part, ...]:
        parts = (Part(text, marked=varies) for text, varies in mark_variable_parts(url))
        return tuple(Part(self.wrong[p.text], wrong=True) if p.text in self.wrong else p for p in parts)


def _example(flow: Flow, label: str, *, utility_id: str = "", requested: tuple[str, ...] = ()) -> Example:
    stand_ins = _StandIns()
    regional = flow.journey == Journey.CONNECT and flow.address == Address.REGIONAL
    draft = Flow(
        journey=flow.journey,
        address=flow.address,
        org_name=stand_ins.take(flow.org_name, "organization"),
        title=flow.title if flow.journey == Journey.LEGACY or regional else stand_ins.take(flow.title, "title"),
        region=flow.region or Region.CAISO,
        variant=flow.variant,
        program=stand_ins.take(flow.program, "program") if regional and flow.program else "",
    )
    if flow.journey == Journey.LEGACY:
        utility_id = stand_ins.take(utility_id, "utility")
    try:
        url = build_url(
            flow=draft,
            utility_id=utility_id,
            requested_utilities=requested,
            reference_id=EXAMPLE_REFERENCE_ID,
        )
    except ValueError as error:
        return Example(label, (Part(str(error), wrong=True),))
    example = Example(label, stand_ins.parts(url))
    if regional and not flow.region:
        # Built with a region that nobody chose, the first part that varies: shown as missing.
        place = next(number for number, part in enumerate(example.parts) if part.marked)
        parts = (*example.parts[:place], Part("<region>", wrong=True), *example.parts[place + 1 :])
        example = replace(example, parts=parts)
    return example
