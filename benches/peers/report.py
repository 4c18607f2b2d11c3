"""The table of what was measured, in Markdown."""

from records import Beside, Record, Spread

HEAD = (
    "| beside | it takes | voxstore takes | ratio | floor | CPU s, it / voxstore "
    "| peak MiB, it (anonymous) / voxstore |"
)
RULE = "|---|---:|---:|---:|---:|---:|---:|"


def table(records: list[Record]) -> str:
    """One table; a row of it names the job, the rows below it what was measured beside it."""
    lines = [HEAD, RULE]
    for record in records:
        lines.append(f"| **{record.title}**{notes(record)} | | | | | | |")
        lines += [line(beside) for beside in record.besides]
        if record.quoted is not None:
            lines.append(quoted(record))
    return "\n".join(lines)


def notes(record: Record) -> str:
    """What is special about a row."""
    said = []
    if any(beside.inside for beside in record.besides):
        said.append("timed inside the process, one read")
    if record.group_mib is not None:
        said.append(f"both in a memory cgroup of {record.group_mib} MiB")
    return f" ({'; '.join(said)})" if said else ""


def line(beside: Beside) -> str:
    """voxstore beside one peer."""
    cells = [beside.peer]
    if beside.finished:
        cells += [seconds(beside.theirs_seconds), seconds(beside.ours_seconds)]
        ratio = beside.ratio
        cells += [f"**{ratio.median:.3g}** [{ratio.least:.3g}-{ratio.most:.3g}]", floor(beside)]
    else:
        ours = seconds(beside.ours_seconds) if working(beside) else "failed"
        cells += [beside.problem or "", ours, "", ""]
    cells += [cpu(beside), peaks(beside)]
    if beside.finished and beside.problem is not None:
        cells[0] += f" ({beside.problem})"
    return f"| {' | '.join(cells)} |"


def working(beside: Beside) -> bool:
    """Whether voxstore did its work at least once."""
    return any(pair.ours.problem is None for pair in beside.pairs)


def seconds(spread: Spread) -> str:
    """A time and its spread, in a unit that suits it."""
    factor, unit = (1, "s") if spread.median >= 0.1 else (1000, "ms")
    middle, least, most = (f"{value * factor:.3g}" for value in spread)
    return f"{middle} [{least}-{most}] {unit}"


def floor(beside: Beside) -> str:
    """What the ratio has to be, and whether it is."""
    if beside.floor is None:
        return ""
    return f"{beside.floor:g} {mark(beside.problem is None and beside.ratio.median >= beside.floor)}"


def mark(passed: bool) -> str:
    """Whether a floor holds."""
    return "✓" if passed else "✗"


def cpu(beside: Beside) -> str:
    """Medians of CPU seconds, whole processes."""
    pairs = beside.finished or beside.pairs
    theirs = Spread.of([pair.theirs.cpu_seconds for pair in pairs]).median
    ours = Spread.of([pair.ours.cpu_seconds for pair in pairs]).median
    return f"{theirs:.2f} / {ours:.2f}"


def peaks(beside: Beside) -> str:
    """Peak memory of whole processes."""
    anonymous = min(pair.theirs.peak_anonymous_bytes for pair in beside.pairs)
    theirs, ours = beside.theirs_peak_bytes, beside.ours_peak_bytes
    return f"{mib(theirs)} ({mib(anonymous)}) / {mib(ours)}"


def mib(size_bytes: float) -> str:
    """Bytes in MiB."""
    return f"{size_bytes / 2**20:.0f}"


def quoted(record: Record) -> str:
    """A peer that was measured once, elsewhere."""
    name, its_seconds, its_mib = record.quoted
    ours = record.besides[0].ours_seconds.median
    took = f"{its_seconds:g} s"
    return f"| {name} (quoted) | {took} | | {its_seconds / ours:.3g} | | | {its_mib:g} / |"


def memory(records: list[Record]) -> str:
    """Whether voxstore kept to its budgets, and the memory floors."""
    lines = []
    for record in records:
        most = max(beside.ours_peak_bytes for beside in record.besides)
        if record.budget_mib is not None:
            kept = mark(most <= record.budget_mib << 20)
            lines.append(f"- {record.title}: {mib(most)} MiB of {record.budget_mib} {kept}")
        asked = [beside for beside in record.besides if beside.memory_floor is not None]
        if asked:
            least = min(asked, key=lambda beside: beside.theirs_peak_bytes)
            ratio = least.theirs_peak_bytes / most
            kept = mark(ratio >= least.memory_floor)
            lines.append(
                f"  {least.peer}, the least of its kind, takes {ratio:.1f} times that; floor "
                f"{least.memory_floor:g} {kept}"
            )
    return "\n".join(lines)


def page(records: list[Record], command: str, facts: dict[str, str]) -> str:
    """docs/benchmarks/peers.md."""
    told = "\n".join(f"- {what}: {value}" for what, value in facts.items())
    return f"""# voxstore beside what people use today

Written by one command; what it does, and what is fair about it, stands in
[benches/peers](../../benches/peers/README.md).

```sh
{command}
```

{told}

Medians [least-most] of whole processes that start from nothing, the page cache warm, voxstore and the
other by turns. A ratio is the other's time by voxstore's, pair by pair: above 1, voxstore is faster. A
floor is what was asked for before it was measured; ✓ says that it holds. Every map and store was compared
with numpy's numbers. AFNI was not run here: it is quoted from an earlier measurement on a machine of
the same kind.

{table(records)}

## Peak memory

What voxstore held at most, mapped files included, of what it was allowed.

{memory(records)}
"""
