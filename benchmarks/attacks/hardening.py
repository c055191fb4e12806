"""Tools that look for known holes: each first on a planted one, then on the service and its code.

They are no requirements of this project: their commands are taken from folders that are given.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attacks import planted
from benchmarks.stamp import Say
from taggedimages.engines.state import CHECKOUT

APPS = "images", "tags", "search", "taggedimages"
PLANTED_SECONDS = 90
# Those left out have the service call a host of wapiti's makers.
MODULES = "all,-ssrf,-xxe,-log4shell"
# Queries whose parameters are tried, one URL after the other.
INJECTED = (
    "/v1/search/images?match_tags=a*&exact_tags=b*&order=newest*&limit=2*",
    "/v1/images?filename=a*&any_tags=b*&not_tags=c*&min_size=1*&format=png*&cursor=x*",
    "/v1/tags?limit=2*&page=0*",
    "/api/v2/images?search=a*&tag_name=b*&created_by=c*&ordering=name*",
    "/api/v2/image_tags?image=1*&tag=1*&tag__name=b*&page_size=2*",
    "/api/v1/tags/autocomplete?q=a*&filters=*",
    "/v2/images?name=a*&tag=b*&marker=c*&status=active*",
)
INJECTABLE = re.compile(
    r"^Parameter: |is vulnerable|appears to be '[^']*' injectable", re.MULTILINE
)


@dataclass(frozen=True)
class Result:
    """What a tool found; None where it could not be run, and why in `note`."""

    tool: str
    where: str
    findings: int | None
    note: str = ""


class Tools:
    """The commands, from the first of the folders that has one."""

    def __init__(self, folders: list[Path], seconds: float, say: Say) -> None:
        self.folders, self.seconds, self.say = folders, seconds, say
        self.scratch = Path(tempfile.mkdtemp(prefix="hardening-"))

    def run(self, name: str, *words: str, seconds: float = 600) -> str | None:
        """What it printed; what it had printed when its time was over; None where it is not."""
        found = [folder / name for folder in self.folders if (folder / name).exists()]
        if not found:
            return None
        self.say(f"{name} {' '.join(words)[:120]}")
        try:
            ran = subprocess.run(
                [found[0], *words], capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as cut:
            return (cut.stdout or b"").decode("utf-8", "replace")
        return ran.stdout + ran.stderr

    def bandit(self, where: str, *paths: str) -> Result:
        """Findings of medium severity or worse."""
        said = self.run("bandit", "-q", "-r", *paths, "-x", "*/tests/*", "-ll", "-f", "json")
        if said is None or "{" not in said:
            return Result("bandit", where, None, "not there")
        results = json.loads(said[said.index("{") : said.rindex("}") + 1])["results"]
        told = "; ".join(
            f"{each['test_id']} {each['filename']}:{each['line_number']}" for each in results
        )
        return Result("bandit", where, len(results), told)

    def pip_audit(self, where: str, *words: str) -> Result:
        """Holes of the packages that are installed."""
        said = self.run("pip-audit", "--format", "json", "--progress-spinner", "off", *words)
        if said is None or '"dependencies"' not in said:
            return Result("pip-audit", where, None, _end(said))
        start = said.index('{"dependencies"')
        packages = json.JSONDecoder().raw_decode(said[start:])[0]["dependencies"]
        skipped = sum("skip_reason" in each for each in packages)
        holes = sum(len(each.get("vulns", [])) for each in packages)
        note = f"{len(packages) - skipped} packages looked up, {skipped} not known there"
        return Result("pip-audit", where, holes if skipped < len(packages) else None, note)

    def sqlmap(self, where: str, urls: list[str], seconds: float, *words: str) -> Result:
        """Parameters that take SQL; requests are counted by its own log of them."""
        until, holes, sent = time.monotonic() + seconds, 0, 0
        for at, url in enumerate(urls):
            left = max((until - time.monotonic()) / (len(urls) - at), 5)
            traffic = self.scratch / f"{time.time_ns()}.txt"
            options = [
                "--batch",
                "--flush-session",
                "-t",
                str(traffic),
                f"--output-dir={self.scratch}",
            ]
            said = self.run("sqlmap", "-u", url, *options, *words, seconds=left)
            if said is None:
                return Result("sqlmap", where, None, "not there")
            holes += bool(INJECTABLE.search(said))
            sent += (
                traffic.read_text(errors="replace").count("HTTP request [#")
                if traffic.exists()
                else 0
            )
        return Result("sqlmap", where, holes, f"{sent} requests to {len(urls)} URLs")

    def wapiti(self, where: str, url: str, seconds: float, *words: str) -> Result:
        """Vulnerabilities that its modules find."""
        report = self.scratch / f"{time.time_ns()}.json"
        options = [
            "-m",
            "all",
            "--flush-session",
            "--no-bugreport",
            "-f",
            "json",
            "-o",
            str(report),
        ]
        limits = ["--max-scan-time", str(int(seconds)), "--max-attack-time", str(int(seconds / 8))]
        limits += ["--store-session", str(self.scratch)]
        said = self.run("wapiti", "-u", url, *options, *limits, *words, seconds=seconds * 2 + 60)
        if said is None or not report.exists():
            return Result("wapiti", where, None, _end(said))
        found = json.loads(report.read_text())
        # It is asked by http, and whether TLS is in front is not its own.
        found["vulnerabilities"].pop("Unencrypted Channels", None)
        holes = {name: len(each) for name, each in found["vulnerabilities"].items() if each}
        pages = found["infos"].get("crawled_pages_nbr")
        return Result("wapiti", where, sum(holes.values()), f"{pages} pages crawled, {holes}")


def _end(said: str | None) -> str:
    return " ".join((said or "not there").split())[-160:]


def check_deploy() -> Result:
    """Django's own check, with the settings of production."""
    command = [
        sys.executable,
        str(CHECKOUT / "manage.py"),
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
    ]
    env = {name: value for name, value in os.environ.items() if name != "TAGGEDIMAGES_HTTPS"}
    ran = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    lines = (ran.stdout + ran.stderr).strip().splitlines()
    return Result("check --deploy", "shipped settings", ran.returncode, lines[-1] if lines else "")


def run(base: str, tools: Tools, only: list[str]) -> list[Result]:
    """Each tool on what is planted, then on what is ours."""
    code, requirement = tools.scratch / "planted.py", tools.scratch / "requirements.txt"
    code.write_text(planted.CODE)
    requirement.write_text(planted.REQUIREMENT)
    ours = [str(CHECKOUT / app) for app in APPS]
    hard = ["--level", "5", "--risk", "3", "--dbms", "PostgreSQL"]
    urls = [base + path for path in INJECTED]
    with planted.service() as holes:
        steps: list[tuple[str, Callable[[], Result]]] = [
            ("check", check_deploy),
            ("bandit", lambda: tools.bandit("planted", str(code))),
            ("bandit", lambda: tools.bandit("ours", *ours)),
            (
                "pip-audit",
                lambda: tools.pip_audit(
                    "planted", "--no-deps", "--disable-pip", "-r", str(requirement)
                ),
            ),
            (
                "pip-audit",
                lambda: tools.pip_audit("ours", "-r", str(CHECKOUT / "requirements.txt")),
            ),
            ("sqlmap", lambda: tools.sqlmap("planted", [f"{holes}/item?id=1*"], PLANTED_SECONDS)),
            ("sqlmap", lambda: tools.sqlmap(base, urls, tools.seconds, *hard)),
            ("wapiti", lambda: tools.wapiti("planted", f"{holes}/", PLANTED_SECONDS)),
            ("wapiti", lambda: tools.wapiti(f"{base}/admin/", f"{base}/admin/", tools.seconds / 2)),
            ("wapiti", lambda: tools.wapiti(f"{base}/docs", f"{base}/docs", tools.seconds / 2)),
        ]
        return [step() for name, step in steps if not only or name in only]


def text(results: list[Result]) -> str:
    """A line each."""
    lines = ["| tool | where | findings | |", "|---|---|---:|---|"]
    for each in results:
        findings = "-" if each.findings is None else each.findings
        lines.append(f"| {each.tool} | {each.where} | {findings} | {each.note} |")
    return "\n".join(lines)
