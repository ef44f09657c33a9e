from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from kgqa.evaluation.charts import Series, bar_chart, histogram, line_chart, ticks, waterfall

HOSTILE = "</text><script>alert(1)</script>\"'&\u202e\x00"
CHARTS = {
    "bars": bar_chart([HOSTILE, "b"], [(HOSTILE, [0.5, None]), ("two", [1.0, 0.0])], title=HOSTILE),
    "lines": line_chart(
        [Series(HOSTILE, ((0.0, 0.5), (1.0, 1.0)), (0.2, 0.8))], title=HOSTILE, x_label=HOSTILE, y_label=HOSTILE
    ),
    "waterfall": waterfall([HOSTILE, "rank"], [0.9, 0.4], title=HOSTILE),
    "histogram": histogram([1.0, 2.0, 300.0], title=HOSTILE, x_label=HOSTILE),
}


def _all(svg: str, tag: str) -> list[ElementTree.Element]:
    return [node for node in ElementTree.fromstring(svg).iter() if node.tag.endswith(tag)]


@pytest.mark.parametrize("name", CHARTS)
def test_a_hostile_label_stays_text(name: str) -> None:
    root = ElementTree.fromstring(CHARTS[name])
    assert {node.tag for node in root.iter()} <= {"svg", "title", "text", "rect", "line", "polyline", "circle"}
    shown = "".join(node.text or "" for node in root.iter())
    assert "<script>" in shown
    assert not re.search("[\u202e\x00]", shown)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_needs_nothing_from_elsewhere(name: str) -> None:
    assert not re.search(r"(href|src|url\()", CHARTS[name])


def test_bars_are_as_long_as_their_values() -> None:
    svg = bar_chart(["a", "b"], [("one", [0.25, 1.0]), ("two", [None, 0.5])], title="t")
    widths = {rect[0].text: float(rect.attrib["width"]) for rect in _all(svg, "rect")}
    assert set(widths) == {"a, one: 0.250", "b, one: 1.000", "b, two: 0.500"}
    assert widths["b, one: 1.000"] == pytest.approx(4 * widths["a, one: 0.250"], abs=0.3)


def test_a_waterfall_shows_what_each_stage_lost() -> None:
    svg = waterfall(["enumerate", "prune", "rank"], [0.9, 0.9, 0.5], title="t")
    assert [rect[0].text for rect in _all(svg, "rect") if rect.attrib["class"] == "lost"] == [
        "lost: 0.100",
        "lost: 0.400",
    ]
    columns = [float(rect.attrib["height"]) for rect in _all(svg, "rect") if rect.attrib["class"] == "fill0"]
    assert columns[0] / columns[2] == pytest.approx(0.9 / 0.5, abs=0.01)


def test_a_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    svg = line_chart([Series("s", ((0.0, 0.0), (1.0, 1.0)))], title="t", x_label="x", y_label="y")
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in _all(svg, "polyline")[0].attrib["points"].split())
    assert x1 < x2
    assert y1 > y2


def test_a_histogram_counts_every_value() -> None:
    svg = histogram([float(n) for n in range(100)], title="t", x_label="x", n_bins=10)
    assert sum(int((rect[0].text or "").split(": ")[1]) for rect in _all(svg, "rect")) == 100
    assert histogram([], title="t", x_label="x") == ""


@pytest.mark.parametrize(
    ("top", "found"),
    [(1.0, [0, 0.25, 0.5, 0.75, 1.0]), (7.0, [0, 2, 4, 6]), (180.0, [0, 50, 100, 150]), (0.0, [0]), (3, [0, 1, 2, 3])],
)
def test_ticks_are_round_numbers_up_to_the_top(top: float, found: list[float]) -> None:
    assert ticks(top) == found
