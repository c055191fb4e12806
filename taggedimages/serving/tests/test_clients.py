"""What clients may send and how slowly they may read: the web front in a process of its own."""

import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.db import connection, transaction

from images.models import Image
from taggedimages.factories import make_image, make_pending
from taggedimages.serving.tests.conftest import SHORT, Front, read_all, running

pytestmark = pytest.mark.django_db(transaction=True)

SHAPES = {
    "/v1/tags": lambda status, answer: answer.json()["code"] == status,
    "/api/v2/images": lambda status, answer: set(answer.json()) == {"detail"},
    "/api/v1/tags": lambda status, answer: answer.headers["X-message"] and not answer.content,
    "/v2/clinic/images/tags": lambda status, answer: (
        set(answer.json()["error"]) == {"code", "message"}
    ),
}


def request(line: str, *headers: str) -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode("latin-1")


CLOSE = "Connection: close"
READ = request("GET /v1/images", CLOSE)


class TestBodies:
    def test_one_that_does_not_arrive_is_408_and_holds_no_thread(self, front: Front) -> None:
        slow = [
            front.connect(request("POST /v1/tags", "Content-Length: 100") + b"{")
            for _ in range(front_threads(front) * 4)
        ]
        assert front.get("/v1/images").status_code == 200
        for peer in slow:
            answer = read_all(peer)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'"code": 408' in answer
            assert b"connection: close" in answer.lower()

    def test_one_that_arrives_in_pieces_is_read_whole(self, front: Front) -> None:
        peer = front.connect(
            request("POST /v1/tags", "Content-Type: application/json", "Content-Length: 16", CLOSE)
        )
        for piece in (b'{"name":', b' "kne', b'e"}'):
            time.sleep(0.1)
            peer.sendall(piece)
        assert read_all(peer).startswith(b"HTTP/1.1 201 ")

    @pytest.mark.parametrize(
        ("path", "length", "status"),
        [
            ("/v1/tags", 2 * 1024**2, 413),
            ("/v1/upload/", 3 * 1024**2, 408),
            ("/v3/auth/tokens", 64 * 1024 + 1, 413),
            ("/admin/login/", 64 * 1024 + 1, 413),
            ("/v3/auth/tokens", 64 * 1024, 408),
        ],
    )
    def test_the_length_is_judged_before_it_is_read(self, front, path, length, status) -> None:
        answer = front.ask(request(f"POST {path}", f"Content-Length: {length}"))
        assert answer.startswith(b"HTTP/1.1 %d " % status)

    def test_one_of_untold_length_is_411(self, front: Front) -> None:
        answer = front.ask(request("POST /v1/tags", "Transfer-Encoding: chunked"))
        assert answer.startswith(b"HTTP/1.1 411 ")

    @pytest.mark.parametrize(
        "headers",
        [
            ("Content-Length: 3", "Content-Length: 4"),
            ("Content-Length: 3", "Transfer-Encoding: chunked"),
            ("Content-Length: +3",),
            ("Content-Length: 3, 3",),
            ("Transfer-Encoding: chunked, identity",),
        ],
    )
    def test_no_second_request_hides_in_one(self, front: Front, headers) -> None:
        hidden = b"0\r\n\r\n" + READ
        answer = front.ask(request("POST /v1/tags", *headers) + hidden)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer[9:10] == b"4"


class TestHeaders:
    def test_spellings_with_underscores_are_dropped(self, front: Front) -> None:
        for name in ("Content_Length: 99999999", "Transfer_Encoding: chunked", "X_Auth_Token: a"):
            assert front.ask(request("GET /v1/images", name, CLOSE))[9:12] == b"200"
        assert (
            front.ask(request("GET /v1/images", "Authorization: Bearer a", CLOSE))[9:12] == b"401"
        )

    @pytest.mark.parametrize("path", SHAPES)
    def test_values_that_are_not_ascii_are_400_in_each_shape(self, front: Front, path) -> None:
        answer = front.get(path, headers={"Accept": "\xe9".encode("latin-1")})
        assert answer.status_code == 400
        assert SHAPES[path](400, answer)

    @pytest.mark.parametrize("keys", [("a", "b"), ("a", "a"), ("", "a"), ("",)])
    @pytest.mark.parametrize("path", SHAPES)
    def test_two_keys_are_none_and_so_is_an_empty_one(self, front: Front, path, keys) -> None:
        length = ("Content-Length: 0", CLOSE)
        named = [f"Idempotency-Key: {key}" for key in keys]
        assert front.ask(request(f"GET {path}", *named, CLOSE))[9:12] != b"400"
        if path == "/v1/tags" or len(keys) > 1:
            assert front.ask(request(f"POST {path}", *named, *length))[9:12] == b"400"

    @pytest.mark.parametrize("token", ["schlüssel".encode(), b"\xff\xfe", b"", b"a, Bearer b"])
    @pytest.mark.parametrize(
        ("path", "header", "scheme"),
        [
            ("/v1/tags", "Authorization", b"Bearer "),
            ("/api/v1/tags", "Authorization", b"Token token="),
            ("/v2/clinic/images/tags", "X-Auth-Token", b""),
            ("/v2/clinic/images/tags", "Authorization", b"SDK-HMAC-SHA256 Access="),
        ],
    )
    def test_a_token_that_nothing_can_be_made_of_is_a_wrong_one(
        self, front: Front, path, header, scheme, token
    ) -> None:
        answer = front.get(path, headers={header: scheme + token})
        assert answer.status_code == 401
        assert SHAPES[path](401, answer)

    def test_to_atmosphere_a_wrong_token_is_none(self, front: Front) -> None:
        headers = {"Authorization": "TOKEN schlüssel".encode()}
        assert front.get("/api/v2/images", headers=headers).status_code == 200
        refused = front.request("POST", "/api/v2/tags", headers=headers, json={"name": "a"})
        assert refused.status_code == 403

    def test_an_address_that_is_not_ascii_is_400(self, front: Front) -> None:
        for target in ("/v1/images/\xe9", "/v1/images?filename=\xc3\xa9"):
            assert front.ask(request(f"GET {target}", CLOSE))[9:12] == b"400"

    def test_percent_signs_in_addresses_are_read_as_ever(self, front: Front) -> None:
        make_image("Ä")
        found = front.get("/v1/search/images?exact_tags=%C3%84").json()
        assert found["meta"]["total_results"] == 1
        assert front.get("/v1/images/%C3%84").status_code in {400, 404}

    def test_one_that_is_sent_twice_has_both_values(self, front: Front) -> None:
        twice = ("Authorization: Bearer a", "Authorization: Bearer a")
        assert front.ask(request("GET /v1/images", *twice, CLOSE))[9:12] == b"401"
        assert front.ask(request("GET /v1/images", "Host: localhost", CLOSE))[9:12] == b"400"

    @pytest.mark.parametrize("sent", [b"", b"GET /v1/images HTTP/1.1\r\nHost: local"])
    def test_a_head_that_does_not_arrive_ends_the_connection(self, front: Front, sent) -> None:
        slow = front.connect(sent)
        began = time.monotonic()
        try:
            while time.monotonic() < began + 8:
                slow.sendall(b"x" if sent else b"")
                slow.settimeout(0.2)
                try:
                    if not slow.recv(1000):
                        break
                except TimeoutError:
                    continue
        except OSError:
            pass
        assert time.monotonic() < began + 5

    def test_a_connection_that_is_kept_idle_is_ended(self, front: Front) -> None:
        assert read_all(front.connect(request("GET /healthz"))).endswith(b'{"status": "ok"}')


class TestAnswers:
    def test_a_head_has_the_length_and_no_body(self, front: Front) -> None:
        head, _, body = front.ask(request("HEAD /v1/images", CLOSE)).partition(b"\r\n\r\n")
        length = len(front.get("/v1/images").content)
        assert f"content-length: {length}".encode() in head.lower()
        assert body == b""

    def test_conditions_redirects_and_files(self, front: Front) -> None:
        image = make_image("knee")
        tag = front.get(f"/v1/images/{image.pk}").headers["ETag"]
        unchanged = front.get(f"/v1/images/{image.pk}", headers={"If-None-Match": tag})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert front.get("/admin/").status_code == 302
        file = front.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
        assert file.status_code == 200
        assert len(file.content) == int(file.headers["Content-Length"]) > 10**6
        part = front.get(
            "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js",
            headers={"Range": "bytes=5-9"},
        )
        assert (part.status_code, part.content) == (206, file.content[5:10])

    def test_slow_readers_hold_no_thread_and_are_ended(self, front: Front) -> None:
        file = request("GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
        # Pipelined, so that no buffer of the system's takes it all.
        slow = [front.connect(file * 40, buffer=4096) for _ in range(front_threads(front) * 4)]
        assert front.get("/v1/images").status_code == 200
        ports = {peer.getsockname()[1] for peer in slow}
        assert ports & ports_of_clients(front)
        assert eventually(lambda: not ports & ports_of_clients(front))

    def test_a_stream_comes_whole_and_gives_its_thread_back(self, front: Front) -> None:
        make_many(3000)
        whole = front.get("/v1/images", headers={"Accept": "application/x-ndjson"})
        assert len(whole.content.splitlines()) == 3000
        stream = request("GET /v1/images", "Accept: application/x-ndjson")
        gone = front.connect(stream, buffer=4096)
        assert gone.recv(100)
        gone.close()
        # There is no other one until it was noticed that its client is gone.
        assert eventually(lambda: front.connect(stream, buffer=4096).recv(12) == b"HTTP/1.1 200")
        # The only stream that there may be is this one's, until its client has been waited for.
        assert eventually(
            lambda: front.get("/v1/images", headers={"Accept": "application/x-ndjson"}).ok
        )

    def test_streams_that_nobody_reads_on_hold_no_thread_and_come_whole_later(
        self, environment
    ) -> None:
        slow_readers, images = 100, 2000
        # Without a file there is no URL, which would be signed anew for each.
        make_many(images, make_pending(filename=f"{'x' * 200}.png"))
        patient = dict.fromkeys(("TAGGEDIMAGES_SEND_SECONDS", "TAGGEDIMAGES_QUEUE_SECONDS"), "300")
        own = patient | {"TAGGEDIMAGES_MAX_STREAMS": str(slow_readers)}
        with running(environment | SHORT | own) as front, ThreadPoolExecutor(8) as clients:
            whole = front.get("/v1/images.ndjson").content
            assert len(whole.splitlines()) == images
            stream = request("GET /v1/images.ndjson", CLOSE)
            slow = [front.connect(stream, buffer=16_384) for _ in range(slow_readers)]
            begun = [peer.recv(1000) for peer in slow]
            # All of them are under way, so that there may be no other one.
            assert front.get("/v1/images.ndjson").status_code == 503
            pages = clients.map(front.get, ["/v1/images?limit=1"] * 40)
            assert {page.status_code for page in pages} == {200}
            for peer in slow[4:]:
                peer.close()
            ends = clients.map(read_all, slow[:4])
            for beginning, end in zip(begun[:4], ends, strict=True):
                assert of_chunks(beginning + end) == whole
            assert eventually(lambda: front.get("/v1/images.ndjson").content == whole)
            for peer in slow[:4]:
                peer.close()


class TestQueue:
    def test_more_requests_than_threads_wait_and_are_answered(self, front: Front) -> None:
        with ThreadPoolExecutor(12) as clients:
            answers = list(clients.map(lambda _: front.get("/v1/images").status_code, range(36)))
        assert set(answers) == {200}

    def test_who_waits_for_too_long_is_told_to_come_again(self, front: Front) -> None:
        image = make_image("knee")
        with ThreadPoolExecutor(10) as clients, transaction.atomic():
            Image.objects.select_for_update().get(pk=image.pk)
            holding = [
                front.connect(
                    request(f"DELETE /v1/images/{image.pk}", "Connection: close"),
                )
                for _ in range(front_threads(front))
            ]
            time.sleep(0.3)
            refused = dict(zip(SHAPES, clients.map(front.get, SHAPES), strict=True))
            assert front.get("/healthz").status_code == 200
            assert front.get("/readyz").status_code == 200
        assert [read_all(peer)[9:12] for peer in holding]
        for path, answer in refused.items():
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "2"
            assert SHAPES[path](503, answer)
        assert front.get("/v1/images").status_code == 200


def front_threads(front: Front) -> int:
    """How many requests it runs at a time."""
    return 2


def of_chunks(answer: bytes) -> bytes:
    """The body of an answer in chunks, which has to come to its end."""
    body, (_, _, rest) = b"", answer.partition(b"\r\n\r\n")
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body
        body, rest = body + rest[:length], rest[length + 2 :]


def make_many(count: int, first: Image | None = None) -> None:
    """So many images, of one kind."""
    first = first or make_image()
    made = {"uuid": "gen_random_uuid()", "key": "key || n"}
    columns = [str(f.column) for f in Image._meta.concrete_fields if not f.primary_key]
    shown = ", ".join(made.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO images_image ({', '.join(columns)})"
            f" SELECT {shown} FROM images_image, generate_series(2, %s) n WHERE id = %s",
            [count, first.pk],
        )


def eventually(condition) -> bool:
    until = time.monotonic() + 8
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def ports_of_clients(front: Front) -> set[int]:
    """The other ends of all connections that it has."""
    connections = [c for worker in front.workers for c in worker.net_connections("tcp4")]
    return {c.raddr.port for c in connections if c.raddr and c.status != psutil.CONN_CLOSE_WAIT}
