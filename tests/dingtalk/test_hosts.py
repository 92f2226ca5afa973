"""Where connections may lead: judged by the address that is connected to, whatever name or form leads there."""

import socket

import pytest

from invites.dingtalk import ANYWHERE, DingTalkClient, FixedToken, NotSent, Reach, Timeouts, network
from invites.dingtalk.hosts import reach_of
from tests.dingtalk.calling import TOKEN, invite
from tests.dingtalk.loopback import RawServer, raw_server, receive

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"success":true}'


def answer(connection: socket.socket, server: RawServer) -> None:
    while receive(connection, server):
        connection.sendall(ANSWER)


def client_of(url: str, reach: Reach) -> DingTalkClient:
    return DingTalkClient(base_url=url, tokens=FixedToken(TOKEN), timeouts=Timeouts(), reach=reach)


class TestAddresses:
    @pytest.mark.parametrize(
        "address", ["93.184.215.14", "2606:4700::6810:84e5", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"]
    )
    def test_public_ones_are_public(self, address: str) -> None:
        assert reach_of(address) == Reach.PUBLIC

    @pytest.mark.parametrize("address", ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"])
    def test_this_machine_is_told_apart(self, address: str) -> None:
        assert reach_of(address) == Reach.LOOPBACK

    @pytest.mark.parametrize(
        "address",
        [
            *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"),
            # Where clouds tell a machine its secrets, and other link-local addresses.
            *("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fe80::1", "fe80::1%eth0"),
            # Of carriers, for tests, for benchmarks, for groups, for nobody.
            *("100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.1"),
            *("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1", "240.0.0.1", "255.255.255.255"),
            *("0.0.0.0", "0.1.2.3", "::", "fec0::1", "2001:db8::1", "100::1"),
            # IPv4 in the clothes of IPv6.
            *(
                "::ffff:10.0.0.1",
                "::ffff:169.254.169.254",
                "64:ff9b::a9fe:a9fe",
                "2002:a00:1::",
                "::10.0.0.1",
            ),
        ],
    )
    def test_everything_else_is_private(self, address: str) -> None:
        assert reach_of(address) == Reach.PRIVATE


class TestConnections:
    @pytest.mark.parametrize("reach", [Reach.PUBLIC, Reach.PRIVATE, Reach.PUBLIC | Reach.PRIVATE])
    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "017700000001", "127.1"]
    )
    def test_nothing_connects_beyond_its_reach_however_the_host_is_written(
        self, host: str, reach: Reach
    ) -> None:
        with raw_server(answer) as server:
            url = server.url.replace("127.0.0.1", host)
            with client_of(url, reach) as client, pytest.raises(NotSent) as refused:
                invite(client)
            assert refused.value.code == "hostNotAllowed"
            assert (server.connections, server.requests) == (0, [])

    @pytest.mark.parametrize("reach", [Reach.LOOPBACK, Reach.PUBLIC | Reach.LOOPBACK, ANYWHERE])
    def test_what_is_allowed_is_reached(self, reach: Reach) -> None:
        with raw_server(answer) as server, client_of(server.url, reach) as client:
            assert invite(client).http_status == 200

    def test_name_that_leads_elsewhere_the_second_time_gains_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with raw_server(answer) as server:
            port = int(server.url.rpartition(":")[2])
            # The first look-up is that of the form, which saves the host; the second that of the connection.
            told = [[("93.184.215.14", 443)], [("127.0.0.1", port)]]
            found = {each: [(socket.AF_INET, address) for address in told[each]] for each in range(2)}
            asked = iter(found.values())
            monkeypatch.setattr(network, "_addresses", lambda *_: next(asked))
            assert [reach_of(each) for each in network.look_up("x.invalid", timeout=1)] == [Reach.PUBLIC]
            with client_of(f"http://x.invalid:{port}", Reach.PUBLIC) as client, pytest.raises(NotSent):
                invite(client)
            assert server.connections == 0

    def test_address_that_is_allowed_is_taken_beside_one_that_is_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with raw_server(answer) as server:
            port = int(server.url.rpartition(":")[2])
            both = [(socket.AF_INET, ("169.254.169.254", port)), (socket.AF_INET, ("127.0.0.1", port))]
            monkeypatch.setattr(network, "_addresses", lambda *_: both)
            with client_of(f"http://x.invalid:{port}", Reach.LOOPBACK) as client:
                assert invite(client).http_status == 200

    def test_older_interface_has_no_longer_reach(self) -> None:
        with raw_server(answer) as server:
            client = DingTalkClient(
                base_url="https://dingtalk.invalid",
                old_base_url=server.url,
                tokens=FixedToken(TOKEN),
                reach=Reach.PUBLIC,
            )
            with client, pytest.raises(NotSent) as refused:
                client.directory.list_departments()
            assert (refused.value.code, server.connections) == ("hostNotAllowed", 0)
