"""How the supervisor treats parts that die; the parts are tiny programs of the tests."""

from pathlib import Path

import pytest

from taggedimages.engines import process
from taggedimages.engines.process import Part
from taggedimages.engines.supervisor import PartLost, Stopped, Supervisor


def shell(folder: Path, script: str, name: str = "tiny") -> Part:
    return Part(name=name, title="Tiny", argv=["sh", "-c", script], env={}, folder=folder)


def test_a_part_that_never_runs_is_given_up_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taggedimages.engines.supervisor.PAUSES", (0, 0))
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.launch(shell(tmp_path, "echo no such file; exit 3"))

    with pytest.raises(PartLost) as lost:
        supervisor.watch()

    assert "exit code 3, 3 times in a row" in str(lost.value)
    assert "    no such file" in str(lost.value)
    assert said.count("Tiny ended (exit code 3); starting it again") == 2


def test_children_that_outlive_their_master_are_ended_before_it_is_launched_again(
    tmp_path: Path,
) -> None:
    once = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 60 & exit 1; }}"
    supervisor = Supervisor(lambda line: None)
    part = shell(tmp_path, f"{once}; exec sleep 61")
    supervisor.launch(part)

    while not supervisor.parts[0].restarts:
        supervisor.tick()

    assert [p.cmdline()[-1] for p in process.of_part(part) if p.name() == "sleep"] in ([], ["61"])
    supervisor.stop()
    assert process.of_part(part) == []


def test_a_part_that_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda line: None)
    part = Part(
        name="deaf",
        title="Deaf",
        argv=["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"],
        env={},
        folder=tmp_path,
        ready=lambda: part.log.read_text() == "deaf\n",
        stop_seconds=0.2,
    )
    supervisor.launch(part)
    supervisor.wait_until_ready()

    supervisor.stop()

    assert process.of_part(part) == []


def test_a_command_relays_its_lines_and_its_exit_code(tmp_path: Path) -> None:
    lines: list[str] = []

    code = Supervisor(lines.append).run(shell(tmp_path, "echo one; echo two; exit 4"), lines.append)

    assert (code, lines) == (4, ["one", "two"])


def test_a_stop_during_a_command_ends_it(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda line: None)
    part = shell(tmp_path, "echo started; sleep 60")

    def stop(line: str) -> None:
        supervisor.stopping = True

    with pytest.raises(Stopped):
        supervisor.run(part, stop)

    assert process.of_part(part) == []


def test_logs_are_bounded_while_their_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    with log.open("a") as writer:
        writer.write("x" * (process.MAX_LOG_BYTES + 1))
        writer.flush()
        process.bound_log(log)
        writer.write("later")

    assert log.read_text() == "later"
    assert (tmp_path / "part.log.1").stat().st_size == process.MAX_LOG_BYTES + 1
