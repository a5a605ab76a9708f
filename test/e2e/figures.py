"""What was measured, to be printed at the end of the session."""

from statistics import median

rows = []
notes = []


def measured(what, seconds, promised):
    """Keep a series; fail if the worst of it took more than twice the promise."""
    seconds = list(seconds)
    rows.append((what, len(seconds), min(seconds), median(seconds), max(seconds), promised))
    assert max(seconds) <= 2 * promised, f"{what}: {max(seconds):.3f} s, promised {promised} s"


def noted(what, text):
    """Keep a single figure."""
    notes.append(f"{what}: {text}")


def table():
    """Lines of text."""
    if not rows:
        return notes
    width = max(len(row[0]) for row in rows)
    head = f"{'what':{width}}   n      min   median      max   promised"
    return notes + [head] + [f"{what:{width}}  {count:2d}  {low:6.3f}s  {mid:6.3f}s  {high:6.3f}s    {promised:5.2f}s"
                     for what, count, low, mid, high, promised in rows]
