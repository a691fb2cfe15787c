"""What Leap's required actions ask for, in words. Types and codes as Leap's enrollment OpenAPI publishes them.

Leap publishes the types and only a few codes: what is not known here is shown as it came, never guessed at.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """What is missing, and what to do about it."""

    missing: str
    next_step: str


#: A new sign-in by the customer is the only cure: this code (“End customer must re-authorize meter”) and this type mark
#: a meter as "re-authorize".
REAUTHORIZE, REAUTHORIZE_TYPE = "AUTH_0001", "IS_AUTHORIZED"

TYPES: dict[str, Advice] = {
    "IS_AUTHORIZED": Advice(
        "No authorization stands for this meter.",
        "Ask the customer to authorize again: issue the link anew and send it.",
    ),
    "DOCUMENTS_SIGNED": Advice(
        "A form that the program needs is not signed.",
        "Ask the customer to open the link again and sign; Legacy links cannot carry forms.",
    ),
    "HAS_AMI": Advice(
        "The meter does not report interval data.",
        "Ask the utility whether a smart meter can be installed; without one the meter cannot take part.",
    ),
    "NOT_ENROLLED_IN_CONFLICTING_PROGRAM": Advice(
        "The customer is in another program that excludes this one.",
        "Ask the customer to leave the other program, or leave this meter out.",
    ),
    "PARTICIPATING": Advice(
        "The meter is set not to take part.",
        "Set its participation to “participate” at Leap, if the customer agrees.",
    ),
    "HAS_MARKET_REGISTRATION": Advice(
        "The meter is not registered with the market yet.",
        "Nothing to do: Leap registers it. In CAISO that takes up to two weeks.",
    ),
    "NO_MISSING_FIELDS": Advice(
        "Leap lacks some of the meter’s data.",
        "Complete the meter’s data at Leap.",
    ),
    "GENERATOR": Advice(
        "Leap needs to know about a generator on the site.",
        "Ask the customer about the generator, and tell Leap.",
    ),
    "ADDRESS": Advice(
        "The service address is missing or does not fit.",
        "Compare the address with the customer’s bill, and correct it at Leap.",
    ),
    "HAS_NOMINATIONS": Advice(
        "No capacity is nominated for this meter.",
        "Nominate its capacity at Leap before the deadline.",
    ),
    "HAS_BIDDING_STRATEGY": Advice(
        "The meter has no bidding strategy.",
        "Choose one at Leap before the deadline.",
    ),
    "IS_ELIGIBLE": Advice(
        "The meter does not meet the program’s conditions.",
        "Ask Leap which condition is not met.",
    ),
    "IS_ASSIGNED_TO_A_RESOURCE": Advice(
        "The meter is in no resource of the market yet.",
        "Nothing to do: Leap assigns it.",
    ),
    "MEETS_EXTRA_PROGRAM_REQUIREMENTS": Advice(
        "The program asks for more than Leap has.",
        "Ask Leap what the program requires besides.",
    ),
}

#: Codes that say more than their type does. Leap's full list is not public.
CODES: dict[str, Advice] = {
    REAUTHORIZE: Advice(
        "The customer has to authorize this meter again: the authorization is lost.",
        "Issue the customer’s link anew and send it.",
    ),
}


def advise(action_type: str, action_code: str = "") -> Advice | None:
    """Return the words for an action, by its code before its type; None for what Leap has added since."""
    return CODES.get(action_code) or TYPES.get(action_type)
