"""The step player: one file that holds every number, needs nothing else, and can be read without scripts or eyes."""

import html
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest
from lectures import NAMES, load, trace_of
from networks import TRAINABLE, random_addresses, random_trace

from chainrule import Dense, Expression, Network, backward, explain, fit, forward, initialize
from chainrule.errors import ModelFileError, SettingError
from chainrule.explain import NOTATIONS, explain_trace, from_toml
from chainrule.explain.digits import shown
from chainrule.explain.model import trace_of as trace_of_model
from chainrule.explain.player import player, write_player

VOID = {"meta", "br", "input", "link"}


class Page(HTMLParser):
    """The elements of a page in order, with a check that every one is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [a for t, a in self.elements if t == tag and all(v in a.get(k, "").split() for k, v in wanted.items())]


@pytest.fixture(scope="module")
def lecture():
    return trace_of(load("cis678-2-2-2-sigmoid"))


def large(inputs: int, *widths: int):
    layers = [
        *(Dense(width, "relu") for width in widths[:-1]),
        Dense(widths[-1], "softmax" if widths[-1] > 1 else "sigmoid"),
    ]
    net = Network(inputs, layers)
    x = np.random.default_rng(0).normal(size=(1, inputs))
    return backward(forward(net, initialize(net, 1), x, np.array([1]))).trace


def test_the_page_needs_nothing_from_outside(lecture) -> None:
    text = player(lecture, "w5", learning_rate=0.5)
    page = Page(text)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|fetch\(|XMLHttpRequest|eval\(", text)
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"link", "img", "iframe", "object", "embed", "video", "audio", "form"}
    )
    assert not [
        name for _, attributes in page.elements for name in attributes if name in ("src", "srcset") or name[:2] == "on"
    ]
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def test_every_value_of_the_explanation_stands_in_the_table(lecture) -> None:
    for of in ("w1", "w5", "b1[0]", "delta(h1)", "out(o1)", "loss"):
        page = Page(player(lecture, of))
        shown = {float(attributes["value"]) for attributes in page.all("data")}
        explanation = explain_trace(lecture, of)
        assert {line.value for line in explanation.lines} <= shown
        assert {name.value for name in explanation.names.values()} <= shown


def test_the_walk_goes_forward_to_the_loss_and_back(lecture) -> None:
    phases = [a["data-phase"] for a in Page(player(lecture, "w1", learning_rate=0.5)).all("li", **{"class": "step"})]
    order = ["forward", "loss", "backward", "result", "update"]
    assert phases == sorted(phases, key=order.index)
    assert set(phases) == set(order)


def said(page: Page) -> list[str]:
    return [a["data-said"] for a in page.all("li", **{"class": "step"})]


@pytest.mark.parametrize("seed", range(12))
def test_every_step_uses_only_what_an_earlier_step_or_the_given_numbers_say(seed: int) -> None:
    trace = random_trace(seed, TRAINABLE[seed % len(TRAINABLE)], ["mse", "categorical_crossentropy", "huber"][seed % 3])
    for of in random_addresses(seed, trace, 2):
        page = Page(player(trace, of, form=("factors", "delta")[seed % 2]))
        steps = [(a["data-uses"].split(), a["data-makes"].split()) for a in page.all("li", **{"class": "step"})]
        made: dict[str, int] = {}
        for n, (_, makes) in enumerate(steps):
            if len(makes) == 1:  # a local derivative names the two values it stands between
                made.setdefault(makes[0], n)
        for n, (uses, _) in enumerate(steps):
            assert all(made.get(mark, -1) <= n for mark in uses), (of, n)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("notation", list(NOTATIONS))
def test_svg_and_mathml_are_well_formed_in_every_notation(name: str, notation: str) -> None:
    text = player(trace_of(load(name)), "W1[0,0]", notation=notation)
    page = Page(text)
    drawing = re.search(r"<svg viewBox.*?</svg>", text, re.DOTALL)
    assert drawing is not None
    ET.fromstring(drawing[0])
    for piece in re.findall(r"<math>.*?</math>", text):
        ET.fromstring(piece)
    assert len({a["id"] for _, a in page.elements if "id" in a}) == sum("id" in a for _, a in page.elements)


def test_everything_that_a_step_lights_stands_in_the_picture(lecture) -> None:
    for trace, of in ((lecture, "w1"), (large(30, 64, 32, 1), "W1[5,7]")):
        page = Page(player(trace, of))
        there = {mark for _, a in page.elements for mark in a.get("data-at", "").split()}
        for a in page.all("li", **{"class": "step"}):
            slots = [m for m in f"{a['data-uses']} {a['data-makes']}".split() if re.match(r"[zax]\d*\.", m)]
            assert set(slots) <= there
            assert a["data-makes"] or a["data-uses"]


def test_the_path_of_a_weight_leads_through_every_unit_it_acts_on(lecture) -> None:
    page = Page(player(lecture, "w1"))
    lit = {a["data-at"] for a in page.all("g", **{"class": "path"}) if "data-at" in a}
    assert lit == {"W1.0", "W2.0", "W2.2"}
    lit = {a["data-at"] for a in Page(player(lecture, "w5")).all("g", **{"class": "path"}) if "data-at" in a}
    assert lit == {"W2.0"}


def test_a_large_network_is_drawn_by_the_units_that_matter(lecture) -> None:
    trace = large(784, 128, 10)
    text = player(trace, "W1[5,300]")
    page = Page(text)
    marks = {a["data-at"] for a in page.all("path") if "data-at" in a}
    assert {"x.300", "z1.5", "a1.5"} <= marks
    assert len(marks) < 40
    assert "… 779 more" in text and "… 123 more" in text and "… 5 more" in text
    assert len(text.encode()) < 200_000


def test_pages_of_small_networks_are_small(lecture) -> None:
    assert len(player(lecture, "w1", learning_rate=0.5).encode()) < 100_000
    assert len(player(large(3, 4, 3), "W1[0,0]").encode()) < 200_000


def test_a_dead_unit_is_drawn_with_the_path_that_carries_nothing() -> None:
    trace = large(30, 64, 32, 1)
    dead = int(np.flatnonzero(trace.values["a1"][0] == 0.0)[0])
    page = Page(player(trace, f"W1[{dead},7]"))
    marks = {a["data-at"] for a in page.all("path") if "data-at" in a}
    assert {f"z1.{dead}", f"a1.{dead}", "x.7"} <= marks
    assert "forward" in [a["data-phase"] for a in page.all("li", **{"class": "step"})]


def test_a_decimal_comma_is_written_everywhere_but_in_the_data(lecture) -> None:
    comma = from_toml('based_on = "cis678"\ndecimal = ","')
    page = Page(player(lecture, "w5", notation=comma))
    assert "0,0821670" in "".join(page.text) and said(page)[-1].endswith("0,0821670")
    assert explain_trace(lecture, "w5").value in {float(a["value"]) for a in page.all("data")}


NASTY = ['<script>alert("x")</script>', "a & b", "'\"><img src=x onerror=y>"]


def test_names_that_look_like_markup_are_harmless() -> None:
    net = Network(NASTY, [Dense(2, "tanh", unit_names=["</svg>", "<b>"]), Dense(1)], loss="mse")
    trace = backward(forward(net, initialize(net, 0), [[1.0, 2.0, 3.0]], [[1.0]])).trace
    text = player(trace, "W1[0,0]", learning_rate=0.1, labels={"x[1]": "</style><i>"})
    page = Page(text)
    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "b", "i"})
    assert len(page.all("script")) == 1 and len(page.all("style")) == 1
    assert any(NASTY[0][:10] in said for said in page.text)


def test_without_scripts_everything_can_be_read(lecture) -> None:
    page = Page(player(lecture, "w5"))
    hidden = [a for _, a in page.elements if "hidden" in a]
    assert [a["class"] for a in hidden] == ["controls"]
    assert not re.search(
        r"(?<!\.js )\.step \{[^}]*display: none", (files("chainrule.explain") / "assets/player.css").read_text()
    )


def test_readers_who_cannot_see_it_are_told_everything(lecture) -> None:
    page = Page(player(lecture, "w5", learning_rate=0.5))
    assert page.all("p", role="status")[0]["aria-live"] == "polite"
    assert all(a.get("aria-label") and a.get("title") for a in page.all("button"))
    assert all("role" in a or "aria-hidden" in a for a in page.all("svg"))
    assert said(page)[-2].startswith("Step 15 of 16. The answer: how L changes when w5 changes: ∂L/∂w5 = 0.0821670")
    assert page.all("html")[0]["lang"] == "en"
    tables = "".join(page.text)
    for value in ("0.593270", "0.55", "0.751365", "0.4"):  # numbers of the drawing, in its tables
        assert value in tables


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_is_sufficient_by_day_and_by_night() -> None:
    css = (files("chainrule.explain") / "assets/colours.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    for palette in (colours(light), colours(dark)):
        pairs = [(text, ground) for text in ("text", "soft") for ground in ("page", "card")]
        pairs += [("text", "unit"), ("text", "forward-tint"), ("text", "backward-tint"), ("page", "forward")]
        pairs += [(way, f"{way}-tint") for way in ("forward", "backward")]
        pairs += [(way, ground) for way in ("forward", "backward") for ground in ("page", "card")]
        for text, ground in pairs:
            high, low = sorted((luminance(palette[text]), luminance(palette[ground])), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)
        high, low = sorted((luminance(palette["wire"]), luminance(palette["card"])), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 2.5  # lines, beside which the numbers stand


def test_a_batch_shows_its_largest_share_and_then_the_sum() -> None:
    net = Network(2, [Dense(3, "tanh"), Dense(1)], loss="mse")
    trace = backward(
        forward(net, initialize(net, 2), [[1.0, 2.0], [0.5, -1.0], [3.0, 1.0]], [[1.0], [0.0], [2.0]])
    ).trace
    page = Page(player(trace, "W1[0,1]", learning_rate=0.1))
    phases = [a["data-phase"] for a in page.all("li", **{"class": "step"})]
    assert phases[-3:] == ["result", "batch", "update"]
    shown = {float(a["value"]) for a in page.all("data")}
    assert explain_trace(trace, "W1[0,1]").value in shown
    one = [a["data-phase"] for a in Page(player(trace, "W1[0,1]", row=1)).all("li", **{"class": "step"})]
    assert one[-1] == "result"


def test_a_learning_rate_needs_the_gradient_of_a_weight(lecture) -> None:
    with pytest.raises(SettingError, match="CR204"):
        player(lecture, "out(o1)", learning_rate=0.1)


def test_a_prediction_without_targets_is_walked_forward() -> None:
    net = Network(2, [Dense(3, "tanh"), Dense(2, "softmax")])
    page = Page(player(forward(net, initialize(net, 2), [[1.0, 2.0]]), "prediction[1]"))
    assert {a["data-phase"] for a in page.all("li", **{"class": "step"})} == {"forward"}


def test_a_scalar_graph_is_drawn_as_its_nodes() -> None:
    f = Expression("g = w * x; f = g + b", inputs=["x"])
    page = Page(player(backward(forward(f, f.theta(w=-2, b=3), [[5.0]])), "w"))
    assert {a["data-at"] for a in page.all("path") if "data-at" in a} == {"x.0", "w.0", "g.0", "b.0", "f.0"}
    assert said(page)[-1].endswith("∂f/∂w = 5")


def test_the_derivative_of_a_prediction_is_walked_too(lecture) -> None:
    page = Page(player(lecture, "d out(o1) / d w1"))
    assert "loss" not in [a["data-phase"] for a in page.all("li", **{"class": "step"})]
    assert explain_trace(lecture, "d out(o1) / d w1").value in {float(a["value"]) for a in page.all("data")}


def test_the_file_is_written_whole_or_not_at_all(lecture, tmp_path) -> None:
    write_player(tmp_path / "w5.html", lecture, "w5", notation="cis678", learning_rate=0.5)
    text = (tmp_path / "w5.html").read_text("utf-8")
    assert text == player(lecture, "w5", notation="cis678", learning_rate=0.5)
    assert text.startswith("<!DOCTYPE html>") and text.endswith("</html>\n")
    with pytest.raises(ModelFileError, match="CR507"):
        write_player(tmp_path / "nowhere" / "w5.html", lecture, "w5")


@pytest.fixture(scope="module")
def houses():
    table = {
        "floor_area": [50.0, 80.0, 120.0, 65.0],
        "age_in_years": [10.0, 20.0, 30.0, 45.0],
        "sold_for": [290.0, 270.0, 240.0, 230.0],
    }
    return fit(table, "sold_for", network=(3,), epochs=3, validation=0, test=0), table


def test_a_model_s_page_begins_and_ends_in_the_units_of_the_columns(houses):
    model, table = houses
    of = "d sold_for / d floor_area"
    text = player(trace_of_model(model, model.table(table, None)[0], 1), of, encoder=model.encoder)
    steps = Page(text).all("li", **{"class": "step"})
    said = [html.unescape(step["data-said"]) for step in steps]
    assert "x_floor_area = " in said[0] and said[0].startswith("Step 1 of")
    assert steps[-1]["data-phase"] == "result" and steps[-2]["data-phase"] == "backward"
    found = explain(model, table, of=of, row=1)
    assert said[-1].endswith(f"∂sold_for/∂floor_area = {shown(found.value)}")
    assert "sd" in text and "mean" in text


def test_names_of_columns_are_no_subscripts_on_a_page_and_in_latex(houses):
    model, table = houses
    of = "d sold_for / d floor_area"
    text = player(trace_of_model(model, model.table(table, None)[0], 1), of, encoder=model.encoder)
    assert "<mtext>floor_area</mtext>" in text and "<mtext>sold_for</mtext>" in text
    assert "<mi>floor</mi>" not in text and "<mi>sold</mi>" not in text
    latex = explain(model, table, of=of, row=1).to_latex()
    assert r"\frac{\partial \text{sold\_for}}{\partial \text{floor\_area}}" in latex
    trace = backward(forward(Network(2, [Dense(1)], loss="mse"), [1.0, 2.0, 0.5], [[1.0, 2.0]], [[1.0]]))
    assert "<mi>net</mi>" not in player(trace, "x[0]", labels={"x[0]": "net_income"})


def test_a_page_says_which_class_a_probability_belongs_to():
    table = {"size": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "kind": ["ant", "bee", "cat", "ant", "bee", "cat"]}
    model = fit(table, "kind", network=(3,), epochs=2, validation=0, test=0)
    text = player(trace_of_model(model, model.table(table, None)[0], 0), "prediction[1]", encoder=model.encoder)
    assert "is the probability of bee." in text
    two = fit({**table, "kind": ["ant", "bee"] * 3}, "kind", network=(3,), epochs=2, validation=0, test=0)
    assert "is the probability of bee." in str(explain(two, table, of="prediction", row=0))


def test_the_legend_names_what_is_differentiated(lecture):
    assert "backward: ∂ of the loss" in player(lecture, "w1")
    assert "backward: ∂ of out_o1" in player(lecture, "d out(o1) / d w1", notation="cis678")
