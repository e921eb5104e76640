"""The courier: delivers to permitted addresses, believes nobody, and is back in time."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.courier import BODY_MAX_BYTES, Courier
from tests.receivers import LOOPBACK, receiver
from vault.model.destinations import Destinations, read_networks
from vault.webhooks import Parcel, Undelivered

HERE = Destinations(https_only=False, networks=read_networks("127.0.0.1/32"))
# Long enough for whoever answers, short enough to wait for who does not.
PATIENT_S, SHORT_S = 30.0, 0.3


def courier(
    destinations: Destinations = HERE, deadline_s: float = PATIENT_S, tls: ssl.SSLContext | None = None
) -> Courier:
    return Courier(destinations, tls or ssl.create_default_context(), "9.9.9", deadline_s)


def parcel(url: str, body: bytes = b"{}") -> Parcel:
    return Parcel(url, {"Content-Type": "application/json", "Certvault-Delivery": "1"}, body)


def reason(who: Courier, url: str, body: bytes = b"{}") -> str:
    with pytest.raises(Undelivered) as caught:
        who.send(parcel(url, body))
    return caught.value.reason


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_parcel_arrives_as_it_was_handed_over(status: int) -> None:
    with receiver(status) as there:
        courier().send(parcel(there.url, b'{"x": 1}'))
        (got,) = there.received
    assert (got.path, got.body) == ("/hook?x=1", b'{"x": 1}')
    assert got.headers["Host"] == f"{LOOPBACK}:{there.server_address[1]}"
    assert got.headers["User-Agent"] == "certvault/9.9.9"
    assert got.headers["Certvault-Delivery"] == "1"


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_any_other_status_means_that_it_did_not_arrive(status: int) -> None:
    with receiver(status) as there:
        assert reason(courier(), there.url) == f"status-{status}"


def test_a_redirect_is_not_followed() -> None:
    with receiver() as target, receiver(target.url) as there:
        assert reason(courier(), there.url) == "redirect-307"
        assert (len(there.received), target.connections) == (1, 0)


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_who_takes_too_long_is_left(how: str) -> None:
    with receiver(how) as there:
        assert reason(courier(deadline_s=SHORT_S), there.url) == "timeout"
        assert len(there.received) == 1


def test_who_never_stops_answering_is_not_listened_to() -> None:
    with receiver("endless") as there:
        courier().send(parcel(there.url))


def test_a_connection_that_breaks() -> None:
    with receiver("reset") as there:
        assert reason(courier(), there.url) == "connection-lost"


def test_nobody_listens_there() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    assert reason(courier(), f"http://{LOOPBACK}:{port}/") == "no-connection"


def test_what_answers_is_no_web_server() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        listening.settimeout(PATIENT_S)

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert reason(courier(), f"http://{LOOPBACK}:{listening.getsockname()[1]}/") == "not-http"
        thread.join()


def test_a_body_has_its_bound() -> None:
    with receiver() as there:
        assert reason(courier(), there.url, b"x" * (BODY_MAX_BYTES + 1)) == "body-too-large"
        assert there.connections == 0


@pytest.mark.parametrize("host", [LOOPBACK, "localhost", "2130706433", "127.1", "0x7f000001", "[::1]"])
def test_no_private_address_unless_it_is_configured(host: str) -> None:
    with receiver() as there:
        url = f"http://{host}:{there.server_address[1]}/"
        assert reason(courier(Destinations(https_only=False)), url) == "refused-address"
        assert there.connections == 0


def test_no_http_where_https_is_asked_for() -> None:
    with receiver() as there:
        strict = Destinations(https_only=True, networks=HERE.networks)
        assert reason(courier(strict), there.url) == "refused-address"
        assert there.connections == 0


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Gives names addresses, another list at every question; numbers are left to the real one."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answers(*lists: list[str]) -> list[str]:
        rounds = list(lists)

        def resolve(host: str, port: int, *more: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
            if not host.endswith(".example"):
                return real(host, port, *more, **named)
            asked.append(host)
            addresses = rounds.pop(0) if len(rounds) > 1 else rounds[0]
            if not addresses:
                raise socket.gaierror
            return [found for address in addresses for found in real(address, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return asked

    yield answers
    monkeypatch.undo()


def test_a_name_that_changes_its_address_gains_nothing(resolver: Callable[..., list[str]]) -> None:
    """DNS rebinding: looked up once, judged, and that address is connected to."""
    asked = resolver([LOOPBACK], ["127.0.0.2"])
    with receiver() as there:
        port = there.server_address[1]
        courier().send(parcel(f"http://rebinding.example:{port}/"))
        assert asked == ["rebinding.example"]
        assert there.received[0].headers["Host"] == f"rebinding.example:{port}"
        assert reason(courier(), f"http://rebinding.example:{port}/") == "refused-address"
        assert there.connections == 1


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["::ffff:127.0.0.2"], ["fe80::1"], ["169.254.169.254"]])
def test_a_name_that_leads_inside_is_refused(
    resolver: Callable[..., list[str]], addresses: list[str]
) -> None:
    resolver(addresses)
    assert reason(courier(), "http://inside.example:1/") == "refused-address"


def test_of_several_addresses_only_permitted_ones_are_used(resolver: Callable[..., list[str]]) -> None:
    resolver(["127.0.0.2", LOOPBACK])
    with receiver() as there:
        courier().send(parcel(f"http://several.example:{there.server_address[1]}/"))
        assert there.connections == 1


def test_a_name_that_leads_nowhere(resolver: Callable[..., list[str]]) -> None:
    resolver([])
    assert reason(courier(), "http://nowhere.example/") == "unresolved"


# --- TLS ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of receiver.example, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.example")])
    now = datetime.now(UTC)
    found = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()) + found.public_bytes(pem))
    return path


def test_the_name_is_asked_for_and_proved_though_the_address_is_connected_to(
    certificate: Path, resolver: Callable[..., list[str]]
) -> None:
    resolver([LOOPBACK])
    asked_for: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    server.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))
    strict = Destinations(https_only=True, networks=HERE.networks)
    with receiver(tls=server) as there:
        port = there.server_address[1]
        courier(strict, tls=trusting).send(parcel(f"https://receiver.example:{port}/"))
        assert asked_for == ["receiver.example"]
        assert reason(courier(strict, tls=trusting), f"https://other.example:{port}/") == "tls"
        assert reason(courier(strict), f"https://receiver.example:{port}/") == "tls"
        assert len(there.received) == 1
