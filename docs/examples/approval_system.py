"""An approval system's side of the vault: ask what is held, deposit a completed case, follow the changes.

Usage, with the address and the client in VAULT, VAULT_ID and VAULT_SECRET:
  approval_system.py check   question.json            a line for each material that the item requires
  approval_system.py deposit case.json [FILE.pdf …]   the receipts; may be repeated as often as needed
  approval_system.py follow  cursor.txt               what changed since the last time, a line each
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import httpx

WAITS_S = (1, 2, 4, 8, 16, 30)  # a vault that is restarted is back within a minute
PAGE = 500


class Vault:
    """One client of one vault. It fetches a token when it has none, or when ten minutes are over."""

    def __init__(self, url, client_id, secret):
        self.http = httpx.Client(base_url=url, timeout=30)
        self.basic, self.token = httpx.BasicAuth(client_id, secret), ""

    def fetch_token(self):
        form = {"grant_type": "client_credentials"}
        answer = self.http.post("/oauth/token", data=form, auth=self.basic)
        return answer.raise_for_status().json()["access_token"]

    def call(self, method, path, headers=(), **content):
        """Asks until there is an answer for good. Every call of the vault may be repeated."""
        for wait in WAITS_S:
            try:
                self.token = self.token or self.fetch_token()
                headers = {**dict(headers), "Authorization": f"Bearer {self.token}"}
                return self.http.request(method, path, headers=headers, **content).raise_for_status().json()
            except httpx.TransportError:
                pass  # lost on the way there or on the way back: to ask again is the way to know
            except httpx.HTTPStatusError as error:
                if error.response.status_code == 401 and self.token:
                    self.token = ""
                elif error.response.status_code not in (429, 503):
                    sys.exit(error.response.text)  # a problem document: what is wrong, where, what to do
            time.sleep(wait)
        sys.exit("The vault does not answer. Nothing is lost: run the same command again.")


if __name__ == "__main__":
    vault = Vault(os.environ["VAULT"], os.environ["VAULT_ID"], os.environ["VAULT_SECRET"])
    command, file, *more = sys.argv[1], Path(sys.argv[2]), *map(Path, sys.argv[3:])
    if command == "check":
        for line in vault.call("POST", "/v1/reuse-checks", json=json.loads(file.read_text()))["lines"]:
            print(line["state"], line["requirement"], line["why"] or "")
    elif command == "deposit":
        for body in map(Path.read_bytes, more):
            kind = {"Content-Type": "application/pdf" if body[:4] == b"%PDF" else "application/ofd"}
            vault.call("PUT", f"/v1/uploads/{hashlib.sha256(body).hexdigest()}", content=body, headers=kind)
        receipts = vault.call("POST", "/v1/deposits", json=json.loads(file.read_text()))
        print(json.dumps(receipts, ensure_ascii=False))  # only with these the case may close
    elif command == "follow":
        cursor, more = file.read_text() if file.exists() else "0", True
        while more:
            page = vault.call("GET", "/v1/changes", params={"after": cursor, "limit": PAGE})
            for change in page["changes"]:
                print(json.dumps(change, ensure_ascii=False))  # take it over here; it may come twice
            cursor, more = page["cursor"], page["more"]
            file.write_text(cursor)  # only now
