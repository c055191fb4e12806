"""The state file: what stays the same over restarts, and what may change."""

import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from taggedimages.engines import state
from taggedimages.engines.state import AlreadyRunning, StateLost


def test_before_the_first_start_there_is_no_state(tmp_path: Path) -> None:
    assert state.load(tmp_path) is None


def test_the_state_is_made_once(tmp_path: Path) -> None:
    made = state.load_or_create(tmp_path / "data")

    assert len(made.secret_key) >= 50
    assert state.load_or_create(tmp_path / "data") == made == state.load(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_only_a_taken_port_is_replaced(tmp_path: Path) -> None:
    first = state.load_or_create(tmp_path)

    with socket.create_server(("127.0.0.1", first.postgres_port)):
        second = state.load_or_create(tmp_path)

    assert second.postgres_port != first.postgres_port
    assert {**second.ports, "postgres": 0} == {**first.ports, "postgres": 0}
    assert state.load(tmp_path) == second


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no server could listen there")
def test_a_port_that_was_chosen_is_kept_from_others_until_a_server_listens(tmp_path: Path) -> None:
    known = state.load_or_create(tmp_path)

    for port in (state.free_port(), known.admin_grpc_port, *known.ports.values()):
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):
            socket.create_connection(("127.0.0.1", port)).close()


def test_not_too_many_ports_are_kept() -> None:
    for _ in range(state.KEPT_MAX + 1):
        state.free_port()

    assert len(state._kept) <= state.KEPT_MAX


def test_no_engine_is_given_the_port_at_which_the_api_is_to_listen(tmp_path: Path) -> None:
    first = state.load_or_create(tmp_path)
    api = first.postgres_port

    second = state.load_or_create(tmp_path, api)

    assert api not in second.ports.values()
    assert {**second.ports, "postgres": api} == first.ports


@pytest.mark.parametrize("holder", ["the API", "somebody else"])
def test_the_port_that_the_store_adds_by_itself_is_free_as_well(
    tmp_path: Path, holder: str
) -> None:
    first = state.load_or_create(tmp_path)
    added = first.admin_grpc_port

    if holder == "the API":
        second = state.load_or_create(tmp_path, added)
    else:
        with socket.create_server(("127.0.0.1", added)):
            second = state.load_or_create(tmp_path)

    assert second.admin_grpc_port != added
    assert {**second.ports, "admin": 0} == {**first.ports, "admin": 0}


def test_ports_that_two_would_listen_at_are_dealt_out_anew(tmp_path: Path) -> None:
    first = state.load_or_create(tmp_path)
    twice = {**first.ports, "filer": first.ports["volume"], "admin": 15_000, "filer_grpc": 25_000}
    state.save(tmp_path, replace(first, ports=twice))

    second = state.load_or_create(tmp_path)

    listening = {*second.ports.values(), second.admin_grpc_port}
    assert len(listening) == len(state.PORT_NAMES) + 1
    assert second.ports["volume"] == first.ports["volume"]


def test_data_without_its_keys_is_not_started_over(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()

    with pytest.raises(StateLost, match=r"state\.json"):
        state.load_or_create(tmp_path)


def test_a_held_folder_says_who_holds_it(tmp_path: Path) -> None:
    with (
        state.held(tmp_path, "http://127.0.0.1:8000"),
        pytest.raises(AlreadyRunning, match=r"pid \d+, http://127.0.0.1:8000"),
        state.held(tmp_path, "http://127.0.0.1:8001"),
    ):
        pass

    with state.held(tmp_path, "http://127.0.0.1:8002"):
        pass


def test_a_state_file_that_was_cut_off_is_made_up_for_wherever_it_was_cut(tmp_path: Path) -> None:
    made = state.load_or_create(tmp_path)
    (tmp_path / "postgres").mkdir()
    whole = (tmp_path / "state.json").read_bytes()

    for name in ("state.json", "state.json.copy"):
        for length in range(len(whole)):
            (tmp_path / name).write_bytes(whole[:length])
            assert state.load(tmp_path) == made
            if length % 100 == 0:
                assert state.load_or_create(tmp_path) == made
                assert (tmp_path / name).read_bytes() == whole
        (tmp_path / name).write_bytes(whole)


def test_a_state_file_of_an_earlier_version_gets_its_copy(tmp_path: Path) -> None:
    made = state.load_or_create(tmp_path)
    (tmp_path / "state.json.copy").unlink()

    assert state.load_or_create(tmp_path) == made
    assert (tmp_path / "state.json.copy").stat().st_mode & 0o777 == 0o600


def test_without_either_what_was_cut_off_is_said(tmp_path: Path) -> None:
    state.load_or_create(tmp_path)
    (tmp_path / "postgres").mkdir()
    for name in ("state.json", "state.json.copy"):
        (tmp_path / name).write_text("{")

    with pytest.raises(StateLost, match="cut off"):
        state.load_or_create(tmp_path)
