"""How one's printer is corrected for a stock, and the test page to find out."""

import io
from typing import NamedTuple

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from portal.authorizations.forms.printing import PrinterForm
from portal.authorizations.services.printers import get_printer, save_printer
from portal.authorizations.views.lists import user_of
from portal.printing.drawing import code_box
from portal.printing.sheets import SheetOptions, write_test_page
from portal.printing.stocks import Box, PrintRefusedError, Stock, find_stock


class StockPicture(NamedTuple):
    """A stock, and where its labels and their codes lie on the page, in mm."""

    stock: Stock
    places: list[tuple[Box, Box]]


class PrinterSettingsView(PermissionRequiredMixin, View):
    """Correct a printer for one stock; what is saved is used from then on."""

    permission_required = "authorizations.add_printjob"

    def get(self, request: HttpRequest, stock: str) -> HttpResponse:
        paper = stock_or_404(stock)
        printer = get_printer(user=user_of(request), stock=paper)
        return self._show(request, paper, PrinterForm(stock=paper, printer=printer))

    def post(self, request: HttpRequest, stock: str) -> HttpResponse:
        paper = stock_or_404(stock)
        printer = get_printer(user=user_of(request), stock=paper)
        form = PrinterForm(request.POST, stock=paper, printer=printer)
        if not form.is_valid():
            return self._show(request, paper, form)
        save_printer(user=user_of(request), stock=paper, **form.correction)
        messages.success(request, "Saved. Print the test page once more to see it, then your codes.")
        return redirect("printer_settings", paper.name)

    def _show(self, request: HttpRequest, stock: Stock, form: PrinterForm) -> HttpResponse:
        context = {"stock": stock, "drawn": draw_stock(stock), "form": form}
        template = "authorizations/printer_settings.html"
        return render(request, template, context, status=422 if form.errors else 200)


@method_decorator(never_cache, name="dispatch")
class PrinterTestPageView(PermissionRequiredMixin, View):
    """A page with rulers and every label's outline, as this person's printer is corrected."""

    permission_required = "authorizations.add_printjob"

    def get(self, request: HttpRequest, stock: str) -> HttpResponse:
        paper = stock_or_404(stock)
        file = io.BytesIO()
        write_test_page(file, SheetOptions(stock=paper, **get_printer(user=user_of(request), stock=paper).correction))
        response = HttpResponse(file.getvalue(), content_type="application/pdf")
        response.headers["Content-Disposition"] = f'attachment; filename="test-page-{paper.name}.pdf"'
        return response


def stock_or_404(name: str) -> Stock:
    """The stock of an address."""
    try:
        return find_stock(name)
    except PrintRefusedError as refusal:
        raise Http404(str(refusal)) from refusal


def draw_stock(stock: Stock) -> StockPicture:
    """What the picture of a stock's page needs."""
    return StockPicture(stock, [(box, code_box(stock, box)) for box in stock.boxes()])
