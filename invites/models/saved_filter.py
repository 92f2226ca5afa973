"""Filters of the history that somebody saved under a name."""

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from invites.models.user import User

NAME_LENGTH = 80
# All filters of the history as an address carries them, every character of the longest texts in twelve.
QUERY_LENGTH = 8192
# How a query begins to say whom it looks for.
PERSON = "person="


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    """Queries over saved filters."""

    def of(self, user: User) -> Self:
        """Those of ``user``, by name."""
        return self.filter(user=user).order_by("name")

    def of_somebody(self) -> Self:
        """Those that look for a person."""
        return self.filter(query__contains=PERSON)

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(pk__in=list(pks))

    def keep(self, user: User, *, name: str, query: str) -> None:
        """Keeps ``query`` for ``user`` under ``name``, in place of whatever stood there."""
        self.update_or_create(user=user, name=name, defaults={"query": query})


class SavedFilter(models.Model):
    """What the address of a page of the history carried, under a name. Saving the same name again replaces it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters", db_index=False)
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    query = models.CharField(max_length=QUERY_LENGTH)
    saved_at = models.DateTimeField(auto_now=True)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved filter")
        constraints = (models.UniqueConstraint(fields=["user", "name"], name="saved_filter_name_once"),)

    def __str__(self) -> str:
        return self.name
