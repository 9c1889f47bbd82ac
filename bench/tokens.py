"""What the figures of the authorization server begin with: an issuer, its clients, their tokens."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import sqlite3
import time
import urllib.parse
import uuid
import zlib

FORM = "application/x-www-form-urlencoded"
SCOPES = ("ingest:write", "ingest:read")


class Issuer:
    """A workspace of a new organisation, with a client that has two scopes."""

    def __init__(self, server, operator):
        made = server.post("/api/orgs", operator, {
            "name": "bench", "blueprints": ["sensor-workspace"], "first_key": {"name": "bench"}})
        self.org, self.key, self.port = made["org"]["id"], made["secret"], server.port
        self.workspace = server.post(f"/api/orgs/{self.org}/workspaces", self.key,
                                     {"name": "bench"})["id"]
        self.at = f"/api/workspaces/{self.workspace}"
        self.path = f"/w/{self.workspace}"
        for scope in SCOPES:
            server.post(f"{self.at}/scopes", self.key, {"name": scope, "description": ""})
        made = server.post(f"{self.at}/clients", self.key, {"name": "machine"})
        self.give(server, made["principal"]["id"])
        proof = f"{made['principal']['id']}:{made['secret']}"
        self.basic = f"Basic {base64.b64encode(proof.encode()).decode()}"

    def give(self, server, principal):
        for scope in SCOPES:
            server.post(f"/api/orgs/{self.org}/grants", self.key, {
                "holder": {"kind": "principal", "id": principal}, "permission": scope,
                "node": {"kind": "workspace", "id": self.workspace}})

    def tokens(self, count):
        """So many different ones."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": FORM, "Authorization": self.basic}
        made = []
        for _ in range(count):
            connection.request("POST", f"{self.path}/token", "grant_type=client_credentials",
                               headers)
            made.append(json.loads(connection.getresponse().read())["access_token"])
        connection.close()
        return made

    def user(self, server, store):
        """An end-user who has signed in, and a public client: their identifiers."""
        app = server.post(f"{self.at}/clients", self.key, {
            "name": "app", "type": "authorization_code_pkce",
            "redirect_uris": ["https://app.example.org/back"]})["principal"]["id"]
        user = server.post(f"{self.at}/end-users", self.key,
                           {"email": "bench@example.com"})["principal"]["id"]
        with sqlite3.connect(store.path) as database:
            database.execute("UPDATE principals SET state = 1 WHERE principal = ?",
                             (uuid.UUID(user).bytes,))
        database.close()
        self.give(server, user)
        return user, app


def plant_families(store, issuer, user, app, count):
    """Families put into the store behind the program's back; the live token of each."""
    line = next(line for line in store.path.with_name("thingward.keys").read_text().splitlines()
                if line.startswith("pepper 1 "))
    text = line.split()[2]
    pepper = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    org, now_us = uuid.UUID(issuer.org).bytes, int(time.time() * 1e6)
    tokens, rows = [], []
    for _ in range(count):
        family = os.urandom(16)
        body = org + family + os.urandom(32)
        body += zlib.crc32(b"twr_" + body).to_bytes(4, "little")
        token = "twr_" + base64.urlsafe_b64encode(body).rstrip(b"=").decode()
        tokens.append(token)
        rows.append((org, family, uuid.UUID(issuer.workspace).bytes, org, uuid.UUID(app).bytes,
                     uuid.UUID(user).bytes,
                     hmac.new(pepper, token.encode(), hashlib.sha256).digest(), now_us, now_us,
                     now_us, now_us + 10**12, now_us + 10**13))
    database = sqlite3.connect(store.path)
    database.executemany(
        "INSERT INTO families (org, family, workspace, client_org, client, principal, hash, pepper,"
        " rotations, scope, methods, auth_us, created_us, used_us, expires_us, ends_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0, 'ingest:write', 'email', ?, ?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    return tokens


def refresh_plan(path, issuer, app, tokens):
    """A plan in which each token is brought once."""
    with open(path, "w", encoding="ascii") as plan:
        for token in tokens:
            form = urllib.parse.urlencode(
                {"grant_type": "refresh_token", "client_id": app, "refresh_token": token})
            plan.write(f"{issuer.path}/token  {form}\n")
