"""What the approval system deposits: cases as data, one as a file, one twice and one with mistakes."""

import hashlib
from typing import Any

from api.cli.sample_document import plain_pdf
from api.cli.walk.answers import expect, json_of, said
from api.cli.walk.cases import REPLY, STORIES, Story, completed_case, spoiled_case
from api.cli.walk.scene import PDF, Scene


def deposit(scene: Scene, story: Story) -> str:
    """A case whose result the vault typesets."""
    return _send(scene, story, completed_case(story, scene.example(story), scene.run))


def deposit_file(scene: Scene) -> str:
    """A case whose result is a PDF of the approval system's own, uploaded first."""
    example = scene.example(REPLY)
    fields = example["fields"]
    pdf = plain_pdf(
        "样例市生态环境局关于环境影响报告书的批复",
        [f"项目：{fields['project_name']}", f"地点：{fields['location']}", "经研究，同意该项目建设。"],
    )
    sha256 = hashlib.sha256(pdf).hexdigest()
    uploaded = scene.machine.put(f"/v1/uploads/{sha256}", content=pdf, headers=PDF)
    expect(uploaded.status_code in {200, 201}, "201 or 200", said(uploaded))
    return _send(scene, REPLY, completed_case(REPLY, example, scene.run, document=sha256))


def deposit_again(scene: Scene) -> str:
    """The first case once more: nothing new, and the same receipt."""
    story = STORIES[0]
    first = scene.receipt(story.key)
    again = json_of(scene.machine.post("/v1/deposits", json=scene.bodies[story.key]), 200)
    (receipt,) = again["receipts"]
    # The leaf may have got its place in the log meanwhile: a receipt shows that as soon as it is so.
    expect({**receipt, "log": None} == {**first, "log": None}, "the same receipt", "another one")
    expect(receipt["log"]["promise"] == first["log"]["promise"], "the same promise", "another one")
    return "200, 同一回执 the same receipt"


def deposit_spoiled(scene: Scene) -> str:
    """A case with two mistakes: one answer names them both."""
    body = spoiled_case(scene.example(STORIES[1]), scene.run)
    scene.problem = json_of(scene.machine.post("/v1/deposits", json=body), 422)
    pointers = {problem["pointer"] for problem in scene.problem["errors"]}
    wanted = {"/results/0/holders/0/code", "/results/0/valid_to"}
    expect(wanted <= pointers, " and ".join(sorted(wanted)), ", ".join(sorted(pointers)))
    return "422, 两处问题 both mistakes named"


def _send(scene: Scene, story: Story, body: dict[str, Any]) -> str:
    (receipt,) = json_of(scene.machine.post("/v1/deposits", json=body), 201)["receipts"]
    scene.bodies[story.key], scene.receipts[story.key] = body, receipt
    names = ("certificate_id", "identifier", "number", "type", "verification_code", "verify_url")
    scene.certificates.append({name: receipt[name] for name in names})
    made = [document["format"] for document in receipt["documents"]]
    expect(made == body["results"][0]["formats"], "the formats asked for", ", ".join(made))
    files = (f"{each['seal_level']} · {each['size_bytes'] / 1000:.0f} kB" for each in receipt["documents"])
    return " · ".join((receipt["number"], *files))
