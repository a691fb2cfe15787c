"""The guide: how each role does its work, in the words of the screens."""

from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import TemplateView

from portal.accounts.roles import Role
from portal.authorizations.views.lists import user_of

TEMPLATES = {
    Role.ADMIN: "authorizations/guide_admin.html",
    Role.PROGRAM_MANAGER: "authorizations/guide_manager.html",
    Role.FIELD_REP: "authorizations/guide_rep.html",
}


class GuideView(LoginRequiredMixin, TemplateView):
    def get_template_names(self) -> list[str]:
        return [TEMPLATES[user_of(self.request).role or Role.FIELD_REP]]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, thanks_url=f"{settings.PUBLIC_URL}/leap/thanks")
