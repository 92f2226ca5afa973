"""Who may open which address: one rule for each name in the URL configuration. It repeats nothing of the code, and is
to be read beside the table of roles in the design.

A new address needs a rule here. ``who`` are those who get through, out of

organizer       to whom the thing belongs that the address names
stranger        another organizer
auditor, administrator
anonymous       nobody is signed in

and all others are refused. ``of`` is the noun of `tests.project.belongings` whose thing the address names; where there
is one, a stranger is refused unless the rule names them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

type Viewers = frozenset[str]

ANYBODY: Viewers = frozenset({"anonymous", "organizer", "stranger", "auditor", "administrator"})
SIGNED_IN: Viewers = ANYBODY - {"anonymous"}
NOBODY_ELSE: Viewers = frozenset({"organizer"})
"""The person themselves: nobody else's, not even an administrator's."""
ORGANIZERS: Viewers = frozenset({"organizer", "stranger", "administrator"})
THEIRS: Viewers = frozenset({"organizer", "administrator"})
"""Who owns it, and administrators."""
READERS: Viewers = frozenset({"organizer", "auditor", "administrator"})
"""Whose calls they are, and those who read all of the history."""
ALL_HISTORY: Viewers = frozenset({"auditor", "administrator"})
ADMINISTRATORS: Viewers = frozenset({"administrator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who gets through. ``methods`` are tried, those that the view does not take answer 405; ``data`` is posted.

    ``unchecked`` is the reason why no CSRF token is asked for; ``unpublished`` why even those who get through may find
    nothing there.
    """

    who: Viewers
    of: str = ""
    methods: tuple[str, ...] = ("get", "post")
    data: Mapping[str, Any] = field(default_factory=dict)
    unchecked: str = ""
    unpublished: str = ""


def _rules(*groups: tuple[str, Rule]) -> Mapping[str, Rule]:
    rules: dict[str, Rule] = {}
    for names, rule in groups:
        for name in names.split():
            assert name not in rules, f"{name} has two rules"
            rules[name] = rule
    return MappingProxyType(rules)


_HERE = "invites:"
_A_PROGRAM = "a program that shows its token in a header, and no cookie"


def _of_the_domain(names: str) -> str:
    return " ".join(f"{_HERE}{name}" for name in names.split())


def _pages(names: str, who: Viewers, of: str = "", **facts: Any) -> tuple[str, Rule]:
    return _of_the_domain(names), Rule(who=who, of=of, **facts)


def _calls(names: str, who: Viewers, of: str = "", *, method: str = "get", **facts: Any) -> tuple[str, Rule]:
    api = " ".join(f"api:{name}" for name in names.split())
    return api, Rule(who=who, of=of, methods=(method,), unchecked=_A_PROGRAM, **facts)


RULES: Mapping[str, Rule] = _rules(
    # how the process is, and how pages look: nothing of anybody
    ("healthz readyz set_language set_theme", Rule(who=ANYBODY)),
    ("metrics", Rule(who=ANYBODY, unpublished="without a token in the settings there is no such page")),
    # signing in
    ("login account_login account_reset_password account_reset_password_done", Rule(who=ANYBODY)),
    ("account_reset_password_from_key", Rule(who=ANYBODY, of="password_link")),
    ("mfa_login_webauthn", Rule(who=ANYBODY)),
    ("join", Rule(who=ANYBODY, of="sign_up_token")),
    (
        "dingtalk_login dingtalk_callback",
        Rule(who=ANYBODY, unpublished="no app is chosen for signing in with DingTalk"),
    ),
    ("mfa_authenticate", Rule(who=ANYBODY)),
    ("logout account_logout", Rule(who=ANYBODY)),
    # one's own account
    ("dingtalk_disconnect", Rule(who=SIGNED_IN)),
    ("home home_live password_change account_change_password account_set_password", Rule(who=SIGNED_IN)),
    ("mfa_index mfa_list_webauthn mfa_activate_totp mfa_add_webauthn", Rule(who=SIGNED_IN)),
    ("mfa_generate_recovery_codes", Rule(who=SIGNED_IN)),
    (
        "mfa_deactivate_totp mfa_view_recovery_codes",
        Rule(who=SIGNED_IN, unpublished="there is nothing before it has been set up"),
    ),
    ("account_reauthenticate mfa_reauthenticate mfa_reauthenticate_webauthn", Rule(who=SIGNED_IN)),
    ("mfa_remove_webauthn", Rule(who=NOBODY_ELSE, of="passkey")),
    _pages("settings security session_end_others token_list token_create", SIGNED_IN),
    _pages("session_end", NOBODY_ELSE, "session"),
    _pages("token_revoke", NOBODY_ELSE, "token"),
    # address books
    _pages("book_list book_create", ORGANIZERS),
    _pages("book_detail book_edit book_delete book_shares book_share_remove", THEIRS, "book"),
    _pages("book_export", THEIRS, "book", data={"format": "csv"}),
    _pages("contact_create group_list group_create change_list double_list double_merge", THEIRS, "book"),
    _pages("selection_group selection_ungroup selection_move selection_copy", THEIRS, "book"),
    _pages("selection_delete selection_mark selection_unmark", THEIRS, "book"),
    _pages("link_detail link_choose link_schedule link_refresh link_delete", THEIRS, "book"),
    _pages("contact_edit contact_row contact_delete contact_mark contact_unmark", THEIRS, "contact"),
    _pages("group_edit group_delete group_members", THEIRS, "group"),
    _pages("change_undo", THEIRS, "change"),
    _pages("import_create import_sample", THEIRS, "book"),
    _pages("import_detail import_columns import_confirm import_discard", THEIRS, "import"),
    _pages("import_refused import_undo", THEIRS, "import"),
    # conferences and their composer
    _pages("conference_list conference_create conference_choose conference_find", ORGANIZERS),
    _pages("conference_register", ORGANIZERS),
    _pages("conference_creating", NOBODY_ELSE, "creation"),
    _pages("conference_detail conference_edit conference_refresh conference_close", THEIRS, "conference"),
    _pages("conference_lock conference_unlock conference_co_organizers", THEIRS, "conference"),
    _pages("conference_co_organizer_remove", THEIRS, "conference"),
    _pages("draft_add draft_search draft_pick draft_people draft_invitee", THEIRS, "conference"),
    _pages("draft_clear draft_line draft_line_remove", THEIRS, "conference"),
    _pages("draft_remove", THEIRS, "conference", unpublished="what is posted says who is to go"),
    _pages("draft_invite_anyway draft_keep_anyway draft_operator draft_send", THEIRS, "conference"),
    _pages("draft_directory draft_earlier draft_schedule draft_put_aside", THEIRS, "conference"),
    _pages("draft_unschedule draft_ring_again", THEIRS, "conference"),
    _pages("scheduled_change scheduled_send scheduled_remove", THEIRS, "conference"),
    # invitations that were sent: who reads the history looks at them, organizers go on with theirs
    _pages("invitation_detail invitation_live", READERS, "invitation"),
    _pages("invitation_repeat invitation_pause invitation_resume invitation_cancel", THEIRS, "invitation"),
    _pages("invitation_ring invitation_stop_ringing invitation_again", THEIRS, "invitation"),
    # history: everybody's own part of it; auditors and administrators all of it
    _pages("attempt_list attempt_tally code_list saved_filter_create history_export_list", SIGNED_IN),
    _pages("attempt_detail", READERS, "attempt"),
    _pages("person_detail", READERS, "person"),
    _pages("conference_history", READERS, "conference"),
    _pages("organizer_history", READERS, "organizer"),
    _pages("history_export_detail", READERS, "export"),
    _pages("history_export_file", NOBODY_ELSE, "export"),
    _pages("saved_filter_delete", NOBODY_ELSE, "saved_filter"),
    _pages("entry_list entry_export seal_list", ALL_HISTORY),
    _pages("entry_detail", ALL_HISTORY, "entry"),
    # what administrators set up
    _pages("about user_list user_create", ADMINISTRATORS),
    _pages("app_list app_create", ADMINISTRATORS),
    _pages("app_detail app_edit", ADMINISTRATORS, "app"),
    _pages(
        "app_secret app_forget_secret", ADMINISTRATORS, "app", unpublished="a fixed token has no next secret"
    ),
    _pages("app_enable app_disable app_test app_test_elsewhere", ADMINISTRATORS, "app"),
    _pages("app_test_step", ADMINISTRATORS, "app", unpublished="a step is of a test that is under way"),
    _pages("user_edit user_password user_bar user_sign_out user_reset_factors", ADMINISTRATORS, "user"),
    _pages("user_readmit user_hand_over", ADMINISTRATORS, "user"),
    _pages("sign_in_policy sign_up_link_list sign_up_link_create", ADMINISTRATORS),
    _pages("sign_up_link_revoke", ADMINISTRATORS, "sign_up_link"),
    _pages("personal_data", ADMINISTRATORS),
    _pages("personal_data_held personal_data_file personal_data_erase", ADMINISTRATORS, "somebody"),
    # what DingTalk calls
    _pages(
        "event_callback",
        ANYBODY,
        "app",
        unchecked="DingTalk signs what it sends",
        unpublished="an app that hears no events by a callback has no such address",
    ),
    # the API
    _calls("description missing", ANYBODY, unpublished="where nothing is, it says so"),
    _calls("app_list conference_list book_list", ORGANIZERS),
    _calls("invitation_list attempt_list", SIGNED_IN),
    _calls("conference_detail", THEIRS, "in_the_api"),
    _calls("group_list contact_list contact_detail", THEIRS, "in_the_api"),
    _calls("invitation_detail invitation_people attempt_detail", READERS, "in_the_api"),
    _calls("conference_create", ORGANIZERS, method="post", data={"title": "Weekly review"}),
    _calls("conference_register", ORGANIZERS, method="post", data={"conferenceId": "c0ffee"}),
    _calls(
        "invitation_create", THEIRS, "in_the_api", method="post", data={"inviteeList": [{"unionId": "u1"}]}
    ),
    _calls("contact_create", THEIRS, "in_the_api", method="post", data={"nick": "Ada", "unionId": "u2"}),
    _calls("contact_edit", THEIRS, "in_the_api", method="patch", data={"nick": "Ada"}),
)

ADMIN = Rule(
    who=ADMINISTRATORS,
    of="in_the_admin",
    unpublished="what can only be looked at is refused to be changed there",
)
"""Of everything in Django's admin; `tests.invites.test_admin` says what can be done there."""
