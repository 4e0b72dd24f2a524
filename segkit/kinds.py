"""Which study a kind of parameters asks for. A kind is one class of parameters and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from .change import Changed, compare
from .params import CompareParams, Kind, Params, RfmParams, ScoreParams
from .purchases import Purchases, value
from .scoring import Scored, score
from .study import Study, segment

Made = Study | Purchases | Changed | Scored
STUDIES: dict[type[Kind], Callable[..., Any]] = {
    Params: segment, RfmParams: value, CompareParams: compare, ScoreParams: score,
}  # fmt: skip


@overload
def carry_out(source: Any, params: Params) -> Study: ...
@overload
def carry_out(source: Any, params: Kind) -> Made: ...
def carry_out(source: Any, params: Kind) -> Made:
    """Carry out the study that its parameters describe."""
    return STUDIES[type(params)](source, params)  # type: ignore[no-any-return]
