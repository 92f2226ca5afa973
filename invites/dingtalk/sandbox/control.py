"""The sandbox's own endpoints under /_sandbox: faults, tokens, the log, and a page that describes them.

Not part of DingTalk's contract; needs no token, since the sandbox listens on loopback only.
"""

import html
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Final

from invites.dingtalk.sandbox.answers import Answer, html_answer, json_answer
from invites.dingtalk.sandbox.company import WHOLE_COMPANY
from invites.dingtalk.sandbox.control_events import (
    change_events,
    clear_callback,
    list_events,
    set_callback,
)
from invites.dingtalk.sandbox.exchange import Exchange
from invites.dingtalk.sandbox.faults import Fault
from invites.dingtalk.sandbox.people import DEMO_ORGANIZER
from invites.dingtalk.sandbox.replies import KNOWN_CODES, SPOILERS
from invites.dingtalk.sandbox.routes import CONTROL_PREFIX, Operation

DEFAULT_TITLE: Final = "Sandbox conference"

type Fields = Mapping[str, object]


def control(exchange: Exchange, *, method: str, path: str, body: object) -> Answer:
    """Answer a request under /_sandbox. `body` is decoded JSON, None if there was none."""
    endpoint = _ENDPOINTS.get((method, path.removeprefix(CONTROL_PREFIX).rstrip("/")))
    if endpoint is None:
        return json_answer({"error": "no such control endpoint"}, status=HTTPStatus.NOT_FOUND)
    return endpoint(exchange, body if isinstance(body, dict) else {})


def _describe(exchange: Exchange, _: Fields) -> Answer:
    return html_answer(_page(exchange))


def _list_faults(exchange: Exchange, _: Fields) -> Answer:
    return json_answer({"faults": [fault.as_record() for fault in exchange.faults.waiting()]})


def _clear_faults(exchange: Exchange, _: Fields) -> Answer:
    exchange.faults.clear()
    exchange.note_control("faults cleared")
    return json_answer({"faults": []})


def _log(exchange: Exchange, _: Fields) -> Answer:
    return json_answer({"received": [each.as_record() for each in exchange.traffic.all()]})


def _clear_log(exchange: Exchange, _: Fields) -> Answer:
    exchange.traffic.clear()
    return json_answer({"received": []})


def _expire_tokens(exchange: Exchange, _: Fields) -> Answer:
    exchange.tokens.expire_all()
    exchange.note_control("tokens expired")
    return json_answer({"expired": True})


def _change_secret(exchange: Exchange, fields: Fields) -> Answer:
    client_secret = fields.get("clientSecret")
    if not (isinstance(client_secret, str) and client_secret):
        return json_answer({"error": "clientSecret is a string"}, status=HTTPStatus.BAD_REQUEST)
    exchange.credentials.change_secret(client_secret)
    exchange.note_control("client secret changed")
    return json_answer({"changed": True})


def _add_fault(exchange: Exchange, fields: Fields) -> Answer:
    try:
        fault = Fault.from_record(fields)
    except ValueError as error:
        return json_answer({"error": str(error)}, status=HTTPStatus.BAD_REQUEST)
    exchange.faults.add(fault)
    exchange.note_control(f"fault {fault.fault} on {fault.operation}")
    return json_answer({"fault": fault.as_record()}, status=HTTPStatus.CREATED)


def _add_conference(exchange: Exchange, fields: Fields) -> Answer:
    title, creator = fields.get("title", DEFAULT_TITLE), fields.get("creator", DEMO_ORGANIZER.union_id)
    conference_id = fields.get("conferenceId", "")
    if not (isinstance(title, str) and isinstance(creator, str) and isinstance(conference_id, str)):
        return json_answer(
            {"error": "title, creator and conferenceId are strings"}, status=HTTPStatus.BAD_REQUEST
        )
    if exchange.state.get(conference_id) is not None:
        return json_answer({"error": "this conference exists"}, status=HTTPStatus.CONFLICT)
    conference = exchange.state.create(title=title, creator=creator, people=(), conference_id=conference_id)
    found = {"conferenceId": conference.conference_id, "roomCode": conference.room_code}
    return json_answer(found, status=HTTPStatus.CREATED)


def _directory(exchange: Exchange, _: Fields) -> Answer:
    return json_answer({"people": [asdict(each) for each in exchange.company.colleagues()]})


def _change_directory(exchange: Exchange, fields: Fields) -> Answer:
    """Adds, removes or renames one colleague. The demo people of a linked book come and go like this."""
    texts = {name: fields.get(name, "") for name in ("action", "userId", "name")}
    phone_number, department_id = fields.get("phoneNumber"), fields.get("department", WHOLE_COMPANY)
    if not (
        all(isinstance(value, str) for value in texts.values())
        and isinstance(phone_number, str | None)
        and isinstance(department_id, int)
        and texts["userId"]
        and (texts["name"] or texts["action"] == "remove")
    ):
        error = "action, userId and name are strings, phoneNumber too; department is a number"
        return json_answer({"error": error}, status=HTTPStatus.BAD_REQUEST)
    action, user_id, name = (str(value) for value in texts.values())
    try:
        match action:
            case "add":
                changed = exchange.company.add(
                    name=name, department_id=department_id, user_id=user_id, phone_number=phone_number
                )
            case "remove":
                changed = exchange.company.remove(user_id)
            case "rename":
                changed = exchange.company.rename(user_id, name)
            case _:
                return json_answer(
                    {"error": "action is add, remove or rename"}, status=HTTPStatus.BAD_REQUEST
                )
    except ValueError as error:
        return json_answer({"error": str(error)}, status=HTTPStatus.CONFLICT)
    exchange.note_control(f"directory {action}")
    return json_answer({"person": asdict(changed)})


def _page(exchange: Exchange) -> str:
    conferences = "".join(
        f"<tr><td>{html.escape(each.title)}<td><code>{html.escape(each.conference_id)}</code><td>{each.room_code}"
        f"<td>{'running' if each.running else 'ended'}<td>{len(each.members)}"
        for each in exchange.state.conferences()
    )
    faults = "".join(
        f"<tr><td><code>{name}</code><td>{html.escape(each.about)}<td>{'yes' if each.takes_effect else 'no'}"
        for name, each in SPOILERS.items()
    )
    return _PAGE.format(
        conferences=conferences,
        faults=faults,
        codes=", ".join(f"<code>{code}</code>" for code in KNOWN_CODES),
        operations=", ".join(f"<code>{operation}</code>" for operation in Operation),
        waiting=len(exchange.faults.waiting()),
    )


_ENDPOINTS: Final[Mapping[tuple[str, str], Callable[[Exchange, Fields], Answer]]] = {
    ("GET", ""): _describe,
    ("GET", "/faults"): _list_faults,
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): _clear_faults,
    ("GET", "/log"): _log,
    ("DELETE", "/log"): _clear_log,
    ("POST", "/tokens/expire"): _expire_tokens,
    ("POST", "/secret"): _change_secret,
    ("POST", "/conferences"): _add_conference,
    ("GET", "/events"): list_events,
    ("POST", "/events"): change_events,
    ("POST", "/callback"): set_callback,
    ("DELETE", "/callback"): clear_callback,
    ("GET", "/directory"): _directory,
    ("POST", "/directory"): _change_directory,
}

_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>DingTalk sandbox</title></head><body>
<h1>DingTalk sandbox</h1>
<p>A stand-in for DingTalk's API. Nobody real is called from here. The guide is docs/sandbox.md.</p>
<h2>Conferences</h2>
<table><tr><th>Title<th>conferenceId<th>Meeting number<th>State<th>People called{conferences}</table>
<h2>Faults</h2>
<p>POST JSON to <code>/_sandbox/faults</code>: <code>fault</code> (below, or <code>code:</code> and an error code),
<code>operation</code> ({operations}, or <code>any</code>), <code>times</code>, <code>skip</code>, <code>effect</code>,
<code>seconds</code>, <code>status</code>, <code>message</code>, <code>retry_after</code>. Waiting now: {waiting}.
DELETE removes them.</p>
<table><tr><th>Fault<th>What is answered<th>People ring{faults}</table>
<p>Documented codes: {codes}</p>
<h2>Others</h2>
<p>GET <code>/_sandbox/log</code>, DELETE <code>/_sandbox/log</code>, POST <code>/_sandbox/tokens/expire</code>,
POST <code>/_sandbox/secret</code>,
POST <code>/_sandbox/conferences</code>, GET and POST <code>/_sandbox/directory</code>,
GET and POST <code>/_sandbox/events</code>, POST and DELETE <code>/_sandbox/callback</code>.</p>
</body></html>
"""
