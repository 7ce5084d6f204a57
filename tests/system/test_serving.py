"""What an operator sees of the process itself: banner, signals, reload, exits."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.running import eventually, serving, start
from tests.system import policies


def test_with_no_file_at_all_it_serves_the_default_pack_in_shadow(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        banner = service.log.read_text()

        assert "5 policies, 0 enforcing" in banner
        assert service.url in banner
        assert str(tmp_path / "pinkslip.db") in banner
        assert service.stop() == 0


def test_a_bad_reload_keeps_what_runs_and_says_so(tmp_path: Path) -> None:
    file = policies.write(tmp_path)
    with serving(tmp_path, policies=file) as service:
        good = service.get("/api/policies").body
        file.write_text(file.read_text().replace("heartbeat_age", "heartbeat_agee"))

        service.signal(signal.SIGHUP)
        state = eventually(
            lambda: (body := service.get("/api/policies").body)["reloadFailed"] and body
        )

        assert [one["name"] for one in state["policies"]] == [
            one["name"] for one in good["policies"]
        ]
        assert "heartbeat_agee" in state["problems"][0]["message"]
        assert "pinkslip_config_last_reload_successful 0.0" in str(service.get("/metrics").body)

        file.write_text(policies.GUARDS + policies.UNRESPONSIVE)
        assert service.post("/-/reload").status == 200
        state = service.get("/api/policies").body
        assert [one["name"] for one in state["policies"]] == ["unresponsive"]
        assert not state["reloadFailed"]
        assert "pinkslip_config_last_reload_successful 1.0" in str(service.get("/metrics").body)


def test_bad_policies_at_the_start_are_all_told_and_end_it(tmp_path: Path) -> None:
    file = policies.write(
        tmp_path, "version: 1\npolicies:\n  - name: x\n    when: tsks > 1\n    mod: off\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "pinkslip", "serve", "--policies", str(file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert f"{file}:4:11: error" in done.stderr
    assert f"{file}:5:5: error" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_address_is_one_line_with_the_way_out(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as service:
        address = service.url.removeprefix("http://")

        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pinkslip",
                "serve",
                "--listen",
                address,
                "--database",
                "x.db",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode == 2
    assert f"cannot listen on {address}" in done.stderr
    assert "--listen" in done.stderr
    assert "Traceback" not in done.stderr


def test_sigterm_ends_it_cleanly_under_load(tmp_path: Path) -> None:
    service = start(tmp_path)
    for number in range(50):
        service.beat(f"a{number}")

    assert service.stop() == 0
    assert "Traceback" not in service.log.read_text()
