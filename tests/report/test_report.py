"""The report is one file that needs nothing else, says what it must, and keeps to itself what it is told to."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from chainrule import MLPClassifier, MLPRegressor, fit, load
from chainrule.cli.main import main
from chainrule.report import report, report_page
from chainrule.report.charts import LEFT, RIGHT, WIDTH, Line, lines

DRAWS = np.random.default_rng(4)
HOSTILE = '<script>alert("é")</script>'
N = 700
A = DRAWS.normal(size=N)
KIND = DRAWS.choice(["zebra<b>", "quagga&amp;", "okapi'\""], N)
CLASSES = {
    "length": A.round(7).tolist(),
    HOSTILE: KIND.tolist(),
    "note$": DRAWS.integers(0, 9, N).tolist(),
    "grade": [
        "wombat" if a + (kind == "zebra<b>") * 2 + e > 0.5 else "numbat"
        for a, kind, e in zip(A, KIND, DRAWS.normal(size=N) * 0.4, strict=True)
    ],
}
NUMBERS = {**{k: v for k, v in CLASSES.items() if k != "grade"}, "price": (A * 3 + DRAWS.normal(size=N)).tolist()}


@pytest.fixture(scope="module")
def classifier():
    return fit(CLASSES, "grade", network=(6,), epochs=12, metrics=["auc"])


@pytest.fixture(scope="module")
def regressor():
    return fit(NUMBERS, "price", network=(6,), epochs=8)


@pytest.fixture(scope="module")
def page(classifier):
    return report_page(classifier, CLASSES, command="chainrule fit rows.csv --target grade")


@pytest.fixture(scope="module")
def discreet(classifier):
    return report_page(classifier, CLASSES, rows=False)


class Read(HTMLParser):
    """The elements of a page and its text; the player's page inside the frame is read too."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def test_the_report_has_its_sections_in_order(page):
    ids = [one["id"] for one in Read(page).all("section")]
    assert ids == ["score", "data", "network", "curves", "findings", "drivers", "rows", "why", "repeat"]
    links = [one["href"] for one in Read(page).all("a") if one["href"].startswith("#")]
    assert links == [f"#{name}" for name in ids]


def test_the_report_of_numbers_has_them_too(regressor):
    found = Read(report_page(regressor, NUMBERS))
    assert [one["id"] for one in found.all("section")][-3:] == ["rows", "why", "repeat"]
    assert "Told worst" in found.text
    assert "mean predicted price" in "".join(found.text)


def test_it_says_what_was_measured_and_on_which_rows(page, classifier):
    said = "".join(Read(page).text)
    first = classifier.card["score"]["metrics"]["accuracy"]
    assert f"accuracy {first['value']:.4g} ({first['low']:.4g} to {first['high']:.4g})" in said
    assert "140 rows: the test rows, kept away from training" in said
    assert classifier.card["data"]["fingerprint"] in said
    assert "chainrule fit rows.csv --target grade" in said
    assert "nothing is ever sent anywhere" in " ".join(said.split())


def test_the_rows_it_shows_are_those_kept_away(page, classifier):
    from chainrule.provenance import origin

    tables = re.findall(r"<caption>(Most|Least) certain</caption>.*?<tbody>(.*?)</tbody>", page)
    assert [name for name, _ in tables] == ["Most", "Least"]
    shown = [int(n) for _, body in tables for n in re.findall(r'<th scope="row">(\d+)</th>', body)]
    test = origin(classifier, CLASSES).parts.test
    assert len(shown) == 10 and set(shown) <= set(test.tolist())
    sure = classifier.predict_proba(CLASSES)[test].max(axis=1)
    assert shown[0] == test[int(np.argmax(sure))]
    assert shown[5] == test[int(np.argmin(sure))]


@pytest.mark.parametrize("name", ["page", "discreet"])
def test_it_is_small_and_reaches_for_nothing_outside(name, request):
    text = request.getfixturevalue(name)
    assert len(text.encode()) < 1_000_000
    found = Read(text)
    frames = [one["srcdoc"] for one in found.all("iframe")]
    for part in (text, *frames):
        assert not re.search(r"(?:src|href|action|data)\s*=\s*[\"']?\s*(?:https?:|//)", part)
        assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(", part)
        assert "default-src 'none'" in part
    assert not found.all("link") and not found.all("img")


def test_names_and_categories_are_text_and_never_markup(page):
    found = Read(page)
    assert len(found.all("script")) == 1  # its own
    assert "alert(" in "".join(found.text)
    assert found.text.count("zebra<b>") >= 2
    inner = Read(found.all("iframe")[0]["srcdoc"])
    assert len(inner.all("script")) == 1


def test_without_rows_no_category_no_label_and_no_cell_is_in_the_file(discreet):
    for value in ("zebra", "quagga", "okapi", "wombat", "numbat"):
        assert value not in discreet
    assert "Left out, as asked" in discreet
    assert "<iframe" not in discreet
    cells = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", discreet)
    assert not {str(value) for value in CLASSES["length"]} & set(cells)
    assert {"class 1", "class 2"} <= set(cells)


def test_headings_go_down_one_by_one_and_every_picture_has_words(page):
    found = Read(page)
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    drawn = [one for one in found.all("svg") if one.get("aria-hidden") != "true"]
    assert len(drawn) >= 4
    assert all(one["role"] == "img" and len(one["aria-label"]) > 20 for one in drawn)
    assert all(one["title"] for one in found.all("iframe"))
    assert found.all("html")[0]["lang"] == "en"
    scrolled = [one for tag, one in found.elements if "scroll" in one.get("class", "").split()]
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in scrolled)


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_sufficient_by_day_and_by_night():
    common = (files("chainrule.explain") / "assets/colours.css").read_text("utf-8")
    own = (files("chainrule.report") / "assets/report.css").read_text("utf-8")
    blocks = [re.findall(r":root \{(.*?)\}", css, re.S) for css in (common, own)]
    day, night = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", "".join(found[k] for found in blocks))) for k in (0, 1)
    )
    for palette in (day, {**day, **night}):
        for text in ("text", "soft", "forward", "backward", "s2", "s3", "s4", "s5"):
            for ground in ("page", "card"):
                assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
        assert contrast(palette["text"], palette["forward-tint"]) >= 4.5


def test_a_curve_of_one_point_stands_in_the_middle():
    picture = lines([Line("loss", [1.0], [0.5])], "epoch", "loss", "one epoch")
    middle = (LEFT + WIDTH - RIGHT) / 2
    assert f'class="dot s0" cx="{middle:.1f}"' in picture


def test_data_that_were_not_trained_on_are_said_to_be_so(classifier):
    other = {name: values[:150] for name, values in CLASSES.items()}
    said = "".join(Read(report_page(classifier, other)).text)
    assert "whether the network was trained on them is not known" in said


def test_without_data_and_without_targets_it_still_tells_what_it_can(classifier):
    ids = [one["id"] for one in Read(report_page(classifier)).all("section")]
    assert ids == ["score", "data", "network", "curves", "repeat"]
    untold = {name: values for name, values in CLASSES.items() if name != "grade"}
    assert [one["id"] for one in Read(report_page(classifier, untold)).all("section")] == ids


def test_the_same_run_has_the_same_report(classifier, page, tmp_path):
    path = report(load(classifier.save(tmp_path / "m.model")), CLASSES, tmp_path / "r.html")
    again = path.read_text("utf-8")
    assert Read(again).text[5:40] == Read(page).text[5:40]
    assert report_page(classifier, CLASSES) == report_page(classifier, CLASSES)


def test_fit_writes_it_beside_the_model_and_can_be_told_not_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "a,animal,y\n" + "".join(f"{i % 13},{'wombat' if i % 3 else 'numbat'},{i % 5}\n" for i in range(120))
    (tmp_path / "rows.csv").write_text(rows)
    usual = ["fit", "rows.csv", "--target", "y", "--task", "regression", "--epochs", "3", "--network", "4", "-q"]
    assert left(usual) == 0
    text = (tmp_path / "rows.report.html").read_text("utf-8")
    command = re.search(r"<pre tabindex='0'>(chainrule fit rows.csv .*?)</pre>", text)[1]
    assert set(command.split(" --")[1:]) == {"target y", "task regression", "epochs 3", "network 4", "quiet"}
    assert "wombat" in text
    assert left([*usual, "--out", "b.model", "--no-report"]) == 0
    assert not (tmp_path / "b.report.html").exists()
    assert left([*usual, "--out", "c.model", "--no-rows"]) == 0
    assert "wombat" not in (tmp_path / "c.report.html").read_text("utf-8")
    assert left(["report", "b.model", "--out", "d.html"]) == 0  # the data are where they were
    assert 'id="drivers"' in (tmp_path / "d.html").read_text("utf-8")
    assert left(["report", "b.model", "--out", "rows.csv"]) == 2


def left(arguments):
    with pytest.raises(SystemExit) as code:
        main(arguments)
    return code.value.code


@pytest.mark.filterwarnings("ignore::chainrule.estimators.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*a linear model reaches")
@pytest.mark.parametrize("kind", ["several labels", "several numbers", "classes"])
def test_a_saved_estimator_has_a_report_too(kind, tmp_path):
    source = np.random.default_rng(0)
    x = source.normal(size=(120, 3))
    y = {"several labels": (x[:, :2] > 0).astype(int), "several numbers": x[:, :2] * 2, "classes": x[:, 0] > 0}[kind]
    maker = MLPRegressor if kind == "several numbers" else MLPClassifier
    model = load(maker(hidden_layer_sizes=(4,), max_iter=20, random_state=0).fit(x, y).save(tmp_path / "a.model"))
    assert [one["id"] for one in Read(report_page(model)).all("section")] == ["score", "network", "curves", "repeat"]
    names = ["target"] if y.ndim == 1 else [f"target {i}" for i in range(y.shape[1])]
    table = {f"x{i}": x[:, i] for i in range(3)} | dict(zip(names, y.T if y.ndim == 2 else [y], strict=True))
    said = report_page(model, table)
    assert 'id="drivers"' in said and 'id="why"' in said and f"{maker.__name__}(hidden_layer_sizes=(4,)" in said
