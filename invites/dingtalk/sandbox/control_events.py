"""The sandbox's own endpoints for events: what was sent, and how to replay, forge, hold back and reorder it."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from invites.dingtalk.sandbox.announcing import Announcement, older
from invites.dingtalk.sandbox.answers import Answer, json_answer
from invites.dingtalk.sandbox.exchange import Exchange

DAY: Final = 24 * 3600.0

type Fields = Mapping[str, object]


def list_events(exchange: Exchange, _: Fields) -> Answer:
    """What was announced, and who listens."""
    sent = [
        {"eventId": each.event_id, "eventType": each.kind, "bornAt": each.born_at, "data": dict(each.data)}
        for each in exchange.announcer.sent()
        if not each.only_for
    ]
    listening = {"connections": exchange.gateway.connected(), "unconfirmed": exchange.gateway.unconfirmed()}
    return json_answer({"events": sent, **listening})


def change_events(exchange: Exchange, fields: Fields) -> Answer:
    """Does one thing with events; `action` says which."""
    act = _ACTIONS.get(str(fields.get("action")))
    if act is None:
        return json_answer(
            {"error": f"action is one of {', '.join(_ACTIONS)}"}, status=HTTPStatus.BAD_REQUEST
        )
    if not act(exchange, fields):
        return json_answer({"error": "there is no such event"}, status=HTTPStatus.NOT_FOUND)
    exchange.note_control(f"events {fields['action']}")
    return list_events(exchange, fields)


def set_callback(exchange: Exchange, fields: Fields) -> Answer:
    """Says where events are posted to from now on."""
    texts = [str(fields.get(name, "")) for name in ("url", "token", "aesKey", "receiver")]
    try:
        exchange.pusher.push_to(texts[0], token=texts[1], aes_key=texts[2], receiver=texts[3])
    except ValueError as error:
        return json_answer({"error": str(error)}, status=HTTPStatus.BAD_REQUEST)
    exchange.announcer.begin()
    exchange.note_control("callback set")
    checked = exchange.pusher.check()
    return json_answer({"checked": checked is not None and checked.taken})


def clear_callback(exchange: Exchange, _: Fields) -> Answer:
    """Posts nothing from now on."""
    exchange.pusher.push_nowhere()
    return json_answer({})


def _hold(exchange: Exchange, _: Fields) -> bool:
    exchange.announcer.hold()
    return True


def _release(exchange: Exchange, fields: Fields) -> bool:
    times = fields.get("times", 1)
    exchange.announcer.release(
        backwards=fields.get("backwards") is True, times=times if isinstance(times, int) else 1
    )
    return True


def _replay(exchange: Exchange, fields: Fields) -> bool:
    return exchange.announcer.replay(str(fields.get("eventId", "")))


def _replay_old(exchange: Exchange, fields: Fields) -> bool:
    """The last event under another id, as if it were of some days ago."""
    days = fields.get("days", 8)
    seconds = (days if isinstance(days, int | float) else 8) * DAY
    return _with_last(exchange, lambda last: exchange.announcer.deliver(older(last, seconds=seconds)))


def _forge(exchange: Exchange, _: Fields) -> bool:
    return _with_last(exchange, lambda last: exchange.pusher.forge(older(last, seconds=0.0)))


def _with_last(exchange: Exchange, act: Callable[[Announcement], object]) -> bool:
    sent = exchange.announcer.sent()
    for last in sent[-1:]:
        act(last)
    return bool(sent)


def _ticket(exchange: Exchange, fields: Fields) -> bool:
    exchange.issue_ticket(str(fields.get("ticket", "")))
    return True


def _disconnect(exchange: Exchange, _: Fields) -> bool:
    exchange.gateway.ask_to_reconnect()
    return True


def _cut(exchange: Exchange, _: Fields) -> bool:
    exchange.gateway.cut()
    return True


_ACTIONS: Final[Mapping[str, Callable[[Exchange, Fields], bool]]] = {
    "hold": _hold,
    "release": _release,
    "replay": _replay,
    "replay_old": _replay_old,
    "forge": _forge,
    "ticket": _ticket,
    "disconnect": _disconnect,
    "cut": _cut,
}
