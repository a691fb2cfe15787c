"""Filters of the list of print jobs, and those that choose what is printed. All stand in the URL."""

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet

from portal.accounts.models import User
from portal.authorizations.filters.days import after_midnight, before_midnight
from portal.authorizations.filters.links import MARKS, LinkFilterSet
from portal.authorizations.models import PrintJob, PrintState
from portal.printing.stocks import STOCKS

DATE = {"type": "date"}


class PrintFilterSet(filters.FilterSet):
    state = filters.ChoiceFilter(choices=PrintState.choices, label="State", empty_label="State")
    stock = filters.ChoiceFilter(
        choices=[(name, stock.title) for name, stock in STOCKS.items()], label="Paper", empty_label="Paper"
    )
    created_by = filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "username"), label="Printed by", empty_label="Printed by"
    )
    printed_after = filters.DateFilter(method="after", label="Printed from", widget=forms.DateInput(attrs=DATE))
    printed_before = filters.DateFilter(method="before", label="to", widget=forms.DateInput(attrs=DATE))

    class Meta:
        model = PrintJob
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is not None and not user.has_perm("authorizations.view_every_link"):
            del self.form.fields["created_by"]

    def after(self, queryset: "QuerySet[PrintJob]", name: str, value: date) -> "QuerySet[PrintJob]":
        return queryset.filter(created_at__gte=after_midnight(value))

    def before(self, queryset: "QuerySet[PrintJob]", name: str, value: date) -> "QuerySet[PrintJob]":
        """To the end of that day."""
        return queryset.filter(created_at__lt=before_midnight(value))


#: What a filter is called before what was chosen: issued by “Sam Diaz”.
_WORDS = {"mark": "links that are", "rep": "to be handed out by", "issued_by": "issued by"}


class PrintChoiceFilterSet(LinkFilterSet):
    """The list's filters, of which the screen that chooses offers those that say who walks where with what."""

    OFFERED = ("campaign", "rep", "mark", "utility", "q")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.form.fields
        fields["mark"].label = "Printed before"
        # What is offered; a list's other marks are taken all the same.
        fields["mark"].widget.choices = [("", "Printed or not"), *(mark for mark in MARKS if "printed" in mark[1])]
        for name, any_of_them in (("rep", "Everybody’s"), ("utility", "Any utility")):
            if name in fields:
                fields[name].empty_label = any_of_them

    @property
    def offered(self) -> list[forms.BoundField]:
        """The fields to show."""
        return [self.form[name] for name in self.OFFERED if name in self.form.fields]

    @property
    def words(self) -> str:
        """What is chosen: “campaign “Door June”, links that are “not printed yet””."""
        if not self.form.is_valid():
            return ""
        said = []
        for name, value in self.form.cleaned_data.items():
            if value in (None, "") or name == "batch_part":
                continue
            if name in ("q", "batch"):
                # What was searched for may be a customer's name: it is not kept with the job.
                said.append("a search" if name == "q" else "the links of one bulk action")
                continue
            choices = dict(getattr(self.form.fields[name], "choices", [])) if isinstance(value, str) else {}
            label = _WORDS.get(name) or (self.form.fields[name].label or name.replace("_", " ")).lower()
            said.append(f"{label} “{choices.get(value, value)}”")
        return ", ".join(said) or "every link"
