"""What a flow may be (R4 to R10), in words. The database holds the same rules; here each says what to do.

The form, the preview and the step to live ask `find_problems`; nobody else words these rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portal.authorizations.models import Address, CustomerTypes, Flow, Journey, Region, Utility, Variant
from portal.leap.authorization_urls import explain_slug
from portal.leap.characters import quote
from portal.leap.utilities import PROGRAMS

_WHY_NO_TERMS = (
    "Legacy cannot carry additional forms: it leads straight to the utility’s own page, where nothing else can be "
    "signed. Remove the terms, or choose Leap Connect."
)


@dataclass(frozen=True, slots=True)
class FlowProblem:
    """One rule that a flow breaks: `field` is the model's field, `reason` a sentence with the value and the rule."""

    field: str
    reason: str


def find_problems(*, flow: Flow, utilities: Sequence[Utility]) -> list[FlowProblem]:
    """Return every rule that `flow`, saved or not, breaks when it offers `utilities`."""
    problems = list(_check_name_in_url("org_name", flow.org_name, "your organization’s name, as Leap generated it"))
    if flow.journey == Journey.LEGACY:
        problems += _check_legacy(flow)
    elif flow.address == Address.REGIONAL:
        problems += _check_regional(flow)
    elif flow.address == Address.TITLED:
        problems += _check_titled(flow)
    else:
        problems.append(FlowProblem("address", "Choose the shape of the Connect URL: titled or regional."))
    problems += _check_utilities(flow, utilities)
    return problems


def _check_name_in_url(field: str, text: str, meaning: str) -> Iterator[FlowProblem]:
    if not text:
        yield FlowProblem(field, f"The URL needs it: {meaning}.")
    elif reason := explain_slug(text):
        yield FlowProblem(field, f"{reason}. It stands in the URL, where nothing else is allowed.")


def _check_legacy(flow: Flow) -> Iterator[FlowProblem]:
    if flow.title:
        yield FlowProblem(
            "title", f"{quote(flow.title)}: a Legacy URL has no title. Leave it empty, or choose Leap Connect."
        )
    for field, value in (("region", flow.region), ("variant", flow.variant), ("program", flow.program)):
        if value:
            yield FlowProblem(
                field, f"{quote(value)}: a Legacy URL has no {field}. Leave it empty, or choose Leap Connect."
            )
    if flow.term_names:
        yield FlowProblem("terms", f"{', '.join(quote(name) for name in flow.term_names)}: {_WHY_NO_TERMS}")


def _check_titled(flow: Flow) -> Iterator[FlowProblem]:
    yield from _check_name_in_url("title", flow.title, "the title that Leap gave this flow")
    for field, value in (("region", flow.region), ("variant", flow.variant), ("program", flow.program)):
        if value:
            yield FlowProblem(
                field,
                f"{quote(value)}: only regional addresses have a {field}. Leave it empty, or choose that address.",
            )


def _check_regional(flow: Flow) -> Iterator[FlowProblem]:
    if flow.title:
        yield FlowProblem(
            "title",
            f"{quote(flow.title)}: a regional address has no title. Leave it empty, or choose the titled address.",
        )
    if not flow.region:
        yield FlowProblem("region", "A regional address needs exactly one region: choose it.")
    if flow.program and (reason := explain_slug(flow.program)):
        yield FlowProblem("program", f"{reason}. Leap lists {' and '.join(PROGRAMS)}.")
    variant = Variant(flow.variant) if flow.variant in Variant.values else None
    taken = CustomerTypes.COMMERCIAL if variant and variant.startswith("COMMERCIAL") else CustomerTypes.RESIDENTIAL
    # Nothing chosen, or something that is no choice, is the form's to say.
    if flow.customer_types in CustomerTypes.values and flow.customer_types != taken:
        said = (
            f"The variant “{variant.label}” takes {taken.label.lower()} customers only"
            if variant
            else "Without a variant, Leap shows its residential journey"
        )
        types = CustomerTypes(flow.customer_types).label.lower()
        yield FlowProblem(
            "variant",
            f"{said}, but the flow takes {types} ones: choose another variant, or the type {taken.label}.",
        )
    if variant and variant.endswith("_AGREEMENTS_ONLY") and flow.region and flow.region != Region.PJM:
        yield FlowProblem("variant", f"“{variant.label}” exists in PJM only; the flow’s region is {flow.region}.")


def _check_utilities(flow: Flow, utilities: Sequence[Utility]) -> Iterator[FlowProblem]:
    if not utilities:
        yield FlowProblem("utilities", f"Choose at least one utility: a flow without one leads nowhere.{_hint(flow)}")
    for utility in utilities:
        if flow.journey == Journey.LEGACY and not utility.supports_legacy:
            supported = ", ".join(
                Utility.objects.filter(supports_legacy=True).order_by("id").values_list("short_name", flat=True)
            )
            yield FlowProblem("utilities", f"{utility.short_name}: Legacy ShareMyData exists for {supported} only.")
        elif flow.journey == Journey.CONNECT and not utility.supports_connect:
            yield FlowProblem("utilities", f"{utility.short_name}: Leap Connect does not offer this utility.")
        elif flow.region and flow.address == Address.REGIONAL and utility.region != flow.region:
            yield FlowProblem(
                "utilities",
                f"{utility.short_name} is in {utility.region}, but the flow’s region is {flow.region}: "
                "a regional address shows the utilities of its one region only.",
            )


def _hint(flow: Flow) -> str:
    if not flow.region or Utility.objects.filter(region=flow.region, supports_connect=True).exists():
        return ""
    return f" The catalogue has none in {flow.region} yet: add it under Utilities first."
