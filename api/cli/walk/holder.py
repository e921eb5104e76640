"""What the holder does in a browser: signs in, and downloads."""

from collections.abc import Mapping

import httpx

from api.cli.browser import sign_in
from api.cli.walk.answers import expect, json_of, said, sha256_of
from api.cli.walk.scene import Scene


def enter(scene: Scene) -> str:
    """The holder signs in and sees what is there."""
    holder = scene.holder

    def browse(method: str, address: str, form: Mapping[str, str] | None) -> httpx.Response:
        return scene.browser.request(method, address, data=form)

    answer = sign_in(browse, str(scene.browser.base_url).rstrip("/"), holder.login, holder.password)
    expect(answer.status_code == httpx.codes.SEE_OTHER, "303", said(answer))
    mine = json_of(scene.browser.get("/v1/me/certificates"), 200)["certificates"]
    expect(len(mine) > 1, "home and marriage at least", f"{len(mine)}")
    return f"{holder.login}, {len(mine)} 件 certificates"


def download(scene: Scene) -> str:
    """The holder's file is the one that the approval system got, byte for byte, raised by now or not."""
    receipt = scene.receipt("marriage")
    (document,) = receipt["documents"]
    address = f"/v1/me/certificates/{receipt['certificate_id']}/document"
    answer = scene.browser.get(f"{address}?format=pdf&sha256={document['sha256']}")
    expect(answer.status_code == httpx.codes.OK, "200", said(answer))
    expect(answer.content == scene.sealed, "the bytes that the approval system got", "others")
    expect(sha256_of(answer) == document["sha256"], "the digest of the receipt", "another")
    return f"{len(answer.content)} 字节 bytes, 逐字节相同 byte for byte"
