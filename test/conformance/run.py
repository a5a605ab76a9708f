"""RFC 6455 conformance: Autobahn's own cases, played by kosoku against the echo of echo.rs.

    run.py ECHO

ECHO is the executable. Plain and through TLS; prints a line for each deviation and a closing one, and fails if there is
any. Groups 12 and 13 are about compression, which the bridge does not offer.
"""

import asyncio
import collections
import contextlib
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from kosoku import FailureError, run_fuzzingclient

CASES = [f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 9, 10)]
COUNT = 301

# Text that is no UTF-8 is noticed at the end of its frame instead of in the middle: allowed, and not strict.
NON_STRICT = {"6.4.3", "6.4.4"}
# What RFC 6455 leaves open: closing while a message is under way, and codes beyond 4999.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}
VIOLATED = {1002, 1007, 1009}


def deviation(result) -> str | None:
    """What is wrong with a case, or None."""
    behaviour, close = result.behavior.value, result.behavior_close.value
    expected = {"OK"}
    if result.case_id in NON_STRICT:
        expected = {"NON-STRICT"}
    elif result.case_id in INFORMATIONAL:
        expected = {"INFORMATIONAL"}
    if behaviour not in expected or close not in ("OK", "INFORMATIONAL"):
        return f"{behaviour}, closing {close}: {result.result} {result.result_close}"
    if not result.closed_by_me and result.remote_close_code not in VIOLATED:
        return f"a violation ended with {result.remote_close_code} instead of one of {sorted(VIOLATED)}"
    return None


async def pump(reader, writer) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def relay(port: int, trust: Path):
    """A plain port in front of a TLS one, since kosoku speaks no TLS."""
    context = ssl.create_default_context(cafile=trust)

    async def serve(reader, writer) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        # The last connection may still be ending when everything has been played.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def play(name: str, port: int) -> int:
    """Runs the cases; returns how many deviate."""
    try:
        results = await run_fuzzingclient(f"ws://127.0.0.1:{port}/ws", CASES, concurrency=16)
    except FailureError as failure:
        # Of a run with failures kosoku hands out these alone.
        results = failure.results
    deviations = {result.case_id: deviation(result) for result in results}
    wrong = {case: what for case, what in deviations.items() if what}
    for case, what in wrong.items():
        print(f"{name}: case {case}: {what}")
    missing = COUNT - len(results)
    if missing and not wrong:
        print(f"{name}: {missing} of {COUNT} cases were not played")
        return missing
    verdicts = collections.Counter(result.behavior.value for result in results)
    print(f"{name}: {', '.join(f'{count} {verdict}' for verdict, count in sorted(verdicts.items()))}")
    return len(wrong)


async def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        echo = subprocess.Popen([sys.argv[1], folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            plain, secure = map(int, echo.stdout.readline().split())
            front = await relay(secure, Path(folder) / "certificate.pem")
            # Side by side, since most cases wait most of the time.
            failed = sum(await asyncio.gather(play("ws", plain), play("wss", front.sockets[0].getsockname()[1])))
            front.close()
        finally:
            echo.stdin.close()
            echo.wait(10)
    print(f"{2 * COUNT - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(asyncio.run(main()))
