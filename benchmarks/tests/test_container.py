"""The container's command is found in the Dockerfile. No time is asserted."""

from benchmarks import container
from benchmarks.__main__ import COMMANDS
from taggedimages.engines.state import CHECKOUT


def test_the_command_is_the_dockerfiles_on_this_machine_alone():
    words = container.command(port=8123)
    assert words[1:] == [
        *("-m", "taggedimages.serving", "--host", "127.0.0.1", "--port", "8123"),
    ]
    assert '"0.0.0.0"' in (CHECKOUT / "Dockerfile").read_text()
    assert "container" in COMMANDS
