"""How anybody verifies: by the QR code, by number and code, by the file, and by a file that was altered."""

import httpx

from api.cli.walk.answers import expect, genuine, json_of, said, sha256_of
from api.cli.walk.scene import Scene


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


def verify_altered(scene: Scene) -> str:
    """That same file with one bit flipped."""
    expect(scene.sealed != b"", "a file from the step before", "none")
    altered = bytearray(scene.sealed)
    altered[len(altered) // 3] ^= 1
    verdict = json_of(scene.verified(bytes(altered)), 200)["verdict"]
    expect(verdict != "genuine", "any verdict but genuine", verdict)
    return f"{verdict}, 一位之差 one bit flipped"
