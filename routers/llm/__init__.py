"""LLM usage under `/analytics/v1`: spend and reliability per organisation, computed from the events themselves."""

from fastapi import APIRouter

from routers.llm import freshness, incidents, organisations, reliability, status, usage

router = APIRouter(prefix="/analytics/v1")
for part in (organisations, usage, reliability, freshness, incidents, status):
    router.include_router(part.router)
