"""Call one function in a process of its own: for what must not be loaded into this one (MXNet)."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final, ParamSpec, TypeVar

from daemon.child import Child, describe_exit, settle_in
from daemon.errors import EngineLostError

P = ParamSpec("P")
R = TypeVar("R")

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)
_PATIENCE: Final = 5.0  # seconds for a child to clean up after Ctrl-C


class RemoteError(Exception):
    """Where in the child an error came from; the cause of the error that is raised here."""


def in_child(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Call a function in a spawned process and return what it returns, or raise what it raises.

    What it prints appears where ours does. Ctrl-C ends it too, after it has cleaned up.

    Args:
        function: importable by its name, so that the child finds it.
        arguments: picklable, as is the result.
        named: the same.

    Raises:
        EngineLostError: the process died.
    """
    child = Child(_answer, (function, arguments, named), name=f"atelierd-{function.__name__}")
    answer = None
    try:
        answer = child.receive()
    except EOFError:
        pass  # it has ended without a word
    except BaseException:
        # Ctrl-C on a terminal reaches the child by itself, a signal to this process alone not.
        os.kill(child.pid, signal.SIGTERM)
        raise
    finally:
        status = child.end(_PATIENCE)
    if answer is None:
        raise EngineLostError(
            f"A process of the program did not finish its work: {describe_exit(status)}. "
            "Try again; if it was the memory, close other programs first."
        )
    done, value, trace = answer
    if not done:
        raise value from RemoteError(f"in the child:\n{trace}")
    result: R = value
    return result


def _answer(
    pipe: Connection,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> None:
    settle_in()
    for number in _ENDINGS:
        signal.signal(number, _interrupt)
    # Children are born deaf to Ctrl-C; what this one starts (pip) would be so too.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
    try:
        answer = (True, function(*arguments, **named), "")
    except KeyboardInterrupt:
        return
    except Exception as error:  # noqa: BLE001 - raised again on the other side
        answer = (False, _portable(error), traceback.format_exc())
    pipe.send(answer)


def _interrupt(*_: object) -> None:
    """Let the function clean up, and do not disturb it there."""
    for number in _ENDINGS:
        signal.signal(number, _do_nothing)  # not SIG_IGN: Python complains of one under way
    raise KeyboardInterrupt


def _do_nothing(*_: object) -> None:
    """Take note of a signal, and go on."""


def _portable(error: Exception) -> Exception:
    """The error itself, or its text if it cannot travel: not all libraries' errors can."""
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line
    except Exception:  # noqa: BLE001 - pickling runs other people's code
        copy = None
    return error if type(copy) is type(error) else RuntimeError(f"{type(error).__name__}: {error}")
