"""How anybody verifies: by the QR code, by number and code, by the file, and by a file that was altered."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from api.cli.walk.answers import expect, genuine, json_of, said, sha256_of
from api.cli.walk.scene import OFD, Scene

JUDGE_TIMEOUT_S = 60  # a process of its own, on a machine that does much else


def verify_token(scene: Scene) -> str:
    """As somebody's telephone does that reads the QR code."""
    token = scene.receipt("company")["verify_url"].partition("#t=")[2]
    return genuine(scene.browser.post("/v1/verifications", json={"token": token}))


def verify_code(scene: Scene) -> str:
    """As somebody types it in from paper."""
    receipt = scene.receipt("home")
    question = {"number": receipt["number"], "code": receipt["verification_code"]}
    return genuine(scene.browser.post("/v1/verifications", json=question))


def verify_file(scene: Scene) -> str:
    """The sealed file, as the approval system gets it."""
    (document,) = scene.receipt("marriage")["documents"]
    answer = scene.machine.get(document["href"])
    expect(answer.status_code == httpx.codes.OK, "200", said(answer))
    expect(sha256_of(answer) == document["sha256"], "the digest of the receipt", "another")
    scene.sealed = answer.content
    return genuine(scene.verified(scene.sealed))


def verify_ofd(scene: Scene) -> str:
    """The company's licence as OFD: of the same deposit as its PDF, and as genuine."""
    ofd = next(each for each in scene.receipt("company")["documents"] if each["format"] == "ofd")
    answer = scene.machine.get(ofd["href"])
    expect(answer.status_code == httpx.codes.OK, "200", said(answer))
    expect(sha256_of(answer) == ofd["sha256"], "the digest of the receipt", "another")
    expect(answer.headers["content-type"] == OFD["Content-Type"], "an OFD", answer.headers["content-type"])
    scene.ofd = answer.content
    return genuine(scene.verified(scene.ofd, OFD))


def judge_ofd(scene: Scene) -> str:
    """That OFD, judged by the command on this machine: the national seal, and the platform's closing."""
    expect(scene.ofd != b"", "an OFD from the step before", "none")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "licence.ofd"
        file.write_bytes(scene.ofd)
        command = ("verify", str(file), "--trust", str(scene.city.national_trust), "--json")
        # -P: with -m alone Python would take modules from the folder that it is started in.
        arguments = [sys.executable, "-P", "-m", "api.cli", *command]
        judged = subprocess.run(  # noqa: S603 - this very program, with a file of our own
            arguments, capture_output=True, check=False, timeout=JUDGE_TIMEOUT_S
        )
    expect(judged.returncode == 0, "exit status 0", f"{judged.returncode}: {judged.stderr.decode()[-200:]}")
    seals = json.loads(judged.stdout)["seals"]
    return " · ".join(f"{each['kind']} {each['indication']}" for each in seals)


def verify_altered(scene: Scene) -> str:
    """That same file with one bit flipped."""
    expect(scene.sealed != b"", "a file from the step before", "none")
    altered = bytearray(scene.sealed)
    altered[len(altered) // 3] ^= 1
    verdict = json_of(scene.verified(bytes(altered)), 200)["verdict"]
    expect(verdict != "genuine", "any verdict but genuine", verdict)
    return f"{verdict}, 一位之差 one bit flipped"
