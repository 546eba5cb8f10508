"""A client that does to open files what Samba's own client cannot: for the system's own Python.

It is run by path, by a Python for which Samba's modules are installed, with the server's address,
the configuration and the login as its arguments. Each line that it reads is one call, each line
that it writes an answer: "ok", or the server's reason.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

OPEN_IF, OVERWRITE_IF = 3, 5
EVERYTHING = 0x0013019F  # read, write, attributes, delete; not execute, which nobody may
OPLOCKS = {"none": 0, "batch": 0x2 | 0x4}


def main(address: str, config: str, user: str, password: str) -> None:
    """Do as each line says, on one connection, until there are no more."""
    connection = connect(address, config, user, password)
    handles: dict[str, int] = {}
    for line in sys.stdin:
        call = json.loads(line)
        try:
            do(connection, handles, **call)
            answer = "ok"
        except Exception as error:  # noqa: BLE001 - the test decides what was to be refused
            answer = " ".join(str(error).split())
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def connect(address: str, config: str, user: str, password: str) -> Any:
    """Log in to the share."""
    from samba.credentials import Credentials  # noqa: PLC0415 - the other Python's
    from samba.samba3 import libsmb_samba_internal, param  # noqa: PLC0415 - the same

    context = param.get_context()
    context.load(config)
    login = Credentials()
    login.guess(context)
    login.set_username(user)
    login.set_password(password)
    return libsmb_samba_internal.Conn(address, "atelier", lp=context, creds=login)


def do(connection: Any, handles: dict[str, int], what: str, name: str, **more: Any) -> None:
    """Make one call; a handle is named like the file that it was opened for."""
    if what == "open":
        handles[name] = connection.create(
            name.replace("/", "\\"), DesiredAccess=EVERYTHING, ShareAccess=more["share"],
            CreateDisposition=OPEN_IF if more["keep"] else OVERWRITE_IF,
            CreateFlags=OPLOCKS[more["oplock"]],
        )  # fmt: skip
    elif what == "write":
        connection.write(handles[name], base64.b64decode(more["data"]), more["at"])
    elif what == "delete on close":
        connection.delete_on_close(handles[name], True)
    elif what == "close":
        connection.close(handles.pop(name))
    elif what == "rename":
        connection.rename(name.replace("/", "\\"), more["to"].replace("/", "\\"))


if __name__ == "__main__":
    main(*sys.argv[1:])
