"""Columns that several lists share. Each draws itself from a template in templates/includes/columns/."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString


class SelectColumn(tables.CheckBoxColumn):
    """The tick box in front of a row, for bulk actions; its header ticks the page."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            accessor="pk",
            orderable=False,
            attrs={
                "th": {"class": "select"},
                "td": {"class": "select"},
                "th__input": {"class": "select-page", "aria-label": "Choose every row of this page"},
                "input": {"class": "select-row", "aria-label": "Choose this row"},
            },
            **kwargs,
        )

    def render(self, value: Any, bound_column: Any, record: Any) -> SafeString:
        return format_html(
            '<input type="checkbox" name="select" value="{}" class="select-row" aria-label="Choose {}">', value, record
        )


class PartColumn(tables.TemplateColumn):
    """A cell drawn by templates/includes/columns/<name>.html with `record`."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(template_name=f"includes/columns/{name}.html", **kwargs)
