"""The addresses of the domain's pages; one section a noun, one name through view, address and template."""

from django.urls import path

from invites.views import (
    address_book,
    attempt,
    code,
    conference,
    conference_new,
    contact,
    contact_group,
    draft,
    draft_later,
    draft_pick,
    draft_repeat,
    invitation,
    ringing,
    selection,
    settings,
)

app_name = "invites"
urlpatterns = [
    # address books
    path("books/", address_book.book_list, name="book_list"),
    path("books/new/", address_book.book_create, name="book_create"),
    path("books/<int:pk>/", address_book.book_detail, name="book_detail"),
    path("books/<int:pk>/edit/", address_book.book_edit, name="book_edit"),
    path("books/<int:pk>/delete/", address_book.book_delete, name="book_delete"),
    path("books/<int:pk>/contacts/new/", contact.contact_create, name="contact_create"),
    path("books/<int:pk>/selected/group/", selection.selection_group, name="selection_group"),
    path("books/<int:pk>/selected/ungroup/", selection.selection_ungroup, name="selection_ungroup"),
    path("books/<int:pk>/selected/delete/", selection.selection_delete, name="selection_delete"),
    path("books/<int:pk>/groups/new/", contact_group.group_create, name="group_create"),
    path("contacts/<int:pk>/", contact.contact_edit, name="contact_edit"),
    path("contacts/<int:pk>/row/", contact.contact_row, name="contact_row"),
    path("contacts/<int:pk>/delete/", contact.contact_delete, name="contact_delete"),
    path("groups/<int:pk>/", contact_group.group_edit, name="group_edit"),
    path("groups/<int:pk>/delete/", contact_group.group_delete, name="group_delete"),
    path("groups/<int:pk>/members/", contact_group.group_members, name="group_members"),
    # conferences
    path("conferences/", conference.conference_list, name="conference_list"),
    path("conferences/new/", conference_new.conference_create, name="conference_create"),
    path("conferences/new/running/", conference_new.conference_choose, name="conference_choose"),
    path("conferences/new/number/", conference_new.conference_find, name="conference_find"),
    path("conferences/new/id/", conference_new.conference_register, name="conference_register"),
    path("conferences/new/<uuid:key>/", conference_new.conference_creating, name="conference_creating"),
    path("conferences/<int:pk>/", conference.conference_detail, name="conference_detail"),
    path("conferences/<int:pk>/edit/", conference.conference_edit, name="conference_edit"),
    path("conferences/<int:pk>/refresh/", conference.conference_refresh, name="conference_refresh"),
    path("conferences/<int:pk>/end/", conference.conference_close, name="conference_close"),
    path("conferences/<int:pk>/lock/", conference.conference_lock, name="conference_lock"),
    path("conferences/<int:pk>/unlock/", conference.conference_unlock, name="conference_unlock"),
    path(
        "conferences/<int:pk>/co-organizers/",
        conference.conference_co_organizers,
        name="conference_co_organizers",
    ),
    path(
        "conferences/<int:pk>/co-organizers/<int:user_pk>/remove/",
        conference.conference_co_organizer_remove,
        name="conference_co_organizer_remove",
    ),
    # the composer of a conference
    path("conferences/<int:pk>/draft/add/", draft.draft_add, name="draft_add"),
    path("conferences/<int:pk>/draft/search/", draft_pick.draft_search, name="draft_search"),
    path("conferences/<int:pk>/draft/pick/", draft_pick.draft_pick, name="draft_pick"),
    path("conferences/<int:pk>/draft/people/", draft.draft_people, name="draft_people"),
    path("conferences/<int:pk>/draft/people/<int:invitee_pk>/", draft.draft_invitee, name="draft_invitee"),
    path("conferences/<int:pk>/draft/remove/", draft.draft_remove, name="draft_remove"),
    path("conferences/<int:pk>/draft/clear/", draft.draft_clear, name="draft_clear"),
    path("conferences/<int:pk>/draft/lines/<int:line_pk>/", draft.draft_line, name="draft_line"),
    path("conferences/<int:pk>/draft/lines/remove/", draft.draft_line_remove, name="draft_line_remove"),
    path("conferences/<int:pk>/draft/operator/", draft.draft_operator, name="draft_operator"),
    path("conferences/<int:pk>/draft/send/", draft.draft_send, name="draft_send"),
    path("conferences/<int:pk>/draft/earlier/", draft_repeat.draft_earlier, name="draft_earlier"),
    path("conferences/<int:pk>/draft/schedule/", draft_later.draft_schedule, name="draft_schedule"),
    path("conferences/<int:pk>/draft/put-aside/", draft_later.draft_put_aside, name="draft_put_aside"),
    path("conferences/<int:pk>/draft/unschedule/", draft_later.draft_unschedule, name="draft_unschedule"),
    path("conferences/<int:pk>/draft/ring-again/", draft_later.draft_ring_again, name="draft_ring_again"),
    # what was put aside until its time
    path(
        "conferences/<int:pk>/scheduled/<int:invitation_pk>/change/",
        draft_later.scheduled_change,
        name="scheduled_change",
    ),
    path(
        "conferences/<int:pk>/scheduled/<int:invitation_pk>/send/",
        draft_later.scheduled_send,
        name="scheduled_send",
    ),
    path(
        "conferences/<int:pk>/scheduled/<int:invitation_pk>/remove/",
        draft_later.scheduled_remove,
        name="scheduled_remove",
    ),
    # history
    path("history/", attempt.attempt_list, name="attempt_list"),
    path("history/<int:pk>/", attempt.attempt_detail, name="attempt_detail"),
    path("codes/", code.code_list, name="code_list"),
    # settings
    path("settings/", settings.settings, name="settings"),
    # invitations
    path("invitations/<int:pk>/repeat/", draft_repeat.invitation_repeat, name="invitation_repeat"),
    path("invitations/<int:pk>/", invitation.invitation_detail, name="invitation_detail"),
    path("invitations/<int:pk>/live/", invitation.invitation_live, name="invitation_live"),
    path("invitations/<int:pk>/pause/", invitation.invitation_pause, name="invitation_pause"),
    path("invitations/<int:pk>/resume/", invitation.invitation_resume, name="invitation_resume"),
    path("invitations/<int:pk>/cancel/", invitation.invitation_cancel, name="invitation_cancel"),
    path("invitations/<int:pk>/ring/", ringing.invitation_ring, name="invitation_ring"),
    path("invitations/<int:pk>/ring/stop/", ringing.invitation_stop_ringing, name="invitation_stop_ringing"),
    path("invitations/<int:pk>/again/", invitation.invitation_again, name="invitation_again"),
]
