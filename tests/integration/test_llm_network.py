"""Names and addresses, TLS, a proxy, and TLS inside a proxy's TLS, over real sockets."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading

import pytest

import llm.pool
from errors import ModelUnreachable
from llm import Call, CallCancelled
from testing.model_client import ask, client_for, question
from testing.model_server import ModelServer, Reply


class Relay:
    """Takes connections, in TLS where it has a certificate, and joins each to a port of this machine.

    With `target` unset it is a proxy: it waits for CONNECT, and joins to whatever port is named.
    """

    def __init__(self, certificate=None, target=None, status="200 OK"):
        self.target, self.status = target, status
        self.connects: list[str] = []
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate[1], certificate[0])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self.listener.accept()
                thread = threading.Thread(target=self.serve, args=(plain,))
                self.threads.append(thread)
                thread.start()

    def serve(self, near):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            near = stack.enter_context(
                self.context.wrap_socket(near, server_side=True) if self.context else near
            )
            self.open.append(near)
            port = self.target or self.proxied(near)
            far = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            self.open.append(far)
            back = threading.Thread(target=self.pump, args=(far, near))
            back.start()
            self.pump(near, far)
            back.join()

    def proxied(self, near):
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += near.recv(1)
        self.connects.append(request.decode())
        near.sendall(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
        if not self.status.startswith("200"):
            raise ConnectionAbortedError
        return int(request.split()[1].rpartition(b":")[2])

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()


@pytest.fixture
def secure(server, certificate):
    """The port of the model server behind TLS."""
    with contextlib.closing(Relay(certificate, int(server.root.rpartition(":")[2]))) as relay:
        yield relay.port


def test_a_call_over_tls_keeps_its_connection(server, secure, trusted):
    server.reply_with(Reply(text="secret " * 20_000), Reply(text="again"))
    with contextlib.closing(client_for(f"https://127.0.0.1:{secure}")) as client:
        assert ask(client, "x" * 200_000).text == "secret " * 20_000
        assert ask(client).text == "again"

    assert len({request.connection for request in server.requests}) == 1


def test_a_certificate_that_nobody_vouches_for_is_unreachable(secure):
    client = client_for(f"https://127.0.0.1:{secure}")
    with contextlib.closing(client), pytest.raises(ModelUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        ask(client)


def test_a_plain_server_behind_https_is_unreachable(server):
    client = client_for(server.url.replace("http:", "https:"))
    with contextlib.closing(client), pytest.raises(ModelUnreachable):
        ask(client)


def test_a_cancel_ends_a_call_over_tls(server, secure, trusted):
    hold, call = threading.Event(), Call()
    server.reply_with(Reply(hold=hold))
    with contextlib.closing(client_for(f"https://127.0.0.1:{secure}")) as client:

        def cancel_when_asked() -> None:
            server.wait_for_requests(1)
            call.cancel()

        canceller = threading.Thread(target=cancel_when_asked)
        canceller.start()
        with pytest.raises(CallCancelled):
            client.complete(question(), on_text=print, call=call)
        canceller.join()

    assert not hold.is_set()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_call_through_a_proxy_is_tls_inside(server, secure, certificate, trusted, scheme):
    with contextlib.closing(Relay(certificate if scheme == "https" else None)) as proxy:
        client = client_for(
            f"https://models.test:{secure}", llm_proxy=f"{scheme}://me:pass@127.0.0.1:{proxy.port}"
        )
        with contextlib.closing(client):
            assert ask(client).text == "ok"
            assert ask(client).text == "ok"

    assert len(proxy.connects) == 1
    assert proxy.connects[0].startswith(f"CONNECT models.test:{secure} ")
    assert "bWU6cGFzcw==" in proxy.connects[0]


def test_a_proxy_that_refuses_is_named_without_its_password(secure):
    with contextlib.closing(Relay(status="407 Proxy Authentication Required")) as proxy:
        client = client_for(
            f"https://models.test:{secure}", llm_proxy=f"http://me:pass@127.0.0.1:{proxy.port}"
        )
        with contextlib.closing(client), pytest.raises(ModelUnreachable, match="SKEP_LLM_PROXY") as caught:
            ask(client)

    assert "407" in caught.value.message
    assert "pass@" not in caught.value.message


def test_localhost_is_reached_without_asking_a_name_server(server, monkeypatch):
    def never(*_args, **_kwargs):
        raise AssertionError("asked")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with contextlib.closing(client_for(server.url.replace("127.0.0.1", "localhost"))) as client:
        assert ask(client).text == "ok"


def test_the_next_address_is_tried_where_the_first_is_dead(server, secure, trusted, monkeypatch):
    """`models.test` has two addresses, and on the first nothing listens."""
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, secure)) for host in ("127.9.9.9", "127.0.0.1")
    ]
    real = socket.getaddrinfo
    # The relay of this test looks its own addresses up, too.
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **options: found if host == "models.test" else real(host, *rest, **options),
    )
    url = f"https://models.test:{secure}"
    with contextlib.closing(client_for(url, llm_private_addresses="allow")) as client:
        assert ask(client).text == "ok"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "https://models.test"])
def test_a_process_without_descriptors_has_not_begun_the_call(address, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socketpair", full)
    client = client_for(address)
    with contextlib.closing(client), pytest.raises(ModelUnreachable, match="Too many open files"):
        ask(client)


def test_a_connection_that_is_idle_for_long_is_closed(server, monkeypatch):
    monkeypatch.setattr(llm.pool, "KEEP_ALIVE_S", -1.0)
    with contextlib.closing(client_for(server.url)) as client:
        ask(client)
        ask(client)

    assert len({request.connection for request in server.requests}) == 2


# -- where a name leads ------------------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch):
    """A name server that says what the test wants; each name it was asked for is kept."""
    answers: dict[str, list[str]] = {}
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host, port, *rest, **options):
        if host not in answers:
            return real(host, port, *rest, **options)
        asked.append(host)
        kinds = [(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in answers[host]]
        return [(family, socket.SOCK_STREAM, 6, "", (one, port)) for family, one in kinds]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    answers["asked"] = asked
    return answers


def reached(url: str, **settings: str) -> str:
    """What came of a call: nothing, or the sentence."""
    with contextlib.closing(client_for(url, llm_connect_timeout_s=0.2, **settings)) as client:
        try:
            ask(client)
        except ModelUnreachable as error:
            return error.message
    return ""


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.8",
        "192.168.1.5",
        "127.0.0.1",
        "::1",
        "fd12::1",
        "100.64.1.1",
        "::ffff:10.0.0.8",
        "64:ff9b::a00:8",
    ],
)
def test_a_name_that_leads_into_a_private_network_is_not_followed(told, address) -> None:
    told["models.example"] = [address]

    assert f"it leads to {address}, in a private network" in reached("https://models.example/v1")


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "168.63.129.16", "100.100.100.200", "0.0.0.0"]
)
def test_a_name_that_leads_to_a_metadata_service_is_never_followed(told, address) -> None:
    told["models.example"] = [address]

    assert f"it leads to {address}" in reached("https://models.example/v1", llm_private_addresses="allow")


def test_one_bad_address_among_good_ones_is_enough(told) -> None:
    told["models.example"] = ["8.8.8.8", "10.0.0.8"]

    assert "it leads to " in reached("https://models.example/v1")


def test_a_private_address_that_is_written_out_is_one_too() -> None:
    assert "in a private network" in reached("https://192.168.1.5/v1")


def test_this_machine_is_reached_by_its_own_names_alone(told) -> None:
    with ModelServer() as server:
        port = server.root.rpartition(":")[2]
        told["localhost"] = ["203.0.113.9"]

        assert reached(f"http://localhost:{port}/v1") == ""
    assert told["asked"] == []


def test_what_was_looked_at_is_what_is_connected_to(told, server, secure, trusted) -> None:
    """A name server that changes its mind gets one question a connection, so there is no second answer."""
    told["models.test"] = ["127.0.0.1"]
    url = f"https://models.test:{secure}"
    with contextlib.closing(client_for(url, llm_private_addresses="allow")) as client:
        assert ask(client).text == "ok"

    assert told["asked"] == ["models.test"]
    assert server.requests[0].headers["host"] == f"models.test:{secure}"
