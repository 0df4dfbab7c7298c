"""What the looks of every page must satisfy: on phones and screens, in light and dark, and for axe-core."""

from pathlib import Path
from typing import Literal

from tests.dashboard.visits import Visit

AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SERIOUS = ("serious", "critical")
WIDTHS = (360, 768, 1440)
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
# Elements that extend beyond the window or their panel, except inside scrollable ones.
REACHING_OUT = """
[...document.querySelectorAll("main *, header *, footer *")].filter((one) => {
  if (one.closest(".scrolled, .list, .unseen, svg, select, .menu-body") || !one.checkVisibility()) return false;
  const box = one.getBoundingClientRect();
  const panel = one.closest(".panel, .card")?.getBoundingClientRect();
  return box.right > innerWidth + 1 || (panel && (box.right > panel.right + 1 || box.bottom > panel.bottom + 1));
}).map((one) => one.outerHTML.slice(0, 120))
"""
# Texts that overlap within a panel or a card.
OVERLAPPING = """
[...document.querySelectorAll(".panel, .card, .controls, .top")].flatMap((part) => {
  const texts = [...part.querySelectorAll("h2, p, dt, dd > span, button, summary, legend + label, select, td, .call")]
    .filter((one) => one.checkVisibility() && !one.closest(".unseen, .scrolled, .list"))
    .filter((one) => one.getBoundingClientRect().width > 2);
  const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  return texts.flatMap((one, i) => texts.slice(i + 1)
    .filter((other) => !one.contains(other) && !other.contains(one))
    .filter((other) => over(one.getBoundingClientRect(), other.getBoundingClientRect()))
    .map((other) => `${one.textContent} / ${other.textContent}`));
})
"""


def violations(visit: Visit) -> list[str]:
    """The serious findings of axe-core, which is injected from outside the page, where the policy does not apply."""
    visit.page.evaluate(AXE)
    found = visit.page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def check_looks(visit: Visit, screenshots: Path, name: str) -> None:
    """Nothing overlaps or is cut off, whatever the width and the scheme; axe-core finds nothing serious."""
    for width in WIDTHS:
        visit.page.set_viewport_size({"width": width, "height": 900})
        # The charts have been resized by the frame after next.
        visit.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width
        assert visit.page.evaluate(REACHING_OUT) == []
        assert visit.page.evaluate(OVERLAPPING) == []
        for scheme in SCHEMES:
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.screenshot(path=screenshots / f"{name}-{width}-{scheme}.png", full_page=True)
            assert violations(visit) == []
