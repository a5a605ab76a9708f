"""What was measured, to be printed at the end of the session."""

import os
from statistics import median

# Other things run beside the tests: they may take twice what is promised. A soak has the machine to itself.
TOLERANCE = 1 if os.environ.get("OHT50_STRICT") else 2

rows = []
notes = []


def measured(what, seconds, promised):
    """Keep a series; fail if the worst of it took longer than it may."""
    seconds = list(seconds)
    rows.append((what, len(seconds), min(seconds), median(seconds), max(seconds), promised))
    assert max(seconds) <= TOLERANCE * promised, f"{what}: {max(seconds):.3f} s, promised {promised} s"


def noted(what, text):
    """Keep a single figure."""
    notes.append(f"{what}: {text}")


def taken():
    """All of it, for another process."""
    return rows, notes


def take(others):
    """What another process has measured."""
    rows.extend(others[0])
    notes.extend(others[1])


def table():
    """Lines of text."""
    if not rows:
        return notes
    width = max(len(row[0]) for row in rows)
    head = f"{'what':{width}}    n      min   median      max   promised"
    return notes + [head] + [f"{what:{width}}  {count:3d}  {low:6.3f}s  {mid:6.3f}s  {high:6.3f}s    {promised:5.2f}s"
                     for what, count, low, mid, high, promised in rows]
