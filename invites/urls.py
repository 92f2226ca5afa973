"""The addresses of the domain's pages; one section a noun, one name through view, address and template."""

from django.urls import path

from invites.views import address_book, attempt, code, contact, contact_group, invitation, settings

app_name = "invites"
urlpatterns = [
    # address books
    path("books/", address_book.book_list, name="book_list"),
    path("books/new/", address_book.book_create, name="book_create"),
    path("books/<int:pk>/", address_book.book_detail, name="book_detail"),
    path("books/<int:pk>/edit/", address_book.book_edit, name="book_edit"),
    path("books/<int:pk>/delete/", address_book.book_delete, name="book_delete"),
    path("books/<int:pk>/contacts/new/", contact.contact_create, name="contact_create"),
    path("books/<int:pk>/selected/group/", contact.selection_group, name="selection_group"),
    path("books/<int:pk>/selected/ungroup/", contact.selection_ungroup, name="selection_ungroup"),
    path("books/<int:pk>/selected/delete/", contact.selection_delete, name="selection_delete"),
    path("books/<int:pk>/groups/new/", contact_group.group_create, name="group_create"),
    path("contacts/<int:pk>/", contact.contact_edit, name="contact_edit"),
    path("contacts/<int:pk>/row/", contact.contact_row, name="contact_row"),
    path("contacts/<int:pk>/delete/", contact.contact_delete, name="contact_delete"),
    path("groups/<int:pk>/", contact_group.group_edit, name="group_edit"),
    path("groups/<int:pk>/delete/", contact_group.group_delete, name="group_delete"),
    path("groups/<int:pk>/members/", contact_group.group_members, name="group_members"),
    # history
    path("history/", attempt.attempt_list, name="attempt_list"),
    path("history/<int:pk>/", attempt.attempt_detail, name="attempt_detail"),
    path("codes/", code.code_list, name="code_list"),
    # settings
    path("settings/", settings.settings, name="settings"),
    # invitations
    path("invitations/<int:pk>/", invitation.invitation_detail, name="invitation_detail"),
    path("invitations/<int:pk>/again/", invitation.invitation_again, name="invitation_again"),
]
