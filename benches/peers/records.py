"""What was measured, row by row: medians, ratios, and the files under target/ that keep them."""

import dataclasses
import json
from pathlib import Path
from statistics import median
from typing import NamedTuple

from measure import Measured


class Spread(NamedTuple):
    """Some measurements of one thing."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """The spread of values."""
        return cls(median(values), min(values), max(values))


@dataclasses.dataclass(frozen=True)
class Pair:
    """voxstore and a peer, one right after the other."""

    ours: Measured
    theirs: Measured


@dataclasses.dataclass(frozen=True)
class Beside:
    """voxstore beside one peer."""

    peer: str
    floor: float | None
    memory_floor: float | None
    inside: bool
    pairs: list[Pair]
    problem: str | None  # of the peer, or of its numbers
    agreed: str | None  # what the check said

    def seconds(self, measured: Measured) -> float:
        """What is compared: the process, or what it told of its inside."""
        if self.inside:
            return median(json.loads(measured.output)["seconds"])
        return measured.wall_seconds

    @property
    def finished(self) -> list[Pair]:
        """Pairs of which both did their work."""
        return [p for p in self.pairs if p.ours.problem is None and p.theirs.problem is None]

    @property
    def ours_seconds(self) -> Spread:
        """voxstore's time."""
        return Spread.of([self.seconds(p.ours) for p in self.pairs if p.ours.problem is None])

    @property
    def theirs_seconds(self) -> Spread:
        """The peer's time."""
        return Spread.of([self.seconds(p.theirs) for p in self.finished])

    @property
    def ratio(self) -> Spread:
        """How many times as long the peer took, pair by pair."""
        return Spread.of([self.seconds(p.theirs) / self.seconds(p.ours) for p in self.finished])

    @property
    def ours_peak_bytes(self) -> int:
        """The most memory that voxstore held."""
        return max(pair.ours.peak_bytes for pair in self.pairs)

    @property
    def theirs_peak_bytes(self) -> int:
        """The least of the peaks of the peer."""
        return min(pair.theirs.peak_bytes for pair in self.pairs)


@dataclasses.dataclass(frozen=True)
class Record:
    """A row that was measured."""

    key: str
    title: str
    commit: str
    data: str
    rounds: int
    budget_mib: int | None
    group_mib: int | None
    quoted: tuple[str, float, float] | None
    besides: list[Beside]


def save(record: Record, folder: Path) -> None:
    """Keeps a row, in place of what was kept of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{record.key}.json").write_text(json.dumps(dataclasses.asdict(record), indent=1))


def load(path: Path) -> Record:
    """A row that was kept."""
    fields = json.loads(path.read_text())
    fields["besides"] = [
        Beside(**beside | {"pairs": [pair_of(pair) for pair in beside["pairs"]]})
        for beside in fields["besides"]
    ]
    return Record(**fields)


def pair_of(fields: dict[str, dict]) -> Pair:
    """A pair from JSON."""
    return Pair(Measured(**fields["ours"]), Measured(**fields["theirs"]))
