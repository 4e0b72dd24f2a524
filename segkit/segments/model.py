"""The model: a preparation, centres and names that assign any customer, kept as a small readable JSON file.

One formula assigns customers, at fit and ever after: squared distances to the centres in float64, summed column by column
from the left, the nearest centre wins and the lower number breaks ties. It is written as narwhals expressions; above 64
prepared columns the same sums run over numpy blocks, in the same order, so every digit is the same. Nothing is fitted here.

The file holds numbers and text only, its own SHA-256 and no code. Reading one trusts nothing in it.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, reduce
from importlib.metadata import version
from operator import add
from pathlib import Path
from typing import Any, Self

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from scipy import sparse

from segkit.errors import ModelError, OutputError, ParameterError, nearest
from segkit.segments.prepare import Floats, Frame, Preparation, table

FORMAT = "segkit-model/1"
NARROW = 64  # prepared columns up to which distances are expressions
BLOCK = 8_192
LARGEST = 64_000_000  # bytes of a model file
ROBUST = 3 * 1.4826  # three standard deviations of a normal, in median absolute deviations
FALLBACK = 3 * 1.2533  # the same in mean absolute deviations, where over half the customers are equally far


class Segment(BaseModel):
    """One segment: its number from 1, name, centre by prepared column, and the distance from which a customer is unusual."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: int
    name: str
    cutoff: FiniteFloat
    center: dict[str, FiniteFloat]


class Model(BaseModel):
    """A fitted segmentation that scores customers.

    Attributes
    ----------
    algorithm
        What found the centres.
    supported
        Whether the data support this number of segments (the verdict's word).
    preparation
        How columns become numbers.
    segments
        Segments from 1, in order.
    training
        A summary of the fit: rows, usable, sizes, columns, versions, and what `learn` was told beside them.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit.segments import prepare
    >>> frame = pd.DataFrame({"id": list("abcd"), "spend": [1.0, 2.0, 9.0, 10.0]})
    >>> preparation = prepare.learn(frame, numbers=["spend"], categories=[])
    >>> model = Model.learn(preparation, frame, [[-1.0], [1.0]], names=["Small", "Large"])
    >>> model.score(frame.head(3), id_column="id")[["id", "segment", "segment_name", "outlier"]]
      id  segment segment_name  outlier
    0  a        1        Small    False
    1  b        1        Small    False
    2  c        2        Large    False
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: str
    supported: bool
    preparation: Preparation
    segments: tuple[Segment, ...] = Field(min_length=1, max_length=1000)
    training: dict[str, Any]

    @cached_property
    def centers(self) -> Floats:
        """Centres, (k, p), in the order of `preparation.names`."""
        names = self.preparation.names
        return np.array([[one.center[name] for name in names] for one in self.segments], dtype=np.float64)

    @property
    def names(self) -> list[str]:
        """Names of the segments, segment 1 first."""
        return [one.name for one in self.segments]

    @property
    def cutoffs(self) -> list[float]:
        """Distances beyond which a customer is unusual, segment 1 first."""
        return [one.cutoff for one in self.segments]

    @classmethod
    def learn(
        cls,
        preparation: Preparation,
        frame: Any,
        centers: Any,
        *,
        algorithm: str = "kmeans",
        names: Sequence[str] = (),
        supported: bool = True,
        training: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make the model of centres found elsewhere: assign the frame once and learn what is unusual in each segment.

        Parameters
        ----------
        centers
            (k, p), in the order of `preparation.names`; row 0 becomes segment 1.
        names
            One per segment; none leaves them empty, `named` gives them later.
        training
            Plain values to keep with the model, such as seed and verdict level.
        """
        centre = np.asarray(centers, dtype=np.float64)
        names = list(names) or [""] * len(centre)
        made = [
            Segment(segment=i, name=name, cutoff=0.0, center=dict(zip(preparation.names, map(float, row), strict=True)))
            for i, (name, row) in enumerate(zip(names, centre, strict=True), start=1)
        ]
        blank = cls(
            algorithm=algorithm, supported=supported, preparation=preparation, segments=tuple(made), training={}
        )
        found = blank.assign(frame)
        segment, distance = found["segment"].to_numpy(), found["distance"].to_numpy()
        cutoffs = [_cutoff(distance[segment == one.segment], distance[segment > 0]) for one in made]
        told = [one.model_copy(update={"cutoff": cut}) for one, cut in zip(made, cutoffs, strict=True)]
        sizes = [int((segment == one.segment).sum()) for one in made]
        summary = {
            "rows": len(segment), "usable": sum(sizes), "sizes": sizes,
            "columns": [recipe.column for recipe in preparation.columns], "versions": _versions(),
        }  # fmt: skip
        return blank.model_copy(update={"segments": tuple(told), "training": summary | dict(training or {})})

    def named(self, names: Sequence[str]) -> Self:
        """Return the same model with other names."""
        told = [one.model_copy(update={"name": name}) for one, name in zip(self.segments, names, strict=True)]
        return self.model_copy(update={"segments": tuple(told)})

    def assign(self, frame: Any) -> Frame:
        """Return segment (int, 0 = not scorable), confidence, distance and outlier of each row, as a narwhals frame."""
        data, pick = self.preparation.picker(frame)
        usable = self.preparation.complete(pick).alias("usable")
        if len(self.preparation.names) > NARROW:
            blocks = np.vstack(list(self._blocks(self.preparation.matrix(frame))))
            squared = {f"d{j}": blocks[:, j] for j in range(blocks.shape[1])}
            scored = nw.from_native(pd.DataFrame(squared | {"usable": self.preparation.usable(frame)}), eager_only=True)
        else:
            outputs = self.preparation.expressions(pick)
            prepared = data.select(usable, *[output.alias(f"x{i}") for i, output in enumerate(outputs)])
            columns = [nw.col(f"x{i}") for i in range(len(outputs))]
            distances = [squared_distance(columns, center).alias(f"d{j}") for j, center in enumerate(self.centers)]
            scored = prepared.select("usable", *distances)
        return self._judged(scored)

    def _blocks(self, X: Any) -> Iterator[Floats]:
        """Squared distances of blocks of rows to every centre."""
        for start in range(0, X.shape[0], BLOCK):
            rows = X[start : start + BLOCK]
            columns = np.ascontiguousarray((rows.toarray() if sparse.issparse(rows) else rows).T)
            yield np.column_stack([squared_distance(columns, center) for center in self.centers])
        if not X.shape[0]:
            yield np.empty((0, len(self.segments)))

    def _judged(self, scored: Frame) -> Frame:
        """From squared distances to segment, confidence, distance and outlier."""
        squares = [nw.col(f"d{j}") for j in range(len(self.segments))]
        nearest_one = scored.with_columns(first=_least(squares))
        chosen = nearest_one.with_columns(segment=_choice(squares, list(range(1, len(squares) + 1))).cast(nw.Int64))
        others = [
            nw.when(nw.col("segment") != j).then(square).otherwise(nw.lit(np.inf))
            for j, square in enumerate(squares, start=1)
        ]
        measured = chosen.select(
            "usable", "segment", distance=nw.col("first").sqrt(), next=_least(others).sqrt(), cutoff=_by_segment(self.cutoffs)
        )
        usable = nw.col("usable")
        return measured.select(
            segment=nw.when(usable).then(nw.col("segment")).otherwise(nw.lit(0)).cast(nw.Int64),
            confidence=nw.when(usable).then(_confidence(len(squares))),
            distance=nw.when(usable).then(nw.col("distance")),
            outlier=usable & (nw.col("distance") > nw.col("cutoff")),
        )

    def score(self, frame: Any, id_column: str | None = None) -> pd.DataFrame:
        """Assign each row to its nearest segment.

        Returns
        -------
        pandas.DataFrame
            The id column (or `row`, from 1), `segment` (from 1; 0 = not scorable), `segment_name`, `confidence` (0.5 to 1,
            the part the next centre's distance has in the sum of both), `distance` (in prepared units), `outlier` and
            `supported`. An id column whose name is one of these gets an underscore.

        Raises
        ------
        SourceError
            A column the model needs is missing, or holds text where a number was learnt.
        """
        found = self.assign(frame).to_pandas().reset_index(drop=True)
        segment = found["segment"].to_numpy()
        found.insert(1, "segment_name", np.array(["", *self.names], dtype=object)[segment])
        found["supported"] = self.supported
        ids, name = self._ids(frame, id_column, len(found))
        found.insert(0, name + "_" * (name in found.columns), ids)
        return found

    def _ids(self, frame: Any, id_column: str | None, rows: int) -> tuple[Any, str]:
        if id_column is None:
            return np.arange(1, rows + 1), "row"
        data = table(frame)
        if id_column not in data.columns:
            raise ParameterError(f'There is no column "{id_column}".{nearest(id_column, data.columns)}')
        return data[id_column].to_pandas().reset_index(drop=True), id_column

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values with the format and a SHA-256 over all the rest."""
        content = {"format": FORMAT, **self.model_dump(mode="json")}
        return {"format": FORMAT, "sha256": _fingerprint(content), **content}

    def save(self, path: str | Path) -> Path:
        """Write the model as JSON and return the path; OutputError when that cannot be done."""
        file = Path(path)
        try:
            text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
            file.write_bytes(text.encode("utf-8") + b"\n")
        except OSError as error:
            raise OutputError(f"The model cannot be written to {file.name}: {error.strerror}.") from None
        return file


def read_model(path: str | Path) -> Model:
    """Read a model that `Model.save` wrote.

    Raises
    ------
    ModelError
        The file is missing, damaged, changed, or not a model of this format. Nothing in a file is ever run.
    """
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST:
            raise ModelError(f"{file.name} is too large for a model; one has at most {LARGEST // 1_000_000} MB.")
        values = json.loads(file.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise ModelError(f"The model {file.name} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise ModelError(f"{file.name} is not a model: it is not JSON. Choose a model.json that segkit wrote.") from None
    return _checked(values, file.name)


def _checked(values: Any, name: str) -> Model:
    found = values.get("format") if isinstance(values, dict) else None
    if found != FORMAT:
        words = f'its format is "{found:.40}"' if isinstance(found, str) else "it names no format"
        raise ModelError(f'{name} is not a model this version reads: {words}; "{FORMAT}" is needed.')
    content = {key: value for key, value in values.items() if key != "sha256"}
    if values.get("sha256") != _fingerprint(content):
        raise ModelError(f"{name} was changed or damaged after it was written: its SHA-256 does not match. Fit it again.")
    try:
        kept = Model.model_validate({key: value for key, value in content.items() if key != "format"})
        kept.centers  # noqa: B018 - every centre must have every prepared column
    except (ValidationError, KeyError, RecursionError):
        raise ModelError(f"{name} is not a complete model: some of its content is missing or of the wrong kind.") from None
    return kept


# ------------------------------------------------------------------------------------------- the formula


def squared_distance(columns: Sequence[Any], center: Floats) -> Any:
    """Sum (x - c)^2 over columns from the left; of expressions or of arrays, with the same digits."""
    differences = [column - float(value) for column, value in zip(columns, center, strict=True)]
    return reduce(add, [difference * difference for difference in differences])


def _least(values: Sequence[nw.Expr]) -> nw.Expr:
    return values[0] if len(values) == 1 else nw.min_horizontal(*values)


def _choice(squares: Sequence[nw.Expr], numbers: Sequence[int]) -> nw.Expr:
    """The number whose square is the least, the first of several."""
    chosen: nw.Expr = nw.lit(numbers[-1])
    for square, number in zip(squares[-2::-1], numbers[-2::-1], strict=True):
        chosen = nw.when(square == nw.col("first")).then(nw.lit(number)).otherwise(chosen)
    return chosen


def _by_segment(values: Sequence[float]) -> nw.Expr:
    chosen: nw.Expr = nw.lit(values[-1])
    for number in range(len(values) - 1, 0, -1):
        chosen = nw.when(nw.col("segment") == number).then(nw.lit(values[number - 1])).otherwise(chosen)
    return chosen


def _confidence(segments: int) -> nw.Expr:
    """Next distance over the sum of both: 1 with one segment, 0.5 where two centres are equally far, even at no distance."""
    if segments == 1:
        return nw.lit(1.0)
    both = nw.col("distance") + nw.col("next")
    return nw.when(both > 0).then(nw.col("next") / both).otherwise(nw.lit(0.5))


def _cutoff(inside: Floats, everybody: Floats) -> float:
    """Three robust standard deviations beyond the median distance; an empty segment takes the distances of all."""
    distances = inside if len(inside) else everybody
    if not len(distances):
        return 0.0
    middle = float(np.median(distances))
    away = np.abs(distances - middle)
    return middle + (ROBUST * float(np.median(away)) or FALLBACK * float(away.mean()))


# ---------------------------------------------------------------------------------------------- the file


def _fingerprint(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _versions() -> dict[str, str]:
    packages = ("segkit", "narwhals", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
