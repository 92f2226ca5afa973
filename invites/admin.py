"""Django's admin, for administrators: apps are set up here; everything else can only be looked at.

Users have pages of their own, whose rules hold in no second place.

What was sent and what came back is a record: nothing of it may be changed or deleted here.
"""

from importlib import import_module
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.models import Group
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.forms.app import AppForm, AppOfSettingsForm
from invites.models import (
    AddressBook,
    App,
    Attempt,
    AuditEntry,
    CallCount,
    Conference,
    Contact,
    ContactGroup,
    Invitation,
    Invitee,
    User,
)
from invites.models.app import OF_SETTINGS


def _own_password(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """The page on which passwords are changed, where tries are counted."""
    return redirect("password_change")


# There is one door, with everything that guards it.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.password_change = _own_password  # type: ignore[method-assign,assignment]
admin.site.site_header = admin.site.site_title = _("Conference Invites")
admin.site.index_title = _("Administration")
# The three roles say what people may do.
import_module("django.contrib.auth.admin")
admin.site.unregister(Group)
# Changes on record have a page of their own, which costs the same however many there are.
import_module("auditlog.admin")
admin.site.unregister(AuditEntry)
# Second factors are reset on a page that puts it on record.
import_module("allauth.mfa.admin")
admin.site.unregister(Authenticator)
# Who somebody is, DingTalk tells alone. Apps and tokens of allauth's are not used, nor are its mail addresses.
import_module("allauth.account.admin")
import_module("allauth.socialaccount.admin")
admin.site.unregister([EmailAddress, SocialAccount, SocialApp, SocialToken])


@admin.register(App)
class AppAdmin(admin.ModelAdmin[App]):
    """DingTalk apps. What the settings describe can be switched off here, and nothing else."""

    list_display = ("name", "kind", "base_url", "batch_size", "calls_per_second", "monthly_quota", "enabled")
    list_filter = ("kind", "enabled")
    search_fields = ("name",)

    def get_form(
        self, request: HttpRequest, obj: App | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[App]]:
        """The form of the kind."""
        form = AppOfSettingsForm if obj is not None and obj.kind in OF_SETTINGS else AppForm
        return super().get_form(request, obj, change, **kwargs | {"form": form})

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> tuple[str, ...]:
        """What the settings decide."""
        return ("name", "kind") if obj is not None and obj.kind in OF_SETTINGS else ()

    def get_fieldsets(self, request: HttpRequest, obj: App | None = None) -> Any:
        """Credentials apart from the rest."""
        calls = (
            (_("Calls"), {"fields": ("batch_size", "calls_per_second", "monthly_quota", "enabled")}),
            (_("Unknown people"), {"fields": ("looks_up_unknown_people", "halve_refused_batches")}),
            (_("Quiet hours"), {"fields": (("quiet_from", "quiet_until"),)}),
        )
        if obj is not None and obj.kind in OF_SETTINGS:
            return ((None, {"fields": ("name", "kind")}), *calls)
        credentials = (
            "client_id",
            "new_client_secret",
            "auth_corp_id",
            "new_suite_ticket",
            "new_access_token",
        )
        return (
            (None, {"fields": ("name", "kind", "base_url", "default_country")}),
            (_("Credentials"), {"fields": credentials}),
            *calls,
        )

    def has_delete_permission(self, request: HttpRequest, obj: App | None = None) -> bool:
        """Not for what the settings describe: it would be back at the next start."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.kind not in OF_SETTINGS)


class LookOnlyAdmin[M](admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows to look at: no adding, no changing, no deleting."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


@admin.register(User)
class UserAdmin(LookOnlyAdmin[User]):
    """Who signs in, without what they sign in with."""

    list_display = ("username", "name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name", "union_id")
    fields = (
        *("username", "first_name", "last_name", "email", "union_id"),
        *("role", "may_see_phone_numbers", "is_active", "last_login", "date_joined"),
    )

    @admin.display(description=pgettext_lazy("person", "name"))
    def name(self, user: User) -> str:
        """What the person is called everywhere else."""
        return user.display_name


@admin.register(CallCount)
class CallCountAdmin(LookOnlyAdmin[CallCount]):
    """How often each operation was called, month by month."""

    list_display = ("month", "app", "operation", "calls", "is_exempt")
    list_select_related = ("app",)
    list_filter = ("app", "month", "is_exempt")
    ordering = ("-month", "app__name", "-calls")


@admin.register(Conference)
class ConferenceAdmin(LookOnlyAdmin[Conference]):
    """Conferences."""

    list_display = ("__str__", "conference_id", "app", "status", "owner", "created_at")
    list_select_related = ("app", "owner")
    list_filter = ("status",)
    search_fields = ("title", "conference_id", "room_code")


@admin.register(AddressBook)
class AddressBookAdmin(LookOnlyAdmin[AddressBook]):
    """Address books."""

    list_display = ("name", "owner", "app", "sharing", "updated_at")
    list_select_related = ("app", "owner")
    search_fields = ("name",)


@admin.register(Contact)
class ContactAdmin(LookOnlyAdmin[Contact]):
    """Contacts."""

    list_display = ("nick", "union_id", "phone_number", "book")
    list_select_related = ("book",)
    search_fields = ("nick", "union_id", "phone_number")


@admin.register(ContactGroup)
class ContactGroupAdmin(LookOnlyAdmin[ContactGroup]):
    """Groups of contacts."""

    list_display = ("name", "book")
    list_select_related = ("book",)
    search_fields = ("name",)


@admin.register(Invitation)
class InvitationAdmin(LookOnlyAdmin[Invitation]):
    """Invitations."""

    list_display = ("id", "conference", "state", "source", "sent_by", "sent_at", "finished_at")
    list_select_related = ("conference", "sent_by")
    list_filter = ("state", "source")
    ordering = ("-pk",)


@admin.register(Invitee)
class InviteeAdmin(LookOnlyAdmin[Invitee]):
    """The people of invitations."""

    list_display = ("nick", "channel", "value", "state", "invitation_id")
    list_filter = ("state", "channel")
    ordering = ("-pk",)


@admin.register(Attempt)
class AttemptAdmin(LookOnlyAdmin[Attempt]):
    """Every call, with what came back."""

    list_display = ("id", "started_at", "state", "error_code", "http_status", "people", "invitation_id")
    list_filter = ("state",)
    ordering = ("-pk",)
