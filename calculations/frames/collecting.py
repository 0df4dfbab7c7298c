"""Runs queries with the engine that suits the size of their tables.

Both of Polars' engines give the same figures. Streaming bounds memory and is faster on large tables, but its start-up
takes longer than the whole query on small ones. The code that opens the tables knows their size and chooses; the choice
applies to that request only, never to the process.
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
    """Run the queries of the block with an engine."""
    token = _engine.set(engine)
    try:
        yield
    finally:
        _engine.reset(token)


def collect(query: pl.LazyFrame) -> pl.DataFrame:
    """Run one query."""
    return query.collect(engine=_engine.get())


def collect_all(queries: Iterable[pl.LazyFrame]) -> list[pl.DataFrame]:
    """Run several queries together; what they have in common is computed once."""
    return pl.collect_all(queries, engine=_engine.get())


def each_of[Part, Result](parts: Sequence[Part], work: Callable[[Part], Result]) -> list[Result]:
    """The results of `work` for each part, in order; at most as many run at once as Polars has threads."""
    if len(parts) == 1:
        return [work(parts[0])]
    with worker_threads(min(len(parts), pl.thread_pool_size())) as pool:
        return list(pool.map(work, parts))


def worker_threads(number: int) -> ThreadPoolExecutor:
    """A pool of threads that run queries with the engine of the thread that creates it."""
    return ThreadPoolExecutor(number, initializer=_engine.set, initargs=(_engine.get(),))
