# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service that says what a test tells it to: the bridge's side of the protocol on a unix socket, scripted."""

import asyncio
import copy
import json
import os
import threading

import websockets

VPS = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
OPERATION = "0e0e0e0e-0000-4000-8000-000000000001"
NEW_BACKUP = "cccc0000-0000-4000-8000-000000000003"


def backup(identity, name, state="available", **members):
    return {"id": identity, "name": name, "state": state, "progress": None, "size_bytes": 2684354560,
            "created_at": "2026-03-01T10:00:00Z", "completed_at": "2026-03-01T10:00:05Z", "consistency": "filesystem",
            "incremental": False, "disks": [], **members}


def operation(state="copying", identity=OPERATION, **members):
    ended = state in ("completed", "failed", "cancelled")
    return {"id": identity, "kind": "create", "backup": NEW_BACKUP, "state": state, "progress": 100 if state == "completed" else 42.5,
            "bytes_done": 445644800, "bytes_total": 1048576000, "rate_bytes_per_s": 104857600, "eta_s": 6, "stalled": False,
            "started_at": "2026-03-02T10:00:00Z", "ended_at": "2026-03-02T10:00:12Z" if ended else None, "error": None, **members}


def vps(identity=VPS, name="web", **members):
    return {"vps": identity, "name": name, "power": "running", "status": "running",
            "power_actions": {"start": False, "stop": True, "restart": True},
            "slots": {"used": 2, "total": 3, "included": 2, "extra": 1, "step": 1, "maximum": 10, "billable_steps": 1},
            "can_create": {"allowed": True, "reason": None}, "operation": None,
            "backups": [backup("bbbb0000-0000-4000-8000-000000000002", "second"),
                        backup("aaaa0000-0000-4000-8000-000000000001", "first", created_at="2026-02-01T10:00:00Z")],
            "seq": 7, **members}


class Refusal(Exception):
    """Makes the service refuse a request."""

    def __init__(self, reason, message="No.", code=-32000):
        super().__init__(reason)
        self.error = {"code": code, "message": message}
        if reason is not None:
            self.error["data"] = {"reason": reason}


class Loss:
    """The connection ends instead of an answer; next time there is another answer."""

    def __init__(self, then):
        self.then = then


class FakeService:
    """`answers` has for each method its result, a Refusal, a Loss, or a function of the params. What was asked is kept in `calls`."""

    def __init__(self, path):
        self.path = str(path)
        self.calls = []
        self.vps = [vps(), vps(OTHER, "mail", backups=[])]
        self.answers = {"vps.list": lambda params: {"vps": self.vps}, "vps.get": self._get_vps, "vps.subscribe": self._subscribe}
        self._sockets = set()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._server = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    # ---- scripted

    def start(self):
        self._run(self._open())
        return self

    def stop(self, code=4503):
        """Goes away as a service does that is stopped."""
        self._run(self._close(code))

    def end(self):
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def send(self, method, **params):
        self._run(self._send_all(json.dumps({"jsonrpc": "2.0", "method": method, "params": params})))

    def wait_for_call(self, method, count=1, deadline_s=20):
        """Params of the count-th call of the method, once it has come."""
        def there():
            return [params for name, params in self.calls if name == method][count - 1:count]
        with self._changed:
            assert self._changed.wait_for(there, deadline_s), f"{method} was not called {count} times: {self.calls}"
            return there()[0]

    def called(self, method):
        return [params for name, params in self.calls if name == method]

    # ---- the protocol

    def _get_vps(self, params):
        for one in self.vps:
            if one["vps"] == params["vps"]:
                return copy.deepcopy(one)
        raise Refusal("not_found", "There is no such VPS.")

    def _subscribe(self, params):
        return {"vps": self.vps} if params["vps"] == "*" else self._get_vps(params)

    def _answer(self, request):
        answer = self.answers.get(request["method"], Refusal(None, "Method not found.", -32601))
        try:
            if isinstance(answer, Exception):
                raise answer
            return {"result": answer(request.get("params", {})) if callable(answer) else answer}
        except Refusal as refusal:
            return {"error": refusal.error}

    def _note(self, request):
        with self._changed:
            self.calls.append((request["method"], request.get("params", {})))
            self._changed.notify_all()

    async def _serve(self, websocket):
        self._sockets.add(websocket)
        try:
            async for text in websocket:
                request = json.loads(text)
                answer = self.answers.get(request["method"])
                if isinstance(answer, Loss):
                    self.answers[request["method"]] = answer.then
                    self._note(request)
                    await websocket.close(1011)
                    return
                answer = {"jsonrpc": "2.0", "id": request["id"], **self._answer(request)}
                self._note(request)
                await websocket.send(json.dumps(answer))
        except websockets.ConnectionClosed:
            pass
        finally:
            self._sockets.discard(websocket)

    # ---- the server

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _open(self):
        self._server = await websockets.unix_serve(self._serve, self.path, subprotocols=["vps-backup.v1"], compression=None)

    async def _close(self, code):
        if self._server is None:
            return
        # Nobody comes in any more, then everybody has to go.
        os.unlink(self.path)
        for websocket in list(self._sockets):
            await websocket.close(code, "shutting down")
        self._server.close()
        await self._server.wait_closed()
        self._server = None

    async def _send_all(self, text):
        for websocket in list(self._sockets):
            await websocket.send(text)
