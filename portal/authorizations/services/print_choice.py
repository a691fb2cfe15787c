"""Which of the chosen links are printed, and how many are left out and why."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from portal.authorizations.models import Link
from portal.authorizations.models.print_job import name_left_out


@dataclass(frozen=True, slots=True)
class Choice:
    """How many of the chosen links are printed, and how many are left out and why."""

    printed: int
    void: int = 0
    replaced: int = 0
    anonymous: int = 0
    refused: int = 0

    @property
    def left_out(self) -> int:
        return self.void + self.replaced + self.anonymous + self.refused

    @property
    def left_out_words(self) -> str:
        """“2 void, 1 replaced”; empty if none is left out."""
        return name_left_out(void=self.void, replaced=self.replaced, anonymous=self.anonymous, refused=self.refused)


def count_choice(links: QuerySet[Link]) -> Choice:
    """Count what would be printed of these links and what would be left out; each is in one count only."""
    live = Q(voided_at__isnull=True, replaced_by__isnull=True)
    traceable, refused = Q(reference_id__isnull=False), Q(customer__refused_at__isnull=False)
    found = links.order_by().aggregate(
        printed=Count("pk", filter=live & traceable & ~refused),
        void=Count("pk", filter=Q(voided_at__isnull=False)),
        replaced=Count("pk", filter=Q(voided_at__isnull=True, replaced_by__isnull=False)),
        anonymous=Count("pk", filter=live & ~traceable),
        refused=Count("pk", filter=live & traceable & refused),
    )
    return Choice(**found)
