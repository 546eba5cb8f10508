"""A process that passes on what comes to one address of this machine to another: HOST PORT TO."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio import StreamReader, StreamWriter

PIECE = 65536


async def main(host: str, port: int, to: int) -> None:
    """Say that it listens, or why it cannot, and pass on until the process is ended."""

    async def passed_on(reader: StreamReader, writer: StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(pump(reader, other_writer), pump(other_reader, writer))

    try:
        server = await asyncio.start_server(passed_on, host, port)
    except OSError as error:
        sys.stdout.write(f"{error.strerror}\n")
        return
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await server.serve_forever()


async def pump(reader: StreamReader, writer: StreamWriter) -> None:
    """Pass on one direction of one connection; whoever was killed has closed the other one too."""
    with contextlib.suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
