"""The model: a preparation, centres and names that place any customer, kept as a small readable JSON file.

One formula places customers, at fit and ever after: squared distances to the centres in float64, summed over
the columns from the left; the nearest centre wins, the lower number breaks ties; see `segkit.segments.place`.

The file holds text and numbers, the SHA-256 of them, and no code. Reading one trusts nothing in it. Nothing
is fitted here.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from segkit.data import sql
from segkit.errors import ModelError, OutputError, ParameterError, nearest
from segkit.segments import place
from segkit.segments.frames import Frame, require, table
from segkit.segments.metric import Metric
from segkit.segments.prepare import Preparation

Floats = NDArray[np.float64]

FORMAT = "segkit-model/1"
PLACED = ("segment", "segment_name", "confidence", "distance", "outlier")
NOWHERE = (
    "This segmentation places no new customers: its segments come from a column of the data, or from where "
    "its own customers stand close together. Make a study without labels, by another algorithm."
)
LARGEST = 64_000_000  # bytes of a file
ROBUST = 3 * 1.4826  # three standard deviations of a normal, in median absolute deviations
FALLBACK = 3 * 1.2533  # and in mean absolute deviations, for where most customers are equally far


class Segment(BaseModel):
    """One segment: number from 1, name, centre by prepared column, and how far is unusual.

    `more` are centres of segments that were joined to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: int
    name: str
    cutoff: FiniteFloat
    center: dict[str, FiniteFloat]
    more: tuple[dict[str, FiniteFloat], ...] = ()


class Model(BaseModel):
    """A fitted segmentation that places customers.

    Attributes
    ----------
    algorithm
        What found the centres.
    supported
        Whether the data support this number of segments, as the verdict says.
    preparation
        How columns become numbers.
    segments
        The segments from 1, in order.
    metric
        What assigns customers where that is not plain distance: widths, offsets, a turn of the columns.
    places
        Whether it places customers; a segmentation that existed, or one by density, only describes its own.
    training
        The fit in short: rows, usable, sizes, columns, versions, and what `learn` was given to keep.

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
    metric: Metric | None = None
    places: bool = True
    training: dict[str, Any]

    @property
    def centers(self) -> Floats:
        """Centres, at least one of each segment in order, by column in the order of `preparation.names`."""
        names = self.preparation.names
        every = [center for each in self.segments for center in (each.center, *each.more)]
        return np.array([[center[name] for name in names] for center in every], dtype=np.float64)

    @property
    def owners(self) -> list[int]:
        """The segment, from 1, of each of the `centers`."""
        return [each.segment for each in self.segments for _ in (each.center, *each.more)]

    @property
    def names(self) -> list[str]:
        """Names of the segments, segment 1 first."""
        return [each.name for each in self.segments]

    @property
    def cutoffs(self) -> list[float]:
        """Distances to a centre beyond which a customer is unusual, segment 1 first."""
        return [each.cutoff for each in self.segments]

    @classmethod
    def learn(cls, preparation: Preparation, frame: Any, centers: Any, **how: Any) -> Self:
        """Return the model of `learn_and_place`, which says what `how` may be."""
        return cls.learn_and_place(preparation, frame, centers, **how)[0]

    @classmethod
    def learn_and_place(
        cls,
        preparation: Preparation,
        frame: Any,
        centers: Any,
        *,
        algorithm: str = "kmeans",
        metric: Metric | None = None,
        names: Sequence[str] = (),
        owners: Sequence[int] = (),
        supported: bool = True,
        rows: Any = None,
        placed: pd.DataFrame | None = None,
        training: Mapping[str, Any] | None = None,
    ) -> tuple[Self, pd.DataFrame]:
        """Make the model of centres found elsewhere: place the frame, and learn what is unusual there.

        Parameters
        ----------
        centers
            (k, p), in the order of `preparation.names`; row 0 becomes segment 1.
        names
            One per segment; without, they are empty until `named` gives them.
        owners
            The segment, from 1 in rising order, of each centre, where some have several.
        rows
            ``preparation.matrix(frame, pushed=True)``, where it is at hand.
        placed
            `segment` and `distance` of each row where the centres do not say; the model then places nobody.
        training
            Plain values to keep with the model, such as seed and verdict.

        Returns
        -------
        Model
        DataFrame
            Where each row of the frame is, to be given to `told`.
        """
        every = [dict(zip(preparation.names, center, strict=True)) for center in np.asarray(centers).tolist()]
        whose = list(owners) or list(range(1, len(every) + 1))
        called = list(names) or [""] * max(whose)
        segments = []
        for i, name in zip(range(1, max(whose) + 1), called, strict=True):
            first, *more = [center for center, owner in zip(every, whose, strict=True) if owner == i]
            segments.append(Segment(segment=i, name=name, cutoff=0.0, center=first, more=tuple(more)))
        blank = cls(
            algorithm=algorithm,
            supported=supported,
            preparation=preparation,
            segments=tuple(segments),
            metric=metric,
            places=placed is None,
            training={},
        )
        if placed is None:
            placed = blank.place(frame, rows).to_pandas().drop(columns="outlier")
        segment, distance = placed["segment"].to_numpy(), placed["distance"].to_numpy()
        inside = [distance[segment == each.segment] for each in segments]
        cutoffs = [_cutoff(far if len(far) else distance[segment > 0]) for far in inside]
        summary = {
            "rows": len(segment),
            "usable": sum(map(len, inside)),
            "sizes": [len(far) for far in inside],
            "columns": [recipe.column for recipe in preparation.columns],
            "versions": _versions(),
        }
        told = [each.model_copy(update={"cutoff": cut}) for each, cut in zip(segments, cutoffs, strict=True)]
        update = {"segments": tuple(told), "training": summary | dict(training or {})}
        return blank.model_copy(update=update), placed

    def named(self, names: Sequence[str]) -> Self:
        """Return the same model with other names."""
        told = [
            each.model_copy(update={"name": name}) for each, name in zip(self.segments, names, strict=True)
        ]
        return self.model_copy(update={"segments": tuple(told)})

    def reordered(self, order: Sequence[int], names: Mapping[int, str]) -> Self:
        """Return the same model with other numbers: the segment `order[0]` becomes 1, and so on."""
        moved = tuple(
            self.segments[old - 1].model_copy(update={"segment": new, "name": names.get(new, "")})
            for new, old in enumerate(order, start=1)
        )
        pieces = [j for old in order for j, owner in enumerate(self.owners) if owner == old]
        metric = self.metric.reordered(pieces) if self.metric else None
        sizes = [self.training["sizes"][old - 1] for old in order]
        return self.model_copy(
            update={"segments": moved, "metric": metric, "training": self.training | {"sizes": sizes}}
        )

    def place(self, frame: Any, rows: Any = None) -> Frame:
        """Return `segment` (0 = not scorable), `confidence`, `distance` and `outlier` of each row.

        `rows` is ``preparation.matrix(frame, pushed=True)``, where it is at hand.

        Raises
        ------
        ModelError
            The model places nobody.
        SourceError
            A column the model needs is missing, or holds text where numbers were learnt.
        """
        self._must_place()
        how: dict[str, Any] = {"owners": self.owners, "rows": rows}
        return place.place(self.preparation, self.centers, self._limits, frame, self.metric, **how)

    @property
    def _limits(self) -> list[float]:
        """Cut-offs of the `centers`."""
        return [self.cutoffs[owner - 1] for owner in self.owners]

    def _must_place(self) -> None:
        if not self.places:
            raise ModelError(NOWHERE)

    def sql(self, dialect: str = "duckdb", *, id_column: str = "customer_id") -> str:
        """Return one SELECT on a table ``customers`` that places every row as `score` does.

        It gives the id column, `segment`, `segment_name`, `confidence`, `distance` and `outlier`. What was
        read as numbers, yes and no included, must be numeric columns there.

        Examples
        --------
        >>> import duckdb, pandas as pd
        >>> from segkit.segments import prepare
        >>> customers = pd.DataFrame({"customer_id": list("abcd"), "spend": [1.0, 2.0, 9.0, 10.0]})
        >>> preparation = prepare.learn(customers, numbers=["spend"], categories=[])
        >>> model = Model.learn(preparation, customers, [[-1.0], [1.0]], names=["Small", "Large"])
        >>> [row[:2] for row in duckdb.sql(model.sql() + " order by 1").fetchall()]
        [('a', 1), ('b', 1), ('c', 2), ('d', 2)]
        """
        numbers = [recipe.column for recipe in self.preparation.columns if recipe.numeric]
        texts = [recipe.column for recipe in self.preparation.columns if not recipe.numeric]
        customers = sql.relation(numbers, [*texts, *({id_column} - {*numbers, *texts})])
        return sql.statement(self._assigned(customers, id_column), dialect)

    def assign(self, frame: Any, id_column: str) -> Any:
        """Place the rows of a lazy frame where they live: a query, of which nothing runs before it is asked.

        Parameters
        ----------
        frame
            A DuckDB relation, a lazy frame of polars, a frame of PySpark, or another lazy one of narwhals.
        id_column
            Goes with each row, for rows of a lazy frame have no order.

        Returns
        -------
        A lazy frame of the same library
            What `sql` gives: the id column, `segment`, `segment_name`, `confidence`, `distance`, `outlier`.

        Raises
        ------
        ModelError, ParameterError, SourceError
            The model places nobody; there is no such id column; a column it needs is missing, or holds text
            where numbers were learnt.

        Examples
        --------
        >>> import duckdb, pandas as pd
        >>> from segkit.segments import prepare
        >>> customers = pd.DataFrame({"id": list("abcd"), "spend": [1.0, 2.0, 9.0, 10.0]})
        >>> preparation = prepare.learn(customers, numbers=["spend"], categories=[])
        >>> model = Model.learn(preparation, customers, [[-1.0], [1.0]], names=["Small", "Large"])
        >>> placed = model.assign(duckdb.from_df(customers), "id")
        >>> placed.select("id, segment_name").fetchall()
        [('a', 'Small'), ('b', 'Small'), ('c', 'Large'), ('d', 'Large')]
        """
        data = nw.from_native(frame, pass_through=False).lazy()
        require(data, [id_column], ParameterError)
        return self._assigned(data, id_column).to_native()

    def _assigned(self, customers: nw.LazyFrame[Any], id_column: str) -> nw.LazyFrame[Any]:
        """Return the query that places each row of a lazy frame, its id beside it."""
        self._must_place()
        placed = place.place(
            self.preparation,
            self.centers,
            self._limits,
            customers,
            self.metric,
            owners=self.owners,
            keep=id_column,
        )
        name: nw.Expr = nw.lit("")
        for each in self.segments:
            name = nw.when(nw.col("segment") == each.segment).then(nw.lit(each.name)).otherwise(name)
        told = id_column + "_" * (id_column in PLACED)
        columns = (nw.col("kept").alias(told), "segment", name.alias("segment_name"), *PLACED[2:])
        return placed.select(*columns)  # type: ignore[return-value]  # lazy in, lazy out

    def score(self, frame: Any, id_column: str | None = None) -> pd.DataFrame:
        """Place each row in its nearest segment.

        Returns
        -------
        pandas.DataFrame
            The id column (or `row`, from 1), `segment` (from 1; 0 = not scorable), `segment_name`,
            `confidence` (0.5 to 1: the next centre's distance over the sum of both), `distance` (in prepared
            units), `outlier`, `supported`. An id column with one of these names gets an underscore.

        Raises
        ------
        ModelError, SourceError
            The model places nobody; a column it needs is missing, or holds text where numbers were learnt.
        """
        return self.told(self.place(frame).to_pandas(), frame, id_column)

    def told(self, found: pd.DataFrame, frame: Any, id_column: str | None = None) -> pd.DataFrame:
        """Put ids and names beside where each row of the frame is; see `score`."""
        found = found.reset_index(drop=True)
        if "outlier" not in found:
            cutoffs = np.array([np.inf, *self.cutoffs])[found["segment"]]
            found["outlier"] = found["distance"].to_numpy() > cutoffs
        found.insert(1, "segment_name", np.array(["", *self.names], dtype=object)[found["segment"]])
        found["supported"] = self.supported
        if id_column is None:
            found.insert(0, "row", np.arange(1, len(found) + 1))
            return found
        data = table(frame)
        if id_column not in data.columns:
            raise ParameterError(f'There is no column "{id_column}".{nearest(id_column, data.columns)}')
        name = id_column + "_" * (id_column in found.columns)
        found.insert(0, name, data[id_column].to_pandas().reset_index(drop=True))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the format, a SHA-256 over all the rest, and the model."""
        content = {"format": FORMAT, **self.model_dump(mode="json")}
        return {"format": FORMAT, "sha256": _fingerprint(content), **content}

    def save(self, path: str | Path) -> Path:
        """Write the model as JSON and return the path; OutputError when that cannot be done."""
        file = Path(path)
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        try:
            file.write_bytes(text.encode() + b"\n")
        except OSError as error:
            raise OutputError(f"The model cannot be written to {file.name}: {error.strerror}.") from None
        return file


def read_model(path: str | Path) -> Model:
    """Read a model that `Model.save` wrote.

    Raises
    ------
    ModelError
        The file is missing, damaged, changed, or no model of this format. Nothing in a file is ever run.
    """
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST:
            raise ModelError(f"{file.name} is too large for a model: over {LARGEST // 1_000_000} MB.")
        values = json.loads(file.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise ModelError(f"The model {file.name} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise ModelError(f"{file.name} is not JSON. Choose a model.json that segkit wrote.") from None
    return _checked(values, file.name)


def _checked(values: Any, name: str) -> Model:
    found = values.get("format") if isinstance(values, dict) else None
    if isinstance(found, str) and re.fullmatch(r"segkit-model/[1-9]\d?", found) and found != FORMAT:
        raise ModelError(f"{name} was written by a later version of segkit ({found}). Install that version.")
    if found != FORMAT:
        words = f'its format is "{found:.40}"' if isinstance(found, str) else "it names no format"
        raise ModelError(f'{name} is not a model that can be read here: {words}, and "{FORMAT}" is needed.')
    content = {key: value for key, value in values.items() if key != "sha256"}
    if values.get("sha256") != _fingerprint(content):
        raise ModelError(f"{name} was changed or damaged: its SHA-256 does not match. Fit the model again.")
    try:
        model = Model.model_validate({key: value for key, value in content.items() if key != "format"})
        width = {len(center) for each in model.segments for center in (each.center, *each.more)}
        whole = width == {model.centers.shape[1]} and [s.segment for s in model.segments] == list(
            range(1, len(model.segments) + 1)
        )
        whole = whole and _fits(model.metric, *model.centers.shape)
    except (ValidationError, KeyError, RecursionError):
        whole = False
    if not whole:
        raise ModelError(f"{name} is not a whole model: some of it is missing or of the wrong kind.")
    return model


def _fits(metric: Metric | None, segments: int, columns: int) -> bool:
    """Return whether a metric has a width above 0 for every segment and column, and the right shapes."""
    if metric is None:
        return True
    widths = {len(row) for row in metric.widths} | ({len(row) for row in metric.turn} or {columns})
    shapes = len(metric.widths) == len(metric.offsets) == segments and len(metric.turn) in {0, columns}
    return shapes and widths == {columns} and all(width > 0 for row in metric.widths for width in row)


def _cutoff(distances: Floats) -> float:
    """Three robust standard deviations beyond the median; 0 of nobody."""
    if not len(distances):
        return 0.0
    middle = float(np.median(distances))
    away = np.abs(distances - middle)
    return middle + (ROBUST * float(np.median(away)) or FALLBACK * float(away.mean()))


def _fingerprint(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {
        name: version(name) for name in ("segkit", "narwhals", "numpy")
    }
