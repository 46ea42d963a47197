"""A Grafana server as far as provisioning needs one, after the OpenAPI document that Grafana publishes
(public/openapi3.json of version 11) and its documentation of the alerting provisioning API: paths, codes, bodies."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from grafana.provision.server import Refused
from tests.stub import answering

TOKEN = "glsa_right"
RULES, POINTS, TIMINGS = "alert-rules", "contact-points", "mute-timings"


class Stub:
    """What the server keeps. fail: answers to be given instead, by "METHOD path" (a regular expression), each once."""

    def __init__(self):
        self.sources: dict[str, dict] = {}
        self.folders: dict[str, dict] = {}
        self.versions: dict[str, list[dict]] = {}
        self.alerting: dict[str, dict[str, dict]] = {RULES: {}, POINTS: {}, TIMINGS: {}}
        self.from_file: set[str] = set()
        self.fail: list[tuple[str, int, str]] = []
        self.asked: list[str] = []
        self.written: list[str] = []
        self.url = ""

    def answer(self, method: str, path: str, body: dict | None, token: str) -> tuple[int, object]:
        asked = f"{method} {path}"
        self.asked.append(asked)
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key"}
        for place, (pattern, status, message) in enumerate(self.fail):
            if re.fullmatch(pattern, asked):
                del self.fail[place]
                return status, {"message": message}
        split = urlsplit(path)
        match [method, *split.path.removeprefix("/api/").split("/")]:
            case ["GET", "datasources", "uid", uid]:
                return self._found(self.sources.get(uid), "data source not found")
            case ["POST", "datasources"] | ["PUT", "datasources", "uid", _]:
                public = {key: value for key, value in body.items() if key != "secureJsonData"}
                self.sources[body["uid"]] = public | {"readOnly": False}
                return self._wrote(asked, {"datasource": self.sources[body["uid"]]})
            case ["GET", "folders", uid]:
                return self._found(self.folders.get(uid), "folder not found")
            case ["POST", "folders"]:
                if any(folder["title"] == body["title"] for folder in self.folders.values()):
                    return 409, {"message": "a folder with the same name already exists"}
                self.folders[body["uid"]] = body
                return self._wrote(f"{asked} {body['uid']}", body)
            case ["GET", "dashboards", "uid", uid]:
                return self._dashboard(uid)
            case ["GET", "dashboards", "uid", uid, "versions"]:
                return self._found(
                    self.versions.get(uid)
                    and [{key: one[key] for key in ("version", "message", "createdBy")} for one in self.versions[uid]],
                    "not found",
                )
            case ["POST", "dashboards", "db"]:
                return self._save(asked, body)
            case ["GET", "v1", "provisioning", "contact-points"]:
                name = parse_qs(split.query)["name"][0]
                return 200, [one for one in self.alerting[POINTS].values() if one["name"] == name]
            case ["GET", "v1", "provisioning", kind, name]:
                return self._found(self.alerting[kind].get(name), "")
            case ["POST", "v1", "provisioning", kind] | ["PUT", "v1", "provisioning", kind, _]:
                return self._provision(asked, kind, body)
        return 404, {"message": "Not found"}

    def saved_by_hand(self, uid: str, message: str = "moved a panel") -> None:
        newest = self.versions[uid][-1]
        self.versions[uid].append({**newest, "version": newest["version"] + 1, "message": message, "createdBy": "li"})

    def _found(self, thing: object, message: str) -> tuple[int, object]:
        return (200, thing) if thing else (404, {"message": message})

    def _wrote(self, asked: str, body: object, status: int = 200) -> tuple[int, object]:
        self.written.append(asked)
        return status, body

    def _dashboard(self, uid: str) -> tuple[int, object]:
        if uid not in self.versions:
            return 404, {"message": "Dashboard not found"}
        newest = self.versions[uid][-1]
        return 200, {
            "dashboard": {**newest["dashboard"], "version": newest["version"]},
            "meta": {"provisioned": uid in self.from_file, "folderUid": newest["folderUid"]},
        }

    def _save(self, asked: str, body: dict) -> tuple[int, object]:
        dashboard, uid = body["dashboard"], body["dashboard"]["uid"]
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        if uid in self.from_file:
            return 400, {"message": "Cannot save provisioned dashboard"}
        old = self.versions.setdefault(uid, [])
        if old and not body["overwrite"] and dashboard.get("version") != old[-1]["version"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        old.append(
            {
                "version": len(old) + 1,
                "message": body["message"],
                "createdBy": "sa-davylamp",
                "dashboard": dashboard,
                "folderUid": body["folderUid"],
            }
        )
        return self._wrote(f"{asked} {uid}", {"uid": uid, "version": len(old), "status": "success"})

    def _provision(self, asked: str, kind: str, body: dict) -> tuple[int, object]:
        name = body["name"] if kind == TIMINGS else body["uid"]
        if kind == RULES and not self.alerting[POINTS]:
            return 400, {"message": f"receiver {body['notification_settings']['receiver']} does not exist"}
        self.alerting[kind][name] = body | {"provenance": "api"}
        return self._wrote(f"{asked} {name}", body, 201 if kind != POINTS else 202)


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    def answer(method: str, path: str, token: str, body: bytes) -> tuple[int, object]:
        return stub.answer(method, path, json.loads(body) if body else None, token)

    with answering(answer, {"Content-Type": "application/json"}) as stub.url:
        yield stub


class Plain:
    """The seam of grafana.provision.server over urllib: grafana-client never comes into this environment."""

    def __init__(self, url: str, token: str):
        self.url, self._token = url, token

    def ask(self, path: str):
        try:
            return self.tell("GET", path, None)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def tell(self, method: str, path: str, body: dict | None):
        request = urllib.request.Request(
            f"{self.url}/api{path}",
            method=method,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, json.loads(error.read())["message"]) from error
        except OSError as error:
            raise Refused(0, str(error)) from error
