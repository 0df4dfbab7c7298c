"""Running queries with the engine that suits what they read.

Both of Polars' engines give the same figures: streaming bounds memory and is faster on large tables, but takes longer
to start than the work on small ones does. Whoever opens the tables knows their size and says which one to use; it holds
for that request alone, never for the process.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import polars as pl

type Engine = Literal["auto", "in-memory", "streaming"]

_engine: ContextVar[Engine] = ContextVar("engine", default="auto")


@contextmanager
def collecting_with(engine: Engine) -> Iterator[None]:
    """Run the queries within by this engine."""
    token = _engine.set(engine)
    try:
        yield
    finally:
        _engine.reset(token)


def collect(query: pl.LazyFrame) -> pl.DataFrame:
    """The rows of a query."""
    return query.collect(engine=_engine.get())


def collect_all(queries: Iterable[pl.LazyFrame]) -> list[pl.DataFrame]:
    """The rows of several queries, run together: what they have in common is computed once."""
    return pl.collect_all(queries, engine=_engine.get())


def each_of[Part, Result](parts: Sequence[Part], work: Callable[[Part], Result]) -> list[Result]:
    """What work makes of each part, in order, with as many parts at a time as Polars has threads."""
    if len(parts) == 1:
        return [work(parts[0])]
    with worker_threads(min(len(parts), pl.thread_pool_size())) as pool:
        return list(pool.map(work, parts))


def worker_threads(number: int) -> ThreadPoolExecutor:
    """Threads that run queries by the engine of the thread that makes them."""
    return ThreadPoolExecutor(number, initializer=_engine.set, initargs=(_engine.get(),))
