# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the bridge for tests: plain calls, every message kept and checked against the schema that the project ships."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import pathlib
import threading
import time
import uuid

import jsonschema
import websockets

import rules

SCHEMA = "ui-bridge/schema/vps-backup.v1.schema.json"
SUBPROTOCOL = "vps-backup.v1"
ENDED = ("completed", "failed", "cancelled")

# websockets 14 has another client, with other names.
LEGACY = int(websockets.__version__.partition(".")[0]) < 14
EXTRA_HEADERS = "extra_headers" if LEGACY else "additional_headers"
INVALID_STATUS = websockets.InvalidStatusCode if LEGACY else websockets.InvalidStatus


class RpcError(Exception):
    """The bridge's refusal: JSON-RPC code, data.reason (None for the standard codes) and the sentence for people."""

    def __init__(self, error):
        super().__init__(error)
        self.code = error["code"]
        self.message = error["message"]
        self.reason = (error.get("data") or {}).get("reason")


class ConnectRefused(Exception):
    """The HTTP status that came instead of a websocket."""

    def __init__(self, status):
        super().__init__(f"HTTP {status}")
        self.status = status


class ConnectionEnded(Exception):
    """The connection closed while an answer was awaited."""


class Schema:
    """Checks messages against the project's schema file."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as text:
            self._root = json.load(text)
        self._validator = jsonschema.validators.validator_for(self._root)
        self._validator.check_schema(self._root)
        self._known = {}

    def check(self, message, *names):
        """Problems of a message, one sentence each; names lead to its definition, as in "methods", "vps.get", "result"."""
        if names not in self._known:
            node = self._root["definitions"]
            for name in names:
                node = node.get(name)
                if node is None:
                    return [f"the schema does not define {'/'.join(names)}"]
            self._known[names] = self._validator({"$ref": "#/definitions/" + "/".join(names),
                                                  "definitions": self._root["definitions"]})
        return [f"{'/'.join(names)} at {'/'.join(map(str, error.absolute_path)) or 'top'}: {error.message}"
                for error in self._known[names].iter_errors(message)]


def source_schema():
    """The schema of the source tree."""
    root = pathlib.Path(os.environ.get("VB_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
    return Schema(root / SCHEMA)


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def mint(key, key_id="test", *, header=None, **claims):
    """A token as the operator's panel would sign it. Claims replace the usual ones; a claim of None is left out."""
    everything = {"aud": "vps-backup", "sub": "tester", "exp": int(time.time()) + 600, "vps": "*",
                  "perms": ["backup.read"], "jti": str(uuid.uuid4())}
    everything.update(claims)
    everything = {name: value for name, value in everything.items() if value is not None}
    head = {"alg": "HS256", "typ": "JWT", "kid": key_id, **(header or {})}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in (head, everything))
    return f"{signed}.{_base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


class Client:
    """One websocket. Methods may be called from any one thread; what comes in is kept by a thread of its own."""

    def __init__(self, *, socket=None, port=None, token=None, origin=None, token_in="header", schema=None, deadline_s=15,
                 host="127.0.0.1"):
        self._schema = schema
        self._condition = threading.Condition()
        self._next_id = 1
        self._answers = {}
        self._methods = {}
        self._judged = {}  # UUID → Vps that the rules were applied to last
        self.events = []         # (monotonic seconds, method, params), as they came
        self.traffic = []        # (monotonic seconds, "in" | "out", text)
        self.problems = []       # what the schema or the protocol does not allow
        self.vps = {}            # newest Vps object of each VPS, from vps.changed
        self.close_code = None
        self._last_seq = {}
        self._websocket = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self._websocket = self._wait(self._connect(socket, port, token, origin, token_in, host), deadline_s)
        except INVALID_STATUS as error:
            self._end_loop()
            raise ConnectRefused(error.status_code if LEGACY else error.response.status_code) from None
        except BaseException:
            self._end_loop()
            raise
        self._loop.call_soon_threadsafe(self._loop.create_task, self._receive())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    async def _connect(self, socket, port, token, origin, token_in, host):
        protocols = [SUBPROTOCOL]
        headers = {}
        if token and token_in == "header":
            headers["Authorization"] = f"Bearer {token}"
        elif token:
            protocols.append(f"bearer.{token}")
        options = {"subprotocols": protocols, EXTRA_HEADERS: headers, "origin": origin, "compression": None,
                   "ping_interval": None, "max_size": 16 << 20, "open_timeout": 10}
        if socket:
            websocket = await websockets.unix_connect(str(socket), "ws://localhost/v1/ws", **options)
        else:
            websocket = await websockets.connect(f"ws://{host}:{port}/v1/ws", **options)
        if websocket.subprotocol != SUBPROTOCOL:
            self.problems.append(f"subprotocol {websocket.subprotocol!r} instead of {SUBPROTOCOL}")
        return websocket

    def _wait(self, coroutine, deadline_s):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(deadline_s)

    async def _receive(self):
        try:
            async for text in self._websocket:
                with self._condition:
                    self._take(text)
                    self._condition.notify_all()
        except websockets.ConnectionClosed:
            pass
        finally:
            with self._condition:
                self.close_code = self._websocket.close_code or 1006
                self._condition.notify_all()

    def _take(self, text):
        now = time.monotonic()
        self.traffic.append((now, "in", text))
        try:
            message = json.loads(text)
        except ValueError as error:
            self.problems.append(f"not JSON: {error}: {text[:200]}")
            return
        if message.get("jsonrpc") != "2.0":
            self.problems.append(f"no jsonrpc 2.0: {text[:200]}")
        if "method" in message:
            self._take_event(now, message)
        else:
            self._take_answer(message)

    def _take_event(self, now, message):
        method, params = message["method"], message.get("params")
        self._check(params, "events", method, "params")
        self.events.append((now, method, params))
        if "seq" in params:
            last = self._last_seq.get(params["vps"])
            if last is not None and params["seq"] <= last:
                self.problems.append(f"seq {params['seq']} after {last}: {method}")
            self._last_seq[params["vps"]] = params["seq"]
        if method == "vps.changed":
            self._judge(params)
            self.vps[params["vps"]] = params

    def _take_answer(self, message):
        if ("result" in message) == ("error" in message):
            self.problems.append(f"an answer has either result or error: {message}")
        method = self._methods.pop(message.get("id"), None)
        if "error" in message:
            self._check(message["error"], "Error")
        elif method:
            self._check(message["result"], "methods", method, "result")
            self._judge(message["result"])
        self._answers[message.get("id")] = message

    def _check(self, value, *names):
        if self._schema:
            self.problems += self._schema.check(value, *names)

    def _judge(self, value):
        """Applies the rules to a Vps, or to those in a list of them."""
        for vps in value["vps"] if isinstance(value.get("vps"), list) else [value]:
            if isinstance(vps, dict) and "power_actions" in vps:
                problems = rules.vps_problems(vps) + rules.order_problems(self._judged.get(vps["vps"], vps), vps)
                self.problems += [f"{problem}: {vps}" for problem in problems]
                self._judged[vps["vps"]] = vps

    # ---- calls

    def send_text(self, text, deadline_s=15):
        """Sends a frame as it is: str makes a text frame, bytes a binary one."""
        with self._condition:
            self.traffic.append((time.monotonic(), "out", text))
        self._wait(self._websocket.send(text), deadline_s)

    def start(self, method, *, valid=True, **params):
        """Sends a request without waiting for its answer; the result is its id. valid: params are meant to obey the schema."""
        with self._condition:
            number, self._next_id = self._next_id, self._next_id + 1
            if valid:
                self._check(params, "methods", method, "params")
                self._methods[number] = method
        message = {"jsonrpc": "2.0", "id": number, "method": method}
        if params:
            message["params"] = params
        self.send_text(json.dumps(message))
        return number

    def answer(self, number, deadline_s=120):
        """Result of a request that was started; RpcError if it was refused."""
        message = self.wait_for(lambda: self._answers.pop(number, None), f"the answer to request {number}", deadline_s)
        if "error" in message:
            raise RpcError(message["error"])
        return message["result"]

    def request(self, method, *, deadline_s=120, valid=True, **params):
        return self.answer(self.start(method, valid=valid, **params), deadline_s)

    def refusal(self, method, **params):
        """The RpcError of a request that must be refused."""
        try:
            result = self.request(method, **params)
        except RpcError as error:
            return error
        raise AssertionError(f"{method} should have been refused, but answered {result}")

    def raw(self, text, deadline_s=15):
        """Sends a frame as it is and returns the next answer that has no id, or the id of the frame."""
        try:
            number = json.loads(text).get("id")
        except (ValueError, AttributeError):
            number = None
        self.send_text(text)
        return self.wait_for(lambda: self._answers.pop(number, None), f"the answer to {text[:60]}", deadline_s)

    # ---- waiting

    def wait_for(self, condition, what, deadline_s=120):
        """Waits until condition() is true, looking again after each message; its value is the result."""
        end = time.monotonic() + deadline_s
        with self._condition:
            while True:
                value = condition()
                if value:
                    return value
                if self.close_code is not None:
                    raise ConnectionEnded(f"closed with {self.close_code} while waiting for {what}")
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"waited {deadline_s} s for {what}; last events: {self.events[-3:]}")
                self._condition.wait(left)

    def wait_closed(self, deadline_s=30):
        """Waits until the server closes the connection; the result is the close code."""
        end = time.monotonic() + deadline_s
        with self._condition:
            while self.close_code is None:
                if not self._condition.wait(end - time.monotonic()):
                    raise TimeoutError("the server did not close the connection")
        return self.close_code

    def wait_event(self, method, matches=lambda params: True, deadline_s=120, after=0):
        """The first event of a kind that matches, among those from number `after` on."""
        def found():
            return next((params for _, name, params in self.events[after:] if name == method and matches(params)), None)
        return self.wait_for(found, f"a matching {method}", deadline_s)

    def wait_vps(self, vps, matches, what, deadline_s=120):
        """Waits until the newest vps.changed of a subscribed VPS matches."""
        return self.wait_for(lambda: (now := self.vps.get(vps)) and matches(now) and now, what, deadline_s)

    def subscribe(self, vps):
        """Subscribes; the present state counts as the newest one."""
        state = self.request("vps.subscribe", vps=vps)
        for one in state["vps"] if vps == "*" else [state]:
            with self._condition:
                if one["seq"] >= self.vps.get(one["vps"], one)["seq"]:
                    self.vps[one["vps"]] = one
        return state

    def follow(self, vps, deadline_s=120):
        """Subscribes to a VPS that was defined just now: the service sees it a moment later."""
        end = time.monotonic() + deadline_s
        while True:
            try:
                return self.subscribe(vps)
            except RpcError as error:
                if error.reason != "not_found" or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def operation(self, vps, operation):
        listed = self.request("operation.list", vps=vps)["operations"]
        return next((one for one in listed if one["id"] == operation), None)

    def wait_operation(self, vps, operation, deadline_s=300):
        """Waits until an operation of a subscribed VPS has ended, and the VPS has none; its last state is the result."""
        self.wait_vps(vps, lambda now: (now["operation"] or {}).get("id") != operation, f"the end of operation {operation}",
                      deadline_s)
        ended = self.operation(vps, operation)
        if ended is None or ended["state"] not in ENDED:
            raise AssertionError(f"the VPS has no operation any more, but the list says {ended}")
        return ended

    def back_up(self, vps, **params):
        """Creates a backup and waits for its end: the ended operation and the id of the backup."""
        started = self.request("backup.create", vps=vps, **params)
        return self.wait_operation(vps, started["operation"]["id"]), started["backup"]["id"]

    def restore(self, vps, backup, **params):
        """Restores a backup and waits for its end: the ended operation."""
        started = self.request("backup.restore", vps=vps, backup=backup, **params)
        return self.wait_operation(vps, started["operation"]["id"])

    def failure_of_restore(self, vps, backup, **params):
        """The reason of a restore that must not succeed, refused at once or failed later."""
        try:
            ended = self.restore(vps, backup, **params)
        except RpcError as error:
            return error.reason
        assert ended["state"] == "failed", ended
        return ended["error"]["reason"]

    def wait_state(self, operation, state, bytes_done=0, deadline_s=120):
        """Waits until an operation of a subscribed VPS is seen in a state, so many bytes on."""
        def found():
            return next((one for _, one in self.progress_of(operation)
                         if one["state"] == state and one["bytes_done"] >= bytes_done), None)
        return self.wait_for(found, f"{state} of operation {operation}", deadline_s)

    def progress_of(self, operation):
        """(seconds, Operation) of each event about an operation, as they came."""
        found = []
        for when, method, params in self.events:
            about = params.get("operation") if method in ("operation.progress", "vps.changed") else None
            if about and about["id"] == operation:
                found.append((when, about))
        return found

    def close(self):
        if self._thread.is_alive():
            if self._websocket is not None:
                try:
                    self._wait(self._websocket.close(), 10)
                except (TimeoutError, asyncio.TimeoutError, websockets.WebSocketException, OSError):
                    pass
            self._end_loop()

    def _end_loop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
